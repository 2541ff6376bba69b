"""Latencies without load, and what is not as it should be about them: slower than the last time, slower than declared, not answered.

This machine is told from the target by a server that does nothing and by a fixed piece of work: by as much as those became
slower is the target forgiven.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.latency import effects
from seatrial.words import CouldNotLook, Duration, Finding, Missing, NothingYet, seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from seatrial.facts.loads.baseline import Baselines, Unloaded
    from seatrial.latency.effects import Effect
    from seatrial.profile.objectives import Baseline

__all__ = ["MEDIUM", "UNSEEN", "Bound", "UnloadedLatencies"]

MEDIUM = 0.33
"""Cliff's delta from which on a difference is medium (Romano et al., 2006)."""
SURE = 0.99
"""Confidence of the ratio's interval: many endpoints are compared, run after run."""
LEAST = 10
"""Rounds below which nothing is compared."""
WAKES = 3
"""A server that does nothing is woken once for a request; so many times is a service with something behind it."""
LATE = 0.1
"""Share of rounds that must be late before an endpoint is called late: a few may be this machine's doing."""
UNSEEN = "unseen"
"""The class of a machine that nobody has looked at."""


@dataclass(frozen=True, slots=True)
class Bound:
    """How long one probe may take, and which key says so."""

    seconds: float
    key: str


@dataclass(frozen=True, slots=True)
class Here:
    """By how much this machine itself was slower than in the run before."""

    later: float
    """Seconds that an answer which needs no work came later."""
    slower: float
    """How many times as long a fixed piece of work took."""


@dataclass(frozen=True, slots=True)
class UnloadedLatencies:
    """What a run measured without load, beside the run before it and what the profile declares."""

    id: str
    declared: Baseline
    bounds: Mapping[str, Bound]
    """By probe (``api.readiness``): where the profile says how long it may take."""
    baselines: Baselines

    # --- slower than the last time ----------------------------------------------------------------------------------

    @property
    def slowed(self) -> list[Finding]:
        """Endpoints whose median rose by more than is declared, and by more than chance.

        Raises:
            NothingYet: there is no earlier run of this class.
            CouldNotLook: something could not be measured, kept or told from this machine's own noise.
        """
        endpoints = self.baselines.endpoints
        unclear: list[str] = []
        found: list[Finding] = []
        compared = 0
        for one in endpoints:
            if isinstance(one.seconds, Missing):
                unclear.append(one.seconds.reason)
            elif isinstance(one.before, Missing):
                unclear.append(one.before.reason)
            elif one.before is not None:
                compared += 1
                self._compared(one, one.seconds, one.before, found, unclear)
        if found:
            return found
        if isinstance(self.baselines.file, Missing) and not unclear:
            unclear.append(f"the next run will have nothing to compare with: {self.baselines.file.reason}")
        if unclear:
            raise CouldNotLook(unclear[0])
        if not compared:
            raise NothingYet(
                f"there is no earlier run on hardware of class {self.baselines.class_}: this is the one that the next is "
                "compared with"
            )
        return []

    def _compared(
        self, one: Unloaded, now: tuple[float, ...], before: tuple[float, ...], found: list[Finding], unclear: list[str]
    ) -> None:
        """One endpoint that was measured both times."""
        if min(len(now), len(before)) < LEAST:
            unclear.append(
                f"{one.name}: {min(len(now), len(before))} rounds are too few to compare; {LEAST} are needed"
            )
            return
        effect, most = effects.compare(now, before, confidence=SURE), 1 + self.declared.slower.value
        if effect.low <= most or effect.cliffs_delta < MEDIUM:
            return
        finding = Finding(one.name, self._told(now, before, effect), f"at most {self.declared.slower} slower")
        here = self._here()
        if isinstance(here, Missing):
            unclear.append(f"{one.name}: {finding.seen}; whether that is this machine is not known: {here.reason}")
        elif (effect.low - WAKES * here.later / statistics.median(before)) / here.slower <= most:
            unclear.append(
                f"{one.name}: {finding.seen}; a server that does nothing took {_span(here.later)} longer, and a fixed piece of work "
                f"{here.slower:.2f} times as long: this machine was not as quiet as then"
            )
        elif self.baselines.class_ == UNSEEN:
            unclear.append(f"{one.name}: {finding.seen}; whether its hardware is the same can't be seen from here")
        else:
            found.append(finding)

    def _here(self) -> Here | Missing:
        """How much slower this machine was than in the run before, at most."""
        later, slower = 0.0, 1.0
        for one in self.baselines.control:
            if isinstance(one.seconds, Missing):
                return one.seconds
            if one.before is None or isinstance(one.before, Missing):
                return one.before or Missing("the run before did not look at it")
            if one.name.startswith("work"):
                slower = max(slower, effects.compare(one.seconds, one.before, confidence=SURE).high)
            else:
                later = max(later, statistics.median(one.seconds) - statistics.median(one.before))
        return Here(later, slower) if self.baselines.control else Missing("nothing was asked that tells")

    def _told(self, now: tuple[float, ...], before: tuple[float, ...], effect: Effect) -> str:
        return (
            f"{_span(statistics.median(now))} in the middle of {len(now)} requests without load, "
            f"{_span(statistics.median(before))} in {self.baselines.compared or 'the last run'}: {effect.median_ratio:.2f} times "
            f"as long (between {effect.low:.2f} and {effect.high:.2f}, Cliff's delta {effect.cliffs_delta:.2f}, "
            f"on {self.baselines.class_})"
        )

    # --- slower than declared ---------------------------------------------------------------------------------------

    @property
    def late(self) -> list[Finding]:
        """Probes of which more than one request in ten, each made alone, took longer than the profile allows.

        Raises:
            NothingYet: the profile bounds no probe.
            CouldNotLook: none could be measured, or this machine was as slow.
        """
        bounded = [one for one in self.baselines.endpoints if one.name in self.bounds]
        if not bounded:
            raise NothingYet("no probe declares a latency or a timeout")
        found: list[Finding] = []
        unclear: list[str] = []
        for one in bounded:
            if isinstance(one.seconds, Missing):
                unclear.append(one.seconds.reason)
                continue
            bound = self.bounds[one.name]
            over = [each for each in one.seconds if each > bound.seconds]
            if len(over) <= LATE * len(one.seconds):
                continue
            text = (
                f"{len(over)} of {len(one.seconds)} requests without load took longer than {_span(bound.seconds)}, the slowest "
                f"{_span(max(over))}"
            )
            if any(each > bound.seconds for each in self._control()):
                unclear.append(
                    f"{one.name}: {text}; so did some to a server that does nothing: this machine was not quiet"
                )
            else:
                found.append(Finding(one.name, text, f"{bound.key}: {_span(bound.seconds)}"))
        if not found and unclear:
            raise CouldNotLook(unclear[0])
        return found

    def _control(self) -> Iterator[float]:
        for one in self.baselines.control:
            if not isinstance(one.seconds, Missing) and not one.name.startswith("work"):
                yield from one.seconds

    # --- not answered -----------------------------------------------------------------------------------------------

    @property
    def unanswered(self) -> list[Finding]:
        """Endpoints of which a request that came alone was not answered as declared.

        Raises:
            CouldNotLook: some could not be asked.
        """
        found = [Finding(one.name, one.failed) for one in self.baselines.endpoints if one.failed]
        if not found:
            for one in self.baselines.endpoints:
                seen(one.seconds)
        return found


def _span(seconds: float) -> str:
    """Three digits are enough of any time."""
    return str(Duration(float(f"{seconds:.3g}")))
