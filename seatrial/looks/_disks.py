"""The file system at a path, on the machine or inside a container: size, what is free, and what it lies on."""

from __future__ import annotations

import os
import posixpath
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from seatrial.facts.machine import Disk
from seatrial.looks._medium import Mounted, medium, mounted
from seatrial.words import Missing

__all__ = ["bounded", "disk", "inside", "root_of"]

PROC, SYS = Path("/proc"), Path("/sys")
WITHIN = 5.0
"""Seconds a file system has to answer: one whose server is gone never does."""
MOST_LINKS = 40
T = TypeVar("T")


def bounded(ask: Callable[[], T], what: str, within: float = WITHIN) -> T | Missing:
    """What a call that may hang gives, or that it gave nothing in time."""
    found: list[T | Missing] = []

    def run() -> None:
        try:
            found.append(ask())
        except OSError as why:
            right = "root" if isinstance(why, PermissionError) else ""
            found.append(Missing(f"{what}: {why.strerror or why}", right))

    thread = threading.Thread(target=run, name="seatrial-machine", daemon=True)
    thread.start()
    thread.join(within)
    return found[0] if found else Missing(f"{what} did not answer within {within:g} s")


def inside(root: str, path: str) -> str:
    """A path with its symbolic links followed, all of them meant from ``root`` on, as a process in there sees them.

    Raises:
        OSError: a link leads in a circle, or a folder on the way can't be read.
    """
    done, todo, links = "/", [part for part in path.split("/") if part], 0
    while todo:
        part = todo.pop(0)
        if part in (".", ".."):
            done = done if part == "." else posixpath.dirname(done)
            continue
        step = posixpath.join(done, part)
        try:
            link = os.readlink(f"{root}{step}")
        except (FileNotFoundError, PermissionError):
            raise
        except OSError:
            done = step  # no link
            continue
        if (links := links + 1) > MOST_LINKS:
            raise OSError(0, "symbolic links lead in a circle")
        done = "/" if link.startswith("/") else done
        todo = [piece for piece in link.split("/") if piece] + todo
    return done


def root_of(proc: Path = PROC) -> tuple[str, str]:
    """Where the machine's own file systems are seen from here, and the process whose mounts they are.

    In a container that shares the machine's pid namespace our own are another's.
    """
    try:
        if os.readlink(proc / "1/ns/mnt") != os.readlink(proc / "self/ns/mnt"):
            return str(proc / "1/root"), "1"
    except OSError:
        pass  # init is hidden from us: then we are an ordinary user of that machine
    return "", "self"


def disk(
    path: str, *, spelled: str, where: str, service: str = "", root: str = "", process: str = "self", proc: Path = PROC, sys: Path = SYS
) -> Disk:  # fmt: skip
    """The file system at a path.

    Args:
        path: the directory, as a process in there names it.
        spelled: as the profile spells it.
        where: as a report names it.
        service: the service in whose container it is.
        root: where the file systems of that process begin.
        process: whose mounts they are, a name below /proc.
        proc: root of /proc.
        sys: root of /sys.
    """

    def look() -> Disk:
        if not path.startswith("/"):
            raise OSError(0, "is no absolute path")
        real = inside(root, path)
        told = os.statvfs(f"{root}{real}")
        at = mounted(real, proc / process / "mountinfo")
        return Disk(
            spelled,
            where,
            service,
            size=told.f_blocks * told.f_frsize,
            free=told.f_bavail * told.f_frsize,
            free_inodes=told.f_favail if told.f_files else None,
            kind=at.kind if isinstance(at, Mounted) else "",
            medium=at if isinstance(at, Missing) else medium(at, host=root_of(proc)[0], proc=proc, sys=sys),
        )

    found = bounded(look, where)
    if not isinstance(found, Missing):
        return found
    if not service and re.search("No such file", found.reason):
        found = Missing(f"{found.reason} on this machine; if it is a path of a container, name its `service`")
    return Disk(spelled, where, service, size=found, free=found, free_inodes=found, medium=found)
