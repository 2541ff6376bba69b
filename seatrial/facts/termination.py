"""A service that gets SIGTERM, as tests see it: what was under way, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.facts.experiment import Sample, Timeline
from seatrial.words import CouldNotLook, Duration, Finding

__all__ = ["Termination"]

BY_SIGKILL = (137, -9)
SUCCESS = (0, 143)
"""Exit codes of an end in good order: none, or the shell's number of SIGTERM."""
QUICK = 0.2
"""A call that is shorter was over before SIGTERM came."""
TOGETHER = 0.5
"""Seconds within which a request and a question for readiness are the same moment: one may be asked just before the other."""
GAP = 1.0
"""Seconds between two samples of readiness above which it was not watched while the service ended."""


@dataclass(frozen=True, slots=True)
class Termination:
    """One service, each of whose replicas got SIGTERM."""

    id: str
    service: str
    timeline: Timeline

    @property
    def _ended(self) -> list[tuple[str, float, float]]:
        """Replica, when SIGTERM was sent, and seconds until it had ended.

        Raises:
            CouldNotLook: none got it.
        """
        numbers = self.timeline.numbers
        found = []
        for key, seconds in numbers.items():
            if key.startswith("exit_seconds of "):
                name = key.removeprefix("exit_seconds of ")
                found.append((name, numbers[f"SIGTERM to {name}"], seconds))
        if not found or not self.timeline.faults:
            raise CouldNotLook(self.timeline.unsteady or f"no replica of {self.service} was seen to end")
        return found

    def _code(self, name: str) -> int | None:
        told = self.timeline.notes.get(f"exit_code of {name}")
        return int(told) if told is not None else None

    def _killed(self, name: str, seconds: float) -> str:
        """How it shows that it had to be killed; empty when it ended by itself and in time."""
        if seconds > self.timeline.bounds["grace"].seconds:
            return f"had not ended {Duration(round(seconds, 1))} after SIGTERM"
        code = self._code(name)
        return (
            f"was ended by SIGKILL {Duration(round(seconds, 1))} after SIGTERM (exit code {code})"
            if code in BY_SIGKILL
            else ""
        )

    @property
    def killed(self) -> list[Finding]:
        """Replicas that did not end by themselves within the grace period."""
        grace = self.timeline.bounds["grace"]
        return [
            Finding(f"{self.service} ({name})", how, f"it ends by itself within {grace}")
            for name, _, seconds in self._ended
            if (how := self._killed(name, seconds))
        ]

    @property
    def failed_exits(self) -> list[Finding]:
        """Replicas that ended by themselves with a status that says failure."""
        ended = [name for name, _, seconds in self._ended if not self._killed(name, seconds)]
        if not ended:
            raise CouldNotLook(f"{self.service} had to be killed, so that it has no exit status of its own")
        codes = {name: self._code(name) for name in ended}
        if unknown := [name for name, code in codes.items() if code is None]:
            raise CouldNotLook(
                f"how {', '.join(unknown)} ended is not told", right="the engine's record of its exit code"
            )
        return [
            Finding(f"{self.service} ({name})", f"ended with exit code {code} after SIGTERM", "exit code 0 or 143")
            for name, code in codes.items()
            if code not in SUCCESS
        ]

    @property
    def cut_off(self) -> list[Finding]:
        """Calls that were begun before SIGTERM and not answered as declared."""
        found, looked = [], 0
        for name, at, seconds in self._ended:
            calls = [
                s
                for s in self.timeline.of("in flight", who=name)
                if s.at <= at and (not s.ok or s.end > at + QUICK / 4)
            ]
            looked += len(calls)
            found += [
                Finding(
                    f"{self.service} ({name})",
                    f"a call begun {self._before(at - s.at)} SIGTERM was not answered as declared: {s.failure or s}; "
                    f"the replica ended {Duration(round(seconds, 2))} after SIGTERM",
                    "requests in flight are answered",
                )
                for s in calls
                if not s.ok
            ]
        if not looked:
            took = Duration(round(self.timeline.numbers.get("seconds of the slowest call", 0.0), 3))
            raise CouldNotLook(
                f"no call was in flight when SIGTERM came: the slowest call of {self.service} takes {took}",
                right=f"a call in services.{self.service}.slowest that takes longer than {Duration(QUICK)}",
            )
        return found

    @staticmethod
    def _before(seconds: float) -> str:
        return f"{Duration(round(seconds, 2))} before"

    @property
    def ready_while_failing(self) -> list[Finding]:
        """Replicas that said ready after SIGTERM though requests had begun to fail."""
        found = []
        for name, at, seconds in self._ended:
            who, gone = self.timeline.notes[f"asked as {name}"], at + seconds
            asked = self.timeline.of("readiness", who=who)
            self._watched(name, asked, at)
            # What is asked just before the end meets nobody, in order: the clock of the engine is not ours.
            requests = self.timeline.of("request", who=who, since=at, until=gone)
            broken = next((s for s in requests if not s.ok), None)
            if broken is None:
                continue
            since = min(broken.end, broken.at + TOGETHER)
            # What is answered after the end was answered by the next life: a connection is tried again a second later.
            ready = [s for s in asked if s.ok and since < s.at and s.end < gone]
            if ready:
                found.append(
                    Finding(
                        f"{self.service} ({name})",
                        f"readiness still said ready {Duration(round(ready[-1].at - at, 2))} after SIGTERM, and requests failed "
                        f"from {Duration(round(broken.at - at, 2))} after it on ({broken.failure or broken})",
                        "not ready, or no longer accepting, before requests fail",
                    )
                )
        return found

    @property
    def unannounced(self) -> list[Finding]:
        """Replicas that stopped accepting without having said that they would."""
        ended = [each for each in self._ended if not self._killed(each[0], each[2])]
        if not ended:
            raise CouldNotLook(f"{self.service} had to be killed, so that it did not stop accepting by itself")
        found = []
        for name, at, seconds in ended:
            who, gone = self.timeline.notes[f"asked as {name}"], at + seconds
            asked = self.timeline.of("readiness", who=who)
            self._watched(name, asked, at)
            after = [s for s in asked if at <= s.at < gone + TOGETHER]
            requests = self.timeline.of("request", who=who, since=at, until=gone + TOGETHER)
            failed = sorted((s for s in [*after, *requests] if not s.ok), key=lambda s: s.at)
            if failed and all(s.status == 0 for s in failed):
                closed = Duration(round(failed[0].at - at, 2))
                found.append(
                    Finding(
                        f"{self.service} ({name})",
                        f"requests met a closed door from {closed} after SIGTERM on, and readiness never answered not ready",
                        "not ready first, then no longer accepting",
                    )
                )
        return found

    def _watched(self, name: str, asked: tuple[Sample, ...], at: float) -> None:
        """Readiness was asked at about the time of SIGTERM.

        Raises:
            CouldNotLook: it was not.
        """
        if not any(abs(s.at - at) <= GAP for s in asked):
            raise CouldNotLook(
                f"readiness of {name} was not asked within {Duration(GAP)} of SIGTERM: this machine was too busy to judge it"
            )
        if not self.timeline.asked("request"):
            raise CouldNotLook(f"no request was made while {name} ended", right=f"services.{self.service}.canary")

    @property
    def lost_work(self) -> list[Finding]:
        """Replicas that accepted work before SIGTERM, and had it no more when they were back."""
        found, looked = [], 0
        for name, _, _ in self._ended:
            handed = self.timeline.of("handed in", who=name)
            accepted = [s for s in handed if s.ok]
            if not accepted:
                why = handed[-1].failure if handed else "none was handed in"
                raise CouldNotLook(f"{self.service} accepted no work before SIGTERM: {why}")
            if f"work of {name}" not in self.timeline.notes:
                continue
            back = self.timeline.of("work", who=name)
            looked += len(accepted)
            if not back:
                raise CouldNotLook(f"{name} was not ready again, so that its work could not be looked for")
            lost = [s for s in back if not s.ok]
            if lost:
                waited = Duration(round(lost[0].seconds, 1))
                found.append(
                    Finding(
                        f"{self.service} ({name})",
                        f"{len(lost)} of {len(accepted)} pieces of work accepted before SIGTERM were not done {waited} after the "
                        f"restart ({lost[0].failure or lost[0]})",
                        f"done within the time-out of services.{self.service}.work.read_back",
                    )
                )
        if not looked:
            raise CouldNotLook(
                f"the work was done before SIGTERM came, so that nothing shows whether {self.service} keeps what waits",
                right=f"a call in services.{self.service}.work that takes longer to be done",
            )
        return found
