"""Specimens of the durability area: timelines of a service whose data was to outlive something."""

from __future__ import annotations

from dataclasses import replace

from seatrial.facts.durability import GONE, LAST, LAST_READ, READ, REMOVED, WRITTEN, Survival
from seatrial.facts.experiment import Bound, Fault, Moment, Sample, Timeline
from tests.specimens import Specimens

KINDS = ("plain", "long id", "id beyond ASCII")
LASTS = (6.0, 6.1, 6.2, 6.3)
BEGAN = 6.4
HOW = {
    "kill": Fault("killed", "api", "ended by SIGKILL", "pid 41 (python) has ended with exit code 137", BEGAN, 6.8),
    "restart": Fault("restarted", "api", "restarted by the engine", "pid 41 (python) has ended", BEGAN, 6.8),
    "recreate": Fault(
        "recreated", "api", "removed and made anew from its declaration by the engine",
        "container api-1 is 5e1f, was 03ac", BEGAN, 6.8,
    ),
}  # fmt: skip
GONE_404 = "HTTP 404"


def timeline(act="kill", *, lost=(), lost_last=(), again=(), kinds=KINDS, lasts=LASTS, **more):
    """What a right service does, but for what is lost (kinds), lost of the last (their numbers), or there again (when removed)."""
    samples = [Sample(1.0 + n / 10, WRITTEN, kind, True, 201, 0.01) for n, kind in enumerate(kinds)]
    samples += [Sample(at, LAST, "front", True, 201, 0.01) for at in lasts]
    samples += [Sample(at, REMOVED, who, True, 0, 0.02) for at, who in ((2.0, "early"), (6.2, "just before"))]
    for n, kind in enumerate(kinds):
        samples.append(Sample(8.0 + n / 10, READ, kind, kind not in lost, failure=GONE_404 if kind in lost else ""))
    for n, _ in enumerate(lasts):
        gone = n in lost_last
        samples.append(Sample(9.0 + n / 100, LAST_READ, "front", not gone, failure=GONE_404 if gone else ""))
    for who in ("early", "just before"):
        samples.append(Sample(9.5, GONE, who, who not in again, failure="is there again" if who in again else ""))
    fault = HOW[act]
    return Timeline(
        **{
            "experiment": f"data of api when it is {fault.kind}", "service": "api", "seconds": 10.0,
            "samples": tuple(sorted(samples, key=lambda sample: sample.at)), "faults": (fault,),
            "moments": (Moment(6.35, f"api is about to be {fault.kind}"),),
            "bounds": {"ready_within": Bound(5.0, "services.api.readiness.ready_within")}, **more,
        }
    )  # fmt: skip


def survival(act="kill", **changes):
    """One service and what its data was to outlive."""
    return Survival(f"api.survives.{act}", "api", act, timeline(act, **changes))


def without(act, *probes):
    """An experiment in which some samples were never taken."""
    whole = survival(act)
    kept = tuple(sample for sample in whole.timeline.samples if sample.probe not in probes)
    return replace(whole, timeline=replace(whole.timeline, samples=kept))


def refused(act):
    """A service that acknowledged nothing."""
    whole = survival(act)
    samples = tuple(
        replace(sample, ok=False, status=422, failure="HTTP 422") if sample.probe == WRITTEN else sample
        for sample in whole.timeline.samples
        if sample.probe != READ
    )
    return replace(whole, timeline=replace(whole.timeline, samples=samples))


def undecided(act):
    return {
        "did not work again after api was": survival(
            act, notes={"not back": "canary of front at 39.00 s: refused the connection"}
        ),
        "nothing that was written was acknowledged": refused(act),
        "of 4 last writes 0 were looked for": without(act, LAST_READ),
        "0 were acknowledged, and none in the last 1s": survival(act, lasts=()),
        "4 were acknowledged, and none in the last 1s": survival(act, lasts=(1.0, 1.1, 1.2, 1.3)),
        "api is not ready before": survival(act, faults=(), unsteady="api is not ready before anything is done"),
    }


DUR_001 = Specimens(
    passes=[survival("kill"), survival("kill", kinds=("plain",))],
    fails={
        "3 of 3 that were acknowledged 5.39s before api was killed are not read back: HTTP 404 (plain, long id, id beyond ASCII)": survival(
            "kill", lost=KINDS, lost_last=(0, 1, 2, 3)
        ),
        "1 of 3 that were acknowledged 5.19s before api was killed are not read back: HTTP 404 (id beyond ASCII)": survival(
            "kill", lost=KINDS[2:]
        ),
        "2 of 4 writes that were acknowledged around the moment api was killed are not read back; they were acknowledged "
        "from 190ms before to 90ms before it: HTTP 404 (ended by SIGKILL; pid 41 (python) has ended": survival(
            "kill", lost_last=(2, 3)
        ),
    },
    undecided=undecided("kill"),
)
DUR_002 = Specimens(
    passes=[survival("restart")],
    fails={
        "are not read back: HTTP 404 (plain)": survival("restart", lost=KINDS[:1]),
        "1 of 4 writes that were acknowledged around the moment api was restarted": survival("restart", lost_last=(3,)),
    },
    undecided=undecided("restart"),
)
DUR_003 = Specimens(
    passes=[survival("recreate")],
    fails={
        "container api-1 is 5e1f, was 03ac; data path /data of api-1 lies on the container's writable layer": survival(
            "recreate", lost=KINDS, notes={"data path /data of api-1": "on the container's writable layer"}
        ),
        "services.api.persistence.survives: recreate": survival("recreate", lost_last=(0, 1, 2, 3)),
    },
    undecided=undecided("recreate"),
)
DUR_004 = Specimens(
    passes=[survival("kill"), survival("recreate")],
    fails={
        "what was removed 4.38s before api was restarted is there again": survival("restart", again=("early",)),
        "what was removed 180ms before api was killed is there again": survival("kill", again=("just before",)),
    },
    undecided={
        "nothing was removed before the act and looked for after it": without("kill", GONE, REMOVED),
        "did not work again after api was": survival("kill", notes={"not back": "refused the connection"}),
    },
)
