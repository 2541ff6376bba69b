"""Specimens of the termination area: timelines of ends and starts, built like those of real services."""

from __future__ import annotations

from dataclasses import replace

from seatrial.facts.experiment import Bound, Fault, Moment, Sample, Timeline
from seatrial.facts.startup import ColdStart, Crash, SlowStart, Startup
from seatrial.facts.termination import Termination
from tests.specimens import Specimens

GRACE = Bound(8.0, "services.api.grace_period")
BUDGET = Bound(10.0, "period × failure_threshold, of services.api.startup")
AT, WHO = 4.0, "front"
PID = "pid 4711"


def samples(probe, spans, *, every=0.2, who=WHO, **broken):
    """Samples of one probe: (begin, end, whether it is well), the rest of a bad one as given."""
    found = []
    for begin, end, ok in spans:
        for step in range(round((end - begin) / every)):
            given = broken if ok else {"status": 503, "failure": "HTTP 503", **broken}
            found.append(
                Sample(
                    round(begin + step * every, 3), probe, who, **{"ok": ok, "status": 200, "seconds": 0.01, **given}
                )
            )
    return tuple(found)


DRAINED = (
    *samples("readiness", [(0.0, AT, True), (AT, AT + 2, False), (AT + 2.5, AT + 4, True)]),
    *samples(
        "request", [(0.0, AT + 1, True), (AT + 1, AT + 2, False)], every=0.1, status=0, failure="refused the connection"
    ),
)
FLIGHT = tuple(Sample(AT - 0.3, "in flight", PID, ok=True, status=200, seconds=2.0) for _ in range(4))
WORK = (
    *(Sample(AT - 0.1, "handed in", PID, ok=True) for _ in range(3)),
    *(Sample(AT + 4, "work", PID, ok=True, status=200, seconds=1.1) for _ in range(3)),
)
NUMBERS = {
    "seconds of the slowest call": 2.003,
    f"SIGTERM to {PID}": AT,
    f"exit_seconds of {PID}": 2.0,
    f"watched after start of {PID}": 2.5,
    f"startup after start of {PID}": 0.7,
    f"readiness after start of {PID}": 0.8,
}
NOTES = {
    f"asked as {PID}": WHO,
    f"work of {PID}": "not done yet when SIGTERM came",
    f"exit_code of {PID}": "0",
}
SIGTERM = Timeline(
    "api gets SIGTERM",
    "api",
    10.2,
    samples=(*DRAINED, *FLIGHT, *WORK),
    faults=(
        Fault(
            "terminated", "api", "ended by SIGTERM, with 9 s of grace", f"{PID} has ended with exit code 0", AT, AT + 2
        ),
    ),
    bounds={"startup budget": BUDGET, "grace": GRACE},
    numbers=NUMBERS,
    notes=NOTES,
    interval=0.2,
)


def timeline(base=SIGTERM, *, numbers=None, notes=None, **changes):
    """A timeline with some numbers and notes changed; None takes one away."""
    merged = {**base.numbers, **(numbers or {})}, {**base.notes, **(notes or {})}
    kept = [{key: value for key, value in each.items() if value is not None} for each in merged]
    return replace(base, numbers=kept[0], notes=kept[1], **changes)


def ended(**changes):
    """A service that got SIGTERM, in good order unless told otherwise."""
    return Termination("api.sigterm", "api", timeline(**changes))


KILLED = {"numbers": {f"exit_seconds of {PID}": 9.01}, "notes": {f"exit_code of {PID}": "137"}}
NOTHING = {"no replica of api was seen to end": ended(numbers={f"exit_seconds of {PID}": None})}

