"""What is compressed, unpacked as it is read: gzip, bzip2, xz, zstd. Members that follow each other are one."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import Any

from seatrial.archives._feed import PIECE, Broken, Budget, Feed, Undecided

__all__ = ["unpacked"]

MEMORY = 256 * 1024**2
"""Bytes that unpacking xz may take."""
_FAULTS = (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError)


def unpacked(kind: str, feed: Feed, budget: Budget) -> Feed:
    """What is within.

    Raises:
        Undecided: nothing here can unpack it. What it gives raises `Broken` where it can't be unpacked.
    """
    if kind == "zstd":
        from seatrial.archives._zstd import unpacked_zstd

        return Feed(unpacked_zstd(feed), budget)
    return Feed(_Members(kind, feed).more, budget)


class _Members:
    """One or more members, one after the other."""

    def __init__(self, kind: str, feed: Feed) -> None:
        self.kind, self.feed = kind, feed
        self.now: Any = _new(kind)
        self.begun = False

    def more(self, size: int) -> bytes:
        """Some bytes of what is within; none at its end."""
        while True:
            if self.now.eof and not self._next():
                return b""
            given = b""
            if self.kind == "gzip":
                given = self.now.unconsumed_tail
            if not given and (self.kind == "gzip" or self.now.needs_input):
                given = self.feed.some(PIECE)
                if not given:
                    raise Broken(f"the {self.kind} stream ends at byte {self.feed.at:,}, before its end mark")
            self.begun = True
            try:
                found: bytes = self.now.decompress(given, size)
            except lzma.LZMAError as why:
                if "memory" in str(why).lower():
                    raise Undecided(f"unpacking it takes more than {MEMORY // 1024**2} MiB of memory") from None
                raise Broken(self._fault(why)) from None
            except _FAULTS as why:
                raise Broken(self._fault(why)) from None
            if found:
                return found

    def _fault(self, why: Exception) -> str:
        said = str(why).removeprefix("Error -3 while decompressing data: ").lower()
        return f"the {self.kind} stream is damaged before byte {self.feed.at:,}: {said}"

    def _next(self) -> bool:
        """Begin the member that follows, where one does. Zeros fill the last block of a tape."""
        self.feed.back(self.now.unused_data)
        while piece := self.feed.some():
            rest = piece.lstrip(b"\0")
            if rest:
                self.feed.back(rest)
                break
        if self.feed.ended():
            return False
        magic = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "xz": b"\xfd7zXZ\0"}[self.kind]
        if self.feed.peek(len(magic)) != magic:
            raise Broken(f"after the end of the {self.kind} stream, at byte {self.feed.at:,}, there is something else")
        self.now = _new(self.kind)
        return True


def _new(kind: str) -> Any:
    if kind == "gzip":
        return zlib.decompressobj(31)
    return bz2.BZ2Decompressor() if kind == "bzip2" else lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY)
