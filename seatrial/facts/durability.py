"""The data of a service that was killed, restarted or recreated, as tests see it: what was acknowledged, and what is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.facts.experiment import Fault, Sample, Timeline
from seatrial.words import CouldNotLook, Duration, Finding, seen

__all__ = ["GONE", "LAST", "LAST_READ", "READ", "REMOVED", "WRITTEN", "Survival"]

WRITTEN, READ = "write", "read back"
LAST, LAST_READ = "last writes", "last writes read back"
REMOVED, GONE = "removal", "still removed"
"""What the samples of such an experiment are called. Last writes are read back in the order in which they were written."""
LEAST_LAST = 3
"""Acknowledged last writes that are needed for a verdict on them..."""
NEAR = 1.0
"""...and how near to the act the last of them must be, in seconds."""


@dataclass(frozen=True, slots=True)
class Survival:
    """One service, and what its data was to outlive."""

    id: str
    service: str
    act: str
    """kill, restart or recreate."""
    timeline: Timeline

    @property
    def _fault(self) -> Fault:
        fault = seen(self.timeline.fault)
        if "not back" in self.timeline.notes:
            raise CouldNotLook(
                f"the canary did not work again after {fault.of} was {fault.kind}, so that nothing is known of its data: "
                f"{self.timeline.notes['not back']}"
            )
        return fault

    @property
    def _expected(self) -> str:
        return f"read back as it was acknowledged (services.{self.service}.persistence.survives: {self.act})"

    def _told(self, fault: Fault) -> str:
        """What was done, and what of the declared data paths explains a loss."""
        paths = [f"{what} lies {where}" for what, where in self.timeline.notes.items() if what.startswith("data path ")]
        return "; ".join((f"{fault.how}; {fault.proof}", *paths))

    @property
    def lost(self) -> list[Finding]:
        """What was acknowledged before the act, seconds or moments, and is not there after it."""
        fault = self._fault
        found = [*self._lost_settled(fault), *self._lost_last(fault)]
        return [Finding(self.service, f"{text} ({self._told(fault)})", self._expected) for text in found]

    def _lost_settled(self, fault: Fault) -> Iterator[str]:
        """What was there for seconds."""
        written = {sample.who: sample for sample in self.timeline.of(WRITTEN) if sample.ok}
        looked = [sample for sample in self.timeline.of(READ) if sample.who in written]
        if not looked:
            refused = "; ".join(f"{s.who}: {s.failure}" for s in self.timeline.of(WRITTEN)[:3])
            raise CouldNotLook(f"nothing that was written was acknowledged and read back before the act: {refused}")
        for failure in dict.fromkeys(sample.failure for sample in looked if not sample.ok):
            gone = [sample.who for sample in looked if not sample.ok and sample.failure == failure]
            yield (
                f"{len(gone)} of {len(looked)} that were acknowledged {_before(fault, written[gone[0]])} {fault.of} was "
                f"{fault.kind} are not read back: {failure} ({', '.join(gone)})"
            )

    def _lost_last(self, fault: Fault) -> Iterator[str]:
        """What was acknowledged around the moment of the act."""
        written = [sample for sample in self.timeline.of(LAST) if sample.ok]
        looked = self.timeline.of(LAST_READ)
        if len(written) != len(looked):
            raise CouldNotLook(f"of {len(written)} last writes {len(looked)} were looked for")
        gone = [(sample, read) for sample, read in zip(written, looked, strict=True) if not read.ok]
        if gone:
            yield (
                f"{len(gone)} of {len(written)} writes that were acknowledged around the moment {fault.of} was {fault.kind} "
                f"are not read back; they were acknowledged from {_before(fault, gone[0][0])} to "
                f"{_before(fault, gone[-1][0])} it: {gone[0][1].failure}"
            )
            return
        # Several replicas are ended one after the other: what counts is the moment before the first of them.
        about = f"{fault.of} is about to be {fault.kind}"
        begun = next((moment.at for moment in self.timeline.moments if moment.what == about), fault.began)
        before = [sample for sample in written if sample.end <= begun]
        if len(before) < LEAST_LAST or begun - before[-1].end > NEAR:
            raise CouldNotLook(
                f"of the last writes before {fault.of} was {fault.kind} {len(before)} were acknowledged, and none in the last "
                f"{Duration(NEAR)} (at least {LEAST_LAST} are needed): this machine was too busy to judge it"
            )

    @property
    def back_again(self) -> list[Finding]:
        """What was removed before the act, and is there again after it."""
        fault = self._fault
        removed = {sample.who: sample for sample in self.timeline.of(REMOVED) if sample.ok}
        looked = [sample for sample in self.timeline.of(GONE) if sample.who in removed]
        if not looked:
            why = "; ".join(s.failure for s in self.timeline.of(REMOVED)) or "it was not looked for"
            raise CouldNotLook(f"nothing was removed before the act and looked for after it: {why}")
        return [
            Finding(
                self.service,
                f"what was removed {_before(fault, removed[sample.who])} {fault.of} was {fault.kind} is there again "
                f"({self._told(fault)})",
                f"not there (services.{self.service}.persistence.survives: {self.act})",
            )
            for sample in looked
            if not sample.ok
        ]


def _before(fault: Fault, sample: Sample) -> str:
    """``250ms before``, ``100ms after``."""
    apart = fault.began - sample.end
    return f"{Duration(round(abs(apart), 2))} {'before' if apart >= 0 else 'after'}"
