"""Load on one call of a service, from a process of its own that stops when we do."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.drivers import http
from seatrial.drivers._http_calls import method_of, renamed
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile.model import Canary, Service

__all__ = ["Load", "load"]

TOKEN = "L00000000"
"""A number of its own in every call; always as long, so that Content-Length holds."""
CHILD = Path(__file__).with_name("_load_child.py")
SLACK = 20.0
"""Seconds that an order may take longer than it says."""


@dataclass(slots=True)
class Load:
    """A generator that waits for orders."""

    child: subprocess.Popen[bytes]

    def _order(self, **order: Any) -> dict[str, Any]:
        """Give an order, and have what came of it.

        Raises:
            CouldNotLook: the generator has ended, or is silent for too long.
        """
        into, out = self.child.stdin, self.child.stdout
        assert into is not None
        assert out is not None
        try:
            into.write(json.dumps(order).encode() + b"\n")
            into.flush()
        except OSError:
            raise CouldNotLook("the load generator has ended") from None
        end = time.monotonic() + float(order["seconds"]) + SLACK
        text = b""
        while not text.endswith(b"\n"):
            if not select.select([out], [], [], max(0.0, end - time.monotonic()))[0]:
                raise CouldNotLook("the load generator did not answer in time")
            piece = os.read(out.fileno(), 1 << 16)
            if not piece:
                raise CouldNotLook("the load generator has ended")
            text += piece
        found: dict[str, Any] = json.loads(text)
        return found

    def closed(self, workers: int, seconds: float, *, most: int) -> dict[str, Any]:
        """So many calls at a time, each made when the last is answered; at most so many altogether."""
        return self._order(closed=workers, seconds=seconds, most=most)

    def open(self, rate: float, seconds: float, *, most: int, waiting: int) -> dict[str, Any]:
        """So many calls a second, answered or not, at most so many altogether, and so many that wait for an answer."""
        return self._order(open=rate, seconds=seconds, most=most, waiting=waiting)

    def tidy(self, within: float) -> int:
        """Take away what was written; how many could not be."""
        return int(self._order(undo=True, seconds=within)["left"])


@contextmanager
def load(session: Session, service: Service, node: Canary) -> Iterator[Load]:
    """A generator of one declared call, ended with the block however it ends.

    Raises:
        CouldNotLook: the run was not granted a load, or the call can't be made.
    """
    method, _ = method_of(node)
    session.call("http", f"LOAD {method}", Tier.load)
    calls = [node]
    if node.sentinel is not None:
        own = renamed(node, node.sentinel, f"{node.sentinel}-{os.urandom(3).hex()}-{TOKEN}")
        calls = [own, *([own.remove] if own.remove is not None else [])]
    requests = [_request(session, service, call) for call in calls]
    first = requests[0]
    tls = None
    if first.trust is not None:
        files = service.tls
        paths = [
            str(session.base / file) if file else None
            for file in ((files.ca, files.cert, files.key) if files else (None, None, None))
        ]
        tls = {"ca": paths[0], "cert": paths[1], "key": paths[2], "name": first.server_name}
    told = {
        "host": first.host,
        "port": first.origin.port or (443 if first.trust else 80),
        "tls": tls,
        "steps": [
            {"text": base64.b64encode(request.text).decode(), "right": _right(call), "undo": call is not calls[0]}
            for request, call in zip(requests, calls, strict=True)
        ],
        "token": TOKEN if node.sentinel is not None else "",
        "timeout": node.timeout.seconds,
    }
    # By its input alone: headers may hold secrets, and a command line is seen by everybody. Out of reach of Ctrl-C: it ends
    # with its input, and takes away first what it wrote.
    child = subprocess.Popen(
        [sys.executable, "-I", str(CHILD)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        assert child.stdin is not None
        child.stdin.write(json.dumps(told).encode() + b"\n")
        child.stdin.flush()
        yield Load(child)
    finally:
        with contextlib.suppress(OSError):
            child.stdin.close()  # type: ignore[union-attr]
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(8.0)
        child.kill()
        child.wait()
        child.stdout.close()  # type: ignore[union-attr]


def _right(call: Canary) -> list[int]:
    status = call.expect.status if call.expect else 200
    return status if isinstance(status, list) else [status]


def _request(session: Session, service: Service, call: Canary) -> http._Request:
    """One request of a call, as text."""
    method, path = method_of(call)
    headers = {name: session.resolve(value) for name, value in (call.headers or {}).items()}
    body = b""
    if method != "GET" and call.body is not None:
        body = json.dumps(call.body).encode()
        headers = {"Content-Type": "application/json", **headers}
    try:
        request = http._request(session, http.base_of(session, service) + path, headers, service.tls, session.mask)
    except http._NotAsked as why:
        raise CouldNotLook(why.missing.reason, right=why.missing.right) from None
    from dataclasses import replace

    return request if method == "GET" else replace(request, text=http._with_body(request.text, method, body))
