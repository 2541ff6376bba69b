"""Ends and beginnings as subjects: SIGTERM, a crash, a start, and the cold start of the whole stack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from seatrial.profile.subject import Noun, Subject

if TYPE_CHECKING:
    from seatrial.profile.model import Profile, Service

__all__ = ["NOUNS", "needed", "ours"]

DISTURBING = ("docker", "process")
"""Drivers that can disturb."""
PROMISES = ("grace_period", "readiness", "canary", "slowest", "work")
"""Keys of which a service declares one, when how it ends is anybody's concern."""


def ours(profile: Profile) -> Iterator[tuple[str, Service]]:
    """Services that we run, that go on running, and that may be disturbed."""
    if profile.target.driver in DISTURBING:
        for name, service in profile.services.items():
            if not (service.external or service.one_shot or service.protected):
                yield name, service


def needed(profile: Profile, name: str) -> list[str]:
    """The dependencies that a service can't do without, of those that we run and may disturb."""
    running = dict(ours(profile))
    declared = profile.services[name].depends_on or {}
    return [other for other, node in declared.items() if not node.optional and other in running]


def _terminations(profile: Profile) -> Iterator[Subject]:
    for name, service in ours(profile):
        if any(getattr(service, key) is not None for key in PROMISES):
            yield Subject(f"{name}.sigterm", "termination", ("services", name), service, name)


def _exit_statuses(profile: Profile) -> Iterator[Subject]:
    """Linux tells nobody but its parent how a process ended; an engine is asked."""
    if profile.target.driver == "docker":
        for subject in _terminations(profile):
            yield replace(subject, noun="exit_status")


def _startups(profile: Profile) -> Iterator[Subject]:
    """They are measured when a service that got SIGTERM is started again: one experiment for both."""
    for subject in _terminations(profile):
        checked = profile.target.driver == "docker" and subject.node.readiness is not None
        if subject.node.startup is not None or subject.node.liveness is not None or checked:
            yield replace(subject, noun="startup")


def _crashes(profile: Profile) -> Iterator[Subject]:
    for name, service in ours(profile):
        if service.restart not in (None, "no") or service.restart_within is not None:
            yield Subject(f"{name}.kill", "crash", ("services", name), service, name)


def _slow_starts(profile: Profile) -> Iterator[Subject]:
    for name, service in ours(profile):
        if service.readiness is not None:
            for other in needed(profile, name):
                path = ("services", name, "depends_on", other)
                node = (service.depends_on or {})[other]
                yield Subject(f"{name}.{other}.start", "slow_start", path, node, name)


def _cold_starts(profile: Profile) -> Iterator[Subject]:
    if any(service.cold_start_within for _, service in ours(profile)):
        yield Subject("target.cold_start", "cold_start", ("target",), profile.target)


NOUNS = {
    "termination": Noun(
        _terminations,
        f"no service that we run and may disturb declares {', '.join(PROMISES[:-1])} or {PROMISES[-1]}",
        (),
    ),
    "exit_status": Noun(_exit_statuses, "target.driver is not docker, so that no engine tells how a service ended", ()),
    "startup": Noun(_startups, "no service that we run and may disturb declares startup or liveness", ()),
    "crash": Noun(_crashes, "no service that we run and may disturb declares restart or restart_within", ()),
    "slow_start": Noun(
        _slow_starts,
        "no service that we run and may disturb declares readiness and a required depends_on",
        (),
        "dependency",
    ),
    "cold_start": Noun(_cold_starts, "no service that we run and may disturb declares cold_start_within", (), "target"),
}
