"""A subject, the one thing that a test instance is about, and a noun, the kind of things that a test is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seatrial.profile.model import Profile

__all__ = ["Noun", "Subject"]


@dataclass(frozen=True, slots=True)
class Subject:
    """One node of the profile that a test instance is about."""

    id: str
    """As printed and as waivers name it: ``api``, ``api.readiness``."""
    noun: str
    path: tuple[str | int, ...]
    """Where it stands in the profile, for file:line."""
    node: Any
    """The profile's node itself."""
    service: str = ""
    """The service it belongs to."""
    proposed: bool = False
    """True when no document states what is promised of it, so that it can't fail a gate."""


@dataclass(frozen=True, slots=True)
class Noun:
    """How the subjects of a noun are found, and what a profile lacks that gives none."""

    find: Callable[[Profile], Iterator[Subject]]
    lacking: str
    """Reason of *not applicable*: names the missing key."""
    sections: tuple[str, ...]
    """Profile sections whose promises this noun's tests check."""
    word: str = "service"
    """What its node is called in a profile."""
    beside: tuple[str, ...] = ()
    """Nouns whose subjects are looked at too, whether or not a test is about them: the verdict needs what is seen there."""
