"""The journal: what is done to a target is on disk before it is done, and so is that it was undone.

One folder a target, below ``$XDG_STATE_HOME/seatrial/targets``; in it a lock, which one run holds at a time, and one file of
JSON lines for each run that disturbed. A journal without its last line, ``closed``, tells of a target that may not be as it
was found.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.safety.acts import Act
from seatrial.words import CouldNotLook

__all__ = [
    "Entry", "Held", "Journal", "folder_of", "held", "held_at", "journals", "life", "open_journals", "read", "sign",
    "state_folder", "unrecovered",
]  # fmt: skip

VERSION = 1
_STATE = "a folder of this user's own: SEATRIAL_STATE, or XDG_STATE_HOME"


class Held(Exception):
    """Another run holds this target: who, and since when."""


def state_folder() -> Path:
    """Where journals lie: ``SEATRIAL_STATE``, else ``$XDG_STATE_HOME/seatrial`` (XDG Base Directory Specification)."""
    if own := os.environ.get("SEATRIAL_STATE"):
        return Path(own)
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(base) / "seatrial"


def folder_of(key: str) -> Path:
    """The folder of a target, made when it is not there; for its owner alone. The key is its identity and what of it is meant.

    Raises:
        CouldNotLook: it can't be made.
    """
    folder = state_folder() / "targets" / hashlib.sha256(key.encode()).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as why:
        raise CouldNotLook(f"no journal can be kept in {folder}: {why.strerror}", right=_STATE) from None
    return folder


@contextlib.contextmanager
def held(key: str) -> Iterator[int]:
    """Hold a target: no other run of this machine disturbs it meanwhile. Gives the lock's file descriptor, for a child that is
    to hold it on.

    Raises:
        Held: another run has it.
    """
    with held_at(folder_of(key)) as descriptor:
        yield descriptor


@contextlib.contextmanager
def held_at(folder: Path, who: str = "") -> Iterator[int]:
    """As `held`, for a target whose folder is known.

    Args:
        folder: that journals of the target lie in.
        who: holds it, when that is not just a run.

    Raises:
        CouldNotLook: it can't be locked at all.
        Held: another run has it.
    """
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as why:
        raise CouldNotLook(f"{folder} can't be locked: {why.strerror}", right=_STATE) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Held(os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip() or "another run") from None
        sign(descriptor, who)
        yield descriptor
    finally:
        os.close(descriptor)


def sign(descriptor: int, who: str = "") -> None:
    """Write into a lock who holds it."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with contextlib.suppress(OSError):  # it holds without a signature too
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{who}{', ' if who else ''}pid {os.getpid()}, since {stamp}".encode(), 0)


class Journal:
    """The journal of one run. Every line is on the disk before the method that writes it returns.

    Its methods raise `CouldNotLook` when that is not so: what was to be noted must not be done then.
    """

    def __init__(self, file: Path, head: dict[str, Any]) -> None:
        """Begin a journal; ``head`` tells what `seatrial recover` needs to have the driver's hands again."""
        self.file = file
        self._number = 0
        try:
            self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as why:
            raise CouldNotLook(f"no journal can be begun at {file}: {why.strerror}; nothing was disturbed") from None
        try:
            self._write({"journal": VERSION, "pid": os.getpid(), "life": life(os.getpid()), "at": time.time(), **head})
            _sync_folder(file.parent)
        except CouldNotLook:
            self.abandon()
            file.unlink(missing_ok=True)
            raise

    @classmethod
    def again(cls, file: Path) -> Journal:
        """A journal of another process that has ended, to go on with. A line that was cut off goes: nothing came after it.

        Raises:
            CouldNotLook: it can't be written.
        """
        made = cls.__new__(cls)
        made.file, made._number = file, 0
        try:
            whole = file.read_bytes().rfind(b"\n") + 1
            made._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            os.ftruncate(made._descriptor, whole)
        except OSError as why:
            raise CouldNotLook(f"{file} can't be written: {why.strerror}") from None
        return made

    def _write(self, line: dict[str, Any]) -> None:
        text = (json.dumps(line, ensure_ascii=False) + "\n").encode()
        try:
            size = os.fstat(self._descriptor).st_size
            try:
                if os.write(self._descriptor, text) != len(text):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(self._descriptor)
            except OSError:
                # Half a line would spoil the next one.
                os.ftruncate(self._descriptor, size)
                raise
        except OSError as why:
            raise CouldNotLook(f"the journal {self.file} can't be written: {why.strerror}") from None

    def note(self, **what: Any) -> None:
        """Note what whoever reads it by eye should know."""
        self._write({**what, "at": time.time()})

    def begin(self, act: Act) -> int:
        """Note that an act is about to be done; gives its number."""
        self._number += 1
        self._write({"begin": self._number, "at": time.time(), "act": act.told()})
        return self._number

    def done(self, number: int) -> None:
        """Note that it was done."""
        self.note(done=number)

    def undoing(self, number: int) -> None:
        """Note that it is about to be undone."""
        self.note(undoing=number)

    def undone(self, number: int) -> None:
        """Note that it is undone."""
        self.note(undone=number)

    def close(self) -> None:
        """Note that all is as it was found: nobody needs to look here again."""
        if self._descriptor >= 0:
            self.note(closed=True)
            self.abandon()

    def abandon(self) -> None:
        """Leave it as it is, open for `seatrial recover`."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _sync_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as why:
        raise CouldNotLook(f"the journal's folder {folder} can't be written: {why.strerror}") from None


def life(pid: int) -> str:
    """What tells this process from every other that has or had its number: its boot and its start.

    Empty when it does not run, or nobody tells.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        words = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return (
        "" if words[0] in "ZX" else f"{boot} {words[19]}"
    )  # proc(5): state is the first after the name, starttime the 20th


