"""Whole drills that are cut short, refused, or find trouble: the target is as it was found, and the report says what happened."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from seatrial.safety import journal as journals
from tests.integration.drills import impatient, sigkill
from tests.lab.ferry.processes import Processes, ferry
from tests.lab.relay import Relay

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def running(require, tmp_path_factory) -> Iterator[Processes]:
    """Ferry whose readiness takes its time, so that its experiment has a middle."""
    require("redis")
    with ferry(tmp_path_factory.mktemp("safety")) as made:
        yield made


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "tT"


def lines() -> list[dict[str, Any]]:
    """Of the only journal there is."""
    found = journals.journals()
    return [json.loads(line) for line in found[-1].read_text().splitlines()] if found else []


class Drill:
    """One drill of one experiment, under way."""

    def __init__(self, profile: Path, folder: Path, *options: str, key: str = "hung") -> None:
        self.reports = folder / f"reports-{time.monotonic_ns()}"
        words = [
            sys.executable, "-m", "pytest", "suites/probes", "-p", "no:cacheprovider", f"--profile={profile}", "--mode=drill",
            f"--report-dir={self.reports}", "-k", key, *options,
        ]  # fmt: skip
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DOCKER_"))}
        self.child = subprocess.Popen(
            words,
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def until(self, word: str) -> Drill:
        """Wait until its journal has a line of that kind."""
        end = time.monotonic() + 60
        while not any(word in line for line in lines()):
            assert self.child.poll() is None, self.child.communicate()[0]
            assert time.monotonic() < end, lines()
            time.sleep(0.02)
        return self

    def ended(self) -> tuple[int, str]:
        """Its exit code, and all it said."""
        text = self.child.communicate(timeout=120)[0]
        return self.child.returncode, text

    def conformance(self) -> dict[str, Any]:
        (file,) = self.reports.glob("*/conformance.json")
        found: dict[str, Any] = json.loads(file.read_text())
        return found


def recovered(within: float = 30) -> bool:
    """Whether the journal is closed, and nobody holds the target any more."""
    end = time.monotonic() + within
    (file,) = journals.journals()
    while time.monotonic() < end:
        try:
            with journals.held_at(file.parent, "a test"):
                entry = journals.read(file)
                return entry.closed and not entry.standing
        except journals.Held:
            time.sleep(0.02)
    return False


def recover(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "seatrial", "recover", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_drill_that_is_killed_is_healed_at_once(running, tmp_path):
    drill = Drill(running.profile, tmp_path).until("done")
    time.sleep(0.4)
    assert stopped(running.pid("redis"))
    drill.child.kill()
    drill.child.communicate()
    assert recovered()
    assert not stopped(running.pid("redis"))
    assert any(line.get("recovering") == "guardian" for line in lines())
    assert recover()[0] == 0


def test_without_its_guardian_too_nothing_more_is_disturbed_before_it_is_recovered(running, tmp_path):
    drill = Drill(running.profile, tmp_path).until("done")
    guardian = next(pid for pid in children(drill.child.pid) if b"seatrial-guardian" in cmdline(pid))
    assert os.getsid(guardian) == guardian  # what a terminal sends to the run is not for it
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(guardian, ignored)
    code, text = recover()
    assert code == 3
    assert "still lives" in text
    assert stopped(running.pid("redis"))
    os.kill(guardian, signal.SIGKILL)
    drill.child.kill()
    drill.child.communicate()
    assert stopped(running.pid("redis"))

    code, text = Drill(running.profile, tmp_path).ended()
    assert code == 4
    assert "an earlier run left this target disturbed" in text
    assert "say `seatrial recover` first" in text
    assert stopped(running.pid("redis"))

    code, text = recover("--dry-run")
    assert code == 3
    assert "SIGSTOP" in text
    assert stopped(running.pid("redis"))
    code, text = recover()
    assert (code, stopped(running.pid("redis"))) == (0, False), text
    assert recovered()


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cmdline(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM,)])
def test_a_drill_that_is_interrupted_brings_everything_back_and_reports(running, tmp_path, numbers):
    drill = Drill(running.profile, tmp_path).until("done")
    time.sleep(0.3)
    for number in numbers:  # the second one is impatience
        drill.child.send_signal(number)
        time.sleep(0.05)
    code, text = drill.ended()
    assert code == 2, text
    assert not stopped(running.pid("redis"))
    assert lines()[-1].get("closed")
    assert drill.conformance()["exit_code"] == 2
    assert "is brought back first" in text


def test_a_second_run_is_refused_while_one_holds_the_target_and_the_deadline_ends_that_one(running, tmp_path):
    slow = yaml.safe_load(running.profile.read_text())
    slow["services"]["api"]["readiness"]["unready_within"] = "60s"
    slow["services"]["api"]["depends_on"] = {
        "redis": {"optional": True}
    }  # a fault of an optional one is held all that time
    profile = running.folder / "slow.yaml"
    profile.write_text(yaml.safe_dump(slow))
    drill = Drill(profile, tmp_path, "--deadline=12s").until("done")
    code, text = Drill(profile, tmp_path).ended()
    assert code == 4
    assert f"another run disturbs this target now: pid {drill.child.pid}, since 2" in text
    code, text = drill.ended()
    assert code == 3, text
    assert "the deadline passed" in text
    assert not stopped(running.pid("redis"))
    assert drill.conformance()["exit_code"] == 3
    assert recovered()


def test_production_is_drilled_only_when_its_identity_is_repeated(running, tmp_path):
    content = yaml.safe_load(running.profile.read_text()) | {"environment": "production"}
    profile = running.folder / "production.yaml"
    profile.write_text(yaml.safe_dump(content))
    code, text = Drill(profile, tmp_path).ended()
    assert code == 4
    assert "--confirm-target" in text
    code, text = Drill(profile, tmp_path, "--confirm-target=another").ended()
    assert code == 4
    assert journals.journals() == []
    machine = Path("/etc/machine-id").read_text().strip()
    drill = Drill(profile, tmp_path, f"--confirm-target={machine}").until("done")
    drill.child.send_signal(signal.SIGHUP)
    assert drill.ended()[0] == 2
    assert recovered()


def test_experiments_are_never_made_in_parallel(running, tmp_path):
    code, text = Drill(running.profile, tmp_path, "-p", "xdist", "-n2").ended()
    assert code == 4
    assert "-n" in text
    assert journals.journals() == []


# --- an engine that goes away half-way --------------------------------------------------------------------------------


class Gate:
    """A relay before the engine that can be closed: what is asked then is held, as by an engine that hangs."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "engine.sock"
        self.open = threading.Event()
        self.open.set()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.path))
        listener.listen(16)
        self.relay = Relay(listener, "/var/run/docker.sock", tap=lambda: lambda _: self.open.wait() and None)
        self.relay.start()


