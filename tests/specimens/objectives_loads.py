"""Specimens of the objectives area: loads as they are recorded, sound and wrong. Latencies follow laws, and no chance."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from statistics import NormalDist

from seatrial.facts.experiment import Bound, Incarnation, Moment, Sample, Timeline
from seatrial.facts.loads.declared_judged import Stated
from seatrial.facts.loads.load_judged import Load
from seatrial.facts.loads.memory_judged import GrowthObjective
from seatrial.facts.loads.numbers_judged import ErrorObjective, LatencyObjective, ThroughputObjective
from seatrial.facts.loads.run import Attested, Generator, LoadRun, Planned, Residents, Second, Stream
from seatrial.facts.machine import Emulated, Machine, Memory
from seatrial.latency import histograms
from seatrial.profile.model import Hardware
from seatrial.profile.objectives import Slo
from seatrial.words import Missing
from tests.specimens import Specimens

CALL = "GET /notes/welcome"
MIB = 1 << 20
BOX = Machine("this machine", "6.1.0", "amd64", 4, Memory(8 << 30, 8 << 30), model="AMD EPYC 7B13")
TIMEOUT = {"timeout of liveness": Bound(1.0, "services.api.liveness.timeout")}
DARK = Missing("the load was not begun: api does not resolve")


def lognormal(rate, p50=0.02, p95=0.06):
    """One second of requests whose median and p95 are these, evenly over the law."""
    spread = (p95 / p50) ** (1 / NormalDist().inv_cdf(0.95))
    return [p50 * spread ** NormalDist().inv_cdf((n + 0.5) / rate) for n in range(rate)]


@cache
def encoded(took):
    return histograms.encode(histograms.of(took))


def second(at, took, failed=0):
    return Second(at, len(took) + failed, len(took), failed, encoded(tuple(took)))


def stream(name="", seconds=60, rate=100, failed=(), errors=None, law=lognormal, at=None):
    """Seconds of one law; `at` has others, by second, and `failed` how many fail in each."""
    made = []
    for n in range(seconds):
        lost = failed[n % len(failed)] if failed else 0
        made.append(second(n, (at or {}).get(n) or law(rate)[: rate - lost], lost))
    kinds = errors if errors is not None else {"HTTP 503": sum(one.failed for one in made)} if any(failed) else {}
    return Stream(name, tuple(made), "", errors=kinds)


def lag(seconds=0.0002):
    return encoded((seconds,) * 1000)


def asked(probe="liveness", wrong=(), seconds=60, **changes):
    """A probe once a second."""
    fine = [Sample(float(n), probe, "front", True, 200, 0.004) for n in range(seconds)]
    return tuple(replace(one, **changes) if n in wrong else one for n, one in enumerate(fine))


LIFE = Incarnation("api-1", "4f1c", "2026-11-22T01:00:00Z")


def watched(samples=None, after=LIFE, **changes):
    told = {
        "samples": asked() + asked("readiness") if samples is None else samples,
        "bounds": TIMEOUT | {"timeout of readiness": Bound(1.0, "services.api.readiness.timeout")},
        "before": (LIFE,),
        "after": (after,) if after else (),
        "interval": 1.0,
    }
    return Timeline("api under load of slos.read", "api", 60.0, **told | changes)


def attested(machine=BOX, before=0.0100, after=0.0101, **changes):
    return Attested(machine, **{"same": True, "reference": ((before,) * 7, (after,) * 7), "stolen": 0.0} | changes)


def run(*streams, seconds=60, made=None, **changes):
    whole = streams or (stream(seconds=seconds), stream(CALL, seconds=seconds))
    told = {
        "planned": Planned("open", 100.0, duration=float(seconds), what=CALL),
        "generator": Generator("Locust 2.47.0", (0.21,), 41000.0, lag()),
        "attested": attested(),
        "streams": tuple(whole),
        "seconds": float(seconds),
        "watched": watched(),
        "memory": memory(),
    }
    if made:
        told["generator"] = replace(told["generator"], **made)
    return LoadRun("slos.read", "api", "2026-11-22T02:00:00.000Z", **told | changes)


def memory(*sizes, replica="api-1"):
    """Of one replica, evenly over a minute."""
    sizes = sizes or (200 * MIB,)
    every = [sizes[min(len(sizes) - 1, n * len(sizes) // 60)] for n in range(60)]
    return (Residents(replica, tuple((float(n), size) for n, size in enumerate(every))),)


def slo(**declared):
    return Slo.model_validate({"service": "api", "call": CALL, "rate": "100/s", "duration": "1m"} | declared)


def judged(kind, path, made, hardware=None, proposed=False, **declared):
    demanded = Hardware.model_validate(hardware) if hardware else None
    return kind(".".join(path), tuple(path), slo(**declared), made, demanded, proposed)


def latency(made=None, bound="200ms", q="p95", endpoint="", hardware=None, **declared):
    stated = {"latency": {q: bound}} if bound else {}
    path = ["slos", "read", *(["endpoints", endpoint] if endpoint else []), "latency", q]
    stated = {"endpoints": {endpoint: stated}} if endpoint else stated
    return judged(LatencyObjective, path, made or run(), hardware, **stated | declared)


def errors(made=None, bound="1%", **declared):
    return judged(ErrorObjective, ["slos", "read", "errors"], made or run(), **({"errors": bound} | declared))


def throughput(made=None, bound="100/s", **declared):
    return judged(
        ThroughputObjective, ["slos", "read", "throughput"], made or run(), **({"throughput": bound} | declared)
    )


def growth(made=None, bound="20%"):
    return judged(GrowthObjective, ["slos", "read"], made or run(), growth=bound)


def load(made=None, **declared):
    return judged(Load, ["slos", "read"], made or run(), **declared)


def stated(known=(), **declared):
    return Stated("slos.read", slo(**declared), tuple(known))


def slow(rate):
    return lognormal(rate, 0.1, 0.231)


def failing(rate):
    return lognormal(rate)


SLOW = run(stream(law=slow), stream(CALL, law=slow))
HALF = run(stream(failed=(50,)), stream(CALL, failed=(50,)))
STALL = {30: [2 - n / 100 for n in range(100)], 31: [1 - n / 100 for n in range(100)]}
BUSY = attested(before=0.010, after=0.024)
BIG = {"classes": {"big": {"latency": {"p95": "100ms"}}, "small": {"latency": {"p95": "300ms"}}}}
FEW = run(stream(seconds=6, rate=10), stream(CALL, seconds=6, rate=10), seconds=6)
ARM = replace(BOX, emulated=(Emulated("container api-1", "qemu-aarch64-static", "linux/arm64"),))

SLO_001 = Specimens(
    passes=[
        latency(),
        latency(q="p99"),
        latency(endpoint=CALL),
        latency(hardware={"arch": "amd64", "cpus": {"min": 4}}),
        latency(run(attested=attested(class_="small")), "1ms", **BIG),
        latency(run(attested=attested(Missing("driver http sees no machine")))),
        latency(run(stream(failed=(1,)), stream(CALL))),  # fewer failed than p95 leaves
        latency(run(attested=BUSY)),  # so far below that the noise changes nothing
        latency(run(stream(seconds=70, at={3: [9.0] * 100}), planned=Planned("open", 100.0, warm_up=10, duration=60))),
        latency(run(planned=Planned("closed", users=8, duration=60, what=CALL))),
    ],
    fails={
        "p95 of all requests: 226 ms (95%: 226 to 237 ms; 99.999%: 216 to 252 ms; ": latency(SLOW),
        "6,000 requests in 1m at 100/s, open loop; amd64, 4 cores, AMD EPYC 7B13": latency(SLOW),
        "p95 of GET /notes/welcome: 226 ms": latency(SLOW, endpoint=CALL),
        "amd64, 4 cores, AMD EPYC 7B13 (class big)": latency(
            run(*SLOW.streams, attested=attested(class_="big")), "1s", **BIG
        ),
        "timed by Locust's own client": latency(
            replace(SLOW, planned=Planned("closed", users=8, duration=60, by_locust=True, what="loadtests/x.py"))
        ),
        "by 8 users, closed loop": latency(
            replace(SLOW, planned=Planned("closed", users=8, duration=60, by_locust=True, what="loadtests/x.py"))
        ),
        "50.0% of requests failed, more than the 5% that p95 leaves; of the others": latency(HALF),
        "none of 6,000 requests was answered as declared": latency(
            run(stream(failed=(100,)), stream(CALL, failed=(100,)))
        ),
        "(expected at most 200 ms)": latency(replace(SLOW, stopped="liveness of front failed 5 times in a row")),
    },
    undecided={
        "api does not resolve": latency(DARK),
        "too few to bound it; it takes 368 requests, 37 s at this rate": latency(FEW, q="p99"),
        "it lies within what may be true": latency(SLOW, bound="230ms"),
        "the load was ended before its time: killed": latency(replace(FEW, stopped="killed"), bound="2s", q="p50"),
        "this machine was not quiet: the same work took up to 2.40 times as long": latency(
            run(*SLOW.streams, attested=BUSY), bound="150ms"
        ),
        "the generator used 97% of a core": latency(run(made={"busy": (0.4, 0.97)})),
        "the load was 91% of what the generator can make": latency(run(made={"ceiling": 110.0})),
        "one in a hundred requests was begun 30 ms late, over a tenth of the objective": latency(
            run(made={"lag": lag(0.03)})
        ),
        "1 of the workers that made the load were lost": latency(run(made={"joined": 2, "lost": 1})),
        "only 5,000 of 6,000 requests were made": latency(
            replace(run(stream(seconds=50), seconds=50), planned=run().planned)
        ),
        "only 3,000 of 6,000 requests were made": latency(
            run(Stream("", tuple(replace(one, offered=100) for one in stream(rate=50).seconds), ""))
        ),
        "this machine is of no such class: amd64, 4 cores": latency(run(attested=attested(class_="other")), **BIG),
        "nothing of the kind is promised of class small": latency(
            run(attested=attested(class_="small")), None, classes={"big": {"latency": {"p95": "1s"}}, "small": {}}
        ),
        "no request of the load is called 'GET /lost'": latency(endpoint="GET /lost"),
        "other hardware than the profile says: kernel: 4 processors online": latency(hardware={"cpus": {"min": 8}}),
        "other hardware than the profile says: kernel: amd64": latency(hardware={"arch": "arm64"}),
        "that of the target could not be seen: driver http": latency(
            run(attested=attested(Missing("driver http sees no machine"))), hardware={"cpus": {"min": 8}}
        ),
        "emulated: container api-1 in qemu-aarch64-static": latency(run(attested=attested(ARM))),
        "leaves": latency(run(stream(failed=(6, 5)), stream(CALL))),
    },
)

SLO_002 = Specimens(
    passes=[
        errors(),
        errors(run(stream(failed=(1, 0, 0, 0)), stream(CALL))),
        errors(run(attested=BUSY)),
        errors(run(attested=attested(class_="small")), classes={"small": {"errors": "2%"}}),
    ],
    fails={
        "errors of all requests: 50.0%, 3,000 of 6,000": errors(HALF),
        "3,000 HTTP 503": errors(HALF),
        "amd64, 4 cores, AMD EPYC 7B13": errors(HALF),
        "(expected at most 1%)": errors(replace(HALF, stopped="50% of requests failed over 10 s, and stop_at is 50%")),
    },
    undecided={
        "api does not resolve": errors(DARK),
        "it takes 368 requests to show it": errors(FEW),
        "it lies within what may be true": errors(run(stream(failed=(1,)), stream(CALL))),
        "were lost": errors(run(made={"lost": 1})),
    },
)


def late(at, rate=100):
    """A queue that grows by half a second each second: requests of this second are answered later and later."""
    return [0.5 * at + 0.01 * n / rate for n in range(rate)]


QUEUE = {n: late(n) for n in range(60)}

SLO_003 = Specimens(
    passes=[throughput(), throughput(bound="90/s"), throughput(run(attested=BUSY), bound="50/s")],
    fails={
        "throughput of all requests: 66": throughput(run(stream(at=QUEUE), stream(CALL))),
        "100/s were offered": throughput(HALF),
        "(expected at least 100/s)": throughput(HALF),
    },
    undecided={
        "api does not resolve": throughput(DARK),
        "only 100.0/s were offered": throughput(bound="120/s"),
        "seconds are too few": throughput(
            run(stream(seconds=3), seconds=3, planned=Planned("open", 100.0, duration=3.0))
        ),
        "the generator used 97% of a core": throughput(replace(HALF, generator=run(made={"busy": (0.97,)}).generator)),
    },
)
RISING = memory(*(200 * MIB + n * 3 * MIB for n in range(60)))

SLO_004 = Specimens(
    passes=[growth(), growth(run(memory=memory(200 * MIB, 210 * MIB))), growth(run(attested=BUSY))],
    fails={
        "api-1: 216.5MiB at first and 360.5MiB at the end, +66.5% in 59 s": growth(run(memory=RISING)),
        "(expected at most 20%)": growth(run(memory=RISING)),
    },
    undecided={
        "api does not resolve": growth(DARK),
        "not looked at": growth(run(memory=Missing("not looked at"))),
        "was seen 2 times": growth(run(memory=(Residents("api-1", ((1.0, MIB), (9.0, MIB))),))),
        "no memory of any replica of api was seen": growth(run(memory=())),
    },
)
SILENT = {"ok": False, "status": 0, "failure": "did not answer within 1s"}

SLO_010 = Specimens(
    passes=[
        load(),
        load(run(watched=watched(asked() + asked("HEALTHCHECK")))),
        load(run(watched=watched(asked(wrong=(70,), seconds=80, **SILENT)))),  # once the load was over
    ],
    fails={
        "api (front): liveness was wrong 2 times of 60, first 7.0 s after the load began: did not answer within 1s": load(
            run(watched=watched(asked(wrong=(7, 8), **SILENT)))
        ),
        "an answer after 1.7s": load(
            run(watched=watched((*asked(), Sample(8.5, "liveness", "front", True, 200, 1.7))))
        ),
        "HTTP 503": load(run(watched=watched(asked(wrong=range(7, 60), ok=False, status=503)), attested=BUSY)),
        "HEALTHCHECK was wrong 1 times": load(
            run(watched=watched(asked() + asked("HEALTHCHECK", (9,), ok=False, status=1)))
        ),
        "within 1s (services.api.liveness.timeout)": load(run(watched=watched(asked(wrong=(7,), **SILENT)))),
    },
    undecided={
        "api does not resolve": load(DARK),
        "nothing was watched": load(run(watched=Missing("nothing was watched"))),
        "liveness of api was not asked": load(run(watched=watched(asked("readiness")))),
        "too busy to judge it: the same work took up to 2.40 times": load(
            run(watched=watched(asked(wrong=(7,), **SILENT)), attested=BUSY)
        ),
        "the generator used 97% of a core": load(
            run(watched=watched(asked(wrong=(7,), **SILENT)), made={"busy": (0.97,)})
        ),
    },
)
UNREADY = {"ok": False, "status": 503}

SLO_011 = Specimens(
    passes=[load(), load(run(watched=watched(asked("readiness"))))],
    fails={
        "readiness was wrong 3 times of 60, first 4.0 s": load(
            run(watched=watched(asked("readiness", (4, 5, 6), **UNREADY)))
        ),
        "HTTP 503": load(run(watched=watched(asked("readiness", range(4, 60), **UNREADY)), attested=BUSY)),
    },
    undecided={
        "readiness of api was not asked": load(run(watched=watched(asked()))),
        "too busy": load(run(watched=watched(asked("readiness", (4,), **SILENT)), attested=BUSY)),
        "first 4.0 s after the load began: HTTP 503": load(
            run(watched=watched(asked("readiness", (4,), **UNREADY)), attested=BUSY)
        ),
    },
)
AGAIN = replace(LIFE, id="9a02", started="2026-11-22T02:00:31Z")

SLO_012 = Specimens(
    passes=[load(), load(run(attested=BUSY))],
    fails={
        "api (api-1): it was started anew 31.0 s after the load began": load(
            run(watched=watched(after=AGAIN, moments=(Moment(31.0, "api-1 was started"),)))
        ),
        "it ended": load(run(watched=watched(after=None))),
        "with exit code 137": load(run(watched=watched(after=replace(LIFE, running=False, exit_code=137)))),
        "restarted 2 times": load(run(watched=watched(after=replace(LIFE, restarts=2)))),
    },
    undecided={
        "nothing was watched": load(run(watched=Missing("nothing was watched"))),
        "a restart would not be noticed": load(run(watched=watched(before=()))),
    },
)


def visits(errors=None, name="GET /notes/{id}", **more):
    return run(stream(), stream("POST /notes"), stream(name, errors=errors or {}, **more))


SLO_013 = Specimens(
    passes=[
        load(visits()),
        load(visits({"HTTP 503": 9, "timed out": 2, "refused": 1, "connection closed": 4})),
        load(visits({"HTTP 404": 9}, name="DELETE /notes/{id}")),
        load(visits({"KeyError: 'id'": 3})),
    ],
    fails={
        "GET /notes/{id} of slos.read: 7 times: what was written is not read back": load(
            visits({"what was written is not read back": 7})
        ),
        "31 times: HTTP 404": load(visits({"HTTP 404": 31})),
        "text is not what it must be": load(visits({"text is not what it must be": 1})),
    },
    undecided={
        "api does not resolve": load(DARK),
        "the load made no request": load(run(stream())),
        "nothing could be read back": load(run(stream(failed=(100,)), stream(CALL, failed=(100,)))),
    },
)

SLO_014 = Specimens(
    passes=[
        load(),
        load(run(memory=memory(20 * MIB, 40 * MIB))),  # twice as much of very little
        load(run(memory=memory(100 * MIB, 300 * MIB, 300 * MIB, 300 * MIB))),  # a cache that is full
        load(run(memory=memory(200 * MIB, 240 * MIB))),
    ],
    fails={
        "memory was 216.5MiB at first and 360.5MiB at the end, +66.5% in 59 s, and still grew": load(run(memory=RISING))
    },
    undecided={"not looked at": load(run(memory=Missing("not looked at")))},
)

SLO_015 = Specimens(
    passes=[load(), load(SLOW), load(run(stream(law=lambda rate: lognormal(rate, 2.0, 3.0)), stream(CALL)))],
    fails={
        "half of the requests that began 30 to 32 s after the begin took 1.50 s": load(
            run(stream(at=STALL), stream(CALL))
        ),
        "where half of all take 20.": load(run(stream(at=STALL), stream(CALL))),
    },
    undecided={
        "api does not resolve": load(DARK),
        "the generator itself stood still for 1.9": load(run(stream(at=STALL), stream(CALL), made={"lag": lag(1.9)})),
        "nothing can be told of how fast": load(run(stream(failed=(100,)), stream(CALL))),
    },
)

SLO_020 = Specimens(
    passes=[
        stated(latency={"p95": "1s"}, errors="1%"),
        stated(errors="1%", endpoints={CALL: {"latency": {"p95": "1s"}}}),
        stated(endpoints={CALL: {"latency": {"p95": "1s"}, "errors": "1%"}}),
        stated(errors="1%", classes={"big": {"latency": {"p95": "1s"}}}),
    ],
    fails={
        "slos.read: latency of p95, p99, and no errors": stated(latency={"p95": "1s", "p99": "2s"}),
        "slos.read.endpoints.GET /notes/welcome: latency of p95": stated(endpoints={CALL: {"latency": {"p95": "1s"}}}),
    },
)

SLO_021 = Specimens(
    passes=[stated(latency={"p95": "1s"})],
    fails={
        "8 users, who ask again only when they were answered": stated(
            latency={"p95": "1s"}, rate=None, users="8", pause="1s"
        ),
        "slos.read.classes.big: 8 users": stated(latency={"p95": "1s"}, classes={"big": {"users": "8"}}),
    },
)

SLO_022 = Specimens(
    passes=[
        stated(latency={"p95": "1s", "p99.9": "2s"}, errors="0.1%"),
        stated(call=None, canary="true", rate="1/s", latency={"p99.9": "2s"}),
        stated(rate=None, users="8", latency={"p99.9": "2s"}),
        stated(rate="1/s", classes={"big": {"rate": "100/s", "latency": {"p99": "1s"}}}),
    ],
    fails={
        "slos.read.latency.p99.9: at most 600 requests in 1m": stated(rate="10/s", latency={"p99.9": "1s"}),
        "when none fails, up to 0.613% still may": stated(rate="10/s", errors="0.1%"),
        "at most 68 requests": stated(rate=None, users="8", pause="8s", latency={"p99": "1s"}),
        "slos.read.classes.big.latency.p99: at most 60": stated(
            rate="1/s", classes={"big": {"latency": {"p99": "1s"}}}
        ),
        "throughput over 2s": stated(duration="2s", throughput="100/s"),
    },
)

SLO_023 = Specimens(
    passes=[stated(("big", "small"), **BIG)],
    fails={"numbers for big, small, and none for arm": stated(("big", "arm", "small"), **BIG)},
    undecided={"hardware.classes is not declared": stated(**BIG)},
)

SLO_024 = Specimens(
    passes=[stated(max_requests="1000")],
    fails={"it reaches a paid service, and max_requests is not declared": stated()},
)
