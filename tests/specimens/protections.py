"""Specimens of promised protections: calls at limits and above, at rates, and before a dependency that hangs."""

from __future__ import annotations

from dataclasses import replace

from seatrial.facts.experiment import Bound, Fault, Incarnation, Sample, Timeline
from seatrial.facts.protections import LimitTried, RateLimitTried
from seatrial.facts.protections_of_dependencies import BreakerTried, RetryingTried, TimeOutTried
from seatrial.profile.model import Dependency, Limit, RateLimit
from tests.specimens import Specimens

LIFE = Incarnation("api", "4711", "8812")
LIMIT = {"name": "length of a note", "post": "/notes", "body": {"text": "x"}, "field": "text", "at": "1000"}
NOTES = {
    "call at the limit": "POST /notes with text of 1000 characters",
    "call above the limit": "POST /notes with text of 1001 characters",
    "call far above the limit": "POST /notes with text of 10000 characters",
}
NEVER = "the experiment was not begun"


def sample(probe, at, status=200, *, seconds=0.01, failure="", ok=None, who="front"):
    """One answer, right when its status is below 400."""
    right = 0 < status < 400 and not failure
    return Sample(at, probe, who, right if ok is None else ok, status, seconds, failure)


# --- limits -----------------------------------------------------------------------------------------------------------


def limit(*, at=201, over=422, far=422, afterwards=201, ready=(200, 200), after=LIFE, declared=None, made=True):
    """A limit that was tried; each answer a status, or a sample's keywords."""

    def one(probe, when, came):
        return sample(probe, when, **(came if isinstance(came, dict) else {"status": came}))

    calls = (
        one("call at the limit", 1.0, at),
        one("call above the limit", 1.1, over),
        one("call far above the limit", 1.2, far),
        one("call afterwards", 1.3, afterwards),
    )
    asked = tuple(one("readiness", 1.5 + number / 4, came) for number, came in enumerate(ready))
    timeline = Timeline(
        "limit length of a note of api", "api", 3.5, (sample("readiness", 0.1), *(calls if made else ()), *asked),
        notes=NOTES, before=(LIFE,), after=(after,) if after else (), unsteady="" if made else NEVER,
    )  # fmt: skip
    node = Limit.model_validate({**LIMIT, "status": "422", **(declared or {})})
    return LimitTried("api.limits.length-of-a-note", "api", "services.api.limits[0]", node, timeline)


HUNG_UP = {"status": 0, "failure": "closed the connection without an answer"}
SLOW = {"status": 0, "failure": "did not answer within 10s", "seconds": 10.0}
UNTRIED = {NEVER: limit(made=False)}

PRT_001 = Specimens(
    passes=[limit(), limit(at=200), limit(over=201)],
    fails={
        "POST /notes with text of 1000 characters: HTTP 422": limit(at=422),
        "1000 characters: closed the connection without an answer": limit(at=HUNG_UP),
    },
    undecided=UNTRIED,
)

PRT_002 = Specimens(
    passes=[limit(), limit(over=413, far=400, declared={"status": None}), limit(at=422)],
    fails={
        "POST /notes with text of 1001 characters: HTTP 201": limit(over=201),
        "POST /notes with text of 10000 characters: HTTP 500": limit(far=500),
        "expected refused with HTTP 422 (services.api.limits[0].status) within 10s": limit(over=400),
        "1001 characters: closed the connection without an answer": limit(over=HUNG_UP),
        "10000 characters: did not answer within 10s": limit(far=SLOW),
        "HTTP 503 (expected refused with HTTP 400 to 499": limit(over=503, declared={"status": None}),
    },
    undecided=UNTRIED,
)

PRT_003 = Specimens(
    passes=[limit(), limit(over=201), limit(ready=())],
    fails={
        "readiness was not as declared in 1 answers, first 0.4 s after a call above the limit: HTTP 503": limit(
            ready=(503, 200)
        ),
        "the call as declared, which worked before, after calls above the limit: HTTP 500": limit(afterwards=500),
        "ended after calls above the limit": limit(after=replace(LIFE, running=False, exit_code=3)),
        "was started anew after calls above the limit": limit(after=replace(LIFE, id="4712", started="9001")),
    },
    undecided=UNTRIED,
)

# --- rate limits ------------------------------------------------------------------------------------------------------


