"""What the live tests of stores share: a session that may write, a place, and two contents told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seatrial.drills.comparing import compared
from seatrial.drills.stores import open_store
from seatrial.drivers import Session
from seatrial.outcomes import Tier
from seatrial.profile.backing import Store
from tests.integration.backups.local_place import LocalPlace

__all__ = ["differing", "place", "store"]


def place(folder: Path, **values: str) -> LocalPlace:
    """This machine, with the values that it announces."""

    def resolve(value: Any) -> str:
        return "" if value is None else str(value)

    session = Session(None, folder, resolve, granted=Tier.write)  # type: ignore[arg-type]
    return LocalPlace(session, values)


def store(where: LocalPlace, **node: Any) -> Any:
    """The store of a node written as in a profile."""
    return open_store(where, Store.model_validate(node))


def differing(was: Any, now: Any, **more: Any) -> dict[str, int]:
    """How many objects differ, by kind."""
    return compared(was, now, **{"seeded": {}, **more}).counts
