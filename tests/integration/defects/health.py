"""A small service with every kind of health endpoint, on real sockets, and each way in which its health can be wrong."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.defects import defect

__all__ = ["Page", "Service", "running"]

VERSION = "1.4.2"
JSON = "application/json"
SCHEMA = {
    "type": "object",
    "required": ["status", "version", "components"],
    "properties": {"status": {"type": "string"}, "components": {"type": "object"}},
}


@dataclass
class Page:
    """What a handler answers; ``parts`` are sent as chunks, for as long as they come."""

    document: Any = None
    status: int = 200
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    parts: Iterator[bytes] | None = None

    @property
    def body(self) -> bytes:
        text = self.document if isinstance(self.document, str) else json.dumps(self.document)
        return text.encode()


Handler = Callable[[], Page]


class Service:
    """An HTTP service: what it is made of, what it says of itself, and what its profile declares."""

    def __init__(self) -> None:
        self.version = VERSION
        self.components = {"store": "ok", "cache": "ok"}
        self.routes: dict[str, Handler] = {
            "/health/live": lambda: Page("alive", content_type="text/plain"),
            "/health/ready": self.ready,
            "/health": self.detail,
        }
        self.fallback: Handler = lambda: Page({"error": "not found"}, 404)
        self.declared: dict[str, Any] = {
            "liveness": {"path": "/health/live", "expect": {"content_type": "text/plain"}},
            "readiness": {"path": "/health/ready", "status": "status", "expect": {"match": {"role": "primary"}}},
            "health": {
                "path": "/health",
                "latency": "1s",
                "polls": 2,
                "version": "version",
                "status": "status",
                "components": "components",
                "expect": {"content_type": JSON, "json_schema": SCHEMA},
            },
        }
        service = self

        class Requests(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with contextlib.suppress(OSError):
                    _answer(self, service.routes.get(self.path.partition("?")[0], service.fallback)())

            def log_message(self, *_: Any) -> None:
                """Quietly."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Requests)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def ready(self) -> Page:
        return Page({"status": "ready", "role": "primary"})

    def detail(self) -> Page:
        well = set(self.components.values()) == {"ok"}
        status = {"status": "ok" if well else "down", "version": self.version}
        return Page({**status, "components": self.components}, 200 if well else 503)

    def profile(self, folder: Path) -> Path:
        """Write the profile that declares it; JSON is YAML."""
        service = {"url": self.url, "version": VERSION, **self.declared}
        text = {"profile": "small", "environment": "test", "target": {"driver": "http"}, "services": {"api": service}}
        file = folder / "small.yaml"
        file.write_text(json.dumps(text, indent=1))
        return file

    def alternating(self, path: str, *others: Page) -> None:
        """Several replicas behind one address: the one that is, and others."""
        replicas = [self.routes[path], *((lambda page=page: page) for page in others)]  # type: ignore[misc]
        turn = iter(range(10**6))
        self.routes[path] = lambda: replicas[next(turn) % len(replicas)]()


def _answer(request: http.server.BaseHTTPRequestHandler, page: Page) -> None:
    request.send_response(page.status)
    request.send_header("Content-Type", page.content_type)
    for name, value in page.headers.items():
        request.send_header(name, value)
    if page.parts is None:
        request.send_header("Content-Length", str(len(page.body)))
        request.end_headers()
        request.wfile.write(page.body)
        return
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    for part in page.parts:
        request.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
    request.wfile.write(b"0\r\n\r\n")


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


JUDGED_ON_RIGHT_ANSWERS = ("HLT-003", "HLT-005", "HLT-007", "HLT-009", "HLT-010", "HLT-014")


@defect(turns_red=("HLT-001",), hides=JUDGED_ON_RIGHT_ANSWERS)
def raising_handler(service: Service) -> None:
    service.routes["/health/ready"] = lambda: Page({"error": "KeyError"}, 500)
    service.routes["/health/live"] = lambda: Page("KeyError", 500, "text/plain")


@defect(turns_red=("HLT-001",))
def replica_that_is_not_configured(service: Service) -> None:
    """Every third answer; the others agree."""
    good = service.routes["/health/ready"]
    turn = iter(range(10**6))
    service.routes["/health/ready"] = lambda: Page({"status": "not ready"}, 503) if next(turn) % 3 == 1 else good()


