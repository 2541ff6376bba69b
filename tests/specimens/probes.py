"""Specimens of the probes area: timelines of a service whose dependency is at fault, or that has more to do than it can."""

from __future__ import annotations

from dataclasses import replace

from seatrial.facts.experiment import Bound, Fault, Incarnation, Moment, Sample, Timeline
from seatrial.facts.outage import Outage
from seatrial.facts.overload import TAKEN, Overload, SlowestCall
from tests.specimens import Specimens

BEGAN, ENDED, LASTS = 2.0, 8.0, 16.0
TURNS, BACK = 2.75, 9.0
"""When a right service says not ready, and when ready again."""
BOUNDS = {
    "timeout of liveness": Bound(1.0, "services.api.liveness.timeout"),
    "timeout of readiness": Bound(1.0, "services.api.readiness.timeout"),
    "period of readiness": Bound(1.0, "services.api.readiness.period"),
    "unready_within": Bound(3.0, "services.api.readiness.unready_within"),
    "ready_within": Bound(4.0, "services.api.readiness.ready_within"),
}
HUNG = Fault(
    "hung", "redis", "paused by the engine", "10.0.0.2:6379 accepts a connection and says nothing", BEGAN, ENDED
)
LOAD = Fault(
    "overloaded", "api", "400 GET /notes/1 a second for 6s", "400 calls/s offered, 190/s answered", BEGAN, ENDED
)
BUSY = Fault(
    "busy with its slowest call", "api", "GET /slow for the first time after a restart", "it took 6s", BEGAN, ENDED
)
LIFE = Incarnation("api-1", "c1", "12:00:00")


def probe(name, wrong=(), *, who="front", every=0.25, seconds=0.01, failure="", status=200, refused=503, **more):
    """Answers of a probe against time; those asked in one of the spans ``wrong`` are not as declared."""
    found, at = [], 0.0
    while at < LASTS:
        bad = any(begin <= at < end for begin, end in wrong)
        code = refused if bad else status
        said = more.get("ill", {}) if bad else {}
        found.append(
            Sample(
                at,
                name,
                who,
                not bad,
                code,
                more.get("slow", seconds) if bad else seconds,
                failure if bad else "",
                **said,
            )
        )
        at += every
    return tuple(found)


DOWN = ((TURNS, BACK),)
WELL, ILL = {"overall": "ok"}, {"overall": "failing", "unhealthy": ("redis",)}


def health(wrong=DOWN, ill=ILL, who="front", **more):
    """Answers of the detailed health."""
    return tuple(
        replace(sample, **({} if not sample.ok else WELL))
        for sample in probe("health", wrong, who=who, ill=ill, **more)
    )


def watched(*samples, fault=HUNG, bounds=BOUNDS, after=(LIFE,), moments=(), kind="", **notes):
    """A timeline of a service."""
    fault = replace(fault, kind=kind) if kind else fault
    return Timeline(
        "api", "api", LASTS, tuple(sorted((s for each in samples for s in each), key=lambda s: s.at)),
        () if fault is None else (fault,), tuple(moments), dict(bounds), {}, {k.replace("_", " "): v for k, v in notes.items()},
        (LIFE,), tuple(after), interval=0.25,
    )  # fmt: skip


def outage(*samples, **more):
    """One dependency at fault; what is not given is as a right service does it."""
    given = {s[0].probe for s in samples}
    rest = {"liveness": probe("liveness"), "readiness": probe("readiness", DOWN), "health": health()}
    healthy = {"healthy": more.pop("healthy")} if "healthy" in more else {}
    timeline = watched(*samples, *(v for k, v in rest.items() if k not in given), **more)
    return Outage("api.redis.hung", "api", timeline, "redis", **healthy)


def without(name, **more):
    """A service whose probe was not asked."""
    made = outage(**more)
    return replace(
        made, timeline=replace(made.timeline, samples=tuple(s for s in made.timeline.samples if s.probe != name))
    )


def thin(name):
    """A machine that was too busy to ask in time."""
    made = outage()
    kept = tuple(s for s in made.timeline.samples if s.probe != name or not 3.0 < s.at < 6.0)
    return replace(made, timeline=replace(made.timeline, samples=kept))


def undone(make=outage, **more):
    """An experiment that was not begun."""
    made = make(**more)
    return replace(made, timeline=replace(made.timeline, faults=(), unsteady="readiness was not as declared before"))


