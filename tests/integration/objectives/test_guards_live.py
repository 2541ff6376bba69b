"""Loads on targets that do not stand them: ended early, with the reason, and nothing left running."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from seatrial.experiments import _guarding_load, _loading, _watching_load
from seatrial.words import CouldNotLook, Missing
from tests.integration.objectives.load_bench import made, target

LONG = "call: GET /x, rate: 20/s, duration: 60s"


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path_factory):
    """Guards that do not wait for ten seconds, and no calibration."""
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setattr(_loading, "ceiling_of", lambda _: 10_000.0)
    monkeypatch.setattr(_guarding_load, "DEAD_FOR", 1.5)
    monkeypatch.setattr(_watching_load, "LIVES", 0.5)


def test_a_target_that_fails_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(_guarding_load, "OVER", 3)
    monkeypatch.setattr(
        _loading,
        "_guards",
        lambda slo, _plan: _guarding_load.Guards(slo.stop_at.value, _last=deque(maxlen=3)),
    )
    with target(tmp_path, "failing") as service:
        run = made(service.profile(f"{LONG}, stop_at: 50%"))
        asked = service.count()["asked"]
        time.sleep(0.5)
        assert service.count()["asked"] == asked, "and stays alone"
    assert run.stopped.endswith("of requests failed over 3 s, and stop_at is 50%")
    assert 3.0 <= run.seconds < 20
    assert run.streams[0].errors["HTTP 503"] > 20


def test_a_target_whose_liveness_fails_is_left_alone(tmp_path):
    with target(tmp_path, "deaf") as service:
        run = made(service.profile(LONG))
    assert run.stopped.startswith("liveness of front failed ")
    assert run.stopped.endswith("did not answer within 1s")
    assert not isinstance(run.watched, Missing)
    assert not all(sample.ok for sample in run.watched.of("liveness", since=0.0))


def test_a_target_that_ends_is_told(tmp_path):
    with target(tmp_path) as service:
        ending = threading.Timer(0.0, lambda: (_asked(service, 20), service.child.kill()))
        ending.start()
        run = made(service.profile(LONG))
        ending.join()
        assert run.stopped == f"pid {service.child.pid} ended while it was under load"
    assert not isinstance(run.watched, Missing)
    assert run.watched.after == ()
    assert run.watched.before[0].id == str(service.child.pid)


def _asked(service, times: int) -> None:
    """Wait until the load is there."""
    end = time.monotonic() + 40
    while service.count()["asked"] < times and time.monotonic() < end:
        time.sleep(0.2)


def test_memory_that_grows_is_seen(tmp_path):
    with target(tmp_path, "growing") as service:
        run = made(service.profile("call: GET /x, rate: 20/s, duration: 3s"))
    assert not isinstance(run.memory, Missing)
    samples = [size for at, size in run.memory[0].samples if at >= 0]
    assert samples[-1] - samples[0] > 20 * 200_000


def test_what_can_not_be_taken_away_is_told(tmp_path):
    with target(tmp_path, "keeping") as service:
        run = made(service.profile("canary: true, rate: 10/s, duration: 2s"))
        left = service.count()["notes"]
    assert left == 20
    assert run.notes["left behind"] == "20 of what POST /notes wrote could not be taken away"


def test_a_container_that_is_restarted_under_load(lab, tmp_path, monkeypatch):
    with lab.single(name="loaded", healthcheck={"disable": True}) as tiny:
        file = tmp_path / "x.yaml"
        file.write_text(
            f"""profile: x
environment: test
target: {{driver: docker}}
services: {{web: {{url: "http://{tiny.address}:8080", containers: [{tiny.name}]}}}}
slos: {{read: {{service: web, call: GET /, rate: 20/s, duration: 60s}}}}
"""
        )
        real = _loading.launched

        def launched(*args: Any, look: Callable[[], str], **more: Any) -> Any:
            """The container is restarted once the load has begun."""
            restarted: list[object] = []

            def looking() -> str:
                if not restarted:
                    restarted.append(tiny.engine.call("POST", f"/containers/{tiny.id}/restart", t=0))
                return look()

            return real(*args, look=looking, **more)

        monkeypatch.setattr(_loading, "launched", launched)
        run = made(file)
    assert run.stopped.startswith(f"{tiny.name} ")
    assert run.stopped.endswith(" while it was under load")
    assert not isinstance(run.memory, Missing)
    assert run.memory[0].replica == tiny.name
    assert run.memory[0].samples[0][1] > 10_000
    assert not isinstance(run.watched, Missing)
    assert [life.started for life in run.watched.before] != [life.started for life in run.watched.after]


def test_nothing_is_sent_outside_of_the_window(tmp_path):
    now = time.gmtime(time.time() - 7200)
    window = f'{{opens: "{now.tm_hour:02}:00", closes: "{now.tm_hour:02}:30"}}'
    with target(tmp_path) as service:
        with pytest.raises(CouldNotLook, match="no load is made: it may run from") as why:
            made(service.profile(f"call: GET /x, rate: 5/s, duration: 1s, window: {window}"))
        assert service.count()["asked"] == 0
    assert why.value.right == "slos.read.window"
