"""What a drill's controls came to, as tests see it: whether what is no good backup was refused, clearly, and did no harm."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from seatrial.facts.backups.drill import Control, Ran
from seatrial.words import CouldNotLook, Finding, Missing, seen

__all__ = ["UNTRIED", "JudgedControls", "JudgedVerification", "named"]

UNTRIED = "it was not tried: "
"""How the reason begins why there was no time for a control."""
_NAMES = {
    "empty": "an empty backup",
    "missing": "a backup that is not there",
    "truncated": "a backup {detail}",
    "flipped": "a backup with one bit turned over, {detail}",
    "flipped inside": "a backup with one bit turned over, {detail}",
    "wrong key": "a good backup with a wrong key ({detail})",
    "other version": "a backup of another version, {detail}",
    "unreachable": "a source that is gone",
    "climbing path": "a backup with {detail}",
}
_NO_SOURCE = ("empty", "missing")
"""Nothing can come from these."""
_REFUSAL = "an exit status other than 0, and a line that tells why"


def named(control: Control) -> str:
    """``an empty backup``, ``a backup cut at 57%, 684 of 1,200 bytes``."""
    return _NAMES.get(control.kind, control.kind + " {detail}").replace("{detail}", control.detail)


def _objects(number: int) -> str:
    return f"{number} object{'' if number == 1 else 's'}"


def _taken(control: Control) -> str:
    """What is wrong with a control that was not refused; empty when nothing is."""
    right, of = control.restored, control.expected
    if control.kind == "other version":
        return "it reported success while it restored nothing" if right == 0 else ""
    if isinstance(right, Missing):
        return f"it reported success, and the target can't be read afterwards: {right.reason}"
    if right == 0:
        return f"it reported success while it restored nothing: 0 of {_objects(of)} are right afterwards"
    if right < of:
        return f"it reported success while it restored less: {right} of {_objects(of)} are right afterwards"
    if control.kind in _NO_SOURCE:
        return f"it reported success, and {right} of {_objects(of)} are there: they do not come from this backup"
    if control.kind == "wrong key":
        return f"it reported success, and {right} of {_objects(of)} are right: who has the backup needs no key"
    return ""


@dataclass(frozen=True, slots=True)
class JudgedControls:
    """The controls of one backup's drill."""

    id: str
    backup: str
    """``backups.notes``"""
    controls: tuple[Control, ...] | Missing

    def _of(self, kinds: Collection[str], of: str = "restore") -> list[Control]:
        return [each for each in seen(self.controls) if each.kind in kinds and each.of == of]

    def _where(self, control: Control) -> str:
        return f"{self.backup}: {control.of} of {named(control)}"

    def _decided(self, found: list[Finding], looked: list[Control]) -> list[Finding]:
        """Findings; where there are none, what could not be decided is no pass.

        That there was no time for all of many bits leaves those that there was time for.
        """
        untried = [each for each in looked if _reason(each).startswith(UNTRIED)]
        undecided = [each for each in looked if isinstance(each.refused, Missing) and each not in untried]
        undecided = undecided or (untried if len(untried) == len(looked) else [])
        if undecided and not found:
            more = f", and {len(undecided) - 1} more" if len(undecided) > 1 else ""
            raise CouldNotLook(f"{self._where(undecided[0])}: {_reason(undecided[0])}{more}")
        if not looked:
            raise CouldNotLook(f"{self.backup}: no such control was made")
        return found

    def _succeeding(self, *kinds: str) -> list[Finding]:
        looked = self._of(kinds)
        found = [
            Finding(self._where(each), wrong, _REFUSAL)
            for each in looked
            if each.refused is False and (wrong := _taken(each))
        ]
        return self._decided(found, looked)

    @property
    def restored_from_nothing(self) -> list[Finding]:
        """Restores of an empty or a missing backup that reported success."""
        return self._succeeding("empty", "missing")

    @property
    def restored_from_a_part(self) -> list[Finding]:
        """Restores of a backup that was cut short which reported success without bringing everything back."""
        return self._succeeding("truncated")

    @property
    def restored_damaged(self) -> list[Finding]:
        """Restores of a backup with a bit turned over which reported success and brought back something else."""
        return self._bits("flipped", "a refusal, or the same content")

    @property
    def restored_damaged_inside(self) -> list[Finding]:
        """The same, of bits below a compression that is sound."""
        if not self._of(("flipped inside",)):
            return []  # nothing is compressed in it
        return self._bits("flipped inside", "a refusal, or the same content: a digest of what was saved, and compared")

    def _bits(self, kind: str, expected: str) -> list[Finding]:
        looked = self._of((kind,))
        wrong = [each for each in looked if each.refused is False and _taken(each)]
        tried = sum(not isinstance(each.refused, Missing) for each in looked)
        if not wrong:
            return self._decided([], looked)
        places = "; ".join(f"{each.detail} ({_right(each)})" for each in wrong)
        what = "below a sound compression " if kind == "flipped inside" else ""
        return [
            Finding(
                f"{self.backup}: restore of a backup with one bit {what}turned over",
                f"it reported success {len(wrong)} of {tried} times while what it restored is not what was saved: {places}",
                expected,
            )
        ]

    @property
    def restored_with_a_wrong_key(self) -> list[Finding]:
        """Restores with a wrong key that reported success."""
        return self._succeeding("wrong key")

    @property
    def restored_from_another_version(self) -> list[Finding]:
        """Restores of another version's backup that reported success while nothing came."""
        return self._succeeding("other version")

    def _refused(self) -> Iterator[Control]:
        yield from (each for each in seen(self.controls) if each.refused is True)

    @property
    def written_elsewhere(self) -> list[Finding]:
        """What a restore wrote where only the names of an archive's members lead."""
        looked = self._of(("climbing path",))
        found = [
            Finding(self._where(each), f"it wrote {'; '.join(each.escaped)}", "a refusal, or nothing written there")
            for each in looked
            if each.escaped
        ]
        return self._decided(found, looked) if looked else []  # what is no archive has no such names

    @property
    def silent(self) -> list[Finding]:
        """Refusals that do not say why."""
        found = [
            Finding(self._where(each), "it was refused without a word", "a line that tells why")
            for each in self._refused()
            if not each.said
        ]
        return self._decided(found, list(seen(self.controls)))

    @property
    def unusable(self) -> list[Finding]:
        """Targets that did not answer, or took no write, after a restore that was refused."""
        looked = [each for each in self._refused() if each.of == "restore"]
        found = [
            Finding(
                self._where(each),
                f"it was refused, and the target could not be used afterwards; it said: {each.said or 'nothing'}",
                "a target that still answers and takes writes",
            )
            for each in looked
            if each.usable is False
        ]
        return self._known(found, looked, [each.usable for each in looked])

    @property
    def altered(self) -> list[Finding]:
        """Targets that were not left as they were by a restore that was refused."""
        looked = [each for each in self._refused() if each.of == "restore"]
        found = [
            Finding(
                self._where(each),
                f"it was refused, and the target is not as before: {_right(each)}",
                "the target as it was",
            )
            for each in looked
            if each.changed is True and each.usable is not False
        ]
        return self._known(found, looked, [each.changed for each in looked])

    def _known(self, found: list[Finding], looked: list[Control], states: list[bool | Missing]) -> list[Finding]:
        """Findings; where there are none, and nothing at all could be seen, that is no pass."""
        unknown = [state for state in states if isinstance(state, Missing)]
        if unknown and len(unknown) == len(looked) and not found:
            raise CouldNotLook(f"{self.backup}: whenever it was refused: {unknown[0].reason}", right=unknown[0].right)
        if not looked and all(isinstance(each.refused, Missing) for each in seen(self.controls)):
            raise CouldNotLook(f"{self.backup}: no control was made")
        return found

    @property
    def backed_up_from_nowhere(self) -> list[Finding]:
        """Backups that reported success while their source was gone."""
        looked = self._of(("unreachable",), "command")
        found = [
            Finding(self._where(each), f"it reported success, and {each.detail}", _REFUSAL)
            for each in looked
            if each.refused is False
        ]
        return self._decided(found, looked)

    @property
    def left_by_failed_backups(self) -> list[Finding]:
        """What a backup that failed left under a backup's name."""
        looked = self._of(("unreachable",), "command")
        found = [
            Finding(
                self._where(each),
                f"it failed, and {each.detail} where backups lie, which a restore of the newest takes for one",
                "nothing that is new under a backup's name",
            )
            for each in looked
            if each.refused is True and each.detail != "it left nothing"
        ]
        return self._decided(found, looked)


