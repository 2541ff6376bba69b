"""Expressions on a real Prometheus: red where just that is wrong, what is told of them is what the server does, and labels
flow as it lets them."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import suites
from seatrial.catalogue import catalogue
from seatrial.facts.alerts.catalog import Catalog
from seatrial.facts.alerts.expressions_bounds import bounds
from seatrial.facts.alerts.expressions_matching import mismatched
from seatrial.facts.alerts.expressions_reading import One
from seatrial.facts.alerts.expressions_values import fixed_conditions
from seatrial.facts.alerts.rules import Rule
from seatrial.promql.labels import Flow
from seatrial.promql.nodes import Binary, bare
from seatrial.promql.reading import Unreadable, parse
from tests.integration.alerts.expressions_random import METRICS, expression
from tests.integration.runs import Run
from tests.lab.watch import RULES, Watch, WatchError, watch
from tests.specimens.alerts_expressions import histogram, metric

pytestmark = pytest.mark.integration

OURS = sorted(r.id for r, _ in catalogue(suites) if r.id.startswith("ALR-03"))
ERRORS = 'rate(app_http_requests_total{job="app", status=~"5.."}[1m])'
ALL = 'rate(app_http_requests_total{job="app"}[1m])'
FAULTS = {
    "ALR-030": (
        'app_component_up{job="app"}',
        ':6:17 app/Fault: `app_component_up{job="app"}` is compared with nothing',
    ),
    "ALR-031": (
        'rate(app_queue_jobs{job="app"}[1m]) > 5',
        ":6:17 app/Fault: `rate` of `app_queue_jobs`, which is a gauge",
    ),
    "ALR-032": (
        'rate(app_http_requests_total{job="app"}[1s]) > 500',
        "looks at 1s, and a sample comes every 1s, as the server scrapes job app",
    ),
    "ALR-033": (
        'histogram_quantile(0.95, sum by (job) (rate(app_http_request_duration_seconds_bucket{job="app"}[1m]))) > 0.5',
        ":6:42 app/Fault: `sum by (job)` keeps job alone, and without le there are no buckets",
    ),
    "ALR-034": (
        f"sum by (job) ({ALL}) > 500",
        ":9 app/Fault: `{{ $labels.instance }}` in summary prints nothing: `sum by (job)` keeps job alone",
    ),
    "ALR-035": (f"{ERRORS} / {ALL} > 0.05", "is always 1, or nothing: both sides are matched on `status`"),
    "ALR-036": (
        'histogram_quantile(0.95, sum by (job, instance, le) (rate(app_http_request_duration_seconds_bucket{job="app"}[1m]))) > 5',
        'the last bucket of `app_http_request_duration_seconds` with an end is le="1", and no quantile is told above it',
    ),
    "ALR-037": (
        f"sum by (job, instance) ({ERRORS}) > 0.05",
        "`5%` in its text: a share, and what is compared are events per second",
    ),
    "ALR-038": (
        f"(sum by (job, instance) ({ALL}) or vector(0)) == 0",
        "`vector(0)` is there beside the series of",
    ),
    "ALR-039": (
        'rate(app_http_requests_total{job="app"}[3s]) > 500',
        "looks at 3s, and a sample comes every 1s",
    ),
}


def _file(id: str) -> str:
    printed = "instance" if id == "ALR-034" else "job"
    text = "It is more than 5%." if id == "ALR-037" else "Look at the log."
    return (
        f"groups:\n  - name: app\n    rules:\n      - alert: Fault{id[-3:]}\n"
        f"        # as it stands\n        expr:   {FAULTS[id][0]}\n        labels: {{severity: page}}\n        annotations:\n"
        f'          summary: "{{{{ $labels.{printed} }}}} is off."\n          description: "{text}"\n'
        "          runbook_url: https://runbooks.example/fault\n"
    )


class Alerts(Run):
    """A run of the area."""

    area = "alerts"

    def red(self, subject: str) -> list[str]:
        """Ids of the whole area that are not green for one file; but for alerts that are true now, as those are that always fire."""
        return sorted(
            {
                one["id"]
                for one in self.results
                if one["subject"] == subject
                and one["id"] != "ALR-028"
                and one["outcome"] not in ("pass", "not applicable")
            }
        )

    def seen(self, id: str, subject: str) -> str:
        """What was seen."""
        return "\n".join(f"{one['seen']}" for one in self.results if (one["id"], one["subject"]) == (id, subject))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    with watch(
        tmp_path_factory.mktemp("watch") / "lab",
        {"rules.yaml": RULES, **{f"{id}.yaml": _file(id) for id in FAULTS}},
        history=300,
    ) as up:
        yield up


@pytest.fixture(scope="module")
def run(lab: Watch, tmp_path_factory: pytest.TempPathFactory) -> Alerts:
    return Alerts(
        lab.profile(promtool={"none": "expressions are read", "owner": "tests"}), tmp_path_factory.mktemp("run")
    )


def test_every_requirement_is_shown_red() -> None:
    assert sorted(FAULTS) == OURS


def test_what_conforms_is_green_and_all_of_it_was_looked_at(run: Alerts) -> None:
    assert run.red("rules.yaml") == [], run.text
    assert {one["id"] for one in run.results if one["subject"] == "rules.yaml"} >= set(OURS)


@pytest.mark.parametrize("id", sorted(FAULTS))
def test_exactly_its_requirement_turns_red(id: str, run: Alerts) -> None:
    assert run.red(f"{id}.yaml") == [id], run.text
    (outcome,) = {one["outcome"] for one in run.results if (one["id"], one["subject"]) == (id, f"{id}.yaml")}
    assert outcome == ("advisory" if id == "ALR-039" else "violation")
    assert FAULTS[id][1] in run.seen(id, f"{id}.yaml").replace(f"Fault{id[-3:]}", "Fault")


def test_its_facts_give_the_same_verdicts(run: Alerts, lab: Watch, tmp_path: Path) -> None:
    again = Alerts(lab.folder / "watch.yaml", tmp_path, f"--facts={run.folder}")
    assert {key: told for key, told in again.told().items() if key[0] in OURS} == {
        key: told for key, told in run.told().items() if key[0] in OURS
    }


# --- what is told is what the server does -----------------------------------------------------------------------------


def test_an_error_ratio_matched_on_the_status_is_1(lab: Watch) -> None:
    assert {one["value"][1] for one in lab.query(f"{ERRORS} / {ALL}")} == {"1"}


def test_a_quantile_is_never_above_the_last_bucket(lab: Watch) -> None:
    buckets = "label_replace(vector(0), 'le', '1', '', '') or label_replace(vector(9), 'le', '+Inf', '', '')"
    assert [one["value"][1] for one in lab.query(f"histogram_quantile(0.95, {buckets})")] == ["1"]


def test_a_count_of_nothing_is_nothing(lab: Watch) -> None:
    assert lab.query("count(nothing) == 0") == []
    assert lab.query("(count(nothing) or vector(0)) == 0") != []


def test_a_default_without_labels_stands_beside_series_with_some(lab: Watch) -> None:
    assert [one["metric"] for one in lab.query("(sum by (job) (up) or vector(0)) == 0")] == [{}]
    assert lab.query("(sum by (job) (up) or on () vector(0)) == 0") == []


def test_sides_with_different_labels_never_match(lab: Watch) -> None:
    assert lab.query("up > bool sum(up)") == []
    assert lab.query('app_component_up{component="store"} + app_component_up{component="cache"}') == []


def test_a_range_of_one_sample_gives_nothing(lab: Watch) -> None:
    assert lab.query("rate(app_http_requests_total[1s])") == []


# --- labels -----------------------------------------------------------------------------------------------------------

X, B = "app_http_requests_total", "rate(app_http_request_duration_seconds_bucket[1m])"
FLOWS = [
    X,
    f"sum({X})",
    f"sum by (job, status) ({X})",
    f"sum without (status, method) ({X})",
    f"topk by (job) (2, {X})",
    f"count_values by (job) ('value', {X})",
    f"rate({X}[1m])",
    f"histogram_quantile(0.5, sum by (le, route) ({B}))",
    f"histogram_quantile(0.5, {B})",
    "absent(nothing{job='a', b=~'c', d='e'})",
    "absent(sum by (job) (nothing))",
    f"{X} / ignoring (status) group_left sum without (status) ({X})",
    f"{X} / on (route) group_left (instance) sum by (route, instance) ({X})",
    f"{X} / on (route) group_left (instance) sum by (route) ({X})",
    f"sum by (route) ({X}) / on (route) group_right (method) {X}",
    f"sum by (route, job) ({X}) / on (route) sum by (route) ({X})",
    f"sum by (route, job) ({X}) / ignoring (job) sum by (route) ({X})",
    f"sum by (route, job) ({X}) > on (route) sum by (route) ({X}) - 1",
    f"sum by (route, job) ({X}) >= bool on (route) sum by (route) ({X}) - 1",
    f"sum by (job) (up) or sum by (route) ({X})",
    "up and on (job) app_component_up",
    "up unless on (component) nothing",
    "sum(up) or vector(0)",
    "time() - up",
    "-sum by (job) (up)",
    "vector(1)",
    "hour()",
    "hour(up)",
    "scalar(up) + 1",
    "label_replace(sum by (job) (up), 'a', '$1', 'job', '(.*)')",
    "label_join(up, 'a', '-', 'job', 'instance')",
    "label_replace(up, 'job', '', 'job', '.*')",
    "max_over_time(sum by (job) (up)[30s:5s])",
    "up{job='app'} * on (job) group_left (component) app_component_up{component='cache'}",
    "sort_desc(sum by (instance) (up))",
    "sum by (nothing) (up)",
    "clamp_max(sum by (job) (up), 1)",
    "app_component_up{component!=''} + ignoring (component) group_left up",
]


@pytest.mark.parametrize("expression", FLOWS)
def test_labels_flow_as_the_server_lets_them(expression: str, lab: Watch) -> None:
    result = lab.api("query", query=expression)
    series = [] if result["resultType"] == "scalar" else [set(one["metric"]) - {"__name__"} for one in result["result"]]
    assert series or result["resultType"] == "scalar", "it shows nothing"
    labels = Flow().of(parse(expression).root)
    assert [names for names in series if not all(labels.can(name) for name in names)] == []
    assert [names for names in series if labels.sure - names] == []
    if labels.closed and not labels.open and series and "nothing" not in expression:
        assert labels.may <= set().union(*series) | {"le"}


# --- by chance --------------------------------------------------------------------------------------------------------

CATALOG = Catalog(
    "the lab",
    (
        metric("calls_total", "counter", "job", "instance", "status", "queue"),
        metric("queue_depth", "gauge", "job", "instance", "queue"),
        histogram("call_seconds", 0.1, 1.0),
        metric("errors_total", "counter", "job", "instance"),
    ),
    scraped=True,
)


def test_what_is_claimed_of_expressions_by_chance_is_so(tmp_path: Path) -> None:
    """Labels, bounds, and that nothing matches or never holds: of every part of expressions that nobody thought of."""
    wrong: list[str] = []
    counted = {"series": 0, "claims": 0, "bounds": 0}
    chance = random.Random(4711)
    with watch(tmp_path / "lab", "groups: []", METRICS, history=120) as up:
        end = time.monotonic() + 12
        while time.monotonic() < end:
            try:
                read = parse(expression(chance, 4))
                result = up.api("query", query=read.text)
            except (Unreadable, WatchError, OSError):
                continue  # several series of one side match, say
            if result["resultType"] != "vector":
                continue
            one = One(Rule("alert", "A", "g", read.text), read, CATALOG, frozenset())
            labels, held = one.flow.of(read.root), bounds(read.root, one)
            for series in result["result"]:
                names = set(series["metric"]) - {"__name__"}
                counted["series"] += 1
                if not all(labels.can(name) for name in names) or labels.sure - names:
                    wrong.append(f"labels of {read.text}: {sorted(names)}")
                if any(series["metric"].get(name) != value for name, value in labels.fixed.items()):
                    wrong.append(f"values of {read.text}: {series['metric']}")
                value = float(series["value"][1])
                counted["bounds"] += held.low > -math.inf or held.high < math.inf
                if not math.isnan(value) and not held.low - 1e-9 <= value <= held.high + 1e-9:
                    wrong.append(f"bounds of {read.text}: {value} and {held}")
            root = bare(read.root)
            if not isinstance(root, Binary) or root.op in ("or", "unless") or root.bool:
                continue
            for slip in (each for judge in (mismatched, fixed_conditions) for each in judge(one)):
                whole = f"`{' '.join(read.said(root).split())}` never holds" in slip.text
                nothing = slip.text.startswith(f"`{root.op}` finds nothing") and slip.start in (root.start, root.at)
                counted["claims"] += whole or nothing
                if (whole or nothing) and result["result"] and "the left side is by" not in slip.text:
                    wrong.append(f"claim on {read.text}: {slip.text}")
    assert wrong == []
    assert counted["series"] > 300
    assert counted["bounds"] > 100
    assert counted["claims"] > 10
