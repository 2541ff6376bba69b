"""Specimens of what rules refer to: a few metrics, and rules about them, right and wrong."""

from __future__ import annotations

import re

from seatrial.facts.alerts.catalog import Catalog, CatalogLabel, CatalogMetric
from seatrial.facts.alerts.operands import Given, Operands
from seatrial.facts.alerts.references_asked import made, present, probes, questions, said, selector_text, series
from seatrial.facts.alerts.references_grouping import uses
from seatrial.facts.alerts.references_judged import References
from seatrial.facts.alerts.rules import Group, Rule, RuleFile
from seatrial.promql.nodes import Series, bare
from seatrial.promql.reading import Unreadable, parse
from seatrial.words import Missing
from tests.specimens import Specimens

MOMENTS, STEP = 30, 120.0
API = {"job": "api", "instance": "10.0.0.1:9100"}
SERIES = {
    "up": [API],
    "calls_total": [
        API | {"route": "/notes", "method": "GET", "status": "200"},
        API | {"route": "/notes", "method": "POST", "status": "201"},
        API | {"route": "/health", "method": "GET", "status": "200"},
    ],
    "call_seconds_bucket": [API | {"route": "/notes", "le": le} for le in ("0.1", "1", "2.5", "+Inf")],
    "call_seconds_count": [API | {"route": "/notes"}],
    "queue_jobs": [API | {"queue": "mail"}, API | {"queue": "thumbnails"}],
    "store_up": [API | {"store": "main"}],
    "limit_jobs": [{"job": "limits", "instance": "10.0.0.2:9100", "pool": "mail"}],
    "route:calls:rate5m": [{"job": "api", "route": "/notes"}],
}
KINDS = {
    "up": ("gauge", ""),
    "calls_total": ("counter", "Calls answered."),
    "call_seconds": ("histogram", "Time to answer."),
    "queue_jobs": ("gauge", "Jobs that wait."),
    "store_up": ("gauge", "Whether the store answers: 1, or 0."),
    "limit_jobs": ("gauge", "Jobs that may wait."),
    "route:calls:rate5m": ("untyped", ""),
}
RECORD = Rule("record", "route:calls:rate5m", "api", "sum by (job, route) (rate(calls_total[5m]))", line=3)
DARK = Missing(
    "Prometheus at http://127.0.0.1:9090: GET /api/v1/query_range refused the connection", "a server that runs"
)


def rule(expr, name="Alert", **changes):
    """One alert."""
    return Rule("alert", name, "api", expr, line=4, starts=((0, 5, 15),), **changes)


def catalog(have, **changes):
    """The metrics that series are of."""
    metrics = []
    for name, (kind, help) in KINDS.items():
        parts = {part: found for part, found in have.items() if part == name or _part(part, name)}
        labels: dict[str, list[str]] = {}
        for found in parts.values():
            for one in found:
                for label, value in one.items():
                    labels.setdefault(label, []).append(value)
        bounds = sorted(float(le) for le in set(labels.get("le", ())) - {"+Inf"})
        told = tuple(CatalogLabel(n, tuple(sorted(set(v))), len(set(v)), len(v)) for n, v in sorted(labels.items()))
        count = sum(map(len, parts.values()))
        if parts:
            metrics.append(CatalogMetric(name, kind, help, "", told, tuple(parts), count, tuple(bounds)))
    return Catalog(
        **{"origin": "Prometheus at http://127.0.0.1:9090", "metrics": tuple(metrics), "scraped": True} | changes
    )


def _part(part, name):
    return part.startswith(name) and part.removeprefix(name) in ("_bucket", "_count", "_sum")


def _count(text, have):
    """How many series a selector gives."""
    node = bare(parse(text).root)
    if not isinstance(node, Series) or made(node) != text:
        return None
    return sum(all(_takes(m, one.get(m.name, "")) for m in node.matchers) for one in have.get(node.metric, ()))


def _takes(matcher, value):
    if matcher.op in ("=", "!="):
        return (value == matcher.value) == (matcher.op == "=")
    return bool(re.fullmatch(matcher.value, value)) == (matcher.op == "=~")


