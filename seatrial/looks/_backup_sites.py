"""Where backups lie, and how each place lists and opens them: a folder seen from some root, what an engine hands out, a bucket.

Nothing is followed that is a link, nothing is opened that would wait, and nothing is written but scratch copies.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from seatrial.looks import _secrets_beneath as beneath
from seatrial.words import CouldNotLook

__all__ = ["MOST_ENTRIES", "Entry", "Listing", "folder", "printable"]

MOST_ENTRIES = 100_000
"""Entries of one place that are listed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that lies there."""

    name: str
    """Below the place; of something in a folder with the folder's name before it."""
    kind: str
    size: int
    modified: float
    mode: int = 0
    uid: int = -1
    gid: int = -1
    identity: str = ""
    tag: str = ""
    open: Callable[[], BinaryIO] | None = field(default=None, repr=False)
    below: Callable[[], list[Entry]] | None = field(default=None, repr=False)
    """What a folder holds."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies at a place."""

    entries: list[Entry]
    single: bool = False
    """True when the place is a file."""
    itself: Entry | None = None
    closed: bool | None = None
    """Whether a folder above it lets nobody else in; None where that can't be seen."""


_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


def printable(name: str) -> str:
    """A name as it can be written anywhere: a file's may hold line feeds, and bytes that are no text."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in name)


def folder(root: str, path: str, where: str) -> Listing:
    """What lies at a path of this machine, or of a container whose root can be entered.

    Args:
        root: what ``/`` is.
        path: absolute, below that root.
        where: what it is called in messages.

    Raises:
        FileNotFoundError: it is not there.
        CouldNotLook: it may not be listed, or holds too much.
    """
    try:
        handle, real, shut = beneath.enter(root, path)
    except FileNotFoundError:
        raise
    except OSError as why:
        raise CouldNotLook(f"{where} can't be looked at: {why.strerror}", right=f"read {where}") from None
    try:
        about = os.fstat(handle)
        name = real.rpartition("/")[2]
        if not stat.S_ISDIR(about.st_mode):
            parent = real.rpartition("/")[0] or "/"
            return Listing([_entry(root, parent, name, name, about)], True, None, shut)
        itself = _entry(root, real.rpartition("/")[0] or "/", name, name, about)
        return Listing(_listed(handle, root, real, "", where), False, itself, shut)
    finally:
        os.close(handle)


def _entry(root: str, parent: str, name: str, shown: str, about: os.stat_result) -> Entry:
    kind = _KINDS.get(stat.S_IFMT(about.st_mode), "device")
    return Entry(
        printable(shown), kind, about.st_size if kind == "file" else 0, about.st_mtime, stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid,
        f"{about.st_dev}:{about.st_ino}",
        open=(lambda: _opened(root, parent, name, about)) if kind == "file" else None,
        below=(lambda: _below(root, f"{parent.rstrip('/')}/{name}", shown)) if kind == "folder" else None,
    )  # fmt: skip


def _opened(root: str, parent: str, name: str, about: os.stat_result) -> BinaryIO:
    """The very file that was listed.

    Raises:
        CouldNotLook: it may not be read, or is another meanwhile.
    """
    try:
        with _entered(root, parent) as handle:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            stream: BinaryIO = os.fdopen(os.open(name, flags, dir_fd=handle), "rb", buffering=0)
    except PermissionError:
        raise CouldNotLook(f"{name} can't be read by this user", right=f"read {parent.rstrip('/')}/{name}") from None
    except OSError as why:
        raise CouldNotLook(f"{name} can't be read: {why.strerror}") from None
    now = os.fstat(stream.fileno())
    if (now.st_dev, now.st_ino) != (about.st_dev, about.st_ino):
        stream.close()
        raise CouldNotLook(f"{name} was replaced while it was looked at")
    return stream


@contextmanager
def _entered(root: str, path: str) -> Iterator[int]:
    handle, _, _ = beneath.enter(root, path)
    try:
        yield handle
    finally:
        os.close(handle)


def _below(root: str, path: str, shown: str) -> list[Entry]:
    try:
        with _entered(root, path) as handle:
            return _listed(handle, root, path, f"{shown}/", shown)
    except OSError as why:
        raise CouldNotLook(f"{shown} can't be listed: {why.strerror}", right=f"list {shown}") from None


def _listed(handle: int, root: str, path: str, before: str, where: str) -> list[Entry]:
    try:
        again = os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_DIRECTORY)
    except OSError as why:
        raise CouldNotLook(f"{where} can't be listed: {why.strerror}", right=f"list {where}") from None
    try:
        found = []
        with os.scandir(again) as entries:
            for entry in entries:
                try:
                    about = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # it went away while we looked
                found.append(_entry(root, path, entry.name, before + entry.name, about))
                if len(found) > MOST_ENTRIES:
                    raise CouldNotLook(f"{where} holds more than {MOST_ENTRIES:,} entries")
        return found
    finally:
        os.close(again)
