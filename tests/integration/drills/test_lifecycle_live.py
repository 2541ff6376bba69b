"""Each requirement on the lifecycle on a real service: green where all is right, red where just that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import suites
from seatrial.catalogue import catalogue
from tests.integration.conftest import Require
from tests.integration.runs import Run
from tests.lab.ferry.processes import HERE, PYTHON, ferry, merged
from tests.lab.ferry.stack import stack
from tests.lab.stacks import Lab

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

REQUIREMENTS = {requirement.id for requirement, _ in catalogue(suites) if requirement.area == "lifecycle"}
ON_CONTAINERS = {"LFC-004", "LFC-005"}
AT_A_TIME = 2
ROOM = "30%"
"""A share of failures that leaves room for a machine that is busy with other tests, where failures are not the point."""


class Lifecycle(Run):
    """A run of the area."""

    area = "lifecycle"
    within = 300.0


def drill(profile: Path, folder: Path, *options: str) -> Lifecycle:
    """A run that disturbs, with a journal of its own."""
    return Lifecycle(profile, folder, *options, mode="drill", SEATRIAL_STATE=str(folder / "state"))


def command(verb: str, *changes: str) -> list[str]:
    """What an operator would type, with FOLDER where the service's own stands."""
    return [*PYTHON, str(HERE / "supervisor.py"), verb, "FOLDER", "api", *changes]


@dataclass(frozen=True)
class Wrong:
    """A service, or a command of its operators, that is wrong in one way."""

    name: str
    turns_red: tuple[str, ...]
    only: str
    """upgrade or rotate."""
    ferry: str = ""
    lifecycle: dict[str, Any] = field(default_factory=dict)
    api: dict[str, Any] = field(default_factory=dict)


def rotation(**changes: Any) -> dict[str, Any]:
    return {"rotate": {"admin": changes}}


WRONGS = [
    Wrong(
        "upgrade with an outage", ("LFC-001",), "upgrade",
        lifecycle={"upgrade": {"command": command("restart", "FERRY_VERSION=1.1.0", "FERRY_START=4")}, "errors": "5%"},
    ),
    Wrong("writes kept in memory", ("LFC-002",), "upgrade", ferry="forgetful"),
    Wrong(
        "not ready after the rollback", ("LFC-003",), "upgrade",
        lifecycle={"rollback": {"command": command("replace", "FERRY_VERSION=1.0.0", "FERRY_START=600")}},
        api={
            "canary": {"post": None, "body": None, "expect": None, "sentinel": None, "read_back": None, "remove": None,
                       "get": "/health/live"},
        },
    ),
    Wrong("upgrade that changes nothing", ("LFC-006",), "upgrade", lifecycle={"upgrade": {"command": command("replace")}}),
    Wrong("rollback that changes nothing", ("LFC-007",), "upgrade", lifecycle={"rollback": {"command": command("replace")}}),
    Wrong(
        "another key than the declared one", ("LFC-008",), "rotate",
        lifecycle=rotation(command=["sh", "-c", "echo another-key-of-the-lab > FOLDER/key"]),
    ),
    Wrong("old key still taken", ("LFC-009",), "rotate", ferry="first-key-works"),
    Wrong("rotation that is not taken back", ("LFC-010",), "rotate", lifecycle=rotation(back=["true"])),
]  # fmt: skip


def _run(folder: Path, wrong: Wrong) -> Lifecycle:
    folder.mkdir()
    declared = merged({"lifecycle": {"errors": ROOM}}, {"lifecycle": wrong.lifecycle, **wrong.api})
    with ferry(folder, wrong=wrong.ferry, services={"api": declared}) as running:
        text = running.profile.read_text().replace("FOLDER", str(running.folder))
        running.profile.write_text(text)
        return drill(running.profile, folder, *(["-k", wrong.only] if wrong.only else []))