@dataclass(frozen=True, slots=True)
class JudgedVerification:
    """The documented verification of one backup."""

    id: str
    backup: str
    good: Ran | Missing | None
    """What it said of a good backup."""
    controls: tuple[Control, ...] | Missing

    @property
    def alarming(self) -> list[Finding]:
        """The verification, where it fails on a good backup."""
        good = seen(self.good) if self.good is not None else None
        if good is None:
            raise CouldNotLook(f"{self.backup}: its verification was not run")
        if isinstance(good.status, Missing):
            raise CouldNotLook(f"{self.backup}: {good.status.reason}", right=good.status.right)
        if good.ok:
            return []
        if good.lacking:
            raise CouldNotLook(f"{self.backup}: {good.what} needs {', '.join(good.lacking)}, which its place lacks")
        told = f": {good.last_words}" if good.last_words else ", and says nothing"
        return [Finding(f"{self.backup}: {good.what}", f"it ends with {good.status} on a good backup{told}", "0")]

    @property
    def undiscerning(self) -> list[Finding]:
        """Bad backups that the verification passes."""
        if self.alarming:
            return []  # what fails always tells nothing, and is told as that
        looked = [each for each in seen(self.controls) if each.of == "verify"]
        found = [
            Finding(
                f"{self.backup}: verification of {named(each)}", "it passes", "a failure, with a line that tells why"
            )
            for each in looked
            if each.refused is False
        ]
        missing = [each for each in looked if isinstance(each.refused, Missing)]
        if not found and (missing or not looked):
            why = _reason(missing[0]) if missing else "it was not run on any bad backup"
            raise CouldNotLook(f"{self.backup}: {why}")
        return found


def _reason(control: Control) -> str:
    return control.refused.reason if isinstance(control.refused, Missing) else ""


def _right(control: Control) -> str:
    if isinstance(control.restored, Missing):
        return f"it can't be read: {control.restored.reason}"
    return f"{control.restored} of {_objects(control.expected)} right"