def rate(*, within=(200,) * 5, beyond=(429,), said="2", wait=2.0, again=(200,), apart=0.01, declared=None):
    """A rate limit of 5 calls in 2 s that was tried."""
    calls = [sample("call within what is allowed", 2.0 + apart * n, status) for n, status in enumerate(within)]
    more = [
        sample(
            "call above what is allowed",
            2.0 + apart * (5 + n),
            **(came if isinstance(came, dict) else {"status": came}),
        )
        for n, came in enumerate(beyond)
    ]
    back = [sample("call after waiting", 4.3, status) for status in again]
    refused = any(not one.ok for one in more)
    timeline = Timeline(
        "rate limit searches of api", "api", 4.4, (*calls, *more, *back),
        bounds={"per": Bound(2.0, "services.api.rate_limits[0].per")},
        numbers={"refused at": 1780000000.0, "asked to wait": wait} if refused else {},
        notes={"call": "GET /search", **({"Retry-After": said} if refused else {})},
        unsteady="" if within else NEVER,
    )  # fmt: skip
    node = RateLimit.model_validate(
        {"name": "searches", "get": "/search", "allowed": "5", "per": "2s", **(declared or {})}
    )
    return RateLimitTried("api.rate_limits.searches", "api", "services.api.rate_limits[0]", node, timeline)


NOT_CALLED = {NEVER: rate(within=(), beyond=(), again=())}
NO_REFUSAL = {"no call was refused with HTTP 429": rate(beyond=(200, 200))}

PRT_004 = Specimens(
    passes=[rate(), rate(beyond=(200, 200))],
    fails={
        "1 of 5 GET /search were not accepted, the first with HTTP 429": rate(within=(200, 200, 200, 200, 429)),
        "2 of 5 GET /search were not accepted, the first with HTTP 500": rate(within=(200, 500, 200, 200, 429)),
    },
    undecided=NOT_CALLED,
)

PRT_005 = Specimens(
    passes=[rate(), rate(beyond=(200, 429)), rate(beyond=(503,), declared={"status": "503"})],
    fails={
        "7 calls in 70ms were accepted, and none refused": rate(beyond=(200, 200)),
        "the call after the last that is allowed: HTTP 503": rate(beyond=(503,)),
        "the call after the last that is allowed: closed the connection": rate(beyond=(HUNG_UP,)),
    },
    undecided={"6 calls took 2.51s, longer than 2s": rate(beyond=(200,), apart=0.5), **NOT_CALLED},
)

PRT_006 = Specimens(
    passes=[rate(), rate(said="0"), rate(said="Thu, 28 May 2026 20:26:42 GMT")],
    fails={
        "HTTP 429 without Retry-After": rate(said=""),
        "HTTP 429 with Retry-After: 1.5": rate(said="1.5"),
        "with Retry-After: soon": rate(said="soon"),
        "with Retry-After: -1": rate(said="-1"),
    },
    undecided={**NO_REFUSAL, **NOT_CALLED},
)

PRT_007 = Specimens(
    passes=[rate(), rate(said="", wait=3.0)],
    fails={
        "HTTP 429 after 2s without a call (expected accepted after the refusal's Retry-After: 2)": rate(again=(429,)),
        "HTTP 429 after 3s without a call (expected accepted after services.api.rate_limits[0].per)": rate(
            said="", wait=3.0, again=(429,)
        ),
    },
    undecided={
        "asks to wait 1h, which is longer than is waited here": rate(said="3600", wait=3600.0, again=()),
        **NO_REFUSAL,
    },
)

# --- dependencies -----------------------------------------------------------------------------------------------------

HUNG = Fault("hung", "redis", "SIGSTOP to 1 processes", "accepts a connection and says nothing for 0.5 s", 1.0, 9.0)
DECLARED = {
    "timeout": "3s", "retries": "2",
    "breaker": {"failures": "3", "open_for": "2s", "fails_within": "400ms"},
}  # fmt: skip
GIVEN_UP = {"status": 0, "failure": "did not answer within 8s", "seconds": 8.0}


def tried(fact, samples, *, numbers=None, fault=HUNG):
    """Calls before Redis while it hung."""
    timeline = Timeline(
        "api before redis", "api", 12.0, tuple(samples), (fault,) if fault else (), numbers=numbers or {},
        bounds={
            "timeout": Bound(3.0, "services.api.depends_on.redis.timeout"),
            "open for": Bound(2.0, "services.api.depends_on.redis.breaker.open_for"),
            "fails within": Bound(0.4, "services.api.depends_on.redis.breaker.fails_within"),
        },
        unsteady="" if fault else NEVER,
    )  # fmt: skip
    return fact("api.redis", "api", "redis", Dependency.model_validate(DECLARED), timeline)


def waited(*, alone=(1.6, 1.6), at_once=(1.7,) * 8, **changes):
    """Seconds that calls took; a mapping for a call that was given up."""

    def calls(probe, at, several):
        return [
            sample(probe, at, **(one if isinstance(one, dict) else {"status": 503, "seconds": one})) for one in several
        ]

    return tried(TimeOutTried, [*calls("call", 2.0, alone), *calls("call at once", 6.0, at_once)], **changes)


