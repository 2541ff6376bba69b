"""Files that a profile declares, read whole and within bounds."""

from __future__ import annotations

import os
import stat

from seatrial.words import CouldNotLook

__all__ = ["content"]


def content(path: str | os.PathLike[str], id: str, largest: int, what: str) -> bytes:
    """The bytes of a regular file of a sane size; nothing here waits for a pipe.

    Args:
        path: where it lies.
        id: what it is called in a message.
        largest: bytes that are read.
        what: what it is to be: ``rule file``.

    Raises:
        CouldNotLook: it can't be read, is no regular file, or is larger.
    """
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise CouldNotLook(f"{id} is not a file")
            found = stream.read(largest + 1)
    except OSError as why:
        raise CouldNotLook(f"{id} can't be read: {why.strerror}", right=f"read {id}") from None
    if len(found) > largest:
        raise CouldNotLook(f"{id} has more than {largest // 1024**2} MiB, which no {what} has")
    return found
