"""Protections on a real service before a real Redis: all is green on what keeps its promises, and each that is broken is red alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.runs import Run
from tests.lab.ferry.processes import ferry
from tests.lab.ferry.stack import stack

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="driver process reads Linux's /proc"),
]
EVERY = [f"PRT-{number:03}" for number in range(1, 14)]
ENV = {"FERRY_TIMEOUT": "0.4"}
BREAKER = {"failures": 3, "open_for": "2s", "fails_within": "800ms"}
SERVICES = {"api": {"depends_on": {"redis": {"breaker": BREAKER}}}}
TEXT = {
    "name": "text", "post": "/notes", "sentinel": "sentinel", "body": {"id": "sentinel", "text": "sentinel"}, "field": "text",
    "at": 1000, "status": 422, "expect": {"status": 201}, "remove": {"delete": "/notes/sentinel", "expect": {"status": 204}},
}  # fmt: skip
BODY = {key: value for key, value in TEXT.items() if key != "field"} | {"at": 900, "over": 16385, "status": 413}


class Protections(Run):
    area = "protections"
    within = 300.0


class Limits(Protections):
    area = "protections/test_limits.py"


class Rates(Protections):
    area = "protections/test_rate_limits.py"


class Dependencies(Protections):
    area = "protections/test_dependencies.py"


def run(
    kind: type[Run],
    folder: Path,
    *options: str,
    wrong: str = "",
    mode: str = "drill",
    env: dict[str, str] | None = None,
    api: dict[str, Any] | None = None,
) -> Run:
    """One run of some of the suite on a ferry of its own."""
    services = {"api": {**SERVICES["api"], **(api or {})}}
    with ferry(folder, wrong=wrong, env={**ENV, **(env or {})}, services=services) as running:
        return kind(running.profile, folder, *options, mode=mode, SEATRIAL_STATE=str(folder / "state"))


def test_what_keeps_its_promises_is_green_and_is_judged_alike_again(require, tmp_path):
    require("redis")
    with ferry(tmp_path, env=ENV, services=SERVICES) as running:
        made = Protections(running.profile, tmp_path, mode="drill", SEATRIAL_STATE=str(tmp_path / "state"))
        assert made.ids("pass") == EVERY, made.text
        assert not made.ids("violation", "advisory", "error")
        again = Protections(running.profile, tmp_path, f"--facts={made.folder}", mode="drill")
    assert again.told() == made.told()


@pytest.mark.parametrize(
    ("wrong", "env", "red", "said"),
    [
        ("", {"FERRY_FIELD": "999"}, "PRT-001", "POST /notes with text of 1000 characters: HTTP 422"),
        ("limit-not-enforced", {}, "PRT-002", "POST /notes with text of 1001 characters: HTTP 201"),
        ("limit-kills", {}, "PRT-002", "POST /notes with text of 10000 characters: HTTP 500"),
        ("limit-sulks", {}, "PRT-003", "readiness was not as declared"),
    ],
)
def test_a_limit_that_is_not_kept_is_red_alone(require, tmp_path, wrong, env, red, said):
    require("redis")
    made = run(Limits, tmp_path, wrong=wrong, env=env, mode="gate", api={"limits": [TEXT]})
    assert made.ids("violation") == [red], made.text
    assert said in str(made.told())


def test_the_size_of_a_whole_body_is_a_limit_too_and_writing_is_enough_to_try_it(require, tmp_path):
    require("redis")
    made = run(Limits, tmp_path, "--tier=write", mode="gate", api={"limits": [BODY]})
    assert made.ids("pass") == ["PRT-001", "PRT-002", "PRT-003"], made.text


@pytest.mark.parametrize(
    ("wrong", "env", "red", "said"),
    [
        ("", {"FERRY_RATE": "4"}, "PRT-004", "1 of 5 GET /report were not accepted, the first with HTTP 429"),
        ("rate-not-enforced", {}, "PRT-005", "and none refused"),
        ("no-retry-after", {}, "PRT-006", "HTTP 429 without Retry-After"),
        ("retry-after-lies", {}, "PRT-007", "HTTP 429 after 0s without a call"),
    ],
)
def test_a_rate_limit_that_is_not_kept_is_red_alone(require, tmp_path, wrong, env, red, said):
    require("redis")
    made = run(Rates, tmp_path, wrong=wrong, env=env, mode="gate")
    assert made.ids("violation") == [red], made.text
    assert said in str(made.told())


@pytest.mark.parametrize(
    ("wrong", "asked", "red", "said", "declared"),
    [
        ("no-timeout", "calls", ["PRT-008"], "given up after 5", {"timeout": "1500ms"}),
        ("piles-up", "calls", ["PRT-009"], "of 8 at once", {"timeout": "3s"}),
        ("retry-storm", "storm", ["PRT-010"], "redis got 30, 30, 30 attempts from 3 calls", {}),
        ("no-breaker", "breaker", ["PRT-011"], "calls did not fail fast", {}),
        ("breaker-floods", "breaker", ["PRT-012"], "of 5 calls at once 5 took longer", {}),
        ("breaker-sticks", "breaker", ["PRT-013"], "calls failed until", {}),
        ("breaker-never-closes", "breaker", ["PRT-012", "PRT-013"], "none was let through to redis", {}),
    ],
)
def test_a_dependency_without_its_protection_is_red_alone(require, tmp_path, wrong, asked, red, said, declared):
    require("redis")
    dependency = {"breaker": BREAKER, **declared}
    env = {"FERRY_TIMEOUT": "0.1"} if asked == "storm" else {}
    made = run(Dependencies, tmp_path, "-k", asked, wrong=wrong, env=env, api={"depends_on": {"redis": dependency}})
    assert made.ids("violation") == red, made.text
    assert said in str(made.told())


@pytest.mark.parametrize(("wrong", "red"), [("", []), ("retry-storm", ["PRT-010"])])
def test_attempts_are_counted_beside_a_container_too(require, lab, tmp_path, wrong, red):
    require("docker")
    asked = {"retries": 2, "breaker": None, "call": {"get": "/cached/sea", "only_reads": True}}
    env = {"FERRY_TIMEOUT": "0.2"}
    with stack(lab, wrong=wrong, env=env, only=("redis", "api", "front"), replicas=2) as running:
        profile = running.profile(tmp_path, services={"api": {"depends_on": {"redis": asked}}})
        made = Dependencies(profile, tmp_path, "-k", "storm", mode="drill", SEATRIAL_STATE=str(tmp_path / "state"))
    assert made.ids("violation") == red, made.text
    assert made.ids("error") == []
    assert ("paused by the engine" in str(made.told())) is bool(red)
