"""Promised time-outs, retries and circuit breakers as tests see them: what was declared, and what calls and counts showed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from seatrial.facts.experiment import Fault, Sample, Timeline
from seatrial.facts.protections import the
from seatrial.words import CouldNotLook, Duration, Finding, seen

if TYPE_CHECKING:
    from seatrial.profile.model import Breaker, Dependency

__all__ = ["BreakerTried", "RetryingTried", "TimeOutTried"]

MORE = 1.5
"""How much longer calls may take at once than alone before they are said to wait for each other..."""
ROOM = 0.5
"""...and so many seconds more."""


def _took(seconds: float) -> str:
    return str(Duration(round(seconds, 2)))


@dataclass(frozen=True, slots=True)
class _Tried:
    """A dependency at fault, and calls that need it."""

    id: str
    service: str
    dependency: str
    node: Dependency
    timeline: Timeline

    @property
    def _fault(self) -> Fault:
        return seen(self.timeline.fault)

    @property
    def _place(self) -> str:
        return f"{self.service}, before {self.dependency}"

    @property
    def _shown(self) -> str:
        """The fault, and what showed it."""
        return f"{self._fault.of} was {self._fault.kind} ({self._fault.how}; {self._fault.proof})"

    @property
    def _declared(self) -> str:
        return f"services.{self.service}.depends_on.{self.dependency}"


@dataclass(frozen=True, slots=True)
class TimeOutTried(_Tried):
    """Calls while a dependency hangs."""

    @property
    def calls_that_hung(self) -> list[Finding]:
        """Calls that did not end in the promised time."""
        bound = self.timeline.bounds["timeout"]
        calls, shown = the(self.timeline, "call"), self._shown
        late = [one for one in calls if one.seconds > bound.seconds]
        if not late:
            return []
        ended = ", ".join(_ended(one) for one in late)
        return [Finding(self._place, f"while {shown}, {len(late)} of {len(calls)} calls: {ended}", f"within {bound}")]

    @property
    def calls_that_piled_up(self) -> list[Finding]:
        """Calls that took longer at once than alone, as they waited for each other."""
        bound = self.timeline.bounds["timeout"]
        calls, shown = the(self.timeline, "call at once"), self._shown
        alone = max(one.seconds for one in the(self.timeline, "call"))
        most = max(bound.seconds, MORE * alone + ROOM)
        late = [one for one in calls if one.seconds > most]
        if not late:
            return []
        told = (
            f"while {shown}, a call alone ended after {_took(alone)}; of {len(calls)} at once {len(late)} took longer than "
            f"{_took(most)}: {_ended(max(late, key=lambda one: one.seconds))}"
        )
        return [Finding(self._place, told, f"within {bound}, however many wait")]


def _ended(sample: Sample) -> str:
    given_up = "did not answer" in sample.failure
    return f"given up after {_took(sample.seconds)}" if given_up else f"ended after {_took(sample.seconds)}"


@dataclass(frozen=True, slots=True)
class RetryingTried(_Tried):
    """What a failing dependency gets of one call."""

    @property
    def storms(self) -> list[Finding]:
        """More attempts than promised."""
        shown = self._shown
        counts = [
            int(count) for name, count in self.timeline.numbers.items() if re.fullmatch(r"attempts of call \d+", name)
        ]
        reached = [count for count in counts if count]  # a breaker may keep some from it
        if not reached:
            raise CouldNotLook(
                f"none of {len(counts)} calls turned to {self.dependency} while {shown}: nothing was counted"
            )
        most = (self.node.retries or 0) + 1
        if median(reached) <= most:
            return []
        own = self.timeline.numbers.get("attempts without a call", 0)
        told = (
            f"while {shown}, {self.dependency} got {', '.join(map(str, counts))} attempts from {len(counts)} calls, "
            f"one after the other (and {own:g} in {self.timeline.numbers.get('seconds without a call', 0):g} s without a call)"
        )
        return [Finding(self._place, told, f"{most} for a call at most ({self._declared}.retries: {most - 1})")]


@dataclass(frozen=True, slots=True)
class BreakerTried(_Tried):
    """A circuit breaker, from closed to closed."""

    @property
    def _breaker(self) -> Breaker:
        if self.node.breaker is None:
            raise CouldNotLook(f"{self._declared}.breaker is not declared")
        return self.node.breaker

    @property
    def _after(self) -> str:
        return f"after {self._breaker.failures} failures in a row, while {self._shown}"

    def _counted(self, name: str) -> int:
        if name not in self.timeline.numbers:
            raise CouldNotLook(self.timeline.unsteady or f"{name} were not counted")
        return int(self.timeline.numbers[name])

    @property
    def not_open(self) -> list[Finding]:
        """Calls that were slow, or reached the dependency, though the breaker had to be open."""
        bound = self.timeline.bounds["fails within"]
        calls, after = the(self.timeline, "call while open"), self._after
        slow = [one for one in calls if one.seconds > bound.seconds]
        found = []
        if slow:
            ended = ", ".join(_ended(one) for one in slow)
            found.append(Finding(self._place, f"{after}, calls did not fail fast: {ended}", f"within {bound}"))
        if count := self._counted("attempts while open"):
            told = f"{after}, {self.dependency} got {count} attempts from {len(calls)} calls"
            found.append(Finding(self._place, told, f"none while the breaker is open ({self._declared}.breaker)"))
        return found

    def _opened(self) -> None:
        """What a breaker does afterwards can be seen only when it opened.

        Raises:
            CouldNotLook: it did not.
        """
        if self.not_open:
            raise CouldNotLook(f"the breaker did not open {self._after}, so that what it does afterwards can't be seen")

    @property
    def not_one_trial(self) -> list[Finding]:
        """More or less than one call that was let through after its time."""
        self._opened()
        calls, count = the(self.timeline, "call at the trial"), self._counted("attempts at the trial")
        bound, fast = self.timeline.bounds["open for"], self._breaker.fails_within
        through = [one for one in calls if one.seconds > fast.seconds]
        most = (self.node.retries or 0) + 1
        told = f"{bound.seconds:g} s after it opened, of {len(calls)} calls at once"
        if not count:
            expected = f"one call let through after {bound}"
            return [Finding(self._place, f"{told} none was let through to {self.dependency}", expected)]
        if len(through) > 1 and count > most:  # either alone may be a slow machine, or a call that tries again
            seen_ = f"{told} {len(through)} took longer than {fast}, and {self.dependency} got {count} attempts"
            return [Finding(self._place, seen_, f"one call let through, {most} attempts at most")]
        return []

    @property
    def not_closed(self) -> list[Finding]:
        """Calls that still fail when the dependency is back and the breaker had time to see it."""
        self._opened()
        calls = the(self.timeline, "call after it is back")
        well = 0
        for one in reversed(calls):
            if not one.ok:
                break
            well += 1
        if well >= 3:
            return []
        bound = self.timeline.bounds["open for"]
        back = calls[-1].at - self._fault.ended
        wrong = sum(not one.ok for one in calls)
        told = (
            f"{wrong} of {len(calls)} calls failed until {_took(back)} after {self.dependency} was as before, "
            f"the last one: {'as declared' if calls[-1].ok else calls[-1].failure or f'HTTP {calls[-1].status}'}"
        )
        return [Finding(self._place, told, f"calls work again once it was open for {bound}")]