@defect(turns_red=("HLT-002",))
def dear_computation(service: Service) -> None:
    def slow() -> Page:
        time.sleep(1.2)
        return service.detail()

    service.routes["/health"] = slow


@defect(turns_red=("HLT-003",))
def default_content_type(service: Service) -> None:
    service.routes["/health/live"] = lambda: Page("alive", content_type="text/html")


@defect(turns_red=("HLT-004",))
def renamed_field(service: Service) -> None:
    service.declared["health"]["expect"]["json_schema"] = {**SCHEMA, "required": ["uptime_seconds"]}


@defect(turns_red=("HLT-005",))
def demoted_replica(service: Service) -> None:
    service.routes["/health/ready"] = lambda: Page({"status": "ready", "role": "standby"})


@defect(turns_red=("HLT-006",))
def old_release(service: Service) -> None:
    service.version = "1.4.1"


@defect(turns_red=("HLT-006",))
def unfinished_rollout(service: Service) -> None:
    service.alternating("/health", Page({"status": "ok", "version": "1.4.1", "components": {"store": "ok"}}))


@defect(turns_red=("HLT-007",))
def single_page_application(service: Service) -> None:
    page = Page("<!doctype html><title>Harbor</title><div id=root></div>", content_type="text/html")
    service.fallback = lambda: page
    service.routes["/health/live"] = service.fallback  # the route is gone, and nobody can tell
    service.declared["liveness"] = {"path": "/health/live"}


@defect(turns_red=("HLT-008",))
def forgotten_component(service: Service) -> None:
    service.routes["/health"] = lambda: Page(
        {"status": "ok", "version": VERSION, "components": {"store": "ok", "search": {"status": "down"}}}
    )


@defect(turns_red=("HLT-008",))
def unready_for_no_reason(service: Service) -> None:
    service.declared["health"]["expect"]["status"] = 503
    service.routes["/health"] = lambda: Page(
        {"status": "down", "version": VERSION, "components": {"store": "ok", "cache": "ok"}}, 503
    )


@defect(turns_red=("HLT-009",))
def failure_under_200(service: Service) -> None:
    service.components["cache"] = "down"
    service.routes["/health"] = lambda: Page(service.detail().document)


@defect(turns_red=("HLT-009",))
def word_that_is_not_declared_healthy(service: Service) -> None:
    service.declared["readiness"]["healthy"] = ["ready"]
    service.routes["/health/ready"] = lambda: Page({"status": "degraded", "role": "primary"})


@defect(turns_red=("HLT-010",))
def flapping_readiness(service: Service) -> None:
    service.declared["readiness"] = {"path": "/health/ready", "status": "status", "expect": {"status": [200, 503]}}
    service.alternating("/health/ready", Page({"status": "not ready"}, 503))


@defect(turns_red=("HLT-011",))
def stream_without_an_end(service: Service) -> None:
    def lines() -> Iterator[bytes]:
        while True:
            yield b"job waiting\n" * 500

    service.routes["/health/live"] = lambda: Page(content_type="text/plain", parts=lines())


@defect(turns_red=("HLT-012",))
def sign_on_before_everything(service: Service) -> None:
    where = {"Location": "http://sign-on.invalid/login?state=c2VjcmV0"}
    service.routes["/health/live"] = lambda: Page("", 302, "text/plain", where)
    service.declared["liveness"]["expect"]["status"] = [200, 302]


@defect(turns_red=("HLT-013",))
def slash_at_the_end(service: Service) -> None:
    service.routes["/health/live"] = lambda: Page("", 308, "text/plain", {"Location": "/health/live/"})
    service.declared["liveness"]["expect"]["status"] = [200, 308]


@defect(turns_red=("HLT-014",))
def degraded_under_200(service: Service) -> None:
    service.routes["/health/ready"] = lambda: Page({"status": "degraded", "role": "primary"})


@defect(turns_red=("HLT-015",))
def history_in_the_document(service: Service) -> None:
    service.routes["/health/live"] = lambda: Page("12:00:01 alive\n" * 6000, content_type="text/plain")
