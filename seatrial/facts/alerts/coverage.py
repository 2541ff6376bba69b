"""What was seen when scrape targets went down and vanished, in an evaluation of the rules that are there for it."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.words import Missing

__all__ = ["JobWatched", "Trying", "Vanishing"]


@dataclass(frozen=True, slots=True)
class Trying:
    """One alert, evaluated while a job's targets were as they should be, and then were not."""

    alert: str
    """``group/name``."""
    before: str
    """``inactive``, ``pending`` or ``firing``, while every target was up."""
    fired: float | None
    """Seconds after which it fired; None when it did not."""

    @property
    def tells(self) -> bool:
        """Whether it was silent, and then fired."""
        return self.before == "inactive" and self.fired is not None


@dataclass(frozen=True, slots=True)
class JobWatched:
    """What the alerts made of one job."""

    job: str
    targets: int
    within: float
    """Seconds that they were given."""
    down: tuple[Trying, ...] | Missing
    """Its targets are down: ``up`` is 0, and their other series are gone. Of the alerts that look at it at all."""
    vanished: tuple[Trying, ...] | Missing
    """They are gone from the discovery: there are no series of them any more, ``up`` included."""


@dataclass(frozen=True, slots=True)
class Vanishing:
    """Every job of a running Prometheus."""

    jobs: tuple[JobWatched, ...]
    left_out: int = 0
    """Jobs beyond those that were tried."""
