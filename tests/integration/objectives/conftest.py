"""Loads that are really made: a process of their own on one core, and what they ask on another."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from seatrial.load.plan import LoadPlan

Result = dict[str, Any]


@pytest.fixture(scope="session", autouse=True)
def _load_extra() -> None:
    """What loads need; Locust is not imported here, as it changes the process that imports it."""
    lacks = [name for name in ("locust", "hdrh", "numpy") if importlib.util.find_spec(name) is None]
    if lacks:
        # Where engines are required, this one is too.
        lacking = pytest.fail if os.environ.get("SEATRIAL_REQUIRE") else pytest.skip
        lacking(f"not installed: {', '.join(lacks)} (pip install 'seatrial[load]')")


@pytest.fixture(scope="session")
def cores() -> tuple[int | None, tuple[int, ...]]:
    """A core for a target, and those for the generator; nothing where there is but one."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], (usable[1],)) if len(usable) > 1 else (None, ())


@pytest.fixture(scope="module")
def made() -> Iterator[Callable[[LoadPlan], Result]]:
    """`made(plan)` makes a load and gives its result."""
    running: list[subprocess.Popen[str]] = []

    def make(plan: LoadPlan) -> Result:
        process = subprocess.Popen(
            [sys.executable, "-m", "seatrial.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        running.append(process)
        assert process.stdin
        assert process.stdout
        process.stdin.write(plan.dumped() + "\n")
        process.stdin.flush()
        events = [json.loads(line) for line in process.stdout]
        trouble = [event["reason"] for event in events if event["event"] == "trouble"]
        assert not trouble
        return next(event for event in events if event["event"] == "result")

    yield make
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
