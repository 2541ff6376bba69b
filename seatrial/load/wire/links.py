"""One connection of a client: what it is doing, and what is still to be sent on it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from seatrial.load.wire.answers import Reader
from seatrial.load.wire.originals import POLL_IN, POLL_RDHUP
from seatrial.load.wire.tls import Pipe

__all__ = ["LISTENING", "Address", "Done", "Link"]

LISTENING = POLL_IN | POLL_RDHUP
"""The events of a connection on which nothing is still to be sent."""


Address = tuple[int, Any]
"""Family, and what `connect` takes."""


class Done:
    """One request, and what came of it. Filled where it is, as a new object for each answer would cost more than the check."""

    __slots__ = (
        "again",
        "body",
        "deadline",
        "ended",
        "failure",
        "head",
        "intended",
        "request",
        "sent",
        "status",
        "token",
    )

    def __init__(self, token: Any, intended: float, request: bytes, deadline: float) -> None:
        self.token = token
        self.intended = intended
        """When it was meant to begin; like every time here, of `time.perf_counter`."""
        self.request = request
        self.deadline = deadline
        self.again = False
        """Whether it was sent a second time, as the first connection had been closed by the other side."""
        self.sent = 0.0
        """0 when it never was."""
        self.ended = 0.0
        self.status = 0
        self.head = b""
        """Status line and headers, as they came."""
        self.body = b""
        self.failure = ""
        """Why there is no answer; empty when there is one."""

    def __repr__(self) -> str:
        # Neither request nor answer: both may hold secrets.
        return f"<Done {self.token!r} {self.failure or self.status}>"


class Link:
    """One connection."""

    __slots__ = (
        "address", "born", "by", "connect_by", "connecting", "done", "fresh", "held", "number", "others", "pending", "pipe", "reader",
        "receive", "rested", "shut", "socket", "started", "transmit", "used", "watched",
    )  # fmt: skip

    def __init__(self, made: socket.socket, reader: Reader, address: Address, born: int, done: Done) -> None:
        self.socket = made
        self.receive: Callable[..., bytes] = made.recv
        self.transmit = made.send
        self.number = made.fileno()
        self.reader = reader
        self.address = address
        """Which of the host's addresses it goes to."""
        self.others: tuple[Address, ...] = ()
        """Those that are left when this one does not answer."""
        self.born = born
        """The round in which it was opened: what that round had to tell of its number was about another."""
        self.connecting = True
        self.connect_by = 0.0
        """When this address is given up."""
        self.by = 0.0
        """When every address is."""
        self.pipe: Pipe | None = None
        self.done: Done | None = done
        self.fresh = False
        """Not a byte of this answer was read, and one read may give all of it."""
        self.started = False
        """Whether any of this request has been given to the kernel."""
        self.pending: memoryview | None = None
        """What is still to be sent."""
        self.watched = 0
        """The events it is registered for."""
        self.held = 0
        """Bytes of an answer that is not whole yet."""
        self.rested = 0.0
        """Since when it has nothing to do."""
        self.shut = False
        """Whether the other side sends nothing more."""
        self.used = 0
        """Answers that it has brought."""
