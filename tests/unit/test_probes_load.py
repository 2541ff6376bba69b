"""The load of the overload experiment: measured, bounded, ended at once, and without a trace."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.drivers import AboveTier, Session
from seatrial.experiments import _probes
from seatrial.experiments._load import load
from seatrial.experiments.overload import _capacity, _lasts, _shown
from seatrial.facts.container import Container, Healthcheck
from seatrial.facts.runtime import Engine, Runtime
from seatrial.outcomes import Tier
from seatrial.profile.model import Canary, Service
from seatrial.profile.nouns.probes import overload_call
from seatrial.words import CouldNotLook, Missing


class Notes:
    """A server that keeps notes, and refuses what it is told to."""

    def __init__(self) -> None:
        self.notes: set[str] = set()
        self.seen: list[tuple[str, str, str]] = []
        self.pause = 0.0
        self.status = 0
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_any(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                kept.seen.append((self.command, self.path, self.headers.get("X-Key", "")))
                time.sleep(kept.pause)
                status = kept.status or {"PUT": 201, "GET": 200, "DELETE": 204}[self.command]
                if self.command == "PUT" and status == 201:
                    kept.notes.add(self.path)
                if self.command == "DELETE" and not kept.status:
                    kept.notes.discard(self.path)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_PUT = do_DELETE = do_any

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: Any) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.service = Service.model_validate({"url": f"http://127.0.0.1:{self.server.server_port}"})


@pytest.fixture
def notes() -> Iterator[Notes]:
    made = Notes()
    yield made
    made.server.shutdown()
    made.server.server_close()


def session(granted: Tier = Tier.disrupt, **services: Any) -> Session:
    def resolve(value: Any) -> str:
        return "hunter2-hunter2" if hasattr(value, "env") else str(value)

    return Session(SimpleNamespace(services=services), Path(), resolve, granted)  # type: ignore[arg-type]


GET = Canary.model_validate({"get": "/notes/1"})
PUT = Canary.model_validate(
    {
        "put": "/notes/here", "body": {"text": "here"}, "sentinel": "here", "expect": {"status": 201},
        "headers": {"X-Key": {"env": "KEY"}}, "remove": {"delete": "/notes/here", "expect": {"status": 204}},
    }
)  # fmt: skip


def test_a_closed_load_counts_what_was_answered(notes: Notes) -> None:
    with load(session(), notes.service, GET) as made:
        found = made.closed(4, 0.4, most=10_000)
        assert found["ok"] == len(notes.seen) > 0
        assert found["wrong"] == 0
        assert made.closed(2, 5.0, most=10)["ok"] <= 12  # bounded in count


def test_an_open_load_goes_on_though_nobody_answers(notes: Notes) -> None:
    notes.pause = 3.0
    with load(session(), notes.service, GET) as made:
        found = made.open(100, 0.8, most=10_000, waiting=20)
    assert found["made"] == 20
    assert found["held"] >= 50
    assert found["ok"] == 0
    assert found["unanswered"] == 20


def test_what_is_written_has_names_of_its_own_and_is_taken_away(notes: Notes) -> None:
    with load(session(), notes.service, PUT) as made:
        found = made.closed(4, 0.4, most=10_000)
        assert made.tidy(5.0) == 0
    written = {path for method, path, _ in notes.seen if method == "PUT"}
    assert len(written) == found["ok"] > 1
    assert all(path.startswith("/notes/here-") for path in written)
    assert notes.notes == set()
    assert {key for method, _, key in notes.seen if method == "PUT"} == {"hunter2-hunter2"}


def test_what_could_not_be_taken_away_is_counted(notes: Notes) -> None:
    with load(session(), notes.service, PUT) as made:
        notes.status = 500
        found = made.closed(2, 0.3, most=10)
        assert found["wrong"] > 0
        assert made.tidy(0.5) == found["wrong"]
        notes.status = 0
        assert made.tidy(5.0) == 0


def test_what_was_refused_left_nothing(notes: Notes) -> None:
    notes.status = 503
    with load(session(), notes.service, PUT) as made:
        assert made.closed(2, 0.3, most=10)["left"] == 0
    assert {method for method, _, _ in notes.seen} == {"PUT"}


def test_it_ends_with_whoever_ordered_it(notes: Notes) -> None:
    with load(session(), notes.service, GET) as made:
        trouble: list[str] = []

        def offer() -> None:
            try:
                made.open(50, 30.0, most=10**6, waiting=8)
            except CouldNotLook as why:
                trouble.append(why.reason)

        thread = threading.Thread(target=offer)
        thread.start()
        time.sleep(0.5)
        assert made.child.stdin is not None
        made.child.stdin.close()
        made.child.wait(5.0)
        thread.join(5.0)
        assert trouble == ["the load generator has ended"]
        count = len(notes.seen)
        time.sleep(0.3)
        assert len(notes.seen) == count


def test_a_generator_that_was_killed_is_told(notes: Notes) -> None:
    with load(session(), notes.service, GET) as made:
        os.kill(made.child.pid, signal.SIGKILL)
        made.child.wait()
        with pytest.raises(CouldNotLook, match="has ended"):
            made.closed(1, 0.1, most=1)


def test_no_secret_is_in_its_command_line(notes: Notes) -> None:
    with load(session(), notes.service, PUT) as made:
        line = Path(f"/proc/{made.child.pid}/cmdline").read_bytes()
        assert b"hunter2" not in line + Path(f"/proc/{made.child.pid}/environ").read_bytes()


def test_a_run_that_may_not_load_sends_nothing(notes: Notes) -> None:
    with pytest.raises(AboveTier), load(session(Tier.write), notes.service, GET):
        pass
    assert notes.seen == []


def test_capacity_is_measured_and_what_refuses_has_none(notes: Notes) -> None:
    notes.pause = 0.02
    with load(session(), notes.service, GET) as made:
        capacity, quiet, workers = _capacity(made, "GET /notes/1")
        assert capacity > 50
        assert workers >= 4
        assert quiet["median"] >= 0.02
        notes.status = 429
        with pytest.raises(CouldNotLook, match=r"GET /notes/1 was answered [0-9]+ times HTTP 429"):
            _capacity(made, "GET /notes/1")


QUIET = {"median": 0.02}


def heard(**changes: Any) -> dict[str, Any]:
    return {"seconds": 10.0, "ok": 900, "made": 2000, "held": 0, "unanswered": 0, "wrong": 0, "median": 0.02} | changes


def test_an_overload_is_shown_from_outside() -> None:
    assert _shown(100, QUIET, heard(median=1.5), 200).startswith("200 calls/s offered, 90/s answered as declared, half")
    with pytest.raises(CouldNotLook, match="could not offer 200 calls/s"):
        _shown(100, QUIET, heard(made=1000), 200)
    with pytest.raises(CouldNotLook, match="was no overload"):
        _shown(100, QUIET, heard(ok=2000), 200)


def test_it_is_never_longer_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _lasts() == 30.0
    for told, lasts in (("4", 4.0), ("900", 30.0), ("0", 1.0), ("soon", 30.0)):
        monkeypatch.setenv("SEATRIAL_OVERLOAD_SECONDS", told)
        assert _lasts() == lasts


# --- which call ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("canary", "call"),
    [
        ({"get": "/x"}, ("/x", False)),
        ({"post": "/x", "only_reads": True}, (None, False)),
        ({"post": "/x", "sentinel": "s", "remove": {"delete": "/s"}}, (None, False)),
        ({"post": "/x", "sentinel": "s", "read_back": {"get": "/s"}}, ("/s", True)),
        ({"post": "/x", "sentinel": "s"}, None),
        ({"post": "/x", "read_back": {"post": "/y"}}, None),
    ],
)
def test_an_overload_leaves_nothing_behind(canary: dict[str, Any], call: tuple[str | None, bool] | None) -> None:
    found = overload_call(Service.model_validate({"canary": canary}))
    assert (found and (found[0].get, found[1])) == call


# --- bounds and who says so -------------------------------------------------------------------------------------------


def told(runtime: Any = None, **probes: Any) -> dict[str, str]:
    service = Service.model_validate(probes)
    return {k: str(v) for k, v in _probes.bounds(session(api=service), runtime or Missing("not seen"), "api").items()}


def running(labels: tuple[tuple[str, str], ...] = (), **others: Any) -> Runtime:
    check = Healthcheck(("CMD", "true"), interval=5.0, timeout=2.0, retries=4, start_period=0.0)
    one = Container("c1", "api-1", healthcheck=check, labels=labels)
    return Runtime(Engine("docker", "id", "Docker", local=True), {"api": (one,), **others})


def test_what_is_declared_goes_before_all() -> None:
    found = told(
        running(),
        readiness={"path": "/", "timeout": "3s", "period": "2s", "unready_within": "7s", "ready_within": "9s"},
    )
    assert found == {
        "timeout of readiness": "3s (services.api.readiness.timeout)",
        "period of readiness": "2s (services.api.readiness.period)",
        "unready_within": "7s (services.api.readiness.unready_within)",
        "ready_within": "9s (services.api.readiness.ready_within)",
    }


def test_a_healthcheck_that_is_configured_goes_before_defaults() -> None:
    found = told(running(), readiness={"path": "/"})
    assert found["timeout of readiness"] == "2s (HEALTHCHECK of container api-1)"
    assert found["unready_within"] == "22s (interval × retries + timeout, HEALTHCHECK of container api-1)"


def test_defaults_are_those_of_kubernetes_and_say_so() -> None:
    found = told(liveness={"path": "/"}, readiness={"path": "/", "failure_threshold": 1})
    assert found["timeout of liveness"] == "1s (default of Kubernetes)"
    assert found["unready_within"] == (
        "11s (period × failureThreshold + timeout, default of Kubernetes, with failure_threshold of "
        "services.api.readiness)"
    )


def test_samples_are_closer_than_half_the_tightest_bound() -> None:
    service = Service.model_validate(
        {"readiness": {"path": "/", "timeout": "2s", "period": "100ms", "unready_within": "3s", "ready_within": "3s"}}
    )
    bounds = _probes.bounds(session(api=service), Missing("not seen"), "api")
    assert _probes.interval(bounds) == 0.5  # a period is no bound


def test_who_waits_for_a_healthcheck_is_read_from_compose() -> None:
    label = "com.docker.compose"
    web = Container(
        "c2", "web-1",
        labels=((f"{label}.service", "web"), (f"{label}.depends_on", "db:service_started:false,api:service_healthy:false")),
    )  # fmt: skip
    runtime = running(((f"{label}.service", "api"),), web=(web,))
    assert _probes.waited_for(runtime, "api") == "web waits for it to be healthy"
    assert _probes.waited_for(running(), "api") == ""
