"""A listener of ours, where the test receiver sends to: it keeps nothing but what carries our own alert's name."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from seatrial.words import CouldNotLook

__all__ = ["Arrived", "Receiving", "listening"]

LARGEST = 1024 * 1024
"""Bytes of a notification that are read."""
AT_ONCE = 8
"""Connections that are answered at the same time; the next ones are closed."""
MOST = 200
"""Notifications of our alert that are kept."""
WITHIN = 5.0
"""Seconds a connection has."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One notification that told of our alert."""

    at: float
    """By time.monotonic."""
    status: str
    """``firing`` or ``resolved``."""
    receiver: str
    """The one it came by, as it says."""
    labels: dict[str, str]
    annotations: dict[str, str]


@dataclass(slots=True)
class Receiving:
    """What has come so far."""

    label: str
    id: str
    path: str
    address: tuple[str, int] = ("", 0)
    arrived: list[Arrived] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    trouble: list[str] = field(default_factory=list)
    """What came to our path and could not be read as a notification, in our own words."""

    def until(self, condition: Callable[[list[Arrived]], object], within: float) -> bool:
        """Wait until a condition on what arrived holds; whether it did before time was up."""
        end = time.monotonic() + within
        with self.changed:
            while not condition(self.arrived):
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self.changed.wait(min(left, 0.25))
        return True

    def take(self, raw: bytes) -> None:
        """Read one notification, and keep of it what is ours."""
        at = time.monotonic()
        try:
            told = json.loads(raw)
            ours = [each for each in told["alerts"][:1000] if each["labels"].get(self.label) == self.id]
            found = [
                Arrived(
                    at,
                    str(each["status"]),
                    str(told.get("receiver", "")),
                    _texts(each["labels"]),
                    _texts(each["annotations"]),
                )
                for each in ours
            ]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            with self.changed:
                self.trouble[1:] = [
                    "something that is no notification of an Alertmanager came to the test receiver's path"
                ]
            return
        with self.changed:
            self.arrived += found[: max(0, MOST - len(self.arrived))]
            self.changed.notify_all()


def _texts(told: dict[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in told.items()}


@contextmanager
def listening(address: str, path: str, label: str, id: str) -> Iterator[Receiving]:
    """Listen where the test receiver sends to, until the block ends.

    Args:
        address: host and port.
        path: of the webhook.
        label: by which our alert is told from others.
        id: its value.

    Raises:
        CouldNotLook: that address is not to be had.
    """
    host, _, port = address.rpartition(":")
    receiving = Receiving(label, id, path)
    try:
        server = _Server((host.strip("[]"), int(port)), receiving)
    except (OSError, ValueError, OverflowError) as why:
        reason = getattr(why, "strerror", None) or "not an address"
        raise CouldNotLook(
            f"the test receiver's address {address} is not to be had: {reason}; nothing was sent",
            right="alerts.test_receiver.listen that is free on this machine",
        ) from None
    receiving.address = server.server_address[0], server.server_address[1]  # type: ignore[assignment]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiving
    finally:
        server.shutdown()
        server.server_close()
        thread.join(WITHIN)


class _Server(http.server.ThreadingHTTPServer):
    """Answers a few at a time, each for a short time."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def __init__(self, address: tuple[str, int], receiving: Receiving) -> None:
        self.receiving = receiving
        self.room = threading.BoundedSemaphore(AT_ONCE)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind, and look up no names."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer it, where there is room."""
        if not self.room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer it, within its time, however it drips."""
        ending = threading.Timer(WITHIN, lambda: _cut(request))
        ending.daemon = True
        ending.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            ending.cancel()
            self.room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever connects may go again."""


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(http.server.BaseHTTPRequestHandler):
    """One notification."""

    protocol_version = "HTTP/1.0"
    timeout = WITHIN
    server: _Server

    def do_POST(self) -> None:
        """Take it."""
        length = self.headers.get("Content-Length", "")
        if self.path.partition("?")[0] != self.server.receiving.path:
            self._answer(404)
        elif not length.isdecimal() or len(length) > 12:
            self._answer(411)
        elif int(length) > LARGEST:
            self._answer(413)
        else:
            raw = self.rfile.read(int(length))
            self._answer(200)
            if len(raw) == int(length):
                self.server.receiving.take(raw)

    def _answer(self, status: int) -> None:
        self.send_response_only(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""
