"""Defects that show only under load: a call now and then is answered as it should be, and eighty a second are not."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from typing import TYPE_CHECKING

from seatrial.demo.defect import build_defect
from seatrial.demo.messages import Refused, Request, Response, answer
from seatrial.demo.web import Handler

if TYPE_CHECKING:
    from seatrial.demo.service import Service

__all__: list[str] = []

MANY = 40
"""Calls within the last second from which on it counts as load."""
READ = "slos.read-a-note"
WRITE = "slos.write-a-note"


class _Calls:
    """How many calls came within the last second, and how many altogether."""

    def __init__(self, many: int = MANY) -> None:
        self.many, self.all = many, 0
        self._times: deque[float] = deque(maxlen=4096)

    def one(self) -> bool:
        """Count one more; whether that is load by now."""
        self.all += 1
        self._times.append(time.monotonic())
        return self.busy

    @property
    def busy(self) -> bool:
        """Whether there is load now."""
        now = time.monotonic()
        while self._times and self._times[0] < now - 1:
            self._times.popleft()
        return len(self._times) > self.many


def _room(service: Service) -> None:
    """Let in everybody: a service that refuses what it has no room for would be better off."""
    service._room = 10**6


def _reads(service: Service) -> tuple[Handler, _Calls]:
    return service.routes["/notes/{id}"]["GET"], _Calls()


@build_defect(
    "slow-under-load",
    loaded=("SLO-001",),
    by=READ,
    summary="a note is read in three seconds when many are read at a time",
)
def slow_under_load(service: Service) -> None:
    """Load: what is asked for all notes that are read now grows with how many these are."""
    read, calls = _reads(service)
    _room(service)

    async def slowly(request: Request) -> Response:
        if calls.one():
            await asyncio.sleep(3.0)
        return await read(request)

    service.routes["/notes/{id}"]["GET"] = slowly


@build_defect(
    "queue-without-end",
    loaded=("SLO-001", "SLO-003"),
    by=READ,
    summary="no more than 55 notes are read in a second, and whoever comes is let in to wait",
)
def queue_without_end(service: Service) -> None:
    """Load: one connection to the store is shared by everybody."""
    read, _ = _reads(service)
    _room(service)
    turn = 0.0

    async def in_turn(request: Request) -> Response:
        nonlocal turn
        now = time.monotonic()
        turn = max(now, turn + 1 / 55)
        await asyncio.sleep(turn - now)
        return await read(request)

    service.routes["/notes/{id}"]["GET"] = in_turn


@build_defect(
    "errors-under-load",
    loaded=("SLO-002",),
    by=READ,
    summary="one in thirty calls fails when many notes are read at a time",
)
def errors_under_load(service: Service) -> None:
    """Load: a pool of connections is a little too small."""
    read, calls = _reads(service)

    async def or_fail(request: Request) -> Response:
        if calls.one() and calls.all % 30 == 0:
            raise Refused(503, "no connection is free")
        return await read(request)

    service.routes["/notes/{id}"]["GET"] = or_fail


@build_defect(
    "stands-still",
    loaded=("SLO-001", "SLO-015"),
    by=READ,
    summary="after some hundred reads all of them wait for two and a half seconds",
)
def stands_still(service: Service) -> None:
    """Load: a checkpoint holds a lock that every read needs."""
    read, calls = _reads(service)
    _room(service)
    until = 0.0

    async def after_the_checkpoint(request: Request) -> Response:
        nonlocal until
        if calls.one() and not until and calls.all > 300:
            until = time.monotonic() + 2.5
        if until:
            await asyncio.sleep(max(0.0, until - time.monotonic()))
        return await read(request)

    service.routes["/notes/{id}"]["GET"] = after_the_checkpoint


@build_defect(
    "keeps-what-was-read",
    loaded=("SLO-004",),
    by=READ,
    summary="every note that is read is kept in memory, for a cache without a bound",
)
def keeps_what_was_read(service: Service) -> None:
    """Load: a dictionary that nobody empties."""
    read, _ = _reads(service)
    kept: list[bytes] = []

    async def kept_too(request: Request) -> Response:
        kept.append(os.urandom(1024) * 128)
        return await read(request)

    service.routes["/notes/{id}"]["GET"] = kept_too


@build_defect(
    "keeps-what-was-written",
    loaded=("SLO-014",),
    by=WRITE,
    summary="every note that is written is kept in memory, and nobody has said how much that may be",
)
def keeps_what_was_written(service: Service) -> None:
    """Load: a journal of what was done, for a page that nobody opens."""
    write = service.routes["/notes"]["POST"]
    kept: list[bytes] = []

    async def kept_too(request: Request) -> Response:
        kept.append(os.urandom(1024) * 1024)
        return await write(request)

    service.routes["/notes"]["POST"] = kept_too


@build_defect(
    "liveness-in-the-queue",
    loaded=("SLO-010",),
    by=READ,
    summary="liveness is refused like any other call when many notes are read",
)
def liveness_in_the_queue(service: Service) -> None:
    """Load: the limit of calls was put in front of everything."""
    read, calls = _reads(service)
    live = service.routes["/health/live"]["GET"]

    async def counted(request: Request) -> Response:
        calls.one()
        return await read(request)

    async def refused(request: Request) -> Response:
        if calls.busy:
            raise Refused(503, "too many requests at once", Retry_After="1")
        return await live(request)

    service.routes["/notes/{id}"]["GET"], service.routes["/health/live"]["GET"] = counted, refused


@build_defect(
    "unready-when-busy",
    loaded=("SLO-011",),
    by=READ,
    summary="readiness says not ready as soon as many notes are read",
)
def unready_when_busy(service: Service) -> None:
    """Load: somebody wanted to be left alone when there is much to do."""
    read, calls = _reads(service)
    ready = service.routes["/health/ready"]["GET"]

    async def counted(request: Request) -> Response:
        calls.one()
        return await read(request)

    async def only_at_rest(request: Request) -> Response:
        return answer({"status": "not ready", "components": {}}, 503) if calls.busy else await ready(request)

    service.routes["/notes/{id}"]["GET"], service.routes["/health/ready"]["GET"] = counted, only_at_rest


@build_defect(
    "starts-afresh",
    loaded=("SLO-012",),
    by=READ,
    summary="after five hundred reads the service ends as soon as it has a moment, to be started afresh",
)
def starts_afresh(service: Service) -> None:
    """Load: it leaks, and this was quicker to write than to find out where."""
    read, calls = _reads(service)

    async def counted(request: Request) -> Response:
        calls.one()
        if calls.all == 500:
            service.background.append(asyncio.create_task(at_a_quiet_moment()))
        return await read(request)

    async def at_a_quiet_moment() -> None:
        before = -1
        while before != calls.all:  # nobody has read anything for a moment
            before = calls.all
            await asyncio.sleep(0.2)
        os._exit(0)

    service.routes["/notes/{id}"]["GET"] = counted


@build_defect(
    "loses-writes-under-load",
    loaded=("SLO-013",),
    by=WRITE,
    summary="of many notes that are written at a time one in forty is acknowledged, and never kept",
)
def loses_writes_under_load(service: Service) -> None:
    """Load: a full queue of writes drops the oldest."""
    write = service.routes["/notes"]["POST"]
    calls = _Calls(many=8)

    async def or_drop(request: Request) -> Response:
        if calls.one() and calls.all % 40 == 0:
            given = request.json()
            note = {"id": given["id"], "text": given["text"], "revision": 1, "written_at": time.time()}
            return answer(note, 201)
        return await write(request)

    service.routes["/notes"]["POST"] = or_drop