NEVER = "was not asked at all"
BUSY_MACHINE = "too busy to judge it"
NOT_BEGUN = {"not as declared before": undone()}

PRB_001 = Specimens(
    passes=[outage(), outage(probe("readiness", ((3.0, 3.5), (5.0, 5.5), (8.0, 8.2))), kind="slow")],
    fails={
        "readiness stayed ready for all of the 6s in which redis was hung (paused by the engine; 10.0.0.2:6379": outage(
            probe("readiness")
        ),
        "readiness turned not ready 4s after redis was hung": outage(probe("readiness", ((6.0, BACK),))),
        "not ready within 3s (services.api.readiness.unready_within)": outage(probe("readiness", ((6.0, BACK),))),
        "api (api-2): readiness stayed ready": outage(
            probe("readiness", DOWN, who="api-1") + probe("readiness", who="api-2")
        ),
    },
    undecided={NEVER: without("readiness"), BUSY_MACHINE: thin("readiness"), **NOT_BEGUN},
)
PRB_002 = Specimens(
    passes=[outage(), outage(probe("readiness", ((BEGAN, 12.0),)))],
    fails={
        "readiness said ready again 1.25s after it had turned, while redis was hung, 4 times of 20": outage(
            probe("readiness", ((TURNS, 4.0), (5.0, BACK)))
        ),
    },
    undecided={"never turned not ready": outage(probe("readiness")), NEVER: without("readiness"), **NOT_BEGUN},
)
PRB_003 = Specimens(
    passes=[outage(), outage(probe("readiness", DOWN, slow=0.9))],
    fails={
        "readiness gave no answer in time 21 times of 24 while redis was hung, waited for up to 1s; first: did not answer": outage(
            probe("readiness", DOWN, refused=0, slow=1.0, failure="did not answer within 1s")
        ),
        "an answer within 1s (services.api.readiness.timeout)": outage(probe("readiness", DOWN, slow=2.5)),
    },
    undecided={NEVER: without("readiness"), **NOT_BEGUN},
)
PRB_004 = Specimens(
    passes=[outage(), outage(probe("readiness")), outage(probe("readiness", ((TURNS, 9.0), (9.5, 10.0))))],
    fails={
        "readiness was back for good only 6s after redis was as before": outage(probe("readiness", ((TURNS, 14.0),))),
        "it was ready for a moment after 1s": outage(probe("readiness", ((TURNS, 9.0), (10.0, 13.0)))),
        "readiness was not back 7.75s after redis was as before": outage(probe("readiness", ((TURNS, 99.0),))),
        "ready within 4s (services.api.readiness.ready_within), and from then on": outage(
            probe("readiness", ((TURNS, 13.0),))
        ),
    },
    undecided={NEVER: without("readiness"), **NOT_BEGUN},
)
PRB_005 = Specimens(
    passes=[outage(), outage(probe("readiness", ((TURNS, 14.0),)))],
    fails={
        "readiness did not come back in the 7.75s after redis was as before; last: HTTP 503": outage(
            probe("readiness", ((TURNS, 99.0),))
        ),
        "but only once api-1 was started": outage(
            probe("readiness", ((TURNS, 12.0),)), moments=[Moment(11.5, "api-1 was started")]
        ),
    },
    undecided={NEVER: without("readiness"), **NOT_BEGUN},
)
PRB_006 = Specimens(
    passes=[outage(probe("readiness"))],
    fails={
        "readiness was wrong 21 times of 24 while redis was hung, first: HTTP 503, 750ms after it began": outage(),
        "as declared, within 1s": outage(probe("readiness", seconds=1.5)),
        "an answer after 1.5s": outage(probe("readiness", seconds=1.5)),
    },
    undecided={NEVER: without("readiness"), BUSY_MACHINE: thin("readiness"), **NOT_BEGUN},
)
PRB_007 = Specimens(
    passes=[outage(), outage(health(((3.0, 3.3),)), kind="slow"), outage(health(DOWN, {**ILL, "overall": "degraded"}))],
    fails={
        "health named no component in 24 answers while redis was hung; last: all of its components healthy": outage(
            health(())
        ),
        "redis named as not healthy": outage(health(DOWN, {"overall": "failing"})),
        "last: did not answer within 1s": outage(
            health(DOWN, {}, refused=0, slow=1.0, failure="did not answer within 1s")
        ),
        "health named no component": outage(health(((0.0, 99.0),))),  # that part was ill before
    },
    undecided={NEVER: without("health"), **NOT_BEGUN},
)
PRB_008 = Specimens(
    passes=[outage(), outage(health(((3.0, 3.3),)), kind="slow")],
    fails={
        "overall ok, but redis is not healthy while redis was hung": outage(health(DOWN, {**ILL, "overall": "ok"})),
        "overall ok in all of 24 answers": outage(health(())),
        "overall well in all": outage(health(((0.0, 99.0),), {"overall": "well"}), healthy=frozenset({"well"})),
    },
    undecided={
        "gave no overall status": outage(health(((0.0, 99.0),), {})),
        NEVER: without("health"),
        **NOT_BEGUN,
    },
)
PRB_009 = Specimens(
    passes=[outage(), outage(probe("liveness", ((0.0, 1.0),)))],
    fails={
        "liveness was wrong 12 times of 56 while redis was hung, first: HTTP 503, 1s after it began (paused by the engine": outage(
            probe("liveness", ((3.0, 6.0),))
        ),
        "as declared, within 1s (services.api.liveness.timeout)": outage(probe("liveness", seconds=1.2)),
        "first: HTTP 503, 2s after it ended": outage(probe("liveness", ((10.0, 11.0),))),
    },
    undecided={NEVER: without("liveness"), BUSY_MACHINE: thin("liveness"), **NOT_BEGUN},
)
PRB_010 = Specimens(
    passes=[outage()],
    fails={
        "it was started anew 3s after redis was hung": outage(
            after=[replace(LIFE, started="12:00:05")], moments=[Moment(5.0, "api-1 was started")]
        ),
        "it was restarted 2 times": outage(after=[replace(LIFE, restarts=2)]),
        "it ended with exit code 1": outage(after=[replace(LIFE, running=False, exit_code=1)]),
        "api (api-1): it ended": outage(after=[]),
        "the same life before, during and after": outage(after=[replace(LIFE, id="c2")]),
    },
    undecided={
        "a restart would not be noticed": replace(outage(), timeline=replace(outage().timeline, before=())),
        **NOT_BEGUN,
    },
)
CALLS = {"every": 0.5, "seconds": 0.1, "failure": ""}
PRB_011 = Specimens(
    passes=[
        outage(probe("canary", DOWN, **CALLS)),
        outage(probe("canary", ((BEGAN, BACK + 0.9),), **CALLS)),  # within a period of the change
        outage(probe("canary", ((2.0, 5.0),), **CALLS), probe("readiness")),  # within the time to turn
        outage(probe("canary", ((4.0, 8.0),), **CALLS), probe("readiness", ((5.0, BACK),))),
    ],
    fails={
        "the canary failed 6 times of 32 while readiness said ready, first: HTTP 503, 3s after it began": outage(
            probe("canary", ((4.0, 8.0),), **CALLS), probe("readiness")
        ),
        "first: HTTP 503, 3s after it ended (redis was hung": outage(
            probe("canary", ((4.0, 8.0), (11.0, 99.0)), **CALLS)
        ),
        "whenever readiness has said ready for one period": outage(probe("canary", ((12.0, 13.0),), **CALLS)),
    },
    undecided={
        "the canary was not made": outage(),
        NEVER: without("readiness"),
        **NOT_BEGUN,
    },
)


