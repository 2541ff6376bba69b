"""Answers read from bytes as they come, split wherever the network likes to split them.

It holds no socket. What it keeps is bounded, whatever comes: a head, a body, the line before a chunk, the number of
answers that only say to wait.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from seatrial.load.wire.failures import CLOSED, CUT_OFF, HEAD_TOO_LONG, NO_HTTP, TOO_LONG, Broken

__all__ = ["MOST_BODY", "MOST_HEAD", "Reader"]

MOST_HEAD = 64 << 10
MOST_BODY = 64 << 20
MOST_LINE = 4 << 10
"""Of what stands before a chunk: its size, and extensions that nobody reads."""
MOST_WAITS = 32
"""Answers of the 100s before the answer itself."""
MOST_KEPT = 256
"""Heads that are remembered, as they are the same again and again."""

END = b"\r\n\r\n"
HEXADECIMAL = b"0123456789abcdefABCDEF"
START = b"HTTP/1."
NO_CR = f"{NO_HTTP}: its lines end without CR"

HEAD, LENGTH, SIZE, CHUNK, AFTER, TRAILERS, CLOSE, WHOLE = range(8)


class _Head(NamedTuple):
    status: int
    length: int
    """-1 when it does not say."""
    chunked: bool
    keep: bool
    """Whether the connection may be used again, as far as the head says."""


_known: dict[bytes, _Head] = {}

# A head as nearly every server writes it; what is not like this is looked at line by line.
_PLAIN = re.compile(rb"HTTP/1\.1 ([1-9][0-9][0-9])(?: [^\r\n]*)?\r\n(?:[!-9;-~]+:[^\r\n]*\r\n)*\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_OTHERS = re.compile(rb"\r\n(?:transfer-encoding:|connection:(?![ \t]*keep-alive[ \t]*\r\n))", re.IGNORECASE)


def _read_plain(head: bytes) -> _Head | None:
    """That of a head which tells its length and nothing else of how it ends: an id of its own in each makes no head the same."""
    plain = _PLAIN.fullmatch(head)
    if plain is None:
        return None
    lengths = _LENGTH.findall(head)
    if len(lengths) != 1 or head.lower().count(b"content-length") != 1 or _OTHERS.search(head):
        return None
    return _Head(int(plain[1]), int(lengths[0]), False, True)


def _length_of(value: bytes) -> int:
    """A Content-Length; the same number several times over is that number."""
    parts = {part.strip() for part in value.split(b",")}
    only = parts.pop() if len(parts) == 1 else b""
    # No more digits than any honest length has: int() of a million digits takes minutes.
    if not only.isdigit() or len(only) > 18:
        raise Broken(f"{NO_HTTP}: Content-Length is no number")
    return int(only)


def _read_head(head: bytes) -> _Head:
    if head[: len(START)] == START and head.count(b"\n") != head.count(b"\r\n"):
        raise Broken(NO_CR)
    first, *lines = head[: -len(END)].split(b"\r\n")
    version, status = first[7:8], first[9:12]
    if first[:7] != START or not version.isdigit() or first[8:9] != b" " or first[12:13] not in (b" ", b""):
        raise Broken(NO_HTTP)
    if not status.isdigit() or status[0] < 0x31:
        raise Broken(f"{NO_HTTP}: no status")
    length, chunked, keep, framed_twice, otherwise = -1, False, version != b"0", False, False
    for line in lines:
        name, colon, value = line.partition(b":")
        if line[:1] in (b" ", b"\t"):
            continue  # A folded line goes on with the value before it; none that matters here is folded by anyone.
        if not colon or name[-1:] in (b" ", b"\t", b""):
            raise Broken(f"{NO_HTTP}: a header line without a name")
        match name.lower():
            case b"content-length":
                found = _length_of(value)
                if length not in (-1, found):
                    raise Broken(f"{NO_HTTP}: two lengths")
                length = found
            case b"transfer-encoding":
                codings = [part.strip() for part in value.lower().split(b",") if part.strip()]
                chunked = codings[-1:] == [b"chunked"]
                otherwise = not chunked
            case b"connection":
                words = {part.strip() for part in value.lower().split(b",")}
                if b"close" in words:
                    keep = False
                elif b"keep-alive" in words and version == b"0":
                    keep = True
    if (chunked or otherwise) and length >= 0:
        # Two ways to tell where it ends: the coding counts, and what follows on this connection is not to be trusted.
        framed_twice, length = True, -1
    return _Head(int(status), length, chunked, keep and not framed_twice and not otherwise)


def _head_of(head: bytes) -> _Head:
    known = _known.get(head)
    if known is None:
        known = _read_plain(head) or _read_head(head)
        if len(_known) >= MOST_KEPT:
            _known.clear()
        if len(head) <= MOST_LINE:
            _known[head] = known
    return known


def _joined(data: bytes, at: int) -> bytes | None:
    """Chunks that are all there and nothing but chunks; whatever else comes is read piece by piece."""
    pieces: list[bytes] = []
    while (end := data.find(b"\r\n", at, at + 18)) > at and not data[at:end].strip(HEXADECIMAL):
        size = int(data[at:end], 16)
        at = end + 2
        if not size:
            return b"".join(pieces) if data[at:] == b"\r\n" else None
        end = at + size
        if data[end : end + 2] != b"\r\n":
            return None
        pieces.append(data[at:end])
        at = end + 2
    return None


class Reader:
    """Reads the answers that come on one connection, one at a time.

    Args:
        most_body: bytes of a body at most.
    """

    __slots__ = (
        "_bodiless",
        "_buffer",
        "_content",
        "_left",
        "_lines",
        "_most",
        "_pieces",
        "_stage",
        "_waits",
        "body",
        "head",
        "keep",
        "started",
        "status",
    )

    def __init__(self, most_body: int = MOST_BODY) -> None:
        self._most = most_body
        self._buffer = bytearray()
        self._content = bytearray()
        self.begin(bodiless=False)

    def begin(self, *, bodiless: bool) -> None:
        """The next bytes are those of another answer; `bodiless` when what it answers was a HEAD."""
        self._bodiless = bodiless
        self._stage = HEAD
        self._waits = 0
        self._left = 0
        self._lines = 0
        self.started = False
        self.status = 0
        self.head = b""
        self.body = b""
        self.keep = True

    @property
    def untouched(self) -> bool:
        """Whether not one byte is left from before."""
        return not self._buffer

    @property
    def held(self) -> int:
        """Bytes that are kept until the answer is whole."""
        return len(self._buffer) + len(self._content)

    def feed(self, data: bytes) -> bool:
        """Read on; True when the answer is whole.

        Raises:
            Broken: what came is no answer, or is longer than allowed.
        """
        self.started = True
        if self._stage == HEAD and not self._buffer and self._whole_at_once(data):
            return True
        if self._stage == LENGTH:
            return self._more(data)
        if self._stage == CLOSE:
            self._content += data
            if len(self._content) > self._most:
                raise Broken(TOO_LONG)
            return False
        looked = max(0, len(self._buffer) - 3)
        self._buffer += data
        if self._stage == HEAD and not self._heads(looked):
            return False
        if self._stage == WHOLE:
            return self._finish()
        if self._stage in (LENGTH, CLOSE):
            data = bytes(self._buffer)
            self._buffer.clear()
            return self.feed(data)
        return self._chunks()

    def _whole_at_once(self, data: bytes) -> bool:
        """The usual case: one read gives one answer with its length."""
        end = data.find(END) + 4
        if end < 4 or end > MOST_HEAD or self._bodiless:
            return False
        read = _head_of(data[:end])
        if read.chunked and read.status >= 200 and read.status not in (204, 304) and len(data) <= self._most:
            joined = _joined(data, end)
            if joined is None:
                return False
            self.status, self.head, self.body, self.keep = read.status, data[:end], joined, read.keep
            self._stage = WHOLE
            return True
        if len(data) - end != read.length or read.status < 200 or read.status in (204, 304) or read.length > self._most:
            return False
        self.status, self.head, self.body = read.status, data[:end], data[end:]
        self.keep = read.keep
        self._stage = WHOLE
        return True

    def _heads(self, looked: int) -> bool:
        """Read heads until that of the answer itself; True when it is there."""
        buffer = self._buffer
        while True:
            begin = bytes(buffer[: len(START)])
            if begin != START[: len(begin)]:
                raise Broken(NO_HTTP)
            end = buffer.find(END, looked) + 4
            if end < 4:
                if len(buffer) > MOST_HEAD:
                    raise Broken(HEAD_TOO_LONG)
                if buffer.find(b"\n\n", looked) >= 0:
                    raise Broken(NO_CR)
                return False
            if end > MOST_HEAD:
                raise Broken(HEAD_TOO_LONG)
            head = bytes(buffer[:end])
            del buffer[:end]
            read = _head_of(head)
            if read.status >= 200 or read.status == 101:
                self._framed(head, read)
                return True
            self._waits += 1
            if self._waits > MOST_WAITS:
                raise Broken(f"{NO_HTTP}: nothing but answers that say to wait")
            looked = 0

    def _framed(self, head: bytes, read: _Head) -> None:
        self.status, self.head, self.keep = read.status, head, read.keep
        self._content = bytearray()
        if self._bodiless or read.status in (101, 204, 304):
            self._stage = WHOLE
            self.keep = read.keep and read.status != 101
        elif read.chunked:
            self._stage = SIZE
        elif read.length < 0:
            self._stage, self.keep = CLOSE, False
        elif read.length > self._most:
            raise Broken(TOO_LONG)
        else:
            self._stage, self._left = LENGTH, read.length

    def _more(self, data: bytes) -> bool:
        left = self._left
        if len(data) < left:
            self._content += data
            self._left = left - len(data)
            return False
        self._content += data[:left]
        self._buffer += data[left:]
        return self._finish()

    def _finish(self) -> bool:
        self._stage = WHOLE
        self.body = bytes(self._content)
        self._content = bytearray()
        if self._buffer:
            # More than was asked for: nothing that comes on this connection can be told apart any more.
            self.keep = False
            self._buffer.clear()
        return True

    def _chunks(self) -> bool:
        buffer, at = self._buffer, 0
        try:
            while True:
                if self._stage == CHUNK:
                    taken = min(self._left, len(buffer) - at)
                    self._content += buffer[at : at + taken]
                    at += taken
                    self._left -= taken
                    if self._left:
                        return False
                    self._stage = AFTER
                elif self._stage == AFTER:
                    if len(buffer) - at < 2:
                        return False
                    if buffer[at : at + 2] != b"\r\n":
                        raise Broken(f"{NO_HTTP}: a chunk is not as long as it says")
                    at += 2
                    self._stage = SIZE
                else:
                    end = buffer.find(b"\r\n", at)
                    if (len(buffer) if end < 0 else end) - at > MOST_LINE:
                        raise Broken(f"{NO_HTTP}: a line between chunks is too long")
                    if end < 0:
                        return False
                    line = bytes(buffer[at:end])
                    at = end + 2
                    if self._stage == TRAILERS:
                        self._lines += len(line) + 2
                        if self._lines > MOST_HEAD:
                            raise Broken(HEAD_TOO_LONG)
                        if not line:
                            del buffer[:at]
                            at = 0
                            return self._finish()
                    else:
                        self._sized(line)
        finally:
            del buffer[:at]

    def _sized(self, line: bytes) -> None:
        size = line.partition(b";")[0].strip(b" \t")
        if not size or len(size) > 16 or size.strip(HEXADECIMAL):
            raise Broken(f"{NO_HTTP}: a chunk without a size")
        self._left = int(size, 16)
        if len(self._content) + self._left > self._most:
            raise Broken(TOO_LONG)
        self._stage = CHUNK if self._left else TRAILERS

    def ended(self) -> bool:
        """The other side hung up; True when that was the end of the answer.

        Raises:
            Broken: it was not.
        """
        if self._stage == CLOSE:
            self._finish()
            self.keep = False
            return True
        raise Broken(CUT_OFF if self.started else CLOSED)
