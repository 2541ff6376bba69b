"""What is not as it should be about the backups that lie where a profile declares them."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING

from seatrial.facts.backups import copies_judged as elsewhere
from seatrial.facts.backups import kept_judged as keeping
from seatrial.facts.backups.files import BackupFile, BackupFiles, sequence
from seatrial.words import CouldNotLook, Finding, Missing, Size

if TYPE_CHECKING:
    from seatrial.profile.backing import BackupFiles as Declared
    from seatrial.words import Duration

__all__ = ["JudgedFiles", "ago"]

SEALED = ("age", "openpgp", "openssl")
HOUR = 3600.0
ABANDONED = HOUR
"""Seconds without a change after which nobody is writing a half-written file any more."""
SUMMED_WITHIN = 60.0
"""Seconds after a backup in which its checksum file may be missing."""
AHEAD = 300.0
"""Seconds that clocks may differ by."""
BEFORE = 5
"""How many backups before the newest its size is compared with."""


def ago(seconds: float) -> str:
    """A time in its two largest units: ``3d4h``."""
    parts: list[tuple[int, str]] = []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        if count or parts or unit == "s":
            parts.append((int(count), unit))
    return "".join(f"{count}{unit}" for count, unit in parts[:2] if count) or "0s"


@dataclass(frozen=True, slots=True)
class JudgedFiles:
    """The backups of one declaration, as declared and as they lie."""

    id: str
    """``backups.notes``."""
    declared: Declared
    observed: BackupFiles
    rpo: Duration | None = None
    every: Duration | None = None

    # --- which of them --------------------------------------------------------------------------------------------

    def where(self, file: BackupFile | None = None) -> str:
        """Where a finding was made."""
        place = self.observed.place
        if file is None or self.observed.single:
            return f"{self.id}: {place}"
        return f"{self.id}: {posixpath.join(place, file.name)}"

    def age(self, file: BackupFile) -> float:
        """Seconds since it was written, by the clock of the machine it lies on."""
        return self.observed.looked - file.modified

    def written(self) -> list[BackupFile]:
        """Backups that nobody is writing, the newest first.

        Raises:
            CouldNotLook: there is none.
        """
        found = [file for file in self.observed.files if file.name not in self.observed.changing]
        if not found:
            being = " that is not being written" if self.observed.files else ""
            raise CouldNotLook(f"no backup{being} lies at {self.observed.place}, so there is none to look at")
        return found

    def inspected(self) -> list[BackupFile]:
        """Those that were read, or should have been and could not."""
        return [file for file in self.written() if file.form or not _unread(file)]

    def told(self, found: Iterable[Finding | None], undecided: Iterable[str | Missing] = ()) -> list[Finding]:
        """The findings.

        Raises:
            CouldNotLook: there are none, and something could not be decided.
        """
        findings = [finding for finding in found if finding is not None]
        open_ = list(dict.fromkeys(undecided))
        if open_ and not findings:
            first = open_[0]
            more = f" (and {len(open_) - 1} more could not be decided)" if len(open_) > 1 else ""
            if isinstance(first, Missing):
                raise CouldNotLook(first.reason + more, right=first.right)
            raise CouldNotLook(first + more)
        return findings

    def _named(self, file: BackupFile, fact: object) -> Missing | None:
        """A missing fact, with the file's name."""
        return Missing(f"{self.where(file)}: {fact.reason}", fact.right) if isinstance(fact, Missing) else None

    # --- whether there is one -------------------------------------------------------------------------------------

    @property
    def absent(self) -> list[Finding]:
        """Where no backup lies."""
        if self.observed.files:
            return []
        reason = self.observed.notes.get("missing", "")
        beside = len(self.observed.others)
        has = f"; {beside} beside it, by their names unfinished or links" if beside else ""
        return [Finding(self.where(), reason or f"no file whose name is {self.declared.match}{has}", "a backup")]

    @property
    def stale(self) -> list[Finding]:
        """The newest, when it is older than the RPO, or nobody can say how old it is."""
        newest, age = self.written()[0], self.age(self.written()[0])
        when = datetime.fromtimestamp(newest.modified, UTC).strftime("%Y-%m-%d %H:%M UTC")
        if age < -AHEAD:
            return [
                Finding(self.where(newest), f"its time, {when}, is {ago(-age)} ahead, so that its age can't be told")
            ]
        if self.rpo is None or age <= self.rpo.seconds:
            return []
        return [Finding(self.where(newest), f"the newest backup is {ago(age)} old ({when})", f"at most {self.rpo}")]

    # --- how large ------------------------------------------------------------------------------------------------

    @property
    def small(self) -> list[Finding]:
        """Backups below the declared size."""
        least = self.declared.min_size
        return [
            Finding(self.where(file), f"{Size(file.size)}", f"at least {least}")
            for file in self.written()
            if least is not None and file.size < least.bytes and not (file.kind == "folder" and _unread(file))
        ]

    def _sequences(self) -> dict[str, list[BackupFile]]:
        found: dict[str, list[BackupFile]] = {}
        for file in self.written():
            found.setdefault(sequence(file.name), []).append(file)
        return found

    @property
    def shrunk(self) -> list[Finding]:
        """The newest of each sequence of names, when it is much smaller than those before it."""
        share = self.declared.shrinks.value
        found = []
        for newest, *before in self._sequences().values():
            sizes = [
                file.size for file in before[:BEFORE] if file.size and not (file.kind == "folder" and _unread(file))
            ]
            usual = median(sizes) if sizes else 0
            if newest.size and newest.size < usual * (1 - share):
                text = f"{Size(newest.size)}, and the {len(sizes)} before it {Size(int(usual))}"
                found.append(Finding(self.where(newest), text, f"no more than {self.declared.shrinks} smaller"))
        return found

    @property
    def empty(self) -> list[Finding]:
        """Backups with nothing in them."""
        found = []
        for row in self._sequences().values():
            for place, file in enumerate(row):
                if file.kind == "file" and not file.size:
                    found.append(Finding(self.where(file), "0 bytes"))
                elif file.kind == "folder" and not _unread(file) and file.holds == 0:
                    found.append(Finding(self.where(file), "a folder without a file in it"))
                elif file.holds == 0 and not file.broken:
                    held = max((each.holds for each in row[place + 1 :]), default=0)
                    if held > 0:
                        found.append(
                            Finding(
                                self.where(file), f"{file.form} that holds nothing; the one before it held {held:,}"
                            )
                        )
                    elif file.form.partition(" ")[0] in ("tar", "zip"):
                        found.append(Finding(self.where(file), f"{file.form} without a member"))
        return found

    # --- who may read it ------------------------------------------------------------------------------------------

    def _on_disk(self) -> list[BackupFile]:
        """Backups that have a mode and an owner."""
        if self.declared.bucket is not None:
            raise CouldNotLook(
                "objects in a bucket have no mode and no owner that could be seen",
                right="take mode and owner out of files",
            )
        return [file for file in self.written() if not (file.kind == "folder" and _unread(file))]

    @property
    def wide(self) -> list[Finding]:
        """Backups with a wider mode than declared."""
        allowed = int(self.declared.mode or "7777", 8)
        return [
            Finding(self.where(file), f"mode {file.mode:04o}", f"no more than {allowed:04o}")
            for file in self._on_disk()
            if file.mode & ~allowed
        ]

    @property
    def open_to_all(self) -> list[Finding]:
        """Backups that any user of the machine may read or change, where no mode is declared."""
        if self.declared.mode is not None or self.declared.bucket is not None or self.declared.service is not None:
            return []
        wide = [
            file for file in self._on_disk() if file.mode & 0o002 or (file.mode & 0o004 and file.form not in SEALED)
        ]
        if not wide or self.observed.closed is True:
            return []
        missing = [self.observed.closed] if isinstance(self.observed.closed, Missing) else []
        findings = (
            []
            if missing
            else [
                Finding(
                    self.where(file),
                    f"mode {file.mode:04o}, in a folder that all users may enter",
                    "closed to other users",
                )
                for file in wide
            ]
        )
        return self.told(findings, missing)

    @property
    def owned_by_others(self) -> list[Finding]:
        """Backups of another owner than declared."""
        wanted, files = str(self.declared.owner), self._on_disk()
        nameless = [] if wanted.isdigit() else [file for file in files if not file.owner]
        return self.told(
            (
                Finding(self.where(file), f"owned by {file.owner or f'uid {file.uid}'}", wanted)
                for file in files
                if file not in nameless and wanted not in (str(file.uid), file.owner)
            ),
            (f"{self.where(file)}: nothing names the user {file.uid}" for file in nameless),
        )

    # --- what is in it --------------------------------------------------------------------------------------------

    def _each(self, rule: Callable[[BackupFile], str | Missing], expected: str = "") -> list[Finding]:
        """What a rule says of those that were read; nothing where it says nothing."""
        said = [(file, rule(file)) for file in self.inspected()]
        return self.told(
            (Finding(self.where(file), text, expected) for file, text in said if isinstance(text, str) and text),
            (missing for file, text in said if (missing := self._named(file, text))),
        )

    @property
    def in_the_clear(self) -> list[Finding]:
        """Backups that are not encrypted as declared, or only look so."""
        kind = self.declared.encrypted or "any"
        allowed = SEALED if kind == "any" else (kind,)

        def rule(file: BackupFile) -> str | Missing:
            if not file.form:
                return file.broken if isinstance(file.broken, Missing) else Missing("its form was not told")
            if file.form not in allowed:
                return f"it is {file.form}" + (
                    ", in the clear" if file.form not in (*SEALED, "unknown", "empty") else ""
                )
            return file.laid_open

        return self._each(rule, f"encrypted with {'one of ' + ', '.join(SEALED) if kind == 'any' else kind}")

    @property
    def wrong_checksums(self) -> list[Finding]:
        """Backups whose checksum file is missing, says nothing of them, or another digest."""

        def rule(file: BackupFile) -> str | Missing:
            if not file.checksum_file:
                wanted = str(self.declared.checksum).replace("{name}", file.name)
                return "" if self.age(file) < SUMMED_WITHIN else f"no checksum file {wanted} beside it"
            if not file.said_digest:
                return f"{file.checksum_file} holds no digest of it"
            if isinstance(file.summed, Missing):
                return file.summed
            same = file.summed == file.said_digest
            return (
                ""
                if same
                else f"its digest is {file.summed[:12]}…, and {file.checksum_file} says {file.said_digest[:12]}…"
            )

        return self._each(rule)

    @property
    def unreadable(self) -> list[Finding]:
        """Backups that can't be read to their end."""

        def rule(file: BackupFile) -> str | Missing:
            if file.kind == "file" and not file.size:
                return ""  # that it is empty is told by itself
            if isinstance(file.broken, Missing) or not file.broken:
                return file.broken
            return f"{file.form or file.kind}: {file.broken}"

        return self._each(rule, "readable to its end")

    # --- how it is written ----------------------------------------------------------------------------------------

    @property
    def half_written(self) -> list[Finding]:
        """Backups that changed while they were looked at."""
        _ = self.observed.changing or self.written()
        return [
            Finding(
                self.where(file), "it changed within a second, under the name of a backup", "there once it is whole"
            )
            for file in self.observed.files
            if file.name in self.observed.changing
        ]

    @property
    def leftovers(self) -> list[Finding]:
        """Half-written files that nobody has written to for an hour."""
        _ = self.observed.others or self.observed.changing or self.written()
        return [
            Finding(
                self.where(file),
                f"{Size(file.size)}, by its name unfinished, and not written to for {ago(self.age(file))}",
            )
            for file in self.observed.others
            if file.kind == "file" and self.age(file) > ABANDONED
        ]

    # --- how long it is kept, and where else ----------------------------------------------------------------------

    @property
    def kept_too_long(self) -> list[Finding]:
        """Backups beyond the declared retention."""
        return keeping.too_long(self)

    @property
    def removed_too_early(self) -> list[Finding]:
        """What shows that backups were removed which retention keeps."""
        return keeping.too_early(self)

    @property
    def gaps(self) -> list[Finding]:
        """Times within retention of which there is no backup."""
        return keeping.gaps(self)

    @property
    def not_copied(self) -> list[Finding]:
        """Backups that are not at another site in time."""
        return elsewhere.late(self)

    @property
    def other_copies(self) -> list[Finding]:
        """Copies that are not what they are copies of."""
        return elsewhere.different(self)

    @property
    def no_copies(self) -> list[Finding]:
        """Copies that are the very file they should be copies of."""
        return elsewhere.same_file(self)


def _unread(file: BackupFile) -> bool:
    """Whether it was only listed: reading was not tried."""
    return isinstance(file.digest, Missing) and file.digest.reason == "it was not read"