def overload(*samples, **more):
    """A service under more than it can do."""
    given = {s[0].probe for s in samples}
    rest = {"liveness": probe("liveness"), "readiness": probe("readiness", ((BEGAN, 8.5),))}
    made = watched(*samples, *(v for k, v in rest.items() if k not in given), fault=LOAD, **more)
    return Overload("api.overload", "api", made)


def crowded(taken):
    """The same on a machine that others use."""
    made = overload(probe("liveness", ((BEGAN, ENDED),)))
    return replace(made, timeline=replace(made.timeline, numbers={TAKEN: taken}))


DEAF = "did not answer within 1s"
PRB_012 = Specimens(
    passes=[overload()],
    fails={
        f"liveness was wrong 24 times of 56 while api was overloaded, first: {DEAF}, 0s after it began (400 GET": overload(
            probe("liveness", ((BEGAN, ENDED),), refused=0, slow=1.0, failure=DEAF)
        ),
        "liveness was wrong 24 times of 56 while api was overloaded, first: HTTP 503": crowded(0.6),
        "an answer after 3s": overload(probe("liveness", seconds=3.0)),
    },
    undecided={
        "not as declared before": undone(overload),
        r"too busy to judge it: 97% of its processors' time .* liveness was wrong": crowded(0.97),
    },
)
PRB_013 = Specimens(
    passes=[overload()],
    fails={
        "it was started anew": overload(after=[replace(LIFE, started="12:00:05")]),
        "it ended with exit code 137": overload(after=[replace(LIFE, running=False, exit_code=137)]),
    },
    undecided={"not as declared before": undone(overload)},
)
PRB_014 = Specimens(
    passes=[overload()],
    fails={
        "readiness was back for good only 6s after api was as before": overload(probe("readiness", ((BEGAN, 14.0),))),
        "readiness was not back 7.75s after api": overload(probe("readiness", ((BEGAN, 99.0),))),
    },
    undecided={"not as declared before": undone(overload)},
)


