"""Each exposure requirement on a live target: green where all is right, and red alone where just that is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import suites
from seatrial.catalogue import catalogue
from tests.integration.defects import Defect, defects_of, exposure
from tests.integration.defects._scene import Scene, scene
from tests.lab import Lab

pytestmark = pytest.mark.integration

DEFECTS = defects_of(exposure)
REQUIREMENTS = {requirement.id: requirement for requirement, _ in catalogue(suites) if requirement.area == "exposure"}


def audit(profile: Path, folder: Path, *options: str) -> list[dict[str, Any]]:
    """A whole run, as its user starts it; its results."""
    reports = folder / f"reports-{len(list(folder.iterdir()))}"
    command = [sys.executable, "-m", "seatrial", "audit", str(profile), f"--report-dir={reports}", *options]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DOCKER_"))}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    found = list(reports.glob("*/conformance.json"))
    assert found, done.stdout + done.stderr
    results: list[dict[str, Any]] = json.loads(found[0].read_text())["results"]
    return results


def told(results: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """What is not green."""
    return {
        (one["id"], one["subject"]): f"{one['outcome']}: {one['seen'] or one['reason']}"
        for one in results
        if one["outcome"] in ("violation", "advisory", "error")
    }


@pytest.fixture(scope="module")
def live(lab: Lab) -> Iterator[Scene]:
    with scene(lab) as up:
        yield up


def test_every_requirement_is_shown_red() -> None:
    assert {id for defect in DEFECTS for id in defect.turns_red} == set(REQUIREMENTS)


def test_what_conforms_is_green_and_all_of_it_was_looked_at(live: Scene, tmp_path: Path) -> None:
    results = audit(live.profile(tmp_path), tmp_path)
    assert told(results) == {}
    assert {one["id"] for one in results if one["outcome"] == "pass" and one["area"] == "exposure"} == set(REQUIREMENTS)


@pytest.mark.parametrize("defect", DEFECTS, ids=[defect.name for defect in DEFECTS])
def test_exactly_its_requirement_turns_red(defect: Defect, live: Scene, tmp_path: Path) -> None:
    with defect.make(live) as subject:
        found = told(audit(live.profile(tmp_path), tmp_path))
    assert set(found) == {(id, subject) for id in defect.turns_red}, found
    for (id, _), outcome in found.items():
        # Hardening is asked for in this profile, so that its SHOULD is binding.
        binding = REQUIREMENTS[id].level.binding or REQUIREMENTS[id].hardening
        assert outcome.startswith("violation" if binding else "advisory")
