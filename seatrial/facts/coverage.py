"""What was seen when scrape targets went down and vanished, in an evaluation of the rules that are there for it."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.words import Missing

__all__ = ["JobWatched", "Trying", "Vanishing"]


@dataclass(frozen=True, slots=True)
class Trying:
    """One alert, evaluated while a job's target was as it should be, and then was not."""

    alert: str
    """``group/name``."""
    before: str
    """``inactive``, ``pending`` or ``firing``, while every target was up."""
    after: tuple[str, ...]
    """Its states at the times after that."""

    @property
    def tells(self) -> bool:
        """Whether it was silent, and then fired."""
        return self.before == "inactive" and "firing" in self.after


@dataclass(frozen=True, slots=True)
class JobWatched:
    """What the alerts made of one job."""

    job: str
    targets: int
    within: float
    """Seconds that they were given."""
    down: tuple[Trying, ...] | Missing
    """A target of it is down: ``up`` is 0, and its other series are gone."""
    vanished: tuple[Trying, ...] | Missing
    """All of it is gone from the discovery: it has no series any more, ``up`` included."""


@dataclass(frozen=True, slots=True)
class Vanishing:
    """Every job of a running Prometheus."""

    jobs: tuple[JobWatched, ...]
    left_out: int = 0
    """Jobs beyond those that were tried."""
