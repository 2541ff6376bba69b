"""A maintenance command that was run over data made for it, as tests see it: what must stay, stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.facts.backups.drill import Difference, Maintained
from seatrial.words import CouldNotLook, Finding, Missing, seen

if TYPE_CHECKING:
    from seatrial.words import Duration

__all__ = ["Maintenance"]

SHOWN = 20
"""So many of what is lost are told one by one."""


@dataclass(frozen=True, slots=True)
class Maintenance:
    """One maintenance command."""

    id: str
    older: Duration | None
    """What is older may be removed; nothing may, when none is declared."""
    maintained: Maintained

    def _where(self) -> str:
        return f"{self.id}, in {self.maintained.place}"

    def _may(self) -> str:
        return f"only what is older than {self.older} removed" if self.older else "nothing removed or changed"

    @property
    def lost(self) -> list[Finding]:
        """What it took away or changed that had to stay."""
        seen(self.maintained.after)
        lost = self.maintained.lost
        found = [Finding(f"{self._where()}: {_named(each)}", _how(each), self._may()) for each in lost[:SHOWN]]
        if len(lost) > SHOWN:
            more = (
                f"{len(lost)} objects of {self.maintained.before.objects} are lost or changed; {SHOWN} of them are told"
            )
            found.append(Finding(self._where(), more, self._may()))
        return found

    @property
    def failing(self) -> list[Finding]:
        """How it failed, as a whole or in one of its commands."""
        ran = self.maintained.ran
        said = f": {ran.last_words}" if ran.last_words else ""
        if ran.lacking:
            raise CouldNotLook(
                f"{self._where()}: {', '.join(ran.lacking)} is not there, so that it was not run to its end"
            )
        if isinstance(ran.status, Missing):
            return [Finding(self._where(), f"{ran.status.reason}{said}", "ended with 0")]
        found = [Finding(self._where(), f"ended with {ran.status}{said}", "ended with 0")] if ran.status else []
        found += [
            Finding(
                f"{self._where()}: {ran.what}:{each.line}",
                f"`{each.command}` ended with {each.status}",
                "each command ends with 0",
            )
            for each in ran.failed
        ]
        return found

    @property
    def kept_on(self) -> list[Finding]:
        """What is old enough to go, and is still there after a command that is to remove it."""
        seen(self.maintained.after)
        if not self.maintained.aged:
            raise CouldNotLook(f"{self._where()}: nothing could be made there that is older than {self.older}")
        if self.maintained.removed:
            return []
        text = f"none of {self.maintained.aged} objects that are older was removed"
        return [Finding(self._where(), text, f"what is older than {self.older} removed")]

    @property
    def unusable(self) -> list[Finding]:
        """Why what it was run over can't be used any more."""
        why = self.maintained.unusable
        if isinstance(self.maintained.after, Missing):
            why = why or f"it can't be read: {self.maintained.after.reason}"
        return [Finding(self._where(), f"after it, {why}", "as usable as before")] if why else []


def _named(lost: Difference) -> str:
    return f"{lost.name!r}" + (f" ({lost.what})" if lost.what else "")


def _how(lost: Difference) -> str:
    if lost.kind == "missing":
        return "it was removed"
    told = {"attribute": "it has another"}.get(lost.kind, f"it is {lost.kind}:")
    return f"{told} {lost.seen}, was {lost.expected}"
