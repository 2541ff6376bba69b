"""Each requirement on secrets, on a real site: green where all is right, and red alone where just that is wrong."""

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
from tests.integration.defects import Defect, defects_of, secrets
from tests.integration.defects.secrets import Site, site
from tests.lab import Lab

pytestmark = pytest.mark.integration

DEFECTS = defects_of(secrets)
REQUIREMENTS = {requirement.id: requirement for requirement, _ in catalogue(suites) if requirement.area == "secrets"}


@pytest.fixture
def at(lab: Lab) -> Iterator[Site]:
    with site(lab) as made:
        yield made


class Run:
    """A whole run of the area, as its user starts it."""

    def __init__(self, profile: Path, folder: Path, *options: str, **more: str) -> None:
        reports = folder / f"reports-{len(list(folder.iterdir()))}"
        command = [sys.executable, "-m", "pytest", "suites/secrets", "-p", "no:cacheprovider", f"--profile={profile}"]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DOCKER_"))}
        done = subprocess.run(
            [*command, f"--report-dir={reports}", *options],
            cwd=Path(__file__).parents[2], env=environment | more, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        self.text, self.code = done.stdout + done.stderr, done.returncode
        found = list(reports.glob("*/conformance.json"))
        assert found, self.text
        self.folder = found[0].parent
        self.results: list[dict[str, Any]] = json.loads(found[0].read_text())["results"]

    def ids(self, *outcomes: str) -> list[str]:
        """Of the requirements with one of these outcomes, each once."""
        return sorted({one["id"] for one in self.results if one["outcome"] in outcomes})

    def told(self) -> dict[tuple[str, str], tuple[str, str]]:
        """What every instance came to."""
        return {(r["id"], r["subject"]): (r["outcome"], f"{r['seen'] or r['reason']}") for r in self.results}


def test_every_requirement_is_shown_red() -> None:
    assert {id for defect in DEFECTS for id in defect.turns_red} == set(REQUIREMENTS)


def test_what_conforms_is_green_and_all_of_it_was_looked_at(at: Site, tmp_path: Path) -> None:
    at.start()
    run = Run(at.profile(tmp_path), tmp_path)
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert run.ids("pass") == sorted(REQUIREMENTS)
    assert run.code == 0


@pytest.mark.parametrize("defect", DEFECTS, ids=[defect.name for defect in DEFECTS])
def test_exactly_its_requirement_turns_red(defect: Defect, at: Site, tmp_path: Path) -> None:
    defect.make(at)
    at.start()
    run = Run(at.profile(tmp_path), tmp_path)
    assert run.ids("violation", "advisory") == sorted(defect.turns_red), run.text
    assert run.ids("error") == sorted(defect.hides), run.text
    assert run.code == 1
