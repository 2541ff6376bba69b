"""Dashboards beside a real Prometheus: what conforms is green, and each broken one turns just its requirement red."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Require
from tests.integration.runs import Run
from tests.lab.watch import Watch, watch
from tests.specimens.alerts_dashboards import CONFORMING, PROMETHEUS, panel, target, variable

pytestmark = pytest.mark.integration

DASHBOARDS = tuple(f"ALR-07{n}" for n in range(7))
BROKEN: dict[str, tuple[str, str, str | dict[str, Any]]] = {
    "cut-off": ("ALR-070", "no JSON: ", json.dumps(CONFORMING)[:3000]),
    "without-a-title": ("ALR-070", "it has no title", {"title": ""}),
    "unclosed": ("ALR-071", "`sum(rate(app_http_requests_total[5m])` is no PromQL", {"panels": [
        panel("Requests", target("sum(rate(app_http_requests_total[5m])"))
    ]}),
    "in-a-row": ("ALR-071", 'panel "Deep", panels[0].panels[0].targets[0].expr', {"panels": [
        {"type": "row", "title": "Row", "panels": [panel("Deep", target("rate(app_queue_jobs)"))]}
    ]}),
    "misspelt-metric": ("ALR-072", "there is no metric app_http_request_total; did you mean `app_http_requests_total`?", {
        "panels": [panel("Requests", target('rate(app_http_request_total{job=~"$job"}[$__rate_interval])'))]
    }),
    "histogram-without-bucket": ("ALR-072", "is a histogram, and has no series of that name", {
        "panels": [panel("Latency", target("app_http_request_duration_seconds"))]
    }),
    "rows-of-old": ("ALR-072", "rows[0].panels[0].targets[0].expr: `app_gone`", {
        "panels": None, "rows": [{"panels": [panel("Gone", target("app_gone"), kind="graph")]}]
    }),
    "misspelt-label": ("ALR-073", "app_http_requests_total has no label `code`", {
        "panels": [panel("Errors", target('rate(app_http_requests_total{code=~"5.."}[5m])'))]
    }),
    "grouped-by-nothing": ("ALR-073", "`by (queu)`: app_queue_jobs has no label `queu`; did you mean `queue`?", {
        "panels": [panel("Jobs", target("sum by (queu) (app_queue_jobs)"))]
    }),
    "unknown-variable": ("ALR-074", "`$jbo` is no variable of this dashboard; `$job` is", {
        "panels": [panel("Jobs", target('app_queue_jobs{job="$jbo"}'))]
    }),
    "variable-of-nothing": ("ALR-074", "there is no metric app_queue_job; did you mean `app_queue_jobs`?", {
        "templating": {"list": [variable("v", "label_values(app_queue_job, queue)")]},
        "annotations": None, "panels": [panel("Up", target("up"))],
    }),
    "annotation": ("ALR-072", 'annotation "Restarts", annotations.list[0].expr', {
        "annotations": {"list": [{"name": "Restarts", "datasource": PROMETHEUS, "expr": "changes(app_start_seconds[5m]) > 0"}]}
    }),
    "without-a-query": ("ALR-075", "a panel of type stat without a query", {"panels": [panel("Errors", kind="stat"), panel("Up", target("up"))]}),
    "empty-legend": ("ALR-076", "`{{route}}` is empty: `sum by (status)` keeps status alone", {
        "panels": [panel("Errors", target("sum by (status) (rate(app_http_requests_total[5m]))", "{{route}}"))]
    }),
}  # fmt: skip


class Alerts(Run):
    """A run of the area."""

    area = "alerts"


@pytest.fixture(scope="module")
def monitoring(require: Require, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    require("prometheus")
    with watch(tmp_path_factory.mktemp("watch")) as up:
        yield up


@pytest.fixture(scope="module")
def run(monitoring: Watch, tmp_path_factory: pytest.TempPathFactory) -> Alerts:
    """One run over all of them: each is a subject of its own."""
    files = ["conforming.json"]
    (monitoring.folder / files[0]).write_text(json.dumps(CONFORMING))
    for name, (_, _, changes) in BROKEN.items():
        data = changes
        if isinstance(changes, dict):
            data = json.dumps({key: value for key, value in (CONFORMING | changes).items() if value is not None})
        files.append(f"{name}.json")
        (monitoring.folder / files[-1]).write_text(str(data))
    profile = monitoring.profile(dashboards=files)
    return Alerts(profile, tmp_path_factory.mktemp("reports"), "-k", "dashboard")


def of(run: Alerts, subject: str, *outcomes: str) -> list[str]:
    return sorted(one["id"] for one in run.results if one["subject"] == subject and one["outcome"] in outcomes)


def test_every_requirement_is_shown_red() -> None:
    assert {id for id, _, _ in BROKEN.values()} == set(DASHBOARDS)


def test_what_conforms_is_green_and_all_of_it_was_looked_at(run: Alerts) -> None:
    assert of(run, "conforming.json", "pass") == list(DASHBOARDS), run.text


@pytest.mark.parametrize("name", BROKEN)
def test_exactly_its_requirement_turns_red(run: Alerts, name: str) -> None:
    id, told, _ = BROKEN[name]
    assert of(run, f"{name}.json", "violation", "advisory") == [id]
    assert told in run.text
    if id != "ALR-070" or name == "without-a-title":
        assert of(run, f"{name}.json", "error") == []


def test_its_facts_give_the_same_verdicts(monitoring: Watch, run: Alerts, tmp_path: Path) -> None:
    replayed = Alerts(monitoring.folder / "watch.yaml", tmp_path, f"--facts={run.folder}", "-k", "dashboard")
    assert replayed.told() == run.told()


def test_without_a_prometheus_the_expositions_tell_what_exists(monitoring: Watch, tmp_path: Path) -> None:
    names = ["misspelt-metric", "grouped-by-nothing", "in-a-row", "variable-of-nothing"]
    profile = monitoring.profile("exposed.yaml", prometheus=None, dashboards=[f"{name}.json" for name in names])
    run = Alerts(profile, tmp_path, "-k", "dashboard")
    assert [of(run, f"{name}.json", "violation", "advisory") for name in names] == [[BROKEN[name][0]] for name in names]
