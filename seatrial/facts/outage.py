"""A service while one of its dependencies is at fault, as tests see it: what was declared, and what the timeline shows."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from seatrial.facts import document
from seatrial.facts.experiment import Sample
from seatrial.facts.probes_watched import Watched, span
from seatrial.words import CouldNotLook, Finding

__all__ = ["LONGEST_GRACE", "Outage"]

LONGEST_GRACE = 10.0
"""Seconds around a change of readiness in which a call may fail, however seldom a probe is asked."""


@dataclass(frozen=True, slots=True)
class Outage(Watched):
    """One dependency of one service, at fault from outside."""

    dependency: str = ""
    healthy: frozenset[str] = document.HEALTHY
    """Words that mean healthy in the service's health document."""

    def _during(self, probe: str, who: str) -> tuple[Sample, ...]:
        """Answers that were asked for while the fault was there."""
        return self.timeline.of(probe, who=who, since=self.fault.began, until=self.fault.ended)

    def _turned(self, who: str) -> Sample | None:
        """The first answer of readiness that tells of the fault: also one that was asked for just before it."""
        samples = self.timeline.of("readiness", who=who, until=self.fault.ended)
        return next((s for s in samples if s.end >= self._touched and not s.ok), None)

    @property
    def still_ready(self) -> list[Finding]:
        """Places that did not turn not ready in time while the fault was there. For a slow dependency one answer is enough:
        in between it may be lucky.
        """
        self._dense("readiness")
        fault, bound = self.fault, self.timeline.bounds["unready_within"]
        found = []
        for who in self.timeline.asked("readiness"):
            turned = self._turned(who)
            late = None if turned is None else turned.at - fault.began
            if late is None:
                text = f"readiness stayed ready for all of the {span(fault.ended - fault.began)} in which {self._what}"
            elif late > bound.seconds:
                text = f"readiness turned not ready {span(late)} after {self._what}"
            else:
                continue
            found.append(Finding(self._where(who), f"{text} ({self.shown})", f"not ready within {bound}"))
        return found

    @property
    def ready_in_between(self) -> list[Finding]:
        """Places that turned not ready and then said ready, while the dependency still answered nobody.

        Raises:
            CouldNotLook: one never turned not ready.
        """
        self._dense("readiness")
        found = []
        for who in self.timeline.asked("readiness"):
            turned = self._turned(who)
            if turned is None:
                raise CouldNotLook(f"readiness of {who} never turned not ready, so that it can't be said to stay so")
            said = [s for s in self._during("readiness", who) if s.at > turned.at and s.end <= self.fault.ended]
            if lucky := [sample for sample in said if sample.ok]:
                after = span(lucky[0].at - turned.at)
                text = f"readiness said ready again {after} after it had turned, while {self._what}, {len(lucky)} times of {len(said)}"
                found.append(Finding(self._where(who), f"{text} ({self.shown})", "not ready for as long as that"))
        return found

    @property
    def unanswered(self) -> list[Finding]:
        """Places where readiness gave no answer within the probe's time-out while the fault was there."""
        self._dense("readiness")
        bound = self._timeout("readiness")
        found = []
        for who in self.timeline.asked("readiness"):
            samples = self._during("readiness", who)
            late = [sample for sample in samples if not sample.status or sample.seconds > bound.seconds]
            if late:
                worst = max(sample.seconds for sample in late)
                text = (
                    f"readiness gave no answer in time {len(late)} times of {len(samples)} while {self._what}, waited for up to "
                    f"{span(worst)}; first: {self._said(late[0])}"
                )
                found.append(Finding(self._where(who), f"{text} ({self.shown})", f"an answer within {bound}"))
        return found

    @property
    def unready(self) -> list[Finding]:
        """Places that were not ready while the fault was there; of a dependency that the service can do without."""
        return self._steadily("readiness", since=self.fault.began, until=self.fault.ended)

    @property
    def helpless(self) -> list[Finding]:
        """Places that did not become ready again for as long as they were watched, or only by a new life."""
        self._dense("readiness")
        ended = self._back
        found = []
        lives = [m for m in self.timeline.moments if m.what.endswith(" was started") and m.at > self.fault.ended]
        for who in self.timeline.asked("readiness"):
            samples = self.timeline.of("readiness", who=who, since=self.fault.ended)
            back = self._for_good(who)
            if not samples:
                raise CouldNotLook(f"readiness of {who} was not asked after {self.fault.of} was as before")
            helped = next((m for m in lives if back is not None and m.at <= back), None)
            if back is None:
                watched = span(samples[-1].at - ended)
                text = f"readiness did not come back in the {watched} after {self.fault.of} was as before; last: {self._said(samples[-1])}"
            elif helped is not None:
                text = f"readiness came back {span(back - ended)} after {self.fault.of} was as before, but only once {helped.what}"
            else:
                continue
            found.append(Finding(self._where(who), f"{text} ({self.shown})", "ready again by itself"))
        return found

    # --- the health document ------------------------------------------------------------------------------------------

    @property
    def unnamed(self) -> list[Finding]:
        """Places whose detailed health names no component that is ill because of the fault."""
        self._dense("health")
        found = []
        for who in self.timeline.asked("health"):
            before = {part for s in self.timeline.of("health", who=who, until=self._touched) for part in s.unhealthy}
            samples = self._during("health", who)
            if not samples:
                raise CouldNotLook(f"health of {who} was not asked while {self._what}")
            if not any(set(sample.unhealthy) - before for sample in samples):
                last = samples[-1]
                said = str(last).partition(": ")[2] if not last.status else "all of its components healthy"
                text = f"health named no component in {len(samples)} answers while {self._what}; last: {said}"
                found.append(
                    Finding(self._where(who), f"{text} ({self.shown})", f"{self.dependency} named as not healthy")
                )
        return found

    @property
    def still_well(self) -> list[Finding]:
        """Places whose overall status was healthy though a part was not, or all the time.

        Raises:
            CouldNotLook: health never gave an overall status while the fault was there.
        """
        self._dense("health")
        found = []
        for who in self.timeline.asked("health"):
            samples = [sample for sample in self._during("health", who) if sample.overall]
            if not samples:
                raise CouldNotLook(f"health of {who} gave no overall status while {self._what}")
            split = [s for s in samples if s.unhealthy and s.overall in self.healthy]
            if split:
                text = f"overall {split[0].overall}, but {', '.join(split[0].unhealthy)} is not healthy"
            elif all(sample.overall in self.healthy for sample in samples):
                text = f"overall {samples[-1].overall} in all of {len(samples)} answers"
            else:
                continue
            found.append(
                Finding(
                    self._where(who),
                    f"{text} while {self._what} ({self.shown})",
                    "an overall status that is not healthy",
                )
            )
        return found

    # --- probes and what they stand for -------------------------------------------------------------------------------

    @property
    def alike(self) -> list[Finding]:
        """Places where liveness said whatever readiness said, all through the fault."""
        self._dense("readiness")
        self._dense("liveness")
        found = []
        for who in self.timeline.asked("readiness"):
            ready = self._during("readiness", who)
            unready = [(a.at, b.at) for a, b in itertools.pairwise(ready) if not a.ok and not b.ok]
            alive = [s.at for s in self._during("liveness", who) if s.ok]
            if any(begin <= at <= end for begin, end in unready for at in alive):
                continue
            said = "not ready, and not alive" if any(not s.ok for s in ready) else "ready, and alive"
            text = f"liveness and readiness said the same ({said}) all the time in which {self._what}"
            found.append(Finding(self._where(who), f"{text} ({self.shown})", "not ready, and alive"))
        return found

    @property
    def unusable(self) -> list[Finding]:
        """Calls of the canary that failed though readiness said ready, longer than it may be wrong.

        While the fault is new, readiness has its time to turn; around a change it has one period of the probe.
        """
        self._dense("readiness")
        front = "front" if "front" in self.timeline.asked("readiness") else ""
        began = self._touched
        calls = self.timeline.of("canary")
        if not calls:
            raise CouldNotLook("the canary was not made")
        may = self.fault.began + self.timeline.bounds["unready_within"].seconds
        judged = [s for s in calls if s.end < began or s.at >= may]
        wrong = [s for s in judged if not s.ok and self._said_ready(s, front)]
        if not wrong:
            return []
        text = f"the canary failed {len(wrong)} times of {len(calls)} while readiness said ready, first: {self._said(wrong[0])}"
        expected = "a canary that works whenever readiness has said ready for one period of the probe"
        return [Finding(self.service, f"{text} ({self._what}: {self.shown})", expected)]

    def _said_ready(self, call: Sample, who: str) -> bool:
        """Whether readiness said ready all the time around a call."""
        grace = min(LONGEST_GRACE, self.timeline.bounds["period of readiness"].seconds) if self._turns else 0.0
        near = max(self.timeline.interval * 2, 0.5)
        said = self.timeline.of(
            "readiness", who=who, since=call.at - max(grace, near), until=call.end + max(grace, near)
        )
        return (
            all(sample.ok for sample in said)
            and any(sample.at <= call.at for sample in said)
            and any(sample.at >= call.end for sample in said)
        )

    @property
    def _turns(self) -> bool:
        """Whether readiness changed at all; where it did not there is no change to be lenient about."""
        return any(not sample.ok for sample in self.timeline.of("readiness"))

    # --- HEALTHCHECK --------------------------------------------------------------------------------------------------

    def _checks(self) -> tuple[Sample, ...]:
        """Runs of the HEALTHCHECK while the fault was there; none where there is no HEALTHCHECK.

        Raises:
            CouldNotLook: it never ran meanwhile, or it is not known whether there is one.
        """
        fault = self.fault
        configured = self.timeline.notes.get("HEALTHCHECK")
        if configured is None:
            raise CouldNotLook(f"whether {self.service} has a HEALTHCHECK was not seen")
        found = self.timeline.of("HEALTHCHECK", since=fault.began, until=fault.ended)
        if not found and configured != "none":
            raise CouldNotLook(
                f"HEALTHCHECK ({configured}) was not executed in the {span(fault.ended - fault.began)} in which {self._what}"
            )
        return found

    def _near(self, probe: str, check: Sample) -> tuple[Sample, ...]:
        """Answers of a probe around a run of a HEALTHCHECK, at the replica where there is only one place, else at its own."""
        asked = self.timeline.asked(probe)
        who = check.who if check.who in asked else asked[0] if len(asked) == 1 else ""
        near = max(2 * self.timeline.interval, 0.5)
        return self.timeline.of(probe, who=who, since=check.at - near, until=check.end + near)

    @property
    def untrue_checks(self) -> list[Finding]:
        """Runs of a HEALTHCHECK that said what neither liveness nor readiness said at that time."""
        found: dict[tuple[str, str], Finding] = {}
        self._checks()  # that it ran while the fault was there
        for check in self.timeline.of("HEALTHCHECK"):
            said = {probe: near for probe in ("liveness", "readiness") if (near := self._near(probe, check))}
            text = ""
            if check.failure and not check.ok and check.failure != "timed out":
                text = f"HEALTHCHECK could not be executed: {check.failure}"
            elif said and not check.ok and all(s.ok for near in said.values() for s in near):
                text = f"HEALTHCHECK ended with {check.status} while {' and '.join(said)} answered as declared"
            elif said and check.ok and not any(s.ok for near in said.values() for s in near):
                text = f"HEALTHCHECK said healthy while {' and '.join(said)} did not answer as declared"
            if text:
                told = f"{text}, {span(check.at)} into the experiment ({self._what}: {self.shown})"
                found.setdefault((check.who, text), Finding(self._where(check.who), told, "what one of them says"))
        return list(found.values())

    @property
    def contagious_checks(self) -> list[Finding]:
        """HEALTHCHECKs that failed because of the dependency, while the service itself was alive."""
        if self.timeline.notes.get("HEALTHCHECK stands for readiness"):
            return []  # somebody waits for it: it may stand for readiness
        found: dict[str, Finding] = {}
        before = {run.who for run in self.timeline.of("HEALTHCHECK", until=self._touched) if not run.ok}
        for check in self._checks():
            alive = self._near("liveness", check)
            if (
                check.who not in before
                and not check.ok
                and (not alive or any(s.ok for s in alive))
                and not check.failure
            ):
                text = f"HEALTHCHECK ended with {check.status} while {self._what} ({self.shown})"
                found.setdefault(
                    check.who, Finding(self._where(check.who), text, "healthy for as long as a restart is no cure")
                )
        return list(found.values())