TRM_001 = Specimens(
    passes=[ended(), ended(numbers={f"exit_seconds of {PID}": 8.0}), ended(notes={f"exit_code of {PID}": None})],
    fails={
        "had not ended 9s after SIGTERM (expected it ends by itself within 8s (services.api.grace_period))": ended(
            **KILLED
        ),
        "was ended by SIGKILL 5s after SIGTERM (exit code 137)": ended(
            numbers={f"exit_seconds of {PID}": 5.0}, notes={f"exit_code of {PID}": "137"}
        ),
    },
    undecided=NOTHING,
)
DROPPED = Sample(AT - 0.3, "in flight", PID, ok=False, seconds=0.5, failure="closed the connection without an answer")
TRM_002 = Specimens(
    passes=[ended()],
    fails={
        "a call begun 300ms before SIGTERM was not answered as declared: closed the connection without an answer": ended(
            samples=(*DRAINED, *FLIGHT[:3], DROPPED)
        )
    },
    undecided={
        "no call was in flight when SIGTERM came: the slowest call of api takes 20ms": ended(
            samples=(*DRAINED, *(replace(one, seconds=0.02) for one in FLIGHT)),
            numbers={"seconds of the slowest call": 0.02},
        ),
        **NOTHING,
    },
)
STAYS = (
    *samples("readiness", [(0.0, AT + 1, True), (AT + 1, AT + 2, False)]),
    *samples("request", [(0.0, AT, True), (AT, AT + 2, False)], every=0.1),
)
CLOSED = (
    *samples("readiness", [(0.0, AT, True), (AT, AT + 2, False)], status=0, failure="refused the connection"),
    *samples("request", [(0.0, AT, True), (AT, AT + 2, False)], every=0.1, status=0, failure="refused the connection"),
)
# Asked while it ended, and answered only when it was there again.
NEXT_LIFE = (*CLOSED, *samples("readiness", [(AT + 0.7, AT + 0.9, True)], seconds=5.0))
TRM_003 = Specimens(
    passes=[ended(), ended(samples=CLOSED), ended(samples=NEXT_LIFE)],
    fails={
        "readiness still said ready 800ms after SIGTERM, and requests failed from 0s after it on (HTTP 503)": ended(
            samples=STAYS
        )
    },
    undecided={
        "readiness of pid 4711 was not asked within 1s of SIGTERM": ended(
            samples=samples("request", [(0.0, AT, True)])
        ),
        "no request was made while pid 4711 ended": ended(samples=samples("readiness", [(0.0, AT, True)])),
        **NOTHING,
    },
)
TRM_004 = Specimens(
    passes=[ended(), ended(samples=STAYS)],
    fails={
        "requests met a closed door from 0s after SIGTERM on, and readiness never answered not ready": ended(
            samples=CLOSED
        )
    },
    undecided={"api had to be killed": ended(**KILLED), **NOTHING},
)
LOST = tuple(
    replace(one, ok=False, status=404, failure="HTTP 404", seconds=10.0) if one.probe == "work" else one for one in WORK
)
TRM_005 = Specimens(
    passes=[ended()],
    fails={
        "3 of 3 pieces of work accepted before SIGTERM were not done 10s after the restart (HTTP 404)": ended(
            samples=LOST
        )
    },
    undecided={
        "api accepted no work before SIGTERM: HTTP 503": ended(
            samples=(Sample(AT - 0.1, "handed in", PID, ok=False, failure="HTTP 503"),)
        ),
        "the work was done before SIGTERM came": ended(notes={f"work of {PID}": None}),
        "was not ready again, so that its work could not be looked for": ended(samples=WORK[:3]),
        **NOTHING,
    },
)
TRM_006 = Specimens(
    passes=[ended(), ended(notes={f"exit_code of {PID}": "143"})],
    fails={"ended with exit code 1 after SIGTERM": ended(notes={f"exit_code of {PID}": "1"})},
    undecided={
        "api had to be killed, so that it has no exit status of its own": ended(**KILLED),
        "how pid 4711 ended is not told": ended(notes={f"exit_code of {PID}": None}),
        **NOTHING,
    },
)


def started(base=SIGTERM, **changes):
    """A service that was started again."""
    return Startup("api.sigterm", "api", timeline(base, **changes))


