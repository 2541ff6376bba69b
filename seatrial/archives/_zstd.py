"""Zstandard: unpacked where a library or the program for it is there, else followed from block to block."""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable
from typing import Any

from seatrial.archives._feed import Broken, Feed, Undecided

__all__ = ["beginning", "unpacked_zstd"]

MAGIC = b"\x28\xb5\x2f\xfd"
LACKING = "a zstd stream can't be unpacked here: install the program zstd, or pip install zstandard"
_SKIPPABLE = tuple(struct.pack("<I", 0x184D2A50 + n) for n in range(16))


def _decompressor() -> Any | None:
    """An object with `decompress`, `eof` and `unused_data`, of whichever library there is."""
    for name in ("compression.zstd", "backports.zstd", "pyzstd"):
        try:
            return importlib.import_module(name).ZstdDecompressor()
        except (ImportError, AttributeError):
            continue
    try:
        return importlib.import_module("zstandard").ZstdDecompressor(max_window_size=2**28).decompressobj()
    except (ImportError, AttributeError):
        return None


def beginning(head: bytes) -> bytes:
    """What a stream that begins like this unpacks to, as far as that goes."""
    now = _decompressor()
    try:
        return bytes(now.decompress(head))[:4096] if now else b""
    except Exception:  # noqa: BLE001 - each library has its own
        return b""


def unpacked_zstd(feed: Feed) -> Callable[[int], bytes]:
    """A function that gives what is within, piece by piece.

    Raises:
        Broken: a block ends before its time.
        Undecided: all blocks are there, and no library unpacks them.
    """
    if _decompressor() is None:
        from seatrial.archives import _zstd_program

        if _zstd_program.available():
            return _zstd_program.Program(feed).more
        _follow(feed)
        raise Undecided(LACKING)
    return _Frames(feed).more


class _Frames:
    def __init__(self, feed: Feed) -> None:
        self.feed, self.rest = feed, b""
        self.now: Any = _decompressor()
        self.inside = False

    def more(self, _size: int) -> bytes:
        """Some bytes; none at the end. Few are fed at a time, since a library may unpack all of it at once."""
        while True:
            if getattr(self.now, "eof", False):
                self.rest = bytes(self.now.unused_data) + self.rest
                self.now, self.inside = _decompressor(), False
            given = self.rest or self.feed.some(16384)
            self.rest = b""
            if not given:
                if self.inside:
                    raise Broken(f"the zstd stream ends at byte {self.feed.at:,}, before its end mark")
                return b""
            self.inside = True
            try:
                found = bytes(self.now.decompress(given))
            except Exception:  # noqa: BLE001 - each library has its own
                raise Broken(f"the zstd stream is damaged before byte {self.feed.at:,}") from None
            if found:
                return found


def _follow(feed: Feed) -> None:
    """From frame to frame and block to block, by what each says of its length."""
    what = "a frame of zstd"
    while not feed.ended():
        magic = feed.take(4, what)
        if magic in _SKIPPABLE:
            feed.skip(struct.unpack("<I", feed.take(4, what))[0], what)
            continue
        if magic != MAGIC:
            raise Broken(f"at byte {feed.at - 4:,} there is no frame of zstd")
        described = feed.take(1, what)[0]
        single = described >> 5 & 1
        size = (1 if single else 0, 2, 4, 8)[described >> 6]
        feed.skip((0 if single else 1) + (0, 1, 2, 4)[described & 3] + size, what)
        last = False
        while not last:
            block = int.from_bytes(feed.take(3, what), "little")
            last, kind, length = bool(block & 1), block >> 1 & 3, block >> 3
            if kind == 3:
                raise Broken(f"at byte {feed.at - 3:,} there is no block of zstd")
            feed.skip(1 if kind == 1 else length, what)
        if described >> 2 & 1:
            feed.skip(4, what)
