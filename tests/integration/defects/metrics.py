"""A small service that counts its calls with prometheus_client, on real sockets, and each way in which that can be wrong."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, Summary
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from tests.integration.defects import defect

__all__ = ["Service", "running"]

ALL = [f"MET-{number:03}" for number in range(1, 24)]
NOTES = {"route": "/notes/{id}", "status": "200"}


class Made:
    """A collector that tells what a function gives, whenever it is asked: nothing checks it."""

    def __init__(self, make: Callable[[], Iterable[Metric]]) -> None:
        self.collect = make


class Service:
    """An HTTP service: what it counts, how it is exposed, and what its profile declares."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self.calls = Counter("calls", "Calls answered.", ["route", "status"], registry=self.registry)
        self.seconds: Any = Histogram("call_seconds", "Time to answer.", buckets=(0.1, 1), registry=self.registry)
        self.busy = Gauge("calls_now", "Calls being answered.", ["worker"], registry=self.registry)
        self.busy.labels("main").set(0)
        self.opened = Counter("notes_opened", "Notes that were opened, by kind.", ["kind"], registry=self.registry)
        Info("build", "What runs.", registry=self.registry).info({"version": "1.4.2"})
        self.process = ProcessCollector(registry=self.registry)
        self.route = lambda path: "/notes/{id}" if path.startswith("/notes/") else "other"
        self.count: Callable[[str, str], None] = lambda route, status: self.calls.labels(route, status).inc()
        self.metrics: Callable[[str], tuple[int, str, bytes]] = self.exposed
        self.everywhere = False
        self.posted: list[bytes] = []
        self.declared: dict[str, Any] = {
            "required": {
                "calls_total": {"type": "counter", "labels": ["route", "status"]},
                "call_seconds": {"type": "histogram"},
                "calls_now": {"type": "gauge", "labels": ["worker"]},
                "build_info": {"type": "info", "labels": ["version"]},
                # Only once a canary is opened is there a series of it.
                "notes_opened_total": {"labels": ["kind"]},
            },
            "counts": [{"metric": "calls_total", "labels": NOTES, "get": "/notes/welcome"}],
            "timeout": "2s",
            "max_label_values": 20,
            "max_series": 50,
        }
        self.canary: dict[str, Any] | None = {"get": "/notes/canary"}
        self.children = contextlib.ExitStack()
        service = self

        class Requests(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with contextlib.suppress(OSError):
                    service.answer(self)

            def do_POST(self) -> None:
                service.posted.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                """Quietly."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Requests)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def exposed(self, accept: str) -> tuple[int, str, bytes]:
        """The exposition, in the format that is asked for."""
        encode, content_type = choose_encoder(accept)
        return 200, content_type, encode(self.registry)

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        """Answer a request, and count it."""
        path = request.path.partition("?")[0]
        if path == "/metrics" or self.everywhere:
            status, content_type, body = self.metrics(request.headers.get("Accept", ""))
        else:
            status = 200 if path.startswith("/notes/") else 404
            content_type, body = "application/json", b"{}"
            self.seconds.observe(0.01)
            self.count(self.route(path), str(status))
            if path == "/notes/canary":
                self.opened.labels("canary").inc()
        request.send_response(status)
        if content_type:
            request.send_header("Content-Type", content_type)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def profile(self, folder: Path) -> Path:
        """Write the profile that declares it; JSON is YAML."""
        service = {"url": self.url, "metrics": self.declared, **({"canary": self.canary} if self.canary else {})}
        text = {"profile": "small", "environment": "test", "target": {"driver": "http"}, "services": {"api": service}}
        file = folder / "small.yaml"
        file.write_text(json.dumps(text, indent=1))
        return file

    def collect(self, make: Callable[[], Iterable[Metric]]) -> None:
        """Tell more, unchecked."""
        self.registry.register(Made(make))  # type: ignore[arg-type]

    def written_by_hand(self, text: str) -> None:
        """Tell more, in the text format, and speak no other."""
        self.metrics = lambda _: (200, choose_encoder("")[1], choose_encoder("")[0](self.registry) + text.encode())


@contextlib.contextmanager
def running() -> Iterator[Service]:
    """A conforming service, up."""
    service = Service()
    thread = threading.Thread(target=service.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield service
    finally:
        service.server.shutdown()
        service.server.server_close()
        thread.join()
        service.children.close()


def except_for(*ids: str) -> tuple[str, ...]:
    return tuple(id for id in ALL if id not in ids)


@defect(turns_red=("MET-001",), hides=except_for("MET-001"))
def exporter_that_raises(service: Service) -> None:
    service.metrics = lambda _: (500, "text/plain", b"KeyError")


@defect(turns_red=("MET-001",), hides=except_for("MET-001"))
def scrape_that_takes_too_long(service: Service) -> None:
    service.declared["timeout"] = "200ms"

    def slow(accept: str) -> tuple[int, str, bytes]:
        time.sleep(0.5)
        return service.exposed(accept)

    service.metrics = slow


@defect(turns_red=("MET-002",))
def framework_that_sends_text_as_html(service: Service) -> None:
    service.metrics = lambda _: (200, "text/html; charset=utf-8", choose_encoder("")[0](service.registry))


@defect(turns_red=("MET-002",))
def comma_in_the_content_type(service: Service) -> None:
    kind = "text/plain; version=0.0.4, charset=utf-8"
    service.metrics = lambda _: (200, kind, choose_encoder("")[0](service.registry))


@defect(turns_red=("MET-002",))
def no_content_type(service: Service) -> None:
    service.metrics = lambda _: (200, "", choose_encoder("")[0](service.registry))


@defect(turns_red=("MET-002",), hides=except_for("MET-001", "MET-002", "MET-016"))
def single_page_application(service: Service) -> None:
    service.metrics = lambda _: (200, "text/html", b"<!doctype html><title>Harbor</title><div id=root></div>")


@defect(turns_red=("MET-003",))
def name_of_a_queue_with_a_quote(service: Service) -> None:
    name = 'the "urgent" one'
    service.written_by_hand(f'# HELP queue_jobs Jobs.\n# TYPE queue_jobs gauge\nqueue_jobs{{queue="{name}"}} 3\n')


@defect(turns_red=("MET-003",))
def type_after_its_samples(service: Service) -> None:
    service.written_by_hand("# HELP queue_jobs Jobs.\nqueue_jobs 3\n# TYPE queue_jobs gauge\n")


@defect(turns_red=("MET-003",))
def openmetrics_that_is_cut_off(service: Service) -> None:
    """Only whoever asks for OpenMetrics sees it."""

    def cut(accept: str) -> tuple[int, str, bytes]:
        status, kind, body = service.exposed(accept)
        return status, kind, body.replace(b"# EOF\n", b"")

    service.metrics = cut


@defect(turns_red=("MET-004",))
def one_queue_told_twice(service: Service) -> None:
    def queues() -> Iterator[Metric]:
        family = GaugeMetricFamily("queue_jobs", "Jobs.", labels=["queue"])
        family.add_metric(["mail"], 3)
        family.add_metric(["mail"], 5)
        yield family

    service.collect(queues)


@defect(turns_red=("MET-005",))
def buckets_that_are_not_cumulative(service: Service) -> None:
    buckets = [("0.1", 5), ("1", 2), ("+Inf", 8)]
    service.collect(lambda: [HistogramMetricFamily("wait_seconds", "Waiting.", buckets=buckets, sum_value=3)])


@defect(turns_red=("MET-006",))
def length_of_a_queue_as_a_counter(service: Service) -> None:
    length = itertools.count(1000, -1)
    service.collect(lambda: [CounterMetricFamily("queue_jobs", "Jobs.", value=next(length))])


@defect(turns_red=("MET-006",))
def balance_as_a_counter(service: Service) -> None:
    service.collect(lambda: [CounterMetricFamily("balance", "What is left.", value=-4)])


@defect(turns_red=("MET-007",))
def renamed_metric(service: Service) -> None:
    service.registry.unregister(service.busy)
    Gauge("calls_running", "Calls being answered.", ["worker"], registry=service.registry).labels("main").set(0)


@defect(turns_red=("MET-007",))
def required_metric_that_nobody_counts(service: Service) -> None:
    """There is a TYPE, and no series even after the canary."""
    Counter("refusals", "Calls refused.", ["reason"], registry=service.registry)
    service.declared["required"]["refusals_total"] = {}


@defect(turns_red=("MET-008",))
def summary_in_place_of_a_histogram(service: Service) -> None:
    service.registry.unregister(service.seconds)
    service.seconds = Summary("call_seconds", "Time to answer.", registry=service.registry)


@defect(turns_red=("MET-009",))
def label_that_was_dropped(service: Service) -> None:
    service.registry.unregister(service.busy)
    Gauge("calls_now", "Calls being answered.", registry=service.registry).set(0)


@defect(turns_red=("MET-010",))
def calls_that_are_not_counted(service: Service) -> None:
    """The series is there, from the first call; what the cache answers afterwards is not counted."""
    answered: set[str] = set()

    def cached(route: str, status: str) -> None:
        if route not in answered:
            answered.add(route)
            service.calls.labels(route, status).inc()

    service.count = cached


@defect(turns_red=("MET-010",))
def calls_that_are_counted_twice(service: Service) -> None:
    """By the handler, and by the layer around it."""
    service.count = lambda route, status: service.calls.labels(route, status).inc(2)


@defect(turns_red=("MET-010",))
def calls_under_a_label_that_nobody_knows(service: Service) -> None:
    service.count = lambda route, _: service.calls.labels(route, "2xx").inc()


@defect(turns_red=("MET-011",))
def tenants_as_labels(service: Service) -> None:
    tenants = Gauge("tenant_notes", "Notes.", ["tenant"], registry=service.registry)
    for number in range(21):
        tenants.labels(f"tenant-{number}").set(1)


@defect(turns_red=("MET-012",))
def labels_that_multiply(service: Service) -> None:
    wait = Histogram("wait_seconds", "Waiting.", ["queue"], registry=service.registry)
    for queue in ("mail", "search", "index", "export"):
        wait.labels(queue).observe(0.1)


@defect(turns_red=("MET-013",))
def words_as_labels(service: Service) -> None:
    del service.declared["max_label_values"], service.declared["max_series"]
    words = Counter("searches", "Searches, by word.", ["word"], registry=service.registry)
    for number in range(101):
        words.labels(f"word-{number}").inc()


@defect(turns_red=("MET-014",))
def users_as_labels(service: Service) -> None:
    users = Counter("logins", "Logins.", ["user"], registry=service.registry)
    users.labels("jo@harbor.example").inc()


@defect(turns_red=("MET-014",))
def paths_as_labels(service: Service) -> None:
    paths = Counter("page_views", "Views.", ["path"], registry=service.registry)
    for number in range(3):
        paths.labels(f"/notes/{1040 + number}").inc()


@defect(turns_red=("MET-015",))
def metrics_under_any_path(service: Service) -> None:
    """As prometheus_client's own server does it; the notes are on another port, so to say."""
    del service.declared["counts"], service.declared["required"]["calls_total"]
    del service.declared["required"]["notes_opened_total"]
    service.canary = None
    service.everywhere = True


@defect(turns_red=("MET-016",), hides=except_for("MET-001", "MET-002", "MET-016"))
def exposition_without_an_end(service: Service) -> None:
    body = b"".join(b'job_seconds{job="%d"} 1\n' % number for number in range(700_000))
    service.metrics = lambda _: (200, "text/plain; version=0.0.4", body)


@defect(turns_red=("MET-017",))
def no_help(service: Service) -> None:
    Gauge("queue_jobs", "", registry=service.registry)


@defect(turns_red=("MET-018",))
def gauge_called_total(service: Service) -> None:
    Gauge("queue_jobs_total", "Jobs.", registry=service.registry)


@defect(turns_red=("MET-019",))
def milliseconds(service: Service) -> None:
    Gauge("last_wait_ms", "Waiting.", registry=service.registry)


@defect(turns_red=("MET-020",))
def camel_case(service: Service) -> None:
    Gauge("queueLength", "Jobs.", registry=service.registry)


@defect(turns_red=("MET-021",))
def gauge_called_count(service: Service) -> None:
    Gauge("queue_jobs_count", "Jobs.", registry=service.registry)


@defect(turns_red=("MET-022",))
def names_that_differ_by_total_alone(service: Service) -> None:
    """As the memory statistics of Go's client library do."""
    service.collect(
        lambda: [
            GaugeMetricFamily("held_bytes", "Held now.", value=1),
            CounterMetricFamily("held_bytes", "Held ever.", value=2),
        ]
    )


@defect(turns_red=("MET-023",), hides=("MET-010",))
def workers_that_take_turns(service: Service) -> None:
    """A second process, and a balancer in front of both."""
    balance(service)


@defect(turns_red=("MET-023",), hides=("MET-006", "MET-010"))
def workers_that_do_not_tell_when_they_were_started(service: Service) -> None:
    service.registry.unregister(service.process)
    balance(service, "anonymous")


def balance(service: Service, *options: str) -> None:
    """Let a second process answer every other scrape."""
    command = [sys.executable, "-m", "tests.integration.defects.metrics", *options]
    child = service.children.enter_context(
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    )
    assert child.stdin is not None
    assert child.stdout is not None
    service.children.callback(child.wait, 10)
    service.children.callback(child.stdin.close)
    port = int(child.stdout.readline())
    turn = itertools.count()

    def balanced(accept: str) -> tuple[int, str, bytes]:
        if next(turn) % 2 == 0:
            return service.exposed(accept)
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", "/metrics", headers={"Accept": accept})
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"], answer.read()

    service.metrics = balanced


def main() -> None:
    """Run until standard input closes, as the second worker."""
    with running() as service:
        if sys.argv[1:]:
            service.registry.unregister(service.process)
        service.opened.labels("canary").inc()
        service.count("/notes/{id}", "200")
        print(service.server.server_port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
