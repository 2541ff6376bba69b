"""Writers: what a record looks like to its readers. One module each, found by scanning this package.

A writer has ``NAME`` and ``write(record, folder)``, which gives the text of the file of that name, or a mapping of names to
texts: then ``NAME`` is a folder of these files. It decides nothing: outcomes and counts are the record's. Texts are swept for
secrets that the run knows, and a file or folder is put in place whole or not at all.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import pkgutil
import shutil
import tempfile
import urllib.parse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from seatrial.record import Record

__all__ = ["available", "put", "put_folder", "sweep", "write_all"]

SHORTEST = 6
"""Characters: a secret shorter than this is found everywhere by chance, and can't be told from other text."""

HALVES = "backslashreplace"
"""What becomes of a byte that was no text where it was read, a process's name say: in JSON that is the way to write it."""


def available() -> list[str]:
    """The names of the writers of files; the console is none."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_") and m.name != "console")


def sweep(text: str, secrets: Iterable[str]) -> tuple[str, int]:
    """The text without the secrets, as they are and as JSON, XML, HTML, Markdown, URLs and headers would carry them.

    Returns:
        That text, and how many secrets there were.
    """
    from seatrial.writers._text import in_html, in_markdown

    found = 0
    for secret in secrets:
        if len(secret) < SHORTEST:
            continue
        encoded = base64.b64encode(secret.encode()).decode()
        forms = {secret, json.dumps(secret)[1:-1], escape(secret), urllib.parse.quote(secret, safe=""), encoded}
        forms |= {in_html(secret), in_markdown(secret), secret.replace("\n", " ")}
        for form in sorted(forms, key=len, reverse=True):
            found += text.count(form)
            text = text.replace(form, "***")
    return text, found


def put(path: Path, text: str) -> None:
    """Write a file whole or not at all: a reader never sees half of it, and neither does the next run after a crash."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors=HALVES) as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def put_folder(path: Path, files: Mapping[str, str]) -> None:
    """Write a folder of files whole or not at all; one that was there is replaced."""
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        for name, text in files.items():
            (temporary / name).write_text(text, encoding="utf-8", errors=HALVES)
            os.chmod(temporary / name, 0o644)
        os.chmod(temporary, 0o755)
        shutil.rmtree(path, ignore_errors=True)
        os.replace(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def write_all(record: Record, folder: Path, *, secrets: Iterable[str] = ()) -> list[str]:
    """Write every report, the manifest last; give what went wrong, one line each. One writer's trouble is no other's.

    A writer that has ``deliver(path)`` is told when its file is in place, to take it where else it is wanted.

    A secret that a report would have held is cut out and told: that it got so far is a fault of ours.
    """
    problems: list[str] = []
    known = [secret for secret in secrets if secret]
    for path in [path for path in folder.iterdir() if path.is_file()]:
        text, found = sweep(path.read_text(encoding="utf-8"), known)
        if found:
            put(path, text)
            problems.append(f"{path.name} held a secret {found} times; it was cut out. Please report this as a bug")
    # The manifest tells of all other files.
    for name in sorted(available(), key=lambda name: name == "manifest"):
        try:
            writer = importlib.import_module(f"{__name__}.{name}")
            written = writer.write(record, folder)
            texts = {"": written} if isinstance(written, str) else written
            swept = {name: sweep(text, known) for name, text in texts.items()}
            if isinstance(written, str):
                put(folder / writer.NAME, swept[""][0])
                if deliver := getattr(writer, "deliver", None):
                    deliver(folder / writer.NAME)
            elif swept:  # a folder without files is none
                put_folder(folder / writer.NAME, {name: text for name, (text, _) in swept.items()})
            if found := sum(count for _, count in swept.values()):
                problems.append(
                    f"{writer.NAME} held a secret {found} times; it was cut out. Please report this as a bug"
                )
        except Exception as trouble:  # noqa: BLE001 - a report that can't be written must not cost the others
            problems.append(f"{name} could not be written: {type(trouble).__name__}: {trouble}")
    return problems
