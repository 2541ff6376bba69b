"""How fast the generator itself can be, here and now: the same kind of load on a local server that does nothing but answer."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import seatrial.load
from seatrial.experiments._attesting import cores_of
from seatrial.load.plan import Call, LoadPlan
from seatrial.words import CouldNotLook, Missing

__all__ = ["calibrated", "ceiling_of", "null_server"]

SERVER = Path(seatrial.load.__file__).with_name("null_server.py")
LASTS = 1.5
"""Seconds that it is measured."""
AT_A_TIME = 16
"""Users of a closed loop; an open one has as many connections as it may have."""
STARTS_WITHIN = 10.0
FASTEST = 200_000
"""Requests a second that nothing here reaches: an open loop that is offered so many makes as many as it can."""


@contextmanager
def null_server(cpus: tuple[int, ...] = ()) -> Iterator[int]:
    """The port of a server that does nothing, in a process of its own that ends with the block or with this process.

    Args:
        cpus: processors of the generator; it is kept off them where there are others.

    Raises:
        CouldNotLook: it did not begin.
    """
    child = subprocess.Popen(
        [sys.executable, "-I", str(SERVER)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        assert child.stdout is not None
        if cpus and hasattr(os, "sched_getaffinity") and (others := os.sched_getaffinity(0) - set(cpus)):
            with contextlib.suppress(OSError):
                os.sched_setaffinity(child.pid, others)
        line = b""
        if select.select([child.stdout], [], [], STARTS_WITHIN)[0]:
            line = child.stdout.readline(64)
        if not line.strip().isdigit():
            raise CouldNotLook("the local server that the generator is calibrated against did not begin")
        yield int(line)
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]


def calibrated(plan: LoadPlan, port: int) -> LoadPlan:
    """The same kind of load, as fast as one process can, on the server that does nothing: the requests are as large as they are."""
    counted = [replace(call, right=(200,), needs="") for call in plan.calls if not call.undo]
    return replace(
        plan,
        name="calibration",
        host=f"http://127.0.0.1:{port}",
        calls=tuple(counted) or (Call("GET", "/", "GET /"),),
        locustfile="",
        environment={},
        tls={},
        rate=float(FASTEST) if plan.rate else 0.0,
        arrivals="constant",
        users=0 if plan.rate else AT_A_TIME,
        pause=0.0,
        ramp=0.0,
        warm_up=0.0,
        duration=10 * LASTS,
        timeout=5.0,
        connections=min(plan.connections, 4 * AT_A_TIME),
        max_requests=0,
        stop_at=1.0,
        processes=1,
        hosts={},
        cpus=plan.cpus[:1],
    )


def ceiling_of(plan: LoadPlan) -> float | Missing:
    """Requests a second that one process of the generator got out of a local server that does nothing."""
    from seatrial.experiments._launching import launched

    if plan.locustfile and not _ours(plan.locustfile):
        return Missing("its requests are made by Locust's own clients, which are not calibrated")
    began: list[float] = []

    def enough() -> str:
        """It is stopped from here: what is offered it never comes to an end with."""
        began.append(time.monotonic())
        return "calibrated" if began[-1] - began[0] >= LASTS else ""

    try:
        with null_server(cores_of(plan.cpus)[:1]) as port:
            found = launched(calibrated(plan, port), lambda _: None, look=enough)
    except CouldNotLook as why:
        return Missing(f"the generator could not be calibrated: {why.reason}")
    right = sum(int(second["right"]) for each in found["streams"] if not each["name"] for second in each["seconds"])
    seconds = float(found["seconds"])
    if not right or seconds < LASTS / 2:
        return Missing("the generator could not be calibrated: it got no answer of the local server")
    return round(right / seconds, 1)


def _ours(file: str) -> bool:
    """Whether a Locust file's users are ours: what else they are is known only once it runs."""
    try:
        return "JourneyUser" in Path(file).read_text("utf-8", errors="replace")
    except OSError:
        return False
