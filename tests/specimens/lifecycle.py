"""Specimens of the lifecycle area: timelines of a service that is scaled, recreated, upgraded or given a new key under a client."""

from __future__ import annotations

from dataclasses import replace

from seatrial.facts.experiment import Bound, Fault, Incarnation, Sample, Timeline
from seatrial.facts.lifecycle import (
    AFTER,
    BACK,
    BEGAN,
    CLIENT,
    COUNTS,
    FOUND,
    KEYS,
    REPLICA,
    ROTATED,
    VERSION,
    Operation,
)
from seatrial.profile.model import Lifecycle
from tests.specimens import Specimens

BEGINS, ENDS, LASTS = 2.0, 10.0, 14.0
LIVES = (Incarnation("api-1", "c1", "12:00:00"), Incarnation("api-2", "c2", "12:00:00"))
FAULTS = {
    "scale": Fault("scaled from 2 to 3 replicas", "api", "scaled by the engine from 2 to 3 replicas",
                   "api-3 run beside api-1, api-2", BEGINS, ENDS),
    "replace": Fault("recreated (api-1)", "api", "removed and made anew from its declaration by the engine",
                     "container api-1 is 5e1f, was 03ac", BEGINS, ENDS),
    "upgrade": Fault("upgraded", "api", "changed by the declared command replace.sh", "replace.sh ended with status 0",
                     BEGINS, ENDS),
    "rotate": Fault("given a new key", "api", "changed by the declared command cp", "cp ended with status 0", BEGINS, ENDS),
}  # fmt: skip
DECLARED = {
    "errors": "5%",
    "scale": "3",
    "replace": "true",
    "upgrade": {"command": ["replace.sh", "1.1.0"], "version": "1.1.0"},
    "rollback": {"command": ["replace.sh", "1.0.0"], "version": "1.0.0"},
}


def thrice(probe, who, at, why="", **more):
    """The last answers of a probe."""
    return [Sample(at + n / 10, probe, who, not why, 0 if why else 200, 0.01, why, **more) for n in range(3)]


def of_kind(kind, wrong):
    """What is asked in an experiment of one kind."""
    found = []
    if kind in ("scale", "replace"):
        name = "api-3" if kind == "scale" else "api-1"
        found += [Sample(3.0, REPLICA, name, False, 0, 0.01, "refused the connection")]
        found += thrice(REPLICA, name, 4.0, wrong.get("replica", ""))
    for step, at in (("upgrade", 5.0), ("rollback", 11.0)):
        if kind == "upgrade":
            found += thrice(f"{VERSION} after {step}", "front", at, wrong.get(step, ""))
    if kind == "rotate":
        for phase, at in ((ROTATED, 5.0), (BACK, 11.0)):
            for probe in KEYS[phase]:
                found += thrice(probe, "api-1", at) + thrice(probe, "front", at, wrong.get(probe, ""))
    return found


def operation(
    kind="scale", *, failed=(), lost=0, every=0.1, counts=(2, 3, 2), after=LIVES, ready="", wrong=None, **more
):
    """A right service under a client, but for requests that fail in a span of time, or whatever is wrong."""
    samples = []
    for n in range(round((LASTS - 0.5) / every)):
        at = round(0.5 + n * every, 2)
        bad = any(begin <= at < end for begin, end in failed)
        samples.append(Sample(at, CLIENT, "front", not bad, 502 if bad else 201, 0.01, "HTTP 502" if bad else ""))
    written = sum(sample.ok for sample in samples)
    samples += [
        Sample(
            LASTS + n / 100, FOUND, "front", n >= lost, failure="" if n >= lost else "acknowledged at 3.10 s: HTTP 404"
        )
        for n in range(written)
    ]
    samples += of_kind(kind, wrong or {})
    for who in ("api-1", "api-2", "front"):
        samples += thrice(AFTER, who, 12.0, ready if who == "api-2" else "")
    made = Timeline(
        **{
            "experiment": f"api {kind} under a client", "service": "api", "seconds": 16.0,
            "samples": tuple(sorted(samples, key=lambda sample: sample.at)), "faults": (FAULTS[kind],),
            "bounds": {"ready_within": Bound(5.0, "services.api.readiness.ready_within")},
            "numbers": {BEGAN: BEGINS, **dict(zip(COUNTS, counts, strict=True))}, "before": LIVES, "after": after, **more,
        }
    )  # fmt: skip
    return Operation(f"api.{kind}", "api", kind, Lifecycle.model_validate(DECLARED), made)


def without(whole, *probes):
    """An experiment in which some samples were never taken."""
    kept = tuple(sample for sample in whole.timeline.samples if sample.probe not in probes)
    return replace(whole, timeline=replace(whole.timeline, samples=kept))


NOT_BEGUN = {
    "api is not ready before": operation(faults=(), unsteady="api is not ready before anything is done"),
}
REFUSED = "refused the connection"

