"""Each exposure requirement on a live target: green where all is right, and red alone where just that is wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import suites
from seatrial.catalogue import catalogue
from seatrial.handshakes import Door, dial
from tests.integration.defects import Defect, defects_of, exposure
from tests.integration.defects import _programs as programs
from tests.integration.defects._scene import Scene, scene
from tests.integration.runs import Run
from tests.lab import Engine, Lab, Remote

pytestmark = pytest.mark.integration

DEFECTS = defects_of(exposure)
REQUIREMENTS = {requirement.id: requirement for requirement, _ in catalogue(suites) if requirement.area == "exposure"}


class Exposed(Run):
    """A run of the area."""

    area = "exposure"


def audit(profile: Path, folder: Path, *options: str) -> list[dict[str, Any]]:
    """The results of a run of the area, as its user starts it."""
    return Exposed(profile, folder, *options).results


def told(results: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """What is not green."""
    return {
        (one["id"], one["subject"]): f"{one['outcome']}: {one['seen'] or one['reason']}"
        for one in results
        if one["outcome"] in ("violation", "advisory", "error")
    }


@pytest.fixture(scope="module")
def live(lab: Lab) -> Iterator[Scene]:
    with scene(lab) as up:
        yield up


def test_every_requirement_is_shown_red() -> None:
    assert {id for defect in DEFECTS for id in defect.turns_red} == set(REQUIREMENTS)


def test_what_conforms_is_green_and_all_of_it_was_looked_at(live: Scene, tmp_path: Path) -> None:
    results = audit(live.profile(tmp_path), tmp_path)
    assert told(results) == {}
    assert {one["id"] for one in results if one["outcome"] == "pass" and one["area"] == "exposure"} == set(REQUIREMENTS)


@pytest.mark.parametrize("defect", DEFECTS, ids=[defect.name for defect in DEFECTS])
def test_exactly_its_requirement_turns_red(defect: Defect, live: Scene, tmp_path: Path) -> None:
    with defect.make(live) as subject:
        found = told(audit(live.profile(tmp_path), tmp_path))
    assert set(found) == {(id, subject) for id in defect.turns_red}, found
    for (id, _), outcome in found.items():
        # Hardening is asked for in this profile, so that its SHOULD is binding.
        binding = REQUIREMENTS[id].level.binding or REQUIREMENTS[id].hardening
        assert outcome.startswith("violation" if binding else "advisory")


# --- plain processes, and hellos to real programs ------------------------------------------------------------------------


HELLOS = [
    ("redis", programs.redis, {}, ("redis", False, "-NOAUTH")),
    ("redis, open", programs.redis, {"password": ""}, ("redis", True, "+PONG")),
    ("nginx", programs.nginx, {}, ("http", False, "HTTP 401")),
    ("nginx, open", programs.nginx, {"private": False}, ("http", True, "HTTP 200")),
    ("nginx, TLS", programs.nginx, {"private": False, "tls": True}, ("http", True, "HTTP 200")),
    ("prometheus", programs.prometheus, {}, ("prometheus", False, "HTTP 401")),
    ("prometheus, open", programs.prometheus, {"private": False}, ("prometheus", True, "query API")),
    ("postgres, scram", programs.postgres, {}, ("postgres", False, "asks for SASL")),
    ("postgres, md5", programs.postgres, {"method": "md5"}, ("postgres", False, "an MD5 password")),
    ("postgres, trust", programs.postgres, {"method": "trust"}, ("postgres", True, "asks a stranger for no password")),
    (
        "postgres, trust, another superuser",
        programs.postgres,
        {"method": "trust", "superuser": "harbor"},
        ("postgres", True, "asks a stranger for no password"),
    ),
]


@pytest.mark.parametrize("known", ["declared", "program", "nothing"])
@pytest.mark.parametrize(("program", "words", "expected"), [pytest.param(*c, id=n) for n, *c in HELLOS])
def test_a_hello_tells_who_asks_for_credentials(
    program: Any, words: dict[str, Any], expected: Any, known: str, tmp_path: Path
) -> None:
    if reason := programs.missing(program):
        pytest.skip(reason)
    protocol, anonymous, seen = expected
    if (protocol, anonymous, known) == ("prometheus", False, "nothing"):
        protocol = "http"  # it refuses every page alike, so that nothing tells it from any other
    with program(tmp_path, **words) as running:
        name = Path(f"/proc/{running.pid}/comm").read_text().strip()
        door = Door("127.0.0.1", running.port, process=name if known == "program" else "")
        began = time.monotonic()
        heard = dial(door, expected[0] if known == "declared" else None)
        taken = time.monotonic() - began
    assert (heard.protocol, heard.anonymous, heard.open) == (protocol, anonymous, True)
    assert seen in heard.seen
    assert taken < (4 if known == "nothing" else 1)


def test_the_engines_api_on_loopback_is_told(docker_engine: Engine) -> None:
    with programs.engine_relay(docker_engine.path) as running:
        heard = dial(Door("127.0.0.1", running.port), None)
    assert (heard.protocol, heard.anonymous, heard.gives) == ("docker", True, "control")


def test_the_engines_api_behind_client_certificates_is_closed(remote_engine: Remote) -> None:
    heard = dial(Door("127.0.0.1", remote_engine.port), None)
    assert (heard.protocol, heard.anonymous, heard.open) == ("tls", False, True)


def services(front: programs.Program, cache: programs.Program, job: programs.Program) -> dict[str, Any]:
    """What a profile says of three programs: a page, its Redis, and a job that needs it."""
    return {
        "front": {
            "process": {"pid": front.pid},
            "exposure": {"listening": [front.at, f"127.0.0.1:{front.extra}"]},
        },
        "cache": {
            "process": {"pid": cache.pid},
            "protocol": "redis",
            "port": cache.port,
            "exposure": {"listening": [cache.at]},
        },
        "job": {
            "process": {"pid": job.pid},
            "depends_on": {"cache": {}, "front": {"optional": True, "port": front.port}},
        },
    }


PROCESSES: list[tuple[str, dict[str, dict[str, Any]], set[tuple[str, str]]]] = [
    ("as declared", {}, set()),
    ("a listener more", {"front": {"third": True}}, {("EXP-006", "front")}),
    ("on every interface", {"front": {"bind": "0.0.0.0"}}, {("EXP-007", "front")}),
    ("a listener less", {"front": {"second": False}}, {("EXP-008", "front")}),
    ("an open store", {"cache": {"password": ""}}, {("EXP-009", "cache")}),
    ("an open page", {"front": {"private": False}}, {("EXP-010", "front")}),
    ("a job without a network", {"job": {"isolated": True}}, {("EXP-011", "job.cache"), ("EXP-012", "job.front")}),
]


@pytest.mark.parametrize(("words", "red"), [pytest.param(*case, id=name) for name, *case in PROCESSES])
def test_plain_processes(words: dict[str, dict[str, Any]], red: set[tuple[str, str]], tmp_path: Path) -> None:
    if reason := programs.missing(programs.nginx, programs.redis):
        pytest.skip(reason)
    with (
        programs.nginx(tmp_path, **words.get("front", {})) as front,
        programs.redis(tmp_path, **words.get("cache", {})) as cache,
        programs.worker(**words.get("job", {})) as job,
    ):
        results = audit(programs.profile(tmp_path, services(front, cache, job)), tmp_path)
    found = told(results)
    assert set(found) == red, found
    looked = {one["id"] for one in results if one["outcome"] != "not applicable" and one["area"] == "exposure"}
    assert looked == {f"EXP-{number:03}" for number in range(6, 13)}
