"""Specimens of the expressions of rules: rules as they are written, right and wrong, read as a file is read."""

from __future__ import annotations

from pathlib import Path

from seatrial import rulefiles
from seatrial.facts.alerts.catalog import Catalog, CatalogLabel, CatalogMetric
from seatrial.facts.alerts.expressions_judged import Intervals, RuleExpressions
from seatrial.facts.alerts.monitoring import Monitoring, ScrapeTarget
from seatrial.facts.alerts.rules import Group, Rule, RuleFile
from seatrial.words import Missing
from tests.specimens import Specimens

GOOD = Path(__file__).parents[1] / "corpus" / "expressions" / "good.yaml"
DARK = Missing("no service declares metrics")


def metric(name, type, *labels, samples=(), bounds=(), series=2, unit=""):
    """A metric whose labels all its series have."""
    told = tuple(CatalogLabel(label, (), 1, series) for label in labels)
    return CatalogMetric(
        name, type, labels=told, samples=tuple(samples) or (name,), series=series, bounds=tuple(bounds), unit=unit
    )


def histogram(name, *bounds):
    return metric(
        name, "histogram", "le", samples=[f"{name}_{part}" for part in ("bucket", "sum", "count")], bounds=bounds
    )


CATALOG = Catalog(
    "Prometheus at http://127.0.0.1:9090",
    (
        metric("calls_total", "counter", "job", "instance", "status"),
        metric("queue_depth", "gauge", "job", "instance"),
        metric("jobs_done", "counter", "job", "instance"),
        metric("jobs_lost", "untyped", "job", "instance"),
        metric("heap_total", "gauge", "job", "instance"),
        metric("app_build_info", "info", "version"),
        metric(
            "quantiles_seconds",
            "summary",
            "quantile",
            samples=("quantiles_seconds", "quantiles_seconds_sum", "quantiles_seconds_count"),
        ),
        histogram("call_seconds", 0.1, 1.0, 10.0),
    ),
    scraped=True,
)


def written(*expressions, catalog=DARK, every=15.0, monitoring=None, **keys):
    """A file with these alerts; ``keys`` are further lines of each."""
    lines = ["groups:", "  - name: g", "    rules:"]
    for number, expression in enumerate(expressions):
        lines += [
            f"      - alert: A{number}",
            "        expr: |",
            *(f"          {line}" for line in expression.splitlines()),
        ]
        lines += [f"        {key.rstrip('_')}: {value}" for key, value in keys.items()]
    return read("\n".join(lines) + "\n", catalog=catalog, every=every, monitoring=monitoring)


def read(text, *, catalog=DARK, every=15.0, monitoring=None):
    """A file as it is written."""
    groups, problems = rulefiles.read(text, "alerts.yaml")
    return RuleExpressions(
        "alerts.yaml", RuleFile("alerts.yaml", groups, problems), catalog, Intervals(every, monitoring)
    )


def loaded(expression):
    """A rule that a server told, without a file."""
    rule = Rule("alert", "A0", "g", expression)
    return RuleExpressions(
        "alerts.prometheus", RuleFile("http://p:9090", (Group("g", (rule,)),)), DARK, Intervals(15.0, None)
    )


NO_INTERVAL = Missing("its configuration was not read")


def server(*targets, interval=NO_INTERVAL):
    found = tuple(ScrapeTarget(job, "i", "http://i", "up", interval=each) for job, each in targets)
    return Monitoring("http://127.0.0.1:9090", targets=found, interval=interval)


GOOD_RULES = read(GOOD.read_text())
UNREADABLE = {
    "there is no rule to look at in alerts.yaml": read("groups: []\n"),
    "A0 could not be read": written("sum by (job (up) > 1"),
}

