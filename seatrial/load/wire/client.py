"""The client: keeps connections open, gives each request to a free one, and reads what comes, all in one thread and one epoll.

A request counts from when it was meant to begin, so one that waits for a connection is late by that wait. Nothing here
sleeps or yields; `poll` comes back within the time it is given, and whoever calls it yields where there is a hub.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from seatrial.load.wire import originals, tls
from seatrial.load.wire.answers import MOST_BODY
from seatrial.load.wire.asking import Origin, is_bodiless, may_be_repeated
from seatrial.load.wire.connecting import Connections
from seatrial.load.wire.failures import (
    CLOSED,
    CUT_OFF,
    RESET,
    TIMED_OUT,
    TIMED_OUT_CONNECTING,
    TOO_MUCH,
    Broken,
    of_socket,
)
from seatrial.load.wire.links import LISTENING, Done, Link
from seatrial.load.wire.originals import POLL_ERROR, POLL_HANGUP, POLL_IN, POLL_OUT, POLL_RDHUP
from seatrial.load.wire.unread import Unread

__all__ = ["Client"]

SWEEP = 0.02
"""How often it looks whose time is over."""
MOST_KEPT, MOST_KEPT_BYTES = 256, 4096
"""Whole answers that are remembered: one that is the same to the byte has been checked already."""
MOST_HELD = 512 << 20
"""Bytes of answers that are not whole yet, of all connections together."""
NOTED_FIRST, NOTED_EVERY = 64, 16
"""Rounds of which it is noted how long an answer lay unread: the first, then one in so many, so that slow ones count as often as others."""
RESTED = 0.1
"""Seconds after which a connection is looked at before it is used again."""
CROSSING = 0.25
"""Seconds in which a close may cross a request on its way."""
AT_ONCE = 4096
"""Bytes of a first read: what most answers fit in. A larger room costs more to get than the answer to read."""


class Client(Connections):
    """Asks one origin.

    Args:
        origin: ``https://host:port``.
        connections: how many are open at most; further requests wait for a free one.
        timeout: seconds from when a request was meant to begin.
        tls: ``ca``, ``cert``, ``key`` (paths), ``server_name``.
        connect_timeout: seconds to connect, over all addresses; that of the request when absent, at most 5.
        most_body: bytes of an answer's body at most.

    Raises:
        ValueError: the address or the files of `tls` can't be used.
    """

    def __init__(
        self,
        origin: str,
        *,
        connections: int = 256,
        timeout: float = 10.0,
        tls: Mapping[str, str] | None = None,
        connect_timeout: float | None = None,
        most_body: int = MOST_BODY,
    ) -> None:
        super().__init__(
            Origin.read(origin), tls or {}, most_body, min(timeout, 5.0) if connect_timeout is None else connect_timeout
        )
        self._most = max(1, connections)
        self._timeout = timeout
        self._select = originals.select()
        self._waits_by_select = self._epoll.fileno() < 1024
        originals.sharpen()
        self._queue: deque[Done] = deque()
        self._whole: dict[bytes, tuple[int, bytes, bytes]] = {}
        self._uneven = False
        """Whether requests have time-outs of their own, so that who comes first need not be over first."""
        self._sweep_at = self._scan_at = 0.0
        self._looked = perf_counter()
        self._fruitful = 0
        self.waited = 0
        """Requests that had to wait because every connection was in use."""
        self.repeated = 0
        """Requests that were sent again, as a kept connection had been closed by the other side."""
        self.unread = Unread()
        """How long answers may have lain in the socket before they were read."""

    @property
    def waiting(self) -> int:
        """Requests that wait for a connection."""
        return len(self._queue)

    @property
    def open_connections(self) -> int:
        """Connections that are open, or being opened."""
        return len(self._links)

    @property
    def in_flight(self) -> int:
        """Requests that are neither answered nor failed, those that wait among them."""
        return len(self._queue) + len(self._links) - len(self._idle) + len(self._over)

    def send(self, request: bytes, intended: float, token: Any = None, timeout: float | None = None) -> None:
        """Ask.

        Args:
            request: head and body, as `encode` writes them.
            intended: when it was meant to begin, by `time.perf_counter`.
            token: comes back with the answer.
            timeout: seconds from `intended`; that of the client when absent.
        """
        if timeout is None:
            done = Done(token, intended, request, intended + self._timeout)
        else:
            done = Done(token, intended, request, intended + timeout)
            self._uneven = True
        if self._idle and not self._queue:
            link = self._idle.pop()
            if intended - link.rested > RESTED and not self._still_open(link):
                self._open(done)
            else:
                self._start(link, done)
        elif len(self._links) < self._most:
            self._open(done)
        else:
            self.waited += 1
            self._queue.append(done)

    def poll(self, timeout: float = 0.0) -> list[Done]:
        """What is over by now; waits for that at most so many seconds, and comes back earlier when anything happens."""
        asked = perf_counter()
        events = self._epoll.poll(0, self._most)
        now = perf_counter()
        unread = now - self._looked
        self._looked = asked
        if not events and timeout > 0 and not self._over:
            # Something may have to be given up before that.
            wait = min(timeout, max(self._sweep_at - now, 0.0) + 0.0001) if self._links else timeout
            if self._waits_by_select:
                self._select([self._epoll], (), (), wait)
                events = self._epoll.poll(0, self._most)
            else:  # pragma: no cover
                events = self._epoll.poll(wait, self._most)
            self._looked = now = perf_counter()
            unread = 0.0
        over, self._over = self._over, []
        self._round += 1
        links, idle, queue, whole = self._links, self._idle, self._queue, self._whole
        if events:
            self._fruitful += 1
            if self._fruitful < NOTED_FIRST or not self._fruitful % NOTED_EVERY:
                self._note(events[len(events) // 2][0], now, len(events))
        for number, event in events:
            link = links.get(number)
            if link is None:
                continue
            if not link.fresh or event != POLL_IN:
                self._happened(link, event, now)
                continue
            try:
                data = link.receive(AT_ONCE)
            except OSError as error:
                self._lost(link, error, now)
                continue
            known = whole.get(data)
            if known is None:
                self._first(link, data, now)
                continue
            done = link.done
            done.status, done.head, done.body = known  # type: ignore[union-attr]
            done.ended = now  # type: ignore[union-attr]
            over.append(done)  # type: ignore[arg-type]
            link.used += 1
            link.fresh = False
            link.done = None
            if queue and (waits := self._next()) is not None:
                self._start(link, waits)
            else:
                link.rested = now
                idle.append(link)
        if now >= self._sweep_at:
            self._sweep(now)
        if queue:
            self._refill()
        if self._over:
            over += self._over
            self._over = []
        if over and not self.unread.by_kernel:
            self.unread.add(unread, len(over))
        return over

    def close(self) -> None:
        """Close every connection; what was not answered is forgotten."""
        for link in list(self._links.values()):
            self._drop(link)
        self._queue.clear()
        self._over.clear()
        self._epoll.close()

    def _note(self, number: int, now: float, answers: int) -> None:
        """Let the next read of a connection, which is in this round, also tell when it came what is read."""
        link, of = self._links.get(number), self._round
        if link is None or link.connecting:
            return

        def receive(size: int, flags: int = 0) -> bytes:
            link.receive = link.socket.recv
            if flags or self._round != of:
                return link.receive(size, flags)
            return self.unread.received(link.socket, size, now, answers)

        link.receive = receive

    # Requests

    def _start(self, link: Link, done: Done) -> None:
        """Send a request on a connection that is ready."""
        request = done.request
        link.done = done
        done.sent = perf_counter()
        if link.pipe is not None or is_bodiless(request):
            link.fresh = link.started = False
            link.reader.begin(bodiless=is_bodiless(request))
            if link.pipe is not None:
                try:
                    request = link.pipe.write(request)
                except Broken as broken:
                    self._fail(link, broken.kind, done.sent)
                    return
        else:
            link.fresh = True
        try:
            taken = link.transmit(request)
        except BlockingIOError:
            taken = 0
        except OSError as error:
            link.started = False
            self._lost(link, error, done.sent)
            return
        link.started = taken > 0
        if taken != len(request):
            if link.fresh:
                # It may be answered before it is sent; the connection is then of no use for another.
                link.fresh = False
                link.reader.begin(bodiless=False)
            link.pending = memoryview(request)[taken:]
            self._watch(link, LISTENING | POLL_OUT)

    def _refill(self) -> None:
        """Give what waits to connections that are free, or may be opened."""
        while self._queue and (self._idle or len(self._links) < self._most):
            done = self._next()
            if done is None:
                return
            if self._idle:
                self._start(self._idle.pop(), done)
            else:
                self._open(done)

    def _flush(self, link: Link) -> None:
        """Go on sending."""
        if link.pipe is not None and (more := link.pipe.outgoing()):
            link.pending = memoryview(more if link.pending is None else bytes(link.pending) + more)
        if link.pending is None:
            return
        try:
            taken = link.transmit(link.pending)
        except BlockingIOError:
            taken = 0
        # An answer may be there although the other side takes no more: what was lost shows when it is read.
        except OSError:
            taken = len(link.pending)
        link.started = link.started or taken > 0
        link.pending = link.pending[taken:] or None
        self._watch(link, LISTENING | (POLL_OUT if link.pending is not None else 0))

    # What happens

    def _happened(self, link: Link, event: int, now: float) -> None:
        """Anything but the usual: not the first bytes of an answer on a plain connection."""
        if link.born == self._round:
            return
        if link.connecting:
            self._connected(link, event, now)
            return
        link.shut = link.shut or bool(event & (POLL_RDHUP | POLL_HANGUP))
        if event & POLL_OUT:
            self._flush(link)
        if event & (POLL_IN | POLL_RDHUP | POLL_HANGUP | POLL_ERROR):
            try:
                data = link.receive(65536)
            except OSError as error:
                self._lost(link, error, now)
                return
            if link.pipe is not None:
                self._ciphered(link, link.pipe, data, now)
            else:
                self._read(link, data, not data, now)

    def _first(self, link: Link, data: bytes, now: float) -> None:
        """The first bytes of an answer that is not known yet."""
        self._read(link, data, not data, now)

    def _ciphered(self, link: Link, pipe: tls.Pipe, data: bytes, now: float) -> None:
        try:
            if data:
                pipe.incoming(data)
            if not pipe.ready:
                if not data:
                    raise Broken("TLS: connection closed")
                pipe.shake()
                self._flush(link)
                if pipe.ready and link.done is not None:
                    self._start(link, link.done)
                if not pipe.ready or link.number not in self._links:
                    return
            plain, over = pipe.read()
            if self._links.get(link.number) is not link:
                return
            self._flush(link)
        except Broken as broken:
            # What answers with an alert still says so before it hangs up.
            with contextlib.suppress(OSError):
                link.transmit(pipe.outgoing())
            self._fail(link, broken.kind, now)
            return
        if not data and not over:
            # Cut off without the end that TLS has: what came may not be all of it.
            self._fail(link, CUT_OFF if link.reader.started else CLOSED, now)
        elif plain or over:
            self._read(link, plain, over, now)

    def _read(self, link: Link, data: bytes, ended: bool, now: float) -> None:
        """Read on with what came, and with the end of the connection when that came too."""
        done, reader = link.done, link.reader
        if done is None:
            # Nothing was asked: it was closed, or says what nobody wants to know.
            if data or ended:
                self._drop(link)
            return
        first = link.fresh
        if first:
            link.fresh = False
            reader.begin(bodiless=False)
        try:
            whole = bool(data) and reader.feed(data)
            if ended and not whole:
                whole = reader.ended()
        except Broken as broken:
            self._fail(link, broken.kind, now)
            return
        if not whole:
            self._hold(link, now)
            return
        done.status, done.head, done.body = reader.status, reader.head, reader.body
        keep = reader.keep and not ended and not link.shut and link.pending is None
        if keep and first and len(data) <= MOST_KEPT_BYTES:
            # One read, one whole answer, nothing left over: the same bytes are the same answer.
            if len(self._whole) >= MOST_KEPT:
                self._whole.clear()
            self._whole[data] = (done.status, done.head, done.body)
        done.ended = now
        self._over.append(done)
        self._held -= link.held
        link.held = 0
        link.used += 1
        link.done = None
        if not keep:
            self._drop(link)
        elif self._queue and (waits := self._next()) is not None:
            self._start(link, waits)
        else:
            link.rested = now
            self._idle.append(link)

    def _hold(self, link: Link, now: float) -> None:
        """Keep half an answer, as long as those of all connections together are not more than memory is there for."""
        held = link.reader.held
        self._held += held - link.held
        link.held = held
        if self._held > MOST_HELD:
            self._fail(link, TOO_MUCH, now)

    # Failures

    def _lost(self, link: Link, error: OSError, now: float) -> None:
        if not isinstance(error, BlockingIOError):
            self._fail(link, of_socket(error.errno or 0), now)

    def _fail(self, link: Link, kind: str, now: float) -> None:
        """The connection is of no use any more; so is the request on it, unless it may be sent again."""
        done, untouched = link.done, link.fresh or not link.reader.started
        self._drop(link)
        if done is None:
            return
        # What is closed later was not idle when it was asked: the other side had the request, and gave no answer to it.
        stale = link.used and untouched and not done.again and kind in (CLOSED, RESET) and now - done.sent <= CROSSING
        if stale and (may_be_repeated(done.request) or not link.started):
            # It was closed while it was idle, and that was learnt only now.
            done.again = True
            self.repeated += 1
            self._open(done)
        else:
            self._end(done, kind, now)

    def _sweep(self, now: float) -> None:
        """Give up what has had its time."""
        self._sweep_at = now + SWEEP
        for link in list(self._links.values()):
            done = link.done
            if done is None:
                continue
            if now >= done.deadline:
                self._drop(link)
                shaking = link.pipe is not None and not link.pipe.ready
                self._end(done, TIMED_OUT_CONNECTING if link.connecting or shaking else TIMED_OUT, now)
            elif link.connecting and now >= link.connect_by:
                self._next_address(link, TIMED_OUT_CONNECTING, now)
        queue = self._queue
        while queue and now >= queue[0].deadline:
            self._end(queue.popleft(), TIMED_OUT, now)
        if self._uneven and queue and now >= self._scan_at:
            self._scan(now)

    def _scan(self, now: float) -> None:
        """Who waits with less time than those before: looked for seldom, as there may be very many that wait."""
        kept = deque(done for done in self._queue if now < done.deadline)
        if len(kept) < len(self._queue):
            for done in self._queue:
                if now >= done.deadline:
                    self._end(done, TIMED_OUT, now)
            self._queue.clear()
            self._queue.extend(kept)
        self._scan_at = now + 20 * (perf_counter() - now)

    def _next(self) -> Done | None:
        """Who has waited longest, and still has time."""
        now = perf_counter()
        while self._queue:
            done = self._queue.popleft()
            if now < done.deadline:
                return done
            self._end(done, TIMED_OUT, now)
        return None
