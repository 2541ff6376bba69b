"""A run that is killed in the middle of a disturbance leaves its target as it was found, whenever that happens."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
        print("", *map(str, done), *lines, sep="\n  ")
    assert wrong == []
    assert len(done) == COUNT
    assert {kill.by for kill in done} >= {"guardian", "recover"}
