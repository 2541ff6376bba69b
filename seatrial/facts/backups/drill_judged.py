"""A round trip as tests see it: whether what was saved came back, whole and equal, in time, and with nothing beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.facts.backups.drill import TIMES, Again, Difference, Drill, Ran, Residue
from seatrial.words import CouldNotLook, Duration, Finding, Missing, Size, seen

if TYPE_CHECKING:
    from seatrial.profile.backing import Backup

__all__ = ["RoundTrip"]

LOST = ("missing", "shorter")
SLACK = 0.05
"""Share of the RPO that a backup may take where its schedule leaves no room: who says `every: 24h` and `rpo: 24h` means that."""


def ended(ran: Ran) -> str:
    """How a procedure ended, with the last line it complained by."""
    if isinstance(ran.status, Missing):
        return ran.ending
    at = f" at line {ran.failed[-1].line} (`{ran.failed[-1].command}`)" if ran.failed and not ran.ok else ""
    return f"{ran.ending}{at}" + (f": {ran.last_words}" if ran.last_words else "")


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """The drill of one backup, and what is declared of it."""

    id: str
    declared: Backup
    drill: Drill

    # --- the procedures -------------------------------------------------------------------------------------------

    @property
    def failing_backup(self) -> list[Finding]:
        """Why there is no backup after its procedure was run."""
        ran = seen(self.drill.backed_up)
        found = self._failing(ran, self.drill.source, scratch=self.drill.alone)
        if not found and self.drill.left_nothing:
            self._had_all(ran, self.drill.source, scratch=self.drill.alone)
            found = [Finding(self._at(ran, self.drill.source), "reported success, and left no new backup", "a backup")]
        return found

    @property
    def failing_restore(self) -> list[Finding]:
        """Why a good backup was not restored, as the procedure itself says."""
        return self._failing(seen(self.drill.restored), self.drill.target, scratch=True)

    @property
    def unheard_in_backup(self) -> list[Finding]:
        """Commands of the backup procedure that failed, while all of it ended with success."""
        return self._unheard(seen(self.drill.backed_up), self.drill.source, scratch=self.drill.alone)

    @property
    def unheard_in_restore(self) -> list[Finding]:
        """Commands of the restore procedure that failed, while all of it ended with success."""
        return self._unheard(seen(self.drill.restored), self.drill.target, scratch=True)

    def _failing(self, ran: Ran, place: str, *, scratch: bool) -> list[Finding]:
        if isinstance(ran.status, Missing):
            raise CouldNotLook(f"{ran.what}: {ran.status.reason}", right=ran.status.right)
        if ran.ok:
            return []
        self._had_all(ran, place, scratch=scratch)
        lacks = f"; {place} lacks {', '.join(ran.lacking)}" if ran.lacking else ""
        return [Finding(self._at(ran, place), ended(ran) + lacks, "ended with 0")]

    def _unheard(self, ran: Ran, place: str, *, scratch: bool) -> list[Finding]:
        if not ran.ok:
            return []  # it was heard
        found = [
            Finding(
                f"{ran.what}:{each.line}, in {place}",
                f"`{each.command}` ended with {each.status}, and the procedure reported success all the same",
                "a failure of the whole",
            )
            for each in ran.failed
            if each.status != 127 or not scratch
        ]
        if not found:
            self._had_all(ran, place, scratch=scratch)
        return found

    @staticmethod
    def _at(ran: Ran, place: str) -> str:
        return f"{ran.what}, in {place}"

    def _had_all(self, ran: Ran, place: str, *, scratch: bool) -> None:
        """A program that the run's own place does not have says nothing about the procedure.

        Raises:
            CouldNotLook: there is such a program.
        """
        if scratch and ran.lacking:
            raise CouldNotLook(
                f"{ran.what} needs {', '.join(ran.lacking)}, which {place} does not have",
                right=f"a stage that has it ({self.id}: image, or prepare)",
            )

    # --- the target -----------------------------------------------------------------------------------------------

    @property
    def same_server(self) -> list[Finding]:
        """Why source and target are one."""
        if self.drill.same_server:
            where = f"{self.drill.backup}: {self.drill.target}"
            return [Finding(where, f"{self.drill.same_server}; nothing was restored", "a server and data of its own")]
        seen(self.drill.target_before)
        return []

    @property
    def unready(self) -> list[Finding]:
        """Why the target could not be used after a restore that said it succeeded."""
        ran = self._restored()
        if self.drill.not_ready:
            self._had_all(ran, self.drill.target, scratch=True)
            within = self.declared.drill.target.within  # type: ignore[union-attr]
            text = f"can't be used {within} after the restore reported success: {self.drill.not_ready}"
            return [Finding(f"{self.drill.backup}: {self.drill.target}", text, f"ready within {within}")]
        seen(self.drill.ready_seconds)
        return []

    def _restored(self) -> Ran:
        """The restore, where it said that it succeeded."""
        ran = seen(self.drill.restored)
        if not ran.ok:
            raise CouldNotLook(f"the restore failed, so that nothing was there to compare: {ended(ran)}")
        return ran

    def _came_back(self) -> None:
        """Something did: else nothing shows how it comes back, and a test of that has looked at nothing."""
        drill = self.drill
        if drill.compared and drill.counts.get("missing", 0) >= drill.compared:
            raise CouldNotLook(
                f"nothing came back of {drill.compared} objects, so that nothing shows how they come back"
            )

    # --- what came back -------------------------------------------------------------------------------------------

    def _differences(self, *kinds: str) -> list[Difference]:
        self._restored()
        return [each for each in seen(self.drill.differences) if each.kind in kinds]

    def _findings(self, differences: list[Difference], text: Callable[[Difference], str]) -> list[Finding]:
        """Findings on objects; what only stands on a program that a scratch place lacks is none."""
        if differences:
            drill = self.drill
            self._had_all(seen(drill.backed_up), drill.source, scratch=drill.alone)
            self._had_all(seen(drill.restored), drill.target, scratch=True)
        found = []
        for each in differences:
            what = f" ({each.what})" if each.what else ""
            found.append(Finding(f"{self.drill.target}: {each.name}{what}", text(each), each.expected))
        return found

    def _more(self, kinds: tuple[str, ...], shown: int) -> list[Finding]:
        """Where not all differences were kept, how many there are."""
        count = sum(self.drill.counts.get(kind, 0) for kind in kinds)
        if count <= shown:
            return []
        return [Finding(self.drill.target, f"{count} objects in all, of {self.drill.compared}")]

    @property
    def hollow(self) -> list[Finding]:
        """What did not come back, though the restore reported success."""
        lost = self._differences(*LOST)
        if not lost:
            return []
        gone = self._findings(
            lost,
            lambda each: "not there" if each.kind == "missing" else f"came back shorter: {each.seen}",
        )
        drill = self.drill
        missing, all_ = drill.counts.get("missing", 0), drill.compared
        taken = "" if isinstance(drill.taken, Missing) else f" from a backup of {Size(drill.taken.size)}"
        count = sum(drill.counts.get(kind, 0) for kind in LOST)
        if missing >= all_:
            told = f"the restore reported success while it restored nothing: 0 of {all_} objects came back{taken}"
        else:
            told = f"the restore reported success while it restored less: {count} of {all_} objects are not there, or shorter{taken}"
        where = f"{drill.backup}: {seen(drill.restored).what}"
        return [Finding(where, told, f"all {all_} objects"), *gone]

    @property
    def changed(self) -> list[Finding]:
        """What came back with another content, or can't be read any more."""
        kinds = ("changed", "unreadable")
        found = self._findings(
            self._differences(*kinds),
            lambda each: f"came back changed: {each.seen}" if each.kind == "changed" else f"can't be read: {each.seen}",
        )
        if not found:
            self._came_back()
        return [*found, *self._more(kinds, len(found))]

    @property
    def added(self) -> list[Finding]:
        """What is there and was not saved."""
        found = self._findings(
            self._differences("added"), lambda each: f"there, and was not at the source: {each.seen}"
        )
        return [*found, *self._more(("added",), len(found))]

    @property
    def returned(self) -> list[Finding]:
        """What was removed before the backup, and is there again."""
        found = self._findings(self._differences("returned"), lambda each: each.seen)
        if not found:
            self._came_back()
        return [*found, *self._more(("returned",), len(found))]

    def _attributes(self, *, times: bool) -> list[Finding]:
        chosen = [
            each for each in self._differences("attribute") if (each.expected.partition(" ")[0] in TIMES) is times
        ]
        if not chosen:
            self._came_back()
        return self._findings(chosen, lambda each: f"came back with {each.seen}")

    @property
    def attributes(self) -> list[Finding]:
        """What came back with another mode, owner, expiry or the like."""
        return self._attributes(times=False)

    @property
    def times(self) -> list[Finding]:
        """What came back with another time of its last change."""
        return self._attributes(times=True)

    # --- beside it ------------------------------------------------------------------------------------------------

    @property
    def touched(self) -> list[Finding]:
        """What the backup changed in what it saves."""
        seen(self.drill.source_after)
        words = {
            "missing": "is gone",
            "added": "is new",
            "returned": "is there again",
            "attribute": "has another attribute",
        }
        return [
            Finding(
                f"{self.drill.source}: {each.name}" + (f" ({each.what})" if each.what else ""),
                f"{words.get(each.kind, f'is {each.kind}')} after the backup: {each.seen}",
                each.expected,
            )
            for each in self.drill.source_changed
        ]

    def _residue(self) -> list[Residue]:
        return [each for each in seen(self.drill.residue) if each.holds_data is True]

    @property
    def open_residue(self) -> list[Finding]:
        """Copies of the data that a procedure left where everybody may read them."""
        return [self._left(each) for each in self._residue() if each.open]

    @property
    def residue(self) -> list[Finding]:
        """Copies of the data that a procedure left, and that are no backup."""
        return [self._left(each) for each in self._residue() if not each.open]

    def _left(self, each: Residue) -> Finding:
        place = self.drill.source if each.where == "source" else self.drill.target
        owner = f", owner {each.owner}" if each.owner else ""
        text = f"a {each.kind} of {Size(each.size)} that holds what was saved, mode {each.mode:04o}{owner}, was left behind"
        return Finding(f"{place}: {each.path}", text, "nothing left")

    # --- in time --------------------------------------------------------------------------------------------------

    def _size(self) -> str:
        taken = self.drill.taken
        saved = seen(self.drill.source_before)
        backup = "" if isinstance(taken, Missing) else f" in a backup of {Size(taken.size)}"
        return f"{saved.objects} objects of {Size(saved.size)}{backup}; measured with that much, and with no more"

    @property
    def late_backup(self) -> list[Finding]:
        """Why the RPO is not kept, though the schedule alone would keep it."""
        ran = seen(self.drill.backed_up)
        rpo = self.declared.rpo
        if not ran.ok or rpo is None:
            raise CouldNotLook(f"the backup failed, so that how long it takes is not known: {ended(ran)}")
        every = getattr(self.declared.schedule, "every", None) or Duration(0)
        if every.seconds > rpo.seconds or ran.seconds <= max(rpo.seconds - every.seconds, rpo.seconds * SLACK):
            return []
        loss = Duration(round(every.seconds + ran.seconds, 2))
        often = f", and one is made every {every}" if every.seconds else ""
        text = f"took {Duration(round(ran.seconds, 2))}{often}, so that up to {loss} are lost ({self._size()})"
        return [Finding(self._at(ran, self.drill.source), text, f"at most {rpo}")]

    @property
    def late_restore(self) -> list[Finding]:
        """Why the RTO is not kept."""
        ran = self._restored()
        took, rto = seen(self.drill.ready_seconds), self.declared.rto
        if rto is None or took <= rto.seconds:
            self._came_back()
            return []
        text = f"could be used {Duration(round(took, 2))} after the restore began ({self._size()})"
        return [Finding(self._at(ran, self.drill.target), text, f"at most {rto}")]

    # --- once more ------------------------------------------------------------------------------------------------

    @property
    def another_time(self) -> list[Finding]:
        """What is different when the same data is saved a second time."""
        again = seen(self.drill.again)
        if again is None:
            raise CouldNotLook("no second backup of the deployment was made")
        first = seen(self.drill.backed_up)
        if not first.ok:
            raise CouldNotLook(f"the first backup failed: {ended(first)}")
        where = f"{self.drill.backup}: the second backup of the same data"
        if not again.ran.ok:
            if isinstance(again.ran.status, Missing):
                raise CouldNotLook(f"{again.ran.what}: {again.ran.status.reason}", right=again.ran.status.right)
            return [Finding(where, ended(again.ran), "ended with 0, as the first")]
        if not again.size:
            return [Finding(where, "left nothing new", "a backup, as the first")]
        return self._restored_again(again, where)

    def _restored_again(self, again: Again, where: str) -> list[Finding]:
        if again.same:
            self._came_back()
            return []
        self._restored()
        if again.restored is not None and not again.restored.ok:
            return [Finding(where, f"its restore {ended(again.restored)}", "ended with 0, as the first")]
        seen(again.content)
        if not again.differing:
            self._came_back()
            return []
        shown = "; ".join(f"{each.name} {each.kind}" for each in again.differences[:5])
        return [
            Finding(where, f"{again.differing} objects are not as the first brought them back: {shown}", "the same")
        ]
