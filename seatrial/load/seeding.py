"""What a load needs before its first visit, and what it takes away after its last: one request after the other."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from seatrial.load.journeys import Answer, Request, Wrong

__all__ = ["Door"]

MOST = 16 * 2**20
TIDYING = 30.0
"""Seconds in which all that is left is taken away."""


class Door:
    """Asks a server one thing after the other, and keeps what is to be taken away in the end.

    Args:
        host: ``http://127.0.0.1:8080``.
        headers: of every request.
        timeout: seconds for each.
    """

    def __init__(self, host: str | None, headers: Mapping[str, str] = {}, timeout: float = 60) -> None:
        """It is opened by the first request."""
        if not host:
            raise ValueError("say which server: --host http://…")
        self.origin = urlsplit(host)
        self.headers = dict(headers)
        self.timeout = timeout
        self.left: dict[str, None] = {}
        """Paths that a DELETE takes away at the end, whatever became of the visits that made them."""

    def ask(self, request: Request) -> Answer:
        """Make one request.

        Raises:
            OSError: nobody answers.
            Wrong: the status is not as declared.
        """
        kind = http.client.HTTPSConnection if self.origin.scheme == "https" else http.client.HTTPConnection
        more: dict[str, Any] = {"context": ssl.create_default_context()} if self.origin.scheme == "https" else {}
        line = kind(self.origin.hostname or "", self.origin.port, timeout=request.timeout or self.timeout, **more)
        headers, body = {**self.headers, **request.headers}, request.body
        if request.json is not None:
            headers, body = {"Content-Type": "application/json", **headers}, json.dumps(request.json).encode()
        try:
            line.request(request.method, self.origin.path.rstrip("/") + request.path, body, headers)
            response = line.getresponse()
            head = "".join(f"{name}: {value}\r\n" for name, value in response.getheaders())
            answer = Answer(response.status, f"HTTP/1.1 {response.status}\r\n{head}".encode(), response.read(MOST), 0.0)
        except http.client.HTTPException as trouble:
            raise Wrong(f"no HTTP: {type(trouble).__name__}") from None
        finally:
            line.close()
        if answer.status not in request.right:
            raise Wrong(f"HTTP {answer.status}")
        return answer

    def tried(self, request: Request) -> Answer | None:
        """The same; nothing when it is answered in another way than declared.

        What could not be seeded is asked for by the visits all the same, which then find that it is not there: a server
        that keeps nothing is a target with errors, and no load that could not be made.
        """
        try:
            return self.ask(request)
        except Wrong:
            return None

    def tidy(self) -> list[str]:
        """Take away what is left; the paths at which that did not succeed."""
        failed, end = [], time.monotonic() + TIDYING
        while self.left:
            path, _ = self.left.popitem()
            left = end - time.monotonic()
            try:
                if left <= 0:
                    raise TimeoutError
                self.ask(Request("DELETE", path, right=(*range(200, 300), 404, 410), timeout=min(left, 10)))
            except (OSError, Wrong):
                failed.append(path)
        return failed
