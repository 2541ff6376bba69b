"""What alerts cover, on a real Prometheus: green where all is told, and red alone where just that is not; and faults made for real."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import suites
from seatrial.catalogue import catalogue
from seatrial.demo.launch import Launched
from tests.integration.runs import Run
from tests.lab.watch import RULES, Watch, watch

pytestmark = pytest.mark.integration

OURS = {f"ALR-{number:03}" for number in range(50, 60)}
LEVELS = {requirement.id: requirement.level for requirement, _ in catalogue(suites)}
BUDGET = """
      - alert: AppBudget
        expr: |
          sum by (job) (rate(app_http_requests_total{job="app",status=~"5.."}[1h]))
            / sum by (job) (rate(app_http_requests_total{job="app"}[1h])) > 14.4 * 0.01
          and
          sum by (job) (rate(app_http_requests_total{job="app",status=~"5.."}[5m]))
            / sum by (job) (rate(app_http_requests_total{job="app"}[5m])) > 14.4 * 0.01
        labels: {severity: page}
        annotations:
          summary: "{{ $value | humanizePercentage }} of the requests fail."
          description: At this rate the budget of a month is gone in two days.
          runbook_url: https://runbooks.example/app-budget
"""
GOOD = RULES + BUDGET
SOMEBODY = {
    "route": {"receiver": "somebody"},
    "receivers": [{"name": "somebody", "webhook_configs": [{"url": "http://127.0.0.1:9/"}]}],
}
MEANT = {
    "AppDown": {
        "any": [{"value": "up", "is": "0"}, {"absent": {"metric": "up", "labels": {"job": "app"}}}],
        "for": "1m",
    },
    "AppQueueLong": {"value": "app_queue_jobs", "above": "1000", "for": "10m", "per": ["queue"]},
    "AppComponentLost": {"value": "app_component_up", "is": "0", "for": "1m", "per": ["component"]},
    "AppBudget": {
        "ratio": {
            "of": {"metric": "app_http_requests_total", "labels": {"status": "500"}},
            "to": "app_http_requests_total",
        },
        "above": "14.4%",
    },
}
SLOS = {"read": {"service": "api", "call": "GET /notes", "rate": "10/s", "errors": "1%"}}


class Alerts(Run):
    """A run of the area."""

    area = "alerts"


class Coverage(Run):
    """A run of what alerts cover."""

    area = "alerts/test_coverage.py"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    with watch(tmp_path_factory.mktemp("watch"), {"rules.yaml": GOOD}, history=300) as running:
        yield running


def declared(up: Watch, **changes: Any) -> Path:
    """The profile that declares all there is to cover."""
    base: dict[str, Any] = {
        "scrape_interval": "1s",
        "severities": ["page", "ticket"],
        "covers": {
            "the app is down": "AppDown",
            "the store is lost": ["AppComponentLost"],
            "requests fail": "AppErrors",
        },
        "objectives": {"read": "AppBudget"},
    }
    return up.profile(top={"slos": SLOS}, **(base | changes))


def without(text: str, alert: str) -> str:
    """Rules without one of the alerts."""
    return re.sub(rf"      - alert: {alert}\n.*?(?=\n      - |\Z)", "", text, flags=re.DOTALL)


Change = Callable[[str], str]
DEFECTS: dict[str, tuple[str, Change | None, dict[str, Any], str]] = {
    "an alert that was renamed": ("ALR-050", None, {"covers": {"the app is down": "AppGone"}}, "the app is down: there is no alert AppGone; the nearest is AppDown"),
    "a severity of one's own": ("ALR-051", lambda text: text.replace("severity: ticket", "severity: Ticket", 1), {}, "rules.yaml:33 app/AppSlow: severity is Ticket (expected page or ticket)"),
    "an alert that says nothing": ("ALR-052", lambda text: re.sub(r"\n +description: More than 1000.*", "", text), {}, "app/AppQueueLong: no annotation description"),
    "a runbook without a host": ("ALR-053", lambda text: text.replace("https://runbooks.example/app-slow", "/app-slow"), {}, "runbook_url is `/app-slow` (expected an absolute http or https URL)"),
    "one scrape is enough": ("ALR-054", lambda text: text.replace("        for: 10m\n", ""), {}, '`app_queue_jobs{job="app"} > 1000` is about one scrape, and there is no `for`'),
    "an objective that nothing rings for": ("ALR-055", None, {"objectives": {"read": ["AppBudget", "AppBugdet"]}}, "objectives.read: there is no alert AppBugdet; the nearest is AppBudget"),
    "one window": ("ALR-056", None, {"objectives": {"read": "AppErrors"}}, "AppErrors looks through one window, 1m"),
    "only absent": ("ALR-057", lambda text: text.replace('up{job="app"} == 0 or absent', "absent"), {}, "job app: its targets are down for"),
    "only down": ("ALR-058", lambda text: text.replace(' or absent(up{job="app"})', ""), {}, "job app: its targets are gone for"),
}  # fmt: skip


def test_what_conforms_is_green_and_all_of_it_was_looked_at(tmp_path: Path) -> None:
    with watch(tmp_path / "watch", {"rules.yaml": GOOD}, alertmanager=SOMEBODY, history=300) as up:
        profile = declared(up, means=MEANT)
        run = Alerts(profile, tmp_path)
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert set(run.ids("pass")) >= OURS
    told = run.report["alerts"]
    assert told["failures_untold"] == told["missing"] == told["services_without_alert"] == []
    assert {alert["rungs"][rung]["state"] for alert in told["alerts"] for rung in ("loads", "refers", "fires")} == {
        "yes"
    }
    replayed = Alerts(profile, tmp_path, f"--facts={run.folder}")
    assert replayed.told() == run.told()
    assert replayed.report["alerts"] == told


@pytest.mark.parametrize("name", DEFECTS)
def test_exactly_its_requirement_turns_red(name: str, up: Watch, tmp_path: Path) -> None:
    red, change, changes, text = DEFECTS[name]
    rules = change(GOOD) if change else GOOD
    assert change is None or rules != GOOD
    up.reload({"rules.yaml": rules})
    run = Coverage(declared(up, **changes), tmp_path)
    binding = LEVELS[red].binding
    assert run.ids("violation" if binding else "advisory") == [red], run.text
    assert run.ids("advisory" if binding else "violation", "error") == []
    assert text in run.text


def test_the_rules_of_a_server_are_judged_where_no_file_is_declared(up: Watch, tmp_path: Path) -> None:
    up.reload({"rules.yaml": GOOD.replace("severity: ticket", "severity: Ticket", 1)})
    run = Coverage(declared(up, files=None), tmp_path)
    assert (run.ids("violation"), run.ids("advisory", "error")) == (["ALR-051"], []), run.text
    assert f"{up.prometheus} app/AppSlow: severity is Ticket" in run.text
    assert {alert["file"] for alert in run.report["alerts"]["alerts"]} == {up.prometheus}


def test_one_requirement_alone_looks_at_all_it_needs(up: Watch, tmp_path: Path) -> None:
    up.reload({"rules.yaml": GOOD})
    for name, id in (("burn_rate", "ALR-056"), ("measured", "ALR-059")):
        run = Coverage(declared(up), tmp_path, "-k", name)
        assert id in run.ids("pass"), run.text
        assert run.ids("violation", "advisory", "error") == []


def test_a_service_that_no_alert_is_about_is_listed(up: Watch, tmp_path: Path) -> None:
    up.reload({"rules.yaml": GOOD})
    (up.folder / "other.yaml").write_text(
        'groups: [{name: other, rules: [{alert: Other, expr: "rate(other_total[5m]) > 1", labels: {severity: page},'
        " annotations: {summary: a, description: b, runbook_url: 'https://runbooks.example/other'}}]}]"
    )
    profile = up.profile(files=["other.yaml"], prometheus=None)
    run = Coverage(profile, tmp_path)
    assert run.ids("advisory") == ["ALR-059"], run.text
    assert run.ids("violation", "error") == []
    assert "api: no alert reads any of its" in run.text
    assert run.report["alerts"]["services_without_alert"] == ["api"]
    assert run.report["alerts"]["alerts_without_failure"] == ["Other"]


# --- faults that are made -----------------------------------------------------------------------------------------------

RIGHT = """\
groups:
  - name: demo
    rules:
      - alert: DemoDown
        expr: up{job="demo-api"} == 0 or absent(up{job="demo-api"})
        for: 2s
        labels: {severity: page}
        annotations:
          summary: The demo service can't be scraped.
          description: Its process is gone, hangs, or can't be reached.
          runbook_url: https://runbooks.example/demo-down
      - alert: DemoComponentLost
        expr: demo_component_up{job="demo-api"} == 0
        for: 2s
        labels: {severity: page}
        annotations:
          summary: "The demo service has lost its {{ $labels.component }}."
          description: It gets no traffic until it is back.
          runbook_url: https://runbooks.example/demo-component
