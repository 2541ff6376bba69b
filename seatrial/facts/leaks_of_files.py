"""What files and known secrets that a profile names are, and are not, as they should be."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.facts.leak import Leak, Place
from seatrial.facts.leaks_judged import Searched
from seatrial.words import CouldNotLook, Finding, Missing

__all__ = ["KnownSecret", "Repository", "SecretFile"]


@dataclass(frozen=True, slots=True)
class SecretFile(Searched):
    """A file that holds secrets, or that was written where some might have slipped in."""

    env: bool
    """True for an env file, which is made to hold them."""

    @property
    def open(self) -> list[Finding]:
        """The file, when it holds secrets and others may read or write it."""
        return self._found(
            "secret file",
            wrong=lambda place, _: place.rights is not None and bool(place.rights.mode & 0o006),
            instead=lambda place: f"holds secrets, {place.rights}",
        )

    @property
    def strange_owners(self) -> list[Finding]:
        """The file, when it belongs to somebody who has no part in it."""
        places = [place for place in self.leaks.places if place.rights is not None]
        found = [
            Finding(place.where, str(place.rights), f"owner {' or '.join(map(str, place.rights.owners))}")
            for place in places
            if place.rights and place.rights.uid not in place.rights.owners
        ]
        if not found and not places:
            self._all_seen(list(self.leaks.places))
        return found

    @property
    def weak_secrets(self) -> list[Finding]:
        """Values in it that protect nothing."""
        return self._found("secret file", wrong=lambda _, leak: bool(leak.weak))

    @property
    def plain_secrets(self) -> list[Finding]:
        """Values in a file that is not made to hold them: compose, unit, configuration."""
        return self._found("secret file", wrong=lambda place, leak: not self.env and leak.known not in place.holds)

    @property
    def tracked(self) -> list[Finding]:
        """The file, when it holds secrets and version control keeps it."""
        found = self._found(
            "secret file",
            wrong=lambda place, _: place.tracked is True,
            instead=lambda _: "holds secrets, and is tracked by git",
        )
        for place in self.leaks.places if not found else ():
            if isinstance(place.tracked, Missing) and place.leaks:
                raise CouldNotLook(f"{place.where}: {place.tracked.reason}", right=place.tracked.right)
        return found


@dataclass(frozen=True, slots=True)
class Repository(Searched):
    """A checked-out repository."""

    @property
    def secrets(self) -> list[Finding]:
        """Secrets in its files."""
        return self._found("repository", wrong=lambda *_: True)


@dataclass(frozen=True, slots=True)
class KnownSecret(Searched):
    """A secret that exists, and every place where its value was looked for."""

    name: str
    held_by: tuple[str, ...] = ()

    @property
    def weaknesses(self) -> list[Finding]:
        """Why its value protects nothing."""
        return self._found("value", wrong=lambda _, leak: bool(leak.weak))

    @property
    def elsewhere(self) -> list[Finding]:
        """Places that hold its value, and that it is not declared to be in."""
        surfaces = sorted({place.surface for place in self.leaks.places} - {"value"})
        return self._found(*surfaces, wrong=self._stray)

    def _stray(self, place: Place, leak: Leak) -> bool:
        return leak.known == self.name and self.name not in place.holds
