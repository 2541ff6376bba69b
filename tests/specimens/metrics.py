"""Specimens of the metrics area: expositions, right and wrong, read as a scrape is read."""

from __future__ import annotations

from seatrial.facts.answer import Answer
from seatrial.facts.exposition import Counting, Drop, Exposition, Growth
from seatrial.facts.expositions_judged import ServiceMetrics
from seatrial.facts.expositions_reading import families
from seatrial.looks.expositions import _read, _told
from seatrial.profile.model import Metrics
from seatrial.words import Body, Missing
from tests.specimens import Specimens

URL = "http://127.0.0.1:9100/metrics"
TEXT = """\
# HELP calls_total Calls answered.
# TYPE calls_total counter
calls_total{route="/notes",status="200"} 3
calls_total{route="/notes/{id}",status="200"} 4
# HELP call_seconds Time to answer.
# TYPE call_seconds histogram
call_seconds_bucket{le="0.1"} 6
call_seconds_bucket{le="+Inf"} 7
call_seconds_sum 0.4
call_seconds_count 7
# HELP build_info What runs.
# TYPE build_info gauge
build_info{version="1.4.2"} 1
"""
OPENMETRICS = """\
# HELP calls Calls answered.
# TYPE calls counter
calls_total{route="/notes",status="200"} 3 # {trace_id="4f1c"} 1 1795257829.5
# HELP build What runs.
# TYPE build info
build_info{version="1.4.2"} 1
# EOF
"""
VERSION = "version=0.0.4; charset=utf-8"
OPEN = {"kind": "application/openmetrics-text", "parameters": "version=1.0.0; charset=utf-8"}
PAGE = "<!doctype html><title>Harbor</title>"
DARK = Missing("api does not resolve: Name or service not known", "resolve api")


def answer(text=TEXT, *, kind="text/plain", parameters=VERSION, status=200, **changes):
    """One answer to one scrape."""
    body = Body(text, kind)
    return Answer(URL, status, 0.01, kind, body, **{"parameters": parameters, **changes})


def wrong(status=500, **changes):
    return answer("", status=status, kind="", parameters="", **changes)


def metrics(*answers, drops=(), counts=(), canary="", beside=False, **declared):
    """Metrics that were scraped three times; a single answer, or its text, stands for all of them."""
    answers = tuple(answer(each) if isinstance(each, str) else each for each in answers or (answer(),))
    answers = answers * 3 if len(answers) == 1 else answers
    read = [None if isinstance(each, Missing) else _read(each) for each in answers]
    scrapes = tuple(
        each if isinstance(each, Missing) else _told(each, "any", parsed)
        for each, parsed in zip(answers, read, strict=True)
    )
    last = [parsed for parsed in read if parsed is not None]
    return ServiceMetrics(
        "api.metrics",
        "api",
        Metrics.model_validate(declared),
        Exposition(
            URL,
            scrapes,
            families(last[-1]) if last else Missing("there was no exposition to read"),
            tuple(drops),
            tuple(counts),
            canary,
            beside,
        ),
    )


def started(*starts):
    """One scrape for each start of the process that answered."""
    process = (
        "# HELP process_start_time_seconds Start.\n# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds "
    )
    return metrics(*(f"{TEXT}{process}{start}\n" for start in starts))


def counted(*attempts, **changes):
    """Calls that were counted; an attempt is idle, grown, scrapes."""
    growths = tuple(Growth(*each, found=True, answers=("HTTP 200",)) for each in attempts)
    entry = {"metric": "calls_total", "labels": {"route": "/notes"}, "get": "/notes", **changes}
    return counting(growths, entry)


def counting(growths, entry):
    """What came of one entry of ``counts``."""
    declared = Metrics.model_validate({"counts": [entry]})
    made = metrics(counts=[Counting(growths)])
    return ServiceMetrics(made.id, made.service, declared, made.exposition)


def family(name, kind, *lines, help="Said."):
    """One metric, as it is exposed."""
    return f"# HELP {name} {help}\n# TYPE {name} {kind}\n" + "".join(f"{line}\n" for line in lines)


def labelled(*values, name="calls_total", label="user"):
    """One counter with a label of these values."""
    return family(name, "counter", *(f'{name}{{{label}="{value}"}} 1' for value in values))


