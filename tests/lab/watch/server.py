"""A real Prometheus that scrapes our exporter, and the profile that declares it."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..ports import free_port
from .exporter import Exporter
from .programs import WatchError, get, process, until

__all__ = ["METRICS", "RULES", "Watch", "watch"]

METRICS = """\
# HELP app_http_requests_total Requests answered, by status.
# TYPE app_http_requests_total counter
app_http_requests_total{method="GET",route="/notes",status="200"} 40000 +40
app_http_requests_total{method="POST",route="/notes",status="201"} 9000 +9
app_http_requests_total{method="GET",route="/notes",status="500"} 12 +0.1
# HELP app_http_request_duration_seconds Time to answer.
# TYPE app_http_request_duration_seconds histogram
app_http_request_duration_seconds_bucket{route="/notes",le="0.05"} 44000 +45
app_http_request_duration_seconds_bucket{route="/notes",le="0.25"} 48000 +48
app_http_request_duration_seconds_bucket{route="/notes",le="1"} 49000 +49
app_http_request_duration_seconds_bucket{route="/notes",le="+Inf"} 49012 +49.1
app_http_request_duration_seconds_sum{route="/notes"} 2000 +2
app_http_request_duration_seconds_count{route="/notes"} 49012 +49.1
# HELP app_queue_jobs Jobs that wait.
# TYPE app_queue_jobs gauge
app_queue_jobs{queue="mail"} 3 +0.01
app_queue_jobs{queue="thumbnails"} 7 +0.02
# HELP app_component_up Whether a component answers: 1, or 0.
# TYPE app_component_up gauge
app_component_up{component="store"} 1
app_component_up{component="cache"} 1
# HELP app_disk_free_bytes Space left.
# TYPE app_disk_free_bytes gauge
app_disk_free_bytes{mount="/data"} 9000000000 +1000
# HELP app_backup_last_success_timestamp_seconds When the last backup ended well.
# TYPE app_backup_last_success_timestamp_seconds gauge
app_backup_last_success_timestamp_seconds 1795250000 +1
# HELP process_start_time_seconds When the process started.
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1795250000
"""
"""A service as there are many."""

RULES = """\
groups:
  - name: app
    rules:
      - record: route:app_http_requests:rate1m
        expr: sum by (job, route) (rate(app_http_requests_total[1m]))

      - alert: AppDown
        expr: up{job="app"} == 0 or absent(up{job="app"})
        for: 1m
        labels: {severity: page}
        annotations:
          summary: The app can't be scraped.
          description: Its process is gone, hangs, or can't be reached.
          runbook_url: https://runbooks.example/app-down

      - alert: AppErrors
        expr: |
          sum by (job, route) (rate(app_http_requests_total{job="app",status=~"5.."}[1m]))
            / sum by (job, route) (rate(app_http_requests_total{job="app"}[1m])) > 0.05
        for: 2m
        labels: {severity: page}
        annotations:
          summary: "{{ $value | humanizePercentage }} of the requests to {{ $labels.route }} fail."
          description: More than 5% of the requests fail. Look at the log, by level error.
          runbook_url: https://runbooks.example/app-errors

      - alert: AppSlow
        expr: |
          histogram_quantile(0.95,
            sum by (job, route, le) (rate(app_http_request_duration_seconds_bucket{job="app"}[1m]))
          ) > 0.5
        for: 5m
        labels: {severity: ticket}
        annotations:
          summary: "One request in twenty to {{ $labels.route }} takes {{ $value | humanizeDuration }} or more."
          description: The 95th percentile is above 500ms. Compare the disk and the rate of requests.
          runbook_url: https://runbooks.example/app-slow

      - alert: AppQueueLong
        expr: app_queue_jobs{job="app"} > 1000
        for: 10m
        labels: {severity: ticket}
        annotations:
          summary: "{{ $value }} jobs wait in {{ $labels.queue }}."
          description: More than 1000 jobs wait. Look at the workers.
          runbook_url: https://runbooks.example/app-queue

      - alert: AppComponentLost
        expr: app_component_up{job="app"} == 0
        for: 1m
        labels: {severity: page}
        annotations:
          summary: "The app has lost its {{ $labels.component }}."
          description: It serves no traffic that needs it.
          runbook_url: https://runbooks.example/app-component