def references(*rules, have=SERIES, gone=(), given=None, shapes=None, known=None, record=(RECORD,), **operands):
    """Rules and a Prometheus that was asked about them; metrics that are `gone` were there for half of the time."""
    file = RuleFile("alerts.yaml", (Group("api", (*record, *(r if isinstance(r, Rule) else rule(r) for r in rules))),))
    asked = {}
    for each in file.rules:
        try:
            parsed = parse(each.expr)
        except Unreadable:
            continue
        texts = [text for text, _ in questions(parsed, whole=False)]
        if not operands.get("unasked"):  # at rest, and made of what gives something
            asked[said(parsed, parsed.root)] = steady(0)
            asked.update(dict.fromkeys(texts, steady()))
        texts += [text for one in series(parsed.root) for text in probes(one, seen=False)]
        texts += [
            selector_text(one.metric, (present(use.label),))
            for use in uses(each, parsed)
            for one in series(use.node)
            if one.metric
        ]
        for text in texts:
            count = _count(text, have)
            metric = text.partition("{")[0]
            if count is not None:
                asked[text] = _given(*([count] * 15 + [0] * 16 if metric in gone else [count] * 31))
    told = {
        "origin": "Prometheus at http://127.0.0.1:9090", "over": MOMENTS * STEP, "step": STEP, "interval": 15.0,
        "given": asked | (given or {}), "shapes": shapes or {},
        "recorded": tuple(each.name for each in record if each.kind == "record"), "down": (), **operands,
    }  # fmt: skip
    there = {name: found for name, found in have.items() if name not in gone}
    return References("alerts.yaml", file, catalog(there) if known is None else known, Operands(**told))


def exposed(*rules, have=SERIES, **changes):
    """The same rules where no Prometheus is declared: expositions have no labels of targets."""
    bare = {
        name: [{n: v for n, v in one.items() if n not in ("job", "instance")} for one in found]
        for name, found in have.items()
        if ":" not in name and name != "up"
    }
    given = {"origin": "the expositions of api", "scraped": False} | changes
    found = references(*rules, have=bare, known=catalog(bare, **given))
    return References("alerts.yaml", found.file, found.catalog, Operands(recorded=(RECORD.name,)))


def _given(*counts, lowest=None, highest=None):
    return Given(tuple(counts), lowest, highest)


def steady(count=1, **changes):
    """So many series all the time."""
    return _given(*[count] * 31, **changes)


RIGHT = (
    'up{job="api"} == 0 or absent(up{job="api"})',
    'up{job="gone"} == 0 or absent(up{job="gone"})',
    "absent(no_such_metric)",
    "sum(rate(no_such_metric[5m])) or vector(0)",
    'sum by (route) (rate(calls_total{status=~"5.."}[5m])) / sum by (route) (rate(calls_total[5m])) > 0.05',
    'sum(rate(calls_total{status="503",route!~"/health.*"}[5m])) by (job) > 0',
    "histogram_quantile(0.99, sum by (job, le) (rate(call_seconds_bucket[5m]))) > 1",
    'queue_jobs{cluster="",queue="mail"} > 100',
    "sum by (cluster, namespace, job) (queue_jobs) > 100",
    'label_replace(store_up, "where", "$1", "store", "(.*)") == 0',
    "count by (store) (store_up == 0) > 0",
    "route:calls:rate5m < 0.1",
    "ALERTS{alertstate='firing'} > 1",
    "vector(1)",
)
UNREACHED = {"refused the connection": References("alerts.yaml", RuleFile("alerts.yaml"), catalog(SERIES), DARK)}
UNKNOWN = References(
    "alerts.yaml",
    RuleFile("alerts.yaml", (Group("api", (rule('sum by (route) (calls_total{status="500"}) > 1'),)),)),
    Missing("no exposition of a service could be read"),
    Operands(),
)
UNKNOWN_LABELS = {**UNREACHED, "no exposition of a service could be read": UNKNOWN}


def passes(*more):
    """What is right for every requirement."""
    return [references(*RIGHT), exposed(*RIGHT), references(), *more]


