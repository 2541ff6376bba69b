"""Each requirement on probes on a real service and a real Redis: green where all is right, red where just that is wrong.

Most of an experiment is waiting, so several are made beside each other, each on a service and a Redis of its own. Overloads are
made alone.
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
from tests.lab.ferry.processes import ferry
from tests.lab.ferry.stack import stack
from tests.lab.stacks import Lab

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server"),
]

REQUIREMENTS = {requirement.id: requirement for requirement, _ in catalogue(suites) if requirement.area == "probes"}
IN_CONTAINERS = {"PRB-017", "PRB-018"}
"""What only driver docker sees."""
AT_A_TIME = 2
BUSY = "this machine was too busy to judge it"


class Probes(Run):
    """A run of the area."""

    area = "probes"
    within = 300.0


@dataclass(frozen=True)
class Wrong:
    """A service that is wrong in one way."""

    name: str
    turns_red: tuple[str, ...]
    """Exactly what is red, advisories included."""
    only: str = "hung"
    """Of the experiments, by a part of their names."""
    redis: str = "required"
    hides: tuple[str, ...] = ()
    """What can't be decided on it."""
    either: tuple[str, ...] = ()
    """What may be red as well, as it depends on the moment of a crash."""
    env: dict[str, str] = field(default_factory=dict)
    api: dict[str, Any] = field(default_factory=dict)
    """Changes of its declaration."""

    @property
    def alone(self) -> bool:
        return self.only == "overload"


BOUNDS = {"readiness": {"unready_within": "3s", "ready_within": "4s"}}
CROWDED = {"FERRY_CONCURRENT": "64"}
WRONGS = [
    Wrong("readiness-blind", ("PRB-001", "PRB-016"), hides=("PRB-002",), api={"canary": None}),
    Wrong("readiness-flaps", ("PRB-002",)),
    Wrong("readiness-hangs", ("PRB-003",)),
    Wrong("", ("PRB-004",), only="stopped", env={"FERRY_BREAKER_OPEN": "8"}),
    Wrong("needs-help", ("PRB-004", "PRB-005"), only="stopped"),
    Wrong("optional-required", ("PRB-006",), redis="optional"),
    Wrong("health-silent", ("PRB-007",)),
    Wrong("health-lies", ("PRB-008",), only="stopped"),
    Wrong("liveness-deep", ("PRB-009", "PRB-016")),
    Wrong(
        "crash-on-outage", ("PRB-009", "PRB-010"), either=("PRB-003", "PRB-004", "PRB-005", "PRB-016"),
        only="stopped", api={"health": None, "canary": None},
    ),
    Wrong("canary-broken-while-ready,no-breaker", ("PRB-011",), only="stopped"),
    Wrong("slow-first-call", ("PRB-015",), only="slowest", api={"slowest": {"get": "/slow?seconds=4"}}),
    Wrong("liveness-overloaded", ("PRB-012",), only="overload", api={"liveness": {"timeout": "500ms"}}),
    Wrong("overload-fatal", ("PRB-012", "PRB-013"), only="overload", env=CROWDED),
    Wrong("overload-lasting", ("PRB-014",), only="overload", env=CROWDED),
]  # fmt: skip


def _run(folder: Path, wrong: Wrong) -> Probes:
    folder.mkdir()
    declared = BOUNDS | {
        key: (BOUNDS.get(key) or {}) | (value or {}) if value else value for key, value in wrong.api.items()
    }
    with ferry(folder, wrong=wrong.name, redis=wrong.redis, env=wrong.env, services={"api": declared}) as running:
        return Probes(
            running.profile,
            folder,
            "-k", f"{wrong.only} and not slowest" if wrong.alone else wrong.only, mode="drill", SEATRIAL_STATE=str(folder / "state"),
            SEATRIAL_OVERLOAD_SECONDS="4",
        )  # fmt: skip


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[dict[str, Future[Probes]]]:
    """The runs that were asked for, under way."""
    wanted = {item.callspec.params["wrong"].name for item in request.session.items if "wrong" in _params(item)}
    folder = tmp_path_factory.mktemp("probes")
    pool, alone = ThreadPoolExecutor(AT_A_TIME), ThreadPoolExecutor(1)
    try:
        yield {
            wrong.name: (alone if wrong.alone else pool).submit(_run, folder / f"run-{number}", wrong)
            for number, wrong in enumerate(WRONGS)
            if wrong.name in wanted and not wrong.alone
        }
    finally:
        pool.shutdown(cancel_futures=True)
        alone.shutdown(cancel_futures=True)


def _params(item: pytest.Item) -> dict[str, Any]:
    found = getattr(item, "callspec", None)
    return found.params if found is not None and item.path == Path(__file__) else {}


def test_every_requirement_is_shown_red() -> None:
    assert {id for wrong in WRONGS for id in wrong.turns_red} == set(REQUIREMENTS) - IN_CONTAINERS


