"""Specimens of what alerts cover: failures, objectives, jobs and services, and what an alert says of itself."""

from __future__ import annotations

from seatrial.facts.alerts.coverage import JobWatched, Trying, Vanishing
from seatrial.facts.alerts.coverage_judged import (
    AlertTexts,
    CoveredFailure,
    NamedBurnAlerts,
    ObjectiveAlert,
    WatchedJobs,
)
from seatrial.facts.alerts.coverage_known import Known
from seatrial.facts.alerts.coverage_services import MeasuredService
from seatrial.facts.alerts.monitoring import LoadedRule, ScrapeTarget
from seatrial.facts.alerts.rules import Group, Problem, Rule, RuleFile
from seatrial.facts.exposition import Exposition, Family
from seatrial.profile.alerting import Alerts
from seatrial.words import Missing
from tests.specimens import Specimens

PATH = "rules/ferry.yaml"
TEXTS = {
    "summary": "The ferry is late.",
    "description": "By {{ $value }} minutes.",
    "runbook_url": "https://runbooks.example.org/ferry/late",
}
LOST = Missing("rules/ferry.yaml can't be read: permission denied", "read rules/ferry.yaml")
DARK = Missing("GET http://127.0.0.1:9090/api/v1/rules: refused the connection")


def rule(
    name="FerryDown", expr='up{job="ferry"} == 0', *, kind="alert", lasting=60.0, line=4, severity="page", **changes
):
    """One alert that says all it should."""
    annotations = {**TEXTS, **changes.pop("annotations", {})}
    return Rule(
        kind,
        name,
        "ferry",
        expr,
        {"severity": severity} if severity else {},
        {key: text for key, text in annotations.items() if text is not None},
        lasting,
        line=line,
        lines={"expr": line + 1, "labels.severity": line + 3, "annotations.runbook_url": line + 6},
        starts=((0, line + 1, 15),),
        **changes,
    )


def file(*rules, problems=()):
    """One rule file of one group."""
    return RuleFile(PATH, (Group("ferry", rules or (rule(),)),) if not problems else (), tuple(problems))


UNREAD = file(problems=[Problem("yaml", "line 3: a tab can't indent")])


def known(*files, loaded=()):
    """What is known of a deployment with these files."""
    return Known({f"{n}": each for n, each in enumerate(files or [file()])}, loaded)


def covered(*names, **changes):
    """A failure that is told by these alerts."""
    return CoveredFailure("covers.the-ferry-is-gone", "the ferry is gone", names, changes.get("known") or known())


def texts(*rules, problems=(), **declared):
    """The alerts of one file."""
    return AlertTexts(PATH, file(*rules, problems=problems), Alerts.model_validate(declared))


def loaded(name="FerryDown", query='up{job="ferry"} == 0', kind="alert"):
    return LoadedRule(kind, name, "ferry", "/etc/prometheus/ferry.yaml", query)


def named(*names, objective="crossing", known_=None):
    return NamedBurnAlerts("objectives.crossing", objective, names, ("crossing",), known_ or known())


def share(window, of='code=~"5.."'):
    return f"sum(rate(calls_total{{{of}}}[{window}])) / sum(rate(calls_total[{window}]))"


def burn(*exprs, records=(), names=("FerryBudget",), known_=None):
    """An objective whose alert has one of these expressions."""
    rules = [rule("FerryBudget", expr) for expr in exprs]
    rules += [rule(name, expr, kind="record") for name, expr in records]
    return ObjectiveAlert("slos.crossing", tuple(names), known_ or known(file(*rules)))


def jobs(*watched, left_out=0):
    return WatchedJobs("alerts.prometheus", Vanishing(watched, left_out))


def job(name="ferry", *, down=(), vanished=()):
    return JobWatched(name, 2, 1200.0, down, vanished)


TELLS = (Trying("ferry/FerryDown", "inactive", 120.0),)
SILENT = (Trying("ferry/FerryDown", "inactive", None),)
ALWAYS = (Trying("ferry/FerryOdd", "firing", 0.0),)
UNTOLD = Missing("ferry/FerryDown: promtool did not evaluate it")

