"""What a backup left, read from the copy that was fetched of it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from seatrial.facts.backups.drill import Taken
from seatrial.words import CouldNotLook, Missing

__all__ = ["digest_of", "files_of", "taken"]

MOST_FILES = 100
"""Files of it that are read to their end."""
MOST_READ = 1024**3
"""Bytes that reading one file to its end may come to."""


def files_of(artifact: Path) -> Iterator[Path]:
    """The regular files of a backup, sorted; links are not followed."""
    if artifact.is_symlink() or not artifact.is_dir():
        if artifact.is_file() and not artifact.is_symlink():
            yield artifact
        return
    for folder, folders, names in os.walk(artifact):
        folders.sort()
        for name in sorted(names):
            path = Path(folder) / name
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def digest_of(artifact: Path) -> str:
    """sha256 of a file; of a folder that of its files' names and contents. How it is called does not count."""
    whole = hashlib.sha256()
    for path in files_of(artifact):
        if path != artifact:
            whole.update(f"{path.relative_to(artifact)}\0".encode("utf-8", "surrogateescape"))
        with path.open("rb") as stream:
            while block := stream.read(1024 * 1024):
                whole.update(block)
    return whole.hexdigest()


def taken(artifact: Path, name: str) -> Taken:
    """What it is.

    Args:
        artifact: the copy.
        name: what it is called where it lay.
    """
    files = list(files_of(artifact))
    sizes = [path.stat().st_size for path in files]
    largest = files[sizes.index(max(sizes))] if files else artifact
    form, broken = _read(artifact, files, largest)
    return Taken(
        name=name or artifact.name,
        form=form,
        size=sum(sizes),
        files=len(files),
        digest=digest_of(artifact),
        mode=max((stat.S_IMODE(path.stat().st_mode) for path in files), key=lambda mode: mode & 0o77, default=0),
        broken=broken,
    )


def _read(artifact: Path, files: list[Path], largest: Path) -> tuple[str, str | Missing]:
    """What its largest file is, and whether every file can be read to its end.

    Of a folder only what lies in it at once: below that are, in a mirror, files that are as the data has them.
    """
    from seatrial import archives

    if not files:
        return "", ""
    with largest.open("rb") as stream:
        form, broken = archives.form(stream.read(archives.HEAD)), []
    upper = [each for each in files if each == artifact or (each.parent == artifact and each.stat().st_size)]
    try:
        for path in upper[:MOST_FILES]:
            reading = archives.read(path, most=MOST_READ)
            form = reading.form if path == largest else form
            if isinstance(reading.broken, Missing):
                return form, reading.broken
            if reading.broken:
                broken.append(f"{path.name}: {reading.broken}")
    except CouldNotLook as why:
        return form, Missing(why.reason, why.right)
    return form, "; ".join(dict.fromkeys(broken[:3]))