"""
SILENT = RIGHT.replace('"demo-api"', '"demo"', 2).replace(
    '{job="demo-api"} ==', '{job="demo-api", component="redis"} =='
)
SILENT = SILENT.replace("alert: Demo", "alert: Silent").replace(' or absent(up{job="demo"})', "")
DOWN: dict[str, Any] = {
    "any": [
        {"value": {"metric": "up", "labels": {"job": "demo-api"}}, "is": "0"},
        {"absent": {"metric": "up", "labels": {"job": "demo-api"}}},
    ],
    "for": "2s",
}
LOST: dict[str, Any] = {"value": "demo_component_up", "is": "0", "for": "2s", "per": ["component"]}
MEANS = {"DemoDown": DOWN, "DemoComponentLost": LOST}


class Deployment:
    """The demo, its processes, and the Prometheus that scrapes it."""

    def __init__(self, names: dict[str, str], monitor: Watch) -> None:
        self.names, self.monitor = names, monitor

    def control(self, verb: str, part: str) -> None:
        """Stop or start a part of it."""
        command = [sys.executable, "-P", "-m", "seatrial.demo", verb, part]
        subprocess.run(command, env={**os.environ, **self.names}, check=True, timeout=30, stdout=subprocess.DEVNULL)

    def redis(self, number: signal.Signals) -> None:
        """Pause Redis, or let it go on."""
        os.kill(int(Path(self.names["DEMO_REDIS_PIDFILE"]).read_text()), number)

    def asked(self) -> int:
        """Ask for readiness, as whoever routes traffic does; the status, 0 for no answer."""
        try:
            with urllib.request.urlopen(f"{self.names['DEMO_API_URL']}/health/ready", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            return 0

    def states(self) -> dict[str, str]:
        """The state of every alert, by the running Prometheus."""
        return {rule["name"]: rule["state"] for rule in self.monitor.loaded() if rule["type"] == "alerting"}

    def firing(self) -> set[str]:
        """The alerts that fire."""
        self.asked()
        return {name for name, state in self.states().items() if state == "firing"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with Launched() as launched:
        scraped = {"job_name": "demo-api", "static_configs": [{"targets": [launched.names["DEMO_API_ADDRESS"]]}]}
        rules = {"rules.yaml": RIGHT, "silent.yaml": SILENT}
        folder = tmp_path_factory.mktemp("watch")
        with watch(folder, rules, alertmanager=SOMEBODY, config={"scrape_configs": [scraped]}) as monitor:
            found = Deployment(launched.names, monitor)
            assert found.asked() == 200
            monitor.until(lambda: len(monitor.query("demo_component_up == 1")) == 2, what="the demo's metrics")
            yield found


def profile_of(demo: Deployment, *files: str, **changes: Any) -> Path:
    """The profile of the demo as it runs here."""
    services = {"api": {"url": demo.names["DEMO_API_URL"], "metrics": {"path": "/metrics"}}}
    covers = {"the service is down": "DemoDown", "redis is lost": "DemoComponentLost"}
    base = {"scrape_interval": "1s", "severities": ["page"], "covers": covers, "means": MEANS} | changes
    return demo.monitor.profile(top={"services": services}, **(base | {"files": list(files)}))


def test_a_service_that_is_stopped_is_told_and_that_it_is_back(demo: Deployment) -> None:
    demo.monitor.until(lambda: demo.firing() == set(), what="rest")
    demo.control("stop", "api")
    try:
        demo.monitor.until(lambda: demo.firing() == {"DemoDown"}, what="DemoDown to fire")
    finally:
        demo.control("start", "api")
    demo.monitor.until(lambda: demo.firing() == set(), what="DemoDown to resolve")


def test_a_redis_that_hangs_is_told_and_that_it_is_back(demo: Deployment) -> None:
    demo.monitor.until(lambda: demo.firing() == set(), what="rest")
    demo.redis(signal.SIGSTOP)
    try:
        demo.monitor.until(lambda: demo.firing() == {"DemoComponentLost"}, what="DemoComponentLost to fire")
        (alert,) = (one for one in demo.monitor.api("alerts")["alerts"] if one["state"] == "firing")
        assert alert["labels"]["component"] == "cache"
        assert demo.asked() == 503
    finally:
        demo.redis(signal.SIGCONT)
    demo.monitor.until(lambda: demo.firing() == set(), what="DemoComponentLost to resolve")


def test_the_verdicts_are_what_these_faults_have_shown(demo: Deployment, tmp_path: Path) -> None:
    """What fired passes every rung; what stayed silent in both faults is told, by its own characters and by its evaluation."""
    demo.monitor.until(lambda: demo.firing() == set(), what="rest")
    means = {**MEANS, "SilentDown": DOWN, "SilentComponentLost": LOST}
    run = Alerts(profile_of(demo, "rules.yaml", "silent.yaml", means=means), tmp_path)
    # What never fires can't be timed: that alone is undecided.
    assert {one["subject"] for one in run.results if one["outcome"] == "error"} <= {
        "alerts.SilentDown",
        "alerts.SilentComponentLost",
    }, run.text
    told = {alert["name"]: alert["rungs"] for alert in run.report["alerts"]["alerts"]}
    for name in ("DemoDown", "DemoComponentLost"):
        assert [told[name][rung]["state"] for rung in ("loads", "refers", "fires")] == ["yes"] * 3, run.text
        assert told[name.replace("Demo", "Silent")]["fires"]["state"] == "no", run.text
    red = [line for one in run.results if one["outcome"] in ("violation", "advisory") for line in one["seen"]]
    assert any('demo/SilentDown: `job="demo"`' in line for line in red), run.text
    assert any('demo/SilentComponentLost: `component="redis"`' in line for line in red), run.text
    assert [line for line in red if "Silent" not in line] == []


def test_without_its_alert_each_fault_is_red(demo: Deployment, tmp_path: Path) -> None:
    run = Coverage(profile_of(demo, "silent.yaml", prometheus=None, alertmanager=None, means={}), tmp_path)
    assert run.ids("violation") == ["ALR-050"], run.text
    assert run.ids("advisory", "error") == []
    assert run.report["alerts"]["failures_untold"] == ["the service is down", "redis is lost"]
    run = Coverage(profile_of(demo, "silent.yaml", means={}), tmp_path)
    assert (run.ids("violation"), run.ids("advisory")) == (["ALR-057"], ["ALR-058"]), run.text
    assert "job demo-api: its targets are down for 15m, and no alert looks at it" in run.text
