"""Files of a scratch folder, as the run asks for them: listed, sent, taken and removed.

A part of `_jail_init`, which is a program of its own: nothing but the standard library. What goes wrong is an `OSError`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import sys
from typing import Any

__all__ = ["TASKS"]

EXTRACTION: dict[str, Any] = {"filter": "fully_trusted"} if sys.version_info >= (3, 12) else {}


def listed(path: str, asked: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    """Everything at and below a path, one JSON line each."""
    count, waiting = 0, [path]
    with os.fdopen(fds[0], "w", encoding="ascii", errors="strict") as out:
        while waiting:
            here = waiting.pop()
            try:
                seen = os.lstat(here)
            except FileNotFoundError:
                continue
            count += 1
            if count > asked["most"]:
                return {"more": True}
            link = ""
            if stat.S_ISLNK(seen.st_mode):
                with contextlib.suppress(OSError):
                    link = os.readlink(here)
            row = [here, seen.st_mode, seen.st_size, seen.st_uid, seen.st_gid, seen.st_mtime, link]
            out.write(json.dumps(row) + "\n")
            if stat.S_ISDIR(seen.st_mode):
                with contextlib.suppress(FileNotFoundError):
                    waiting += [os.path.join(here, name) for name in os.listdir(here)]
    return {"done": True}


def read(path: str, asked: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    """The content of a regular file, and a byte more than is wanted of one that is larger."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as source:
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            raise OSError(22, "no regular file", path)
        left = asked["most"] + 1
        with os.fdopen(fds[0], "wb") as out:
            while left and (block := source.read(min(left, 1024 * 1024))):
                out.write(block)
                left -= len(block)
    return {"done": True}


def sent(path: str, _asked: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    """A file or folder, as a tar."""
    import tarfile

    os.lstat(path)
    with os.fdopen(fds[0], "wb") as out, tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        tar.add(path, arcname="it")
    return {"done": True}


def taken(path: str, _asked: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    """A file or folder from a tar, in place of what is there."""
    import tarfile

    folder, name = os.path.split(os.path.normpath(path))
    os.makedirs(folder, exist_ok=True)
    removed(path, {}, [])
    with os.fdopen(fds[0], "rb") as source, tarfile.open(fileobj=source, mode="r|") as tar:
        for member in tar:
            member.name = name + member.name[2:]
            tar.extract(member, folder, numeric_owner=True, **EXTRACTION)
        while source.read(65536):  # whoever sends it fills up its last block
            pass
    return {"done": True}


def removed(path: str, _asked: dict[str, Any], _fds: list[int]) -> dict[str, Any]:
    """Take something away."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    return {"done": True}


TASKS = {"entries": listed, "read": read, "fetch": sent, "put": taken, "remove": removed}
