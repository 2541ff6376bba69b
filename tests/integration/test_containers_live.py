"""Each container requirement, on a real engine: green where all is right, and red alone where just that is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.defects import Defect, containers, defects_of
from tests.integration.defects._bench import REQUIREMENTS, Bench, verdicts
from tests.integration.harbor_profile import write
from tests.lab import Lab, Stack

pytestmark = pytest.mark.integration

DEFECTS = defects_of(containers)
NOT_SHOWN: dict[str, str] = {}
"""Requirements that no real container can be made to break here, and why."""


@pytest.fixture
def bench(lab: Lab) -> Iterator[Bench]:
    with Bench(lab) as made:
        yield made


def told(found: dict[str, str], kind: str) -> dict[str, str]:
    return {id: verdict for id, verdict in found.items() if verdict.partition(":")[0] == kind}


def test_every_requirement_is_shown_red() -> None:
    shown = {id for defect in DEFECTS for id in defect.turns_red}
    assert sorted(shown | set(NOT_SHOWN)) == sorted(REQUIREMENTS)
    assert not shown & set(NOT_SHOWN)


def test_a_container_of_which_everything_is_declared_is_green(bench: Bench, tmp_path: Path) -> None:
    assert verdicts(bench.single().profile(tmp_path)) == dict.fromkeys(REQUIREMENTS, "pass")


def test_a_container_of_which_nothing_is_declared_is_green(bench: Bench, tmp_path: Path) -> None:
    broken = bench.single()
    broken.declared.clear()
    declared = [id for id, (requirement, _) in REQUIREMENTS.items() if requirement.needs]
    assert verdicts(broken.profile(tmp_path)) == dict.fromkeys(set(REQUIREMENTS) - set(declared), "pass")


def test_a_job_that_has_ended_well_is_green(bench: Bench, tmp_path: Path) -> None:
    assert verdicts(containers.ended_job(bench, "exit 0").profile(tmp_path)) == dict.fromkeys(REQUIREMENTS, "pass")


@pytest.mark.parametrize("defect", DEFECTS, ids=[defect.name for defect in DEFECTS])
def test_exactly_its_requirement_turns_red(defect: Defect, bench: Bench, tmp_path: Path) -> None:
    found = verdicts(defect.make(bench).profile(tmp_path))
    assert sorted(told(found, "red")) == sorted(defect.turns_red), told(found, "red")
    assert sorted(told(found, "error")) == sorted(defect.hides), told(found, "error")


def run(profile: Path, folder: Path, *options: str) -> tuple[int, list[dict[str, Any]], str]:
    """A whole run of the area, as its user starts it: the exit code, the results, and what was printed."""
    reports = folder / "reports"
    command = [sys.executable, "-m", "pytest", "suites/containers", f"--profile={profile}", f"--report-dir={reports}"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DOCKER_"))}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, *options], cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    (report,) = reports.glob("*/conformance.json")
    return done.returncode, json.loads(report.read_text())["results"], done.stdout


def not_green(results: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(r["id"], r["outcome"]) for r in results if r["outcome"] in ("violation", "advisory", "error", "withheld")]


@pytest.mark.parametrize("name", ["root_user", "sys_admin", "healthcheck_of_a_missing_program", "writable_root"])
def test_a_whole_run_tells_the_one_defect(name: str, bench: Bench, tmp_path: Path) -> None:
    (defect,) = (defect for defect in DEFECTS if defect.name == name)
    broken = defect.make(bench)
    code, results, text = run(broken.profile(tmp_path), tmp_path)
    assert not_green(results) == [(id, "violation") for id in defect.turns_red]
    assert code == 1
    assert broken.containers[0].name in text


def test_a_whole_run_on_what_conforms_is_a_success(bench: Bench, tmp_path: Path) -> None:
    code, results, text = run(bench.single().profile(tmp_path), tmp_path)
    assert not_green(results) == []
    assert {r["id"] for r in results if r["outcome"] == "pass"} == set(REQUIREMENTS)
    assert code == 0, text


def test_hardening_that_nobody_promised_is_advice(bench: Bench, tmp_path: Path) -> None:
    profile = containers.default_capabilities.make(bench).profile(tmp_path)
    profile.write_text(profile.read_text().replace('"restricted"', '"baseline"'))
    code, results, _ = run(profile, tmp_path)
    assert not_green(results) == [("CTR-006", "advisory")]
    assert code == 0


def test_a_container_more_in_a_stack_of_compose(harbor_compose2: Stack, tmp_path: Path) -> None:
    with harbor_compose2.broken("stranger", image="tiny"):
        code, results, _ = run(write(harbor_compose2, tmp_path), tmp_path)
    assert not_green(results) == [("CTR-052", "advisory")]
    assert code == 0