ALR_030 = Specimens(
    passes=[
        GOOD_RULES,
        written("vector(1)"),
        written(
            "absent(up)",
            "up == 0 or absent(up)",
            "x unless y",
            "count(up == 0)",
            "ALERTS",
            "kube_node_spec_taint",
            "job:errors:rate5m",
        ),
        read(
            "groups: [{name: g, rules: [{record: broken, expr: x > 1}, {alert: A, expr: broken}, {record: z, expr: up}]}]"
        ),
        written("label_replace(x > 1, 'a', 'b', 'c', 'd')", "sum by (job) (x > 1) / y", "(x and y > 1) * 2"),
    ],
    fails={
        'alerts.yaml:6:11 g/A0: `up{job="api"}` is compared with nothing': written('up{job="api"}'),
        "`rate(calls_total[5m]) / rate(all_total[5m])` is compared with nothing": written(
            "rate(calls_total[5m]) / rate(all_total[5m])"
        ),
        "gives 0 or 1 because of `bool`": written("up == bool 0"),
        "alerts.yaml:7:11 g/A0: `sum(x)` is compared with nothing, and fires on its own": written("y > 1 or\nsum(x)"),
        "`vector(0)` is always there": written("x > 5 or vector(0)"),
        "http://p:9090 g/A0: `up` is compared": loaded("up"),
        "`changes(x[5m])` is compared with nothing": written("changes(x[5m])"),
        "`hour() > bool 8`": written("hour() > bool 8"),
    },
    undecided=UNREADABLE,
)

ALR_031 = Specimens(
    passes=[
        read(GOOD.read_text(), catalog=CATALOG),
        written(
            "rate(calls_total[5m]) > 1",
            "rate(jobs_done[5m]) > 1",
            "rate(call_seconds_count[5m]) > 1",
            "rate(quantiles_seconds_sum[5m]) > 1",
            "rate(jobs_lost[5m]) > 1",
            "rate(heap_total[5m]) > 1",
            "delta(queue_depth[5m]) > 1",
            "heap_total > 10",
            "increase(unheard_of[5m]) > 1",
            "calls_total == 0",
            "calls_total - calls_total offset 5m > 5",
            "sum by (job) (calls_total) > 100 and sum by (job) (rate(calls_total[5m])) > 1",
            "max_over_time(sum(rate(calls_total[5m]))[1h:1m]) > 3",
            catalog=CATALOG,
        ),
        written("nodes_total > 10", "rate(job:calls:sum[5m]) > 1"),
    ],
    fails={
        "alerts.yaml:6:11 g/A0: `rate` of `queue_depth`, which is a gauge": written(
            "rate(queue_depth[5m]) > 1", catalog=CATALOG
        ),
        'Write `delta(queue_depth{a="b"}[5m])`': written('increase(queue_depth{a="b"}[5m]) > 1', catalog=CATALOG),
        "`rate` of `quantiles_seconds`, which is a summary": written(
            "rate(quantiles_seconds[5m]) > 1", catalog=CATALOG
        ),
        "`delta` of `calls_total`, which is a counter": written("delta(calls_total[5m]) > 1"),
        "Write `rate(jobs_done[5m])`": written("deriv(jobs_done[5m]) > 1", catalog=CATALOG),
        "`sum(errors_total) > 10` fires for ever once it does": written("sum(errors_total) > 10"),
        "`jobs_done` is a counter and only grows": written("3 < jobs_done", catalog=CATALOG),
        "`rate` is taken after `sum`": written("rate(sum(calls_total)[10m:1m]) > 1", catalog=CATALOG),
        "is a share of all there ever was": written("sum(errors_total) / sum(requests_total) * 100 > 5"),
    },
    undecided={
        "whether `queue_depth`, of which `rate` is taken, is a counter; no service declares metrics": written(
            "rate(queue_depth[5m]) > 1"
        ),
        **UNREADABLE,
    },
)

