"""Specimens of dashboards: JSON as Grafana writes it, read as a file is read, beside the metrics of one service."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

from seatrial.facts.alerts.catalog import Catalog, CatalogLabel, CatalogMetric
from seatrial.facts.alerts.dashboards_judged import JudgedDashboard
from seatrial.looks._dashboard_json import read
from seatrial.words import Missing
from tests.specimens import Specimens

FILE = "grafana.json"
PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}


def target(expr: str, legend: str = "", **more: Any) -> dict[str, Any]:
    return {"refId": "A", "datasource": PROMETHEUS, "expr": expr, "legendFormat": legend, **more}


def panel(title: str, *targets: dict[str, Any], kind: str = "timeseries", **more: Any) -> dict[str, Any]:
    return {"title": title, "type": kind, "datasource": PROMETHEUS, "targets": list(targets), **more}


def variable(name: str, query: Any, kind: str = "query", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "query": query, "datasource": PROMETHEUS, **more}


CONFORMING: dict[str, Any] = {
    "title": "App",
    "uid": "app-overview",
    "schemaVersion": 39,
    "templating": {
        "list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus"},
            variable("job", "label_values(up, job)"),
            variable("route", {"qryType": 1, "query": "label_values(app_http_requests_total{job=~\"$job\"}, route)"}),
            variable("queue", "query_result(app_queue_jobs > 0)"),
            variable("name", "metrics(app_.*)"),
            variable("any", "label_values(instance)"),
            variable("step", "1m,5m,1h", "interval"),
            variable("limit", "5,10", "custom"),
            variable("cluster", "label_values(up, job)"),
        ]
    },
    "annotations": {
        "list": [
            {"builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}, "name": "Annotations & Alerts"},
            {"name": "Restarts", "datasource": PROMETHEUS, "expr": "changes(process_start_time_seconds{job=\"$job\"}[5m]) > 0"},
        ]
    },
    "panels": [
        {"type": "row", "title": "Traffic", "collapsed": False, "panels": [], "id": 1},
        panel(
            "Requests",
            target('sum by (route, status) (rate(app_http_requests_total{job=~"$job", route=~"${route:regex}"}[$__rate_interval]))', "{{route}} {{status}}"),
            target("sum(increase(app_http_requests_total[$__range]))", "in all"),
            target('sum(rate(app_http_requests_total{job=~"[[job]]", cluster="$cluster"}[${step}]))', "all"),
            id=2,
        ),
        panel(
            "Latency",
            target(
                "histogram_quantile(0.99, sum by (le, route) (rate(app_http_request_duration_seconds_bucket{job=\"$job\"}[5m])))",
                "{{ route }}",
            ),
            kind="graph",
            id=3,
        ),
        {
            "type": "row",
            "title": "Queues",
            "collapsed": True,
            "id": 4,
            "panels": [
                panel("Longest", target("topk($limit, app_queue_jobs) > $limit or vector(0)", "{{queue}}"), kind="bargauge", id=5),
                panel("Chosen", target("$name"), kind="stat", id=6),
                panel("Mean", target("avg_over_time(app_queue_jobs[$__interval] offset $step)"), id=7),
            ],
        },
        panel("Old and new", target("app_queue_jobs or app_queue_length"), id=8),
        panel("Recorded", target('route:app_http_requests:rate1m{job=~"$job"}', "{{route}}"), id=9),
        panel("Up", target("up{job=~\"$job\"} == 0 or ALERTS{alertstate=\"firing\"}"), kind="table", id=10),
        panel("Label", target('label_replace(app_queue_jobs, "short", "$1", "queue", "(.).*")', "{{short}}"), id=11),
        panel("Log", {"refId": "A", "datasource": {"type": "loki", "uid": "x"}, "expr": '{app="a"} |= "err"'}, kind="logs", id=12),
        panel("Sum", {"refId": "B", "datasource": {"type": "__expr__", "uid": "__expr__"}, "expression": "$A"}, id=13),
        panel("Again", {"refId": "A", "datasource": {"uid": "-- Dashboard --"}, "panelId": 2}, id=14),
        {"type": "text", "title": "Read me", "options": {"content": "…"}, "id": 15},
        {"type": "stat", "title": "", "libraryPanel": {"uid": "x", "name": "Shared"}, "id": 16},
    ],
}  # fmt: skip


def metric(name: str, kind: str, *labels: str, samples: tuple[str, ...] = ()) -> CatalogMetric:
    named = tuple(CatalogLabel(label, ("a",), 1, 1) for label in (*labels, "job", "instance"))
    return CatalogMetric(name, kind, labels=named, samples=samples or (name,), series=1)


SECONDS = "app_http_request_duration_seconds"
CATALOG = Catalog(
    "Prometheus at http://127.0.0.1:9090",
    (
        metric("app_http_requests_total", "counter", "route", "method", "status"),
        metric(
            SECONDS, "histogram", "route", "le", samples=(f"{SECONDS}_bucket", f"{SECONDS}_sum", f"{SECONDS}_count")
        ),
        metric("app_queue_jobs", "gauge", "queue"),
        metric("process_start_time_seconds", "gauge"),
        metric("up", "gauge"),
    ),
    scraped=True,
)
UNKNOWN = Missing("the Prometheus at http://127.0.0.1:9090 refused the connection", "reach it")


def dashboard(
    *panels: dict[str, Any], catalog: Catalog | Missing = CATALOG, text: str = "", recorded: Any = None, **changes: Any
):
    """The conforming dashboard, with other panels or with changes to its top-level keys; None takes a key away."""
    data = copy.deepcopy(CONFORMING) | changes | ({"panels": list(panels)} if panels else {})
    read_ = read(text or json.dumps({key: value for key, value in data.items() if value is not None}), FILE)
    names = ("route:app_http_requests:rate1m",) if recorded is None else recorded
    return JudgedDashboard(FILE, replace(read_, recorded=names), catalog)


def query(expr: str, legend: str = "", **changes: Any):
    """A dashboard of one panel with one query."""
    return dashboard(panel("Errors", target(expr, legend)), **changes)


def asking(text: Any, **changes: Any):
    """A dashboard with one variable."""
    return dashboard(
        panel("Queue", target("app_queue_jobs")),
        templating={"list": [variable("v", text)]},
        annotations=None,
        **changes,
    )


EXPOSED = replace(CATALOG, origin="the expositions of api", scraped=False)
OLD = {
    "title": "Old",
    "rows": [{"panels": [{"title": "Errors", "type": "graph", "datasource": None, "targets": [{"expr": "rate(app_http_requests_totl[5m])"}]}]}],
}  # fmt: skip
NOTHING = {"holds no panels to look at": dashboard(text="{}")}

ALR_070 = Specimens(
    passes=[dashboard(), dashboard(text=json.dumps({"dashboard": CONFORMING, "meta": {}}))],
    fails={
        "grafana.json line 1, column 11: no JSON: expecting value": dashboard(text='{"title": x}'),
        "no dashboard: its JSON is not an object": dashboard(text="[]"),
        "it is nested too deeply": dashboard(text="[" * 100_000),
        "it is nested more than 64 deep": dashboard(text="[" * 100 + "]" * 100),
        "it has no title, without which Grafana refuses it": dashboard(title=" "),
        "the uid has 41 characters, and Grafana takes 40": dashboard(uid="u" * 41),
        "the uid has other characters than": dashboard(uid="app overview"),
        "it has no panels": dashboard(text='{"title": "App"}'),
        "panels is not a list": dashboard(panels={}),
        "the key `title` stands twice": dashboard(text='{"title": "a", "title": "b", "panels": [{"type": "text"}]}'),
        "2 panels have the id 7": dashboard(panel("a", target("up"), id=7), panel("b", target("up"), id=7)),
        "the variable `v` is there twice": dashboard(templating={"list": [variable("v", ""), variable("v", "")]}),
        "schema v2": dashboard(text='{"kind": "Dashboard", "spec": {"title": "a", "elements": {}}}'),
    },
)
ALR_071 = Specimens(
    passes=[
        dashboard(),
        query("rate(app_http_requests_total[$__rate_interval])"),
        query("$fn(app_http_requests_total[5m])"),
        dashboard({"title": "Log", "type": "logs", "targets": [{"expr": 'sum(rate({app="x"} | json [5m]))'}]}),
    ],
    fails={
        'grafana.json panel "Errors", panels[0].targets[0].expr: `sum(rate(app_http_requests_total[5m])` is no PromQL': query(
            "sum(rate(app_http_requests_total[5m])"
        ),
        "`rate(app_http_requests_total)` is no PromQL": query("rate(app_http_requests_total)"),
        "is no PromQL: `]` is no duration": query("rate(up[])"),
        'panel "Deep", panels[0].panels[0].panels[0].targets[0].expr': dashboard(
            {"type": "row", "panels": [{"type": "row", "panels": [panel("Deep", target("sum(("))]}]}
        ),
        'annotation "Restarts", annotations.list[0].expr': dashboard(
            annotations={"list": [{"name": "Restarts", "datasource": PROMETHEUS, "expr": "changes("}]}
        ),
    },
    undecided={"1 not decided: grafana.json": query("up + " * 20_000 + "up"), **NOTHING},
)
ALR_072 = Specimens(
    passes=[
        dashboard(),
        query("app_queue_jobs or app_queue_length"),
        query("absent(app_gone)"),
        query("node_${what}_bytes"),
        query('{__name__=~"app_.*"}'),
        dashboard(catalog=EXPOSED),
    ],
    fails={
        'panel "Errors", panels[0].targets[0].expr: `app_http_requests_totl{status="500"}`: there is no metric app_http_requests_totl; '
        "did you mean `app_http_requests_total`?": query('rate(app_http_requests_totl{status="500"}[5m])'),
        "`app_http_request_duration_seconds`: app_http_request_duration_seconds is a histogram, and has no series of that name; "
        "write `app_http_request_duration_seconds_bucket`": query(SECONDS),
        'rows[0].panels[0].targets[0].expr: `app_http_requests_totl`': dashboard(text=json.dumps(OLD)),
        "there is no metric app_worker_jobs": query("sum(app_worker_jobs)", catalog=EXPOSED),
        "there is no metric node_load1": query("node_load1"),
        "there is no metric route:app_http_requests:rate5m; did you mean": query("route:app_http_requests:rate5m"),
    },
    undecided={
        "refused the connection": dashboard(catalog=UNKNOWN),
        "`node_load1` is not in the expositions of api, and may be another's": query("node_load1", catalog=EXPOSED),
        "may be of redis, which could not be read": query("app_gone", catalog=replace(CATALOG, unseen=("redis",))),
        "the canary was not run": query("app_gone", catalog=replace(CATALOG, canary=Missing("the canary was not run"))),
        "whether `app_gone` is recorded is not known": query("app_gone", recorded=Missing("rules.yaml can't be read")),
        **NOTHING,
    },
)  # fmt: skip
ALR_073 = Specimens(
    passes=[
        dashboard(),
        query('app_queue_jobs{cluster="$job"}'),
        query('app_queue_jobs{pod!="a"}'),
        query('app_queue_jobs{pod=~".*"}'),
        query('sum by (short) (label_replace(app_queue_jobs, "short", "$1", "queue", "(.).*"))'),
        query("sum by ($job) (app_queue_jobs)"),
        query("sum by (cluster, namespace) (app_queue_jobs)"),
        query("sum by (anything) (app_gone)"),
        query("sum by (route, queue) (app_queue_jobs + on () group_left app_http_requests_total)"),
    ],
    fails={
        'panel "Errors", panels[0].targets[0].expr: `code="500"`: app_http_requests_total has no label `code`': query(
            'rate(app_http_requests_total{code="500"}[5m])'
        ),
        '`statu="500"`: app_http_requests_total has no label `statu`; did you mean `status`?': query(
            'rate(app_http_requests_total{statu="500"}[5m])', catalog=EXPOSED
        ),
        '`istance="$job"`: app_queue_jobs has no label `istance`; did you mean `instance`?': query(
            'app_queue_jobs{istance="$job"}'
        ),
        '`pod=~"a|b"`': query('app_queue_jobs{pod=~"a|b"}'),
        "`by (colour)`: app_queue_jobs has no label `colour`; it has instance, job, queue": query(
            "sum by (colour) (app_queue_jobs)"
        ),
    },
    undecided={
        "refused the connection": dashboard(catalog=UNKNOWN),
        "the label `colour` is not in the expositions of api, and may be added by scraping": query(
            "sum by (colour) (app_queue_jobs)", catalog=EXPOSED
        ),
        **NOTHING,
    },
)
ALR_074 = Specimens(
    passes=[
        dashboard(),
        asking("label_values(app_queue_jobs, queue)"),
        asking("label_values(queue)"),
        asking("label_names()"),
        asking('label_values({__name__=~"app_.*"}, queue)'),
        asking({"query": "label_values(app_queue_jobs,queue)", "refId": "x"}),
    ],
    fails={
        'panel "Errors", panels[0].targets[0].expr: `$jbo` is no variable of this dashboard; `$job` is': query(
            'app_queue_jobs{job="$jbo"}'
        ),
        "variable $v, templating.list[0].query: `app_queue_job`: there is no metric app_queue_job; did you mean": asking(
            "label_values(app_queue_job, queue)"
        ),
        "`que`: app_queue_jobs has no label `que`; did you mean `queue`?": asking("label_values(app_queue_jobs, que)"),
        "templating.list[0].query.query: no metric has a label `quue`; did you mean `queue`?": asking(
            {"query": "label_values(quue)"}
        ),
        '`pod="a"`: app_queue_jobs has no label `pod`': asking('label_values(app_queue_jobs{pod="a"}, queue)'),
        "`$other` is no variable of this dashboard": asking('label_values(app_queue_jobs{job="$other"}, queue)'),
        "`sum(` is no PromQL": asking("query_result(sum()"),
    },
    undecided={
        "refused the connection": dashboard(catalog=UNKNOWN),
        "may be added by scraping": asking("label_values(up, pod)", catalog=EXPOSED),
        "holds no panels": dashboard(text="{}"),
    },
)  # fmt: skip
ALR_075 = Specimens(
    passes=[dashboard(), dashboard(panel("News", kind="news"), panel("Snap", snapshotData=[1]))],
    fails={
        'grafana.json panel "Errors", panels[0]: a panel of type timeseries without a query': dashboard(
            panel("Errors")
        ),
        "a panel of type stat without a query": dashboard(panel("Errors", target(" "), kind="stat")),
    },
    undecided=NOTHING,
)
ALR_076 = Specimens(
    passes=[
        dashboard(),
        query("app_queue_jobs", "{{anything}}"),
        query("sum by ($job) (app_queue_jobs)", "{{pod}}"),
        query("sum(app_gone", "{{pod}}"),
        query("sum(up)", "{{__name__}} $job"),
    ],
    fails={
        'panel "Errors", panels[0].targets[0].legendFormat: `{{route}}` is empty: `sum by (status)` keeps status alone': query(
            "sum by (status) (rate(app_http_requests_total[5m]))", "{{route}} {{status}}"
        ),
        "`{{queue}}` is empty: `sum` keeps no labels": query("sum(app_queue_jobs)", "{{queue}}"),
    },
    undecided=NOTHING,
)
