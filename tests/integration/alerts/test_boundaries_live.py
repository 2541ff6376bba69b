"""Alerts held against what they mean, by a real promtool and the metrics of a real Prometheus: each requirement turns red alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import suites
from seatrial.catalogue import catalogue
from tests.integration.runs import Run
from tests.lab.watch import RULES, Watch, watch

pytestmark = pytest.mark.integration

OURS = sorted(r.id for r, _ in catalogue(suites) if r.id.startswith("ALR-04"))
FAILED = {"metric": "app_http_requests_total", "labels": {"status": "500"}}
SHARE: dict[str, Any] = {
    "ratio": {"of": FAILED, "to": "app_http_requests_total"},
    "above": "5%",
    "for": "2m",
    "per": ["route"],
    "severity": "page",
}
MEANS: dict[str, Any] = {
    "AppDown": {
        "any": [
            {"value": {"metric": "up", "labels": {"job": "app"}}, "is": 0},
            {"absent": {"metric": "up", "labels": {"job": "app"}}},
        ],
        "for": "1m",
        "severity": "page",
    },
    "AppErrors": SHARE,
    "AppSlow": {
        "quantile": {"quantile": "95%", "of": "app_http_request_duration_seconds"},
        "above": "500ms",
        "for": "5m",
        "per": ["route"],
        "severity": "ticket",
    },
    "AppQueueLong": {
        "value": "app_queue_jobs", "above": 1000, "for": "10m", "per": ["queue"], "severity": "ticket",
    },
    "AppComponentLost": {
        "value": "app_component_up", "is": 0, "for": "1m", "per": ["component"], "severity": "page",
    },
}  # fmt: skip


def share(by: str = "job, route", above: str = "0.05", more: str = "") -> str:
    """An expression of the share of requests that fail."""
    failed = f'sum by ({by}) (rate(app_http_requests_total{{job="app", status=~"5.."{more}}}[1m]))'
    return f'{failed} / sum by ({by}) (rate(app_http_requests_total{{job="app"{more}}}[1m])) > {above}'


def rule(name: str, expr: str, **changes: Any) -> str:
    """One rule in a file of its own."""
    texts = {"summary": "Requests to {{ $labels.job }} fail.", "description": "Look at the log, by level error."}
    texts["runbook_url"] = "https://runbooks.example/fault"
    found: dict[str, Any] = {"alert": name, "expr": expr, "for": "2m", "labels": {"severity": "page"}}
    found |= {"annotations": texts | changes.pop("annotations", {})} | changes
    return json.dumps({"groups": [{"name": "fault", "rules": [found]}]}, indent=1)


LATCH = ' or (ALERTS{alertname="Fault044", alertstate="firing"} > 0)'
OF_NOTES = {"without": {"route": "/health"}}
FAULTS: dict[str, tuple[str, dict[str, Any] | None, str]] = {
    "ALR-040": (
        rule("Fault40", share(), annotations={"description": "More than 5% of the requests fail."}),
        SHARE,
        "no rule of that name; there is Fault40",
    ),
    "ALR-041": (
        rule("Fault041", share(above="0.01")),
        SHARE,
        "fired after 2m30s although 4% of 5/s were app_http_requests_total{status=500} for 5m30s",
    ),
    "ALR-042": (
        rule("Fault042", share(above="0.1")),
        SHARE,
        "silent although 6% of 5/s were app_http_requests_total{status=500} for 3m40s",
    ),
    "ALR-043": (
        rule("Fault043", share(), **{"for": "10m"}),
        SHARE,
        "fired 10m after its expression was first true (`for: 10m`)",
    ),
    "ALR-044": (
        rule("Fault044", f"{share()}{LATCH}", **{"for": "0s"}),
        {**SHARE, "for": "0s"},
        "firing although it was over for",
    ),
    "ALR-045": (
        rule("Fault045", share(by="job")),
        SHARE,
        "1 alert fired (job=app) when 6% of 25/s were app_http_requests_total{status=500} at route=/notes and at route=",
    ),
    "ALR-046": (
        rule("Fault046", share()),
        {**SHARE, "ratio": {"of": FAILED | OF_NOTES, "to": {"metric": "app_http_requests_total"} | OF_NOTES}},
        "although app_http_requests_total with route=/health was as alarming as can be, which it does not mean",
    ),
    "ALR-047": (rule("Fault047", share(), labels={"severity": "ticket"}), SHARE, "severity: ticket"),
    "ALR-048": (
        rule("Fault048", share(above="0.1"), annotations={"description": "More than 5% of the requests fail."}),
        None,
        "its texts say: ratio of app_http_requests_total{job=app, status=500} to app_http_requests_total{job=app} above 5%",
    ),
    "ALR-049": (
        rule("Fault049", share(), annotations={"description": "More than 5 percent fail for 10 minutes."}),
        SHARE,
        "its text says 'for 10 minutes'",
    ),
}


HIDES = {
    "ALR-040": tuple(id for id in OURS if id not in ("ALR-040", "ALR-048")),
    "ALR-042": ("ALR-045",),
}
"""What can't be looked at where there is no such alert, or where it never fires."""