class Asked(http.server.BaseHTTPRequestHandler):
    """Ready while its Redis answers."""

    redis: tuple[str, int]

    def do_GET(self) -> None:
        try:
            with socket.create_connection(self.redis, 0.5) as line:
                line.settimeout(0.5)
                line.sendall(b"PING\r\n")
                ready = line.recv(20).startswith(b"+PONG")
        except OSError:
            ready = False
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("hangs", [3.0, 0.0], ids=["for a while", "until the run has given up"])
def test_an_engine_that_hangs_half_way_costs_the_run_and_not_the_target(require, tmp_path, hangs):
    require("docker")
    with sigkill.container() as target:
        gate = Gate(tmp_path)
        described = yaml.safe_load(target.profile.read_text())
        name = described["services"]["redis"]["containers"][0]
        Asked.redis = (sigkill.address_of(name), 6379)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Asked)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        described["target"]["host"] = f"unix://{gate.path}"
        described["services"]["api"] = {
            "url": f"http://127.0.0.1:{server.server_address[1]}",
            "readiness": {"path": "/ready", "unready_within": "4s", "ready_within": "5s"},
            "depends_on": {"redis": {}},
        }
        profile = tmp_path / "gate.yaml"
        profile.write_text(yaml.safe_dump(described))
        before = target.state()
        try:
            drill = Drill(profile, tmp_path, "--deadline=10s", "-p", impatient.__name__).until("done")
            gate.open.clear()
            assert target.hangs()
            if hangs:
                time.sleep(hangs)
                gate.open.set()
            code, text = drill.ended()
            assert code == 3, text
            assert drill.conformance()["exit_code"] == 3
            if not hangs:
                assert "not recovered: container" in text
                assert "seatrial recover" in text
                assert target.hangs()
                assert recover("--dry-run")[0] == 3
                gate.open.set()
                code, text = recover()
                assert code == 0, text
            assert recovered()
            assert target.state() == before
        finally:
            gate.open.set()
            server.shutdown()
            server.server_close()
            gate.relay.stop()
