"""What a file is by its first bytes, and whether it can be read to its end: bounded in time, bytes and memory; nothing is written.

A file that is encrypted is followed as far as that goes without its key.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from seatrial.archives._feed import HEAD, Broken, Budget, Feed, Undecided
from seatrial.archives._forms import ENCRYPTED, form
from seatrial.words import CouldNotLook, Missing

__all__ = ["ENCRYPTED", "HEAD", "Reading", "form", "read", "read_stream"]

WITHIN = 60.0
"""Seconds that reading one file may take."""
UNPACKED = 256 * 1024**3
"""Bytes that are unpacked from one file at most."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file is."""

    form: str
    broken: str | Missing
    """Why it can't be read to its end, with the place; empty when it can."""
    holds: int = -1
    """How many members, keys, entries or tables it has, as far as its own bytes tell; -1 when they don't."""
    open: str = ""
    """What can be read of it without a key, where its form is an encrypted one."""


def read(path: Path, *, most: int, within: float = WITHIN) -> Reading:
    """Read one file to its end.

    Args:
        path: of a regular file. A link is not followed.
        most: bytes of a file that are read; a larger one is left undecided.
        within: seconds that it may take.

    Raises:
        CouldNotLook: it is not there, no regular file, or may not be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as why:
        raise CouldNotLook(f"{path} can't be read: {why.strerror}", right=f"read {path}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise CouldNotLook(f"{path} is no regular file")
    with open(handle, "rb", buffering=0) as stream:
        return read_stream(stream, most=most, within=within)


def read_stream(stream: BinaryIO, *, most: int, within: float = WITHIN) -> Reading:
    """As `read`, of an open file that can be sought in, from its beginning."""
    from seatrial.archives._reading import inner_form, read_to_its_end

    try:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        head = stream.read(HEAD) or b""
        stream.seek(0)
    except OSError as why:
        return Reading("unknown", Missing(f"it can't be read: {why.strerror}"))
    found = form(head)
    if not size:
        return Reading(found, "it is empty")
    if size > most:
        return Reading(found, Missing(f"it has {size:,} bytes, and no more than {most:,} are read"))
    budget = Budget(time.monotonic() + within, within, UNPACKED)
    feed = Feed(stream.read, budget)
    try:
        found = inner_form(found, stream, budget)
        holds, open_ = read_to_its_end(found, feed, stream, size)
    except Broken as why:
        return Reading(found, str(why))
    except Undecided as why:
        return Reading(found, Missing(str(why)))
    except OSError as why:
        return Reading(found, Missing(f"it can't be read: {why.strerror}"))
    except MemoryError:
        return Reading(found, Missing("reading it takes more memory than there is"))
    finally:
        budget.close()
    return Reading(found, "", holds, open_)
