"""What makes a backup by itself, as tests see it: whether it is installed, often enough, alive, and succeeded when it last ran."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.facts.backups.schedule import REBOOT, LastRun, ScheduleSeen
from seatrial.words import CouldNotLook, Duration, Finding, Missing, seen

__all__ = ["Scheduled"]

LATE = 1.5
"""How many times its interval may have passed since the last run, which itself takes its time..."""
SLACK = 3600.0
"""...and seconds beside that: an hour that summer time adds, or a machine that starts."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One backup that is made by itself."""

    id: str
    """``backups.notes.schedule``"""
    seen: ScheduleSeen
    every: float | None = None
    """Seconds, as declared."""
    rpo: float | None = None

    @property
    def uninstalled(self) -> list[Finding]:
        """What is declared to make it, and is not installed, or not so that it is run as it is written."""
        entries = seen(self.seen.entries)
        if not entries:
            return [Finding(self.seen.place, self.seen.absent, "what makes the backup")]
        return [Finding(each.where, each.problem) for each in entries if each.problem]

    @property
    def rare(self) -> list[Finding]:
        """It, when more time passes between two runs than is declared, or than may be lost.

        Raises:
            CouldNotLook: nothing runs it, or it is not known when.
        """
        bounds = [each for each in (self.every, self.rpo) if each is not None]
        if bounds and isinstance(self.seen.longest, Missing) and self.seen.longest.reason == REBOOT:
            return [Finding(self.seen.place, REBOOT, self._expected())]
        gap = seen(self.seen.longest)
        if not bounds or gap <= min(bounds):
            return []
        when = "; ".join(each.when for each in seen(self.seen.entries) if not each.problem)
        said = f"as much as {Duration(round(gap))} pass between two runs ({when})"
        return [Finding(self.seen.place, said, self._expected())]

    def _expected(self) -> str:
        told = (("every", self.every), ("rpo", self.rpo))
        return " and ".join(f"at most {Duration(each)} ({key})" for key, each in told if each is not None)

    @property
    def idle(self) -> list[Finding]:
        """What would have to run it, and does not run itself."""
        why = seen(self.seen.alive)
        return [Finding(self.seen.place, f"{why}, so that nothing starts it")] if why else []

    @property
    def failed(self) -> list[Finding]:
        """The last run, when it failed, or is too long ago.

        Raises:
            CouldNotLook: nothing shows a run, or how it ended.
        """
        last = self.seen.last
        if last is None:
            raise CouldNotLook("schedule declares no log")
        run: LastRun = seen(last)
        if run.ok is False:
            return [Finding(run.where, f"the last run did not succeed: {run.said}")]
        age = self.seen.looked - run.at
        bound = self.every or self.rpo
        if bound is not None and age > bound * LATE + SLACK:
            said = f"the last run was {Duration(round(age))} ago: {run.said}"
            return [Finding(run.where, said, f"one every {Duration(bound)}")]
        seen(run.ok)
        return []
