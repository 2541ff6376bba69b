"""Specimens of a running Prometheus: what it tells of itself, right and wrong."""

from __future__ import annotations

from dataclasses import replace

from seatrial.facts.alerts.monitoring import LoadedRule, Monitoring, ScrapeTarget
from seatrial.facts.alerts.monitoring_judged import PrometheusServer, ScrapedService
from seatrial.facts.alerts.rules import Group, Problem, Rule, RuleFile
from seatrial.profile.alerting import Alerts
from seatrial.words import Missing
from tests.specimens import Specimens

URL = "http://127.0.0.1:9090"
FILE = "demo/alerts.yaml"
DARK = Missing("Prometheus at http://127.0.0.1:9090: GET /api/v1/rules answered HTTP 404")


def rule(name="DemoErrors", expr='sum by (route) (rate(calls_total{status="500"}[5m])) > 0.01', **changes):
    """A rule of the declared file."""
    start = changes.pop("line", 4)
    return Rule(
        **{
            "kind": "alert",
            "name": name,
            "group": "demo",
            "expr": expr,
            "labels": {"severity": "page"},
            "annotations": {"summary": "Requests fail."},
            "lasting": 300.0,
            "line": start,
            "lines": {"expr": start + 1, "for": start + 2, "labels": start + 3, "labels.severity": start + 4},
            "starts": ((0, start + 1, 15),),
            **changes,
        }
    )


DOWN = rule("DemoDown", 'up{job="demo-api"} == 0', line=14, lasting=60.0, labels={"severity": "page", "team": "sea"})


def loaded(of=None, **changes):
    """The same rule, as the server prints it."""
    of = of or rule()
    return LoadedRule(
        **{
            "kind": of.kind,
            "name": of.name,
            "group": of.group,
            "file": "/etc/prometheus/rules/alerts.yaml",
            "query": of.expr,
            "lasting": of.lasting,
            "labels": of.labels,
            "annotations": of.annotations,
            "health": "ok",
            "evaluated": 7.0,
            "took": 0.001,
            "interval": 15.0,
            "state": "inactive",
            "keep_firing": 0.0,
            "group_took": 0.002,
            **changes,
        }
    )


def target(**changes):
    """A target that is up."""
    return ScrapeTarget(
        **{
            "job": "demo-api",
            "instance": "127.0.0.1:8080",
            "url": "http://127.0.0.1:8080/metrics",
            "health": "up",
            "scraped": 6.0,
            "took": 0.02,
            "interval": 15.0,
            "timeout": 10.0,
            **changes,
        }
    )


def server(*rules, file=None, declared=None, names=None, **changes):
    """A Prometheus that keeps everything; keywords change what it tells."""
    file = file or RuleFile(FILE, (Group("demo", (rule(), DOWN), line=2),), promtool=())
    told = Monitoring(
        **{
            "url": URL,
            "version": "2.42.0",
            "rules": rules or (loaded(), loaded(DOWN)),
            "targets": (target(),),
            "alertmanagers": ("http://127.0.0.1:9093",),
            "interval": 15.0,
            "evaluation": 15.0,
            "loaded": 7200.0,
            "awaits": ("alertmanagers", "targets"),
            "exposed": {"api": "http://localhost:8080/metrics"},
            "receiver": "http://localhost:9093",
            "hosts": {"127.0.0.1": ("127.0.0.1",), "localhost": ("127.0.0.1",), "10.0.0.7": ("10.0.0.7",)},
            **changes,
        }
    )
    alerts = Alerts.model_validate({"prometheus": {"url": URL}, **(declared or {})})
    return PrometheusServer("alerts.prometheus", alerts, told, {FILE: file}, names or {})


def service(*, names=None, **changes):
    """The metrics of one service."""
    return ScrapedService("api.metrics", "api", server(names=names, **changes))


def of_file(*rules, **changes):
    """A declared file with these rules."""
    return RuleFile(FILE, (Group("demo", rules or (rule(), DOWN), line=2, **changes),), promtool=())


