"""Promised protections as subjects: each limit, each rate limit, and what stands between a service and a dependency."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seatrial.profile.subject import Noun, Subject

if TYPE_CHECKING:
    from seatrial.profile.model import Dependency, Profile, Service

__all__ = ["FAULTS", "NOUNS"]

FAULTS = {"hung": "hang", "stopped": "stop"}
"""What a fault is called, and the act that makes it."""
DISTURBING = ("docker", "process")
"""Drivers that can disturb."""


def _named(name: str) -> str:
    """A name as part of an id: ``length of a note`` → ``length-of-a-note``."""
    return "-".join(name.split())


def _limits(profile: Profile) -> Iterator[Subject]:
    for name, service in _ours(profile):
        for index, node in enumerate(service.limits or ()):
            id = f"{name}.limits.{_named(node.name)}"
            yield Subject(id, "limit", ("services", name, "limits", index), node, name)


def _rate_limits(profile: Profile) -> Iterator[Subject]:
    for name, service in _ours(profile):
        for index, node in enumerate(service.rate_limits or ()):
            id = f"{name}.rate_limits.{_named(node.name)}"
            yield Subject(id, "rate_limit", ("services", name, "rate_limits", index), node, name)


def _ours(profile: Profile) -> Iterator[tuple[str, Service]]:
    return ((name, service) for name, service in profile.services.items() if not service.external)


def _dependencies(profile: Profile) -> Iterator[tuple[str, str, Dependency]]:
    """Dependencies that can be disturbed: a job that has ended serves nothing."""
    if profile.target.driver not in DISTURBING:
        return
    for name, service in _ours(profile):
        for other, node in (service.depends_on or {}).items():
            needed = profile.services.get(other)
            if not (needed and needed.one_shot):
                yield name, other, node


def _time_outs(profile: Profile) -> Iterator[Subject]:
    for name, other, node in _dependencies(profile):
        if node.timeout is not None:
            path = ("services", name, "depends_on", other)
            yield Subject(f"{name}.{other}.timeout", "time_out", path, node, name)


def _retryings(profile: Profile) -> Iterator[Subject]:
    """Attempts can be counted where packets arrive: a stopped container has no network any more, a port of this machine has."""
    for name, other, node in _dependencies(profile):
        if node.retries is None:
            continue
        process = profile.services[other].process if other in profile.services else None
        stoppable = profile.target.driver == "process" and process and process.stop and process.start
        for fault in FAULTS if stoppable else ("hung",):
            path = ("services", name, "depends_on", other)
            yield Subject(f"{name}.{other}.retries.{fault}", "retrying", path, node, name)


def _breakers(profile: Profile) -> Iterator[Subject]:
    for name, other, node in _dependencies(profile):
        if node.breaker is not None:
            path = ("services", name, "depends_on", other)
            yield Subject(f"{name}.{other}.breaker", "breaker", path, node, name)


NOUNS = {
    "limit": Noun(_limits, "no service that we run declares limits", ("limits",), "limit"),
    "rate_limit": Noun(_rate_limits, "no service that we run declares rate_limits", ("rate_limits",), "rate limit"),
    "time_out": Noun(
        _time_outs, "no service that we run and can disturb declares depends_on with timeout", (), "dependency"
    ),
    "retrying": Noun(
        _retryings, "no service that we run and can disturb declares depends_on with retries", (), "dependency"
    ),
    "breaker": Noun(
        _breakers, "no service that we run and can disturb declares depends_on with breaker", (), "dependency"
    ),
}
