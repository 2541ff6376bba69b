"""Whether a service reaches what it depends on, from inside its own network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.reach import Reach
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.subjects import Subject
    from seatrial.words import Missing

__all__ = ["NOUNS", "PART", "look"]

PART = "reach"
NOUNS = ("dependency", "optional_dependency")


def look(session: Session, runtime: Runtime | Missing, subject: Subject) -> tuple[Reach, ...]:
    """One attempt from each container or process of the service."""
    from seatrial.drivers import _reach

    return _reach.reach(session, subject.service, str(subject.path[-1]), subject.node, runtime)
