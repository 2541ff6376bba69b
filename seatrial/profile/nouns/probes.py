"""Faults of dependencies as subjects: every dependency of a service that can tell whether it is ready, each of its faults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seatrial.profile.subject import Noun, Subject

if TYPE_CHECKING:
    from seatrial.profile.model import Profile

__all__ = ["FAULTS", "NOUNS", "fault_of"]

FAULTS = {"stopped": "stop", "hung": "hang", "slow": "slow"}
"""What a fault is called, and the act that makes it."""
DISTURBING = ("docker", "process")
"""Drivers that can disturb."""


def fault_of(subject: Subject) -> tuple[str, str]:
    """The fault and the dependency that a subject is about."""
    return subject.id.rpartition(".")[2], str(subject.path[-1])


def _outages(profile: Profile, noun: str, *, optional: bool) -> Iterator[Subject]:
    if profile.target.driver not in DISTURBING:
        return
    for name, service in profile.services.items():
        if service.external or service.readiness is None:
            continue
        for other, node in (service.depends_on or {}).items():
            needed = profile.services.get(other)
            if node.optional is optional and not (needed and needed.one_shot):
                for fault in FAULTS:
                    path = ("services", name, "depends_on", other)
                    yield Subject(f"{name}.{other}.{fault}", noun, path, node, name)


NOUNS = {
    "outage": Noun(
        lambda profile: _outages(profile, "outage", optional=False),
        "no service that we run and can disturb declares readiness and a required depends_on",
        ("depends_on",),
        "dependency",
    ),
    "optional_outage": Noun(
        lambda profile: _outages(profile, "optional_outage", optional=True),
        "no service that we run and can disturb declares readiness and an optional depends_on",
        ("depends_on",),
        "dependency",
    ),
}
