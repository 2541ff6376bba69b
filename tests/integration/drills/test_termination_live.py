"""Each requirement on ends and starts, on a real service with a real Redis: green where all is right, red where just that is
wrong.

Most of an experiment is waiting, so several are made beside each other, each on a service and a Redis of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import suites
from seatrial.catalogue import catalogue
from tests.integration.runs import Run
from tests.lab import Lab
from tests.lab.ferry.processes import ferry, merged
from tests.lab.ferry.stack import stack

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server"),
]

REQUIREMENTS = {requirement.id for requirement, _ in catalogue(suites) if requirement.area == "termination"}
IN_CONTAINERS = {"TRM-006"}
"""What only an engine tells."""
AT_A_TIME = 2
QUEUED = {"work": {"body": {"id": "sentinel", "seconds": 1}}}
"""Work that takes longer than the service takes to end."""


class Termination(Run):
    """A run of the area."""

    area = "termination"
    within = 300.0

    def __init__(self, profile: Path, folder: Path, *options: str, **more: Any) -> None:
        self.profile = profile
        super().__init__(profile, folder, *options, **more)


@dataclass(frozen=True)
class Wrong:
    """A service that is wrong in one way."""

    wrong: str
    turns_red: tuple[str, ...]
    """Exactly what is red, advisories included."""
    only: str
    """Of the experiments, by a part of their names."""
    says: str
    """What an operator must read."""
    hides: tuple[str, ...] = ()
    """What can't be decided on it."""
    env: dict[str, str] = field(default_factory=dict)
    api: dict[str, Any] = field(default_factory=dict)
    """Changes of its declaration."""
    supervised: dict[str, Any] = field(default_factory=dict)
    looks_at: tuple[str, ...] = ()
    """What is green, where nothing is wrong."""

    @property
    def name(self) -> str:
        return f"{self.wrong or 'slow'}-{self.only}"


WRONGS = [
    Wrong("ignores-sigterm", ("TRM-001",), "sigterm", "had not ended", hides=("TRM-004",), api={"grace_period": "3s"}),
    Wrong("drops-in-flight", ("TRM-002",), "sigterm", "was not answered as declared"),
    Wrong("stays-ready", ("TRM-003",), "sigterm", "still said ready"),
    Wrong("no-drain", ("TRM-004",), "sigterm", "met a closed door"),
    Wrong("work-lost", ("TRM-005",), "sigterm", "pieces of work accepted before SIGTERM were not done"),
    Wrong(
        "", ("TRM-007",), "sigterm", "gave its first good answer", env={"FERRY_START": "4"},
        api={"startup": {"failure_threshold": 2}},
    ),
    Wrong(
        "", ("TRM-008",), "kill", "was restarted", api={"restart_within": "1s"}, supervised={"api": {"delay": 2}},
    ),
    Wrong(
        "stale-lock", ("TRM-009",), "kill", "of crash 1", env={"FERRY_STALE": "4"}, api={"startup": {"failure_threshold": 2}},
    ),
    Wrong("ends-again", ("TRM-010",), "kill", "by itself after it was killed"),
    Wrong("starts-once", ("TRM-011",), "redis.start", "times while redis was hung"),
    Wrong("gives-up", ("TRM-012",), "redis.start", "ready after it was restarted", api={"readiness": {"ready_within": "2s"}}),
    Wrong("", ("TRM-013",), "cold_start", "cold start 1", env={"FERRY_START": "4"}, api={"cold_start_within": "2s"}),
    Wrong("readiness-blind", ("TRM-014",), "cold_start", "before redis was started"),
]  # fmt: skip

STARTED = ("TRM-011", "TRM-012", "TRM-013", "TRM-014")
HALVES = [
    Wrong("", (), "sigterm or kill", "", looks_at=tuple(sorted(REQUIREMENTS - IN_CONTAINERS - {*STARTED}))),
    Wrong("", (), "redis.start or cold_start", "", looks_at=STARTED),
]
"""Nothing is wrong."""


def _run(folder: Path, wrong: Wrong) -> Termination:
    folder.mkdir()
    declared = {"api": merged(QUEUED, wrong.api)}
    with ferry(folder, wrong=wrong.wrong, env=wrong.env, services=declared, supervised=wrong.supervised) as running:
        return Termination(
            running.profile, folder, "-k", wrong.only, mode="drill", SEATRIAL_STATE=str(folder / "state")
        )


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[dict[str, Future[Termination]]]:
    """The runs that were asked for, under way."""
    wanted = {item.callspec.params["wrong"].name for item in request.session.items if "wrong" in _params(item)}
    folder = tmp_path_factory.mktemp("termination")
    pool = ThreadPoolExecutor(AT_A_TIME)
    try:
        yield {
            wrong.name: pool.submit(_run, folder / f"run-{number}", wrong)
            for number, wrong in enumerate([*HALVES, *WRONGS])
            if wrong.name in wanted
        }
    finally:
        pool.shutdown(cancel_futures=True)


def _params(item: pytest.Item) -> dict[str, Any]:
    found = getattr(item, "callspec", None)
    return found.params if found is not None and item.path == Path(__file__) else {}


def test_every_requirement_is_shown_red() -> None:
    assert {id for wrong in WRONGS for id in wrong.turns_red} | IN_CONTAINERS == REQUIREMENTS


@pytest.mark.parametrize("wrong", WRONGS, ids=[wrong.name for wrong in WRONGS])
def test_exactly_its_requirements_turn_red(wrong: Wrong, runs: dict[str, Future[Termination]]) -> None:
    run = runs[wrong.name].result()
    assert run.ids("violation", "advisory") == sorted(wrong.turns_red), run.text
    assert run.ids("error") == sorted(wrong.hides), run.text
    assert wrong.says in str([told for (id, _), told in run.told().items() if id in wrong.turns_red])
    assert "not as it was found" not in run.text
    assert "not recovered" not in run.text


@pytest.mark.parametrize("wrong", HALVES, ids=[half.only for half in HALVES])
def test_what_conforms_is_green_and_its_facts_give_the_same_verdicts(
    wrong: Wrong, runs: dict[str, Future[Termination]], tmp_path: Path
) -> None:
    run = runs[wrong.name].result()
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert run.ids("pass") == sorted(wrong.looks_at)
    assert "not as it was found" not in run.text
    again = Termination(run.profile, tmp_path, f"--facts={run.folder}", "-k", wrong.only, mode="drill")
    assert again.told() == run.told()


def test_in_a_container_all_of_it_holds_but_the_exit_code(lab: Lab, tmp_path: Path) -> None:
    with stack(lab, wrong="exits-wrong", only=("redis", "api"), replicas=1) as running:
        profile = running.profile(tmp_path, services={"api": QUEUED})
        run = Termination(
            profile, tmp_path, "-k", "api or cold_start", mode="drill", SEATRIAL_STATE=str(tmp_path / "state")
        )
    assert run.ids("violation", "error") == [], run.text
    assert run.ids("advisory") == ["TRM-006"], run.text
    assert run.ids("pass") == sorted(REQUIREMENTS - {"TRM-006"})
    assert "not as it was found" not in run.text
