"""What files and known secrets that a profile names are, and are not, as they should be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from seatrial.facts.leak import Place
from seatrial.facts.leaks_judged import Searched
from seatrial.words import CouldNotLook, Finding, Missing

__all__ = ["KnownSecret", "Repository", "SecretFile", "is_env"]

OTHERS = 0o006
"""Read and write, of everybody else."""


def is_env(path: str) -> bool:
    """Whether a file is an env file by its name: ``.env``, ``.env.local``, ``api.env``."""
    name = PurePosixPath(path).name
    return name == ".env" or name.startswith(".env.") or name.endswith(".env")


@dataclass(frozen=True, slots=True)
class SecretFile(Searched):
    """A file that holds secrets, or that was written where some might have slipped in."""

    service: str = ""
    """Whose environment it is; empty for a file that is listed under secrets.files."""

    def _made_for_it(self, place: Place) -> bool:
        """Whether any secret may lie here, as in an env file."""
        return bool(self.service) or is_env(place.where)

    @property
    def open(self) -> list[Finding]:
        """The file, when it holds secrets and others may read or write it."""
        return self._found(
            "secret file",
            wrong=lambda place, _: bool(place.rights and place.rights.mode & OTHERS),
            instead=lambda place: f"holds secrets, {place.rights}",
            expected="no rights of others",
            decided=lambda place: bool(place.rights and not place.rights.mode & OTHERS),
        )

    @property
    def strange_owners(self) -> list[Finding]:
        """The file, when it belongs to somebody who has no part in it."""
        places = [place for place in self.leaks.places if place.rights is not None]
        if not places:
            raise CouldNotLook(f"who owns {self.id} was not seen")
        return [
            Finding(place.where, str(place.rights), f"owner {' or '.join(map(str, place.rights.owners))}")
            for place in places
            if place.rights and place.rights.uid not in place.rights.owners
        ]

    @property
    def weak_secrets(self) -> list[Finding]:
        """Values in it that protect nothing."""
        return self._found("secret file", wrong=lambda _, leak: bool(leak.weak))

    @property
    def plain_secrets(self) -> list[Finding]:
        """Values in a file that is not made to hold them: compose, unit, configuration."""
        return self._found(
            "secret file",
            wrong=lambda place, leak: not self._made_for_it(place) and leak.known not in place.holds,
            decided=self._made_for_it,
        )

    @property
    def tracked(self) -> list[Finding]:
        """The file, when it holds secrets and version control keeps it."""
        found = self._found(
            "secret file",
            wrong=lambda place, _: place.tracked is True,
            instead=lambda _: "holds secrets, and is tracked by git",
            decided=lambda place: place.tracked is False,
        )
        for place in self.leaks.places:
            if not found and isinstance(place.tracked, Missing) and place.leaks:
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
    """A secret that exists, and every place where its value was found."""

    name: str

    @property
    def weaknesses(self) -> list[Finding]:
        """Why its value protects nothing."""
        return self._found("value", wrong=lambda _, leak: bool(leak.weak))

    @property
    def elsewhere(self) -> list[Finding]:
        """Places that hold its value, and that it is not declared to be in."""
        surfaces = sorted({place.surface for place in self.leaks.places} - {"value"})
        return self._found(*surfaces, wrong=lambda place, _: self.name not in place.holds)