@pytest.mark.timeout(300)
@pytest.mark.parametrize("wrong", WRONGS, ids=[wrong.name or "late" for wrong in WRONGS])
def test_exactly_its_requirements_turn_red(wrong: Wrong, runs: dict[str, Future[Probes]], tmp_path: Path) -> None:
    run = _run(tmp_path / "alone", wrong) if wrong.alone else runs[wrong.name].result()
    if BUSY in run.text:  # no verdict, rightly: once more, with nothing of ours beside it
        run = _run(tmp_path / "again", wrong)
    red = set(run.ids("violation", "advisory"))
    assert red >= set(wrong.turns_red), run.text
    assert red - set(wrong.either) <= set(wrong.turns_red), run.text
    assert set(run.ids("error")) <= {*wrong.hides, *wrong.either}, run.text
    assert set(run.ids("error")) >= set(wrong.hides), run.text


@pytest.mark.timeout(300)
def test_what_conforms_is_green_and_all_of_it_was_looked_at(tmp_path: Path) -> None:
    with ferry(tmp_path) as running:
        run = Probes(
            running.profile,
            tmp_path,
            mode="drill",
            SEATRIAL_STATE=str(tmp_path / "state"),
            SEATRIAL_OVERLOAD_SECONDS="4",
        )
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert run.ids("pass") == sorted(set(REQUIREMENTS) - IN_CONTAINERS - {"PRB-006"})
    assert "not as it was found" not in run.text
    again = Probes(
        running.profile, tmp_path, f"--facts={run.folder}", mode="drill", SEATRIAL_STATE=str(tmp_path / "state")
    )
    assert again.told() == run.told()


@pytest.mark.timeout(120)
def test_an_optional_dependency_leaves_all_of_it_green(tmp_path: Path) -> None:
    with ferry(tmp_path, redis="optional", services={"api": BOUNDS}) as running:
        run = Probes(running.profile, tmp_path, "-k", "hung", mode="drill", SEATRIAL_STATE=str(tmp_path / "state"))
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert {"PRB-003", "PRB-006", "PRB-007", "PRB-009", "PRB-010", "PRB-011"} <= set(run.ids("pass"))


def test_what_is_red_before_is_left_alone(tmp_path: Path) -> None:
    with ferry(tmp_path, services={"api": {"readiness": {"path": "/nowhere"}}}) as running:
        before = running.pid("redis")
        run = Probes(
            running.profile,
            tmp_path,
            "-k",
            "turns_not_ready and hung",
            mode="drill",
            SEATRIAL_STATE=str(tmp_path / "state"),
        )
        assert running.pid("redis") == before
    assert run.ids("pass", "violation", "advisory") == []
    assert (
        "the experiment was not begun: api is not as declared before anything is done: readiness of front" in run.text
    )


def test_what_must_not_be_disturbed_is_left_alone(tmp_path: Path) -> None:
    with ferry(tmp_path, services={"redis": {"protected": True}}) as running:
        run = Probes(
            running.profile, tmp_path, "-k", "turns_not_ready and stopped", mode="drill",
            SEATRIAL_STATE=str(tmp_path / "state"),
        )  # fmt: skip
    assert run.ids("pass", "violation", "advisory") == []
    assert "redis must not be disturbed: services.redis.protected is declared" in run.text


# --- HEALTHCHECK, which only an engine has ----------------------------------------------------------------------------

ASK = ["CMD", "curl", "-fsS", "-o", "/dev/null"]
CHECKS = {
    "follows liveness": ([*ASK, "http://127.0.0.1:8000/health/live"], [], []),
    "follows readiness": ([*ASK, "http://127.0.0.1:8000/health/ready"], [], ["PRB-018"]),
    "is not there": (["CMD", "/usr/bin/wget", "-q", "http://127.0.0.1:8000/health/live"], ["PRB-017"], []),
    "asks another port": ([*ASK, "http://127.0.0.1:8001/health/live"], ["PRB-017"], []),
}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("check", CHECKS)
def test_a_healthcheck(check: str, lab: Lab, tmp_path: Path) -> None:
    test, violated, advised = CHECKS[check]
    words = {"healthcheck": {"test": test, "interval": "1s", "timeout": "2s", "retries": 3}}
    with stack(lab, only=("redis", "api"), replicas=1, change={"api": words}, wait=False) as running:
        profile = running.profile(tmp_path, services={"api": BOUNDS})
        run = Probes(
            profile, tmp_path, "-k", "hung and not front", "--wait-ready=40s", mode="drill",
            SEATRIAL_STATE=str(tmp_path / "state"),
        )  # fmt: skip
    assert run.ids("violation") == violated, run.text
    assert run.ids("advisory") == advised, run.text
    assert run.ids("error") == [], run.text
    assert {"PRB-001", "PRB-002", "PRB-003", "PRB-004", "PRB-005", "PRB-007", "PRB-008", "PRB-009", "PRB-010"} <= set(
        run.ids("pass")
    )