CALLS = Family("calls_total", "counter", True, 3, samples=("calls_total",))
SECONDS = Family(
    "call_seconds", "histogram", True, 3, samples=("call_seconds_bucket", "call_seconds_count", "call_seconds_sum")
)
URL = "http://127.0.0.1:9100/metrics"


def target(name="ferry", address="127.0.0.1:9100"):
    labels = {"job": name, "instance": address}
    return ScrapeTarget(name, address, f"http://{address}/metrics", "up", labels=labels)


def service(*exprs, families=(CALLS, SECONDS), targets=(), records=(), known_=None):
    """A service with metrics, and alerts of these expressions."""
    rules = [rule(f"Ferry{n}", expr) for n, expr in enumerate(exprs)]
    rules += [rule(name, expr, kind="record") for name, expr in records]
    return MeasuredService(
        "ferry.metrics", "ferry", Exposition(URL, (), families), known_ or known(file(*rules)), targets
    )


ALR_050 = Specimens(
    passes=[
        covered("FerryDown"),
        covered("FerryDown", "FerrySlow", known=known(file(), file(rule("FerrySlow")))),
        covered("FerryDown", known=known(LOST, file())),
        covered("FerryDown", known=known(UNREAD, loaded=(loaded(),))),
        covered("FerryDown", known=known(loaded=DARK)),
    ],
    fails={
        "the ferry is gone: there is no alert FerryDwon; the nearest is FerryDown": covered("FerryDwon"),
        "there is no alert ferrydown; the nearest is FerryDown": covered("ferrydown"),
        "there is no alert Sunk; there is FerryDown": covered("FerryDown", "Sunk"),
        "job:calls is a recording rule, which tells nobody": covered(
            "job:calls", known=known(file(rule("job:calls", "calls_total", kind="record")))
        ),
        "it names no alert": covered(),
        "there are none at all": covered("FerryDown", known=known(file(rule("a:b", "c", kind="record")))),
        "there are A, B, C and 1 more": covered("FerryDown", known=known(file(*(rule(name) for name in "ABCD")))),
    },
    undecided={
        "no alert Sunk was found, and rules/ferry.yaml can't be read: permission denied": covered(
            "Sunk", known=known(LOST, file())
        ),
        "a tab can't indent": covered("Sunk", known=known(UNREAD)),
        "refused the connection": covered("Sunk", known=known(loaded=DARK)),
    },
)
ALR_051 = Specimens(
    passes=[
        texts(severities=["page", "ticket"]),
        texts(rule(severity="{{ if gt $value 9.0 }}page{{ else }}ticket{{ end }}"), severities=["page", "ticket"]),
        texts(rule("a:b", "sum(c)", kind="record", severity=""), severities=["page"]),
    ],
    fails={
        "rules/ferry.yaml:7 ferry/FerryDown: severity is critical (expected page or ticket)": texts(
            rule(severity="critical"), severities=["page", "ticket"]
        ),
        "no label severity (expected page)": texts(rule(severity=""), severities=["page"]),
        "severity is Page (expected page)": texts(rule(severity="Page"), severities=["page"]),
    },
    undecided={
        "a tab can't indent": texts(problems=[Problem("yaml", "line 3: a tab can't indent")], severities=["page"])
    },
)
ALR_052 = Specimens(
    passes=[
        texts(),
        texts(rule(severity=""), severities=["page"]),
        texts(rule("a:b", "c", kind="record", severity="")),
    ],
    fails={
        "rules/ferry.yaml:4 ferry/FerryDown: no annotation summary": texts(rule(annotations={"summary": " "})),
        "no annotation description": texts(rule(annotations={"description": None})),
        "no label severity, no annotation summary, no annotation description": texts(
            rule(severity="", annotations={"description": None, "summary": None})
        ),
    },
    undecided={"a tab can't indent": texts(problems=[Problem("yaml", "line 3: a tab can't indent")])},
)
ALR_053 = Specimens(
    passes=[
        texts(),
        texts(rule(annotations={"runbook_url": "{{ $externalURL }}/runbooks/late"})),
        texts(rule(annotations={"runbook_url": "http://wiki:8080/{{ $labels.job }}#late"})),
    ],
    fails={
        "rules/ferry.yaml:10 ferry/FerryDown: no annotation runbook_url": texts(
            rule(annotations={"runbook_url": None})
        ),
        "no annotation runbook_url, but runbook": texts(
            rule(annotations={"runbook_url": None, "runbook": "https://runbooks.example.org"})
        ),
        "runbook_url is `/runbooks/late` (expected an absolute http or https URL)": texts(
            rule(annotations={"runbook_url": "/runbooks/late"})
        ),
        "runbook_url is `https:///late`": texts(rule(annotations={"runbook_url": "https:///late"})),
        "runbook_url is `see the wiki`": texts(rule(annotations={"runbook_url": "see the wiki"})),
        "runbook_url is `https://[late`": texts(rule(annotations={"runbook_url": "https://[late"})),
    },
    undecided={"a tab can't indent": texts(problems=[Problem("yaml", "line 3: a tab can't indent")])},
)
ALR_054 = Specimens(
    passes=[
        texts(
            rule(),
            *(
                rule(expr=expr, lasting=0.0)
                for expr in (
                    'absent(up{job="ferry"})',
                    'up{job="ferry"} == 0 or absent(up{job="ferry"})',
                    "changes(process_start_time_seconds[15m]) > 3",
                    "increase(calls_total[5m]) > 10",
                    "time() - last_backup_timestamp_seconds > 86400",
                    "avg_over_time(up[10m]) < 0.9",
                    "vector(1)",
                    'node_md_disks{state="failed"} > 0',
                    "node_textfile_scrape_error == 1",
                    "instance:load:rate5m > 3",
                    'ALERTS{severity="info"} == 1',
                    "calls_in_flight > on() group_left calls_limit",
                    "this is ( no PromQL",
                )
            ),
        ),
        texts(rule(lasting=0.0), means={"FerryDown": {"value": "up", "is": "0"}}),
    ],
    fails={
        'rules/ferry.yaml:5:15 ferry/FerryDown: `up{job="ferry"} == 0` is about one scrape, and there is no `for`': texts(
            rule(lasting=0.0)
        ),
        "`ferry_component_up != 1` is about one scrape": texts(rule(expr="ferry_component_up != 1", lasting=0.0)),
        "rules/ferry.yaml:5:32 ferry/FerryDown: `ferry_load_ratio > 0.9`": texts(
            rule(expr="sum by (ferry) ( ferry_load_ratio > 0.9)", lasting=0.0)
        ),
    },
    undecided={"a tab can't indent": texts(problems=[Problem("yaml", "line 3: a tab can't indent")])},
)
ALR_055 = Specimens(
    passes=[named("FerryDown"), named("FerryDown", known_=known(UNREAD, loaded=(loaded(),)))],
    fails={
        "objectives.crossing: there is no alert FerryBudget; the nearest is FerryDown": named("FerryBudget"),
        "slos has no objective corssing; it has crossing": named("FerryDown", objective="corssing"),
        "it names no alert": named(),
    },
    undecided={"permission denied": named("FerryBudget", known_=known(LOST))},
)
ALR_056 = Specimens(
    passes=[
        burn(f"{share('1h')} > 0.0144 and {share('5m')} > 0.0144"),
        burn(
            f"({share('1h')} > 0.0144 and {share('5m')} > 0.0144) or ({share('6h')} > 0.006 and {share('30m')} > 0.006)"
        ),
        burn(f"{share('5m')} > 0.01", f"{share('1h')} > 0.0144 and {share('5m')} > 0.0144"),
        burn("job:errors:ratio_rate1h > 0.0144 and job:errors:ratio_rate5m > 0.0144"),
        burn(
            "(max(slo:sli_error:ratio_rate5m{slo='a'} > (14.4 * 0.001)) without (sloth_window)) and"
            " (max(slo:sli_error:ratio_rate1h{slo='a'} > (14.4 * 0.001)) without (sloth_window))"
        ),
        burn(
            "errors:long > 0.0144 and errors:short > 0.0144",
            records=[("errors:long", share("1h")), ("errors:short", share("5m"))],
        ),
        burn("slo:errors{window='1h'} > 14 and slo:errors{window='5m'} > 14"),
        burn("avg_over_time(errors_ratio[1h]) > 0.0144 and avg_over_time(errors_ratio[5m]) > 0.0144"),
    ],
    fails={
        "slos.crossing: alerts.objectives names no alert for it": burn(names=()),
        "rules/ferry.yaml:5:15 ferry/FerryBudget: FerryBudget looks through one window, 5m": burn(
            f"{share('5m')} > 0.01"
        ),
        "through 5m and 1h, not joined by `and`": burn(f"{share('5m')} > 0.01 or {share('1h')} > 0.01"),
        "through 5m and 1h, of different things": burn(
            f"{share('1h')} > 0.01 and " + share("5m", 'code=~"4.."') + " > 0.01"
        ),
        "through no window: it looks at one moment": burn("ferry_error_ratio > 0.01"),
    },
    undecided={
        "there is no alert FerryBudget to look at": burn(known_=known(file())),
        "recorded series that do not tell their window": burn("errors:long > 1 and errors:short > 1"),
        "ferry/FerryBudget can't be read": burn("sum(("),
    },
)
ALR_057 = Specimens(
    passes=[
        jobs(job(down=TELLS)),
        jobs(job(down=SILENT + TELLS), job("redis", down=TELLS)),
        jobs(job(down=TELLS, vanished=UNTOLD)),
    ],
    fails={
        "job ferry: its targets are down for 20m, and no alert looks at it": jobs(job()),
        "ferry/FerryDown stays silent": jobs(job(down=SILENT)),
        "ferry/FerryOdd was firing before": jobs(job(down=ALWAYS)),
        "job redis: its targets are down": jobs(job(down=UNTOLD), job("redis")),
        "FerryDown stays silent, as do 2 more": jobs(job(down=SILENT * 5)),
    },
    undecided={
        "job ferry: ferry/FerryDown: promtool did not evaluate it": jobs(job(down=UNTOLD)),
        "no scrape target": jobs(),
        "7 jobs are more than are tried": jobs(job(down=TELLS), left_out=7),
    },
)
ALR_058 = Specimens(
    passes=[jobs(job(vanished=TELLS)), jobs(job(down=UNTOLD, vanished=TELLS))],
    fails={
        "job ferry: its targets are gone for 20m, and no alert looks at it": jobs(job(down=TELLS)),
        "and ferry/FerryDown stays silent": jobs(job(down=TELLS, vanished=SILENT)),
    },
    undecided={"promtool did not evaluate it": jobs(job(vanished=UNTOLD)), "no scrape target": jobs()},
)
ALR_059 = Specimens(
    passes=[
        service("rate(calls_total[5m]) > 1"),
        service("histogram_quantile(0.9, rate(call_seconds_bucket[5m])) > 1"),
        service("up == 0"),
        service("up{job='elsewhere'} == 0"),  # which job is ours is not known
        service("up{job='ferry'} == 0", targets=(target(),)),
        service("up{job=~'fer.*|redis', env='prod'} == 0", targets=(target(), target("redis", "127.0.0.1:9121"))),
        service("job:calls:rate5m > 1", records=[("job:calls:rate5m", "sum(rate(calls_total[5m]))")]),
        service("{job='ferry'} > 1"),
        service(known_=known(loaded=(loaded(),))),
        service(known_=Known({}, (loaded(),))),
    ],
    fails={
        "ferry: no alert reads any of its 5 metrics": service("rate(other_total[5m]) > 1"),
        "no alert reads": service("up{job='redis'} == 0", targets=(target(),)),
        "no alert reads any of its 1 metrics": service("up{job!~'fer.*'} == 0", families=(CALLS,), targets=(target(),)),
    },
    undecided={
        "there was no exposition": service(families=Missing("there was no exposition to read")),
        "exposes no metric": service(families=()),
        "no alert was found that is about ferry, and an expression can't be read": service("sum(("),
        "permission denied": service(known_=known(LOST)),
    },
)
