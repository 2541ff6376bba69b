"""Rule files that are wrong, each in one way, about what the lab's exporter exposes; and what each turns red, alone.

A file is a subject of its own, so that one run judges all of them. Those that Prometheus refuses are judged apart.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

__all__ = ["LOADED", "MEANT", "REFUSED", "RIGHTLY", "Fault", "Meant", "alert", "file"]

TEXTS = {"summary": "It is wrong.", "description": "Look at its log.", "runbook_url": "https://runbooks.example/it"}


@dataclass(frozen=True)
class Fault:
    """One rule file."""

    name: str
    turns_red: tuple[str, ...]
    told: str
    """What must be told of it."""
    text: str
    hides: tuple[str, ...] = ()


def alert(name: str, expr: str, *, lasting: str = "2m", labels: Any = None, **texts: str) -> dict[str, Any]:
    """One alert with all that an alert should have."""
    return {
        "alert": name,
        "expr": expr,
        "for": lasting,
        "labels": labels or {"severity": "page"},
        "annotations": TEXTS | texts,
    }


def record(name: str, expr: str) -> dict[str, Any]:
    """One recording rule."""
    return {"record": name, "expr": expr}


def file(group: str, *rules: dict[str, Any], **more: Any) -> str:
    """A rule file with one group."""
    return json.dumps({"groups": [{"name": group, "rules": list(rules), **more}]}, indent=1)


def one(name: str, turns_red: str | tuple[str, ...], told: str, expr: str, **changes: Any) -> Fault:
    """A file with one alert, which is wrong."""
    ids = (turns_red,) if isinstance(turns_red, str) else turns_red
    title = "".join(map(str.title, name.split("-")))
    return Fault(name, ids, told, file(name, alert(title, expr, **changes)))


R, D = "app_http_requests_total", "app_http_request_duration_seconds"
ERRORS = f'sum by (job, route) (rate({R}{{status=~"5.."}}[1m]))'
ALL = f"sum by (job, route) (rate({R}[1m]))"
SLOW = f"histogram_quantile(0.95, sum by (job, route, le) (rate({D}_bucket[1m])))"

LOADED = [
    # --- loading ---------------------------------------------------------------------------------------------------
    Fault("empty-group", ("ALR-003",), "has no rules", json.dumps({"groups": [
        {"name": "empty-group", "rules": []}, {"name": "empty-group-2", "rules": [alert("EmptyGroup", "app_queue_jobs > 1000")]}
    ]})),
    Fault("twice", ("ALR-004",), "Twice", file("twice", alert("Twice", "app_queue_jobs > 1000"), alert("Twice", "app_queue_jobs > 1000"))),
    one("brace", "ALR-007", "$labels.queue", "app_queue_jobs > 1000", summary="$labels.queue is long."),
    Fault("flat-name", ("ALR-008",), "app_requests_rate", file("flat-name", record("app_requests_rate", f"sum by (job) (rate({R}[1m]))"))),
    Fault("upside-down", ("ALR-009",), "job:app_requests:rate1m", file(
        "upside-down",
        alert("UpsideDown", "job:app_requests:rate1m > 5000"),
        record("job:app_requests:rate1m", f"sum by (job) (rate({R}[1m]))"),
    )),
    # --- what there is ----------------------------------------------------------------------------------------------
    one("misspelt-metric", "ALR-020", "app_queue_job", "app_queue_job > 1000"),
    one("misspelt-in-a-share", "ALR-020", "app_http_request_total", f"sum(rate(app_http_request_total[1m])) / sum(rate({R}[1m])) > 0.5"),
    one("misspelt-label", "ALR-021", "code", f'sum by (job) (rate({R}{{code=~"5.."}}[1m])) > 10'),
    one("unseen-value", "ALR-022", "post", 'app_queue_jobs{queue="post"} > 1000'),
    one("group-of-nothing", "ALR-024", "colour", "max by (colour) (app_queue_jobs) > 1000"),
    one("wrong-job", "ALR-025", "api", 'app_queue_jobs{job="api"} > 1000'),
    one("no-such-state", "ALR-027", "app_component_up", "app_component_up > 2"),
    one("already-true", "ALR-028", "AlreadyTrue", "app_disk_free_bytes > 1e9"),
    one("unrecorded", "ALR-029", "route:app_http_requests:rate9m", "route:app_http_requests:rate9m > 1000"),
    # --- expressions -----------------------------------------------------------------------------------------------
    one("no-condition", "ALR-030", "NoCondition", "sum by (job) (app_queue_jobs offset 3h)"),
    one("raw-counter", "ALR-031", R, f"sum by (job) ({R}) > 1e12"),
    one("rate-of-a-gauge", "ALR-031", "app_queue_jobs", "rate(app_queue_jobs[5m]) > 1000"),
    one("range-of-one-scrape", "ALR-032", "1s", f"sum by (job) (rate({R}[1s])) > 1000"),
    one("without-le", "ALR-033", "le", f"histogram_quantile(0.95, sum by (job, route) (rate({D}_bucket[1m]))) > 0.5"),
    one("quantile-of-95", "ALR-033", "95", "quantile_over_time(95, app_queue_jobs[5m]) < 2"),
    one("lost-label", "ALR-034", "route", f'sum by (job) (rate({R}{{status=~"5.."}}[1m])) > 10', summary="{{ $labels.route }} fails."),
    one("sides-never-match", "ALR-035", "le", f'rate({D}_bucket{{le="0.25"}}[1m]) / rate({D}_count[1m]) < 0.5'),
    one("sides-grouped-otherwise", "ALR-026", "gives nothing", f"{ERRORS} / sum by (job) (rate({R}[1m])) > 0.5"),
    one("other-than-it-says", "ALR-037", "500ms", f"sum by (job) (rate({D}_sum[1m])) / sum by (job) (rate({D}_count[1m])) > 500", summary="Requests take 500ms."),
    one("default-beside", "ALR-038", "vector(0)", f'sum by (job) (rate({R}[1m])) - (sum by (job) (rate({R}{{status="201"}}[1m])) or vector(0)) > 5000'),
    one("short-range", "ALR-039", "3s", f"sum by (job) (rate({R}[3s])) > 1000"),
    # --- texts -----------------------------------------------------------------------------------------------------
    one("untold", "ALR-052", "summary", "app_queue_jobs > 1000", summary=""),
    one("no-runbook", "ALR-053", "runbook_url", "app_queue_jobs > 1000", runbook_url="see the wiki"),
    one("hasty", "ALR-054", "Hasty", "app_queue_jobs > 1000", lasting="0s"),
]  # fmt: skip

RIGHT = alert("Right", "app_queue_jobs > 1000")
REFUSED = [
    Fault("cut-off", ("ALR-001",), "", file("cut-off", RIGHT)[:-20]),
    Fault("no-promql", ("ALR-001",), "is missing at its end", file("no-promql", alert("NoPromql", "sum(app_queue_jobs > 1000"))),
    Fault("unknown-field", ("ALR-001",), "exprs", file("unknown-field", {**RIGHT, "exprs": "up == 0"})),
    Fault("duration", ("ALR-001",), "2 minutes", file("duration", alert("Duration", "min_over_time(app_queue_jobs[5m]) > 1000", lasting="2 minutes"))),
    Fault("both-kinds", ("ALR-001",), "record", file("both-kinds", {**alert("Both", "app_queue_jobs > 3000"), "record": "job:app:jobs"})),
    Fault("same-groups", ("ALR-001",), "same", json.dumps({"groups": [
        {"name": "same", "rules": [alert("Same", "app_queue_jobs > 1500")]}, {"name": "same", "rules": [alert("Other", "app_queue_jobs > 2000")]}
    ]})),
    Fault("no-alert", ("ALR-001",), "neither", file("no-alert", {k: v for k, v in RIGHT.items() if k != "alert"})),
    Fault("no-groups", ("ALR-002",), "", "groups: []\n"),
    Fault("bad-template", ("ALR-001",), "", file("bad-template", alert("BadTemplate", "app_queue_jobs > 1000", summary="{{ $labels.queue"))),
    Fault("no-function", ("ALR-001",), "shout", file("no-function", alert("NoFunction", "app_queue_jobs > 1000", summary="{{ $labels.queue | shout }}"))),
]  # fmt: skip
"""Those that Prometheus does not load, or in which there is nothing to load."""


@dataclass(frozen=True)
class Meant:
    """A rule that does not do what the profile says it means."""

    name: str
    turns_red: str
    told: str
    rule: dict[str, Any] | None
    means: dict[str, Any]


LONG = {"value": "app_queue_jobs", "above": "1000", "for": "2m", "per": ["queue"]}
SHARE = {
    "ratio": {"of": {"metric": R, "labels": {"status": "500"}}, "to": R}, "above": "5%", "for": "2m", "per": ["route"]
}  # fmt: skip
FAILING = f'sum by (route) (rate({R}{{status=~"5.."}}[1m])) / sum by (route) (rate({R}[1m])) > 0.05'
MEANT = [
    Meant("Lacking", "ALR-040", "Lacking", None, LONG),
    Meant("TooEarly", "ALR-041", "was 800", alert("TooEarly", "app_queue_jobs > 500"), LONG),
    Meant("TooLate", "ALR-042", "was 1200", alert("TooLate", "app_queue_jobs > 5000"), LONG),
    Meant("Hurried", "ALR-043", "2m", alert("Hurried", "app_queue_jobs > 1000", lasting="30s"), LONG),
    Meant("AllInOne", "ALR-045", "queue", alert("AllInOne", "max(app_queue_jobs) > 1000"), LONG),
    Meant("Unlabelled", "ALR-047", "ticket", alert("Unlabelled", "app_queue_jobs > 1000"), LONG | {"severity": "ticket"}),
    Meant("Misleading", "ALR-049", "10%", alert("Misleading", FAILING, summary="More than 10% of the requests to {{ $labels.route }} fail."), SHARE),
]  # fmt: skip
RIGHTLY = {
    "Long": (alert("Long", "app_queue_jobs > 1000"), LONG),
    "Failing": (alert("Failing", FAILING), SHARE),
}  # fmt: skip
