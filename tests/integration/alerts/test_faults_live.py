"""Broken rule files and configurations beside a real Prometheus: each turns just its requirements red, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.conftest import Require
from tests.integration.defects.alerts import LOADED, MEANT, REFUSED, RIGHTLY, Fault, Meant, file
from tests.integration.runs import Run
from tests.lab.watch import RULES, Watch, watch

pytestmark = pytest.mark.integration

EVERY = [*LOADED, *REFUSED]


class Alerts(Run):
    """A run of the area."""

    area = "alerts"


@pytest.fixture(scope="module")
def monitoring(require: Require, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    require("prometheus")
    rules = {"rules.yaml": RULES} | {f"{fault.name}.yaml": fault.text for fault in LOADED}
    with watch(tmp_path_factory.mktemp("watch"), rules, history=3600) as up:
        yield up


@pytest.fixture(scope="module")
def loaded(monitoring: Watch, tmp_path_factory: pytest.TempPathFactory) -> Alerts:
    """One run over all rule files that Prometheus loads: each is a subject of its own."""
    # Their texts say little, so that nothing can be said of when they should fire.
    none = {"none": "what they mean is another question", "owner": "@lab"}
    return Alerts(monitoring.profile(promtool=none), tmp_path_factory.mktemp("loaded"))


@pytest.fixture(scope="module")
def refused(monitoring: Watch, tmp_path_factory: pytest.TempPathFactory) -> Alerts:
    """One run over those that it refuses, without it: what is not loaded would be told as well."""
    for fault in REFUSED:
        (monitoring.folder / f"{fault.name}.yaml").write_text(fault.text)
    profile = monitoring.profile("refused.yaml", files=[f"{fault.name}.yaml" for fault in REFUSED], prometheus=None)
    return Alerts(profile, tmp_path_factory.mktemp("refused"))


@pytest.fixture(scope="module")
def meant(monitoring: Watch, tmp_path_factory: pytest.TempPathFactory) -> Alerts:
    """One run over alerts whose meaning is declared, and what must be told of failures."""
    rules = [rule for rule, _ in RIGHTLY.values()] + [each.rule for each in MEANT if each.rule]
    (monitoring.folder / "meant.yaml").write_text(file("meant", *rules))
    profile = monitoring.profile(
        "meant.yaml.profile.yaml",
        files=["meant.yaml"],
        means={name: means for name, (_, means) in RIGHTLY.items()} | {each.name: each.means for each in MEANT},
        covers={"the queue grows": "Long", "the disk is full": "NoSuchAlert"},
        prometheus=None,
    )
    return Alerts(profile, tmp_path_factory.mktemp("meant"))


def of(run: Alerts, subject: str, *outcomes: str) -> list[str]:
    return sorted({one["id"] for one in run.results if one["subject"] == subject and one["outcome"] in outcomes})


def told(run: Alerts, subject: str) -> str:
    return "\n".join(str(one["seen"]) for one in run.results if one["subject"] == subject and one["outcome"] != "pass")


def test_there_are_enough_of_them() -> None:
    assert len(EVERY) >= 30
    ids = {id for fault in EVERY for id in fault.turns_red} | {each.turns_red for each in MEANT}
    assert len(ids) >= 30
    assert len({fault.name for fault in EVERY}) == len(EVERY)


def test_what_conforms_is_green(loaded: Alerts) -> None:
    assert of(loaded, "rules.yaml", "violation", "advisory", "error") == [], told(loaded, "rules.yaml")


@pytest.mark.parametrize("fault", LOADED, ids=lambda fault: fault.name)
def test_exactly_its_requirements_turn_red(loaded: Alerts, fault: Fault) -> None:
    subject = f"{fault.name}.yaml"
    assert of(loaded, subject, "violation", "advisory") == sorted(fault.turns_red), told(loaded, subject)
    assert of(loaded, subject, "error") == sorted(fault.hides)
    assert fault.told in told(loaded, subject)


@pytest.mark.parametrize("fault", REFUSED, ids=lambda fault: fault.name)
def test_what_prometheus_refuses_is_told_as_such(refused: Alerts, fault: Fault) -> None:
    subject = f"{fault.name}.yaml"
    assert of(refused, subject, "violation", "advisory") == sorted(fault.turns_red), told(refused, subject)
    assert fault.told in told(refused, subject)


@pytest.mark.parametrize("name", RIGHTLY)
def test_what_does_as_it_means_is_green(meant: Alerts, name: str) -> None:
    assert of(meant, f"alerts.{name}", "violation", "advisory", "error") == [], told(meant, f"alerts.{name}")


@pytest.mark.parametrize("each", MEANT, ids=lambda each: each.name)
def test_what_does_otherwise_than_it_means_turns_red(meant: Alerts, each: Meant) -> None:
    subject = f"alerts.{each.name}"
    assert of(meant, subject, "violation", "advisory") == [each.turns_red], told(meant, subject)
    assert each.told in told(meant, subject)


def test_a_failure_that_no_alert_tells_is_red_alone(meant: Alerts) -> None:
    assert of(meant, "covers.the-queue-grows", "violation") == []
    assert of(meant, "covers.the-disk-is-full", "violation", "error") == ["ALR-050"]
