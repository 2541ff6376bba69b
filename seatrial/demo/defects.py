"""What can be wrong with a deployment, on purpose: each defect is one decorated function.

A `defect` changes what is started: the env file, redis.conf, or the stack once it runs. A `build_defect` changes the
service's own process before it serves, as a bug in it would. Neither ever looks at who asks.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.demo import disturbed as _disturbed  # noqa: F401 (its defects are registered)
from seatrial.demo import overburdened as _overburdened  # noqa: F401 (as are these)
from seatrial.demo import unheard as _unheard  # noqa: F401 (and these)
from seatrial.demo import unsaved as _unsaved  # noqa: F401 (and these)
from seatrial.demo.cache import Client
from seatrial.demo.defect import DEFECTS, build_defect, defect
from seatrial.demo.messages import Request, Response, answer
from seatrial.demo.settings import address

__all__ = ["DEFECTS", "apply", "build_in", "unknown"]

if TYPE_CHECKING:
    from seatrial.demo.service import Service
    from seatrial.demo.stack import Plan, Stack


def apply(name: str, plan: Plan) -> None:
    """Make the plan of a stack defective."""
    chosen = DEFECTS[name]
    if chosen.change:
        chosen.change(plan)
    else:
        plan.settings["DEMO_DEFECT"] = name


def build_in(service: Service) -> None:
    """Make a service defective, when its settings say that this build is."""
    name = service.settings.defect
    if not name:
        return
    build = DEFECTS[name].build if name in DEFECTS else None
    if build is None:
        raise ValueError("DEMO_DEFECT names no defect of the service")
    build(service)


def unknown(name: str) -> str:
    """A message for a name that is none, with the nearest one."""
    near = difflib.get_close_matches(name, DEFECTS, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"there is no defect {name}{hint} --defect list shows them all"


# What health says ---------------------------------------------------------------------------------------------------


@defect(
    "readiness-blind",
    turns_red=("CFG-004", "HLT-008"),
    drilled=("PRB-001", "PRB-016"),
    by="api.redis.stopped",
    summary="readiness asks nobody: it says ready while Redis is down",
)
def readiness_blind(plan: Plan) -> None:
    """Health: the list of what readiness asks is empty."""
    plan.settings["DEMO_READINESS_ASKS"] = ""


@build_defect(
    "liveness-deep",
    drilled=("PRB-009", "PRB-016"),
    by="api.redis.stopped",
    summary="liveness asks Redis: a restart for somebody else's trouble",
)
def liveness_deep(service: Service) -> None:
    """Health: liveness looks at what readiness looks at."""

    async def deep(request: Request) -> Response:
        status = (await service.health.ready(request)).status
        return answer({"status": "ok" if status == 200 else "down"}, status)

    service.routes["/health/live"]["GET"] = deep


@build_defect("liveness-500", turns_red=("HLT-001",), summary="liveness answers 500")
def liveness_500(service: Service) -> None:
    """Health: the handler raises."""

    async def broken(_request: Request) -> Response:
        raise KeyError("worker")

    service.routes["/health/live"]["GET"] = broken


@build_defect("liveness-reworded", turns_red=("HLT-005",), summary="liveness says up where the profile declares ok")
def liveness_reworded(service: Service) -> None:
    """Health: a framework was changed, and words its answers in its own way."""

    async def reworded(_request: Request) -> Response:
        return answer({"status": "up"})

    service.routes["/health/live"]["GET"] = reworded


@build_defect("health-slow", turns_red=("HLT-002",), summary="the health document takes 1.5 s, its bound is 1 s")
def health_slow(service: Service) -> None:
    """Health: it computes something dear for each caller."""

    async def slow(request: Request) -> Response:
        await asyncio.sleep(1.5)
        return await service.health.detail(request)

    service.routes["/health"]["GET"] = slow


@build_defect(
    "liveness-hangs", turns_red=("HLT-001",), summary="liveness accepts the connection and says nothing for a long time"
)
def liveness_hangs(service: Service) -> None:
    """Health: the handler waits for a lock that nobody gives back."""

    async def stuck(_request: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets that event")

    service.routes["/health/live"]["GET"] = stuck


@build_defect("health-as-text", turns_red=("HLT-003",), summary="the health document is JSON, but is sent as text/html")
def health_as_text(service: Service) -> None:
    """Health: a framework's default content type."""

    async def mistyped(request: Request) -> Response:
        response = await service.health.detail(request)
        response.content_type = "text/html; charset=utf-8"
        return response

    service.routes["/health"]["GET"] = mistyped


