"""Ferry, drilled: what conforms is green on the engine and left as it was found; what is wrong in one way is red in just that.

Most of a drill is waiting, so the wrong variants are drilled beside each other, each with parts of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.lab import Lab
from tests.lab.ferry.processes import ferry
from tests.lab.ferry.stack import COMPOSE_FILE, Running, compose_text, stack
from tests.lab.relay import Relay

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[3]
AT_A_TIME = 3
AREAS = ("probes", "termination", "durability", "protections", "lifecycle")


class Drill:
    """A drill that has ended, with its output, exit code and results."""

    def __init__(self, profile: Path, folder: Path, *options: str, areas: tuple[str, ...] = AREAS, **env: str) -> None:
        reports = folder / f"reports-{len(list(folder.iterdir()))}"
        known = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DOCKER_"))}
        command = [sys.executable, "-m", "pytest", *(f"suites/{area}" for area in areas), "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, f"--profile={profile}", "--mode=drill", f"--report-dir={reports}", *options],
            cwd=ROOT, env=known | {"SEATRIAL_STATE": str(folder / "state")} | env,
            capture_output=True, text=True, timeout=280, check=False,
        )  # fmt: skip
        self.text, self.code = done.stdout + done.stderr, done.returncode
        found = list(reports.glob("*/conformance.json"))
        self.results: list[dict[str, Any]] = json.loads(found[0].read_text())["results"] if found else []

    def ids(self, *outcomes: str) -> list[str]:
        """Of the requirements with one of these outcomes, each once."""
        return sorted({one["id"] for one in self.results if one["outcome"] in outcomes})

    @property
    def red(self) -> list[str]:
        """Violations and advisories."""
        return self.ids("violation", "advisory")


@dataclass(frozen=True)
class Wrong:
    """One variant of ferry that is wrong in one way."""

    id: str
    only: str
    """The experiment it is about, as `-k` says it."""
    turns_red: tuple[str, ...]
    """Exactly what is red, advisories included."""
    wrong: str = ""
    hides: tuple[str, ...] = ()
    """What can't be decided on it."""
    either: tuple[str, ...] = ()
    """What may be red as well: it depends on the moment of a time-out of ours, or of its SIGKILL."""
    docker: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)
    """More of how it is made."""
    api: Mapping[str, Any] = field(default_factory=dict)
    """Changes of its declaration."""

    def made(self, folder: Path, lab: Lab | None) -> AbstractContextManager[Any]:
        if lab is None:
            return ferry(folder, wrong=self.wrong, services={"api": self.api}, **self.more)
        return stack(lab, wrong=self.wrong, only=("redis", "api"), replicas=1, **self.more)

    def profile(self, running: Any, folder: Path) -> Path:
        made: Path = running.profile(folder, services={"api": self.api}) if self.docker else running.profile
        return made


MISSING = {
    "test": ["CMD", "/usr/bin/wget", "-q", "-O-", "http://127.0.0.1:8000/health/live"],
    "interval": "1s",
    "retries": 2,
}
ON_THE_LAYER = {"volumes": None, "read_only": False}
WRONGS = (
    Wrong("liveness-asks-the-dependency", "redis.hung", ("PRB-009", "PRB-016"), "liveness-deep"),
    Wrong("readiness-never-turns", "redis.hung", ("PRB-001", "PRB-011", "PRB-016"), "readiness-blind", hides=("PRB-002",)),
    Wrong("readiness-hangs", "redis.hung", ("PRB-003",), "readiness-hangs", api={"canary": None}),
    Wrong("readiness-only-after-the-breaker", "redis.stopped", ("PRB-001", "PRB-011"), "readiness-late", either=("PRB-002", "PRB-016")),
    Wrong("health-ok-while-broken", "redis.stopped", ("PRB-008",), "health-lies"),
    Wrong("canary-broken-while-ready", "redis.stopped", ("PRB-011",), "canary-broken-while-ready,no-breaker"),
    Wrong("sigterm-ignored", "api.sigterm", ("TRM-001",), "ignores-sigterm", hides=("TRM-004",), either=("TRM-003",)),
    Wrong("dependency-not-waited-for", "redis.start", ("TRM-011",), "starts-once",
          more={"supervised": {"api": {"restart": False}}}),
    Wrong("ends-again-after-a-crash", "api.kill", ("TRM-010",), "ends-again"),
    Wrong("limit-not-enforced", "limits", ("PRT-002",), "limit-not-enforced"),
    Wrong("retry-storm", "redis.retries", ("PRT-010",), "retry-storm"),
    Wrong("data-on-the-writable-layer", "survives.recreate", ("DUR-003",), docker=True, more={"change": {"api": ON_THE_LAYER}}),
    Wrong("healthcheck-without-its-program", "redis.hung", ("PRB-017",), docker=True,
          more={"change": {"api": {"healthcheck": MISSING}}, "wait": False}),
)  # fmt: skip


