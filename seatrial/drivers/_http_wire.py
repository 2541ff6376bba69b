"""One HTTP exchange on a socket, with every part of it bounded: the look-up, each address, the head, the body.

http.client parses; what it reads from ends at a deadline and at a number of bytes, since its own time-outs are per read
and a server that drips would hold us for as long as it likes.
"""

from __future__ import annotations

import functools
import http.client
import io
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

from seatrial.facts.answer import media_type
from seatrial.words import Body

__all__ = [
    "KEPT", "LARGEST", "Address", "Source", "Unreadable", "Unresolved", "addresses", "body", "connect",
    "context", "head", "read",
]  # fmt: skip

KEPT = 64 * 1024
"""Characters of a body that are kept."""
LARGEST = 1024 * 1024
"""Bytes of a body that are read."""
HEAD = 64 * 1024
"""Bytes of status line and headers that are read."""
_BLOCK = 16 * 1024
_CHARSETS = frozenset({"utf-8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252", "utf-16"})
"""Others are read as UTF-8: a server chooses the name, and some of Python's codecs take quadratic time."""

Address = tuple[socket.AddressFamily, Any]


class Unresolved(Exception):
    """A host name for which we got no address."""


class Unreadable(Exception):
    """The other side sent what can't be read as an answer; the text says what it did."""


class _TooMuch(Exception):
    """The other side sent more than it was allowed."""


class Source(io.RawIOBase):
    """The reading half of a connection, on which all reads together end at a deadline and at ``allowed`` bytes."""

    def __init__(self, connection: socket.socket, end: float) -> None:
        self._connection = connection
        self._end = end
        self.allowed = HEAD

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if self.allowed <= 0:
            raise _TooMuch
        self._connection.settimeout(left)
        count = self._connection.recv_into(memoryview(buffer)[: self.allowed])
        self.allowed -= count
        return count


class _File:
    """What http.client asks of a socket."""

    def __init__(self, reader: io.BufferedReader) -> None:
        self._reader = reader

    def makefile(self, _mode: str) -> io.BufferedReader:
        return self._reader


def addresses(host: str, port: int, end: float) -> list[Address]:
    """The addresses of a host, had before the deadline.

    Raises:
        Unresolved: there are none, or the resolver takes too long.
    """
    found: list[Any] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as why:
            found.append(why)

    # getaddrinfo knows no time-out; a resolver that hangs is left behind.
    asking = threading.Thread(target=look_up, daemon=True)
    asking.start()
    asking.join(max(0.001, end - time.monotonic()))
    if not found:
        raise Unresolved("the resolver did not answer in time")
    if isinstance(found[0], Exception):
        raise Unresolved(getattr(found[0], "strerror", None) or "not a host name")
    return [(family, address) for family, _, _, _, address in found[0]]


def connect(choice: list[Address], end: float) -> socket.socket:
    """A connection to the first address that accepts one; each has its share of the time that is left.

    Raises:
        OSError: of all that went wrong, what tells most of the other side: refused, then no answer, then anything else.
    """
    wrong: list[OSError] = []
    for number, (family, address) in enumerate(choice):
        share = max(0.001, end - time.monotonic()) / (len(choice) - number)
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(share)
            connection.connect(address)
        except OSError as why:
            connection.close()
            wrong.append(why)
            continue
        except BaseException:
            connection.close()
            raise
        return connection
    for kind in (ConnectionRefusedError, TimeoutError):
        for fault in wrong:
            if isinstance(fault, kind):
                raise fault
    raise wrong[-1] if wrong else OSError("no address")


@functools.lru_cache(maxsize=32)
def context(ca: str, cert: str, key: str) -> ssl.SSLContext:
    """What we trust and show, by the files' names (the system's authorities when ``ca`` is empty); built once, as it takes
    long.
    """
    made = ssl.create_default_context(cafile=ca or None)
    if cert:
        made.load_cert_chain(cert, key or None, password="")  # nobody is there to be asked for a passphrase
    return made


def read(
    connection: socket.socket,
    end: float,
    limit: int,
    mask: Callable[[str], str],
    heard: dict[str, Any],
    kept: int = KEPT,
) -> None:
    """Read an answer into ``heard``, fields of `Answer`, which holds what had arrived when it breaks off.

    Raises:
        Unreadable: no answer can be made of it.
        OSError, http.client.HTTPException: as they come.
    """
    source = Source(connection, end)
    response = head(source)
    heard.update(
        status=response.status,
        content_type=media_type(response.getheader("content-type") or ""),
        parameters=mask((response.getheader("content-type") or "").partition(";")[2].strip())[:100],
        location=_place(mask(response.getheader("location") or "")),
        retry_after=mask(response.getheader("retry-after") or "")[:100],
    )
    source.allowed = 2 * limit + HEAD  # chunks have a head each
    raw, cut = body(response, limit)
    raw, cut = _unpacked(raw, (response.getheader("content-encoding") or "").strip().lower(), limit, cut)
    heard["endless"] = cut
    charset = (response.headers.get_content_charset() or "").lower()
    text = mask(raw.decode(charset if charset in _CHARSETS else "utf-8", "replace"))
    heard["body"] = Body(text[:kept], heard["content_type"], truncated=cut or len(text) > kept)


def _place(location: str) -> str:
    """Where a redirect points, without what may hold credentials."""
    return re.sub(r"(?<=//)[^/]*@", "", re.split("[?#]", location, maxsplit=1)[0])[:1024]


def head(source: Source) -> http.client.HTTPResponse:
    """The head of the answer; interim ones (103 Early Hints) are passed over."""
    reader = io.BufferedReader(source)
    while True:
        response = http.client.HTTPResponse(_File(reader), method="GET")  # type: ignore[arg-type]
        try:
            response.begin()
        except _TooMuch:
            raise Unreadable(f"sent more than {HEAD // 1024} KiB before its body") from None
        except http.client.LineTooLong:
            raise Unreadable("sent a header without an end") from None
        except http.client.HTTPException as why:
            if type(why) is http.client.HTTPException:
                raise Unreadable("sent more than 100 headers") from None
            raise
        if response.status == 101 or not 100 <= response.status < 200:
            return response
        response.fp = None  # type: ignore[assignment]  # or it would close the reader when it is let go of


def body(response: http.client.HTTPResponse, limit: int) -> tuple[bytes, bool]:
    """The body, up to ``limit`` bytes, and whether there was more."""
    data = bytearray()
    try:
        while len(data) <= limit:
            # read1 hands over what has come of a chunk; without chunks, old versions of it lose count.
            chunk = response.read1(_BLOCK) if response.chunked else response.read(_BLOCK)
            if not chunk:
                break
            data += chunk
        else:
            return bytes(data[:limit]), True
    except _TooMuch:
        return bytes(data[:limit]), True
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return bytes(data), False


def _unpacked(raw: bytes, encoding: str, limit: int, cut: bool) -> tuple[bytes, bool]:
    """The body itself. We ask for no compression; who sends it all the same is read, up to the limit."""
    if encoding in ("", "identity") or not raw:
        return raw, cut
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Unreadable("sent its body in an encoding that was not asked for")
    for wbits in (47, -15):  # gzip or zlib, whichever it is; then what some call deflate
        inflate = zlib.decompressobj(wbits=wbits)
        try:
            text = inflate.decompress(raw, limit)
        except zlib.error:
            continue
        more = bool(inflate.unconsumed_tail)
        if inflate.eof or more or cut:
            return text, cut or more
    raise Unreadable(f"sent a body that is no {encoding}")
