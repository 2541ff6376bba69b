"""Each metrics requirement on a live service: green where all is right, and red alone where just that is wrong."""

from __future__ import annotations

import contextlib
import http.server
import json
import random
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import suites
from seatrial.catalogue import catalogue
from seatrial.facts.expositions_parsing import parse
from tests.integration.defects import Defect, defects_of, metrics
from tests.integration.defects.metrics import Service, running
from tests.integration.runs import Run
from tests.specimens.metrics import OPENMETRICS
from tests.unit.test_expositions import changed

pytestmark = pytest.mark.integration

DEFECTS = defects_of(metrics)
REQUIREMENTS = {requirement.id: requirement for requirement, _ in catalogue(suites) if requirement.area == "metrics"}


class Metrics(Run):
    """A run of the area."""

    area = "metrics"


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as up:
        yield up


def test_every_requirement_is_shown_red() -> None:
    assert {id for defect in DEFECTS for id in defect.turns_red} == set(REQUIREMENTS)


def test_what_conforms_is_green_and_all_of_it_was_looked_at(service: Service, tmp_path: Path) -> None:
    run = Metrics(service.profile(tmp_path), tmp_path)
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert run.ids("pass") == sorted(REQUIREMENTS)


@pytest.mark.parametrize("defect", DEFECTS, ids=[defect.name for defect in DEFECTS])
def test_exactly_its_requirement_turns_red(defect: Defect, service: Service, tmp_path: Path) -> None:
    defect.make(service)
    run = Metrics(service.profile(tmp_path), tmp_path)
    binding = REQUIREMENTS[defect.turns_red[0]].level.binding
    assert run.ids("violation" if binding else "advisory") == sorted(defect.turns_red), run.text
    assert run.ids("advisory" if binding else "violation") == []
    assert run.ids("error") == sorted(defect.hides)


@pytest.mark.parametrize("name", ["calls_that_are_counted_twice", "single_page_application", "users_as_labels"])
def test_its_facts_give_the_same_verdicts(name: str, service: Service, tmp_path: Path) -> None:
    (defect,) = (defect for defect in DEFECTS if defect.name == name)
    defect.make(service)
    run = Metrics(service.profile(tmp_path), tmp_path)
    replayed = Metrics(tmp_path / "small.yaml", tmp_path, f"--facts={run.folder}")
    assert replayed.told() == run.told()


# --- the canary -------------------------------------------------------------------------------------------------------


def test_a_canary_that_writes_is_not_run_by_an_audit_and_what_it_would_have_shown_is_undecided(
    service: Service, tmp_path: Path
) -> None:
    service.canary = {"post": "/notes/canary", "body": {"text": "ahoy"}}
    run = Metrics(service.profile(tmp_path), tmp_path)
    assert run.ids("violation", "advisory") == []
    assert run.ids("error") == ["MET-007"]
    assert "no notes_opened_total yet, and the canary was not run: http POST needs tier write" in run.text
    assert service.posted == []


@pytest.mark.parametrize("reads", [True, False], ids=["that-only-reads", "that-writes-in-a-gate"])
def test_a_canary_is_run_where_it_may_be(reads: bool, service: Service, tmp_path: Path) -> None:
    service.canary = {"post": "/notes/canary", "body": {"text": "ahoy"}, "only_reads": reads}
    run = Metrics(service.profile(tmp_path), tmp_path, mode="audit" if reads else "gate")
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert service.posted == [b'{"text": "ahoy"}']


def test_without_a_canary_a_metric_that_is_not_there_is_a_violation(service: Service, tmp_path: Path) -> None:
    service.canary = None
    assert Metrics(service.profile(tmp_path), tmp_path).ids("violation") == ["MET-007"]


# --- others at the same time ------------------------------------------------------------------------------------------


def test_other_traffic_is_no_verdict_on_a_counter(service: Service, tmp_path: Path) -> None:
    """As many others as in production; and none of it keeps the rest from being judged."""
    chance = random.Random(4711)
    expose = service.exposed

    def busy(accept: str) -> tuple[int, str, bytes]:
        for _ in range(chance.randrange(1, 9)):
            service.count("/notes/{id}", "200")
        return expose(accept)

    service.metrics = busy
    run = Metrics(service.profile(tmp_path), tmp_path)
    assert run.ids("violation", "advisory") == []
    assert run.ids("error") == ["MET-010"]
    assert "calls_total also moves while nothing of ours is called" in run.text


def test_a_counter_that_counts_scrapes_as_well_still_counts_calls(service: Service, tmp_path: Path) -> None:
    expose = service.exposed

    def counted(accept: str) -> tuple[int, str, bytes]:
        told = expose(accept)
        service.count("/metrics", "200")
        return told

    service.metrics = counted
    service.declared["counts"] = [{"metric": "calls_total", "get": "/notes/welcome", "times": 5}]
    assert Metrics(service.profile(tmp_path), tmp_path).ids("violation", "error") == []


