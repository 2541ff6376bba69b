"""Each health requirement on a live service: green where all is right, and red alone where just that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import suites
from seatrial.catalogue import catalogue
from tests.integration.defects import Defect, defects_of, health
from tests.integration.defects.health import Page, Service, running
from tests.integration.runs import Run

pytestmark = pytest.mark.integration

DEFECTS = defects_of(health)
REQUIREMENTS = {requirement.id: requirement for requirement, _ in catalogue(suites) if requirement.area == "health"}


class Health(Run):
    """A run of the area."""

    area = "health"


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as up:
        yield up


def test_every_requirement_is_shown_red() -> None:
    assert {id for defect in DEFECTS for id in defect.turns_red} == set(REQUIREMENTS)


def test_what_conforms_is_green_and_all_of_it_was_looked_at(service: Service, tmp_path: Path) -> None:
    run = Health(service.profile(tmp_path), tmp_path)
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert run.ids("pass") == sorted(REQUIREMENTS)
    assert run.code == 0


@pytest.mark.parametrize("defect", DEFECTS, ids=[defect.name for defect in DEFECTS])
def test_exactly_its_requirement_turns_red(defect: Defect, service: Service, tmp_path: Path) -> None:
    defect.make(service)
    run = Health(service.profile(tmp_path), tmp_path)
    binding = REQUIREMENTS[defect.turns_red[0]].level.binding
    assert run.ids("violation" if binding else "advisory") == sorted(defect.turns_red), run.text
    assert run.ids("advisory" if binding else "violation") == []
    assert run.ids("error") == sorted(defect.hides)
    assert run.code == (1 if binding else 0)


@pytest.mark.parametrize(
    "name", ["raising_handler", "unfinished_rollout", "stream_without_an_end", "degraded_under_200"]
)
def test_its_facts_give_the_same_verdicts_when_it_answers_otherwise(
    name: str, service: Service, tmp_path: Path
) -> None:
    (defect,) = (defect for defect in DEFECTS if defect.name == name)
    defect.make(service)
    run = Health(service.profile(tmp_path), tmp_path)
    service.routes.clear()
    assert Health(tmp_path / "small.yaml", tmp_path, f"--facts={run.folder}").told() == run.told()


def test_a_service_that_is_gone_is_told_once_for_each_endpoint(service: Service, tmp_path: Path) -> None:
    service.server.server_close()
    run = Health(service.profile(tmp_path), tmp_path)
    assert run.ids("violation") == ["HLT-001"]
    assert run.ids("error") == sorted(set(REQUIREMENTS) - {"HLT-001"})
    assert run.code == 1
    assert {text for (id, _), (_, text) in run.told().items() if id == "HLT-001"} == {
        f"['GET {service.url}{check['path']}: refused the connection (expected HTTP 200)']"
        for check in service.declared.values()
    }


def test_a_host_without_a_name_is_no_verdict(service: Service, tmp_path: Path) -> None:
    service.url = "http://harbor.invalid:8080"
    run = Health(service.profile(tmp_path), tmp_path)
    assert run.ids("violation", "advisory", "pass") == []
    assert run.ids("error") == sorted(REQUIREMENTS)
    assert run.code == 3
    assert "harbor.invalid does not resolve" in run.text


def test_nothing_that_the_body_or_a_redirect_holds_is_told(service: Service, tmp_path: Path) -> None:
    word = "correct-horse-battery-staple-4711"
    service.declared["readiness"]["expect"]["match"] = {"token": "rotated"}
    service.routes["/health/ready"] = lambda: Page({"status": "ready", "token": word})
    service.declared["health"]["expect"]["json_schema"] = {"properties": {"dsn": {"type": "null"}}}
    page = service.detail().document | {"dsn": word}
    service.routes["/health"] = lambda: Page(page)
    where = f"http://user:{word}@sign-on.invalid/?state={word}"
    service.routes["/health/live"] = lambda: Page("", 302, headers={"Location": where})
    run = Health(service.profile(tmp_path), tmp_path, "-l", "-vv")
    assert run.ids("violation") == ["HLT-001", "HLT-004", "HLT-005", "HLT-012"]
    assert word not in run.text
    for file in filter(Path.is_file, run.folder.rglob("*")):
        assert file.name == "facts.json" or word not in file.read_text(), file


def test_a_header_from_the_environment_is_in_no_file_though_the_service_repeats_it(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = "correct-horse-battery-staple-4711"
    monkeypatch.setenv("HARBOR_KEY", word)
    service.declared["readiness"]["headers"] = {"X-Harbor": {"env": "HARBOR_KEY"}}
    service.routes["/health/ready"] = lambda: Page({"status": "ready", "role": "primary", "you_sent": word})
    run = Health(service.profile(tmp_path), tmp_path, "-l", "-vv")
    assert run.ids("violation", "advisory", "error") == []
    assert word not in run.text
    assert all(word not in file.read_text() for file in run.folder.rglob("*") if file.is_file())
