"""A run that is killed in the middle of a disturbance leaves its target as it was found, whenever that happens."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from seatrial.safety import journal as journals
from tests.integration.drills import sigkill

pytestmark = pytest.mark.integration
COUNT = int(os.environ.get("SEATRIAL_SIGKILLS", "50"))
"""How many runs are killed; ``python -m tests.integration.drills.sigkill --count 1000`` kills more, and tells each."""


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path / "state"))
    return tmp_path


@pytest.mark.timeout(600)
def test_a_killed_run_leaves_its_target_as_it_was_found_at_every_moment(state, require, capsys):
    require("redis")
    done: list[sigkill.Kill] = []
    containers = 0
    if not sigkill.missing_engine():
        containers = max(4, COUNT // 8)
        with sigkill.container() as target:
            done += sigkill.kills(target, containers)
    with sigkill.process(state) as target:
        done += sigkill.kills(target, COUNT - containers, len(done) + 1)
    lines, wrong = sigkill.report(done)
    with capsys.disabled():
        print("", *map(str, done), *lines, sep="\n  ", file=sys.stderr)  # of a worker of xdist, stdout is lost
    assert wrong == []
    assert len(done) == COUNT
    assert {kill.by for kill in done} >= {"guardian", "recover"}


@pytest.mark.timeout(180)
def test_what_an_engine_still_does_after_its_run_was_killed_is_undone_too(state, require):
    """An engine that was asked to stop a container goes on with that, whether or not somebody waits for its answer."""
    require("docker")
    with sigkill.container(ends_after=3) as target:
        before = target.state()
        runner = sigkill.Runner(target, "stopping", "stop")
        try:
            _, run, _ = runner.begin()
            runner.until("acting")
            time.sleep(0.5)  # the engine has the request by then, and the container still runs
            os.kill(run, signal.SIGKILL)
            runner.rest()
            assert target.state()["Running"] == "True"
        finally:
            runner.close()
        end = time.monotonic() + 90
        (file,) = journals.journals()
        while not (entry := journals.read(file)).closed:
            assert time.monotonic() < end, file.read_text()
            time.sleep(0.2)
        assert entry.standing == ()
        after = target.state()
        assert after["StartedAt"] != before["StartedAt"]  # it was stopped, after all
        assert (after["Status"], after["answer"]) == ("running", "+PONG")
        time.sleep(2)
        assert target.state() == after
