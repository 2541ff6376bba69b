"""HTTP messages: what a handler gets and gives, and how a request's head is read."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

JSON = "application/json"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VERSIONS = {"HTTP/1.0", "HTTP/1.1"}


class Refused(Exception):
    """A request that gets an error for an answer."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        self.status, self.message, self.headers = status, message, headers
        super().__init__(message)


@dataclass(slots=True)
class Request:
    """A request, read whole."""

    method: str
    path: str
    version: str = "HTTP/1.1"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    params: dict[str, str] = field(default_factory=dict)

    @property
    def keep_alive(self) -> bool:
        """Whether the client wants the connection to stay open."""
        wish = self.headers.get("connection", "").lower()
        return wish != "close" if self.version == "HTTP/1.1" else wish == "keep-alive"

    def json(self) -> Any:
        """The body as JSON; refused when it is not."""
        if self.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
            raise Refused(415, f"send {JSON}")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Refused(400, "the body is not JSON") from None


@dataclass(slots=True)
class Response:
    """An answer; a stream is sent in chunks after the body."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None


def answer(value: Any, status: int = 200, **headers: str) -> Response:
    """A JSON answer. Nothing of this service may be kept by a cache on the way."""
    sent = {"Cache-Control": "no-store", **{name.replace("_", "-"): text for name, text in headers.items()}}
    return Response(status, json.dumps(value).encode() + b"\n", headers=sent)


def error(refusal: Refused) -> Response:
    """An error in the one shape all errors have."""
    name = HTTPStatus(refusal.status).phrase
    return answer(
        {"error": {"status": refusal.status, "name": name, "message": refusal.message}},
        refusal.status,
        **refusal.headers,
    )


def read_head(head: bytes) -> Request:
    """Parse request line and headers, strictly: what is read differently by a proxy before us is refused."""
    lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not _TOKEN.fullmatch(words[0]):
        raise Refused(400, "the request line can't be read")
    method, target, version = words
    if version not in _VERSIONS:
        raise Refused(505, "speak HTTP/1.1")
    if not target.startswith("/"):
        raise Refused(400, "the request target must be a path")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not _TOKEN.fullmatch(name) or any(c in value for c in "\r\n\0"):
            raise Refused(400, "a header can't be read")
        if name in headers and name in ("content-length", "host", "transfer-encoding"):
            raise Refused(400, f"{name} is given twice")
        headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    if version == "HTTP/1.1" and "host" not in headers:
        raise Refused(400, "a host header is needed")
    return Request(method, unquote(target.partition("?")[0]), version, headers)


def body_size(request: Request, limit: int) -> int:
    """How many bytes of body follow; refused above the limit, or when the client does not say."""
    if "transfer-encoding" in request.headers:
        raise Refused(411, "send a content-length")
    length = request.headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise Refused(400, "content-length is not a number")
    # Compared by its digits first: a length of a million digits is not worth turning into a number.
    if len(length.lstrip("0")) > 18 or int(length) > limit:
        raise Refused(413, f"a body has at most {limit} bytes")
    return int(length)
