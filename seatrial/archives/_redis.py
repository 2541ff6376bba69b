"""What Redis keeps on disk: a dump (RDB), which ends with its CRC, and an append-only file."""

from __future__ import annotations

import re

from seatrial.archives._crc64 import crc64
from seatrial.archives._feed import Broken, Feed

__all__ = ["read_aof", "read_rdb"]

_STEP = 8 * 1024 * 1024
_AUX, _RESIZE, _SELECT, _END = 0xFA, 0xFB, 0xFE, 0xFF
_FUNCTION, _MODULE, _SLOTS = 0xF5, 0xF7, 0xF4
_PREAMBLE_END = re.compile(rb"\xff[\s\S]{8}(?=\*\d{1,6}\r\n\$)")


def read_rdb(feed: Feed) -> int:
    """How many keys its first database says it has; 0 when there is none.

    Raises:
        Broken: its end mark is missing, or its CRC is another.
    """
    head = feed.peek(65536)
    digits = re.match(rb"[A-Z]+(\d+)", head)
    version = int(digits[1]) if digits else 0
    keys, preamble = _told(head)
    crc, held = 0, b""
    while True:
        piece = feed.some()
        held += piece
        if piece and len(held) < _STEP + 64:
            continue
        if preamble and (mark := _within(held, crc)) is not None:
            feed.back(held[mark:])
            return read_aof(feed) and keys
        if not piece:
            break
        whole = (len(held) - 64) // _STEP * _STEP
        crc = crc64(held[:whole], crc)
        held = held[whole:]
    if version < 5:
        if held[-1:] != b"\xff":
            raise Broken(f"it ends at byte {feed.at:,} without the end mark of a dump: it is cut off")
        return keys
    body, said = held[:-8], int.from_bytes(held[-8:], "little")
    if body[-1:] != b"\xff":
        raise Broken(f"it ends at byte {feed.at:,} without the end mark of a dump: it is cut off")
    if said and said != crc64(body, crc):  # 0 where rdbchecksum is off
        raise Broken(f"its CRC64 at byte {feed.at - 8:,} does not fit what is before it: it is cut off or damaged")
    return keys


def _within(held: bytes, crc: int) -> int | None:
    """Where a dump ends that is the beginning of an append-only file."""
    for found in _PREAMBLE_END.finditer(held):
        said = int.from_bytes(held[found.start() + 1 : found.end()], "little")
        if not said or said == crc64(held[: found.start() + 1], crc):
            return found.end()
    return None


def _told(head: bytes) -> tuple[int, bool]:
    """Keys of the first database (-1 when it does not tell), and whether an append-only file may follow."""
    at, preamble = 9, False
    try:
        while True:
            code = head[at]
            at += 1
            if code == _AUX:
                name, at = _text(head, at)
                value, at = _text(head, at)
                preamble = preamble or (name in (b"aof-preamble", b"aof-base") and value == b"1")
            elif code == _SELECT:
                _, at = _length(head, at)
            elif code == _FUNCTION:
                _, at = _text(head, at)
            elif code == _RESIZE:
                return _length(head, at)[0], preamble
            elif code == _END:
                return 0, preamble
            else:
                return -1, preamble
    except IndexError:
        return -1, preamble


def _length(data: bytes, at: int) -> tuple[int, int]:
    first = data[at]
    match first >> 6:
        case 0:
            return first & 0x3F, at + 1
        case 1:
            return (first & 0x3F) << 8 | data[at + 1], at + 2
        case 2:
            size = 8 if first == 0x81 else 4
            return int.from_bytes(data[at + 1 : at + 1 + size], "big"), at + 1 + size
    raise IndexError


def _text(data: bytes, at: int) -> tuple[bytes, int]:
    first = data[at]
    if first >> 6 == 3:  # a number, or compressed
        if first & 0x3F < 3:
            size = 1 << (first & 0x3F)
            return str(int.from_bytes(data[at + 1 : at + 1 + size], "little", signed=True)).encode(), at + 1 + size
        packed, after = _length(data, at + 1)
        _, after = _length(data, after)
        return b"", after + packed
    size, after = _length(data, at)
    return data[after : after + size], after + size


def read_aof(feed: Feed) -> int:
    """How many commands it has.

    Raises:
        Broken: it ends within one, or something else stands between them.
    """
    commands = 0
    open_ = 0
    while not feed.ended():
        at = feed.at
        what = f"command {commands + 1:,}"
        line = feed.line(what)
        if line.startswith(b"#"):
            continue
        words = _count(line, b"*", at)
        if not words:
            raise Broken(f"at byte {at:,} there is no command")
        for number in range(words):
            place = feed.at
            size = _count(feed.line(what), b"$", place)
            if number == 0 and words == 1 and size < 16:
                word = feed.take(size, what).upper()
                open_ = at + 1 if word == b"MULTI" else 0 if word == b"EXEC" else open_
            else:
                feed.skip(size, what)
            if feed.take(2, what) != b"\r\n":
                raise Broken(f"{what}, at byte {at:,}, is longer or shorter than it says")
        commands += 1
    if open_:
        raise Broken(f"the transaction that begins at byte {open_ - 1:,} has no end")
    return commands


def _count(line: bytes, mark: bytes, at: int) -> int:
    if not re.fullmatch(re.escape(mark) + rb"\d{1,10}\r", line):
        raise Broken(f"at byte {at:,} there is no command")
    return int(line[1:-1])
