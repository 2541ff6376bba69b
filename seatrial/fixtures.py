"""The nouns that tests are about, as fixtures: one a noun, each a pure function of the profile's node and what was observed.

They are no part of the plugin, so that a project which merely has Seatrial installed does not see them; a suite imports
them in its ``conftest.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

import pytest

from seatrial.words import CouldNotLook, seen

if TYPE_CHECKING:
    from seatrial.facts.containers import Containers
    from seatrial.facts.dependency import Dependency
    from seatrial.facts.deployment import Deployment
    from seatrial.facts.endpoint import Endpoint
    from seatrial.facts.exposure import Exposure
    from seatrial.profile.model import HttpCheck
    from seatrial.profile.subjects import Subject
    from seatrial.trial import Trial

T = TypeVar("T")

__all__ = [
    "containers",
    "dependency",
    "deployment",
    "endpoint",
    "exposure",
    "listener",
    "optional_dependency",
    "publication",
]


def _asked(request: pytest.FixtureRequest) -> tuple[Trial, Subject]:
    from seatrial.trial import TRIAL

    return request.config.stash[TRIAL], request.param


def _of(facts: Mapping[str, T], id: str, runtime: object = None) -> T:
    """The facts on one subject; a replay may judge facts that were observed for another profile."""
    if id not in facts:
        seen(runtime)  # where the target was not reached at all, that is why
        raise CouldNotLook(f"nothing was observed of {id}")
    return facts[id]


@pytest.fixture
def containers(request: pytest.FixtureRequest) -> Containers:
    """The containers of one service."""
    from seatrial.facts.containers import Containers

    trial, subject = _asked(request)
    runtime = seen(trial.observed(subject).runtime)
    return Containers(
        service=subject.service,
        declared=subject.node,
        containers=seen(_of(runtime.containers, subject.service)),
        hardening=trial.profile.hardening,
        taken=trial.observed(subject).taken,
    )


@pytest.fixture
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """Everything that runs at the target, known to the profile or not."""
    from seatrial.facts.deployment import Deployment

    trial, subject = _asked(request)
    runtime = seen(trial.observed(subject).runtime)
    return Deployment(services=tuple(trial.profile.services), unknown=seen(runtime.unknown))


@pytest.fixture
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    """One declared health endpoint and its answers."""
    from seatrial.facts.endpoint import Endpoint

    trial, subject = _asked(request)
    observed = trial.observed(subject)
    return Endpoint(
        id=subject.id,
        service=subject.service,
        probe=subject.path[-1],
        declared=subject.node,
        declared_version=trial.profile.services[subject.service].version,
        answers=seen(_of(observed.answers, subject.id, observed.runtime)),
        schema=_schema(trial, subject.node),
    )


def _schema(trial: Trial, check: HttpCheck) -> object:
    """The JSON Schema a body must satisfy: inline, or in a file beside the profile."""
    if check.expect is None or check.expect.json_schema_file is None:
        return check.expect.json_schema if check.expect else None
    file = trial.loaded.file.parent / check.expect.json_schema_file
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError) as why:
        raise CouldNotLook(f"{check.expect.json_schema_file} can't be read: {why}") from None


@pytest.fixture
def exposure(request: pytest.FixtureRequest) -> Exposure:
    """The sockets of one service, and what they tell a stranger."""
    return _exposure(request)


@pytest.fixture
def publication(request: pytest.FixtureRequest) -> Exposure:
    """The sockets of one service in containers, and what the engine publishes of them."""
    return _exposure(request)


@pytest.fixture
def listener(request: pytest.FixtureRequest) -> Exposure:
    """The sockets of one service, as they were seen to listen."""
    return _exposure(request)


def _exposure(request: pytest.FixtureRequest) -> Exposure:
    from seatrial.facts.exposure import Exposure

    trial, subject = _asked(request)
    return Exposure.of(subject.service, trial.profile, trial.observed(subject))


@pytest.fixture
def dependency(request: pytest.FixtureRequest) -> Dependency:
    """One service that another needs, as seen from inside the other's network."""
    return _dependency(request)


@pytest.fixture
def optional_dependency(request: pytest.FixtureRequest) -> Dependency:
    """One service that another uses when it is there, as seen from inside the other's network."""
    return _dependency(request)


def _dependency(request: pytest.FixtureRequest) -> Dependency:
    from seatrial.facts.dependency import Dependency

    trial, subject = _asked(request)
    observed = trial.observed(subject)
    return Dependency(
        id=subject.id, declared=subject.node, reach=seen(_of(observed.reach, subject.id, observed.runtime))
    )
