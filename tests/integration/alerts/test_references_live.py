"""What rules refer to, asked of a real Prometheus: each file of rules is wrong in one way, and exactly that turns red."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import suites
from seatrial.catalogue import catalogue
from tests.integration.runs import Run
from tests.lab.ports import free_port
from tests.lab.watch import METRICS, RULES, Watch, process, watch

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="no prometheus on PATH"),
]

IDS = sorted(r.id for r, _ in catalogue(suites) if r.noun == "references")
MORE = """\
app_gone_jobs 4
# HELP app_failures_total Failures; the first one makes the series.
# TYPE app_failures_total counter
# HELP app_pool_limit_jobs How many jobs a pool takes.
# TYPE app_pool_limit_jobs gauge
app_pool_limit_jobs{pool="mail"} 10
# HELP app_saved_timestamp When the last note was saved.
# TYPE app_saved_timestamp gauge
app_saved_timestamp 1795250000000 +1000
"""
RATES = 'sum by (job) (rate(app_http_requests_total{job="app"}[5m]))'
QUANTILE = "histogram_quantile(0.95, sum by (job, le) (rate(app_http_request_duration_seconds_bucket[5m])))"
RIGHT = {
    "share": f'sum by (job) (rate(app_http_requests_total{{job="app",status=~"5..",route!~"/notes/.+|/other"}}[5m])) / {RATES} > 0.05',
    "never-had": 'sum by (route) (rate(app_http_requests_total{status="503"}[5m])) > 1',
    "quantile": f"{QUANTILE} > 0.5",
    "first-event": "increase(app_failures_total[5m]) > 0",
    "guarded": "(sum(rate(app_nothing_total[5m])) or vector(0)) > 5",
    "vanishing": 'app_queue_jobs{job="app"} > 1000 or absent(app_queue_jobs{job="app"})',
    "mixin": 'max by (cluster, namespace, job, queue) (app_queue_jobs{cluster=""}) > 1000',
    "joined": 'app_queue_jobs * on (job, instance) group_left () app_component_up{component="store"} > 1000',
    "free": "predict_linear(app_disk_free_bytes[30m], 4 * 3600) < 0",
    "backup": "time() - app_backup_last_success_timestamp_seconds > 1e9",
    "restarts": "changes(process_start_time_seconds[15m]) > 3",
    "known": "count by (component) (app_component_up == 0) > 0",
    "recorded": "route:app_http_requests:rate1m > 1e6",
    "watchdog": "vector(1)",
}
NODE = {
    "disk-full": (
        'predict_linear(node_filesystem_avail_bytes{job="node",fstype!="",mountpoint!=""}[6h], 86400) < 0 and '
        'node_filesystem_readonly{job="node",fstype!="",mountpoint!=""} == 0'
    ),
    "inodes": (
        'node_filesystem_files_free{job="node",fstype!~"tmpfs|overlay|squashfs"} '
        '/ node_filesystem_files{job="node",fstype!~"tmpfs|overlay|squashfs"} * 100 < 0.001'
    ),
    "network": "rate(node_network_receive_errs_total[2m]) / rate(node_network_receive_packets_total[2m]) > 10",
    "load": 'node_load1{job="node"} / count without (cpu, mode) (node_cpu_seconds_total{job="node",mode="idle"}) > 900',
    "memory": (
        '1 - (node_memory_MemAvailable_bytes{job="node"} or (node_memory_Buffers_bytes + node_memory_Cached_bytes)) '
        '/ node_memory_MemTotal_bytes{job="node"} > 1.5'
    ),
    "descriptors": 'node_filefd_allocated{job="node"} * 100 / node_filefd_maximum{job="node"} > 150',
    "clock": "max by (job) (node_time_seconds - on (instance, job) timestamp(node_time_seconds)) > 3600",
    "interfaces": 'node_network_mtu_bytes > 1e9 and on (device, instance) node_network_info{device!~"veth.+|lo"}',
    "jobs": "100 * (count by (job, namespace, service) (up == 0) / count by (job, namespace, service) (up)) > 10",
    "most": "topk(3, sum by (job) (scrape_samples_scraped)) > 1e9",
    "flapping": "changes(up[10m]) > 500",
    "versions": "count(count by (version) (node_exporter_build_info)) > 2",
    "moved": 'label_replace(node_load1, "host", "$1", "instance", "(.*):.*") > 9000 unless on (host) absent(node_load5)',
    "yesterday": "node_memory_MemFree_bytes < 0.0001 * (node_memory_MemFree_bytes offset 1d)",
}
"""Rules as there are many, about an exporter that is not ours."""
WRONG = {
    "name": ("ALR-020", 'rate(app_http_request_total{job="app"}[5m]) > 100'),
    "label": ("ALR-021", 'rate(app_http_requests_total{code="500"}[5m]) > 100'),
    "value": ("ALR-022", 'app_queue_jobs{queue="mails"} > 1000'),
    "left-out": ("ALR-022", 'app_queue_jobs{queue!="males"} > 1000'),
    "class": ("ALR-022", 'rate(app_http_requests_total{status=~"5xx"}[5m]) > 100'),
    "vanished": ("ALR-023", "app_gone_jobs > 10"),
    "grouping": ("ALR-024", "sum by (job, instance, paths) (rate(app_http_requests_total[5m])) > 1000"),
    "job": ("ALR-025", 'up{job="apps"} == 0'),
    "bound": ("ALR-025", 'rate(app_http_request_duration_seconds_bucket{le="0.5"}[5m]) > 1000'),
    "apart": ("ALR-026", "app_queue_jobs / app_pool_limit_jobs > 100"),
    "state": ("ALR-027", "app_component_up == 2"),
    "milliseconds": ("ALR-027", "time() - app_saved_timestamp > 3600"),
    "firing": ("ALR-028", "app_queue_jobs > 1"),
    "unrecorded": ("ALR-029", "route:app_http_requests:rate5m > 1e6"),
}
SEEN = {
    "name": "(expected `app_http_requests_total`, which is there)",
    "label": '`code="500"`: no series of `app_http_requests_total` has a label code',
    "value": '(expected "mail", which was seen)',
    "left-out": '`queue!="males"` leaves nothing out',
    "class": '`status=~"5xx"`: no series of `app_http_requests_total` has had such a value of status',
    "vanished": "`app_gone_jobs` has vanished: there were 1 series until",
    "grouping": "`by (job, instance, paths)`: no series of `app_http_requests_total` has a label paths",
    "job": '`job="apps"`: no series of `up` has had such a value of job',
    "bound": '`le="0.5"`: no series of `app_http_request_duration_seconds_bucket` has had such a value of le',
    "apart": "they are matched by instance, job, queue on the left, and by instance, job, pool on the right (expected `/ on (instance, job)`",
    "state": "`app_component_up == 2` never holds: `app_component_up` is 0 or 1",
    "milliseconds": "so that the time is kept in milliseconds",
    "firing": "it is true now, with 2 series",
    "unrecorded": "(expected `route:app_http_requests:rate1m`, which is recorded)",
}


def _file(rules: dict[str, str]) -> str:
    """A file with a group of one alert for each expression."""
    return "groups:\n" + "".join(
        f"  - name: {name}\n    rules:\n      - alert: {name.title().replace('-', '')}\n        for: 5s\n"
        f"        expr: {_quoted(expression)}\n        labels: {{severity: ticket}}\n"
        "        annotations: {summary: It is so., description: Look at it., runbook_url: 'https://runbooks.example/it'}\n"
        for name, expression in rules.items()
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class References(Run):
    """A run of all there is about alerts."""

    area = "alerts"

    def red(self) -> dict[str, set[str]]:
        """By rule file, every violation, and what else our requirements say."""
        found: dict[str, set[str]] = {}
        for one in self.results:
            if one["outcome"] == "violation" or (one["outcome"] in ("advisory", "error") and one["id"] in IDS):
                found.setdefault(one["subject"].partition(".")[0], set()).add(one["id"])
        return found

    def said(self, file: str, id: str) -> str:
        """What was seen of one file by one requirement."""
        (one,) = (r for r in self.results if r["id"] == id and r["subject"].startswith(f"{file}."))
        return f"{one['seen']} {one['reason']}"


class Own(References):
    """The same of ours alone, which takes less time."""

    area = "alerts/test_references.py"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    files = {"rules.yaml": RULES, "right.yaml": _file(RIGHT)}
    files |= {f"{name}.yaml": _file({name: expression}) for name, (_, expression) in WRONG.items()}
    node = shutil.which("prometheus-node-exporter")
    files |= {"machine.yaml": _file(NODE)} if node else {}
    folder, port = tmp_path_factory.mktemp("watch"), free_port()
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(watch(folder / "w", files, METRICS + MORE, history=3600))
        running.exporter.drop("app_gone_jobs")
        if node:
            listen = f"--web.listen-address=127.0.0.1:{port}"
            stack.enter_context(process(folder / "node.log", "prometheus-node-exporter", listen, port=port))
            targets = {"app": running.exporter.port, "node": port}
            assert running.reload(config={"scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{at}"]}]} for job, at in targets.items()
            ]})  # fmt: skip
            running.until(lambda: running.query("rate(node_cpu_seconds_total[2m])"), what="the exporter of the machine")
        running.scraped()
        yield running


@pytest.fixture(scope="module")
def run(up: Watch, tmp_path_factory: pytest.TempPathFactory) -> References:
    for attempt in range(3):
        found = References(up.profile(), tmp_path_factory.mktemp("reports"))
        # On a busy machine a scrape of the lab's may take more than its second: then there really is nothing for a moment.
        if attempt == 2 or not up.query("min_over_time(up[2m]) == 0"):
            break
        up.until(
            lambda: not up.query("min_over_time(up[1m]) == 0"), within=120, what="a minute without a failed scrape"
        )
    return found


def test_every_requirement_is_shown_red() -> None:
    assert sorted({id for id, _ in WRONG.values()}) == IDS
    assert sorted(SEEN) == sorted(WRONG)


@pytest.mark.parametrize("file", ["rules", "right"])
def test_rules_that_are_right_are_green(file: str, run: References) -> None:
    assert run.red().get(file) is None, run.text


@pytest.mark.skipif(shutil.which("prometheus-node-exporter") is None, reason="no prometheus-node-exporter on PATH")
def test_rules_about_a_machine_are_green(run: References) -> None:
    assert run.red().get("machine", set()) & set(IDS) == set(), run.text


@pytest.mark.parametrize("name", WRONG)
def test_exactly_its_requirement_turns_red(name: str, run: References) -> None:
    assert run.red().get(name) == {WRONG[name][0]}, run.text
    assert SEEN[name] in run.said(name, WRONG[name][0])


def test_its_facts_give_the_same_verdicts(up: Watch, run: References, tmp_path: Path) -> None:
    again = Own(up.folder / "watch.yaml", tmp_path, f"--facts={run.folder}").told()
    assert {key: told for key, told in again.items() if key[0] in IDS} == {
        key: told for key, told in run.told().items() if key[0] in IDS
    }


def test_rules_that_a_server_has_loaded_are_judged_alike(up: Watch, tmp_path: Path) -> None:
    """Where no file is declared, the rules are the server's, and have no lines."""
    found = Own(up.profile("loaded.yaml", files=None), tmp_path)
    told = {id: " ".join(r["seen"]) for r in found.results if (id := r["id"]) in IDS and r["outcome"] != "pass"}
    assert sorted(told) == IDS, found.text
    assert {name for name, (id, _) in WRONG.items() if f" {name}/" not in told[id]} == set()
    assert {name for name in RIGHT if any(f" {name}/" in text for text in told.values())} == set()


