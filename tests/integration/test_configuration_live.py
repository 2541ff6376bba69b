"""Each configuration requirement on real processes and servers: green where all is right, and red alone where just that is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import suites
from seatrial.catalogue import catalogue
from tests.integration.defects import Defect, _programs, configuration, defects_of
from tests.integration.defects.configuration import ENVIRONMENT, Office, office
from tests.integration.defects.health import Page, running
from tests.integration.runs import Run
from tests.lab import Lab

pytestmark = pytest.mark.integration

DEFECTS = defects_of(configuration)
REQUIREMENTS = {one.id: one for one, _ in catalogue(suites) if one.area == "configuration"}
OF_CONTAINERS = "CFG-007"


class Configured(Run):
    """A run of the area."""

    area = "configuration"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    if reason := _programs.missing(_programs.redis, _programs.postgres):
        pytest.skip(reason)
    with office(tmp_path_factory.mktemp("servers")) as up:
        yield up


@pytest.fixture
def at(servers: Office, tmp_path: Path) -> Iterator[Office]:
    yield Office(tmp_path, servers.redis, servers.postgres)
    servers.reset()


def run(at: Office, *options: str) -> Configured:
    with at.worker() as pid:
        return Configured(at.profile(pid), at.folder, *options)


def test_every_requirement_is_shown_red() -> None:
    assert {id for defect in DEFECTS for id in defect.turns_red} | {OF_CONTAINERS} == set(REQUIREMENTS)


def test_what_conforms_is_green_and_all_of_it_was_looked_at(at: Office) -> None:
    seen = run(at)
    assert seen.ids("violation", "advisory", "error") == [], seen.text
    assert seen.ids("pass") == sorted(set(REQUIREMENTS) - {OF_CONTAINERS})
    assert seen.code == 0


@pytest.mark.parametrize("defect", DEFECTS, ids=[defect.name for defect in DEFECTS])
def test_exactly_its_requirement_turns_red(defect: Defect, at: Office) -> None:
    defect.make(at)
    seen = run(at)
    binding = REQUIREMENTS[defect.turns_red[0]].level.binding
    assert seen.ids("violation" if binding else "advisory") == sorted(defect.turns_red), seen.text
    assert seen.ids("advisory" if binding else "violation") == []
    assert seen.ids("error") == sorted(defect.hides)
    for secret in (ENVIRONMENT["API_KEY"], at.edited.get("API_KEY", ENVIRONMENT["API_KEY"]), _programs.PASSWORD):
        left = [file.name for file in seen.folder.rglob("*") if file.is_file() and secret in file.read_text()]
        assert (left, secret in seen.text) == ([], False)


@pytest.mark.parametrize("name", ["rotated_key_without_a_restart", "setting_changed_by_hand"])
def test_a_replay_gives_the_same_verdicts(name: str, at: Office) -> None:
    next(defect for defect in DEFECTS if defect.name == name).make(at)
    seen = run(at)
    again = Configured(at.folder / "office.yaml", at.folder, f"--facts={seen.folder}")
    assert again.told() == seen.told()


def test_a_server_that_refuses_is_no_verdict(at: Office) -> None:
    with at.worker() as pid:
        profile = at.profile(pid)
        (at.folder / "password").write_text("not-the-password")
        seen = Configured(profile, at.folder)
    assert seen.ids("error") == ["CFG-011", "CFG-012", "CFG-013"]
    told = " ".join(seen.text.split())
    assert "it asks for credentials, or for others" in told
    assert "it asks for other credentials" in told
    assert seen.code == 3


def container(lab: Lab, folder: Path, **words: Any) -> Configured:
    """A run on one container, whose file and environment are declared."""
    (folder / "app.toml").write_text("depth = 32\n")
    given = {"environment": {"LOG_LEVEL": "info"}, "volumes": [f"{folder}/app.toml:/srv/app.toml:ro"], **words}
    with lab.single(**given) as made:
        file = {"path": "/srv/app.toml", "inside": True, "values": {"depth": 32}}
        declared = {
            "profile": "web",
            "environment": "test",
            "target": {"driver": "docker"},
            "services": {
                "web": {
                    "containers": [made.name],
                    "environment": {"required": ["LOG_LEVEL"]},
                    "configuration": {"files": [file]},
                }
            },
            "same": {
                "depth": [
                    {"service": "web", "inside": True, "file": "/srv/app.toml", "at": "depth"},
                    {"file": "app.toml", "at": "depth"},
                ]
            },
        }
        (folder / "web.yaml").write_text(json.dumps(declared, indent=1))
        return Configured(folder / "web.yaml", folder)


def test_a_container_has_what_it_was_given(lab: Lab, tmp_path: Path) -> None:
    seen = container(lab, tmp_path)
    assert seen.ids("violation", "advisory", "error") == [], seen.text
    assert {OF_CONTAINERS, "CFG-001", "CFG-008", "CFG-010", "CFG-014"} <= set(seen.ids("pass"))


def test_an_entrypoint_that_knows_better(lab: Lab, tmp_path: Path) -> None:
    seen = container(lab, tmp_path, entrypoint=["/bin/sh", "-c", "LOG_LEVEL=debug exec /start"])
    assert seen.ids("advisory") == [OF_CONTAINERS], seen.text
    assert seen.ids("violation", "error") == []
    assert 'LOG_LEVEL is "debug" (expected "info")' in " ".join(seen.text.split())


def reporting(folder: Path, document: Any, **reports: Any) -> Configured:
    """A run on a service that reports its configuration over HTTP."""
    with running() as service:
        service.routes["/config"] = lambda: Page(document)
        node = {"url": service.url, "configuration": {"reports": {"path": "/config", **reports}, "min_version": "1.4"}}
        declared = {"profile": "told", "environment": "test", "target": {"driver": "http"}, "services": {"api": node}}
        (folder / "told.yaml").write_text(json.dumps(declared, indent=1))
        return Configured(folder / "told.yaml", folder)


TOLD = {"version": "1.4.2", "query": {"depth": 32}, "cache": {"size": "64MiB"}, "token": "q7Rz-41mT-x0Vb-88sK"}
VALUES = {"query.depth": 32, "cache.size": "67108864", "token": TOLD["token"]}


def test_a_service_reports_its_configuration(tmp_path: Path) -> None:
    seen = reporting(tmp_path, TOLD, values=VALUES)
    assert seen.ids("violation", "advisory", "error") == [], seen.text
    assert seen.ids("pass") == ["CFG-011", "CFG-013"]


def test_a_service_reports_another_configuration(tmp_path: Path) -> None:
    other = {**TOLD, "version": "1.3.9", "query": {"depth": 8}, "token": "m3Wd-90pL-c5Jh-27nF"}
    seen = reporting(tmp_path, other, values=VALUES)
    assert seen.ids("violation") == ["CFG-011", "CFG-013"], seen.text
    told = " ".join(seen.text.split())
    assert 'query.depth is "8" (expected "32")' in told
    assert "reports version 1.3.9 (expected 1.4 or later)" in told
    left = [file.name for file in seen.folder.rglob("*") if file.is_file() and other["token"] in file.read_text()]
    assert (left, other["token"] in seen.text) == ([], False)


def test_a_page_that_is_no_configuration_is_no_verdict(tmp_path: Path) -> None:
    seen = reporting(tmp_path, "<!doctype html><title>Sign in</title>", values=VALUES)
    assert seen.ids("error") == ["CFG-011", "CFG-013"], seen.text
    assert "no JSON document" in seen.text
