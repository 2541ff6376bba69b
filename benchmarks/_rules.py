"""Alert rules as people write them, right and wrong in ways that people are wrong, about services that are exposed.

Each wrong rule is a right one in which one thing was changed. Its text still says what was meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["GONE", "KINDS", "SERVICES", "Written", "corpus", "metrics", "text"]

SERVICES = ("orders", "billing", "search", "mail", "auth", "media", "cart", "stock")


@dataclass(frozen=True)
class Written:
    """One alert rule."""

    name: str
    kind: str
    """What is wrong with it; empty when nothing is."""
    expr: str
    summary: str
    lasting: str = "2m"


def metrics(*, gone: bool = False) -> str:
    """What the services expose; `gone` with what they do no more."""
    parts = []
    for n, s in enumerate(SERVICES):
        base = 20 + 5 * n
        parts.append(f"""
# HELP {s}_http_requests_total Requests answered.
# TYPE {s}_http_requests_total counter
{s}_http_requests_total{{method="GET",route="/{s}",status="200"}} {base * 5000} +{base}
{s}_http_requests_total{{method="POST",route="/{s}",status="201"}} {base * 900} +{base / 5}
{s}_http_requests_total{{method="GET",route="/{s}",status="500"}} {base * 10} +0.05
{s}_http_requests_total{{method="GET",route="/{s}/{{id}}",status="404"}} {base * 30} +0.2
# HELP {s}_http_request_duration_seconds Time to answer.
# TYPE {s}_http_request_duration_seconds histogram
{s}_http_request_duration_seconds_bucket{{route="/{s}",le="0.05"}} {base * 4000} +{base - 6}
{s}_http_request_duration_seconds_bucket{{route="/{s}",le="0.25"}} {base * 4800} +{base - 2}
{s}_http_request_duration_seconds_bucket{{route="/{s}",le="1"}} {base * 4900} +{base - 1}
{s}_http_request_duration_seconds_bucket{{route="/{s}",le="2.5"}} {base * 4990} +{base}
{s}_http_request_duration_seconds_bucket{{route="/{s}",le="+Inf"}} {base * 5000} +{base}
{s}_http_request_duration_seconds_sum{{route="/{s}"}} {base * 300} +{base / 20}
{s}_http_request_duration_seconds_count{{route="/{s}"}} {base * 5000} +{base}
# HELP {s}_queue_jobs Jobs that wait.
# TYPE {s}_queue_jobs gauge
{s}_queue_jobs{{queue="fast"}} 3 +0.001
{s}_queue_jobs{{queue="slow"}} 11 +0.002
# HELP {s}_jobs_failed_total Jobs that failed.
# TYPE {s}_jobs_failed_total counter
{s}_jobs_failed_total{{queue="fast"}} 41 +0.0003
{s}_jobs_failed_total{{queue="slow"}} 12 +0.0002
# HELP {s}_component_up Whether a component answers: 1, or 0.
# TYPE {s}_component_up gauge
{s}_component_up{{component="store"}} 1
{s}_component_up{{component="cache"}} 1
# HELP {s}_disk_free_bytes Space left.
# TYPE {s}_disk_free_bytes gauge
{s}_disk_free_bytes{{mount="/data"}} 60000000000 +-1000
# HELP {s}_disk_size_bytes Space in all.
# TYPE {s}_disk_size_bytes gauge
{s}_disk_size_bytes{{mount="/data"}} 100000000000
# HELP {s}_connections Connections that are open.
# TYPE {s}_connections gauge
{s}_connections{{pool="main"}} 12 +0.0004
# HELP {s}_connections_max Connections there may be.
# TYPE {s}_connections_max gauge
{s}_connections_max{{pool="main"}} 100
# HELP {s}_last_backup_timestamp_seconds When the last backup ended well.
# TYPE {s}_last_backup_timestamp_seconds gauge
{s}_last_backup_timestamp_seconds NOW
# HELP {s}_start_time_seconds When the process started.
# TYPE {s}_start_time_seconds gauge
{s}_start_time_seconds 1795250000
# HELP {s}_build_info What runs.
# TYPE {s}_build_info gauge
{s}_build_info{{version="1.{n}.0"}} 1""")
        if gone:
            parts.append(f"""