def _drilled(wrong: Wrong, folder: Path, lab: Lab | None) -> Drill:
    folder.mkdir()
    with wrong.made(folder, lab) as running:
        profile = wrong.profile(running, folder)
        run = Drill(profile, folder, "-k", wrong.only)
        if "too busy to judge it" in run.text:  # not a verdict, and no fault of ours
            run = Drill(profile, folder, "-k", wrong.only)
        return run


@pytest.fixture(scope="module")
def drilled(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[dict[str, Future[Drill]]]:
    """The drills of the variants that were asked for, under way."""
    mine = [item for item in request.session.items if item.path == Path(__file__) and hasattr(item, "callspec")]
    wanted = {item.callspec.params["wrong"].id for item in mine if "wrong" in item.callspec.params}
    folder = tmp_path_factory.mktemp("ferry")
    lab = request.getfixturevalue("lab") if any(one.docker and one.id in wanted for one in WRONGS) else None
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        try:
            yield {
                one.id: pool.submit(_drilled, one, folder / one.id, lab if one.docker else None)
                for one in sorted(WRONGS, key=lambda one: not one.docker)
                if one.id in wanted
            }
        finally:
            pool.shutdown(cancel_futures=True)


@pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server")
@pytest.mark.parametrize("wrong", WRONGS, ids=lambda wrong: wrong.id)
def test_what_is_wrong_in_one_way_is_red_in_just_that(wrong: Wrong, drilled: dict[str, Future[Drill]]) -> None:
    run = drilled[wrong.id].result()
    assert set(run.red) - set(wrong.either) == set(wrong.turns_red), run.text
    assert set(run.ids("error")) - set(wrong.either) == set(wrong.hides), run.text
    assert "not as it was found" not in run.text


# --- what conforms ----------------------------------------------------------------------------------------------------

CONFORMING = (
    "api.limits.text", "api.redis.hung", "front.api.stopped", "registry.front.hung", "api.survives.recreate", "api.sigterm",
)  # fmt: skip
"""One of every kind: a limit, faults of every depth, a new container, an end. The whole of it takes eleven minutes."""


def _as_found(running: Running) -> dict[str, Any]:
    """What a drill must not change, by container: by name, for those that were recreated are others and the same."""
    found = {}
    for group in running.containers.values():
        for each in group:
            told = running.lab.engine.inspect(each.name)
            mounts = sorted((one["Type"], one.get("Name"), one["Destination"]) for one in told["Mounts"])
            state = {key: told["State"][key] for key in ("Running", "Paused", "Restarting")}
            networks = {
                name: each.service in one["Aliases"] for name, one in told["NetworkSettings"]["Networks"].items()
            }
            found[each.name] = [
                told["Image"],
                told["Config"]["Env"],
                told["HostConfig"]["Binds"],
                mounts,
                state,
                networks,
            ]
    return found


def test_the_whole_stack_conforms_and_is_as_it_was_found(lab: Lab, tmp_path: Path) -> None:
    with stack(lab) as running:
        before = _as_found(running)
        run = Drill(running.profile(tmp_path), tmp_path, "-k", " or ".join(CONFORMING))
        assert _as_found(running) == before
    looked_at = {one["subject"] for one in run.results if one["outcome"] == "pass"}
    assert run.red == run.ids("error") == [], run.text
    assert looked_at >= set(CONFORMING) - ({"registry.front.hung"} if "registry" not in running.described else set())
    assert "not as it was found" not in run.text
    assert run.code == 0, run.text


# --- what can't be drilled --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(lab: Lab) -> Iterator[Running]:
    """One service and its Redis, on the engine."""
    with stack(lab, only=("redis", "api"), replicas=1) as running:
        yield running


def _untouched(running: Running) -> dict[str, Any]:
    """Of each container its very life."""
    return {
        each.name: (told["Id"], told["State"]["StartedAt"], told["State"]["Status"])
        for group in running.containers.values()
        for each in group
        if (told := running.lab.engine.inspect(each.name))
    }


@pytest.mark.parametrize(
    ("services", "said"),
    [
        ({"api": {"depends_on": {"ghost": {}}}}, "ghost"),
        ({"redis": {"containers": ["nobody-is-called-so"]}}, "no container"),
        ({"redis": {"protected": True}}, "services.redis.protected is declared"),
        ({"redis": {"external": True, "containers": None}}, "services.redis.external is declared"),
        ({"api": {"readiness": {"path": "/nowhere"}}}, "the experiment was not begun"),
    ],
    ids=["undeclared", "does-not-exist", "protected", "external", "red-before"],
)
def test_what_must_not_be_disturbed_is_not(small: Running, tmp_path: Path, services: dict[str, Any], said: str) -> None:
    before = _untouched(small)
    run = Drill(
        small.profile(tmp_path, services=services), tmp_path, "-k", "redis.hung or ghost.hung", areas=("probes",)
    )
    assert said in " ".join(run.text.split()), run.text
    assert run.red == run.ids("pass") == [], run.text
    assert run.code in (3, 4, 5), run.text
    assert "docker POST" not in run.text
    assert _untouched(small) == before


def test_a_restart_loop_is_told_without_a_drill(lab: Lab, tmp_path: Path) -> None:
    with stack(lab, wrong="restart-loop", only=("redis", "api"), replicas=1, wait=False) as running:
        end = time.monotonic() + 40
        while running.inspect("api")["RestartCount"] < 2 and time.monotonic() < end:
            time.sleep(0.2)
        declared = {"api": {"max_restarts": 1}, "redis": {"max_restarts": 1}}
        profile = running.profile(tmp_path, services=declared)
        run = Drill(profile, tmp_path, "-k", "seldom_restarted or restarted_as_declared", areas=("containers",))
    assert run.red == ["CTR-037"], run.text
    assert [one["subject"] for one in run.results if one["outcome"] == "violation"] == ["api"]


def test_an_engine_that_goes_away_half_way_leaves_what_recover_heals(small: Running, tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"

    def relay() -> Relay:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen(16)
        made = Relay(listener, small.lab.engine.path)
        made.start()
        return made

    first = relay()
    gone: list[float] = []

    def cut() -> None:
        """The engine is gone as soon as Redis is paused."""
        end = time.monotonic() + 60
        while time.monotonic() < end and not gone:
            if small.inspect("redis")["State"]["Paused"]:
                path.unlink()
                first.stop()
                gone.append(time.monotonic())
            time.sleep(0.05)

    cutting = threading.Thread(target=cut)
    cutting.start()
    try:
        profile = small.profile(tmp_path, target={"host": f"unix://{path}"})
        run = Drill(profile, tmp_path, "-k", "redis.hung", areas=("probes",))
        cutting.join(60)
        assert gone, run.text
        assert run.red == run.ids("pass") == [], run.text
        assert run.code == 3, run.text
        assert "seatrial recover" in run.text
        second = relay()
        try:
            done = subprocess.run(
                [sys.executable, "-m", "seatrial", "recover"], cwd=ROOT, capture_output=True, text=True, timeout=60,
                env=os.environ | {"SEATRIAL_STATE": str(tmp_path / "state")}, check=False,
            )  # fmt: skip
        finally:
            second.stop()
        assert done.returncode == 0, done.stdout + done.stderr
        assert small.inspect("redis")["State"]["Status"] == "running", done.stdout + done.stderr
    finally:
        if small.inspect("redis")["State"]["Paused"]:
            small.lab.engine.call("POST", f"/containers/{small.container('redis').id}/unpause")


def test_the_compose_file_is_what_the_stack_is() -> None:
    assert COMPOSE_FILE.read_text() == compose_text(), "run `python -m tests.lab.ferry.stack`"
