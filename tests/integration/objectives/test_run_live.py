"""Whole loads on a small server: what is recorded of them, what they leave behind, and what is left of them when they are cut short."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seatrial.experiments import _launching, _loading
from seatrial.facts.machine import Machine
from seatrial.words import Missing
from tests.integration.objectives.load_bench import group_of, made, target

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path_factory.mktemp("state")))


@pytest.fixture
def uncalibrated(monkeypatch):
    """Calibration takes as long as the load itself here, and is tried once."""
    monkeypatch.setattr(_loading, "ceiling_of", lambda _: 10_000.0)


def test_a_load_is_made_watched_and_recorded(tmp_path):
    said: list[str] = []
    with target(tmp_path) as service:
        run = made(
            service.profile("canary: true, rate: 20/s, warm_up: 1s, duration: 3s, latency: {p95: 5s}, growth: 50%"),
            said,
        )
        left = service.count()
    whole, *each = run.streams
    assert (run.slo, run.service, run.stopped, run.seconds) == ("slos.read", "api", "", 4.0)
    assert (run.planned.loop, run.planned.rate, run.planned.what) == ("open", 20.0, "the canary of api")
    assert [stream.name for stream in each] == ["POST /notes", "GET /notes/SEA"]
    assert sum(second.right for second in whole.seconds) == 160, whole.errors
    assert left["notes"] == 0, "what was written is taken away"
    assert run.generator.version.startswith("Locust ")
    assert isinstance(run.generator.ceiling, float)
    assert run.generator.ceiling > 200
    assert isinstance(run.attested.machine, Machine)
    assert run.attested.same is True
    assert [len(times) > 6 for times in run.attested.reference] == [True, True]
    assert not isinstance(run.attested.stolen, Missing)
    assert not isinstance(run.watched, Missing)
    asked = run.watched.of("liveness", since=0.0, until=run.seconds)
    assert [sample.ok for sample in asked] == [True] * len(asked)
    assert 3 <= len(asked) <= 5, "a gentle pace"
    assert run.watched.before == run.watched.after
    assert not isinstance(run.memory, Missing)
    (resident,) = run.memory
    assert all(size > 1_000_000 for _, size in resident.samples)
    assert resident.samples[-1][0] >= 3.0, "on the clock of the load"
    assert said == ["  the generator is calibrated against a local server that does nothing"]


def test_a_closed_load_by_several_processes(tmp_path, uncalibrated):
    with target(tmp_path, "forgetful") as service:
        run = made(service.profile("canary: true, users: 4, pause: 100ms, duration: 2s, stop_at: 100%, workers: 2"))
    assert (run.planned.loop, run.planned.users, run.planned.processes, run.generator.joined) == ("closed", 4, 2, 2)
    assert run.streams[0].errors == {"HTTP 404": sum(second.failed for second in run.streams[0].seconds)}, (
        "read back in vain"
    )


# --- cut short ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def running(tmp_path):
    """A run in a process of its own, in the middle of its load; the load's process with it."""
    with target(tmp_path) as service:
        profile = service.profile("canary: true, rate: 20/s, duration: 60s")
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.objectives.load_bench", str(profile), str(tmp_path / "kept.json")],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            end = time.monotonic() + 40
            while service.count()["asked"] < 40:
                assert time.monotonic() < end
                assert child.poll() is None
                time.sleep(0.2)
            yield service, child, _children(child.pid)
        finally:
            child.kill()
            child.wait()


def _children(pid: int) -> list[int]:
    """Direct children of a process that are loads."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if parent == pid and b"seatrial.load" in command:
                found.append(int(entry.name))
    return found


def test_what_was_seen_is_kept_when_the_run_is_interrupted(running, tmp_path):
    service, child, (load,) = running
    child.send_signal(signal.SIGINT)
    assert child.wait(20) != 0
    assert group_of(load) == []
    kept = json.loads((tmp_path / "kept.json").read_text())["slos.read"]
    assert kept["stopped"] == "the run was cut short"
    assert sum(second["right"] for second in kept["streams"][0]["seconds"]) > 20
    assert service.count()["notes"] == 0


def test_a_run_that_is_killed_leaves_nothing_running(running):
    service, child, (load,) = running
    child.kill()
    child.wait()
    assert group_of(load) == []
    before = service.count()["asked"]
    time.sleep(0.5)
    assert service.count()["asked"] == before


def test_a_load_whose_process_is_killed_is_told(tmp_path, uncalibrated, monkeypatch):
    monkeypatch.setattr(
        _launching, "CHILD", (sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    )
    from seatrial.words import CouldNotLook

    with (
        target(tmp_path) as service,
        pytest.raises(CouldNotLook, match="the load generator ended by signal 9 and gave no result"),
    ):
        made(service.profile("call: GET /x, rate: 5/s, duration: 2s"))
