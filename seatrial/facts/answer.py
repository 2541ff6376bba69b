"""HTTP answers, bounded when they were read."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.words import Body, Missing

__all__ = ["Answer", "Answers"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one GET, or what came instead. Redirects are not followed; ``location`` tells where one pointed.

    That a declared endpoint refuses, hangs up or says nothing in time is something we saw: ``failure`` tells it, and
    ``status`` is 0 when none had arrived by then. What we could not look at for reasons of ours is `Missing` instead.
    """

    url: str
    status: int
    seconds: float
    """From the first byte we sent to the last we read."""
    content_type: str = ""
    """Media type without parameters, lower case."""
    body: Body = Body("")
    location: str = ""
    failure: str = ""
    """``refused the connection``, ``did not answer within 5s``; empty when the answer was read whole."""
    at: float = 0.0
    """Seconds since the epoch."""

    def __str__(self) -> str:
        said = f"HTTP {self.status}" if self.status else ""
        return ", but ".join(filter(None, (said, self.failure))) if said else self.failure


@dataclass(frozen=True, slots=True)
class Answers:
    """A poll of one endpoint: several answers in a row, and the answer of a random path beside it for comparison."""

    url: str
    answers: tuple[Answer | Missing, ...]
    """In order."""
    random_path: Answer | Missing = Missing("not asked")