NEVER = {"no answer with status 200": metrics(wrong(404)), "no exposition to read": metrics(answer(PAGE))}
EMPTY = {"holds no series": metrics("# HELP a_total x\n")}

MET_001 = Specimens(
    passes=[metrics(), metrics(answer(PAGE, kind="text/html", parameters=""))],
    fails={
        "HTTP 404": metrics(wrong(404)),
        "HTTP 302": metrics(wrong(302)),
        "HTTP 500 (expected HTTP 200)": metrics(answer(), wrong(500), answer()),
        "refused the connection": metrics(wrong(0, failure="refused the connection")),
        "HTTP 200, but did not finish its answer within 10s": metrics(
            answer(failure="did not finish its answer within 10s")
        ),
    },
    undecided={"does not resolve": metrics(DARK)},
)
MET_002 = Specimens(
    passes=[
        metrics(),
        metrics(answer(OPENMETRICS, **OPEN)),
        metrics(answer(parameters="")),
        metrics(answer(parameters='charset="UTF-8";version=1.0.0;')),
    ],
    fails={
        "an HTML page, sent as text/html; charset=utf-8": metrics(
            answer(PAGE, kind="text/html", parameters="charset=utf-8")
        ),
        "JSON, sent as application/json": metrics(answer("{}", kind="application/json", parameters="")),
        "an empty page": metrics(answer("\n")),
        "no content type": metrics(answer(kind="", parameters="")),
        "XML, sent as text/xml": metrics(answer("<a/>", kind="text/xml", parameters="")),
        "content type text/html": metrics(answer(kind="text/html", parameters="")),
        "which can't be read": metrics(answer(parameters="version=0.0.4, charset=utf-8")),
        "a version that was not asked for": metrics(answer(OPENMETRICS, **{**OPEN, "parameters": "version=2.0.0"})),
        "an exposition is UTF-8": metrics(answer(parameters="version=0.0.4; charset=latin-1")),
    },
    undecided={"no answer with status 200": metrics(wrong(404))},
)
MET_003 = Specimens(
    passes=[metrics(), metrics(answer(OPENMETRICS, **OPEN)), metrics("calls_total 1 1795257829000\n\n# a comment\n")],
    fails={
        "line 1: the value of calls_total is no number": metrics('calls_total{a="b"} many\n'),
        "line 1: the labels of calls_total can't be read": metrics('calls_total{a="b} 1\n'),
        "line 1: a label of calls_total is there twice": metrics('calls_total{a="b",a="c"} 1\n'),
        "line 2: a second TYPE of calls_total, or a TYPE after its samples": metrics(
            "calls_total 1\n# TYPE calls_total counter\n"
        ),
        "line 2: a second HELP of calls_total": metrics("# HELP calls_total a\n# HELP calls_total b\ncalls_total 1\n"),
        "line 1: the type of calls_total is none of counter": metrics("# TYPE calls_total number\ncalls_total 1\n"),
        "line 1: the time of calls_total is not a whole number of milliseconds": metrics("calls_total 1 12.5\n"),
        "line 1: the last line does not end in a line feed": metrics("calls_total 1"),
        "line 1: no metric name at its beginning": metrics("?\n"),
        "line 7: it does not end in # EOF": metrics(answer(OPENMETRICS.replace("# EOF\n", "a 1\n"), **OPEN)),
        "line 8: something comes after # EOF": metrics(answer(OPENMETRICS + "a 1\n", **OPEN)),
        "and 5 more": metrics("?\n" * 25),
    },
    undecided=NEVER,
)
MET_004 = Specimens(
    passes=[metrics(), metrics("calls_total 1 1000\ncalls_total 1 2000\n")],
    fails={
        "line 2: the same series of calls_total as in line 1": metrics(
            'calls_total{a="1",b="2"} 1\ncalls_total{b="2",a="1"} 1\n'
        )
    },
    undecided=NEVER,
)
BUCKETS = ('seconds_bucket{le="1"} 1', 'seconds_bucket{le="+Inf"} 2', "seconds_sum 3", "seconds_count 2")
WHOLE = family("seconds", "histogram", *BUCKETS)
SHRUNK = WHOLE.replace('le="1"} 1', 'le="1"} 5')
MET_005 = Specimens(
    passes=[
        metrics(),
        metrics(WHOLE),
        metrics(WHOLE, SHRUNK),
        metrics(family("seconds", "histogram", *reversed(BUCKETS))),
        metrics(family("seconds", "summary", 'seconds{quantile="0.5"} 1', "seconds_sum 3", "seconds_count 2")),
    ],
    fails={
        "seconds: bucket le=inf holds less than le=1": metrics(SHRUNK),
        'seconds has no bucket le="+Inf"': metrics(WHOLE.replace(BUCKETS[1] + "\n", "")),
        'seconds: _count is not the bucket le="+Inf"': metrics(WHOLE.replace("_count 2", "_count 3")),
        'seconds: _count is missing beside the bucket le="+Inf"': metrics(WHOLE.replace("seconds_count 2\n", "")),
        "seconds has no _sum": metrics(WHOLE.replace("seconds_sum 3\n", "")),
        "seconds has a bucket without a number as le": metrics(WHOLE.replace('{le="1"}', "")),
        "a quantile that is not from 0 to 1": metrics(family("seconds", "summary", 'seconds{quantile="95"} 1')),
    },
    undecided=NEVER,
)
MET_006 = Specimens(
    passes=[metrics(), metrics(family("jobs", "gauge", "jobs -1"))],
    fails={
        "calls_total is less than zero": metrics(family("calls_total", "counter", "calls_total -1")),
        "calls_total went down between two scrapes of the same process (2 series)": metrics(
            drops=[Drop("calls_total", 2, known=True)]
        ),
    },
    undecided={
        **NEVER,
        "without process_start_time_seconds": metrics(drops=[Drop("calls_total", 1, known=False)]),
        "no other to compare": metrics(answer(), answer(PAGE)),
    },
)
MET_007 = Specimens(
    passes=[
        metrics(required=["calls_total", "call_seconds", "call_seconds_bucket", "build_info"]),
        metrics(answer(OPENMETRICS, **OPEN), required=["calls_total", "build_info"]),
        metrics(required=["calls_total"], canary=Missing("the canary was not run")),
    ],
    fails={
        "no series of lost_total": metrics(required={"lost_total": {}, "calls_total": {}}),
        "after the canary, which was answered HTTP 500": metrics(required=["lost_total"], canary="HTTP 500"),
        "GET http://127.0.0.1:9100/metrics: no series of calls_total": metrics(
            "# nothing yet\n", required=["calls_total"]
        ),
        "no series of bare_total": metrics(TEXT + "# TYPE bare_total counter\n", required=["bare_total"]),
    },
    undecided={
        **NEVER,
        "no lost_total yet, and the canary was not run": metrics(
            required=["lost_total"], canary=Missing("the canary was not run: needs tier write", "tier write")
        ),
    },
)
MET_008 = Specimens(
    passes=[
        metrics(required={"calls_total": {"type": "counter"}, "call_seconds": {"type": "histogram"}}),
        metrics(required={"build_info": {"type": "info"}, "lost_total": {"type": "counter"}}),
        metrics(answer(OPENMETRICS, **OPEN), required={"build_info": {"type": "info"}}),
    ],
    fails={
        "calls_total: TYPE counter (expected gauge)": metrics(required={"calls_total": {"type": "gauge"}}),
        "calls_total: TYPE untyped (expected counter)": metrics(
            "calls_total 1\n", required={"calls_total": {"type": "counter"}}
        ),
        "calls_total: TYPE counter (expected info)": metrics(
            answer(OPENMETRICS, **OPEN), required={"calls_total": {"type": "info"}}
        ),
    },
    undecided={**NEVER, "none of lost_total is there": metrics(required={"lost_total": {"type": "counter"}})},
)
MET_009 = Specimens(
    passes=[
        metrics(required={"calls_total": {"labels": ["route", "status"]}}),
        metrics(required={"calls_total": {"labels": ["route"]}, "lost_total": {"labels": ["route"]}}),
    ],
    fails={
        "calls_total: 2 of 2 series have no label method": metrics(required={"calls_total": {"labels": ["method"]}}),
        "calls_total: 1 of 2 series have no label a": metrics(
            'calls_total{a="1"} 1\ncalls_total 2\n', required={"calls_total": {"labels": ["a"]}}
        ),
        "call_seconds: 4 of 4 series have no label route": metrics(required={"call_seconds": {"labels": ["route"]}}),
    },
    undecided={**NEVER, "none of lost_total is there": metrics(required={"lost_total": {"labels": ["route"]}})},
)
MET_010 = Specimens(
    passes=[
        counted((0, 3, 1)),
        counted((1, 4, 1)),  # the scrapes are counted as well
        counted((1, 7, 4)),
        counted((0, 5, 1), (0, 3, 1)),
    ],
    fails={
        "grew by 0 over 3 GET /notes (HTTP 200) (expected grow by 3)": counted((0, 0, 5)),
        "grew by 1 over 3 GET": counted((2, 5, 1), (0, 1, 5)),
        "grew by 6 over 3 GET /notes (HTTP 200), each of 3 times, and by 0": counted((0, 6, 1), (0, 6, 1), (0, 6, 1)),
        "no series with these labels after 2 GET /lost (HTTP 404)": counting(
            (Growth(0, 0, 5, found=False, answers=("HTTP 404",)),),
            {"metric": "calls_total", "labels": {"route": "/lost"}, "get": "/lost", "times": 2},
        ),
    },
    undecided={
        **NEVER,
        "others call too": counted((0, 6, 1), (2, 9, 1), (0, 7, 1)),
        "several processes": counting(Missing("several processes answered"), {"metric": "a_total", "get": "/"}),
    },
)
MANY = [f"word{n}" for n in range(101)]
MET_011 = Specimens(
    passes=[
        metrics(labelled("a", "b"), max_label_values=2),
        metrics(WHOLE, max_label_values=1),  # the bounds of buckets are no label values
    ],
    fails={"label user has 3 values (expected at most 2)": metrics(labelled("a", "b", "c"), max_label_values=2)},
    undecided={**NEVER, **EMPTY},
)
MET_012 = Specimens(
    passes=[metrics(labelled("a", "b"), max_series=2)],
    fails={"call_seconds: 4 series (expected at most 3)": metrics(max_series=3)},
    undecided={**NEVER, **EMPTY},
)
MET_013 = Specimens(
    passes=[metrics(labelled(*MANY[:100])), metrics(labelled(*MANY), max_label_values=200)],
    fails={"calls_total: label user has 101 values (expected at most 100)": metrics(labelled(*MANY))},
    undecided={**NEVER, **EMPTY},
)
MET_014 = Specimens(
    passes=[
        metrics(),
        metrics(labelled("c1f3a0d2b4e59687", "worker-1", "worker-2")),
        metrics(labelled("/notes/{id}", "/notes", "/users/{id}/notes", "http://a:9093/api/v2/alerts", "v1.4.2")),
        metrics(labelled("deadbeefdeadbeef", "cafebabecafebabe", "accedeeffacedbad")),  # words, as far as one can tell
    ],
    fails={
        "calls_total: label user has 3 values that look like an id": metrics(
            labelled("8f14e45fceea167a", "2e8b1c7a-4a53-4f0e-9b1f-0c5a6f1f2d3e", "100042")
        ),
        "has 1 values that look like a mail address": metrics(labelled("jo@harbor.example")),
        "has 3 values that look like a time": metrics(labelled(*(f"2026-11-21T10:00:0{n}Z" for n in range(3)))),
        "has 4 values that look like a path with an id": metrics(
            labelled("/notes/1042", "/notes/1043?page=2", "https://a.example/notes/1044/x", "/search?q=boats")
        ),
    },
    undecided={**NEVER, **EMPTY},
)
MET_015 = Specimens(
    passes=[metrics()],
    fails={"a path that does not exist beside it answers with the same metrics": metrics(beside=True)},
    undecided={**NEVER, "gave no answer": metrics(beside=Missing("a random path beside it gave no answer"))},
)
MET_016 = Specimens(
    passes=[metrics(), metrics(answer(PAGE))],
    fails={"more than 16 MiB": metrics(answer(endless=True))},
    undecided={"no answer with status 200": metrics(wrong(404))},
)
MET_017 = Specimens(
    passes=[metrics()],
    fails={
        "calls_total: no HELP": metrics("# TYPE calls_total counter\ncalls_total 1\n"),
        "bare_total: no HELP": metrics("# HELP bare_total\nbare_total 1\n"),
    },
    undecided={**NEVER, **EMPTY},
)
MET_018 = Specimens(
    passes=[metrics(), metrics(answer(OPENMETRICS, **OPEN)), metrics("calls_total 1\n")],
    fails={
        "calls: is a counter, and does not end in _total": metrics(family("calls", "counter", "calls 1")),
        "calls_total: ends in _total, and is a gauge": metrics(family("calls_total", "gauge", "calls_total 1")),
    },
    undecided={**NEVER, **EMPTY},
)
MET_019 = Specimens(
    passes=[metrics(), metrics(family("a_kelvin", "gauge", "a_kelvin 1"))],
    fails={
        "wait_milliseconds: is in milliseconds, not in seconds": metrics(
            family("wait_milliseconds", "gauge", "wait_milliseconds 1")
        ),
        "is in hours, not in seconds": metrics(family("up_hours_total", "counter", "up_hours_total 1")),
        "is in megabits, not in bytes": metrics(family("line_megabits", "gauge", "line_megabits 1")),
        "wait_ms: abbreviates a unit: ms": metrics(family("wait_ms", "gauge", "wait_ms 1")),
    },
    undecided={**NEVER, **EMPTY},
)
MET_020 = Specimens(
    passes=[metrics(), metrics(family("gauges", "gauge", "gauges 1"))],
    fails={
        "waitTime: is written in camelCase": metrics(family("waitTime", "gauge", "waitTime 1")),
        "has a label in camelCase: userName": metrics(labelled("a", label="userName")),
        "job:calls:rate: has a colon": metrics(family("job:calls:rate", "gauge", "job:calls:rate 1")),
        "wait_gauge: names its type: gauge": metrics(family("wait_gauge", "gauge", "wait_gauge 1")),
        "names its type: counter": metrics(family("wait_counter_total", "counter", "wait_counter_total 1")),
    },
    undecided={**NEVER, **EMPTY},
)
MET_021 = Specimens(
    passes=[metrics(), metrics('jobs_count 1\nx{le="1"} 1\n')],
    fails={
        "jobs_count: ends in _count, and is a gauge": metrics(family("jobs_count", "gauge", "jobs_count 1")),
        "wait_sum: ends in _sum": metrics(family("wait_sum", "gauge", "wait_sum 1")),
        "ends in _bucket, and is a gauge": metrics(family("rain_bucket", "gauge", "rain_bucket 1")),
        "jobs: has a label le": metrics(family("jobs", "gauge", 'jobs{le="1"} 1')),
        "jobs: has a label quantile, and is a gauge": metrics(family("jobs", "gauge", 'jobs{quantile="1"} 1')),
    },
    undecided={**NEVER, **EMPTY},
)
CLASH = "# TYPE held gauge\nheld 1\n# TYPE held counter\nheld_total 2\n# EOF\n"
MET_022 = Specimens(
    passes=[metrics(), metrics(answer(OPENMETRICS, **OPEN))],
    fails={
        "Clashing name: held": metrics(answer(CLASH.replace("held 1\n", "held 1\n# TYPE b gauge\nb 1\n"), **OPEN)),
        "line 3: Received metadata after samples": metrics(answer(CLASH, **OPEN)),
        "Clashing name: calls_total": metrics(
            answer(
                '# TYPE calls counter\ncalls_total 1\n# TYPE calls_total gauge\ncalls_total{a="1"} 1\n# EOF\n', **OPEN
            )
        ),
    },
    undecided=NEVER,
)
MET_023 = Specimens(
    passes=[metrics(), started(10, 10, 10)],
    fails={
        "2 processes take turns to answer": started(10, 20, 10),
        "3 processes take turns to answer": started(30, 10, 20),
        "calls_total went down between two scrapes, as when processes take turns": metrics(
            drops=[Drop("calls_total", 1, known=False)]
        ),
    },
    undecided={**NEVER, "the process was replaced": started(10, 20, 20)},
)
