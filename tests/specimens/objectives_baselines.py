"""Specimens of baselines: rounds of single requests, this time and the last, beside those of a server that does nothing."""

from __future__ import annotations

import random

from seatrial.facts.loads.baseline import Baselines, Unloaded
from seatrial.facts.loads.baseline_judged import Bound, UnloadedLatencies
from seatrial.profile.objectives import Baseline
from seatrial.words import Missing
from tests.specimens import Specimens

ENDPOINT = "api GET /notes"
PROBE = "api.readiness"
COMPARED = "0007_20260531T220000Z.json of 2026-05-31T22:00:00 UTC"
CLASS = "amd64-8cpus-32GiB"
FILE = "/var/lib/seatrial/baselines/shop-3f2a1b0c9d8e/amd64-8cpus-32GiB/0008_20260601T220000Z.json"
GONE = "closed the connection before its answer was whole (request 12 of those made alone)"
UNREAD = Missing("the last baseline, 0007_20260531T220000Z.json, is no file of pytest-benchmark with its data")


def rounds(median, *, count=50, seed=1, spread=0.08, late=0, takes=2.0):
    """So many requests, spread around their median as latencies are; the last of them late."""
    chance = random.Random(seed)
    made = [round(median * chance.lognormvariate(0, spread), 7) for _ in range(count - late)]
    return tuple(made + [takes] * late)


def here(now=0.0003, before=0.0003, work=0.002):
    """This machine itself: a server that does nothing and a fixed piece of work, before and after."""
    return (
        Unloaded("nothing, before", rounds(now, seed=11), rounds(before, seed=12)),
        Unloaded("work, before", rounds(work, seed=15), rounds(0.002, seed=16)),
        Unloaded("nothing, after", rounds(now, seed=13), rounds(before, seed=14)),
        Unloaded("work, after", rounds(work, seed=17), rounds(0.002, seed=18)),
    )


def baseline(*endpoints, control=None, class_=CLASS, file=FILE, bounds=None, **declared):
    """What was measured; where nothing is said, one endpoint that is as it was."""
    return UnloadedLatencies(
        "baseline",
        Baseline.model_validate(declared),
        {PROBE: Bound(0.1, "services.api.readiness.latency")} if bounds is None else bounds,
        Baselines(class_, endpoints or (one(),), file, COMPARED, here() if control is None else control),
    )


def one(now=0.012, before=0.012, *, name=ENDPOINT, failed="", **spread):
    """One endpoint; a number is the median of its rounds."""
    return Unloaded(
        name,
        rounds(now, seed=2, **spread) if isinstance(now, float) else now,
        rounds(before, seed=3) if isinstance(before, float) else before,
        failed,
    )


def refused(text, name=ENDPOINT):
    """One that was not answered as declared."""
    return one(Missing(f"{name} was not answered as declared: {text}"), name=name, failed=text)


UNASKED = one(Missing("api does not resolve: Name or service not known"))

SLO_030 = Specimens(
    passes=[
        baseline(),
        baseline(one(0.006)),
        baseline(one(0.0135)),
        baseline(one(0.015, spread=0.9)),
        baseline(one(), one(before=None, name="api GET /new")),
        baseline(one(0.018), slower="60%"),
        baseline(one(late=3)),
    ],
    fails={
        "times as long": baseline(one(0.018)),
        f"in {COMPARED}": baseline(one(), one(0.018, name=PROBE)),
        "on amd64-8cpus-32GiB": baseline(one(0.03), control=here(0.0006, work=0.003)),
        "api GET /notes": baseline(one(0.018), refused(GONE, PROBE)),
    },
    undecided={
        "there is no earlier run on hardware of class amd64-8cpus-32GiB": baseline(one(before=None)),
        "this machine was not as quiet as then": baseline(one(0.018), control=here(0.002)),
        "a fixed piece of work 1.[45]": baseline(one(0.018), control=here(work=0.0028)),
        "whether that is this machine is not known": baseline(one(0.018), control=()),
        "whether its hardware is the same can't be seen from here": baseline(one(0.018), class_="unseen"),
        "api does not resolve": baseline(UNASKED, one()),
        "closed the connection": baseline(one(), refused(GONE, PROBE)),
        "is no file of pytest-benchmark": baseline(one(before=UNREAD)),
        "5 rounds are too few to compare": baseline(one(count=5)),
        "the next run will have nothing to compare with: the baseline can't be kept": baseline(
            file=Missing("the baseline can't be kept in /var/lib/seatrial: No space left on device")
        ),
    },
)

SLO_031 = Specimens(
    passes=[
        baseline(one(name=PROBE)),
        baseline(one(name=PROBE, late=4), one(0.5)),
        baseline(one(name=PROBE), refused(GONE)),
    ],
    fails={
        "50 of 50 requests without load took longer than 100ms": baseline(one(0.3, name=PROBE)),
        "20 of 50 requests without load took longer than 100ms, the slowest 2s": baseline(one(name=PROBE, late=20)),
        "the slowest": baseline(one(0.3, name=PROBE), UNASKED),
    },
    undecided={
        "no probe declares a latency": baseline(one(0.3, name=PROBE), bounds={}),
        "this machine was not quiet": baseline(one(0.3, name=PROBE), control=here(0.2)),
        "api.readiness was not answered as declared": baseline(refused(GONE, PROBE)),
    },
)

SLO_032 = Specimens(
    passes=[baseline(), baseline(one(before=None)), baseline(one(0.5, name=PROBE))],
    fails={
        "HTTP 503 (request 1 of those made alone)": baseline(
            refused("HTTP 503 (request 1 of those made alone)"), one()
        ),
        "closed the connection before its answer was whole": baseline(refused(GONE), UNASKED),
    },
    undecided={"api does not resolve": baseline(one(name=PROBE), UNASKED)},
)