ALR_032 = Specimens(
    passes=[
        GOOD_RULES,
        written("rate(x_total[30s]) > 1", "rate(job:x:rate[5s]) > 1", "max_over_time(x[10s]) > 1", "up == 0"),
        written("up == 0", every=None),
        written('rate(x_total{job="fast"}[10s]) > 1', every=60.0, monitoring=server(("fast", 5.0), ("slow", 60.0))),
        written("rate(x_total[10s]) > 1", every=None, monitoring=server(("fast", 5.0), ("slow", 60.0))),
        written("rate(x_total[2m]) > 1", every=None, monitoring=server(interval=60.0)),
    ],
    fails={
        "alerts.yaml:6:27 g/A0: `rate(x_total[20s])` looks at 20s, and a sample comes every 15s, as alerts.scrape_interval says": written(
            "sum(rate(x_total[20s])) > 1"
        ),
        "Write `[4m]` or more": written("rate(x_total[1m]) > 1", every=60.0),
        "as the server scrapes job slow": written(
            'rate(x_total{job="slow"}[1m]) > 1', every=None, monitoring=server(("fast", 5.0), ("slow", 60.0))
        ),
        "as the server scrapes its targets": written(
            "rate(x_total[1m]) > 1", every=None, monitoring=server(("slow", 60.0))
        ),
        "as the server's configuration says": written(
            "changes(x[1m]) > 1", every=None, monitoring=server(interval=60.0)
        ),
    },
    undecided={
        "how often is scraped: declare alerts.scrape_interval": written("rate(x_total[1m]) > 1", every=None),
        "2 in all": written("rate(x_total[1m]) > 1", "rate(y_total[1m]) > 1", every=None, monitoring=server()),
        **UNREADABLE,
    },
)

ALR_033 = Specimens(
    passes=[
        GOOD_RULES,
        written(
            "histogram_quantile(0.95, sum by (le, job) (rate(call_seconds_bucket[5m]))) > 1",
            "histogram_quantile(0.95, rate(call_seconds_bucket[5m])) > 1",
            "histogram_quantile(0.95, sum without (job) (increase(call_seconds_bucket[5m]))) > 1",
            "histogram_quantile(0.95, job:call_seconds_bucket:rate5m) > 1",
            "histogram_quantile(0.95, sum by (le) (rate(a_bucket[5m])) + sum by (le) (rate(b_bucket[5m]))) > 1",
            "histogram_quantile(0.95, sum(rate(native_seconds[5m]))) > 1",
            "quantile(0.9, x) > 1",
            "quantile_over_time(0.9, x[5m]) > 1",
            catalog=CATALOG,
        ),
    ],
    fails={
        "alerts.yaml:6:36 g/A0: `sum by (job)` keeps job alone, and without le there are no buckets for `histogram_quantile`: write `sum by (le, job)`": written(
            "histogram_quantile(0.95, sum by (job) (rate(call_seconds_bucket[5m]))) > 1"
        ),
        "`call_seconds_bucket` without `rate` is the quantile of everything": written(
            "histogram_quantile(0.9, call_seconds_bucket) > 1"
        ),
        "`call_seconds_count` holds no buckets: write `call_seconds_bucket`": written(
            "histogram_quantile(0.9, rate(call_seconds_count[5m])) > 1"
        ),
        "`call_seconds` holds no buckets": written(
            "histogram_quantile(0.9, rate(call_seconds[5m])) > 1", catalog=CATALOG
        ),
        "alerts.yaml:6:30 g/A0: `95` is no quantile, and `histogram_quantile` gives infinity: it goes from 0 to 1: write `0.95`": written(
            "histogram_quantile(95, rate(call_seconds_bucket[5m])) > 1"
        ),
        "`1.5` is no quantile": written("quantile(1.5, x) > 1"),
        "`-1` is no quantile": written("quantile_over_time(-1, x[5m]) > 1"),
    },
    undecided=UNREADABLE,
)