NEVER = "`cals_total` is not there: no such series in Prometheus at http://127.0.0.1:9090 within 1 h"
ALR_020 = Specimens(
    passes=passes(
        references("rate(failures_total[5m]) > 0", announced={"failures_total": "counter"}),
        exposed("up == 0", "scrape_duration_seconds > 5"),
        references('{__name__=~"cals.*"} > 1'),
    ),
    fails={
        f"alerts.yaml:5:20 api/Alert: {NEVER} (expected `calls_total`, which is there)": references(
            "rate(cals_total[5m]) > 1"
        ),
        "`call_seconds_buckets` is not there": references("rate(call_seconds_buckets[5m]) > 1"),
        "`queue` is not there: no such series in the expositions of api (expected `queue_jobs`": exposed("queue > 10"),
        "`cals_total` is not there": references('cals_total{job="api"} > 1', down=("redis 10.0.0.3:9121",)),
        "`one_thing` is not there": references("one_thing or other_thing > 5"),
    },
    undecided={
        **UNREACHED,
        "there is no `cals_total`, but the metrics of redis could not be read": exposed(
            "cals_total > 1", unseen=("redis",)
        ),
        "but the canary of api was not run": exposed("cals_total > 1", canary=Missing("the canary of api was not run")),
        "but not every target is up: redis 10.0.0.3:9121": references("cals_total > 1", down=("redis 10.0.0.3:9121",)),
        "but not every target is up: api 10": references(
            'cals_total{job="api"} > 1', down=("b 1", "api 10.0.0.1:9100")
        ),
        "it was not asked": references(
            "cals_total > 1", given={"cals_total": Given(error="timed out"), "cals": Given()}
        ),
        "api/Alert could not be read": references("rate(calls_total[5m)"),
    },
)
ALR_021 = Specimens(
    passes=passes(
        references('calls_total{nothing=""} > 1', 'calls_total{nothing!="x"} > 1', 'calls_total{nothing=~".*"} > 1'),
        exposed('calls_total{job="api",env="production"} > 1'),
        references('no_such_metric{nothing="x"} > 1'),
    ),
    fails={
        'alerts.yaml:5:32 api/Alert: `code="500"`: no series of `calls_total` has a label code': references(
            'rate(calls_total{code="500"}[5m]) > 1'
        ),
        "(expected `status`, which it has)": references('calls_total{statuss=~"5.."} > 1'),
        "has a label metod (expected `method`, which it has)": exposed('calls_total{metod="GET"} > 1'),
        'nothing!=""`: no series': references('calls_total{nothing!=""} > 1'),
    },
    undecided=UNKNOWN_LABELS,
)
ALR_022 = Specimens(
    passes=passes(references('calls_total{route="/notes"} > 1'), exposed('calls_total{status="404"} > 1')),
    fails={
        '`queue="mails"`: no series of `queue_jobs` has had such a value of queue': references(
            'queue_jobs{queue="mails"} > 1'
        ),
        '(expected "mail", which was seen)': exposed('queue_jobs{queue="mails"} > 1'),
        'status=~"5xx"`: no series': references('rate(calls_total{status=~"5xx"}[5m]) > 1'),
        '`route!~"/healthz.*"` leaves nothing out: no series of `calls_total` has such a value of route': references(
            'calls_total{route!~"/healthz.*"} > 1'
        ),
        '`nothing!="x"` leaves nothing out: no series of `calls_total` has a label nothing': references(
            'calls_total{nothing!="x"} > 1'
        ),
        '(expected "/notes", which was seen)': exposed('calls_total{route=~"/note/.*"} > 1'),
    },
    undecided=UNKNOWN_LABELS,
)
ALR_023 = Specimens(
    passes=[references(*RIGHT), references("queue_jobs > 5", gone=["queue_jobs"], announced={"queue_jobs": "gauge"})],
    fails={
        "`queue_jobs` has vanished: there were 2 series until 32 min ago, and none now": references(
            "queue_jobs > 5", gone=["queue_jobs"]
        )
    },
    undecided={
        **UNREACHED,
        "`queue_jobs` gave no answer: timed out": references(
            "queue_jobs > 5", given={"queue_jobs": Given(error="timed out")}
        ),
        "has vanished, but not every target is up": references("queue_jobs > 5", gone=["queue_jobs"], down=("api a",)),
    },
)
ALR_024 = Specimens(
    passes=passes(
        references("sum by (job) (calls_total) / on (job) group_right (store) sum by (job, store) (store_up) > 1"),
        references("sum by (le) (call_seconds_bucket) > 1"),
        exposed("sum by (job, cluster) (calls_total) > 1"),
        references(rule("calls_total > 1", annotations={"summary": "{{ $labels.route }} at {{ $labels.instance }}"})),
        references(rule("sum(calls_total) > 1", annotations={"summary": "{{ $labels.path }}"})),
    ),
    fails={
        "`by (rout)`: no series of `calls_total` has a label rout (expected `route`, which it has)": references(
            "sum by (rout) (rate(calls_total[5m])) > 1"
        ),
        "`on (queues)`: no series of `queue_jobs`": references(
            "queue_jobs / on (queues) sum by (queue) (queue_jobs) > 2"
        ),
        "`group_left (path)`: no series of `store_up` has a label path": references(
            "queue_jobs * on (job) group_left (path) store_up > 2"
        ),
        "`$labels.path` in annotations.summary: no series of `calls_total` has a label path": references(
            rule("calls_total > 1", annotations={"summary": "{{ $labels.path }} fails."})
        ),
        "`by (metod)`": exposed("sum by (metod) (calls_total) > 1"),
    },
    undecided=UNKNOWN_LABELS,
)
BUCKET = 'rate(call_seconds_bucket{le="0.5"}[5m]) > 1'
ALR_025 = Specimens(
    passes=passes(
        references('queue_jobs{queue="mails"} > 1'),
        references("queue_jobs{job=~'api|other'} > 1"),
        references('rate(call_seconds_bucket{le="2.5"}[5m]) > 1'),
        exposed('up{job="apis"} == 0', 'queue_jobs{job="apis"} > 1', 'rate(call_seconds_bucket{le="2.5"}[5m]) > 1'),
    ),
    fails={
        '`job="apis"`: no series of `up` has had such a value of job in Prometheus at http://127.0.0.1:9090 within 1 h '
        '(expected "api", which was seen)': references('up{job="apis"} == 0'),
        '`le="0.5"`: no series of `call_seconds_bucket` has had such a value of le in Prometheus': references(BUCKET),
        'of le in the expositions of api (expected "2.5", which was seen)': exposed(BUCKET),
    },
    undecided={
        **UNKNOWN_LABELS,
        "gave no answer: timed out": references(
            'call_seconds_bucket{le="0.5"} > 1', given={'call_seconds_bucket{le="0.5"}': Given(error="timed out")}
        ),
    },
)
LEFT, RIGHTS = "queue_jobs", "limit_jobs"
PAIR = {LEFT: steady(2), RIGHTS: steady(), f"({LEFT}) / ({RIGHTS})": steady(0)}
SHAPES = {LEFT: (("instance", "job", "queue"),), RIGHTS: (("instance", "job", "pool"),)}
RATE = "rate(queue_jobs[1m])"
ALR_026 = Specimens(
    passes=[
        references(*RIGHT),
        references(f"{LEFT} / {RIGHTS} > 1", given=PAIR | {f"({LEFT}) / ({RIGHTS})": steady()}),
        references(f"{LEFT} / {RIGHTS} > 1", given=PAIR, shapes={LEFT: (("queue",),), RIGHTS: (("queue",),)}),
        references(f"{LEFT} / {RIGHTS} > 1", given=PAIR | {LEFT: steady(0)}, shapes=SHAPES),
        references(
            f"{LEFT} / {RIGHTS} > 1", given=PAIR | {f"({LEFT}) / ({RIGHTS})": Given(error="many-to-many matching")}
        ),
        references(f"{RATE} > 1", given={RATE: steady()}),
        references(f"{RATE} > 1", given={RATE: steady(0)}, interval=60.0),
    ],
    fails={
        f"`{LEFT} / {RIGHTS}` gives nothing, though both sides do: they are matched by instance, job, queue on the left, "
        "and by instance, job, pool on the right (expected `/ on (instance, job)`, or both sides grouped alike)": references(
            f"{LEFT} / {RIGHTS} > 1", given=PAIR, shapes=SHAPES
        ),
        "(expected `and on (instance, job)`, or both sides grouped alike)": references(
            "queue_jobs > 5 and limit_jobs",
            given={LEFT: steady(2), RIGHTS: steady(), "(queue_jobs) and (limit_jobs)": steady(0)},
            shapes=SHAPES,
        ),
        "in 60 s there are not two samples of any": references(f"{RATE} > 1", given={RATE: steady(0)}),
    },
    undecided={**UNREACHED, "was not asked": references(f"{LEFT} / {RIGHTS} > 1", unasked=3)},
)
AGE = "time() - store_saved_timestamp"
TWO = steady(lowest=0.0, highest=1.0)
ALR_027 = Specimens(
    passes=passes(
        references("store_up == 0", "store_up != 1", "store_up < 1", given={"store_up": TWO}),
        references("store_up == 2", given={"store_up": steady(lowest=0.0, highest=2.0)}),
        references("count(store_up) == 2", "sum(store_up) < 2", "avg(store_up) < 0.5", given={"store_up": TWO}),
        references("store_up >= 0 and queue_jobs > 5", given={"store_up": TWO}),
        references("queue_jobs > 5000", given={"queue_jobs": TWO}),
        references(f"{AGE} > 3600", given={AGE: steady(lowest=10.0, highest=2e9)}),
        exposed("queue_jobs == 2"),
    ),
    fails={
        "`store_up == 2` never holds: `store_up` is 0 or 1: 'Whether the store answers: 1, or 0.'": references(
            "store_up == 2", given={"store_up": TWO}
        ),
        "`max by (job) (store_up) > 1` never holds": references(
            "max by (job) (store_up) > 1", given={"max by (job) (store_up)": TWO}
        ),
        "`store_up >= 0` holds always": references("store_up >= 0", given={"store_up": TWO}),
        "`2 < store_up` never holds": exposed("2 < store_up"),
        f"`{AGE} > 3600` never holds: it was -1.79e+12 at most, so that the time is kept in milliseconds": references(
            f"{AGE} > 3600", given={AGE: steady(lowest=-1.8e12, highest=-1.79e12)}
        ),
    },
    undecided={
        **UNREACHED,
        "`store_up` gave no answer": references("store_up == 2", given={"store_up": Given(error="timed out")}),
        "no metrics are known": references("queue_jobs > 1", known=Missing("no metrics are known")),
    },
)
FIRING = "queue_jobs > 5"
FLAPPING = _given(*([0] * 3 + [1] * 2) * 6 + [0])
ALR_028 = Specimens(
    passes=[
        references(*RIGHT),
        references(rule(FIRING, lasting=600.0), given={FIRING: _given(*[0] * 28, 1, 1, 1)}),
        references(rule("vector(1)"), given={"vector(1)": steady()}),
        references(rule(FIRING, lasting=60.0), given={FIRING: FLAPPING}),
    ],
    fails={
        "it is true now, with 2 series, and has been for all the time that was looked at": references(
            FIRING, given={FIRING: steady(2)}
        ),
        "it was true 6 times within 60 min, and never for its 600 s": references(
            rule(FIRING, lasting=600.0), given={FIRING: FLAPPING}
        ),
    },
    undecided={**UNREACHED, "`queue_jobs > 5` was not asked": references(FIRING, unasked=9)},
)
ALR_029 = Specimens(
    passes=passes(exposed("route:calls:rate5m > 1")),
    fails={
        "`route:calls:rate1m` is recorded by no rule, and is not in Prometheus at http://127.0.0.1:9090 within 1 h "
        "(expected `route:calls:rate5m`, which is recorded)": references("route:calls:rate1m > 1"),
        "`job:calls:sum` is recorded by no rule": exposed("job:calls:sum > 1", have=SERIES),
    },
    undecided={
        **UNREACHED,
        "whether `job:calls:sum` is recorded": references(
            "job:calls:sum > 1", recorded=Missing("its rules were not read")
        ),
    },
)
