"""Secrets that were seen where they don't belong. No value is in here: key, place, kind, length class and a keyed fingerprint are."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.words import Missing

__all__ = ["PRIVATE_KEY", "Leak", "Leaks", "Place", "Rights"]

PRIVATE_KEY = "private key"


@dataclass(frozen=True, slots=True)
class Leak:
    """One secret, seen in one place: how it was known for one, and nothing of its value."""

    kind: str
    """``password in a URL``, ``private key``, ``known secret db``."""
    key: str = ""
    """Name of the variable, option or key that holds it."""
    line: int = 0
    """Counted from 1, of the first line that holds it; 0 where there are no lines."""
    weak: str = ""
    """Why it protects nothing; empty when it may."""
    length: str = ""
    """Class of its length."""
    fingerprint: str = ""
    """The same wherever the same value is seen by this installation."""
    known: str = ""
    """The name under which the profile knows it."""
    times: int = 1
    """How many lines hold it."""

    def __str__(self) -> str:
        told = [self.kind]
        if self.length:
            told.append(f"{self.length} characters")
        if self.fingerprint:
            told.append(f"fingerprint {self.fingerprint}")
        if self.weak:
            told.append(f"weak: {self.weak}")
        if self.times > 1:
            told.append(f"on {self.times} lines")
        return ", ".join(told)


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may read a file."""

    mode: int
    """Permission bits."""
    uid: int
    gid: int
    shut: bool = False
    """True when a folder above it lets nobody else in."""
    owners: tuple[int, ...] = ()
    """Who may own it: root, the service's users, who runs this."""

    @property
    def readable(self) -> bool:
        """Whether others really can read it."""
        return bool(self.mode & 0o004) and not self.shut

    def __str__(self) -> str:
        return f"mode {self.mode:04o}, owner {self.uid}:{self.gid}"


@dataclass(frozen=True, slots=True)
class Place:
    """One place that was searched, or could not be."""

    surface: str
    """``environment``, ``log``, ``page``, ``file``: what kind of place it is."""
    where: str
    """``container web-1, environment``."""
    leaks: tuple[Leak, ...] | Missing = ()
    service: str = ""
    rights: Rights | None = None
    """Of a file."""
    holds: tuple[str, ...] = ()
    """Names of the known secrets that are declared to lie here."""
    tracked: bool | Missing = False
    """Of a file: whether version control keeps it."""


@dataclass(frozen=True, slots=True)
class Leaks:
    """What was searched on one subject, and what was found."""

    places: tuple[Place, ...] = ()