ALR_034 = Specimens(
    passes=[
        GOOD_RULES,
        written(
            "up == 0",
            "sum by (instance) (x) > 1",
            "absent(up{instance='a'})",
            annotations="{summary: '{{ $labels.instance }}'}",
        ),
        written("sum(x) > 1", annotations="{summary: '{{ if $labels.instance }}{{ $labels.instance }}{{ end }}'}"),
        written("sum(x) > 1", annotations="{summary: '{{ range query \"up\" }}{{ .Labels.instance }}{{ end }}'}"),
        written("sum(x) by (job) > 1 or up == 0", annotations="{summary: '{{ .Labels.instance }}'}"),
    ],
    fails={
        "alerts.yaml:7 g/A0: `{{ $labels.instance }}` in summary prints nothing: `sum by (job)` keeps job alone": written(
            "sum by (job) (x) > 1", annotations="{summary: '{{ $labels.instance }} is down'}"
        ),
        "`{{ .Labels.instance }}` in team prints nothing: `sum` keeps no labels": written(
            "sum(x) > 1", labels="{team: '{{ .Labels.instance }}'}"
        ),
        '`{{ index $labels "pod" }}` in summary prints nothing': written(
            "sum(x) > 1", annotations="{summary: '{{ index $labels \"pod\" }}'}"
        ),
        "`absent` has the labels that its selector states with `=`": written(
            'absent(up{job=~"a|b"})', annotations="{summary: '{{ $labels.job }}'}"
        ),
        "(labels that the rule itself sets are not among them)": written(
            "sum(x) > 1", labels="{team: core}", annotations="{summary: '{{ $labels.team }}'}"
        ),
        "the alert's own name is no label of its series": written(
            "up == 0", annotations="{summary: '{{ $labels.alertname }}'}"
        ),
        "alerts.yaml:6:19 g/A0: `instance` in `max by` is not there any more: `sum by (job)` keeps job alone": written(
            "max by (instance) (sum by (job) (x)) > 1"
        ),
        "`instance` in `on` is not there on the right side: `sum by (job)` keeps job alone": written(
            "x > on (instance) sum by (job) (y)"
        ),
        "`team` in `group_left` is to come from the right side": written(
            "x * on (job) group_left (team) sum by (job) (owner) > 1"
        ),
        "`pod` is what `label_replace` reads": written("label_replace(sum by (job) (x), 'a', '$1', 'pod', '(.*)') > 1"),
        "`on (job)` keeps job alone": written("x > on (job) y", annotations="{summary: '{{ $labels.instance }}'}"),
    },
    undecided=UNREADABLE,
)

ALR_035 = Specimens(
    passes=[
        GOOD_RULES,
        written(
            'sum(rate(calls_total{status="error"}[5m])) / sum(rate(calls_total[5m])) > 0.05',
            'rate(calls_total{status="error"}[5m]) / ignoring (status) group_left rate(calls_total[5m]) > 0.05',
            'rate(calls_total{status="error"}[5m]) / on (job) sum by (job) (rate(calls_total[5m])) > 0.05',
            'calls_total{status="error"} / calls_total{status="error"} offset 1h > 2',
            'x{a="1"} / y > 2',
            'x{a="1"} and x > 5',
            'x{a="1"} / y{a="1", b="2"} > 5',
            "job:a:rate / sum by (job) (b) > 1",
            "x > scalar(sum(y))",
            "x > on () group_left sum(y)",
            "sum by (cluster, job) (x) / sum by (job) (y) > 1",
        ),
    ],
    fails={
        'alerts.yaml:6:11 g/A0: `rate(calls_total{status="error"}[5m]) / rate(calls_total[5m])` is always 1, or nothing': written(
            'rate(calls_total{status="error"}[5m]) / rate(calls_total[5m]) > 0.05'
        ),
        "both sides are matched on `status`": written(
            'sum by (status) (rate(c_total{status!="ok"}[5m])) / sum by (status) (rate(c_total[5m])) > 0.05'
        ),
        'Write `sum by (job) (rate(c_total{status=~"5.."}[5m])) / sum by (job) (rate(c_total[5m]))`': written(
            'rate(c_total{status=~"5.."}[5m]) / on (job, status) rate(c_total[5m]) > 0.05'
        ),
        "is always 0, or nothing": written('calls - calls{status="ok"} > 5'),
        '`and` finds nothing that matches: `job="a"` on the left and `job="b"` on the right. Write `and ignoring (job)`': written(
            'up{job="a"} == 0 and up{job="b"} == 1'
        ),
        "Leave `job` out of `on`": written('x{job="a"} / on (job) y{job="b"} > 1'),
        "`>` finds nothing that matches: series of the left side have `instance`, and those of the right side do not: `sum` keeps no labels": written(
            "x > sum(y)"
        ),
        "series of the left side have `le`, and those of the right side do not": written(
            'rate(x_seconds_bucket{le="0.5"}[5m]) / rate(x_seconds_count[5m]) < 0.9'
        ),
        "the left side is by job, the right side by instance": written("sum by (job) (x) / sum by (instance) (y) > 1"),
        "do not: `sum by (job)` keeps job alone": written(
            "queue_depth / sum by (job) (jobs_done) > 1", catalog=CATALOG
        ),
        "`unless` finds nothing that matches": written('x{job="a"} unless y{job="b"}'),
    },
    undecided=UNREADABLE,
)

