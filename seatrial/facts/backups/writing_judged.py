"""A backup that was made while others wrote, as tests see it: whether what came back is a state that ever was."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.facts.backups.drill import Drill, Ran, Wrote
from seatrial.words import CouldNotLook, Duration, Finding, Missing, Size, seen

__all__ = ["LONGEST_STALL", "Writing", "state"]

LONGEST_STALL = 5.0
"""Seconds that a write may take while a backup is made before users are said to wait: most clients give up sooner or later."""


def state(places: int, number: int) -> tuple[int, ...]:
    """What each of so many places holds once a writer that writes them in turn has made its write of that number.

    >>> state(4, 6)
    (5, 6, 3, 4)
    """
    first = number - number % places
    return tuple(
        first + place if 0 < first + place <= number else max(0, first + place - places)
        for place in range(1, places + 1)
    )


@dataclass(frozen=True, slots=True)
class Writing:
    """One backup, and what was restored from it when it was made while a writer ran."""

    id: str
    drill: Drill

    @property
    def _wrote(self) -> Wrote:
        wrote = self.drill.wrote
        if wrote is None:
            raise CouldNotLook(f"{self.id}: no backup was made while others write")
        return seen(wrote)

    def _where(self) -> str:
        return f"{self.drill.backup}, made while a writer ran"

    def _told(self, wrote: Wrote) -> str:
        return (
            f"{wrote.before} writes were acknowledged before the backup began and {wrote.steps} while it was made, "
            f"{Size(wrote.size)} in {Duration(round(wrote.seconds, 2))}"
        )

    @property
    def failing(self) -> list[Finding]:
        """What of the procedures failed since others wrote."""
        wrote = self._wrote
        return [
            Finding(f"{self._where()}: {ran.what}", f"{_ended(ran)} ({self._told(wrote)})", "ended with 0")
            for ran in (wrote.ran, wrote.restore)
            if ran is not None and not ran.ok
        ]

    def _restored(self) -> tuple[Wrote, tuple[int, ...]]:
        """What came back, where that tells anything."""
        wrote = self._wrote
        restored = seen(wrote.restored)
        if not wrote.steps:
            raise CouldNotLook(
                f"{self._where()}: it was over before one write was acknowledged beside it, {wrote.tries} times: "
                f"{self._told(wrote)}; with more data it takes longer (drill.seed)"
            )
        return wrote, restored

    @property
    def torn(self) -> list[Finding]:
        """Places of which later and earlier ones came back than the rest has: no moment had all of them."""
        wrote, restored = self._restored()
        last = max(restored, default=0)
        was = state(wrote.places, last)
        odd = [place for place, (here, there) in enumerate(zip(restored, was, strict=True), 1) if here != there]
        if not odd:
            return []
        shown = ", ".join(f"write {restored[place - 1]} in place {place}" for place in odd[:5])
        text = (
            f"what came back never was: it has write {last}, and at that moment place {odd[0]} held write {was[odd[0] - 1]}, but "
            f"{shown} came back, and {len(odd)} of {wrote.places} places in all are of other moments ({self._told(wrote)})"
        )
        return [Finding(self._where(), text, "one state that was, of one moment")]

    @property
    def forgotten(self) -> list[Finding]:
        """What was acknowledged before the backup began and is not in it."""
        wrote, restored = self._restored()
        last = max(restored, default=0)
        if last >= wrote.before:
            return []
        text = f"the newest write that came back is {last} ({self._told(wrote)})"
        return [Finding(self._where(), text, f"all {wrote.before} that were acknowledged before the backup began")]

    @property
    def stalls(self) -> list[Finding]:
        """Writes that had to wait for the backup."""
        wrote = self._wrote
        if wrote.longest <= LONGEST_STALL or wrote.longest <= 2 * wrote.longest_before:
            return []
        text = (
            f"one write took {Duration(round(wrote.longest, 2))} while the backup was made, "
            f"{Duration(round(wrote.longest_before, 3))} at most before ({self._told(wrote)})"
        )
        return [Finding(self._where(), text, f"at most {Duration(LONGEST_STALL)}")]


def _ended(ran: Ran) -> str:
    return ran.ending + (f": {ran.last_words}" if ran.last_words and not isinstance(ran.status, Missing) else "")
