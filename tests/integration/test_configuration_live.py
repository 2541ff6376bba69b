"""Each configuration requirement on real processes and servers: green where all is right, and red alone where just that is wrong."""

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
from tests.integration.defects import Defect, _programs, configuration, defects_of
from tests.integration.defects.configuration import ENVIRONMENT, Office, office
from tests.lab import Lab

pytestmark = pytest.mark.integration

DEFECTS = defects_of(configuration)
REQUIREMENTS = {one.id: one for one, _ in catalogue(suites) if one.area == "configuration"}
OF_CONTAINERS = "CFG-007"


class Run:
    """A run of the area, as its user starts it."""

    def __init__(self, profile: Path, folder: Path, *options: str) -> None:
        reports = folder / f"reports-{len(list(folder.iterdir()))}"
        words = [
            sys.executable,
            "-m",
            "pytest",
            "suites/configuration",
            "-p",
            "no:cacheprovider",
            f"--profile={profile}",
        ]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DOCKER_"))}
        done = subprocess.run(
            [*words, f"--report-dir={reports}", *options],
            cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True, timeout=120, check=False,
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


def run(at: Office, *options: str) -> Run:
    with at.worker() as pid:
        return Run(at.profile(pid), at.folder, *options)


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
    again = Run(at.folder / "office.yaml", at.folder, f"--facts={seen.folder}")
    assert again.told() == seen.told()


def test_a_server_that_refuses_is_no_verdict(at: Office) -> None:
    with at.worker() as pid:
        profile = at.profile(pid)
        (at.folder / "password").write_text("not-the-password")
        seen = Run(profile, at.folder)
    assert seen.ids("error") == ["CFG-011", "CFG-012", "CFG-013"]
    told = " ".join(seen.text.split())
    assert "it asks for credentials, or for others" in told
    assert "it asks for other credentials" in told
    assert seen.code == 3


def container(lab: Lab, folder: Path, **words: Any) -> Run:
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
        return Run(folder / "web.yaml", folder)


def test_a_container_has_what_it_was_given(lab: Lab, tmp_path: Path) -> None:
    seen = container(lab, tmp_path)
    assert seen.ids("violation", "advisory", "error") == [], seen.text
    assert {OF_CONTAINERS, "CFG-001", "CFG-008", "CFG-010", "CFG-014"} <= set(seen.ids("pass"))


def test_an_entrypoint_that_knows_better(lab: Lab, tmp_path: Path) -> None:
    seen = container(lab, tmp_path, entrypoint=["/bin/sh", "-c", "LOG_LEVEL=debug exec /start"])
    assert seen.ids("advisory") == [OF_CONTAINERS], seen.text
    assert seen.ids("violation", "error") == []
    assert 'LOG_LEVEL is "debug" (expected "info")' in " ".join(seen.text.split())