ALR_036 = Specimens(
    passes=[
        GOOD_RULES,
        written(
            "up == 0",
            "count(up) < 2",
            "absent(up) == 1",
            "count(up) > 0",
            "(count(x) or vector(0)) == 0",
            "rate(x_total[5m]) == 0",
            "histogram_quantile(0.95, sum by (le) (rate(call_seconds_bucket[5m]))) >= 10",
            "histogram_quantile(0.95, sum by (le) (rate(call_seconds_bucket[5m]))) > 9",
            'x{a="1", a!="2"} > 5',
            'x{a=~"1.*", a!="12"} > 5',
            'x{a=~"a.+|b", a!~"ab.*"} > 5',
            "x > 5 and x < 10",
            "x / y > 3",
            "compression_ratio > 5",
            "x > x offset 1h",
            "0 <= rate(x_total[5m]) < 0.1",
            "queue_depth > 5 and on () (hour() >= 0 and hour() < 8)",
            "x / y == x / y and x > 5",
            "sum by (job) (x) / sum by (job) (x) * 5 > 3",
            "x >= 0 and x < 3",
            catalog=CATALOG,
        ),
        written("histogram_quantile(0.95, sum by (le) (rate(call_seconds_bucket[5m]))) > 100"),
    ],
    fails={
        "alerts.yaml:6:11 g/A0: `rate(x_total[5m]) < 0` never holds: `rate` is never below 0": written(
            "rate(x_total[5m]) < 0"
        ),
        "Write `0.05` for 5%": written('sum(rate(c_total{s="e"}[5m])) / sum(rate(c_total[5m])) > 5'),
        "is a part of a whole, from 0 to 1": written('1 - sum(rate(c_total{s="e"}[5m])) / sum(rate(c_total[5m])) < -1'),
        'the last bucket of `call_seconds` with an end is le="10", and no quantile is told above it. Write a threshold below 10': written(
            "histogram_quantile(0.95, sum by (le) (rate(call_seconds_bucket[5m]))) > 30", catalog=CATALOG
        ),
        "`count` of nothing is nothing, and not 0. Write `absent(…)`": written("count(up) == 0"),
        "`up` is 0 or 1": written("up > 1"),
        "`rate(x_total[5m]) >= 0` always holds": written("rate(x_total[5m]) >= 0"),
        "`up >= 0` always holds: `up` is 0 or 1": written("absent(up) or (up >= 0)"),
        "is always 1: both sides are the same": written("sum(rate(x_total[5m])) / sum(rate(x_total[5m])) > 0.5"),
        "never holds: both sides are the same": written("rate(x_total[5m]) > rate( x_total[5m] )"),
        "both sides are numbers": written("up == 0 and on () vector(1 > bool 2) > 0"),
        '`x` with `a="1"` and `a="2"` selects nothing': written('x{a="1", a="2"} > 5'),
        '`x` with `a=~"1|2"` and `a=~"3.*"` selects nothing': written('x{a=~"1|2", a=~"3.*"} > 5'),
        '`x` with `a="1"` and `a!~"1|2"` selects nothing': written('x{a="1", a!~"1|2"} > 5'),
        "no value is both": written("x > 5 and x < 3"),
        "`x > 5 < 3` never holds": written("x > 5 < 3"),
        "`app_build_info` is of type info": written("app_build_info == 0", catalog=CATALOG),
        "`absent` is 1 or not there": written("absent(up) == 0"),
    },
    undecided=UNREADABLE,
)


def told(expression, text, **keys):
    return written(expression, annotations=f'{{summary: "{text}"}}', **keys)