class Alerts(Run):
    """A run of the area."""

    area = "alerts"

    def red(self, *subjects: str, hidden: tuple[str, ...] = ()) -> list[str]:
        """Ids of the whole area that are not green for these subjects, but for those that could not be looked at for it."""
        good = ("pass", "not applicable")
        found = {(r["id"], r["outcome"]) for r in self.results if r["subject"] in subjects and r["outcome"] not in good}
        return sorted(id for id, outcome in found if outcome != "error" or id not in hidden)

    def seen(self, id: str, subject: str) -> str:
        """What was seen."""
        return "\n".join(f"{r['seen']}" for r in self.results if (r["id"], r["subject"]) == (id, subject))


def subjects(id: str) -> tuple[str, str]:
    """The alert of a fault, and its file."""
    return f"alerts.Fault{id[-3:]}", f"{id}.yaml"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    files = {"rules.yaml": RULES, **{f"{id}.yaml": text for id, (text, _, _) in FAULTS.items()}}
    with watch(tmp_path_factory.mktemp("watch") / "lab", files, history=300) as up:
        yield up


@pytest.fixture(scope="module")
def run(lab: Watch, tmp_path_factory: pytest.TempPathFactory) -> Alerts:
    means = MEANS | {f"Fault{id[-3:]}": meaning for id, (_, meaning, _) in FAULTS.items() if meaning}
    return Alerts(lab.profile(means=means), tmp_path_factory.mktemp("run"))


def test_every_requirement_is_shown_red() -> None:
    assert sorted(FAULTS) == OURS


def test_what_conforms_is_green_and_all_of_it_was_looked_at(run: Alerts) -> None:
    mine = [f"alerts.{name}" for name in MEANS]
    assert run.red(*mine, "rules.yaml") == [], run.text
    looked = {(r["id"], r["subject"]) for r in run.results if r["outcome"] == "pass"}
    assert looked >= {(id, name) for id in OURS if id != "ALR-048" for name in mine}


@pytest.mark.parametrize("id", sorted(FAULTS))
def test_exactly_its_requirement_turns_red(id: str, run: Alerts) -> None:
    assert run.red(*subjects(id), hidden=HIDES.get(id, ())) == [id], run.text
    subject = subjects(id)[id == "ALR-048"]
    (outcome,) = {r["outcome"] for r in run.results if (r["id"], r["subject"]) == (id, subject)}
    assert outcome == "violation"
    assert FAULTS[id][2] in run.seen(id, subject)


def test_its_facts_give_the_same_verdicts(run: Alerts, lab: Watch, tmp_path: Path) -> None:
    again = Alerts(lab.folder / "watch.yaml", tmp_path, f"--facts={run.folder}")
    mine, theirs = ({k: v for k, v in each.told().items() if k[0] in OURS} for each in (run, again))
    assert mine == theirs


# --- the rules of the specs, with the labels that their documents declare ---------------------------------------------


def rule_file(*rules: tuple[str, str, str, str]) -> str:
    """Rules by name, expression, `for` and text."""
    found = [
        {"alert": name, "expr": expr, "for": lasting, "labels": {"severity": "page"}, "annotations": {"summary": text}}
        for name, expr, lasting, text in rules
    ]
    return json.dumps({"groups": [{"name": "spec", "rules": found}]}, indent=1)


