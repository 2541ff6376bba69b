"""What every experiment on probes is judged by: samples that are close enough, lives that go on, a return to what was."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.facts.experiment import Bound, Fault, Sample, Timeline
from seatrial.words import CouldNotLook, Duration, Finding, seen

__all__ = ["IN_A_ROW", "Watched", "span"]

IN_A_ROW = 3
"""Answers in a row that show that it stays so."""
MEASURED = ("unready_within", "ready_within")
"""Bounds that are measured by asking again and again; how long one answer takes is measured by the answer."""


def span(seconds: float) -> Duration:
    """A time as it is told: to the hundredth of a second."""
    return Duration(round(max(0.0, seconds), 2))


@dataclass(frozen=True, slots=True)
class Watched:
    """One service, watched while something was done."""

    id: str
    service: str
    timeline: Timeline

    @property
    def fault(self) -> Fault:
        """What was done.

        Raises:
            CouldNotLook: nothing was.
        """
        return seen(self.timeline.fault)

    def _moment(self, what: str, default: float) -> float:
        return next((moment.at for moment in self.timeline.moments if moment.what == what), default)

    @property
    def _touched(self) -> float:
        """When something began to be done: what is said from then on may already tell of it."""
        return self._moment(f"{self.fault.of} is about to be {self.fault.kind}", self.fault.began)

    @property
    def _back(self) -> float:
        """When all was as before: undoing takes its time, too."""
        return max(self.fault.ended, self._moment(f"{self.fault.of} is as before", self.fault.ended))

    def _dense(self, probe: str) -> None:
        """Samples too far apart would miss what they are about.

        Raises:
            CouldNotLook: there are none, or two of them are further apart than half the tightest bound that they measure.
        """
        bounds = self.timeline.bounds
        tightest = min((bounds[name].seconds for name in MEASURED if name in bounds), default=4.0)
        most = max(tightest / 2, 2 * self.timeline.interval)
        if not self.timeline.asked(probe):
            raise CouldNotLook(f"{probe} was not asked at all")
        last = max(sample.at for sample in self.timeline.samples)  # answers are waited for when asking is over
        for who in self.timeline.asked(probe):
            times = [*(s.at for s in self.timeline.of(probe, who=who)), last]
            gap = max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)
            if gap > most:
                raise CouldNotLook(
                    f"{probe} of {who} was not asked for {span(gap)}, longer than half the tightest bound ({span(most)}): "
                    "this machine was too busy to judge it"
                )

    def _where(self, who: str) -> str:
        return f"{self.service} ({who})"

    @property
    def shown(self) -> str:
        """How the fault was made, and what proves it."""
        return f"{self.fault.how}; {self.fault.proof}"

    def _timeout(self, probe: str) -> Bound:
        return self.timeline.bounds.get(f"timeout of {probe}", Bound(float("inf"), "no bound"))

    def _wrong(self, probe: str, samples: Iterable[Sample]) -> list[Sample]:
        """Answers that are not as declared, or later than the probe waits."""
        bound = self._timeout(probe).seconds
        return [sample for sample in samples if not sample.ok or sample.seconds > bound]

    def _said(self, sample: Sample) -> str:
        """What a probe said that is not right, and when, in the time of the fault."""
        told = str(sample).partition(": ")[2]
        if sample.ok:
            told = f"an answer after {span(sample.seconds)}"
        after = sample.at - self.fault.began
        when = f"{span(after)} after it began" if after >= 0 else f"{span(-after)} before it began"
        if sample.at > self.fault.ended:
            when = f"{span(sample.at - self.fault.ended)} after it ended"
        return f"{told}, {when}"

    def _steadily(self, probe: str, *, since: float, until: float = float("inf")) -> list[Finding]:
        """Places where a probe was not as declared, within its time-out, all through a span of time."""
        self._dense(probe)
        found = []
        for who in self.timeline.asked(probe):
            samples = self.timeline.of(probe, who=who, since=since, until=until)
            if not samples:
                raise CouldNotLook(f"{probe} of {who} was not asked while {self._what}")
            if wrong := self._wrong(probe, samples):
                text = f"{probe} was wrong {len(wrong)} times of {len(samples)} while {self._what}, first: {self._said(wrong[0])}"
                expected = f"as declared, within {self._timeout(probe)}"
                found.append(Finding(self._where(who), f"{text} ({self.shown})", expected))
        return found

    @property
    def _what(self) -> str:
        return f"{self.fault.of} was {self.fault.kind}"

    @property
    def silent_liveness(self) -> list[Finding]:
        """Where liveness was not as declared, or not in time, from the beginning of the fault to the end of the experiment."""
        return self._steadily("liveness", since=self.fault.began)

    @property
    def restarts(self) -> list[Finding]:
        """Replicas that ended or were started anew.

        Raises:
            CouldNotLook: none was seen before.
        """
        began = self.fault.began
        if not self.timeline.before:
            raise CouldNotLook(f"no replica of {self.service} was seen before, so that a restart would not be noticed")
        found = []
        for replica, text in self.timeline.ended():
            when = self._when(replica)
            told = f"{text}{f' {span(when - began)} after {self._what}' if when is not None else ''} ({self.shown})"
            found.append(Finding(self._where(replica), told, "the same life before, during and after"))
        return found

    def _when(self, replica: str) -> float | None:
        """When a replica was first seen to end or to be started, once something was done."""
        for moment in self.timeline.moments:
            if moment.at >= self.fault.began and re.fullmatch(f"{re.escape(replica)} (ended|was started)", moment.what):
                return moment.at
        return None

    def _for_good(self, who: str) -> float | None:
        """When readiness was back and stayed so to the end of the experiment; None when it was not at the end."""
        back = None
        for sample in self.timeline.of("readiness", who=who, since=self.fault.ended):
            if not sample.ok:
                back = None
            elif back is None:
                back = sample.at
        return back

    @property
    def late_return(self) -> list[Finding]:
        """Places that were not ready again in time, or did not stay so."""
        self._dense("readiness")
        bound, ended = self.timeline.bounds["ready_within"], self._back
        found = []
        for who in self.timeline.asked("readiness"):
            samples = self.timeline.of("readiness", who=who, since=self.fault.ended)
            back = self._for_good(who)
            lucky = next((sample for sample in samples if sample.ok), None)
            if back is not None and back - ended <= bound.seconds:
                if len([sample for sample in samples if sample.at >= back]) < IN_A_ROW:
                    raise CouldNotLook(f"readiness of {who} was asked too seldom after {self.fault.of} was as before")
                continue
            if back is not None:
                text = f"readiness was back for good only {span(back - ended)} after {self.fault.of} was as before"
            elif not samples:
                raise CouldNotLook(f"readiness of {who} was not asked after {self.fault.of} was as before")
            else:
                text = f"readiness was not back {span(samples[-1].at - ended)} after {self.fault.of} was as before"
            if lucky is not None and lucky.at != back:
                text += f"; it was ready for a moment after {span(lucky.at - ended)}"
            found.append(Finding(self._where(who), f"{text} ({self.shown})", f"ready within {bound}, and from then on"))
        return found
