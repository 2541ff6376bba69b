"""Each requirement on durability on a real service: green where its data is kept, red where it is kept wrongly in just that way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import suites
from seatrial.catalogue import catalogue
from tests.integration.conftest import Require
from tests.integration.runs import Run
from tests.lab.ferry.processes import ferry
from tests.lab.ferry.stack import stack
from tests.lab.stacks import Lab

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

REQUIREMENTS = {requirement.id for requirement, _ in catalogue(suites) if requirement.area == "durability"}
AT_A_TIME = 2


class Durability(Run):
    """A run of the area."""

    area = "durability"
    within = 300.0


def drill(profile: Path, folder: Path, *options: str) -> Durability:
    """A run that disturbs, with a journal of its own."""
    return Durability(profile, folder, *options, mode="drill", SEATRIAL_STATE=str(folder / "state"))


@dataclass(frozen=True)
class Wrong:
    """A service that keeps its data wrongly in one way."""

    name: str
    survives: tuple[str, ...]
    turns_red: tuple[str, ...]
    removes: bool = True
    """Whether its canary declares how what it wrote is removed."""


WRONGS = [
    # What is written late is removed late, too; here it is about writes.
    Wrong("written-late", ("kill",), ("DUR-001",), removes=False),
    Wrong("forgetful", ("restart",), ("DUR-002",)),
    Wrong("removals-forgotten", ("restart",), ("DUR-004",)),
]

RIGHT = Wrong("", ("kill", "restart"), ())


def _on_processes(folder: Path, wrong: Wrong) -> Durability:
    folder.mkdir()
    declared: dict[str, Any] = {"persistence": {"survives": list(wrong.survives)}}
    if not wrong.removes:
        declared["canary"] = {"remove": None}
    with ferry(folder, wrong=wrong.name, services={"api": declared}) as running:
        return drill(running.profile, folder)


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, require: Require
) -> Iterator[dict[str, Future[Durability]]]:
    """The runs on processes that were asked for, under way beside each other: most of each is waiting."""
    require("redis")
    names = {item.name for item in request.session.items if item.path == Path(__file__)}
    folder = tmp_path_factory.mktemp("durability")
    wanted = [wrong for wrong in WRONGS if any(wrong.name in name for name in names)]
    pool = ThreadPoolExecutor(AT_A_TIME)
    try:
        made = {one.name: pool.submit(_on_processes, folder / one.name, one) for one in wanted}
        yield made | {"": pool.submit(_on_processes, folder / "right", RIGHT)}
    finally:
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("wrong", WRONGS, ids=[wrong.name for wrong in WRONGS])
def test_exactly_its_requirement_turns_red(wrong: Wrong, runs: dict[str, Future[Durability]]) -> None:
    run = runs[wrong.name].result()
    assert run.ids("violation", "advisory") == sorted(wrong.turns_red), run.text
    assert run.ids("error") == [], run.text
    assert "not as it was found" not in run.text


def test_what_is_kept_is_green_and_replays_to_the_same(runs: dict[str, Future[Durability]], tmp_path: Path) -> None:
    run = runs[""].result()
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert run.ids("pass") == ["DUR-001", "DUR-002", "DUR-004"], run.text
    assert run.ids("not applicable") == ["DUR-003"]
    assert "not as it was found" not in run.text
    profile = next(run.folder.parents[1].glob("ferry-*/ferry.yaml"))
    assert drill(profile, tmp_path, f"--facts={run.folder}").told() == run.told()


def test_a_canary_that_tells_nothing_is_no_verdict(require: Require, tmp_path: Path) -> None:
    require("redis")
    with ferry(
        tmp_path, services={"api": {"canary": {"sentinel": None, "read_back": None, "remove": None}}}
    ) as running:
        run = drill(running.profile, tmp_path, "-k", "restart")
        assert running.pid("api")
    assert run.ids("pass", "violation") == []
    assert run.ids("error") == ["DUR-002"]
    assert "services.api.canary.sentinel and services.api.canary.read_back" in " ".join(run.text.split())


# --- what only an engine recreates ------------------------------------------------------------------------------------

ON_THE_WRITABLE_LAYER: dict[str, Any] = {"read_only": None, "volumes": None}
LOST: dict[str, Any] = {"persistence": {"survives": ["recreate"]}}


def test_a_new_container_finds_a_volume_again(lab: Lab, tmp_path: Path) -> None:
    with stack(lab, only=("api",), replicas=1) as running:
        run = drill(running.profile(tmp_path, services={"api": LOST}), tmp_path)
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert run.ids("pass") == ["DUR-003", "DUR-004"]


def test_a_new_container_does_not_find_the_writable_layer_again(lab: Lab, tmp_path: Path) -> None:
    with stack(lab, only=("api",), replicas=1, change={"api": ON_THE_WRITABLE_LAYER}) as running:
        profile = running.profile(tmp_path, services={"api": {"persistence": {"survives": ["restart", "recreate"]}}})
        run = drill(profile, tmp_path)
    assert run.ids("violation", "advisory") == ["DUR-003"], run.text
    assert run.ids("error") == [], run.text
    seen = run.told()["DUR-003", "api.survives.recreate"][1]
    assert "data path /data of" in seen
    assert "lies on the container's writable layer" in seen


def test_a_store_is_looked_at_through_the_service_that_needs_it(lab: Lab, tmp_path: Path) -> None:
    store = {"persistence": {"survives": ["kill", "recreate"], "paths": ["/var/lib/postgresql/data"]}}
    with stack(lab, only=("postgres", "api"), replicas=1) as running:
        profile = running.profile(tmp_path, services={"postgres": store, "api": {"persistence": None}})
        run = drill(profile, tmp_path)
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert {subject for _, subject in run.told() if "survives" in subject} == {
        "postgres.survives.kill",
        "postgres.survives.recreate",
    }


def test_every_requirement_is_shown_red() -> None:
    assert {id for wrong in WRONGS for id in wrong.turns_red} | {"DUR-003"} == REQUIREMENTS
