"""The journal: what is done to a target is on disk before it is done, and so is that it was undone.

One folder a target, below ``$XDG_STATE_HOME/seatrial/targets``; in it a lock, which one run holds at a time, and one file of
JSON lines for each run that disturbed. A journal without its last line, ``closed``, tells of a target that may not be as it
was found.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.safety.acts import Act
from seatrial.words import CouldNotLook

__all__ = ["Entry", "Held", "Journal", "folder_of", "held", "journals", "open_journals", "read", "state_folder"]

VERSION = 1


class Held(Exception):
    """Another run holds this target: who, and since when."""


def state_folder() -> Path:
    """Where journals lie: ``SEATRIAL_STATE``, else ``$XDG_STATE_HOME/seatrial`` (XDG Base Directory Specification)."""
    if own := os.environ.get("SEATRIAL_STATE"):
        return Path(own)
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(base) / "seatrial"


def folder_of(key: str) -> Path:
    """The folder of a target, made when it is not there; for its owner alone. The key is its identity and what of it is meant."""
    folder = state_folder() / "targets" / hashlib.sha256(key.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


@contextlib.contextmanager
def held(key: str) -> Iterator[int]:
    """Hold a target: no other run of this machine disturbs it meanwhile. Gives the lock's file descriptor, for a child that is
    to hold it on.

    Raises:
        Held: another run has it.
    """
    descriptor = os.open(folder_of(key) / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            who = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip() or "another run"
            raise Held(who) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(
            descriptor, f"pid {os.getpid()}, since {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}".encode(), 0
        )
        yield descriptor
    finally:
        os.close(descriptor)


class Journal:
    """The journal of one run. Every line is on the disk before the method that writes it returns."""

    def __init__(self, file: Path, head: dict[str, Any]) -> None:
        """Begin a journal; ``head`` tells what `seatrial recover` needs to have the driver's hands again."""
        self.file = file
        self._number = 0
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._write({"journal": VERSION, "pid": os.getpid(), "at": time.time(), **head})
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _write(self, line: dict[str, Any]) -> None:
        os.write(self._descriptor, (json.dumps(line, ensure_ascii=False) + "\n").encode())
        os.fsync(self._descriptor)

    def begin(self, act: Act) -> int:
        """Note that an act is about to be done; gives its number."""
        self._number += 1
        self._write({"begin": self._number, "at": time.time(), "act": act.told()})
        return self._number

    def done(self, number: int) -> None:
        """Note that it was done."""
        self._write({"done": number, "at": time.time()})

    def undone(self, number: int) -> None:
        """Note that it is undone."""
        self._write({"undone": number, "at": time.time()})

    def close(self) -> None:
        """Note that all is as it was found: nobody needs to look here again."""
        if self._descriptor >= 0:
            self._write({"closed": True, "at": time.time()})
            self.abandon()

    def abandon(self) -> None:
        """Leave it as it is, open for `seatrial recover`."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


@dataclass(frozen=True, slots=True)
class Entry:
    """What a journal says."""

    file: Path
    head: dict[str, Any]
    standing: tuple[tuple[int, Act], ...]
    """Acts that were begun and not undone, the last first."""
    closed: bool


def read(file: Path) -> Entry:
    """Read a journal. A last line that is cut off was never acted on: the act comes after its line is whole.

    Raises:
        CouldNotLook: it is none, or of a version we don't read.
    """
    try:
        raw = file.read_bytes()
    except OSError as why:
        raise CouldNotLook(f"{file} can't be read: {why.strerror}") from None
    lines = []
    for text in raw.split(b"\n")[:-1]:
        try:
            lines.append(json.loads(text))
        except ValueError:
            raise CouldNotLook(f"{file} holds a line that is no JSON: it is no journal, or it was changed") from None
    if not lines:  # cut off before its first line was whole: nothing was done yet
        return Entry(file, {}, (), closed=True)
    head = lines[0]
    if head.get("journal") != VERSION:
        raise CouldNotLook(
            f"{file} is a journal of version {head.get('journal')}; this Seatrial reads version {VERSION}"
        )
    begun = {line["begin"]: Act(**line["act"]) for line in lines if "begin" in line}
    undone = {line["undone"] for line in lines if "undone" in line}
    standing = tuple((number, act) for number, act in reversed(begun.items()) if number not in undone)
    return Entry(file, head, standing, closed=any("closed" in line for line in lines))


def journals(folder: Path | None = None) -> list[Path]:
    """Every journal of a target, or of all of them, the oldest first."""
    return sorted(folder.glob("*.jsonl") if folder else (state_folder() / "targets").glob("*/*.jsonl"))


def open_journals(folder: Path | None = None) -> list[Entry]:
    """Those that were never closed."""
    return [entry for entry in map(read, journals(folder)) if not entry.closed]
