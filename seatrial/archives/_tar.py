"""A tar archive, from header to header: members are counted, and nothing is kept."""

from __future__ import annotations

from seatrial.archives._feed import Broken, Feed

__all__ = ["read_tar"]

_BLOCK = 512
_ABOUT = b"xgLKXN"
"""Types of members that say something of the one that follows."""


def read_tar(feed: Feed) -> int:
    """How many members it has.

    Raises:
        Broken: a header is none, a member is cut off, or its end mark is missing.
    """
    members, override = 0, None
    while True:
        at = feed.at
        header = feed.peek(_BLOCK)
        if not header:
            raise Broken(
                f"it ends at byte {at:,} after {members:,} members, without the two blocks of zeros that end an archive"
            )
        header = feed.take(_BLOCK, f"the header of member {members + 1:,}")
        if not any(header):
            following = feed.peek(_BLOCK)
            if following and any(following):
                raise Broken(
                    f"at byte {at:,}, after {members:,} members, there is a block of zeros in the middle of it"
                )
            feed.drain()  # the rest of a record
            return members
        if not _right(header):
            raise Broken(f"at byte {at:,}, after {members:,} members, there is no header of a member")
        size, kind = _number(header[124:136]), header[156:157]
        if kind in b"xX":
            override = _size_of(feed.peek(min(size, 1024**2)))
        elif kind not in _ABOUT:
            size = size if override is None else override
            override = None
            if kind == b"S":  # more of the map of a sparse file
                more = header[482]
                while more:
                    more = feed.take(_BLOCK, "the map of a sparse file")[504]
            if kind in b"123456" and kind:  # links, devices, folders have no content, whatever their size says
                size = 0
            members += 1
        feed.skip(-(-size // _BLOCK) * _BLOCK, f"member {members or 1:,}")
        feed.budget.spend(0)


def _right(header: bytes) -> bool:
    """Whether its checksum is; some old programs added signed bytes."""
    try:
        said = int(header[148:156].strip(b" \0") or b"0", 8)
    except ValueError:
        return False
    rest = header[:148] + header[156:]
    signed = 256 + sum(byte - 256 if byte > 127 else byte for byte in rest)
    return said in (256 + sum(rest), signed)


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        return max(0, int.from_bytes(field[1:], "big"))
    try:
        return int(field.strip(b" \0") or b"0", 8)
    except ValueError:
        raise Broken("a member's size is no number") from None


def _size_of(records: bytes) -> int | None:
    """The size that an extended header gives."""
    at = 0
    while at < len(records):
        length, blank, _ = records[at : at + 20].partition(b" ")
        if not (blank and length.isdigit() and int(length) > 0):
            return None
        record = records[at + len(length) + 1 : at + int(length)]
        if record.startswith(b"size=") and record[5:].strip().isdigit():
            return int(record[5:].strip())
        at += int(length)
    return None
