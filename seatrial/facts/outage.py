"""A service while one of its dependencies is at fault, as tests see it: what was declared, and what the timeline shows."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.facts.experiment import Fault, Timeline
from seatrial.words import CouldNotLook, Duration, Finding, seen

__all__ = ["Outage"]


@dataclass(frozen=True, slots=True)
class Outage:
    """One dependency of one service, at fault from outside."""

    id: str
    service: str
    dependency: str
    timeline: Timeline

    @property
    def _fault(self) -> Fault:
        fault = seen(self.timeline.fault)
        self._dense("readiness")
        return fault

    def _dense(self, probe: str) -> None:
        """Samples too far apart would miss what they are about.

        Raises:
            CouldNotLook: there are none, or two of them are further apart than half the tightest bound.
        """
        most = min((bound.seconds for bound in self.timeline.bounds.values()), default=2.0) / 2
        for who in self.timeline.asked(probe):
            if (gap := max(self.timeline.gaps(probe, who), default=0.0)) > most:
                raise CouldNotLook(
                    f"{probe} of {who} was not asked for {Duration(round(gap, 2))}, longer than half the tightest bound "
                    f"({Duration(round(most, 2))}): this machine was too busy to judge it"
                )
        if not self.timeline.asked(probe):
            raise CouldNotLook(f"{probe} was not asked at all")

    @property
    def still_ready(self) -> list[Finding]:
        """Replicas that did not turn not ready in time while the fault was there."""
        fault, bound = self._fault, self.timeline.bounds["unready_within"]
        found = []
        for who in self.timeline.asked("readiness"):
            samples = self.timeline.of("readiness", who=who, until=fault.ended)
            turned = next((s for s in samples if s.end >= fault.began and not s.ok), None)
            if turned is None:
                held = Duration(round(fault.ended - fault.began, 1))
                found.append(
                    self._finding(
                        who, f"readiness stayed ready for all of the {held} in which {fault.of} was {fault.kind}"
                    )
                )
            elif turned.at - fault.began > bound.seconds:
                late = Duration(round(turned.at - fault.began, 2))
                found.append(self._finding(who, f"readiness turned not ready {late} after {fault.of} was {fault.kind}"))
        return found

    def _finding(self, who: str, text: str) -> Finding:
        bound = self.timeline.bounds["unready_within"]
        return Finding(
            f"{self.service} ({who})", f"{text} ({self._fault.how}; {self._fault.proof})", f"not ready within {bound}"
        )
