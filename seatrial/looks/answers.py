"""What health endpoints answer, polled as often as declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.answer import Answers
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.subjects import Subject
    from seatrial.words import Missing

__all__ = ["NOUNS", "PART", "look"]

PART = "answers"
NOUNS = ("endpoint",)


def look(session: Session, _runtime: Runtime | Missing, subject: Subject) -> Answers:
    """The answers of one endpoint."""
    from seatrial.drivers import http

    return http.poll(session, session.profile.services[subject.service], subject.node)
