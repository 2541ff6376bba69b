"""Requests as bytes, and where they go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

__all__ = ["Origin", "encode", "is_bodiless", "may_be_repeated"]

MOST_KEPT = 512
_BAD = frozenset("\r\n\0")
_NAME = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
# What a path may hold as it is; everything else, spaces above all, is written as %XX.
_SAFE = "/?:@!$&'()*+,;=-._~%[]|"
_WITH_BODY = ("POST", "PUT", "PATCH")
_REPEATED = (b"GET ", b"HEAD", b"PUT ", b"DELE", b"OPTI", b"TRAC")

_kept: dict[tuple[str, str, str, tuple[tuple[str, str], ...]], tuple[bytes, bool]] = {}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where requests go: scheme, host and port."""

    tls: bool
    host: str
    """A name or an address, without brackets."""
    port: int
    named: str
    """As the Host header says it: without the port where it is the usual one."""

    @classmethod
    def read(cls, address: str) -> Origin:
        """From ``https://host:port``; whatever follows is left out.

        Raises:
            ValueError: that is no such address.
        """
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError:
            raise ValueError(f"{address!r} is no address such as http://127.0.0.1:8080") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{address!r} is no address such as http://127.0.0.1:8080")
        if parts.username is not None or parts.password is not None:
            raise ValueError("an address with a password in it: put it into a header")
        try:
            host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
        except UnicodeError:
            raise ValueError(f"{address!r} has no host name") from None
        if any(c <= " " for c in host):
            raise ValueError(f"{address!r} has no host name")
        tls = parts.scheme == "https"
        usual = 443 if tls else 80
        shown = f"[{host}]" if ":" in host else host
        return cls(tls, host, port or usual, shown if port in (None, usual) else f"{shown}:{port}")


def _header(name: str, value: str) -> str:
    if not name or not set(name) <= _NAME:
        raise ValueError(f"{name!r} is no name of a header")
    if _BAD & set(value):
        # Never the value: it may be a secret.
        raise ValueError(f"the value of the header {name} holds a line break")
    return f"{name}: {value}\r\n"


def _beginning(method: str, path: str, headers: Mapping[str, str], origin: str) -> bytes:
    """Everything before the length and the body."""
    if not method or not set(method) <= _NAME:
        raise ValueError(f"{method!r} is no method")
    if not path.startswith("/"):
        parts = urlsplit(path) if "://" in path else None
        path = f"/{path}" if parts is None else (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path = quote(path.partition("#")[0], safe=_SAFE)
    given = {name.lower() for name in headers}
    lines = [f"{method} {path} HTTP/1.1\r\n"]
    if "host" not in given:
        lines.append(f"Host: {Origin.read(origin).named}\r\n")
    if "user-agent" not in given:
        lines.append("User-Agent: seatrial\r\n")
    if "accept" not in given:
        lines.append("Accept: */*\r\n")
    lines += [_header(name, value) for name, value in headers.items()]
    return "".join(lines).encode("utf-8")


def encode(
    method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None, origin: str = ""
) -> bytes:
    """A whole request as bytes.

    Args:
        method: ``GET``.
        path: path and query, or a whole address, of which path and query are used.
        headers: added to Host, User-Agent and Accept, or in their place.
        body: sent with its length; nothing when absent.
        origin: ``http://127.0.0.1:8080``, for the Host header.

    Raises:
        ValueError: a name or value that can't be sent, such as one with a line break.
    """
    key = (method, path, origin, tuple(headers.items()) if headers else ())
    kept = _kept.get(key)
    if kept is None:
        given = {name.lower() for name in headers or ()}
        kept = _beginning(method, path, headers or {}, origin), bool(given & {"content-length", "transfer-encoding"})
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        _kept[key] = kept
    start, says_length = kept
    if body is None:
        if method not in _WITH_BODY:
            return start + b"\r\n"
        body = b""
    if says_length:
        # Whoever says the length wants to lie about it, or has written chunks.
        return b"%b\r\n%b" % (start, body)
    return b"%bContent-Length: %d\r\n\r\n%b" % (start, len(body), body)


def is_bodiless(request: bytes) -> bool:
    """Whether the answer to it has no body whatever its head says."""
    return request[:5] == b"HEAD "


def may_be_repeated(request: bytes) -> bool:
    """Whether doing it twice is the same as doing it once."""
    return request[:4] in _REPEATED