"""
"""Rules about it that are right."""


class Watch:
    """A running Prometheus, what it scrapes, and whom it tells."""

    def __init__(self, folder: Path, exporter: Exporter, port: int) -> None:
        """Put it into a folder; `watch` starts it."""
        self.folder, self.exporter = folder, exporter
        self.prometheus = f"http://127.0.0.1:{port}"
        self.alertmanager = ""
        """Its URL; empty when there is none."""
        self.names: list[str] = []
        """The rule files."""
        self.config: dict[str, Any] = {}
        """Changes to the configuration of Prometheus, by top-level key."""
        self.child: subprocess.Popen[bytes] | None = None
        self.manager: subprocess.Popen[bytes] | None = None

    # --- what it is made of ---------------------------------------------------------------------------------------

    def write(self, rules: Mapping[str, str]) -> None:
        """Write rule files, these and no others."""
        for name in set(self.names) - set(rules):
            (self.folder / name).unlink(missing_ok=True)
        for name, text in rules.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        self.names = list(rules)
        config: dict[str, Any] = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s", "scrape_timeout": "1s"},
            "rule_files": [str(self.folder / name) for name in self.names],
            "scrape_configs": [
                {"job_name": "app", "static_configs": [{"targets": [f"127.0.0.1:{self.exporter.port}"]}]}
            ],
        }
        if self.alertmanager:
            address = urllib.parse.urlsplit(self.alertmanager).netloc
            config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [address]}]}]}
        (self.folder / "prometheus.yml").write_text(json.dumps(config | self.config, indent=1))

    def profile(self, name: str = "watch.yaml", top: Mapping[str, Any] | None = None, **alerts: Any) -> Path:
        """Write a profile of it.

        Args:
            name: of the file, beside the rule files.
            top: keys beside `alerts`, such as `slos`.
            alerts: keys of `alerts`, instead of or beside those that are there; None takes one away.
        """
        declared: dict[str, Any] = {"files": self.names or None, "prometheus": {"url": self.prometheus}}
        if self.alertmanager:
            declared["alertmanager"] = {"url": self.alertmanager}
        declared = {key: value for key, value in (declared | alerts).items() if value is not None}
        profile = {
            "profile": "watch",
            "environment": "test",
            "target": {"driver": "http"},
            "services": {"api": {"url": self.exporter.url, "metrics": {}}},
            "alerts": declared,
        }
        (self.folder / name).write_text(json.dumps(profile | dict(top or {}), indent=1))
        return self.folder / name

    # --- its series -----------------------------------------------------------------------------------------------

    def set(self, metric: str, labels: dict[str, str], value: float) -> None:
        """Give one series a value."""
        self.exporter.set(metric, labels, value)

    def inc(self, metric: str, labels: dict[str, str], by: float = 1.0) -> None:
        """Count."""
        self.exporter.inc(metric, labels, by)

    def grow(self, metric: str, labels: dict[str, str], rate: float) -> None:
        """Let one series grow by so much a second."""
        self.exporter.grow(metric, labels, rate)

    def scraped(self, times: int = 2) -> None:
        """Wait until the exporter was scraped again so often."""
        wanted = self.exporter.scrapes + times
        until(lambda: self.exporter.scrapes >= wanted, 20, "scrapes", self.child, self.log)

    # --- asking it ------------------------------------------------------------------------------------------------

    @property
    def log(self) -> Path:
        """What Prometheus printed."""
        return self.folder / "prometheus.log"

    def api(self, path: str, **params: str) -> Any:
        """The data of an answer of its API."""
        query = "?" + urllib.parse.urlencode(params) if params else ""
        answer = get(f"{self.prometheus}/api/v1/{path}{query}")
        if not isinstance(answer, dict) or answer.get("status") != "success":
            raise WatchError(f"{path}{query} gave no data: {answer}")
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What an expression gives now."""
        return list(self.api("query", query=expression)["result"])

    def loaded(self) -> list[dict[str, Any]]:
        """The rules it has loaded."""
        return [rule for group in self.api("rules")["groups"] for rule in group["rules"]]

    def until(self, holds: Any, within: float = 20.0, what: str = "it") -> None:
        """Wait until something holds."""
        until(holds, within, what, self.child, self.log)

    # --- changing it ----------------------------------------------------------------------------------------------

    def reload(self, rules: Mapping[str, str] | None = None, config: Mapping[str, Any] | None = None) -> bool:
        """Have it read other rules or another configuration, and wait until they were evaluated.

        Returns:
            whether it took them: it keeps what it has when one file is wrong.
        """
        assert self.child is not None
        if config is not None:
            self.config = dict(config)
        files = {name: (self.folder / name).read_text() for name in self.names} if rules is None else rules
        before = self.log.stat().st_size
        self.write(files)
        self.child.send_signal(signal.SIGHUP)
        told = b""

        def ended() -> bool:
            nonlocal told
            with self.log.open("rb") as log:
                log.seek(before)
                told = log.read()
            return b"Completed loading of configuration file" in told or b"Error reloading config" in told

        until(ended, 20, "the reload", self.child, self.log)
        if b"Error reloading config" in told:
            return False
        self._evaluated()
        self._tells()
        return True

    def _tells(self) -> None:
        """Wait until it knows its Alertmanager, which every reload makes it forget for up to five seconds."""
        if self.alertmanager and "alerting" not in self.config:
            self.until(
                lambda: self.api("alertmanagers")["activeAlertmanagers"] != [], 20, "it to find the Alertmanager"
            )

    def _evaluated(self) -> None:
        """Wait until every rule was evaluated that is so every second or two."""
        began = time.time()

        def all_were() -> bool:
            groups = self.api("rules")["groups"]
            return all(
                rule["health"] != "unknown" or group["interval"] > 2 or time.time() - began > 5
                for group in groups
                for rule in group["rules"]
            )

        until(all_were, 20, "rules to be evaluated", self.child, self.log)