TRM_007 = Specimens(
    passes=[
        started(),
        started(
            bounds={
                "startup budget": Bound(10.0, "start_period + interval × retries, of HEALTHCHECK of container api-1")
            }
        ),
    ],
    fails={
        "startup gave its first good answer 12.3s after its start, ready after 12.5s (expected within 10s (period × "
        "failure_threshold, of services.api.startup))": started(
            numbers={f"startup after start of {PID}": 12.3, f"readiness after start of {PID}": 12.5}
        ),
        "startup gave no good answer in the 12s it was watched after its start": started(
            numbers={f"startup after start of {PID}": None, f"watched after start of {PID}": 12.0}
        ),
    },
    undecided={
        "nobody says how long api may take to start": started(bounds={"grace": GRACE}),
        "no start of api was seen": started(numbers={f"watched after start of {PID}": None}),
    },
)
KILLS = Timeline(
    "api is killed 3 times",
    "api",
    10.4,
    samples=samples("readiness", [(0.0, 10.0, True)]),
    faults=(Fault("killed", "api", "ended by SIGKILL", "the life of pid 1 is over, exit code 137", 1.5, 2.2),),
    bounds={"startup budget": BUDGET, "restart_within": Bound(4.0, "services.api.restart_within")},
    numbers={
        **{f"watched ({n})": 6.0 for n in (1, 2, 3)},
        **{f"restart_seconds ({n})": 0.6 for n in (1, 2, 3)},
        **{f"watched after restart ({n})": 1.2 for n in (1, 2, 3)},
        **{f"readiness after start ({n})": 0.7 for n in (1, 2, 3)},
        "ended again": 0,
    },
    notes={"killed (1)": "pid 1", "killed (2)": "pid 2", "killed (3)": "pid 3", "exit codes": ""},
    interval=0.2,
)


def crashed(**changes):
    """A service that was killed three times."""
    return Crash("api.kill", "api", timeline(KILLS, **changes))


UNHARMED = {"the experiment was not begun": crashed(faults=(), unsteady="the experiment was not begun")}
GIVEN_UP = {"restart_seconds (2)": None, "readiness after start (2)": None}
TRM_008 = Specimens(
    passes=[crashed()],
    fails={
        "api (pid 2): was not restarted in the 6s it was watched after crash 2 (expected restarted within 4s (services.api."
        "restart_within))": crashed(numbers=GIVEN_UP, notes={"killed (3)": None}),
        "was restarted 5.5s after crash 3": crashed(numbers={"restart_seconds (3)": 5.5}),
    },
    undecided=UNHARMED,
)
TRM_009 = Specimens(
    passes=[crashed()],
    fails={
        "readiness gave no good answer in the 12s it was watched after the restart of crash 1": crashed(
            numbers={"readiness after start (1)": None, "watched after restart (1)": 12.0}
        ),
        "readiness gave its first good answer 11.4s after the restart of crash 3": crashed(
            numbers={"readiness after start (3)": 11.4}
        ),
    },
    undecided={
        "api was not restarted": crashed(numbers={f"restart_seconds ({n})": None for n in (1, 2, 3)}),
        "nobody says how long api may take to start": crashed(bounds={"restart_within": Bound(4.0, "x")}),
        "api has no probe that tells when it is back": crashed(samples=()),
        **UNHARMED,
    },
)
TRM_010 = Specimens(
    passes=[crashed()],
    fails={
        "ended 4 times by itself after it was killed 3 times, exit codes 1, 1, 1, 1": crashed(
            numbers={"ended again": 4}, notes={"exit codes": "1, 1, 1, 1"}
        )
    },
    undecided={"api was not watched after it was killed": crashed(numbers={"ended again": None}), **UNHARMED},
)
HUNG = Timeline(
    "api is started while redis hangs",
    "api",
    12.7,
    samples=samples("readiness", [(0.0, 3.0, True), (3.0, 10.0, False), (10.0, 12.6, True)]),
    faults=(
        Fault("hung", "redis", "stopped by SIGSTOP to 1 process", "accepts a connection and says nothing", 3.2, 9.9),
    ),
    moments=(Moment(9.9, "redis is as before"),),
    bounds={"startup budget": BUDGET, "ready_within": Bound(5.0, "services.api.readiness.ready_within")},
    numbers={"ended while it hung": 0, "begun while it hung": 1, "watched after it was back": 2.6, "back": 9.95},
    notes={"exit codes": ""},
    interval=0.2,
)