RIGHT = Wrong("right", (), "")


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, require: Require
) -> Iterator[dict[str, Future[Lifecycle]]]:
    """The runs on processes that were asked for, under way beside each other: most of each is waiting."""
    require("redis")
    names = {item.name for item in request.session.items if item.path == Path(__file__)}
    folder = tmp_path_factory.mktemp("lifecycle")
    wanted = [wrong for wrong in (RIGHT, *WRONGS) if any(wrong.name.replace(" ", "-") in name for name in names)]
    pool = ThreadPoolExecutor(AT_A_TIME)
    try:
        yield {one.name: pool.submit(_run, folder / f"run-{number}", one) for number, one in enumerate(wanted)}
    finally:
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("wrong", WRONGS, ids=[wrong.name.replace(" ", "-") for wrong in WRONGS])
def test_exactly_its_requirement_turns_red(wrong: Wrong, runs: dict[str, Future[Lifecycle]]) -> None:
    run = runs[wrong.name].result()
    assert run.ids("violation", "advisory") == sorted(wrong.turns_red), run.text
    assert run.ids("error") == [], run.text


@pytest.mark.parametrize("wrong", [RIGHT], ids=["right"])
def test_what_is_right_is_green_and_replays_to_the_same(
    wrong: Wrong, runs: dict[str, Future[Lifecycle]], tmp_path: Path
) -> None:
    run = runs[wrong.name].result()
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert run.ids("pass") == sorted(REQUIREMENTS - ON_CONTAINERS), run.text
    reasons = {one["id"]: one["reason"] for one in run.results if one["outcome"] == "not applicable"}
    assert set(reasons) == ON_CONTAINERS
    assert all("driver docker" in reason for reason in reasons.values())
    assert "not as it was found" not in run.text
    profile = next(run.folder.parents[1].glob("ferry-*/ferry.yaml"))
    assert drill(profile, tmp_path, f"--facts={run.folder}").told() == run.told()


def test_what_could_not_be_taken_back_is_not_begun(require: Require, tmp_path: Path) -> None:
    require("redis")
    with ferry(tmp_path, services={"api": {"lifecycle": {"rollback": None, "rotate": None}}}) as running:
        before = running.pid("api")
        run = drill(running.profile, tmp_path)
        assert running.pid("api") == before
    assert run.ids("pass", "violation") == []
    assert run.ids("error") == ["LFC-001", "LFC-002", "LFC-003", "LFC-006"]
    assert "services.api.lifecycle.rollback" in run.text


# --- what only an engine scales and recreates -------------------------------------------------------------------------


def test_replicas_come_and_go_behind_a_front(lab: Lab, tmp_path: Path) -> None:
    with stack(lab, only=("api", "front")) as running:
        declared = {"lifecycle": {"errors": "10%", "scale": 3, "replace": True}, "readiness": {"ready_within": "10s"}}
        run = drill(running.profile(tmp_path, services={"api": declared}), tmp_path)
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert run.ids("pass") == ["LFC-001", "LFC-002", "LFC-003", "LFC-004", "LFC-005"]
    assert "not as it was found" not in run.text


def test_replicas_that_start_too_slowly(lab: Lab, tmp_path: Path) -> None:
    with stack(lab, only=("api", "front"), env={"FERRY_START": "5"}) as running:
        declared = {
            "lifecycle": {"errors": "90%", "scale": 3, "replace": True},
            "readiness": {"ready_within": "2500ms"},
        }
        profile = running.profile(tmp_path, services={"api": declared})
        runs = {
            "LFC-004": drill(profile, tmp_path, "-k", "scale"),
            "LFC-005": drill(profile, tmp_path, "-k", "replace"),
        }
    for id, run in runs.items():
        assert run.ids("violation", "advisory") == [id], run.text
        assert run.ids("error") == [], run.text


def test_every_requirement_is_shown_red() -> None:
    assert {id for wrong in WRONGS for id in wrong.turns_red} | ON_CONTAINERS == REQUIREMENTS