RATIO = 'sum(rate(c_total{s="e"}[5m])) / sum(rate(c_total[5m]))'
ALR_037 = Specimens(
    passes=[
        GOOD_RULES,
        told(f"{RATIO} > 0.05", "more than 5% fail"),
        told(f"100 * {RATIO} > 5", "more than 5% fail"),
        told(f"1 - {RATIO} < 0.95", "more than 5% fail"),
        told("x_seconds > 0.5", "above 500ms for 5m"),
        told("x_milliseconds > 500", "above 0.5s"),
        told("x_seconds > 5", "too slow for 5 minutes"),
        told("x_seconds > 5", "too slow for 5 minutes", for_="5m"),
        told("x_bytes > 1073741824", "above 1GiB"),
        told("rate(c_total[5m]) > 0.05", "failing for more than 3% of users"),
        told("histogram_quantile(0.95, rate(x_seconds_bucket[5m])) > 2", "95% of calls take more than 2 seconds"),
        told("x_seconds > 30 and y_bytes > 5", "above 30s"),
        written("a_seconds > b_seconds", "a_bytes / b_bytes > 0.5", "a_seconds > 2 * b_seconds"),
    ],
    fails={
        "alerts.yaml:6:38 g/A0: `rate(errors_total[5m]) > 0.05` against `5%` in its text: a share, and what is compared are events per second. Divide by all there are: `… / … > 0.05`": told(
            "rate(errors_total[5m])   > 0.05", "more than 5% fail"
        ),
        "what is compared is seconds, so write `0.5`": told("x_seconds > 500", "above 500ms"),
        "what is compared is milliseconds, so write `500`": told("x_milliseconds > 0.5", "above 500ms"),
        "what is compared is from 0 to 1, so write `0.9`": told("disk_used_ratio > 90", "above 90%"),
        "what is compared is in per cent, so write `5`": told(f"{RATIO} * 100 > 0.05", "above 5%"),
        "what is compared is bytes, so write `1.07374e+09`": told("x_bytes < 1", "below 1GiB"),
        "what is compared are events. Divide by all there are": told(
            "increase(errors_total[5m]) > 5", "more than 5% fail"
        ),
        "puts seconds beside milliseconds: write `* 1000` behind the left side": written(
            "time() - x_timestamp_milliseconds > 5"
        ),
        "puts bytes beside seconds: compare what is alike": written("a_bytes > b_seconds"),
        "so write `2`": told(
            "histogram_quantile(0.95, rate(x_seconds_bucket[5m])) > 2000", "the 95th percentile is above 2 seconds"
        ),
    },
    undecided=UNREADABLE,
)

ALR_038 = Specimens(
    passes=[
        GOOD_RULES,
        written(
            "(sum(x) or vector(0)) == 0",
            "(sum by (job) (x) or vector(0)) > 0",
            "(sum by (job) (x) or on () vector(0)) == 0",
            "(sum by (job) (e) or vector(0)) / sum by (job) (r) > 0.1",
            "sum(a) - (sum(b) or vector(0)) > 5",
            "sum by (job) (a) - (sum by (job) (b) or sum by (job) (a) * 0) > 5",
        ),
    ],
    fails={
        "alerts.yaml:6:32 g/A0: `vector(0)` is there beside the series of `sum by (job) (x)`": written(
            "(sum by (job) (x) or vector(0)) == 0"
        ),
        "it fires always. Write `or on () vector(0)`": written('1 > (rate(x_total{job="a"}[5m]) or vector(0))'),
        "stands in for no series of `sum by (job) (b)`": written(
            "sum by (job) (a) - (sum by (job) (b) or vector(0)) > 5"
        ),
        "Write `or sum by (queue) (a) * 0`": written("sum by (queue) (a) > (sum by (queue) (b) or vector(0))"),
    },
    undecided=UNREADABLE,
)

ALR_039 = Specimens(
    passes=[
        GOOD_RULES,
        written("rate(x_total[1m]) > 1", "rate(job:x:rate[5s]) > 1"),
        written("rate(x_total[20s]) > 1"),  # too short for anything: told by ALR-032
    ],
    fails={
        "alerts.yaml:6:27 g/A0: `rate(x_total[30s])` looks at 30s, and a sample comes every 15s": written(
            "sum(rate(x_total[30s])) > 1"
        ),
        "one or two scrapes that fail leave a gap. Write `[4m]` or more": written(
            "increase(x_total[2m]) > 1", every=60.0
        ),
    },
    undecided={"declare alerts.scrape_interval": written("rate(x_total[1m]) > 1", every=None), **UNREADABLE},
)