def hung(**changes):
    """A service that was started while Redis hung."""
    return SlowStart("api.redis.start", "api", "redis", timeline(HUNG, **changes))


NEVER = samples("readiness", [(0.0, 3.0, True), (3.0, 17.0, False)])
HELPED = (*NEVER, *samples("readiness", [(18.0, 20.0, True)]))
UNHUNG = {"the experiment was not begun": hung(faults=(), unsteady="the experiment was not begun")}
TRM_011 = Specimens(
    passes=[hung()],
    fails={
        "ended 5 times while redis was hung, exit codes 1 (stopped by SIGSTOP to 1 process": hung(
            numbers={"ended while it hung": 5}, notes={"exit codes": "1"}
        ),
        "could not be started while redis was hung: python3 ended with status 1": hung(
            numbers={"begun while it hung": 0}, notes={"start": "python3 ended with status 1"}
        ),
    },
    undecided=UNHUNG,
)
TRM_012 = Specimens(
    passes=[hung()],
    fails={
        "readiness did not turn ready in the 7s after redis was back; ready after it was restarted": hung(
            samples=HELPED,
            moments=(Moment(17.5, "api is restarted, as it did not turn ready by itself"),),
            numbers={"watched after it was back": 7.0, "helped": 17.5},
            notes={"helped": "ready after it was restarted"},
        ),
        "readiness turned ready 6s after redis was back": hung(
            samples=samples("readiness", [(0.0, 3.0, True), (3.0, 15.95, False), (15.95, 18.0, True)])
        ),
    },
    undecided={"readiness was not asked at all": hung(samples=()), **UNHUNG},
)
COLD = Timeline(
    "the whole stack is started from nothing, twice",
    "target",
    24.0,
    samples=(
        *samples("readiness", [(0.0, 2.0, True), (2.0, 6.0, False), (6.0, 12.0, True), (12.0, 19.0, False), (19.0, 22.0, True)], who="api"),
        *samples("canary", [(0.0, 2.0, True), (2.0, 6.2, False), (6.2, 12.0, True), (12.0, 19.2, False), (19.2, 22.0, True)], who="api"),
    ),
    faults=(Fault("stopped", "target", "stopped by the engine", "nothing of redis, api runs", 4.4, 4.9),),
    bounds={"api": Bound(15.0, "services.api.cold_start_within")},
    numbers={
        "started (1)": 4.9, "dependencies started (1)": 4.9, "api ready (1)": 1.4, "watched (1)": 3.0,
        "started (2)": 15.0, "dependencies started (2)": 17.0, "api ready (2)": 4.2, "watched (2)": 6.0,
    },
    interval=0.2,
)  # fmt: skip


def cold(**changes):
    """A stack that was started from nothing, twice."""
    return ColdStart("target.cold_start", {"api": ("redis",)}, timeline(COLD, **changes))


STANDING = {"the experiment was not begun": cold(faults=(), unsteady="the experiment was not begun")}
TRM_013 = Specimens(
    passes=[cold()],
    fails={
        "api: was not ready in the 20s it was watched after cold start 2; ready after it was restarted (expected ready within "
        "15s (services.api.cold_start_within))": cold(
            numbers={"api ready (2)": None, "watched (2)": 20.0}, notes={"helped api": "ready after it was restarted"}
        ),
        "api: was ready 16.1s after cold start 1": cold(numbers={"api ready (1)": 16.1}),
    },
    undecided={"nothing tells when api is ready": cold(samples=()), **STANDING},
)
EARLY = (*COLD.samples, *samples("readiness", [(15.5, 16.5, True)], who="api"))
BROKEN = (
    *samples("readiness", [(5.5, 8.0, True)], who="api"),
    *samples("canary", [(5.6, 7.0, False)], who="api"),
)
TRM_014 = Specimens(
    passes=[cold()],
    fails={
        "said ready 1.5s before redis was started, in cold start 2": cold(
            samples=tuple(sorted(EARLY, key=lambda s: s.at))
        ),
        "said ready while its canary failed (HTTP 503), in cold start 1": cold(samples=BROKEN),
    },
    undecided={"no service turned ready after a cold start": cold(samples=()), **STANDING},
)
