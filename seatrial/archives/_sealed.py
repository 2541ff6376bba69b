"""What is encrypted, as far as it can be followed without its key; and whether it really can't be read."""

from __future__ import annotations

import base64
import binascii
import re
import zlib

from seatrial.archives._feed import Broken, Feed

__all__ = ["laid_open", "read_age", "read_openpgp", "read_openssl"]

_CHUNK = 64 * 1024 + 16
SAMPLE = 256 * 1024


def laid_open(sample: bytes) -> str:
    """Why bytes that should be encrypted are not; what is encrypted looks like chance, and can't be compressed."""
    from seatrial.archives._forms import plain_form

    if len(sample) < 256:
        return ""
    inner = plain_form(sample)
    if inner in ("gzip", "bzip2", "xz", "zstd", "zip", "tar", "sqlite", "rdb", "pg_dump"):
        return f"after its head there is {inner}, in the clear"
    share = len(zlib.compress(sample, 6)) / len(sample)
    return f"after its head it compresses to {share:.0%}, which nothing encrypted does" if share < 0.9 else ""


def _unarmored(feed: Feed, name: bytes) -> tuple[bytes, bool]:
    """A sample of what is within an armor, read to its end."""
    first = feed.line("the armor")
    text, ended = b"", False
    while not feed.ended():
        try:
            line = feed.line("the armor").strip()
        except Broken:
            line = feed.some().strip()  # the last line, without a line feed
        if line == b"-----END " + name + b"-----":
            ended = True
            break
        if re.fullmatch(rb"[A-Za-z0-9+/=]*", line):
            if not line.startswith(b"=") and len(text) < SAMPLE:
                text += line
        elif b":" not in line:
            raise Broken(f"before byte {feed.at:,} there is a line that no armor has")
    _ = first
    try:
        return base64.b64decode(text[: len(text) // 4 * 4]), ended
    except binascii.Error:
        raise Broken("its armor is damaged") from None


def read_age(feed: Feed, size: int) -> str:
    """Follow a file of age.

    Raises:
        Broken: it is cut off.
    """
    if feed.peek(5) == b"-----":
        data, ended = _unarmored(feed, b"AGE ENCRYPTED FILE")
        if not ended:
            raise Broken("its armor has no end: it is cut off")
        head = re.match(rb"age-encryption\.org/v1\n(?:.*\n)*?--- [A-Za-z0-9+/]+\n", data)
        return laid_open(data[head.end() :]) if head else "its armor holds no file of age"
    while not feed.line("the head of a file of age", 65536).startswith(b"---"):
        pass
    body = size - feed.at
    if body < 32 or (body > 32 and 0 < (body - 16) % _CHUNK <= 16):
        raise Broken(
            f"after the head of {feed.at:,} bytes there are {body:,}, as many as no file of age has: it is cut off"
        )
    sample = feed.peek(SAMPLE)
    feed.drain()
    return laid_open(sample)


def read_openssl(feed: Feed, size: int) -> str:
    """Follow what `openssl enc` made. It has no sum and no end mark: whether it is cut off shows only with its key.

    Raises:
        Broken: nothing follows its head, or its base64 is none.
    """
    if feed.peek(8) == b"Salted__":
        feed.take(16, "its salt")
        sample = feed.peek(SAMPLE)
        feed.drain()
        if size <= 16:
            raise Broken("it ends after its salt")
        return laid_open(sample)  # of a cipher in counter mode any length is right
    text, last = b"", b""
    while piece := feed.some():
        text, last = (text + piece)[: SAMPLE * 2], (last + piece)[-4096:]
    lines = re.sub(rb"\s", b"", text)
    try:
        data = base64.b64decode(lines[: len(lines) // 4 * 4], validate=True)
    except binascii.Error:
        raise Broken("what is not base64 stands in it") from None
    if len(re.sub(rb"\s", b"", last)) % 4 and len(text) < SAMPLE:
        raise Broken(f"it ends at byte {feed.at:,}, within a group of base64: it is cut off")
    return laid_open(data[16:])


def read_openpgp(feed: Feed) -> str:
    """Follow the packets of OpenPGP.

    Raises:
        Broken: it is cut off.
    """
    if feed.peek(5) == b"-----":
        data, ended = _unarmored(feed, b"PGP MESSAGE")
        if not ended:
            raise Broken("its armor has no end: it is cut off")
        return laid_open(data[1024:]) if len(data) > 2048 else ""
    opened, sealed = "", False
    while not feed.ended():
        at = feed.at
        tag, parts = _packet(feed)
        what = f"the packet at byte {at:,}"
        sample = b""
        sealed = sealed or tag in (9, 18, 20)
        while True:
            size, last = next(parts)
            if size < 0:
                sample = sample or feed.peek(SAMPLE)
                feed.drain()
            else:
                while size:
                    piece = feed.some(min(size, 1024 * 1024))
                    if not piece:
                        raise Broken(f"it ends at byte {feed.at:,}, within {what}: it is cut off")
                    size -= len(piece)
                    if len(sample) < SAMPLE:
                        sample += piece[:SAMPLE]
            if last:
                break
        if tag in (9, 18, 20):
            opened = opened or laid_open(sample[64:])
        elif tag in (8, 11):
            opened = f"{what} is not encrypted"
    if not sealed and not opened:
        raise Broken(f"it ends at byte {feed.at:,}, before what is encrypted: it is cut off")
    return opened


def _packet(feed: Feed):  # type: ignore[no-untyped-def]
    """The tag of the next packet, and its parts: how long each is (-1: to the end), and whether it is the last."""
    what = f"the head of the packet at byte {feed.at:,}"
    first = feed.take(1, what)[0]
    if not first & 0x80:
        raise Broken(f"at byte {feed.at - 1:,} there is no packet of OpenPGP")
    if first & 0x40:
        return first & 0x3F, _new_parts(feed, what)
    kind = first & 3
    size = -1 if kind == 3 else int.from_bytes(feed.take(1 << kind, what), "big")
    return first >> 2 & 0x0F, iter([(size, True)])


def _new_parts(feed: Feed, what: str):  # type: ignore[no-untyped-def]
    while True:
        one = feed.take(1, what)[0]
        if one < 192:
            yield one, True
        elif one < 224:
            yield (one - 192 << 8) + feed.take(1, what)[0] + 192, True
        elif one == 255:
            yield int.from_bytes(feed.take(4, what), "big"), True
        else:
            yield 1 << (one & 0x1F), False
            continue
        return