SEARCH = rule_file(
    (
        "HighErrorRate",
        'rate(opossum_requests_total{status="error"}[5m]) / rate(opossum_requests_total[5m]) > 0.05',
        "2m",
        "Error rate above 5% for 2 minutes.",
    ),
    ("ServiceUnavailable", "opossum_service_availability == 0", "5m", "A service is unavailable for 5 minutes."),
    (
        "HighResponseTime",
        "histogram_quantile(0.95, rate(opossum_response_time_seconds_bucket[5m])) > 2",
        "5m",
        "95th percentile above 2 seconds for 5 minutes.",
    ),
)
ERRORS = {"of": {"metric": "opossum_requests_total", "labels": {"status": "error"}}, "to": "opossum_requests_total"}
SEARCH_MEANS = {
    "HighErrorRate": {"ratio": ERRORS, "above": "5%", "for": "2m"},
    "ServiceUnavailable": {"value": "opossum_service_availability", "is": 0, "for": "5m", "per": ["service_name"]},
    "HighResponseTime": {
        "quantile": {"quantile": "95%", "of": "opossum_response_time_seconds"},
        "above": "2s",
        "for": "5m",
        "per": ["method", "endpoint"],
    },
}
SEARCH_METRICS = {
    "opossum_requests_total": {"type": "counter", "labels": ["method", "endpoint"]},
    "opossum_response_time_seconds": {"type": "histogram", "labels": ["method", "endpoint"]},
    "opossum_service_availability": {"type": "gauge", "labels": ["service_name"]},
}
VICTOR = rule_file(
    ("AssistantErrors", "rate(victor_errors_total[5m]) > 0.05", "5m", "Many errors."),
    ("AssistantSlow", "histogram_quantile(0.95, rate(victor_latency_seconds_bucket[5m])) > 5", "5m", "Slow answers."),
)
VICTOR_MEANS = {
    "AssistantErrors": {
        "ratio": {"of": "victor_errors_total", "to": "victor_requests_total"},
        "above": "5%",
        "for": "5m",
    },
    "AssistantSlow": {"quantile": {"quantile": "95%", "of": "victor_latency_seconds"}, "above": "5s", "for": "5m"},
}


class Boundaries(Run):
    """A run of this rung alone: nothing of these systems runs here."""

    area = "alerts/test_boundaries.py"

    def __init__(self, folder: Path, rules: dict[str, str], metrics: dict[str, Any], means: dict[str, Any]) -> None:
        for name, text in rules.items():
            (folder / name).write_text(text)
        profile = {
            "profile": "spec",
            "environment": "test",
            "target": {"driver": "http"},
            "services": {"api": {"url": "http://127.0.0.1:9", "metrics": {"required": metrics}}},
            "alerts": {"files": list(rules), "scrape_interval": "15s", "means": means},
        }
        (folder / "spec.yaml").write_text(json.dumps(profile, indent=1))
        super().__init__(folder / "spec.yaml", folder)

    def by_subject(self) -> dict[str, list[str]]:
        """Violations of each alert or file; every one has an entry."""
        found: dict[str, list[str]] = {r["subject"]: [] for r in self.results if r["subject"]}
        for one in self.results:
            if one["outcome"] == "violation":
                found[one["subject"]].append(one["id"])
        return found

    def text_of(self, id: str) -> str:
        """What was seen."""
        return "\n".join(f"{r['seen']}" for r in self.results if r["id"] == id and r["seen"])


BOTH = {"search.yaml": SEARCH, "assistant.yaml": VICTOR}


def test_the_rules_of_the_specs_by_their_declared_meaning(tmp_path: Path) -> None:
    run = Boundaries(tmp_path, BOTH, SEARCH_METRICS, SEARCH_MEANS | VICTOR_MEANS)
    assert run.by_subject() == {
        "alerts.HighErrorRate": ["ALR-042"],  # it selects a label that the metric does not have: it never fires
        "alerts.ServiceUnavailable": [],
        "alerts.HighResponseTime": [],
        "alerts.AssistantErrors": ["ALR-041"],  # errors a second, not a share of requests: it rings with the traffic
        "alerts.AssistantSlow": [],
        "search.yaml": [],
        "assistant.yaml": [],
    }
    assert "silent although 6% of 1/s" in run.text_of("ALR-042")
    assert "which is documented without label status" in run.text_of("ALR-042")
    assert "although 4% of 200/s of victor_requests_total were victor_errors_total" in run.text_of("ALR-041")


def test_the_rules_of_the_specs_by_their_own_texts(tmp_path: Path) -> None:
    run = Boundaries(tmp_path, BOTH, SEARCH_METRICS, {})
    assert run.by_subject() == {"search.yaml": ["ALR-048"], "assistant.yaml": []}
    assert run.text_of("ALR-048").count("HighErrorRate") == 2
    assert "ServiceUnavailable" not in run.text_of("ALR-048")
    assert "HighResponseTime" not in run.text_of("ALR-048")
    (error,) = [one for one in run.results if one["outcome"] == "error"]
    assert error["subject"] == "assistant.yaml"
    assert "could not decide 2 of 2 alerts by their texts: AssistantErrors (its texts say no bound" in error["reason"]


def test_a_share_divided_series_by_series_rings_for_any_error(tmp_path: Path) -> None:
    labels = ["method", "endpoint", "status"]
    metrics = {"opossum_requests_total": {"type": "counter", "labels": labels}}
    run = Boundaries(tmp_path, {"search.yaml": SEARCH}, metrics, {"HighErrorRate": SEARCH_MEANS["HighErrorRate"]})
    assert "ALR-041" in run.by_subject()["alerts.HighErrorRate"]
    assert "although 4% of 1/s were opossum_requests_total{status=error}" in run.text_of("ALR-041")
