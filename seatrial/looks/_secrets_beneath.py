"""Files below a path, seen from a root that may be a container's: no symbolic link leads out of it, and nothing waits.

A container chooses its own symbolic links, and may change them while we look. So every component is opened by itself,
links are read and followed by hand from that root, and what was opened is what is looked at.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Found", "enter", "find", "walk"]

MOST_LINKS = 40
_NEVER = frozenset({"/proc", "/sys", "/dev"})
"""What the kernel shows there is no file of anybody's."""


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file: where it is below the root, who may read it, and its content as far as it was asked for.

    Or a file or a folder that is closed to us, and to everybody else but its owner.
    """

    path: str
    mode: int
    uid: int
    gid: int
    shut: bool
    """True when a folder above it lets nobody else in."""
    size: int
    data: bytes
    unread: bool = False
    """True when we may not read it either."""
    modified: float = 0.0
    """Seconds since the epoch."""


def find(root: str, path: str, most: int, *, end: bool = False) -> Found | None:
    """One file; None when there is something else.

    Args:
        root: what ``/`` is: ``/``, or ``/proc/PID/root``.
        path: absolute, below that root.
        most: bytes that are read.
        end: whether those are its last and not its first.

    Raises:
        OSError: it is not there, or hidden from us.
    """
    handle, real, shut = enter(root, path)
    try:
        return _read(handle, real, shut, most, end=end)
    finally:
        os.close(handle)


def walk(root: str, path: str, most: int) -> Iterator[Found]:
    """The regular files below a path, those nearest to it first; of a file, itself. Links below it are not followed.

    Args:
        root: what ``/`` is: ``/``, or ``/proc/PID/root``.
        path: absolute, below that root.
        most: bytes of each file that are read.

    Raises:
        OSError: the path is not there, or hidden from us; or a folder below it is.
    """
    folders = deque([path])
    while folders:
        handle, real, shut = enter(root, folders.popleft())
        try:
            if not stat.S_ISDIR(os.fstat(handle).st_mode):
                if found := _read(handle, real, shut, most):
                    yield found
                continue
            try:
                listed = _listed(handle)
            except PermissionError:
                about = os.fstat(handle)
                if about.st_mode & stat.S_IXOTH:
                    raise
                yield Found(real, stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid, True, 0, b"", unread=True)
                continue
            for name, kind in listed:
                below = f"{real.rstrip('/')}/{name}"
                if kind == "folder" and below not in _NEVER:
                    folders.append(below)
                elif kind == "file" and (found := _child(handle, name, below, shut, most)):
                    yield found
        except FileNotFoundError:
            continue  # it went away while we looked
        finally:
            os.close(handle)


def enter(root: str, path: str) -> tuple[int, str, bool]:
    """A handle on what a path leads to, where that really is, and whether a folder above it lets nobody else in."""
    parts = deque(part for part in path.split("/") if part not in ("", "."))
    trail = [(os.open(root, os.O_PATH | os.O_DIRECTORY), "")]
    links = 0
    try:
        while parts:
            part = parts.popleft()
            if part == "..":
                if len(trail) > 1:
                    os.close(trail.pop()[0])
                continue
            handle = os.open(part, os.O_PATH | os.O_NOFOLLOW, dir_fd=trail[-1][0])
            if not stat.S_ISLNK(os.fstat(handle).st_mode):
                trail.append((handle, part))
                continue
            os.close(handle)
            links += 1
            if links > MOST_LINKS:
                raise OSError(40, "too many symbolic links", path)
            target = os.readlink(part, dir_fd=trail[-1][0])
            if target.startswith("/"):
                while len(trail) > 1:
                    os.close(trail.pop()[0])
            parts.extendleft(reversed([word for word in target.split("/") if word not in ("", ".")]))
        shut = any(not os.fstat(handle).st_mode & stat.S_IXOTH for handle, _ in trail[:-1])
        last = os.fstat(trail[-1][0])
        # Whoever walks on from here walks through this folder, too.
        shut = shut or (stat.S_ISDIR(last.st_mode) and not last.st_mode & stat.S_IXOTH)
        return os.dup(trail[-1][0]), "/" + "/".join(name for _, name in trail[1:]), shut
    finally:
        for handle, _ in trail:
            os.close(handle)


def _listed(handle: int) -> list[tuple[str, str]]:
    """What a folder holds, by name: folders and files, and no links, sockets or devices."""
    again = os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_DIRECTORY)
    try:
        found = []
        with os.scandir(again) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    found.append((entry.name, "folder"))
                elif entry.is_file(follow_symlinks=False):
                    found.append((entry.name, "file"))
        return sorted(found)
    finally:
        os.close(again)


def _child(folder: int, name: str, path: str, shut: bool, most: int) -> Found | None:
    try:
        handle = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        return None
    try:
        return _read(handle, path, shut, most)
    finally:
        os.close(handle)


def _read(handle: int, path: str, shut: bool, most: int, *, end: bool = False) -> Found | None:
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        return None
    data, unread = b"", False
    if about.st_size:
        try:
            again = os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except PermissionError:
            if about.st_mode & stat.S_IROTH:
                raise
            unread = True
        else:
            with open(again, "rb") as stream:
                if end:
                    stream.seek(max(0, about.st_size - most))
                data = stream.read(most)
    mode = stat.S_IMODE(about.st_mode)
    return Found(path, mode, about.st_uid, about.st_gid, shut, about.st_size, data, unread, about.st_mtime)
