"""HTTP answers, bounded when they were read."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.words import Body, Missing

__all__ = ["Answer", "Answers"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one GET. Redirects are not followed; ``location`` tells where one pointed."""

    url: str
    status: int
    seconds: float
    """From the request's first byte to the answer's last."""
    content_type: str = ""
    """Media type without parameters, lower case."""
    body: Body = Body("")
    location: str = ""
    at: float = 0.0
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Answers:
    """A poll of one endpoint: several answers in a row, and the answer of a random path beside it for comparison."""

    url: str
    answers: tuple[Answer | Missing, ...]
    """In order. Missing: refused, reset, timed out, too large, not HTTP; the reason tells."""
    random_path: Answer | Missing = Missing("not asked")