SERVER_S = loaded(query='sum by (route) (rate(calls_total{status="500"}[5m])) > 0.010')
WRITTEN = rule(expr='sum(rate(calls_total{status="500",\n  job=~"a|b"}[60m]))\n  by (route, job) > .01')
PRINTED = 'sum by (job, route) (rate(calls_total{job=~"a|b",status="500"}[1h])) > 0.01'
TWICE = (rule(labels={"severity": "ticket"}, line=30, lasting=60.0), rule(), DOWN)
BROKEN = RuleFile(FILE, (), (Problem("yaml", "line 3 can't be read"),))
NEW = {"loaded": 3.0}
OF_OTHERS = "/etc/prometheus/rules/node.yaml"

ALR_010 = Specimens(
    passes=[
        server(),
        server(SERVER_S, loaded(DOWN)),
        server(loaded(rule(), query=PRINTED), loaded(DOWN), file=of_file(WRITTEN, DOWN)),
        server(loaded(), loaded(DOWN), loaded(TWICE[0]), file=of_file(*TWICE)),
        server(loaded(), loaded(DOWN), loaded(group="node", name="NodeDown")),
        server(loaded(), loaded(DOWN), loaded(name="NodeDown", file=OF_OTHERS)),
        server(loaded(keep_firing=None), loaded(DOWN)),
        server(file=of_file(interval=15.0)),
        server(loaded(annotations={"summary": "<secret>"}), loaded(DOWN)),
    ],
    fails={
        "demo/alerts.yaml:14 demo/DemoDown: not loaded": server(loaded()),
        "is loaded with `> 0.05` where the file has `> 0.01`": server(
            loaded(query=rule().expr.replace("0.01", "0.05")), loaded(DOWN)
        ),
        "demo/alerts.yaml:5:68 demo/DemoErrors": server(
            loaded(query=rule().expr.replace("0.01", "0.05")), loaded(DOWN)
        ),
        "demo/alerts.yaml:6 demo/DemoErrors: is loaded with for: 10m, not 5m": server(
            loaded(lasting=600.0), loaded(DOWN)
        ),
        "is loaded with keep_firing_for: 1m, not 0s": server(loaded(keep_firing=60.0), loaded(DOWN)),
        "demo/alerts.yaml:8 demo/DemoErrors: is loaded with label severity: ticket, not page": server(
            loaded(labels={"severity": "ticket"}), loaded(DOWN)
        ),
        "is loaded without label team": server(loaded(), loaded(DOWN, labels={"severity": "page"})),
        "is loaded with label owner, which the file does not have": server(
            loaded(labels={"severity": "page", "owner": "sea"}), loaded(DOWN)
        ),
        "is loaded with another annotation summary": server(
            loaded(annotations={"summary": "Some requests fail."}), loaded(DOWN)
        ),
        "demo/DemoGone: is loaded from /etc/prometheus/rules/alerts.yaml, and not in the declared file": server(
            loaded(), loaded(DOWN), loaded(name="DemoGone")
        ),
        "not loaded; one of that name is in group old": server(loaded(group="old"), loaded(DOWN)),
        "not loaded; its expression is loaded as DemoFails": server(loaded(name="DemoFails"), loaded(DOWN)),
        "demo/alerts.yaml: none of its 3 rules is loaded": server(
            loaded(group="node", name="NodeDown"), file=of_file(*TWICE)
        ),
        "demo/alerts.yaml:2 demo: its group is evaluated every 15s, not every 1m": server(file=of_file(interval=60.0)),
    },
    undecided={
        "GET /api/v1/rules answered HTTP 404": server(rules=DARK),
        "demo/alerts.yaml was not read: it is too large": server(file=Missing("it is too large")),
        "demo/alerts.yaml is not read to its end: line 3 can't be read": server(file=BROKEN),
        "demo/DemoErrors: its expression can't be read here": server(loaded(query="future(x)"), loaded(DOWN)),
    },
)
ALR_011 = Specimens(
    passes=[server(), server(loaded())],
    fails={
        "/etc/prometheus/rules/node.yaml node: 2 rules that no declared file has": server(
            loaded(),
            loaded(DOWN),
            *(loaded(group="node", name=name, file=OF_OTHERS) for name in "ab"),
        ),
        "/etc/prometheus/rules/node.yaml demo: 1 rule that no declared file has": server(
            loaded(), loaded(DOWN), loaded(name="NodeDown", file=OF_OTHERS)
        ),
    },
    undecided={"GET /api/v1/rules": server(rules=DARK), "line 3 can't be read": server(file=BROKEN)},
)
MANY = "found duplicate series for the match group {} on the right hand-side of the operation"
ALR_012 = Specimens(
    passes=[server(), server(loaded(), loaded(DOWN), loaded(group="node", health="err", error="theirs"))],
    fails={
        f"demo/alerts.yaml:4 demo/DemoErrors: {MANY}": server(loaded(health="err", error=MANY), loaded(DOWN)),
        "fails (expected ok)": server(loaded(health="err"), loaded(DOWN, health="unknown")),
    },
    undecided={
        "demo/DemoErrors was not evaluated yet": server(loaded(health="unknown"), loaded(DOWN)),
        "none of the declared rules loaded": server(loaded(group="node")),
        "GET /api/v1/rules": server(rules=DARK),
    },
)
ALR_013 = Specimens(
    passes=[server(), server(loaded(evaluated=34.0), loaded(DOWN)), server(loaded(group_took=14.9), loaded(DOWN))],
    fails={
        "demo/alerts.yaml:4 demo/DemoErrors: was last evaluated 1m35s ago (expected at most 30s)": server(
            loaded(evaluated=95.0), loaded(DOWN)
        ),
        "evaluating its group takes 17s (expected less than 15s)": server(loaded(group_took=17.0), loaded(DOWN)),
        "evaluating its group takes 16s": server(
            loaded(group_took=0.0, took=9.0), loaded(DOWN, group_took=0.0, took=7.0)
        ),
        "was never evaluated (expected every 15s)": server(loaded(evaluated=None), loaded(DOWN)),
    },
    undecided={
        "demo was not evaluated yet: the configuration was loaded a moment ago": server(
            loaded(evaluated=None), loaded(DOWN), **NEW
        ),
        "does not tell how often demo is evaluated": server(loaded(interval=0.0), loaded(DOWN, interval=0.0)),
        "GET /api/v1/rules": server(rules=DARK),
    },
)
ALR_014 = Specimens(
    passes=[server()],
    fails={
        "its last reload failed; it has run on the configuration before it for 2h": server(config_ok=False),
        "its last reload failed": server(config_ok=False, loaded=None),
    },
    undecided={"runtimeinfo does not tell": server(config_ok=Missing("GET /api/v1/status/runtimeinfo does not tell"))},
)
REFUSED = 'Get "http://127.0.0.1:8080/metrics": dial tcp 127.0.0.1:8080: connect: connection refused'
ALR_015 = Specimens(
    passes=[server(), server(targets=(target(scraped=34.0),)), server(targets=(target(interval=0.0, scraped=900.0),))],
    fails={
        f"demo-api http://127.0.0.1:8080/metrics: down: {REFUSED}": server(
            targets=(target(health="down", error=REFUSED),)
        ),
        "was last scraped 1m30s ago (expected every 15s)": server(targets=(target(scraped=90.0),)),
        "was never scraped": server(targets=(target(scraped=None, health="unknown"),)),
        "demo-api http://127.0.0.1:8080/metrics: down: x (expected up)": server(
            targets=(target(scraped=None, health="unknown"), target(health="down", error="x")), **NEW
        ),
        "demo-api http: and 10 more": server(targets=(target(health="down"),) * 60),
    },
    undecided={
        "was not scraped yet": server(targets=(target(scraped=None, health="unknown"),), **NEW),
        "has no targets, so": server(targets=()),
        "has no targets yet": server(targets=(), **NEW),
        "GET /api/v1/rules": server(targets=DARK),
    },
)
ALR_016 = Specimens(
    passes=[
        server(),
        server(targets=(target(took=8.0),)),
        server(targets=(target(), target(health="down", took=10.0))),
    ],
    fails={"a scrape takes 8.7s of the 10s that it may (expected at most 8s)": server(targets=(target(took=8.7),))},
    undecided={
        "no target of http://127.0.0.1:9090 is up": server(targets=(target(health="down"),)),
        "has no targets": server(targets=()),
    },
)
OTHER = target(url="http://10.0.0.7:9100/metrics")
INSIDE = target(url="http://web:8000/metrics", instance="web:8000")
NAMED = {"api": ("api", "shop-web-1", "172.20.0.4"), "db": ("db", "shop-db-1")}
ALR_017 = Specimens(
    passes=[
        service(),
        service(targets=(OTHER, target())),
        service(targets=(OTHER, target(health="down"))),
        service(targets=(target(url="http://api:8000/metrics"),), names=NAMED),
        service(targets=(target(url="http://172.20.0.4:8000/metrics"),), names=NAMED),
        service(targets=(target(url="http://web:8080/metrics"),)),
    ],
    fails={
        "http://localhost:8080/metrics: is no target of http://127.0.0.1:9090, which scrapes 1": service(
            targets=(OTHER,)
        ),
        "which scrapes 0": service(targets=()),
        "the nearest is http://localhost:8080/actuator/prometheus": service(
            targets=(target(url="http://localhost:8080/actuator/prometheus"),)
        ),
    },
    undecided={
        "has no targets yet": service(targets=(), **NEW),
        "and web is a name of another network": service(targets=(INSIDE,)),
        "and db is a name of another network": service(targets=(target(url="http://db:8080/metrics"),), names=NAMED),
        "GET /api/v1/rules": service(targets=DARK),
        "env API_URL is not set": service(exposed={"api": Missing("env API_URL is not set")}),
    },
)
ALR_018 = Specimens(
    passes=[
        server(),
        server(receiver=""),
        server(alertmanagers=("http://10.0.0.7:9093", "http://localhost:9093/am")),
        server(alertmanagers=("http://alertmanager:9093",)),
    ],
    fails={
        "http://127.0.0.1:9090: sends alerts to nobody (expected an Alertmanager)": server(alertmanagers=()),
        "sends alerts to nobody": server(alertmanagers=(), receiver="", awaits=(), **NEW),
        "sends alerts to http://10.0.0.7:9093 (expected http://localhost:9093)": server(
            alertmanagers=("http://10.0.0.7:9093",)
        ),
        "sends alerts to http://127.0.0.1:9094": server(alertmanagers=("http://127.0.0.1:9094",)),
    },
    undecided={
        "knows no Alertmanager yet": server(alertmanagers=(), **NEW),
        "and am is a name of another network": server(alertmanagers=("http://am:80",)),
        "GET /api/v1/rules": server(alertmanagers=DARK),
        "env AM is not set": server(receiver=Missing("env AM is not set")),
    },
)
EVERY = {"declared": {"scrape_interval": "15s"}}
SLOW = target(interval=60.0)
ALR_019 = Specimens(
    passes=[
        server(**EVERY),
        server(**EVERY, interval=60.0),
        server(**EVERY, targets=(target(), replace(OTHER, interval=60.0))),
        server(**EVERY, targets=()),
    ],
    fails={
        "http://127.0.0.1:9090 job demo-api: scrape_interval 1m (expected 15s)": server(**EVERY, targets=(SLOW,)),
        "http://127.0.0.1:9090 global: scrape_interval 1m (expected 15s)": server(**EVERY, targets=(), interval=60.0),
        "scrape_interval 1m": server(**EVERY, targets=(replace(OTHER, interval=60.0),), exposed={}),
    },
    undecided={
        "GET /api/v1/rules": server(**EVERY, targets=DARK),
        "configuration was not read": server(**EVERY, targets=(), interval=Missing("its configuration was not read")),
    },
)
