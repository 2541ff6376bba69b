"""A zip archive: every member is unpacked and its CRC compared."""

from __future__ import annotations

import os
import re
import zlib
from typing import BinaryIO

from seatrial.archives._feed import PIECE, Broken, Budget, Undecided

__all__ = ["read_zip"]

DIRECTORY = 64 * 1024**2
"""Bytes that the list of members may have."""


def read_zip(stream: BinaryIO, size: int, budget: Budget) -> int:
    """How many members it has.

    Raises:
        Broken: the list of members is missing, or one can't be unpacked.
        Undecided: members are encrypted, or packed as nothing here unpacks.
    """
    import zipfile

    _bounded(stream, size)
    try:
        with zipfile.ZipFile(stream) as archive:
            names = archive.infolist()
            sealed = 0
            for number, member in enumerate(names, 1):
                if member.flag_bits & 1:
                    sealed += 1
                    continue
                _unpack(archive, member, number, budget)
    except zipfile.BadZipFile as why:
        raise Broken(f"it is no whole zip archive: {_plain(why)}") from None
    except (zlib.error, EOFError, OSError, ValueError, RecursionError) as why:
        raise Broken(f"it can't be read as a zip archive: {type(why).__name__}") from None
    except NotImplementedError as why:
        raise Undecided(f"it holds what can't be unpacked here: {str(why).lower()[:80]}") from None
    if sealed:
        raise Undecided(
            f"{sealed:,} of its {len(names):,} members are encrypted, and can't be read without their password"
        )
    return len(names)


def _unpack(archive, member, number: int, budget: Budget) -> None:  # type: ignore[no-untyped-def]
    import zipfile

    try:
        with archive.open(member) as content:
            while piece := content.read(PIECE):
                budget.spend(len(piece))
            budget.spend(0)
    except zipfile.BadZipFile as why:
        wrong = "its CRC is wrong" if "CRC" in str(why) else _plain(why)
        raise Broken(f"member {number:,} can't be unpacked: {wrong}") from None
    except (zlib.error, EOFError, ValueError):
        raise Broken(f"member {number:,} can't be unpacked") from None


def _plain(why: Exception) -> str:
    """What is said, without the names of members that stand in quotes."""
    return re.sub(r"\s*b?(['\"]).*\1", " …", str(why).lower(), flags=re.DOTALL)[:80]


def _bounded(stream: BinaryIO, size: int) -> None:
    """Refuse a list of members that is itself a bomb, before it is read into memory."""
    stream.seek(max(0, size - 65_557))
    tail = stream.read(65_557) or b""
    at = tail.rfind(b"PK\x05\x06")
    if at < 0:
        raise Broken("the list of members that ends a zip archive is missing: it is cut off")
    listed = int.from_bytes(tail[at + 12 : at + 16], "little")
    if listed > DIRECTORY and (listed != 0xFFFFFFFF or size > 4 * DIRECTORY):  # all ones: zip64 tells it elsewhere
        raise Undecided("its list of members is larger than 64 MiB")
    stream.seek(0, os.SEEK_SET)