@dataclass(frozen=True, slots=True)
class Entry:
    """What a journal says."""

    file: Path
    head: dict[str, Any]
    standing: tuple[tuple[int, Act], ...]
    """Acts that were begun and not undone, the last first."""
    closed: bool
    began: dict[int, float] = field(default_factory=dict)
    """When each was begun, in seconds since the epoch."""
    done: frozenset[int] = frozenset()
    """Those that are known to have been done to their end."""
    undoing: dict[int, float] = field(default_factory=dict)
    """When somebody began to undo one."""

    @property
    def alive(self) -> bool:
        """Whether the run that made it still lives."""
        pid, was = self.head.get("pid"), self.head.get("life")
        return bool(was) and isinstance(pid, int) and life(pid) == was


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
    for number, text in enumerate(raw.split(b"\n")[:-1], 1):
        try:
            lines.append(json.loads(text))
        except (ValueError, RecursionError):
            raise CouldNotLook(
                f"{file}:{number} is no JSON: this is no journal, or it was changed; it is left as it is"
            ) from None
    if not lines:  # cut off before its first line was whole: nothing was done yet
        if raw and not raw.startswith(b'{"journal"'[: len(raw)]):
            raise CouldNotLook(f"{file} is no journal; it is left as it is")
        return Entry(file, {}, (), closed=True)
    head = lines[0]
    if not isinstance(head, dict) or "journal" not in head:
        raise CouldNotLook(f"{file} is no journal; it is left as it is")
    if head["journal"] != VERSION:
        raise CouldNotLook(
            f"{file} is a journal of version {head['journal']}; this Seatrial reads version {VERSION}: "
            "recover it with the one that wrote it"
        )
    try:
        begun = {line["begin"]: Act(**line["act"]) for line in lines if "begin" in line}
        undone = {line["undone"] for line in lines if "undone" in line}
        return Entry(
            file,
            head,
            tuple((number, act) for number, act in reversed(begun.items()) if number not in undone),
            closed=any("closed" in line for line in lines),
            began={line["begin"]: float(line["at"]) for line in lines if "begin" in line},
            done=frozenset(line["done"] for line in lines if "done" in line),
            undoing={line["undoing"]: float(line["at"]) for line in lines if "undoing" in line},
        )
    except (KeyError, TypeError, ValueError):
        raise CouldNotLook(f"{file} does not say what was done as a journal does; it is left as it is") from None


def journals(folder: Path | None = None) -> list[Path]:
    """Every journal of a target, or of all of them, the oldest first."""
    return sorted(folder.glob("*.jsonl") if folder else (state_folder() / "targets").glob("*/*.jsonl"))


def open_journals(folder: Path | None = None) -> list[Entry]:
    """Those that were never closed."""
    return [entry for entry in map(read, journals(folder)) if not entry.closed]


def unrecovered(key: str) -> str:
    """Why a target must not be disturbed now: an earlier run left it so, or that can't be told; empty when it may."""
    try:
        left = [entry for entry in open_journals(folder_of(key)) if entry.standing]
    except CouldNotLook as why:
        return f"whether an earlier run left this target disturbed can't be told: {why.reason}"
    if not left:
        return ""
    return f"an earlier run left this target disturbed ({left[0].file}): say `seatrial recover` first"
