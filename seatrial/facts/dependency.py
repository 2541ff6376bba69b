"""One service that another one needs, as it was tried from inside that one's own network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seatrial.facts.reach import Reach
from seatrial.words import CouldNotLook, Finding

__all__ = ["Dependency"]


@dataclass(frozen=True, slots=True)
class Dependency:
    """A declared dependency (``api.redis``), and every attempt to reach it."""

    id: str
    declared: Any
    reach: tuple[Reach, ...]

    @property
    def unreached(self) -> list[Finding]:
        """Attempts that did not end in a connection."""
        if not self.reach:
            raise CouldNotLook(f"nothing of {self.id.partition('.')[0]} runs, so that it can't be told what it reaches")
        return [Finding(one.source, f"{one.target}: {one.seen}") for one in self.reach if not one.connected]
