"""A service that starts, as tests see it: again after SIGTERM or a crash, while a dependency hangs, and with the whole stack."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.facts.experiment import Timeline
from seatrial.words import CouldNotLook, Duration, Finding, seen

__all__ = ["ColdStart", "Crash", "SlowStart", "Startup"]


def _told(seconds: float) -> str:
    return str(Duration(round(seconds, 1)))


def _probe(timeline: Timeline) -> str:
    """The probe whose budget it is."""
    source = timeline.bounds["startup budget"].source
    return next((kind for kind in ("startup", "liveness") if f".{kind}" in source), "readiness")


@dataclass(frozen=True, slots=True)
class Startup:
    """One service that was started again after SIGTERM, each of its replicas."""

    id: str
    service: str
    timeline: Timeline

    @property
    def longer_than_budget(self) -> list[Finding]:
        """Replicas that took longer to start than their probe lets them."""
        bound = self.timeline.bounds.get("startup budget")
        if bound is None:
            raise CouldNotLook(
                f"nobody says how long {self.service} may take to start: it has neither a startup nor a liveness probe nor a "
                "HEALTHCHECK"
            )
        probe = _probe(self.timeline)
        found, looked = [], 0
        for key, watched in self.timeline.numbers.items():
            if not key.startswith("watched after start of "):
                continue
            name = key.removeprefix("watched after start of ")
            looked += 1
            took = self.timeline.numbers.get(f"{probe} after start of {name}")
            ready = self.timeline.numbers.get(f"readiness after start of {name}")
            also = f", ready after {_told(ready)}" if ready is not None and probe != "readiness" else ""
            if took is None:
                seen_ = f"{probe} gave no good answer in the {_told(watched)} it was watched after its start"
            elif took > bound.seconds:
                seen_ = f"{probe} gave its first good answer {_told(took)} after its start{also}"
            else:
                continue
            found.append(Finding(f"{self.service} ({name})", seen_, f"within {bound}"))
        if not looked:
            raise CouldNotLook(f"no start of {self.service} was seen")
        return found


@dataclass(frozen=True, slots=True)
class Crash:
    """One service whose main process was killed, several times."""

    id: str
    service: str
    timeline: Timeline

    @property
    def _rounds(self) -> list[tuple[int, str]]:
        """Number of each crash, and whose it was."""
        seen(self.timeline.fault)
        notes = self.timeline.notes
        found = [(number, notes[f"killed ({number})"]) for number in range(1, 20) if f"killed ({number})" in notes]
        if not found:
            raise CouldNotLook(f"nothing of {self.service} was killed")
        return found

    @property
    def not_restarted(self) -> list[Finding]:
        """Crashes after which nobody restarted it in time."""
        bound, numbers = self.timeline.bounds["restart_within"], self.timeline.numbers
        found = []
        for number, name in self._rounds:
            took = numbers.get(f"restart_seconds ({number})")
            if took is None:
                told = f"was not restarted in the {_told(numbers[f'watched ({number})'])} it was watched after crash {number}"
            elif took > bound.seconds:
                told = f"was restarted {_told(took)} after crash {number}"
            else:
                continue
            found.append(Finding(f"{self.service} ({name})", told, f"restarted within {bound}"))
        return found

    @property
    def not_ready_again(self) -> list[Finding]:
        """Restarts after which it was not ready within its budget."""
        restarted = [(n, name) for n, name in self._rounds if f"restart_seconds ({n})" in self.timeline.numbers]
        if not restarted:
            raise CouldNotLook(f"{self.service} was not restarted, so that it could not turn ready")
        bound = self.timeline.bounds.get("startup budget")
        if bound is None:
            raise CouldNotLook(f"nobody says how long {self.service} may take to start")
        if not self.timeline.asked(probe := "readiness") and not self.timeline.asked(probe := "liveness"):
            raise CouldNotLook(f"{self.service} has no probe that tells when it is back")
        found = []
        for number, name in restarted:
            took = self.timeline.numbers.get(f"{probe} after start ({number})")
            if took is None:
                watched = _told(self.timeline.numbers[f"watched after restart ({number})"])
                told = (
                    f"{probe} gave no good answer in the {watched} it was watched after the restart of crash {number}"
                )
            elif took > bound.seconds:
                told = f"{probe} gave its first good answer {_told(took)} after the restart of crash {number}"
            else:
                continue
            found.append(Finding(f"{self.service} ({name})", told, f"within {bound}"))
        return found

    @property
    def ends_again(self) -> list[Finding]:
        """How often it ended though nobody ended it."""
        rounds = self._rounds
        times = self.timeline.numbers.get("ended again")
        if times is None:
            raise CouldNotLook(f"{self.service} was not watched after it was killed")
        if not times:
            return []
        codes = self.timeline.notes.get("exit codes")
        told = f"ended {times:.0f} times by itself after it was killed {len(rounds)} times"
        told += f", exit codes {codes}" if codes else ""
        return [Finding(self.service, told, "it goes on running once it was restarted")]


@dataclass(frozen=True, slots=True)
class SlowStart:
    """One service that was started while a dependency hung."""

    id: str
    service: str
    dependency: str
    timeline: Timeline

    @property
    def ended(self) -> list[Finding]:
        """Whether it ended instead of waiting."""
        seen(self.timeline.fault)
        if not self.timeline.numbers.get("begun while it hung"):
            why = self.timeline.notes.get("start", "it was not seen to run")
            return [
                self._finding(f"could not be started while {self.dependency} was hung: {why}", "it starts, and waits")
            ]
        times = self.timeline.numbers["ended while it hung"]
        if not times:
            return []
        codes = self.timeline.notes.get("exit codes")
        told = f"ended {times:.0f} times while {self.dependency} was hung{f', exit codes {codes}' if codes else ''}"
        return [self._finding(told, "it waits, or tries again")]

    @property
    def not_ready_after(self) -> list[Finding]:
        """Whether it stayed not ready when the dependency was back."""
        seen(self.timeline.fault)
        bound, numbers = self.timeline.bounds["ready_within"], self.timeline.numbers
        since = numbers["back"]
        found = []
        if not self.timeline.asked("readiness"):
            raise CouldNotLook("readiness was not asked at all")
        for who in self.timeline.asked("readiness"):
            first = next((s for s in self.timeline.of("readiness", who=who, since=since) if s.ok), None)
            helped = numbers.get("helped", float("inf"))
            if first is None or first.at > helped:
                told = f"readiness did not turn ready in the {_told(numbers['watched after it was back'])} after {self.dependency} was back"
                if help_ := self.timeline.notes.get("helped"):
                    told += f"; {help_}"
            elif first.at - since > bound.seconds:
                told = f"readiness turned ready {_told(first.at - since)} after {self.dependency} was back"
            else:
                continue
            found.append(self._finding(told, f"within {bound}", who))
        return found

    def _finding(self, told: str, expected: str, who: str = "") -> Finding:
        fault = seen(self.timeline.fault)
        where = f"{self.service} ({who})" if who else self.service
        return Finding(where, f"{told} ({fault.how}; {fault.proof})", expected)


@dataclass(frozen=True, slots=True)
class ColdStart:
    """The whole stack, stopped and started, several times."""

    id: str
    needs: dict[str, tuple[str, ...]]
    """By service, what it can't do without."""
    timeline: Timeline

    @property
    def _rounds(self) -> list[int]:
        seen(self.timeline.fault)
        found = [number for number in range(1, 20) if f"started ({number})" in self.timeline.numbers]
        if not found:
            raise CouldNotLook("the stack was not started")
        return found

    @property
    def late(self) -> list[Finding]:
        """Services that were not ready in time, by start."""
        numbers, found = self.timeline.numbers, []
        for name, bound in self.timeline.bounds.items():
            if name not in self.timeline.asked("readiness"):
                raise CouldNotLook(f"nothing tells when {name} is ready", right=f"services.{name}.url and .readiness")
            for number in self._rounds:
                took = numbers.get(f"{name} ready ({number})")
                if took is None:
                    told = f"was not ready in the {_told(numbers[f'watched ({number})'])} it was watched after cold start {number}"
                    if help_ := self.timeline.notes.get(f"helped {name}"):
                        told += f"; {help_}"
                    if why := self.timeline.notes.get(f"start of {name} ({number})"):
                        told += f" ({why})"
                elif took > bound.seconds:
                    told = f"was ready {_told(took)} after cold start {number}"
                else:
                    continue
                found.append(Finding(name, told, f"ready within {bound}"))
        return found

    @property
    def ready_too_early(self) -> list[Finding]:
        """Services that said ready after a cold start before what they need was even started, or while they did not work."""
        numbers, found, looked = self.timeline.numbers, [], 0
        for number in self._rounds:
            begun, dependencies = numbers[f"started ({number})"], numbers[f"dependencies started ({number})"]
            until = begun + numbers[f"watched ({number})"]
            for name, needed in self.needs.items():
                ready = [s for s in self.timeline.of("readiness", who=name, since=begun, until=until) if s.ok]
                looked += len(ready)
                if ready and needed and ready[0].end < dependencies:
                    wait = _told(dependencies - ready[0].end)
                    found.append(
                        Finding(
                            name,
                            f"said ready {wait} before {', '.join(needed)} was started, in cold start {number}",
                            "it waits for what it needs",
                        )
                    )
                elif ready and (broken := self._broken(name, ready[0].end, until)):
                    found.append(Finding(name, f"{broken}, in cold start {number}", "what says ready works"))
        if not looked:
            raise CouldNotLook("no service turned ready after a cold start")
        return found

    def _broken(self, name: str, since: float, until: float) -> str:
        """A call that failed though readiness said ready before and after it."""
        asked = self.timeline.of("readiness", who=name, since=since, until=until)
        for call in self.timeline.of("canary", who=name, since=since, until=until):
            after = next((s for s in asked if s.at >= call.end), None)
            if not call.ok and after is not None and after.ok and all(s.ok for s in asked if s.at <= call.end):
                return f"said ready while its canary failed ({call.failure or call})"
        return ""
