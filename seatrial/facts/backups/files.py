"""What backups lie there, as they were found: nothing is changed, and what is in them is not kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from seatrial.words import Missing

__all__ = ["BackupFile", "BackupFiles", "CopyFiles", "sequence"]

_IDS = re.compile(
    r"(?<![0-9A-Za-z])(?=[0-9a-f-]*\d)(?=[0-9a-f-]*[a-f])(?:[0-9a-f]{7,64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![0-9A-Za-z])"
)
_DAYS = re.compile(
    r"(?<![A-Za-z])(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?![A-Za-z])",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"[#\d]+(?:[-_.:T]?[#\d]+)*Z?")


def sequence(name: str) -> str:
    """What the names of backups that follow each other have in common: ``notes-2026-11-20.tar.gz`` is of ``notes-#.tar.gz``."""
    return _NUMBERS.sub("#", _DAYS.sub("#", _IDS.sub("#", name)))


@dataclass(frozen=True, slots=True)
class BackupFile:
    """One backup: a file, or a folder as a whole."""

    name: str
    """Below the declared path."""
    kind: str
    """file, folder, link, fifo, socket, device."""
    size: int
    """Bytes; of a folder all that is below it."""
    modified: float
    """Seconds since the epoch, by the clock of the machine it lies on."""
    mode: int = 0
    uid: int = -1
    gid: int = -1
    owner: str = ""
    """Name of the user, where it can be known."""
    digest: str | Missing = Missing("it was not read")
    """sha256 of its content."""
    form: str = ""
    """What its first bytes say it is: gzip, tar, tar in gzip, zip, zstd, xz, bzip2, rdb, aof, pg_dump, sqlite, json, sql, age, openpgp, openssl, ovpack, empty, unknown."""
    broken: str | Missing = Missing("it was not read to its end")
    """Why it can't be read to its end, with the place; empty when it can."""
    holds: int = -1
    """How many members an archive has, keys a dump, rows a database, as far as its own bytes tell; -1 when they don't."""
    said_digest: str = ""
    """What the checksum file says of it; empty where there is none."""
    summed: str | Missing = ""
    """Its digest by the algorithm of `said_digest`."""
    checksum_file: str = ""
    """Name of that file where there is one."""
    laid_open: str = ""
    """What can be read of it without a key, although its form is an encrypted one; empty when nothing can."""
    identity: str = ""
    """What it is to the kernel, ``device:inode``; empty where that can't be known."""
    tag: str = ""
    """What a bucket calls its content."""


@dataclass(frozen=True, slots=True)
class CopyFiles:
    """What lies at another site."""

    place: str
    """Folder, or bucket with its address."""
    files: tuple[BackupFile, ...] | Missing


@dataclass(frozen=True, slots=True)
class BackupFiles:
    """All that lies where a backup is declared to be."""

    place: str
    """Folder, file or bucket, in words."""
    looked: float
    """When, seconds since the epoch, by the clock of the machine they lie on."""
    files: tuple[BackupFile, ...]
    """Those whose names are of backups, the newest first; the newest few were read, all were listed."""
    others: tuple[BackupFile, ...] = ()
    """What else lies there, the newest first, at most 100: half-written files, temporary copies."""
    copies: tuple[CopyFiles, ...] = ()
    folder: BackupFile | None = None
    """The folder itself."""
    changing: tuple[str, ...] = ()
    """Names whose size or time was another when they were looked at a second time."""
    single: bool = False
    """True when the declared path is itself the backup, which the next one replaces."""
    closed: bool | Missing = Missing("it was not looked at")
    """Whether other users can't get at what lies there, since a folder above it is closed to them."""
    orphans: tuple[BackupFile, ...] = ()
    """Checksum files of backups that are gone."""
    since: float = 0.0
    """When what makes them by itself was installed, at the latest; 0 where that can't be known."""
    notes: dict[str, str] = field(default_factory=dict)
