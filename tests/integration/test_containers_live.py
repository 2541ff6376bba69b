"""Each container requirement, on a real engine: green where all is right, and red alone where just that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.defects import Defect, containers, defects_of
from tests.integration.defects._bench import REQUIREMENTS, Bench, verdicts
from tests.lab import Lab

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