def test_a_counter_that_lags_behind_is_waited_for(service: Service, tmp_path: Path) -> None:
    count = service.count
    service.count = lambda route, status: threading.Timer(0.4, count, (route, status)).start()
    assert Metrics(service.profile(tmp_path), tmp_path).ids("violation", "error") == []


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_no_label_value_is_in_any_file(service: Service, tmp_path: Path) -> None:
    word = "correct-horse-battery-staple-4711"
    service.calls.labels(word, f"jo@{word}.example").inc()
    service.declared["max_label_values"] = 1
    run = Metrics(service.profile(tmp_path), tmp_path, "-l", "-vv")
    assert run.ids("violation", "advisory") == ["MET-011", "MET-014"]
    assert word not in run.text
    assert all(word not in file.read_text() for file in run.folder.rglob("*") if file.is_file())


def test_a_service_that_is_gone_is_told_once(service: Service, tmp_path: Path) -> None:
    service.server.server_close()
    run = Metrics(service.profile(tmp_path), tmp_path)
    assert run.ids("violation") == ["MET-001"]
    assert run.ids("error") == sorted(set(REQUIREMENTS) - {"MET-001"})


# --- real servers -----------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def server(*command: str, port: int) -> Iterator[None]:
    """A program that serves on a port of loopback, up."""
    program = shutil.which(command[0])
    if program is None:
        pytest.skip(f"no {command[0]} on PATH")
    with subprocess.Popen([program, *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            end = time.monotonic() + 30
            while not answers(port) and time.monotonic() < end:
                assert child.poll() is None
                time.sleep(0.1)
            yield
        finally:
            child.terminate()
            child.wait(20)


def scraped(port: int, folder: Path, **declared: Any) -> Metrics:
    service = {"url": f"http://127.0.0.1:{port}", "metrics": declared}
    text = {"profile": "real", "environment": "test", "target": {"driver": "http"}, "services": {"api": service}}
    (folder / "real.yaml").write_text(json.dumps(text))
    return Metrics(folder / "real.yaml", folder)


def prometheus(folder: Path, port: int, jobs: list[dict[str, Any]]) -> contextlib.AbstractContextManager[None]:
    (folder / "prometheus.yml").write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}))
    return server(
        "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", port=port,
    )  # fmt: skip


def test_prometheus_itself_keeps_every_requirement(tmp_path: Path) -> None:
    port = free_port()
    with prometheus(tmp_path, port, []):
        run = scraped(
            port,
            tmp_path,
            required={
                "prometheus_build_info": {"type": "info", "labels": ["version"]},
                "prometheus_http_request_duration_seconds": {"type": "histogram", "labels": ["handler"]},
                "go_gc_duration_seconds": {"type": "summary"},
            },
            counts=[{
                "metric": "prometheus_http_requests_total",
                "labels": {"handler": "/api/v1/query", "code": "200"},
                "get": "/api/v1/query?query=up",
            }],
        )  # fmt: skip
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert set(run.ids("pass")) == set(REQUIREMENTS) - {"MET-011", "MET-012"}


def test_node_exporter_breaks_no_promise(tmp_path: Path) -> None:
    """It has names of the kernel's own, which are advice."""
    port = free_port()
    with server("prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}", port=port):
        run = scraped(port, tmp_path, required=["node_cpu_seconds_total", "node_filesystem_avail_bytes"])
    assert run.ids("violation", "error") == [], run.text
    assert set(run.ids("advisory")) <= {"MET-019", "MET-020"}


def test_openmetrics_is_refused_where_prometheus_refuses_it(tmp_path: Path) -> None:
    """Texts changed at random, each scraped by a real Prometheus. Of 1,200 that were tried at the end it judged all so."""
    chance = random.Random(4711)
    texts = [OPENMETRICS, *(changed(chance, OPENMETRICS) for _ in range(59))]

    class Texts(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(texts[int(self.path[1:])].encode())

        def log_message(self, *_: Any) -> None:
            """Quietly."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Texts) as target:
        thread = threading.Thread(target=target.serve_forever, daemon=True)
        thread.start()
        where = [{"targets": [f"127.0.0.1:{target.server_port}"]}]
        jobs = [{"job_name": f"{n}", "metrics_path": f"/{n}", "static_configs": where} for n in range(len(texts))]
        port = free_port()
        with prometheus(tmp_path, port, jobs):
            health = targets(port)
        target.shutdown()
    refused = [n for n, text in enumerate(texts) if any(f.kind == "syntax" for f in parse(text, "openmetrics").faults)]
    assert len(health) == len(texts)
    assert set(health.values()) == {"up", "down"}
    assert refused == sorted(n for n, state in health.items() if state == "down")


def targets(port: int) -> dict[int, str]:
    """By number, what Prometheus says of each target once it has scraped all of them."""
    end = time.monotonic() + 60
    found: dict[int, str] = {}
    while (not found or "unknown" in found.values()) and time.monotonic() < end:
        time.sleep(0.5)
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/targets") as answer:
            active = json.load(answer)["data"]["activeTargets"]
            found = {int(one["labels"]["job"]): one["health"] for one in active}
    return found
