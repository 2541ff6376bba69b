"""A small HTTP server that keeps what is written to it, and what can be wrong with one."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["DEFECTS", "Api", "Call", "Fault", "Keeper", "Raw", "serve"]

STALE = 30.0
NO_CONTENT = 204
PASSING = ("upload", "picture", "said", "archive")
KEPT = "/-/kept"
"""What a test asks for: how many things of each kind visitors have left."""
DEFECTS = {
    "empty": "answers 200 with an empty body to everything",
    "braces": "answers 200 with {} to everything",
    "loses": "says that it has written, and has lost every so manieth (loses=3)",
    "stale": "reads what was there half a minute ago, as a replica that lags does",
    "open": "lets everybody in",
    "redirects": "sends everybody elsewhere",
    "mixes": "answers with what somebody else wrote",
}


class Fault(Exception):
    """An answer with another status than 200."""

    def __init__(self, status: int, document: Any = None) -> None:
        super().__init__(status)
        self.status, self.document = status, document


@dataclass
class Raw:
    """A body that is no JSON."""

    kind: str
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """One request."""

    parts: dict[str, str]
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's JSON."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            raise Fault(400, {"error": "no JSON"}) from None


class Keeper:
    """Kinds of things by their keys."""

    def __init__(self, defect: str = "") -> None:
        self.defect, _, number = defect.partition("=")
        self.every = int(number or 3)
        self.lock = threading.RLock()
        self.writes = 0
        self._kept: dict[str, dict[str, list[tuple[float, Any]]]] = {}

    def put(self, kind: str, key: str, value: Any, *, ours: bool = True) -> None:
        """Keep one; what is `ours` is part of no write that a visitor makes."""
        with self.lock:
            if ours:
                self.writes += 1
                if self.defect == "loses" and self.writes % self.every == 0:
                    return
            self._kept.setdefault(kind, {}).setdefault(key, []).append((time.monotonic(), json.dumps(value)))

    def drop(self, kind: str, key: str) -> bool:
        """Forget one."""
        with self.lock:
            return self._kept.get(kind, {}).pop(key, None) is not None

    def get(self, kind: str, key: str) -> Any:
        """One; nothing when it is not there."""
        with self.lock:
            if self.defect == "mixes" and self._kept.get(kind):
                key = next(iter(self._kept[kind]))
            history = self._kept.get(kind, {}).get(key, [])
            seen = [one for at, one in history if self.defect != "stale" or time.monotonic() - at > STALE]
            return json.loads(seen[-1]) if seen else None

    def all(self, kind: str) -> dict[str, Any]:
        """All of a kind."""
        with self.lock:
            found = {key: self.get(kind, key) for key in self._kept.get(kind, {})}
            return {key: value for key, value in found.items() if value is not None}

    def counts(self) -> dict[str, int]:
        """How many of each kind are there, without what passes through."""
        with self.lock:
            return {kind: len(kept) for kind, kept in self._kept.items() if kept and kind not in PASSING}

    def there(self, kind: str, key: str) -> Any:
        """One that must be there."""
        found = self.get(kind, key)
        if found is None:
            raise Fault(404)
        return found


class Api:
    """What a stand-in is: routes, and how it says who may ask."""

    name = "api"
    key_header = "authorization"
    key_prefix = "Bearer "
    anonymous = ("/health",)
    missing: ClassVar[Any] = {"error": "not found"}
    refused: ClassVar[Any] = {"error": "unauthorized"}

    def __init__(self, defect: str = "", key: str = "") -> None:
        self.defect, self.key = defect.partition("=")[0], key
        self.keeper = Keeper(defect)
        self.routes: list[tuple[str, re.Pattern[str], Callable[[Call], Any]]] = []
        for attribute in dir(self):
            for method, path in (
                getattr(getattr(self, attribute), "routes", None) or () if attribute != "routes" else ()
            ):
                pattern = re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + "/?$")
                self.routes.append((method, pattern, getattr(self, attribute)))
        self.routes.sort(key=lambda one: one[1].pattern.count("?P<"))  # what is named before what may be anything

    def answer(self, method: str, address: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Raw]:
        """What one request comes to."""
        if address == KEPT:
            return 200, _json(self.keeper.counts())
        if self.defect == "empty":
            return 200, Raw("application/json", b"")
        if self.defect == "braces":
            return 200, Raw("application/json", b"{}")
        if self.defect == "redirects":
            return 302, Raw("text/html", b"", {"Location": "/login"})
        parts = urlsplit(address)
        asks = [route for route in self.routes if route[1].match(parts.path)]
        try:
            if parts.path not in self.anonymous and self.key and self.defect != "open" and not self.known(headers):
                raise Fault(401, self.refused)
            for verb, pattern, handle in asks:
                if verb == method:
                    found = {name: unquote(text) for name, text in pattern.match(parts.path).groupdict().items()}  # type: ignore[union-attr]
                    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
                    told = handle(Call(found, query, headers, body))
                    return 200, told if isinstance(told, Raw) else _json(told)
            raise Fault(405 if asks else 404)
        except Fault as fault:
            return fault.status, _json(self.missing if fault.document is None else fault.document)

    def known(self, headers: Mapping[str, str]) -> bool:
        """Whether the request says who asks."""
        return headers.get(self.key_header) == self.key_prefix + self.key

    @staticmethod
    def fresh() -> str:
        """An id that nothing has."""
        return str(uuid.uuid4())


def route(method: str, path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Says what a method of an `Api` answers."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        function.routes = [*getattr(function, "routes", ()), (method, path)]  # type: ignore[attr-defined]
        return function

    return mark


def _json(document: Any) -> Raw:
    return Raw("application/json", json.dumps(document).encode())


def serve(api: Api, port: int = 0, address: str = "127.0.0.1") -> ThreadingHTTPServer:
    """Listen; the caller runs it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, told = api.answer(self.command, self.path, headers, body)
            self.send_response(status)
            if status != NO_CONTENT:
                self.send_header("Content-Type", told.kind)
                self.send_header("Content-Length", str(len(told.data)))
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if status != NO_CONTENT:
                self.wfile.write(told.data)

        do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _do

        def log_message(self, *_: object) -> None:
            """Quietly."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """A visitor who goes away before the answer is none of ours."""

    return Server((address, port), Handler)