@build_defect(
    "health-incomplete",
    turns_red=("HLT-004",),
    summary="the health document lacks uptime_seconds, which its schema requires",
)
def health_incomplete(service: Service) -> None:
    """Health: a field was renamed, its readers were not told."""

    async def renamed(request: Request) -> Response:
        response = await service.health.detail(request)
        response.body = response.body.replace(b'"uptime_seconds"', b'"uptime"')
        return response

    service.routes["/health"]["GET"] = renamed


@defect("old-release", turns_red=("HLT-006",), summary="release 0.9.0 runs where the profile declares another one")
def old_release(plan: Plan) -> None:
    """Health: the deployment was not rolled out."""
    plan.settings["DEMO_RELEASE"] = "0.9.0"


def _add_lost_mirror(service: Service) -> None:
    """A third component, whose server is not there."""
    with_nobody = address(service.settings.redis_address)[0], 1  # nothing listens on port 1
    mirror = Client(*with_nobody, "", service.settings.seconds("probe_timeout"))
    service.health.checks["mirror"] = lambda: mirror.call("PING")


@build_defect(
    "status-lies", turns_red=("HLT-008",), summary="the overall status is ok while a component it lists is down"
)
def status_lies(service: Service) -> None:
    """Health: a component was added, and forgotten where the overall status is made."""
    _add_lost_mirror(service)


@build_defect("degraded-200", turns_red=("HLT-009",), summary="the body says degraded, the status code says 200")
def degraded_200(service: Service) -> None:
    """Health: a lost component is told in the body only, where no load balancer looks."""
    _add_lost_mirror(service)

    async def degraded(request: Request) -> Response:
        response = await service.health.detail(request)
        response.body = response.body.replace(b'"status": "ok"', b'"status": "degraded"', 1)
        return response

    service.routes["/health"]["GET"] = degraded


@build_defect("readiness-flaps", turns_red=("HLT-001",), summary="every other readiness answer is 503")
def readiness_flaps(service: Service) -> None:
    """Health: two workers behind one port, and only one of them is configured."""
    turn = 0

    async def flapping(request: Request) -> Response:
        nonlocal turn
        turn += 1
        if turn % 2:
            return await service.health.ready(request)
        return answer({"status": "not ready", "components": {}}, 503)

    service.routes["/health/ready"]["GET"] = flapping


@build_defect("catch-all", turns_red=("HLT-007",), summary="any path answers 200 with the health document")
def catch_all(service: Service) -> None:
    """Health: a fallback route hides that an endpoint does not exist."""
    service.fallback = service.health.detail


@build_defect("redirect-off-host", turns_red=("HLT-001", "HLT-012"), summary="liveness redirects to another host")
def redirect_off_host(service: Service) -> None:
    """Health: a sign-on page was put before everything."""

    async def elsewhere(_request: Request) -> Response:
        return answer({"status": "moved"}, 302, Location="http://sign-on.invalid/login")

    service.routes["/health/live"]["GET"] = elsewhere


@build_defect("endless-body", turns_red=("HLT-011",), summary="the health document never ends")
def endless_body(service: Service) -> None:
    """Health: it lists a queue that grows faster than it is read."""

    async def queue() -> AsyncIterator[bytes]:
        number = 0
        while True:
            number += 1
            yield b'{"job": %d, "status": "waiting"}, ' % number * 200
            await asyncio.sleep(0)

    async def endless(_request: Request) -> Response:
        return Response(stream=queue())

    service.routes["/health"]["GET"] = endless


@build_defect("metrics-gone", turns_red=("MET-001",), summary="the declared /metrics is a 404")
def metrics_gone(service: Service) -> None:
    """Metrics: the exporter was left out of this build."""
    del service.routes["/metrics"]


@build_defect("metrics-as-html", turns_red=("MET-002",), summary="the exposition is sent as text/html")
def metrics_as_html(service: Service) -> None:
    """Metrics: a framework's default content type."""
    exposed = service.routes["/metrics"]["GET"]

    async def mistyped(request: Request) -> Response:
        response = await exposed(request)
        response.content_type = "text/html; charset=utf-8"
        return response

    service.routes["/metrics"]["GET"] = mistyped


@build_defect("counted-twice", turns_red=("MET-010",), summary="each request is counted by two layers")
def counted_twice(service: Service) -> None:
    """Metrics: the handler counts, and so does the layer around it."""
    count = service.requests.add

    def twice(*labels: str, by: float = 1.0) -> None:
        count(*labels, by=2 * by)

    service.requests.add = twice  # type: ignore[method-assign]


@build_defect("notes-in-labels", turns_red=("MET-011",), summary="a metric has a label with the name of each note")
def notes_in_labels(service: Service) -> None:
    """Metrics: somebody wanted to know which notes are read most."""
    reads = service.metrics.counter("demo_note_reads_total", "Reads, by note.", "note")
    for number in range(50):
        reads.add(f"note-{number}")