UNHARMED = {NEVER: waited(alone=(), at_once=(), fault=None)}

PRT_008 = Specimens(
    passes=[waited(), waited(at_once=(9.0,) * 8)],
    fails={
        "while redis was hung (SIGSTOP to 1 processes; accepts a connection and says nothing for 0.5 s), 1 of 1 calls: "
        "given up after 8s": waited(alone=(GIVEN_UP,)),
        "1 of 2 calls: ended after 3.2s (expected within 3s (services.api.depends_on.redis.timeout))": waited(
            alone=(1.6, 3.2)
        ),
    },
    undecided=UNHARMED,
)

PRT_009 = Specimens(
    passes=[waited(), waited(alone=(GIVEN_UP,), at_once=(GIVEN_UP,) * 8)],
    fails={
        "a call alone ended after 1.6s; of 8 at once 2 took longer than 3s: ended after 6.4s": waited(
            at_once=(1.6, 1.6, 1.6, 1.6, 1.6, 1.6, 3.2, 6.4)
        ),
        "of 8 at once 8 took longer than 3s: given up after 8s": waited(at_once=(GIVEN_UP,) * 8),
    },
    undecided=UNHARMED,
)


def retried(*counts, own=0, **changes):
    """Attempts that each call caused."""
    numbers = {f"attempts of call {number}": count for number, count in enumerate(counts, 1)}
    numbers |= {"attempts without a call": own, "seconds without a call": 2.0}
    return tried(RetryingTried, [sample("call", 2.0, 503)], numbers=numbers, **changes)


PRT_010 = Specimens(
    passes=[retried(3, 3, 3), retried(1, 1, 1), retried(3, 0, 0), retried(3, 4, 3)],
    fails={
        "redis got 30, 30, 30 attempts from 3 calls, one after the other (and 0 in 2 s without a call)": retried(
            30, 30, 30
        ),
        "redis got 4, 4, 4 attempts": retried(4, 4, 4),
        "redis got 9, 0, 0 attempts": retried(9, 0, 0),
        "expected 3 for a call at most (services.api.depends_on.redis.retries: 2)": retried(12, 12, 11, own=3),
    },
    undecided={
        "none of 3 calls turned to redis while redis was hung": retried(0, 0, 0),
        NEVER: retried(3, 3, 3, fault=None),
    },
)


def broken(
    *, opened=(0.01, 0.01, 0.01), attempts=0, trial=(1.6, 0.01, 0.01, 0.01, 0.01), trials=3, back=(200,) * 3, **changes
):
    """A breaker that was tried: seconds of calls while it was open and at its trial, attempts that Redis got, and statuses."""
    samples = [sample("call while open", 6.0 + n / 10, 503, seconds=took) for n, took in enumerate(opened)]
    samples += [sample("call at the trial", 8.5, 503, seconds=took) for took in trial]
    samples += [sample("call after it is back", 12.0 + n / 10, status) for n, status in enumerate(back)]
    numbers = {"attempts while open": attempts, "attempts at the trial": trials}
    return tried(BreakerTried, samples, numbers=numbers if opened else {}, **changes)


SHUT = {"the breaker did not open after 3 failures in a row": broken(opened=(1.6,), attempts=3)}
UNBROKEN = {NEVER: broken(opened=(), trial=(), back=(), fault=None)}

PRT_011 = Specimens(
    passes=[broken(), broken(trials=0), broken(back=(503,))],
    fails={
        "after 3 failures in a row, while redis was hung": broken(opened=(1.6,), attempts=3),
        "calls did not fail fast: ended after 1.6s (expected within 400ms (services.api.depends_on.redis.breaker.fails_within))": broken(
            opened=(1.6,)
        ),
        "redis got 3 attempts from 3 calls (expected none while the breaker is open": broken(attempts=3),
    },
    undecided=UNBROKEN,
)

PRT_012 = Specimens(
    passes=[broken(), broken(trials=1), broken(trial=(1.6, 0.5, 0.01, 0.01, 0.01))],
    fails={
        "2 s after it opened, of 5 calls at once none was let through to redis": broken(trial=(0.01,) * 5, trials=0),
        "of 5 calls at once 5 took longer than 400ms, and redis got 15 attempts": broken(trial=(1.6,) * 5, trials=15),
    },
    undecided={**SHUT, **UNBROKEN},
)

PRT_013 = Specimens(
    passes=[broken(), broken(back=(503, 200, 200, 200))],
    fails={
        "3 of 3 calls failed until 3.2s after redis was as before, the last one: HTTP 503": broken(back=(503,) * 3),
        "2 of 4 calls failed until 3.3s after redis was as before, the last one: as declared": broken(
            back=(200, 503, 503, 200)
        ),
    },
    undecided={**SHUT, **UNBROKEN},
)
