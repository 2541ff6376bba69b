"""Memory of a service through a load: how much it grew from the end of the warm-up to the end, and whether it still does."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace

from seatrial.facts.loads.judged import Judged, Told, share_text
from seatrial.facts.loads.run import LoadRun, Residents
from seatrial.words import CouldNotLook, Finding, Ratio, Size, seen

__all__ = ["Grown", "GrowthObjective", "endless_growth", "grown"]

LEAST = 4
"""Samples of one replica from which on something can be said of its memory."""
PARTS = 5
"""Into so many parts the time is cut; memory is compared between the first and the last of them."""
MUCH, MUCH_BYTES = 0.5, 32 << 20
"""Growth that nobody declared a bound for and that is told: more than both."""


@dataclass(frozen=True, slots=True)
class Grown:
    """How the memory of one replica went."""

    replica: str
    first: float
    """Bytes in the first part of the time, typically."""
    last: float
    late: float
    """Share of the growth that came in the second half of the time."""
    seconds: float

    @property
    def share(self) -> float:
        """How much it grew; below 0 when it shrank."""
        return self.last / self.first - 1 if self.first else 0.0

    @property
    def text(self) -> str:
        """How it is told."""
        return (
            f"{Size(int(self.first))} at first and {Size(int(self.last))} at the end, {self._sign}{share_text(abs(self.share))} "
            f"in {self.seconds:.0f} s"
        )

    @property
    def _sign(self) -> str:
        return "+" if self.share >= 0 else "-"


def grown(run: LoadRun) -> list[Grown]:
    """How the memory of each replica went in the time that is judged.

    Raises:
        CouldNotLook: it was not seen, or too seldom.
    """
    planned = run.planned
    begin, end = planned.judged_from, planned.judged_from + planned.duration
    found = [_of(one, begin, end) for one in seen(run.memory)]
    if not found:
        raise CouldNotLook(f"no memory of any replica of {run.service} was seen")
    return found


def _of(one: Residents, begin: float, end: float) -> Grown:
    counted = [(at, size) for at, size in one.samples if begin - 0.5 <= at <= end + 1]
    if len(counted) < LEAST:
        raise CouldNotLook(f"memory of {one.replica} was seen {len(counted)} times in the time that is judged")
    part = max(1, len(counted) // PARTS)
    sizes = [size for _, size in counted]
    first, last = (statistics.median(some) for some in (sizes[:part], sizes[-part:]))
    middle = statistics.median(sizes[(len(sizes) - part) // 2 :][:part])
    late = (last - middle) / (last - first) if last > first else 0.0
    return Grown(one.replica, first, last, late, counted[-1][0] - counted[0][0])


def endless_growth(run: LoadRun) -> list[Finding]:
    """Replicas that grew by much, and grew on to the end: what fills a cache and then rests is none of them.

    Raises:
        CouldNotLook: memory was not seen.
    """
    return [
        Finding(f"{run.service} ({one.replica})", f"memory was {one.text}, and still grew", "memory that settles")
        for one in grown(run)
        if one.share > MUCH and one.last - one.first > MUCH_BYTES and one.late > 1 / 3
    ]


@dataclass(frozen=True, slots=True)
class GrowthObjective(Judged):
    """How much the memory of a service may grow under a load."""

    @property
    def told(self) -> Told:
        """The replica that grew most, and what follows."""
        each = sorted(grown(self.run), key=lambda one: -one.share)
        objective: float | None = self.slo.growth.value if self.slo.growth else None
        base = replace(
            self._base("growth", f"growth of memory of {self.slo.service}", unit="share", objective=objective),
            seen=each[0].share,
            expected="" if objective is None else f"at most {Ratio(objective)}",
            text="; ".join(f"{one.replica}: {one.text}" for one in each) + f" ({self.load_text()})",
        )
        if objective is None:
            return replace(base, why="no bound is declared")
        # What a replica was seen to hold is no sample of anything, and the same on a slow machine: only another one is a doubt.
        if why := next(self.other_machine(), "") or (self.lives and f"{self.lives} was replaced meanwhile"):
            return replace(base, why=why)
        if self.run.stopped and each[0].share <= objective:
            return replace(base, why=f"the load was ended before its time: {self.run.stopped}")
        return replace(base, decision="met" if each[0].share <= objective else "missed")