LFC_001 = Specimens(
    passes=[operation(kind) for kind in FAULTS] + [operation(failed=[(3.0, 3.3)])],
    fails={
        "20 of 120 requests failed (16.67%), the first 1s and the last 2.9s after it was begun: HTTP 502; "
        "api was upgraded (changed by the declared command replace.sh; replace.sh ended with status 0)": operation(
            "upgrade", failed=[(3.0, 5.0)]
        ),
        "expected at most 5% (services.api.lifecycle.errors)": operation(failed=[(2.0, LASTS)]),
        # Requests that are far apart because each waits for an answer are failures all the same.
        "24 of 24 requests failed": operation(failed=[(2.0, LASTS)], every=0.5),
    },
    undecided={
        **NOT_BEGUN,
        "fewer than 5 a second": operation(every=0.5),
        "the client made no request": without(operation(), CLIENT),
    },
)
LFC_002 = Specimens(
    passes=[operation(kind) for kind in FAULTS] + [operation(failed=[(3.0, 5.0)])],
    fails={
        "2 of 135 writes that were acknowledged are not read back at the end: acknowledged at 3.10 s: HTTP 404": operation(
            "replace", lost=2
        ),
    },
    undecided={
        **NOT_BEGUN,
        "of 135 acknowledged writes 0 were looked for": without(operation(), FOUND),
        "of 0 acknowledged writes 0 were looked for": operation(failed=[(0.0, LASTS)]),
    },
)
LFC_003 = Specimens(
    passes=[operation(kind) for kind in FAULTS] + [without(operation(), AFTER)],
    fails={
        "api (api-2): HTTP 503; api was recreated (api-1)": operation("replace", ready="HTTP 503"),
        "api (front): HTTP 502; api was scaled": operation(failed=[(9.0, LASTS)]),
        "1 replicas run afterwards": operation(after=LIVES[:1]),
    },
    undecided={
        **NOT_BEGUN,
        "was asked 1 times after all was over": replace(
            operation(),
            timeline=replace(
                operation().timeline,
                samples=(*without(operation(), AFTER).timeline.samples, Sample(12.0, AFTER, "api-1", True, 200)),
            ),
        ),
    },
)
NOBODY = "no new replica could be asked at its own address"
LFC_004 = Specimens(
    passes=[operation("scale")],
    fails={
        "api (api-3): not ready: HTTP 503; api was scaled from 2 to 3 replicas": operation(
            "scale", wrong={"replica": "HTTP 503"}
        ),
        "replicas when scaled: 2": operation("scale", counts=(2, 2, 2)),
        "replicas afterwards: 3": operation("scale", counts=(2, 3, 3)),
    },
    undecided={**NOT_BEGUN, NOBODY: without(operation("scale"), REPLICA)},
)
LFC_005 = Specimens(
    passes=[operation("replace")],
    fails={
        "api (api-1): not ready: refused the connection; api was recreated (api-1) (removed and made anew": operation(
            "replace", wrong={"replica": REFUSED}
        ),
        "ready within 5s (services.api.readiness.ready_within)": operation("replace", wrong={"replica": REFUSED}),
    },
    undecided={**NOT_BEGUN, NOBODY: without(operation("replace"), REPLICA)},
)
LFC_006 = Specimens(
    passes=[operation("upgrade")],
    fails={
        "api (front), after the upgrade: says version 1.0.0; api was upgraded": operation(
            "upgrade", wrong={"upgrade": "says version 1.0.0"}
        ),
        "expected version 1.1.0 (services.api.lifecycle.upgrade.version)": operation(
            "upgrade", wrong={"upgrade": "says no version"}
        ),
    },
    undecided={**NOT_BEGUN, "version after upgrade: was not asked": operation("rotate")},
)
LFC_007 = Specimens(
    passes=[operation("upgrade")],
    fails={
        "api (front), after the rollback: says version 1.1.0": operation(
            "upgrade", wrong={"rollback": "says version 1.1.0"}
        ),
    },
    undecided={**NOT_BEGUN, "version after rollback: was not asked": operation("rotate")},
)
LFC_008 = Specimens(
    passes=[operation("rotate")],
    fails={
        "api (front), with the new key: HTTP 401; api was given a new key": operation(
            "rotate", wrong={KEYS[ROTATED][1]: "HTTP 401"}
        ),
    },
    undecided={**NOT_BEGUN, "new key, rotated: was not asked": operation("upgrade")},
)
LFC_009 = Specimens(
    passes=[operation("rotate")],
    fails={
        "api (front), with the old key: HTTP 200; api was given a new key": operation(
            "rotate", wrong={KEYS[ROTATED][0]: "HTTP 200"}
        ),
    },
    undecided={**NOT_BEGUN, "old key, rotated: was not asked": operation("upgrade")},
)
LFC_010 = Specimens(
    passes=[operation("rotate")],
    fails={
        "with the old key: HTTP 401": operation("rotate", wrong={KEYS[BACK][0]: "HTTP 401"}),
        "with the new key: HTTP 200": operation("rotate", wrong={KEYS[BACK][1]: "HTTP 200"}),
    },
    undecided={**NOT_BEGUN, "old key, back: was not asked": operation("upgrade")},
)