# HELP {s}_worker_lag_seconds How far the workers are behind.
# TYPE {s}_worker_lag_seconds gauge
{s}_worker_lag_seconds{{queue="fast"}} 2 +0.0001""")
    return "\n".join(parts)


GONE = "worker_lag_seconds"


def _right(s: str) -> dict[str, tuple[str, str]]:
    """Rules about one service, each with what it says."""
    r, d = f"{s}_http_requests_total", f"{s}_http_request_duration_seconds"
    bad = f'sum by (job) (rate({r}{{status=~"5.."}}[5m])) / sum by (job) (rate({r}[5m]))'
    return {
        "Errors": (f"{bad} > 0.05", f"More than 5% of the requests to {s} fail."),
        "RouteErrors": (
            f'sum by (job, route) (rate({r}{{status=~"5.."}}[5m])) / sum by (job, route) (rate({r}[5m])) > 0.1',
            f"More than 10% of the requests to {{{{ $labels.route }}}} of {s} fail.",
        ),
        "Slow": (
            f"histogram_quantile(0.95, sum by (job, route, le) (rate({d}_bucket[5m]))) > 1.5",
            f"The 95th percentile of {{{{ $labels.route }}}} of {s} is above 1.5s.",
        ),
        "MeanSlow": (
            f"sum by (job) (rate({d}_sum[5m])) / sum by (job) (rate({d}_count[5m])) > 0.8",
            f"Requests to {s} take more than 800ms on average.",
        ),
        "Queue": (f"{s}_queue_jobs > 500", f"More than 500 jobs wait in {{{{ $labels.queue }}}} of {s}."),
        "FastQueue": (f'{s}_queue_jobs{{queue="fast"}} > 100', f"More than 100 jobs wait in the fast queue of {s}."),
        "JobsFail": (f"increase({s}_jobs_failed_total[15m]) > 20", f"More than 20 jobs of {s} failed within 15 minutes."),
        "Component": (f"{s}_component_up == 0", f"{s} has lost its {{{{ $labels.component }}}}."),
        "DiskFull": (f"{s}_disk_free_bytes / {s}_disk_size_bytes < 0.1", f"Less than 10% of the disk of {s} is free."),
        "DiskLow": (f"{s}_disk_free_bytes < 5e9", f"Less than 5 GB are free on {{{{ $labels.mount }}}} of {s}."),
        "DiskSoon": (f"predict_linear({s}_disk_free_bytes[30m], 4 * 3600) < 0", f"The disk of {s} is full in four hours."),
        "Pool": (f"{s}_connections / {s}_connections_max > 0.9", f"More than 90% of the connections of {s} are in use."),
        "Backup": (f"time() - {s}_last_backup_timestamp_seconds > 26 * 3600", f"The last backup of {s} is more than 26h old."),
        "Restarts": (f"changes({s}_start_time_seconds[15m]) > 2", f"{s} was started more than twice within 15 minutes."),
        "Busy": (f"sum by (job) (rate({r}[5m])) > 5000", f"{s} gets more than 5000 requests per second."),
        "Silent": (f"sum by (job) (rate({r}[5m])) < 0.1", f"{s} gets less than 0.1 requests per second."),
        "Gone": (f"absent({s}_build_info)", f"{s} exposes nothing any more."),
        "Burn": (
            f'(sum by (job) (rate({r}{{status=~"5.."}}[30m])) / sum by (job) (rate({r}[30m]))) > 14.4 * 0.01 and '
            f'(sum by (job) (rate({r}{{status=~"5.."}}[5m])) / sum by (job) (rate({r}[5m]))) > 14.4 * 0.01',
            f"{s} spends its budget of errors fourteen times too fast.",
        ),
        "QueueOfVersion": (
            f"{s}_queue_jobs * on (job, instance) group_left (version) {s}_build_info > 800",
            f"More than 800 jobs wait in {s} {{{{ $labels.version }}}}.",
        ),
        "ClientErrors": (
            f'sum by (job, route) (rate({r}{{status=~"4.."}}[5m])) / sum by (job, route) (rate({r}[5m])) > 0.5 '
            f"and sum by (job, route) (rate({r}[5m])) > 1",
            f"More than 50% of the requests to {{{{ $labels.route }}}} of {s} are refused.",
        ),
        "Grown": (f"delta({s}_queue_jobs[10m]) > 300", f"The queue {{{{ $labels.queue }}}} of {s} grew by 300 within 10 minutes."),
        "LongBusy": (
            f"avg_over_time({s}_connections[10m]) / {s}_connections_max > 0.8",
            f"More than 80% of the connections of {s} were in use for 10 minutes.",
        ),
        "NoTraffic": (
            f"sum by (job) (increase({r}[10m])) == 0 or absent({r})",
            f"{s} has answered no request for 10 minutes.",
        ),
        "Any": (f'count by (job) ({s}_component_up == 0) > 0', f"A component of {s} is down."),
        "Worst": (f"max by (job) ({s}_queue_jobs) > 900 unless on (job) {s}_build_info{{version=\"0.1.0\"}}", f"More than 900 jobs wait in {s}."),
    }  # fmt: skip


def _wrong(s: str, n: int) -> dict[str, tuple[str, str, str]]:
    """By kind of fault: the right rule's name, what is put for what, or a whole rule."""
    r = f"{s}_http_requests_total"
    right = _right(s)

    def changed(name: str, old: str, new: str, count: int = -1) -> tuple[str, str, str]:
        expr, summary = right[name]
        assert old in expr, (name, old)
        return name, expr.replace(old, new, count), summary

    def told(name: str, expr: str) -> tuple[str, str, str]:
        return name, expr, right[name][1]

    return {
        "typo in metric": [
            changed("Errors", "requests_total", "request_total"), changed("Queue", "queue_jobs", "queue_job"),
            changed("DiskLow", "free_bytes", "bytes_free"), changed("Component", "component_up", "components_up"),
        ][n % 4],
        "wrong label name": [
            changed("Errors", "status=~", "code=~"), changed("FastQueue", "queue=", "name="), changed("RouteErrors", "status=", "http_status="),
        ][n % 3],
        "wrong label value": [
            changed("FastQueue", '"fast"', '"quick"'), changed("Errors", '{status=~"5.."}', '{status=~"5.."'+f',route="/{s}s"}}'),
            changed("Component", "_up", '_up{component="storage"}'),
        ][n % 3],
        "pattern is anchored": changed("Errors", '"5.."', '"5"'),
        "missing le": changed("Slow", "job, route, le", "job, route"),
        "histogram without _bucket": changed("Slow", "_bucket", ""),
        "rate of a gauge": [
            told("Queue", f"rate({s}_queue_jobs[5m]) > 500"), told("DiskLow", f"increase({s}_disk_free_bytes[1h]) < 5e9"),
        ][n % 2],
        "counter without rate": [
            told("Busy", f"sum by (job) ({r}) > 5000"), told("JobsFail", f"{s}_jobs_failed_total > 20"),
        ][n % 2],
        "range too short": [changed("Errors", "5m", "1s"), changed("Busy", "5m", "1s"), changed("Slow", "5m", "1s")][n % 3],
        "share of itself": told("Errors", f"sum by (job) (rate({r}[5m])) / sum by (job) (rate({r}[5m])) > 0.05"),
        "unit wrong by 1000": [
            changed("Slow", "1.5", "1500"), changed("MeanSlow", "0.8", "800"), changed("DiskLow", "5e9", "5e6"),
        ][n % 3],
        "percent for share": [
            changed("Errors", "0.05", "5"), changed("DiskFull", "0.1", "10"), changed("Pool", "0.9", "90"),
        ][n % 3],
        "per second posing as share": told("Errors", f'sum by (job) (rate({r}{{status=~"5.."}}[5m])) > 0.05'),
        "lost label in text": [
            changed("RouteErrors", "job, route", "job"), changed("Slow", "job, route, le", "job, le"),
            told("Queue", f"sum by (job) ({s}_queue_jobs) > 500"),
        ][n % 3],
        "can never cross": [
            told("Component", f"{s}_component_up < 0"), changed("Slow", "> 1.5", "> 3"), told("Component", f"{s}_component_up > 1"),
            told("Pool", f"clamp_max({s}_connections / {s}_connections_max, 0.8) > 0.9"),
        ][n % 4],
        "vanished series": told("Queue", f"{s}_{GONE} > 500"),
        "sides never match": [
            told("Errors", f'sum by (route) (rate({r}{{status=~"5.."}}[5m])) / sum by (job) (rate({r}[5m])) > 0.05'),
            told("DiskFull", f"{s}_disk_free_bytes / {s}_connections_max < 0.1"),
            told("ClientErrors", f'rate({r}{{status=~"4.."}}[5m]) / sum by (job, route) (rate({r}[5m])) > 0.5'),
        ][n % 3],
        "status left on one side": told("Errors", f'rate({r}{{status=~"5.."}}[5m]) / ignoring (status) rate({r}[5m]) > 0.05'),
        "grouped by what is not there": [
            told("RouteErrors", f'sum by (job, path) (rate({r}{{status=~"5.."}}[5m])) / sum by (job, path) (rate({r}[5m])) > 0.1'),
            told("QueueOfVersion", f"{s}_queue_jobs * on (job, instance) group_left (release) {s}_build_info > 800"),
        ][n % 2],
        "wrong way round": [changed("Errors", "> 0.05", "< 0.05"), changed("DiskFull", "< 0.1", "> 0.1"), changed("Queue", "> 500", "< 500")][n % 3],
        "comparison as a value": told("Errors", f"{right['Errors'][0].replace(' > ', ' > bool ')}"),
        "wrong job": told("Gone", f'absent(up{{job="{s}"}})') if n % 2 else changed("Busy", r, f'{r}{{job="{s}-api"}}'),
        "rate of a sum": told("Busy", f"rate(sum by (job) ({r})[5m:15s]) > 5000"),
        "duplicated": told("Pool", right["Pool"][0]),
        "threshold off by ten": [changed("Errors", "0.05", "0.5"), changed("DiskFull", "0.1", "0.01"), changed("Queue", "500", "50000")][n % 3],
    }  # fmt: skip


