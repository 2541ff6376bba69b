"""One drill: a round trip of a backup, from what was written to what came back. Frozen, saved and replayed like any fact."""

from __future__ import annotations

from dataclasses import dataclass, field

from seatrial.words import Missing

__all__ = [
    "TIMES",
    "Again",
    "Control",
    "Difference",
    "Drill",
    "Failed",
    "Fingerprint",
    "Maintained",
    "Ran",
    "Residue",
    "Step",
    "Taken",
    "Wrote",
]

TIMES = ("changed", "modified", "mtime")
"""Attributes of objects that are times of a last change."""


@dataclass(frozen=True, slots=True)
class Failed:
    """One command of a script that did not end with 0."""

    line: int
    command: str
    """Secrets are taken out."""
    status: int


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a procedure."""

    what: str
    """``backup.sh``, ``backups.notes.restore``."""
    status: int | Missing
    """Its exit status; Missing when it did not end in time, or could not be started."""
    seconds: float
    said: str = ""
    """The end of its standard output, without secrets."""
    complained: str = ""
    """The end of its standard error, without secrets."""
    lacking: tuple[str, ...] = ()
    """Programs that are not there."""
    failed: tuple[Failed, ...] = ()
    """Commands of a script of bash that failed, whatever the script ended with."""
    last_line: int = 0
    """The last line of the script that was reached; 0 where that can't be known."""

    @property
    def ok(self) -> bool:
        """Whether it said that it succeeded."""
        return self.status == 0

    @property
    def ending(self) -> str:
        """``ended with 1``, or why nothing is known of its end."""
        return self.status.reason if isinstance(self.status, Missing) else f"ended with {self.status}"

    @property
    def last_words(self) -> str:
        """The last line that it complained by, else the last that it said; empty when it said nothing."""
        lines = self.complained.strip().splitlines() or self.said.strip().splitlines()
        return lines[-1].strip() if lines else ""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What was there at one moment, as its own read interface gives it."""

    digest: str
    """sha256 over the sorted names and their digests."""
    objects: int
    size: int
    """Bytes of all contents."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that is not as it was."""

    kind: str
    """missing, added, changed, shorter, returned (it had been removed), unreadable, attribute."""
    name: str
    """Of a sentinel its name; of others of the target's own data a short digest of it, since names may be secrets."""
    what: str = ""
    """What sort of thing it is: ``an empty file``, ``a list of 3``, ``a key with a TTL``."""
    expected: str = ""
    seen: str = ""
    sentinel: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a drill."""

    at: float
    what: str
    """``seed``, ``fingerprint of the source``, ``backup``, ``restore``, ``ready``, ``compare``, ``control: empty`` …"""
    seconds: float
    said: str = ""
    """``412 objects, 1.2 MiB, sha256 3f2a…``, ``ended with 0``."""
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Taken:
    """What a backup left."""

    name: str
    form: str
    size: int
    files: int
    digest: str
    mode: int
    broken: str | Missing = Missing("it was not read to its end")
    """Why it can't be read to its end; empty when it can."""


@dataclass(frozen=True, slots=True)
class Again:
    """A second backup of the same data, restored into a target of its own."""

    ran: Ran
    size: int = 0
    """Bytes of it; 0 where it left nothing."""
    same: bool = False
    """Byte for byte as the first, so that it was not restored once more."""
    restored: Ran | None = None
    content: Fingerprint | Missing = Missing("it was not restored")
    differences: tuple[Difference, ...] = ()
    """From what the first brought back."""
    differing: int = 0
    """How many there are in all."""


@dataclass(frozen=True, slots=True)
class Control:
    """A restore, or a verification, of something that is no good backup."""

    kind: str
    """empty, truncated, flipped, wrong key, other version, missing, tar bomb, climbing path …; ``unreachable`` for a backup whose source is gone."""
    detail: str
    """``at 57 %``, ``bit 3 of byte 1,204``."""
    of: str
    """restore, verify, command."""
    refused: bool | Missing
    """Whether it ended with a failure."""
    said: str = ""
    """The line by which it was told."""
    restored: int | Missing = Missing("it was not looked at")
    """How many objects were right afterwards..."""
    expected: int = 0
    """...of how many."""
    usable: bool | Missing = Missing("it was not looked at")
    """Whether the target still answered and could be written afterwards."""
    changed: bool | Missing = Missing("it was not looked at")
    """Whether what the target held before was lost or changed."""
    escaped: tuple[str, ...] = ()
    """What was written outside of where it belongs."""