def test_without_a_prometheus_the_expositions_decide_what_they_can(up: Watch, tmp_path: Path) -> None:
    """Labels that scraping adds, and what was an hour ago, are not known then, and nothing is said of them."""
    files = [f"{name}.yaml" for name in ("rules", "right", *WRONG)]
    found = Own(up.profile("exposed.yaml", prometheus=None, files=files), tmp_path)
    live = {"job", "apart", "firing", "vanished", "milliseconds"}  # what only a server knows
    wanted = {name: {id} for name, (id, _) in WRONG.items() if name not in live}
    wanted |= {"vanished": {"ALR-020"}}  # it is there no more, and nothing tells that it ever was
    assert found.red() == wanted, found.text


def test_a_server_that_hangs_is_an_error_and_no_verdict(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        (tmp_path / "rules.yaml").write_text(_file({"one": "up == 0"}))
        profile = tmp_path / "profile.yaml"
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        profile.write_text(
            "profile: hung\nenvironment: test\ntarget: {driver: http}\n"
            f"services: {{api: {{url: '{address}'}}}}\n"
            f"alerts: {{files: [rules.yaml], prometheus: {{url: '{address}', timeout: 500ms}}}}\n"
        )
        began = time.monotonic()
        found = Own(profile, tmp_path)
    assert {one["outcome"] for one in found.results if one["id"] in IDS} == {"error"}
    assert time.monotonic() - began < 40
