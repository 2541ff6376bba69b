"""A dump of pg_dump in its custom format: the table of contents, then every block of data that it promises."""

from __future__ import annotations

import zlib

from seatrial.archives._feed import Broken, Feed, Undecided

__all__ = ["read_pg_dump", "read_toc"]

_NONE, _GZIP, _LZ4, _ZSTD = range(4)
_NO_DATA = 3
NEWEST = (1, 16)
MOST = 16 * 1024 * 1024


class _Reader:
    """Numbers and texts, as the archiver writes them."""

    def __init__(self, feed: Feed) -> None:
        head = feed.take(11, "the head of a dump")
        self.feed = feed
        self.version = (head[5], head[6])
        self.int_size, self.offset_size, self.format = head[8], head[9], head[10]
        if head[:5] != b"PGDMP" or not 1 <= self.int_size <= 8 or not 1 <= self.offset_size <= 8:
            raise Broken("its head is none of a dump of pg_dump")
        if not (1, 12) <= self.version <= NEWEST:
            raise Undecided(f"version {head[5]}.{head[6]} of pg_dump's archives is not known here")

    def number(self, what: str = "the table of contents") -> int:
        sign, *rest = self.feed.take(1 + self.int_size, what)
        value = int.from_bytes(bytes(rest), "little")
        return -value if sign else value

    def text(self) -> bytes | None:
        size = self.number()
        if size < 0:
            return None
        if size > MOST:
            raise Broken(f"at byte {self.feed.at:,} the table of contents is damaged")
        return self.feed.take(size, "the table of contents")


def _contents(read: _Reader) -> tuple[int, int, set[int]]:
    """How it is compressed, how many entries there are, and which have data."""
    packed = read.feed.take(1, "the head of a dump")[0] if read.version >= (1, 15) else int(read.number() != 0)
    for _ in range(7):
        read.number()  # when it was made
    for _ in range(3):
        read.text()  # the database, and two versions
    entries = read.number()
    if not 0 <= entries < 50_000_000:
        raise Broken(f"at byte {read.feed.at:,} the table of contents is damaged")
    data: set[int] = set()
    for _ in range(entries):
        id = read.number()
        dumped = read.number()
        for _ in range(4):
            read.text()
        read.number()  # section
        for _ in range(5):
            read.text()
        if read.version >= (1, 14):
            read.text()  # access method
        if read.version >= (1, 16):
            read.number()  # kind of relation
        for _ in range(2):
            read.text()
        while read.text() is not None:
            pass  # what it depends on
        if read.format == 1:
            state = read.feed.take(1 + read.offset_size, "the table of contents")[0]
            if dumped and state != _NO_DATA:
                data.add(id)
        else:
            file = read.text()
            if dumped and file:
                data.add(id)
        read.feed.budget.spend(0)
    return packed, entries, data


def read_toc(feed: Feed) -> int:
    """How many entries a table of contents (toc.dat) of a dump in a folder has.

    Raises:
        Broken: it is cut off.
    """
    return _contents(_Reader(feed))[1]


def read_pg_dump(feed: Feed) -> int:
    """How many entries it has.

    Raises:
        Broken: it is cut off, or data is missing or damaged.
    """
    read = _Reader(feed)
    if read.format != 1:
        return _contents(read)[1]
    packed, entries, missing = _contents(read)
    blocks = len(missing)
    while not feed.ended():
        at = feed.at
        kind = feed.take(1, "a block of data")[0]
        id = read.number("a block of data")
        if kind not in (1, 3):
            raise Broken(f"at byte {at:,} there is no block of data")
        if kind == 1:
            _block(read, id, packed)
        else:
            while read.number("large objects"):
                _block(read, id, packed)
        missing.discard(id)
        feed.budget.spend(0)
    if missing:
        raise Broken(f"it ends at byte {feed.at:,}: data of {len(missing):,} of {blocks:,} tables is missing")
    return entries


def _block(read: _Reader, id: int, packed: int) -> None:
    what = f"the data of entry {id}"
    unpack = zlib.decompressobj() if packed == _GZIP else None
    while size := read.number(what):
        if size < 0:
            raise Broken(f"at byte {read.feed.at:,}, {what} is damaged")
        left = size
        while left:
            piece = read.feed.some(min(left, 1024 * 1024))
            if not piece:
                raise Broken(f"it ends at byte {read.feed.at:,}, within {what}")
            left -= len(piece)
            if unpack is not None:
                _try(unpack, piece, read.feed, what)
    if unpack is not None and not unpack.eof:
        raise Broken(f"at byte {read.feed.at:,}, {what} ends before its stream does")


def _try(unpack, piece: bytes, feed: Feed, what: str) -> None:  # type: ignore[no-untyped-def]
    try:
        while piece:
            feed.budget.spend(len(unpack.decompress(piece, 4 * 1024 * 1024)))
            piece = unpack.unconsumed_tail
    except zlib.error:
        raise Broken(f"before byte {feed.at:,}, {what} is damaged") from None