@dataclass(frozen=True, slots=True)
class Residue:
    """What a procedure left that was not there before, and is no backup."""

    where: str
    """``source``, ``target``."""
    path: str
    kind: str
    size: int
    mode: int
    owner: str = ""
    holds_data: bool | Missing = Missing("it was not read")
    """Whether sentinels are in it, as they are or compressed."""
    open: bool = False
    """Whether every user of that place may read it: by its mode, and those of the folders it lies in."""


@dataclass(frozen=True, slots=True)
class Wrote:
    """A backup that was made while a writer ran, and what was restored from it."""

    steps: int
    """How many writes were acknowledged while the backup was made."""
    before: int
    """...and before it began."""
    places: int
    """In how many places the writer writes in turn."""
    restored: tuple[int, ...] | Missing
    """The number of the last write in each place, after the restore; 0 where there is none."""
    ran: Ran | None = None
    restore: Ran | None = None
    longest: float = 0.0
    """Seconds that the slowest of those writes took while the backup was made..."""
    longest_before: float = 0.0
    """...and before."""
    seconds: float = 0.0
    """How long the backup took."""
    size: int = 0
    """Bytes that were saved."""
    tries: int = 1
    """How often it was tried: a backup may be over before anything is written."""


@dataclass(frozen=True, slots=True)
class Maintained:
    """A maintenance command that was run over data made for it, in a scratch place."""

    name: str
    place: str
    """In words."""
    ran: Ran
    before: Fingerprint
    after: Fingerprint | Missing
    """Missing where the store could not be read any more."""
    seeded: dict[str, str] = field(default_factory=dict)
    """By sentinel, what it is."""
    lost: tuple[Difference, ...] = ()
    """What had to stay and did not."""
    aged: int = 0
    """How many objects it may remove, since they are old enough..."""
    removed: int = 0
    """...and how many of those it removed."""
    unusable: str = ""
    """Why the store does not answer or take a write afterwards."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One round trip."""

    backup: str
    store: str
    """``redis``, ``files`` …: how it was read."""
    source: str
    """Where it was saved from, in words: ``container seatrial-…``, ``the deployment``."""
    target: str
    began: str
    """RFC 3339, UTC."""
    seconds: float
    alone: bool = True
    """Whether nobody else writes to the source: it is a scratch place, and all that it holds was compared."""
    steps: tuple[Step, ...] = ()
    seeded: dict[str, str] = field(default_factory=dict)
    """By sentinel, what it is: ``an empty file``, ``a key with a TTL of 1 h``."""
    removed: tuple[str, ...] = ()
    """Sentinels that were removed before the backup."""
    source_before: Fingerprint | Missing = Missing("the drill ended before")
    source_after: Fingerprint | Missing = Missing("the drill ended before")
    source_changed: tuple[Difference, ...] = ()
    """What the backup changed in its source."""
    backed_up: Ran | Missing = Missing("the drill ended before")
    taken: Taken | Missing = Missing("the drill ended before")
    left_nothing: bool = False
    """True when the procedure ended, and nothing new lay where backups lie."""
    same_server: str = ""
    """Why source and target are the same; then nothing was restored."""
    target_before: Fingerprint | Missing = Missing("the drill ended before")
    restored: Ran | Missing = Missing("the drill ended before")
    ready_seconds: float | Missing = Missing("the drill ended before")
    """From the beginning of the restore until the target could be used."""
    target_after: Fingerprint | Missing = Missing("the drill ended before")
    not_ready: str = ""
    """Why the target could not be used when its time was up."""
    differences: tuple[Difference, ...] | Missing = Missing("the drill ended before")
    """The first of each kind."""
    counts: dict[str, int] = field(default_factory=dict)
    """How many there are of each kind."""
    compared: int = 0
    """How many objects of the source were compared."""
    again: Again | Missing | None = None
    """None where the source is the deployment, of which one more copy is not made."""
    verified: Ran | Missing | None = None
    """None where no verification is declared."""
    controls: tuple[Control, ...] | Missing = Missing("the drill ended before")
    residue: tuple[Residue, ...] | Missing = Missing("the drill ended before")
    wrote: Wrote | Missing | None = Missing("the drill ended before")
    """None where `writes: false` is declared."""
    notes: dict[str, str] = field(default_factory=dict)
