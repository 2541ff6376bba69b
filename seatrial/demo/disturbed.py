"""Defects that show only when something happens to the deployment: a dependency is lost, a process ends, a limit is reached."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import TYPE_CHECKING

from seatrial.demo.cache import CacheLost
from seatrial.demo.defect import build_defect
from seatrial.demo.messages import Request, Response, answer
from seatrial.demo.web import Handler

if TYPE_CHECKING:
    from seatrial.demo.service import Service
    from seatrial.demo.store import Note


# While a dependency is lost ------------------------------------------------------------------------------------------


@build_defect(
    "readiness-patient",
    drilled=("PRB-003",),
    by="api.redis.hung",
    summary="readiness tries Redis again and again before it answers, longer than its probe waits",
)
def readiness_patient(service: Service) -> None:
    """Dependencies: somebody wanted it to say not ready only when that is certain."""

    async def patient(request: Request) -> Response:
        response = await service.health.ready(request)
        for _ in range(6):
            if response.status == 200 or service.health.draining:
                break
            await asyncio.sleep(0.2)
            response = await service.health.ready(request)
        return response

    service.routes["/health/ready"]["GET"] = patient


@build_defect(
    "readiness-late",
    drilled=("PRB-001", "PRB-016"),
    by="api.redis.stopped",
    summary="readiness believes for twenty seconds that Redis will be back in a moment",
)
def readiness_late(service: Service) -> None:
    """Dependencies: a breaker stands before the answer, and opens late."""
    lost_since = 0.0

    async def late(request: Request) -> Response:
        nonlocal lost_since
        response = await service.health.ready(request)
        if response.status == 200 or service.health.draining:
            lost_since = 0.0
            return response
        lost_since = lost_since or time.monotonic()
        return response if time.monotonic() - lost_since > 20 else answer({"status": "ready", "components": {}})

    service.routes["/health/ready"]["GET"] = late


@build_defect(
    "never-mends",
    drilled=("PRB-004", "PRB-005"),
    by="api.redis.stopped",
    summary="once Redis was lost the service stays not ready until somebody restarts it",
)
def never_mends(service: Service) -> None:
    """Dependencies: a connection is made once, at the start, and never again."""
    broken = False

    async def latched(request: Request) -> Response:
        nonlocal broken
        response = await service.health.ready(request)
        broken = broken or (response.status != 200 and not service.health.draining)
        return answer({"status": "not ready", "components": {}}, 503) if broken else response

    service.routes["/health/ready"]["GET"] = latched


@build_defect(
    "health-remembers",
    drilled=("PRB-007", "PRB-008"),
    by="api.redis.stopped",
    summary="the health document is made once, and says ok for ever",
)
def health_remembers(service: Service) -> None:
    """Dependencies: the document is cached, because making it was thought to be dear."""
    kept: Response | None = None

    async def remembered(request: Request) -> Response:
        nonlocal kept
        kept = kept or await service.health.detail(request)
        return kept

    service.routes["/health"]["GET"] = remembered


@build_defect(
    "gives-up",
    drilled=("PRB-003", "PRB-009", "PRB-010"),
    by="api.redis.stopped",
    summary="the service ends when it loses Redis, and leaves the rest to its supervisor",
)
def gives_up(service: Service) -> None:
    """Dependencies: let it crash, said somebody."""
    asked = service.health.checks["cache"]
    was_there = False

    async def or_end() -> object:
        nonlocal was_there
        try:
            found = await asked()
        except (CacheLost, asyncio.CancelledError):  # the answer's own deadline may come first
            if was_there and not service.health.draining:  # not while it starts: it would never come up
                time.sleep(1.0)  # its last words are written down, and nobody is answered meanwhile
                os._exit(1)
            raise
        was_there = True
        return found

    service.health.checks["cache"] = or_end


# What is written -----------------------------------------------------------------------------------------------------


@build_defect(
    "writes-behind",
    drilled=("DUR-001",),
    by="api.survives.kill",
    summary="notes are acknowledged at once, and written when the service ends",
)
def writes_behind(service: Service) -> None:
    """Persistence: a disk was slow, and writes were made fast."""
    from seatrial.demo.store import Note

    put, get, remove, close = service.store.put, service.store.get, service.store.remove, service.store.close
    waiting: dict[str, str] = {}

    async def later(note_id: str, text: str) -> Note:
        known = await found(note_id)
        waiting[note_id] = text
        return Note(note_id, text, known.revision + 1 if known else 1, time.time())

    async def found(note_id: str) -> Note | None:
        return Note(note_id, waiting[note_id], 1, time.time()) if note_id in waiting else await get(note_id)

    async def gone(note_id: str) -> bool:
        return waiting.pop(note_id, None) is not None or await remove(note_id)

    async def at_last() -> None:
        for note_id, text in waiting.items():
            await put(note_id, text)
        await close()

    service.store.put = later  # type: ignore[method-assign]
    service.store.get = found  # type: ignore[method-assign]
    service.store.remove = gone  # type: ignore[method-assign]
    service.store.close = at_last  # type: ignore[method-assign]


@build_defect(
    "undead-notes",
    drilled=("DUR-004",),
    by="api.survives.restart",
    summary="notes that were removed are there again after a restart",
)
def undead_notes(service: Service) -> None:
    """Persistence: removal is remembered by the process, and by nobody else."""
    get, put = service.store.get, service.store.put
    removed: set[str] = set()

    async def hidden(note_id: str) -> Note | None:
        return None if note_id in removed else await get(note_id)

    async def hide(note_id: str) -> bool:
        there = await hidden(note_id) is not None
        removed.add(note_id)
        return there

    async def written(note_id: str, text: str) -> Note:
        removed.discard(note_id)
        return await put(note_id, text)

    service.store.get = hidden  # type: ignore[method-assign]
    service.store.remove = hide  # type: ignore[method-assign]
    service.store.put = written  # type: ignore[method-assign]


# What is promised ----------------------------------------------------------------------------------------------------


@build_defect(
    "deaf", drilled=("TRM-001",), by="api.sigterm", summary="SIGTERM is ignored, so that every stop is a kill"
)
def deaf(_service: Service) -> None:
    """Lifecycle: a shell stands before the program, and passes no signal on."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: None)
    # The service sets its own afterwards, and hears nothing all the same.
    loop.add_signal_handler = lambda *_: None  # type: ignore[method-assign]


@build_defect(
    "limit-forgotten",
    drilled=("PRT-002",),
    by="api.limits.characters-of-a-note",
    summary="a note may be longer than its limit says",
)
def limit_forgotten(service: Service) -> None:
    """Limits: the limit stands in the documentation, and nowhere else."""
    write: Handler = service.routes["/notes"]["POST"]

    async def unlimited(request: Request) -> Response:
        given = request.json()
        text = given.get("text") if isinstance(given, dict) else None
        if not isinstance(text, str) or len(text) <= 10_000:
            return await write(request)
        note = await service.store.put(given["id"], text)
        return answer(note.as_json(), 201)

    service.routes["/notes"]["POST"] = unlimited


@build_defect(
    "guessing-allowed",
    drilled=("PRT-005",),
    by="api.rate_limits.guesses-of-the-admin-token",
    summary="whoever guesses the admin token may guess as often as they like",
)
def guessing_allowed(service: Service) -> None:
    """Limits: the counter of wrong guesses was lost in a rewrite."""
    service.guesses.allowed = 10**9
