"""Each metrics requirement on a live service: green where all is right, and red alone where just that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import suites
from seatrial.catalogue import catalogue
from tests.integration.defects import Defect, defects_of, metrics
from tests.integration.defects.metrics import Service, running
from tests.integration.test_health_live import Run

pytestmark = pytest.mark.integration

DEFECTS = defects_of(metrics)
REQUIREMENTS = {requirement.id: requirement for requirement, _ in catalogue(suites) if requirement.area == "metrics"}


class Metrics(Run):
    """A run, of which the results of this area are looked at."""

    def __init__(self, profile: Path, folder: Path, *options: str) -> None:
        super().__init__(profile, folder, *options)
        self.results = [result for result in self.results if result["id"].startswith("MET")]


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as up:
        yield up


def test_every_requirement_is_shown_red() -> None:
    assert {id for defect in DEFECTS for id in defect.turns_red} == set(REQUIREMENTS)


def test_what_conforms_is_green_and_all_of_it_was_looked_at(service: Service, tmp_path: Path) -> None:
    run = Metrics(service.profile(tmp_path), tmp_path)
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert run.ids("pass") == sorted(REQUIREMENTS)


@pytest.mark.parametrize("defect", DEFECTS, ids=[defect.name for defect in DEFECTS])
def test_exactly_its_requirement_turns_red(defect: Defect, service: Service, tmp_path: Path) -> None:
    defect.make(service)
    run = Metrics(service.profile(tmp_path), tmp_path)
    binding = REQUIREMENTS[defect.turns_red[0]].level.binding
    assert run.ids("violation" if binding else "advisory") == sorted(defect.turns_red), run.text
    assert run.ids("advisory" if binding else "violation") == []
    assert run.ids("error") == sorted(defect.hides)


@pytest.mark.parametrize("name", ["calls_that_are_counted_twice", "single_page_application", "users_as_labels"])
def test_its_facts_give_the_same_verdicts(name: str, service: Service, tmp_path: Path) -> None:
    (defect,) = (defect for defect in DEFECTS if defect.name == name)
    defect.make(service)
    run = Metrics(service.profile(tmp_path), tmp_path)
    replayed = Metrics(tmp_path / "small.yaml", tmp_path, f"--facts={run.folder}")
    assert replayed.told() == run.told()
