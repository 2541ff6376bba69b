"""HTTP answers, bounded when they were read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.words import Body, Missing

if TYPE_CHECKING:
    from seatrial.profile.model import HttpCheck

__all__ = ["Answer", "Answers", "declared_statuses", "media_type"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one GET, or what came instead. Redirects are not followed; ``location`` tells where one pointed.

    That a declared endpoint refuses, hangs up or says nothing in time is something we saw: ``failure`` tells it, and
    ``status`` is 0 when none had arrived by then. What we could not look at for reasons of ours is `Missing` instead.
    """

    url: str
    """Without user, password and known secrets."""
    status: int
    seconds: float
    """From the attempt to connect to the last byte we read; how long a name takes to resolve is not in it."""
    content_type: str = ""
    """Media type without parameters, lower case."""
    body: Body = Body("")
    location: str = ""
    """Without credentials and query, which may hold what is nobody's business."""
    failure: str = ""
    """``refused the connection``, ``did not answer within 5s``; empty when the answer was read whole, or up to our bound."""
    at: float = 0.0
    """Seconds since the epoch."""
    endless: bool = False
    """True when the body had not ended at the bound where reading stops."""
    parameters: str = ""
    """Of the content type, as they came: ``version=0.0.4; charset=utf-8``."""
    retry_after: str = ""
    """When to come back, as it was said."""

    def __str__(self) -> str:
        said = f"HTTP {self.status}" if self.status else ""
        return ", but ".join(filter(None, (said, self.failure)))

    @property
    def whole(self) -> bool:
        """Whether an answer came, and nothing broke it off."""
        return bool(self.status) and not self.failure


@dataclass(frozen=True, slots=True)
class Answers:
    """A poll of one endpoint: several answers in a row, and the answer of a random path beside it for comparison."""

    url: str
    answers: tuple[Answer | Missing, ...]
    """In order."""
    random_path: Answer | Missing = Missing("not asked")


def declared_statuses(check: HttpCheck) -> tuple[int, ...]:
    """The statuses an endpoint may answer with."""
    status = check.expect.status if check.expect else 200
    return tuple(status) if isinstance(status, list) else (status,)


def media_type(header: str) -> str:
    """The media type of a Content-Type, lower case, without parameters; at most a line of it."""
    return header.partition(";")[0].strip().lower()[:100]