@contextlib.contextmanager
def watch(
    folder: Path,
    rules: Mapping[str, str] | str = RULES,
    metrics: str = METRICS,
    *,
    alertmanager: Mapping[str, Any] | str | None = None,
    config: Mapping[str, Any] | None = None,
    scraped: bool = True,
    history: float = 0.0,
) -> Iterator[Watch]:
    """A Prometheus that scrapes an exporter every second and evaluates these rules.

    Args:
        folder: empty, or not there yet; everything lies in it.
        rules: names and texts of rule files; a text alone is `rules.yaml`.
        metrics: what is scraped, see `Exporter`.
        alertmanager: its configuration as a mapping or as text; it is started and sent to. None: there is none.
        config: changes to the configuration of Prometheus, by top-level key.
        scraped: wait for the first scrapes, which takes five seconds.
        history: seconds of scrapes, one each 15, that it has seen before, with the series as they grow.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with contextlib.ExitStack() as stack:
        exporter = Exporter(metrics)
        stack.callback(exporter.close)
        up = Watch(folder, exporter, port)
        up.config = dict(config or {})
        if alertmanager is not None:
            up.manager, up.alertmanager = stack.enter_context(_alertmanager(folder, alertmanager))
        up.write({"rules.yaml": rules} if isinstance(rules, str) else rules)
        if history:
            _remember(up, history)
        # Off: the pages of blocks and the like are written at the end for nothing.
        up.child = stack.enter_context(
            process(
                up.log, "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=1d",
                "--scrape.discovery-reload-interval=100ms", port=port,
            )
        )  # fmt: skip
        up.until(lambda: get(f"{up.prometheus}/api/v1/status/runtimeinfo") is not None, 20, "Prometheus to be ready")
        up._evaluated()
        if scraped:
            # Two: a rate needs them.
            up.until(lambda: exporter.scrapes >= 2 or "scrape_configs" in up.config, 20, "the first scrapes")
            up.until(
                lambda: all(target["health"] != "unknown" for target in up.api("targets")["activeTargets"]),
                20,
                "targets",
            )
            up._tells()
        yield up


@contextlib.contextmanager
def _alertmanager(folder: Path, config: Mapping[str, Any] | str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    text = config if isinstance(config, str) else json.dumps(config, indent=1)
    (folder / "alertmanager.yml").write_text(text)
    # No cluster: it would listen on every address, and wait for others before it sends.
    with process(
        folder / "alertmanager.log", "prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/alertmanager", f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=", port=port,
    ) as child:  # fmt: skip
        url = f"http://127.0.0.1:{port}"
        until(lambda: get(f"{url}/api/v2/status") is not None, 20, "Alertmanager", child, folder / "alertmanager.log")
        yield child, url


def _remember(up: Watch, seconds: float) -> None:
    """Write what would have been scraped before, so that questions about a time have an answer at once."""
    promtool = shutil.which("promtool")
    if promtool is None:
        raise WatchError("no promtool on PATH")
    instance, now = f"127.0.0.1:{up.exporter.port}", time.time()
    times = [now - step * 15 for step in range(int(seconds // 15), 0, -1)]
    target = (("instance", instance), ("job", "app"))
    lines = [f'up{{instance="{instance}",job="app"}} 1 {at:.3f}' for at in times]
    for (name, labels), series in up.exporter.series.items():
        named = ",".join(f'{label}="{text}"' for label, text in (*labels, *target))
        lines += [f"{name}{{{named}}} {max(series.value - series.rate * (now - at), 0.0)!r} {at:.3f}" for at in times]
    (up.folder / "history.txt").write_text("\n".join(lines) + "\n# EOF\n")
    done = subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", "-q", up.folder / "history.txt", up.folder / "data"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode:
        raise WatchError(f"no history: {done.stderr[-1000:]}")
