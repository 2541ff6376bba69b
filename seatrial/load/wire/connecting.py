"""Getting connected: the host's addresses, one after the other, TCP, and the begin of TLS."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from seatrial.load.wire import originals, tls
from seatrial.load.wire.answers import Reader
from seatrial.load.wire.asking import Origin
from seatrial.load.wire.failures import REFUSED, UNKNOWN_HOST, Broken, of_socket
from seatrial.load.wire.links import LISTENING, Address, Done, Link
from seatrial.load.wire.originals import POLL_OUT
from seatrial.load.wire.unread import note_arrivals

__all__ = ["Connections"]


class Connections:
    """The connections of a client, and what is over without an answer."""

    def __init__(self, origin: Origin, given: Mapping[str, str], most_body: int, connect_timeout: float) -> None:
        self.origin = origin
        self._connect_timeout = connect_timeout
        self._most_body = most_body
        self._context = tls.context(given) if origin.tls else None
        self._server_name = given.get("server_name") or origin.host
        self._socket = originals.socket()
        self._epoll = originals.epoll()
        self._addresses: tuple[Address, ...] | None = None
        self._links: dict[int, Link] = {}
        self._idle: list[Link] = []
        self._over: list[Done] = []
        self._round = 0
        self._held = 0
        self.opened = 0
        """Connections that were opened, all together."""
        self.most_open = 0
        """Most that were open at once."""

    def _resolved(self) -> tuple[Address, ...]:
        """Every address of the host, asked for once; the one that answered last comes first."""
        if self._addresses is None:
            self._addresses = ()
            # That of the module, which is gevent's own where there is gevent: the hub goes on meanwhile.
            with contextlib.suppress(OSError, UnicodeError):
                found = socket.getaddrinfo(self.origin.host, self.origin.port, type=socket.SOCK_STREAM)
                self._addresses = tuple(dict.fromkeys((int(family), address) for family, _, _, _, address in found))
        return self._addresses

    def _open(self, done: Done, addresses: tuple[Address, ...] | None = None, by: float = 0.0) -> None:
        """Open a connection for a request, to the first of the addresses that answers."""
        if addresses is None:
            addresses = self._resolved()
        now = perf_counter()
        by = by or now + self._connect_timeout
        kind = UNKNOWN_HOST
        for tried, (family, where) in enumerate(addresses, 1):
            try:
                made = self._socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
            except OSError as error:
                kind = of_socket(error.errno or 0)
                continue
            try:
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                note_arrivals(made)
                made.connect(where)
            except BlockingIOError:
                pass
            except OSError as error:
                made.close()
                kind = of_socket(error.errno or 0)
                continue
            link = Link(made, Reader(self._most_body), (family, where), self._round, done)
            link.others = addresses[tried:]
            link.by, link.connect_by = by, now + max(by - now, 0.0) / (1 + len(link.others))
            link.watched = LISTENING | POLL_OUT
            self._links[link.number] = link
            self._epoll.register(link.number, link.watched)
            self.opened += 1
            self.most_open = max(self.most_open, len(self._links))
            return
        self._end(done, kind, now)

    def _next_address(self, link: Link, kind: str, now: float) -> None:
        """Connecting failed: try the host's next address, or give up."""
        done = link.done
        self._drop(link)
        if done is None:
            return
        if link.others and now < link.by:
            self._open(done, link.others, link.by)
        else:
            self._end(done, kind, now)

    def _connected(self, link: Link, event: int, now: float) -> None:
        if number := link.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._next_address(link, of_socket(number), now)
            return
        if not event & POLL_OUT:
            return
        try:
            itself = link.socket.getsockname() == link.socket.getpeername()
        except OSError as error:
            self._next_address(link, of_socket(error.errno or 0), now)
            return
        if itself:
            # Nobody listens, and the port it was given was the one it asked for: TCP then speaks to itself.
            self._next_address(link, REFUSED, now)
            return
        link.connecting = False
        if self._addresses and self._addresses[0] != link.address:
            self._addresses = (link.address, *(each for each in self._addresses if each != link.address))
        if self._context is None:
            self._watch(link, LISTENING)
            self._start(link, link.done)
            return
        try:
            link.pipe = tls.Pipe(self._context, self._server_name)
            link.pipe.shake()
        except Broken as broken:
            self._fail(link, broken.kind, now)
            return
        except ValueError:
            self._fail(link, "TLS: no name that a certificate can have", now)
            return
        self._flush(link)

    def _still_open(self, link: Link) -> bool:
        """Look before it is used after a rest, as what can't be asked twice would be lost with it."""
        try:
            # TLS may have said something of its own; what it was shows when it is read.
            fine = bool(link.receive(1, socket.MSG_PEEK)) and link.pipe is not None
        except BlockingIOError:
            fine = True
        except OSError:
            fine = False
        if not fine:
            self._drop(link)
        return fine

    def _watch(self, link: Link, events: int) -> None:
        if link.watched != events:
            link.watched = events
            self._epoll.modify(link.number, events)

    def _drop(self, link: Link) -> None:
        self._links.pop(link.number, None)
        self._held -= link.held
        link.held = 0
        if link.done is None and link in self._idle:
            self._idle.remove(link)
        link.fresh = False
        link.done = None
        link.socket.close()

    def _end(self, done: Done, kind: str, now: float) -> None:
        """The request failed."""
        done.failure = kind
        done.ended = now
        self._over.append(done)

    def _start(self, link: Link, done: Any) -> None:
        raise NotImplementedError

    def _flush(self, link: Link) -> None:
        raise NotImplementedError

    def _fail(self, link: Link, kind: str, now: float) -> None:
        raise NotImplementedError
