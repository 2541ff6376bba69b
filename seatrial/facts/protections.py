"""Promised limits as tests see them: what was declared, and what came of calls at it and above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.facts.experiment import Sample, Timeline
from seatrial.facts.retry_after import asked_to_wait
from seatrial.words import CouldNotLook, Duration, Finding

if TYPE_CHECKING:
    from seatrial.profile.model import Limit, RateLimit

__all__ = ["LimitTried", "RateLimitTried", "the"]

ABOVE = ("call above the limit", "call far above the limit")
WITHIN, BEYOND, AGAIN = "call within what is allowed", "call above what is allowed", "call after waiting"


def the(timeline: Timeline, probe: str) -> tuple[Sample, ...]:
    """The samples of a call.

    Raises:
        CouldNotLook: it was never made.
    """
    if not (found := timeline.of(probe)):
        raise CouldNotLook(timeline.unsteady or f"no {probe} was made")
    return found


def _came(sample: Sample) -> str:
    """What came of a call."""
    said = ", but ".join(filter(None, (f"HTTP {sample.status}" if sample.status else "", sample.failure)))
    return said or "no answer"


@dataclass(frozen=True, slots=True)
class LimitTried:
    """One limit, tried."""

    id: str
    service: str
    where: str
    """In the profile."""
    node: Limit
    timeline: Timeline

    def _finding(self, sample: Sample, expected: str) -> Finding:
        what = self.timeline.notes.get(sample.probe, sample.probe)
        return Finding(f"{self.service}, limit {self.node.name}", f"{what}: {_came(sample)}", expected)

    @property
    def refused_at_the_limit(self) -> list[Finding]:
        """The call at the limit, when it was not accepted."""
        status = self.node.expect.status if self.node.expect else 200
        right = " or ".join(map(str, status if isinstance(status, list) else [status]))
        return [
            self._finding(sample, f"accepted with HTTP {right} ({self.where}.at)")
            for sample in the(self.timeline, "call at the limit")
            if not sample.ok
        ]

    @property
    def not_refused_above_it(self) -> list[Finding]:
        """Calls above the limit that got anything but a clean refusal."""
        declared = self.node.status
        expected = f"HTTP {declared} ({self.where}.status)" if declared else f"HTTP 400 to 499 ({self.where})"
        the(self.timeline, ABOVE[0])
        return [
            self._finding(sample, f"refused with {expected} within {self.node.timeout}")
            for sample in self.timeline.samples
            if sample.probe in ABOVE and not self._clean(sample)
        ]

    def _clean(self, sample: Sample) -> bool:
        if sample.failure or not sample.status:
            return False
        return sample.status == self.node.status if self.node.status else 400 <= sample.status < 500

    @property
    def worse_afterwards(self) -> list[Finding]:
        """What no longer answered as before once it was called above the limit."""
        above = the(self.timeline, ABOVE[0])[0]
        where = f"{self.service}, limit {self.node.name}"
        found = []
        for probe in ("readiness", "liveness"):
            for who in self.timeline.asked(probe):
                wrong = [one for one in self.timeline.of(probe, who=who, since=above.end) if not one.ok]
                if wrong:
                    found.append(
                        Finding(
                            f"{where} ({who})",
                            f"{probe} was not as declared in {len(wrong)} answers, first {wrong[0].at - above.at:.1f} s "
                            f"after a call above the limit: {_came(wrong[0])}",
                            "as before it",
                        )
                    )
        for sample in the(self.timeline, "call afterwards"):
            if not sample.ok:
                seen = f"the call as declared, which worked before, after calls above the limit: {_came(sample)}"
                found.append(Finding(where, seen, "as before them"))
        lives = {one.replica: one for one in self.timeline.before}
        now = {one.replica: one for one in self.timeline.after}
        for replica, life in lives.items():
            after = now.get(replica)
            if after is None or not after.running or (after.id, after.started) != (life.id, life.started):
                seen = "ended" if after is None or not after.running else "was started anew"
                found.append(Finding(f"{where} ({replica})", f"{seen} after calls above the limit", "running on"))
        return found


@dataclass(frozen=True, slots=True)
class RateLimitTried:
    """One rate limit, tried."""

    id: str
    service: str
    where: str
    node: RateLimit
    timeline: Timeline

    @property
    def _place(self) -> str:
        return f"{self.service}, rate limit {self.node.name}"

    @property
    def _promise(self) -> str:
        return f"{self.node.allowed} in {self.node.per} ({self.where})"

    @property
    def refused_too_early(self) -> list[Finding]:
        """Calls within what is allowed that were not accepted."""
        calls = the(self.timeline, WITHIN)
        wrong = [sample for sample in calls if not sample.ok]
        if not wrong:
            return []
        seen = f"{len(wrong)} of {len(calls)} {self.timeline.notes['call']} were not accepted, the first with {_came(wrong[0])}"
        return [Finding(self._place, seen, f"accepted: {self._promise}")]

    def _refused(self) -> None:
        """What a refusal says can be seen only when there was one.

        Raises:
            CouldNotLook: there was none.
        """
        found = [one for one in the(self.timeline, BEYOND) if one.status == self.node.status and not one.ok]
        if not found or "refused at" not in self.timeline.numbers:
            raise CouldNotLook(
                f"no call was refused with HTTP {self.node.status}, so that nothing told when to come back"
            )

    @property
    def let_through(self) -> list[Finding]:
        """Calls above what is allowed that got anything but the declared refusal."""
        beyond = the(self.timeline, BEYOND)
        wrong = [one for one in beyond if not one.ok and (one.failure or one.status != self.node.status)]
        found = [
            Finding(self._place, f"the call after the last that is allowed: {_came(one)}", f"HTTP {self.node.status}")
            for one in wrong
        ]
        if all(one.ok for one in beyond):
            calls = [*the(self.timeline, WITHIN), *beyond]
            took = max(one.end for one in calls) - min(one.at for one in calls)
            if took >= self.node.per.seconds:
                raise CouldNotLook(f"{len(calls)} calls took {Duration(round(took, 2))}, longer than {self.node.per}")
            # As many as a bucket fills up with while it is drawn from were let pass.
            seen = f"{len(calls)} calls in {Duration(round(took, 2))} were accepted, and none refused"
            found.append(Finding(self._place, seen, f"HTTP {self.node.status} above {self._promise}"))
        return found

    @property
    def without_a_time_to_come_back(self) -> list[Finding]:
        """Refusals that do not say when to come back, or not in a way that a client can read."""
        self._refused()
        said = self.timeline.notes.get("Retry-After", "")
        if asked_to_wait(said, self.timeline.numbers["refused at"]) is not None:
            return []
        seen = f"HTTP {self.node.status} " + (f"with Retry-After: {said}" if said else "without Retry-After")
        return [Finding(self._place, seen, "Retry-After with a number of seconds or an HTTP date (RFC 9110, 10.2.3)")]

    @property
    def refused_after_waiting(self) -> list[Finding]:
        """The call that came back when it was told to, and was refused again."""
        self._refused()
        wait = Duration(round(self.timeline.numbers["asked to wait"], 1))
        said = self.timeline.notes.get("Retry-After", "")
        if not self.timeline.of(AGAIN):
            raise CouldNotLook(f"a refusal asks to wait {wait}, which is longer than is waited here")
        asked = f"the refusal's Retry-After: {said}" if said else f"{self.where}.per"
        return [
            Finding(self._place, f"{_came(sample)} after {wait} without a call", f"accepted after {asked}")
            for sample in self.timeline.of(AGAIN)
            if not sample.ok
        ]
