"""One socket, what was said on it, and the bounds of every answer: the tool that the hellos share."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Line", "NoAnswer", "Page", "Told"]

LIMIT = 64 * 1024
"""Bytes that are read of any answer."""
CERTIFICATE = re.compile("CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE")
"""How OpenSSL tells that the other side asked for a certificate: TLS 1.3 says so, TLS 1.2 only refuses."""


class NoAnswer(Exception):
    """The connection failed, or nothing came back in time."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a server told a stranger: whether it gave what needs no credentials, and one line on how, free of content."""

    anonymous: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Page:
    """The answer to one GET, bounded."""

    path: str
    status: int
    headers: dict[str, str]
    text: str

    @property
    def data(self) -> Any:
        """The body as JSON, None when it is none."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None

    @property
    def refused(self) -> bool:
        """Whether it asked for credentials, or refused for want of them."""
        return self.status in (401, 403, 407)

    def __str__(self) -> str:
        return f"HTTP {self.status} on GET {self.path}"


class Line:
    """A socket that is dialled as often as needed, each time for one question."""

    def __init__(self, address: str, port: int, *, timeout: float = 2.0, within: float = 6.0) -> None:
        """Nothing is dialled yet.

        Args:
            address: numeric address or name.
            port: TCP port.
            timeout: seconds for one question and its answer.
            within: seconds for all of them together.
        """
        self.address = address
        self.port = port
        self.heard = False
        """Whether it ever sent a byte."""
        self.wants_certificate = False
        """Whether it spoke TLS, and refused us for want of a client certificate."""
        self._timeout = timeout
        self._end = time.monotonic() + within
        self._pages: dict[str, Page | None] = {}
        self._probed: bytes | None = None
        self._tls: bool | None = None

    def knock(self, *, listen: float = 0.0) -> str:
        """Connect and, without a word, wait whether the other side hangs up; why it is shut, empty when it is open."""
        try:
            with self._connect() as connection:
                if listen:
                    connection.settimeout(listen)
                    with contextlib.suppress(TimeoutError):
                        if not connection.recv(1):
                            return "closed the connection before a word was said: nothing is behind it"
        except TimeoutError:
            return "did not accept the connection in time"
        except ConnectionRefusedError:
            return "refused the connection"
        except ConnectionResetError:
            return "reset the connection before a word was said: nothing is behind it"
        except OSError as why:
            return f"could not be dialled: {why.strerror or why}"
        return ""

    def say(
        self,
        words: bytes,
        *,
        enough: Callable[[bytes], bool] = lambda answer: b"\n" in answer,
        farewell: bytes = b"",
        tls: bool = False,
        wait: float | None = None,
    ) -> bytes:
        """Dial, say these words, and give what comes back until it is enough, the other side hangs up, or time is up.

        Raises:
            NoAnswer: nothing came back.
        """
        end = min(self._end, time.monotonic() + (wait or self._timeout))
        answer = bytearray()
        try:
            with self._connect(end) as plain, _secure(plain) if tls else contextlib.nullcontext(plain) as connection:
                if words:
                    connection.sendall(words)
                while len(answer) < LIMIT and not (answer and enough(bytes(answer))):
                    left = end - time.monotonic()
                    if left <= 0:
                        break
                    connection.settimeout(left)
                    data = connection.recv(min(16384, LIMIT - len(answer)))
                    if not data:
                        break
                    answer += data
                if farewell and answer:
                    with contextlib.suppress(OSError):
                        connection.sendall(farewell)
        except (OSError, ValueError) as why:
            # A server that hangs up in the middle has still said what it said.
            if tls and CERTIFICATE.search(str(getattr(why, "reason", ""))):
                self.heard = self.wants_certificate = True
        if not answer:
            raise NoAnswer(f"{self.address}:{self.port}")
        self.heard = True
        return bytes(answer)

    def probe(self) -> bytes:
        """What it answers to a bare ``GET / HTTP/1.0``; empty when nothing. Without a Host header, Redis takes no offence."""
        if self._probed is None:
            try:
                self._probed = self.say(b"GET / HTTP/1.0\r\n\r\n", wait=1.0)
            except NoAnswer:
                self._probed = b""
        return self._probed

    def get(self, path: str) -> Page | None:
        """The answer to one GET, asked once; None when no HTTP comes back. TLS is tried where plain text is not spoken."""
        if path not in self._pages:
            page = None
            if self._tls is not True:
                page, secure = self._get(path, tls=False)
                if self._tls is None:
                    self._tls = secure
            if self._tls:
                page, _ = self._get(path, tls=True)
            self._pages[path] = page
        return self._pages[path]

    def _get(self, path: str, *, tls: bool) -> tuple[Page | None, bool]:
        """The page, and whether the server wants TLS."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        request = f"GET {path} HTTP/1.1\r\nHost: {host}:{self.port}\r\nUser-Agent: seatrial\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        try:
            answer = self.say(request.encode("ascii"), enough=_whole, tls=tls)
        except NoAnswer:
            if tls and not self.wants_certificate:
                # Its alert is lost when it hangs up on words it has not read: listen without any.
                with contextlib.suppress(NoAnswer):
                    self.say(b"", tls=True, wait=0.3)
            return None, not tls
        page = _page(path, answer)
        return page, not tls and (page is None or (page.status in (400, 497) and "https" in page.text.lower()))

    def _connect(self, end: float | None = None) -> socket.socket:
        left = (end or min(self._end, time.monotonic() + self._timeout)) - time.monotonic()
        return socket.create_connection((self.address, self.port), timeout=max(0.05, left))


def _secure(plain: socket.socket) -> Any:
    """A TLS connection that trusts any certificate: a stranger does not care whom it talks to."""
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain)


def _split(answer: bytes) -> tuple[int, dict[str, str], bytes] | None:
    head, blank, body = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    status = re.fullmatch(r"HTTP/1\.[01] ([1-5][0-9][0-9])(?: .*)?", lines[0])
    if not status or not blank:
        return None
    pairs = (line.partition(":") for line in lines[1:])
    return int(status[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}, body


def _whole(answer: bytes) -> bool:
    parts = _split(answer)
    if parts is None:
        return not b"HTTP/1.".startswith(answer[:7])  # so no HTTP
    status, headers, body = parts
    length = headers.get("content-length", "")
    if status in (204, 304) or (length.isdecimal() and len(body) >= int(length)):
        return True
    return headers.get("transfer-encoding", "").lower() == "chunked" and body.endswith(b"0\r\n\r\n")


def _page(path: str, answer: bytes) -> Page | None:
    parts = _split(answer)
    if parts is None:
        return None
    status, headers, body = parts
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = _unchunked(body)
    return Page(path, status, headers, body.decode("utf-8", "replace"))


def _unchunked(body: bytes) -> bytes:
    whole = bytearray()
    while match := re.match(rb"([0-9A-Fa-f]{1,8})[^\r\n]{0,99}\r\n", body):
        size = int(match[1], 16)
        if not size:
            break
        whole += body[match.end() : match.end() + size]
        body = body[match.end() + size + 2 :]
    return bytes(whole)
