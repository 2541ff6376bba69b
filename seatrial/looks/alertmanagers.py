"""The running Alertmanager, looked at once for all that is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.arrival import Alertmanager
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.subjects import Subject
    from seatrial.words import Missing

__all__ = ["NOUNS", "PART", "look"]

PART = "alertmanagers"
NOUNS = ("alertmanager", "delivery")


def look(session: Session, _runtime: Runtime | Missing, subject: Subject) -> Alertmanager:
    """The Alertmanager, the same for every subject."""
    from seatrial.drivers._alertmanager_seen import seen_of

    return session.once("alertmanager", lambda: seen_of(session, subject.node))