def slowest(*samples, took=6.0, ok=True):
    """A service while its slowest call runs."""
    call = (Sample(BEGAN, "slowest", "front", ok, 200 if ok else 503, took),)
    given = samples or (probe("liveness"),)
    return SlowestCall("api.slowest", "api", watched(*given, call, fault=replace(BUSY, ended=BEGAN + took)))


PRB_015 = Specimens(
    passes=[slowest(), slowest(probe("liveness", ((10.0, 11.0),)))],
    fails={
        f"liveness was wrong 24 times of 24 while api was busy with its slowest call, first: {DEAF}": slowest(
            probe("liveness", ((BEGAN, ENDED),), refused=0, slow=1.0, failure=DEAF)
        ),
    },
    undecided={
        "did not do what is declared: HTTP 503": slowest(ok=False),
        "in which liveness was asked 1 times: it is not slow": slowest(took=0.2),
        "was not made": SlowestCall("api.slowest", "api", watched(probe("liveness"), fault=BUSY)),
    },
)
PRB_016 = Specimens(
    passes=[outage(), outage(probe("readiness", ((3.0, 3.3),)), kind="slow")],
    fails={
        "liveness and readiness said the same (not ready, and not alive) all the time in which redis was hung": outage(
            probe("liveness", DOWN)
        ),
        "said the same (ready, and alive)": outage(probe("readiness")),
    },
    undecided={NEVER: without("liveness"), **NOT_BEGUN},
)


def checked(wrong=(), *samples, configured="every 1 s, given 3 s", code=1, **more):
    """An outage of a service with a HEALTHCHECK."""
    runs = probe("HEALTHCHECK", wrong, who="api-1", every=1.0, status=0, refused=code, failure=more.pop("why", ""))
    return outage(*([runs] if configured != "none" else []), *samples, HEALTHCHECK=configured, **more)


WAITS = {"HEALTHCHECK_stands_for_readiness": "web waits for it to be healthy"}
QUIET = replace(checked(), timeline=watched(probe("liveness"), HEALTHCHECK="every 30 s, given 30 s"))
PRB_017 = Specimens(
    passes=[checked(), checked(((3.0, 9.0),)), checked(configured="none"), checked((), **WAITS)],
    fails={
        "HEALTHCHECK could not be executed: executable file not found, 0s into": checked(
            ((0.0, 99.0),), code=-1, why="executable file not found"
        ),
        "HEALTHCHECK ended with 1 while liveness and readiness answered as declared, 12s into the experiment": checked(
            ((12.0, 13.0),)
        ),
        "HEALTHCHECK said healthy while liveness and readiness did not answer as declared, 4s into": checked(
            (), probe("liveness", ((3.0, 9.0),))
        ),
    },
    undecided={
        r"HEALTHCHECK \(every 30 s, given 30 s\) was not executed in the 6s": QUIET,
        "whether api has a HEALTHCHECK was not seen": outage(),
        **NOT_BEGUN,
    },
)
PRB_018 = Specimens(
    passes=[
        checked(),
        checked(configured="none"),
        checked(((3.0, 9.0),), **WAITS),
        checked(((12.0, 13.0),)),
        checked(((0.0, 99.0),)),
    ],
    fails={
        "HEALTHCHECK ended with 1 while redis was hung (paused by the engine": checked(((3.0, 9.0),)),
        "api (api-1): HEALTHCHECK": checked(((3.0, 5.0),)),
    },
    undecided={
        r"HEALTHCHECK \(every 30 s, given 30 s\) was not executed": QUIET,
        "was not seen": outage(),
        **NOT_BEGUN,
    },
)
