"""What the sockets of a service tell somebody without credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.runtime import Runtime
    from seatrial.facts.socket import Handshake
    from seatrial.profile.subjects import Subject
    from seatrial.words import Missing

__all__ = ["NOUNS", "PART", "look"]

PART = "strangers"
NOUNS = ("exposure", "publication")


def look(session: Session, runtime: Runtime | Missing, subject: Subject) -> tuple[Handshake, ...]:
    """One handshake a door of the service."""
    from seatrial import handshakes

    return handshakes.strangers(session, subject.service, runtime)
