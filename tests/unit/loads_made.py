"""Loads as they are recorded, without any being made: lognormal answers, with a stall and errors where they are asked for."""

from __future__ import annotations

import random
from dataclasses import replace

from seatrial.facts.experiment import Incarnation, Moment, Sample, Timeline
from seatrial.facts.loads.run import Attested, Generator, LoadRun, Planned, Residents, Second, Stream
from seatrial.facts.machine import Machine, Memory
from seatrial.latency import histograms

MACHINE = Machine("this machine's kernel", "Linux 6.1.0", "amd64", 2, Memory(8 << 30), model="Xeon Platinum 8375C")
ENDPOINTS = ("GET /notes/{id}", "POST /notes")


def stream(name, *, rate, seconds, median=0.009, stall=None, failing=0, seed=1):
    """One endpoint: so many requests a second; in a stall those that begin in it wait until it is over."""
    chance = random.Random(f"{name} {seed}")
    made, every = [], []
    for at in range(seconds):
        took = [chance.lognormvariate(0, 0.35) * median for _ in range(rate)]
        if stall and stall[0] <= at < stall[1]:
            took = [each + stall[1] - at - n / rate for n, each in enumerate(took)]
        wrong = failing if at % 7 == 3 else 0
        every += took[wrong:]
        made.append(Second(at, rate, rate - wrong, wrong, histograms.encode(histograms.of(took[wrong:]))))
    failed = sum(second.failed for second in made)
    return Stream(
        name, tuple(made), histograms.encode(histograms.of(every)),
        histograms.encode(histograms.of([0.01] * failed)), {"HTTP 503": failed} if failed else {},
    )  # fmt: skip


def joined(streams):
    """All endpoints together."""
    seconds = [
        Second(
            each[0].at,
            sum(one.offered for one in each),
            sum(one.right for one in each),
            sum(one.failed for one in each),
            histograms.encode(histograms.merged(one.latency for one in each)),
        )
        for each in zip(*(one.seconds for one in streams), strict=True)
    ]
    errors: dict[str, int] = {}
    for one in streams:
        for kind, count in one.errors.items():
            errors[kind] = errors.get(kind, 0) + count
    latency = histograms.encode(histograms.merged(one.latency for one in streams))
    return Stream(
        "", tuple(seconds), latency, histograms.encode(histograms.merged(one.failed for one in streams)), errors
    )


def load_run(*, slo="slos.notes", endpoints=ENDPOINTS, rate=50, ramp=5, warm_up=5, duration=50, loop="open", **more):
    """One load; `rate` is of each endpoint."""
    of = {key: more.pop(key) for key in ("median", "stall", "failing") if key in more}
    whole = ramp + warm_up + duration
    streams = [stream(name, rate=rate, seconds=whole, **of) for name in endpoints]
    lag = histograms.of(random.Random(3).lognormvariate(0, 0.8) * 0.00008 for _ in range(2000))
    watched = Timeline(
        "the load notes", "api", float(whole),
        samples=tuple(Sample(at / 2, probe, "api-1", ok=at != 61, status=200, seconds=0.004) for at in range(2 * whole) for probe in ("liveness", "readiness")),
        moments=(Moment(31.0, "api-1 was started again"),), before=(Incarnation("api-1", "7", "x"),), after=(Incarnation("api-1", "7", "x"),),
    )  # fmt: skip
    made = LoadRun(
        slo, "api", "2026-06-01T03:00:00+00:00",
        Planned(loop, rate=float(rate * len(endpoints)) if loop == "open" else 0.0, users=0 if loop == "open" else 8, ramp=float(ramp),
                warm_up=float(warm_up), duration=float(duration), what="loadtests/notes.py"),
        Generator("Locust 2.47.0", (0.21,), 41_000.0, histograms.encode(lag), waited=3, connections=16),
        Attested(MACHINE, True, ((0.01, 0.0101, 0.0102), (0.01, 0.0103, 0.0101)), 0.0, "small"),
        (joined(streams), *streams), float(whole), watched=watched,
        memory=(Residents("api-1", tuple((float(at), (120 << 20) + at * 40_000) for at in range(whole))),),
    )  # fmt: skip
    return replace(made, **more)