# Who can reach it ---------------------------------------------------------------------------------------------------


@defect(
    "api-on-all-interfaces",
    turns_red=("CFG-004", "EXP-007"),
    summary="the service listens on 0.0.0.0 instead of loopback",
)
def api_on_all_interfaces(plan: Plan) -> None:
    """Exposure: somebody tried it from another machine, and left it so."""
    plan.settings["DEMO_LISTEN"] = plan.settings["DEMO_LISTEN"].replace("127.0.0.1", "0.0.0.0")


@defect("redis-on-all-interfaces", turns_red=("EXP-007",), summary="Redis listens on 0.0.0.0 instead of loopback")
def redis_on_all_interfaces(plan: Plan) -> None:
    """Exposure: the line that binds it was commented out, which means everywhere."""
    plan.redis["bind"] = "0.0.0.0"


async def _listen(answer_with: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
    server = await asyncio.start_server(answer_with, "127.0.0.1", 0)
    await server.serve_forever()


@build_defect("debug-port", turns_red=("EXP-006",), summary="a second, undeclared port shows stacks to anyone")
def debug_port(service: Service) -> None:
    """Exposure: a debugging aid that was meant to stay on a desk."""

    async def show(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = [line for frame in sys._current_frames().values() for line in traceback.format_stack(frame)]
        body = "".join(frames).encode()
        head = f"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        with contextlib.suppress(OSError):
            await writer.drain()
        writer.close()

    service.background.append(asyncio.get_running_loop().create_task(_listen(show)))


@defect("redis-open", turns_red=("EXP-009",), summary="Redis asks for no password")
def redis_open(plan: Plan) -> None:
    """Exposure: whoever reaches the port reads and writes everything; who sends a password is welcome, too."""
    del plan.redis["requirepass"]


@build_defect("admin-open", turns_red=(), summary="/admin/stats answers without a token")
def admin_open(service: Service) -> None:
    """Access: the check of the token was taken out for a test."""

    async def anyone(_request: Request) -> Response:
        return await service.stats()

    service.routes["/admin/stats"]["GET"] = anyone


# What it needs ------------------------------------------------------------------------------------------------------


@defect("redis-stopped", turns_red=("EXP-011", "HLT-001"), summary="Redis was stopped, and nothing starts it again")
def redis_stopped(plan: Plan) -> None:
    """Dependencies: a dependency is down."""
    plan.after_up.append(lambda stack: stack.take_down("redis"))


@defect("redis-hangs", turns_red=("HLT-001",), summary="Redis accepts connections and answers nobody")
def redis_hangs(plan: Plan) -> None:
    """Dependencies: a dependency is there, and is of no use."""
    plan.after_up.append(lambda stack: stack.children["redis"].signal(signal.SIGSTOP))


@defect(
    "redis-moved",
    turns_red=("EXP-006", "EXP-008", "EXP-011", "HLT-001"),
    summary="Redis listens on another port than everyone was told",
)
def redis_moved(plan: Plan) -> None:
    """Dependencies: its configuration was changed, and nobody else's."""
    plan.redis["port"] = plan.free_address.rpartition(":")[2]


@defect(
    "redis-misdirected",
    turns_red=("CFG-004", "HLT-001"),
    summary="the service looks for Redis on a port where nothing listens",
)
def redis_misdirected(plan: Plan) -> None:
    """Dependencies: the address is right everywhere but in the env file."""
    plan.settings["DEMO_REDIS_ADDRESS"] = plan.free_address


@defect("api-killed", turns_red=("HLT-001", "MET-001"), summary="the service was killed, and nothing starts it again")
def api_killed(plan: Plan) -> None:
    """Dependencies: the process is gone."""

    def kill(stack: Stack) -> None:
        stack.children["api"].restarts = False
        stack.children["api"].signal(signal.SIGKILL)
        stack.children["api"].stop()

    plan.after_up.append(kill)


# What it keeps ------------------------------------------------------------------------------------------------------


@build_defect(
    "forgetful",
    drilled=("DUR-002",),
    by="api.survives.restart",
    summary="notes are gone after a restart of the service",
)
def forgetful(service: Service) -> None:
    """Persistence: each start makes a new store."""
    for path in Path(service.settings.store).parent.glob("notes.db*"):
        path.unlink()


@defect(
    "env-file-readable",
    turns_red=("SEC-012",),
    summary="everyone on the machine can read the env file with the passwords",
)
def env_file_readable(plan: Plan) -> None:
    """Configuration: its mode is 0644."""
    plan.env_file_mode = 0o644
