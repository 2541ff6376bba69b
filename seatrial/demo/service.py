"""The demo service: notes that are kept, behind the endpoints an operator expects."""

from __future__ import annotations

import asyncio
import hmac
import os
import re
import secrets
import time
from pathlib import Path
from typing import Any

from seatrial.demo import metrics
from seatrial.demo.cache import Cache, CacheLost, Client
from seatrial.demo.guesses import Guesses
from seatrial.demo.health import Health
from seatrial.demo.jsonlog import Log
from seatrial.demo.messages import Refused, Request, Response, answer, error
from seatrial.demo.settings import Settings, address
from seatrial.demo.store import Store, StoreLost
from seatrial.demo.web import Handler

MAX_TEXT = 10_000
_NOTES = ("/notes", "/notes/{id}")
_NOTE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Service:
    """Routes, and what they need. `routes` maps a path template to its handlers by method."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self.settings, self.log = settings, log
        self.store = Store(settings.store)
        host, port = address(settings.redis_address)
        timeout = settings.seconds("probe_timeout")
        # Probes have a connection of their own: they tell of Redis, not of how busy this service is with it.
        self.probe = Client(host, port, settings.redis_password, timeout)
        self.client = Client(host, port, settings.redis_password, timeout)
        self.cache = Cache(self.client)
        self._make_metrics()
        for component in ("store", "cache"):
            self._told(component, up=False)  # until it was asked
        checks = {"store": self.store.check, "cache": lambda: self.probe.call("PING")}
        asks = tuple(filter(None, settings.readiness_asks.split(",")))
        if unknown := set(asks) - checks.keys():
            raise ValueError(f"DEMO_READINESS_ASKS names {', '.join(sorted(unknown))}, which is no component")
        self.health = Health(settings.release, dict(checks), asks, timeout, self._told)
        self.routes: dict[str, dict[str, Handler]] = {
            "/health/live": {"GET": self.health.live},
            "/health/ready": {"GET": self.health.ready},
            "/health": {"GET": self.health.detail},
            "/metrics": {"GET": self._metrics},
            "/notes": {"POST": self._write},
            "/notes/{id}": {"GET": self._read, "DELETE": self._remove},
            "/admin/stats": {"GET": self._admin_stats},
        }
        self.fallback: Handler = self._unknown
        self.guesses = Guesses()
        self._working, self._room = 0, int(settings.max_requests)
        # The loop itself holds its tasks only weakly.
        self.background: list[asyncio.Task[None]] = []

    def _make_metrics(self) -> None:
        made = self.metrics = metrics.Registry()
        self.requests = made.counter("demo_http_requests_total", "Requests answered.", "method", "route", "status")
        self.durations = made.histogram("demo_http_request_duration_seconds", "Time to answer a request.", "route")
        self.in_flight = made.gauge("demo_http_requests_in_flight", "Requests being answered now.")
        self.written = made.counter("demo_notes_written_total", "Notes committed to the store.")
        self.cache_reads = made.counter("demo_cache_requests_total", "Reads of the cache, by result.", "result")
        self.up = made.gauge("demo_component_up", "Whether a component answered when it was last asked.", "component")
        made.gauge("demo_build_info", "What runs: always 1.", "version").set(1, self.settings.release)
        made.gauge("process_start_time_seconds", "Start of the process, as Unix time.").set(time.time())
        self.cpu = made.counter("process_cpu_seconds_total", "CPU time used by the process.")
        self.memory = made.gauge("process_resident_memory_bytes", "Resident memory of the process.")
        self.files = made.gauge("process_open_fds", "Open file descriptors of the process.")
        for result in ("hit", "miss", "error"):
            self.cache_reads.add(result, by=0)
        # What alerts compare is there before the first of it: a counter that begins at 1 has not risen.
        for method, route, well in (("POST", "/notes", "201"), ("GET", "/notes/{id}", "200")):
            for status in (well, "500", "503"):
                self.requests.add(method, route, status, by=0)
            self.durations.begin(route)

    def _told(self, component: str, up: bool) -> None:
        self.up.set(1 if up else 0, component)

    async def handle(self, request: Request) -> Response:
        """Answer a request, whatever happens; count, time and log it."""
        began = time.monotonic()
        self.in_flight.add()
        template, response = "", error(Refused(500, "something went wrong; the log says what"))
        try:
            template, handler = self._route(request)
            response = await (self._admitted(handler, request) if template in _NOTES else handler(request))
        except Refused as refusal:
            response = error(refusal)
        except StoreLost as lost:
            response = error(Refused(503, "the store is lost"))
            self.log("store lost", level="error", reason=str(lost))
        except Exception as failure:  # noqa: BLE001 (one bad request must not end the service)
            self.log("request failed", level="error", kind=type(failure).__name__)
        finally:
            self.in_flight.add(by=-1)
            took = time.monotonic() - began
            # The template, never the path: anyone can make up paths, and each would be a series for ever.
            route = template or "unmatched"
            method = request.method if request.method in ("GET", "HEAD", "POST", "DELETE") else "other"
            self.requests.add(method, route, str(response.status))
            self.durations.observe(took, route)
        self.log("request", method=method, route=route, status=response.status, duration_ms=round(took * 1000, 3))
        return response

    async def _admitted(self, handler: Handler, request: Request) -> Response:
        """Answer a request for notes, if there is room: a queue that grows is slow for everyone, probes included."""
        if self._working >= self._room:
            raise Refused(503, "too many requests at once", Retry_After="1")
        self._working += 1
        try:
            return await handler(request)
        finally:
            self._working -= 1

    def _route(self, request: Request) -> tuple[str, Handler]:
        template, methods = request.path, self.routes.get(request.path)
        if methods is None and request.path.startswith("/notes/"):
            template, methods = "/notes/{id}", self.routes["/notes/{id}"]
            request.params["id"] = request.path.removeprefix("/notes/")
        if methods is None:
            return "", self.fallback
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            raise Refused(405, f"{template} knows {', '.join(methods)}", Allow=", ".join(methods))
        return template, methods[method]

    async def _unknown(self, _request: Request) -> Response:
        raise Refused(404, "there is nothing here")

    async def _write(self, request: Request) -> Response:
        note_id, text = _note(request.json())
        note = await self.store.put(note_id, text)
        self.written.add()
        try:
            await self.cache.written(note)
        except CacheLost as lost:
            # The note is kept: that is what was promised. The cache catches up by itself.
            self.log("cache lost", level="warning", reason=str(lost))
        status = 201 if note.revision == 1 else 200
        return answer(note.as_json(), status, Location=f"/notes/{note.id}")

    async def _read(self, request: Request) -> Response:
        note_id = request.params["id"]
        if not _NOTE_ID.fullmatch(note_id):
            raise Refused(404, "there is no such note")
        try:
            note = await self.cache.get(note_id)
            self.cache_reads.add("hit" if note else "miss")
            if not note and (note := await self.store.get(note_id)):
                await self.cache.found(note)
        except CacheLost:
            self.cache_reads.add("error")
            note = await self.store.get(note_id)
        if not note:
            raise Refused(404, "there is no such note")
        return answer(note.as_json())

    async def _remove(self, request: Request) -> Response:
        note_id = request.params["id"]
        if not _NOTE_ID.fullmatch(note_id) or not await self.store.remove(note_id):
            raise Refused(404, "there is no such note")
        try:
            await self.cache.removed(note_id)
        except CacheLost as lost:
            self.log("cache lost", level="warning", reason=str(lost))
        return answer({"id": note_id, "removed": True})

    async def _admin_stats(self, request: Request) -> Response:
        self.guesses.admit()
        token = self.settings.admin_token
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not token or not hmac.compare_digest(given.encode(), token.encode()):
            self.guesses.wrong()
            raise Refused(401, "a token is needed", WWW_Authenticate="Bearer")
        return await self.stats()

    async def stats(self) -> Response:
        """What the deployment holds, for its operators."""
        try:
            written: int | None = await self.cache.stats()
        except CacheLost:
            written = None
        return answer({"notes": await self.store.count(), "notes_written": written})

    async def _metrics(self, _request: Request) -> Response:
        self.cpu.set(time.process_time())
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        self.memory.set(pages * os.sysconf("SC_PAGE_SIZE"))
        self.files.set(sum(1 for _ in Path("/proc/self/fd").iterdir()))
        return Response(200, self.metrics.expose(), metrics.CONTENT_TYPE)


def _note(given: Any) -> tuple[str, str]:
    """Id and text of a note as it was sent; an id is made up when there is none."""
    if not isinstance(given, dict) or not isinstance(given.get("text"), str) or given.keys() - {"id", "text"}:
        raise Refused(422, 'a note is {"text": "…"}, and may have an "id"')
    if not given["text"] or len(given["text"]) > MAX_TEXT:
        raise Refused(422, f"a text has 1 to {MAX_TEXT} characters")
    note_id = given.get("id", secrets.token_urlsafe(12))
    if not isinstance(note_id, str) or not _NOTE_ID.fullmatch(note_id):
        raise Refused(422, "an id has 1 to 64 letters, digits, hyphens or underscores")
    try:
        given["text"].encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can say and no file can hold
        raise Refused(422, "the text is not Unicode") from None
    return note_id, given["text"]