KINDS = tuple(_wrong("x", 0))


def corpus() -> tuple[list[Written], list[Written]]:
    """Wrong rules and right ones, about as many of each."""
    wrong, right = [], []
    for n, service in enumerate(SERVICES):
        for name, (expr, summary) in _right(service).items():
            right.append(Written(f"{service.title()}{name}", "", expr, summary, "0m" if name in ("Gone",) else "2m"))
        for kind, (_, expr, summary) in _wrong(service, n).items():
            name = f"{service.title()}Wrong{KINDS.index(kind)}"
            wrong.append(Written(name, kind, expr, summary))
            if kind == "duplicated":
                wrong.append(Written(name, kind, expr, summary))
    return wrong, right


def text(group: str, rules: list[Written]) -> str:
    """A rule file."""
    return "".join(_lines(group, rules))


def _lines(group: str, rules: list[Written]) -> Iterator[str]:
    yield f"groups:\n  - name: {group}\n    rules:\n"
    for rule in rules:
        yield (
            f"      - alert: {rule.name}\n        expr: '{rule.expr}'\n        for: {rule.lasting}\n        labels: {{severity: page}}\n"
            f"        annotations:\n          summary: '{rule.summary}'\n          description: '{rule.summary} Look at its log.'\n"
            f"          runbook_url: https://runbooks.example/{rule.name}\n"
        )
