"""Sentinels in a deployment are taken away again, also by another process than the one that wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drills.hands import StageHands
    from seatrial.drivers import Session

__all__ = ["kept", "unseed"]


def kept(store: Any, service: str, backup: str) -> dict[str, Any]:
    """What a journal keeps of a store: its declaration, with references in place of what they stand for.

    Args:
        store: `backing.Store` of the profile.
        service: whose data it is.
        backup: whose store it is.
    """
    if store is None:
        raise CouldNotLook(f"backups.{backup} declares no store to write sentinels to", right=f"backups.{backup}.store")
    return {
        "store": store.model_dump(mode="json", exclude_none=True, by_alias=True),
        "service": service,
        "backup": backup,
    }


def unseed(session: Session, hands: StageHands, found: dict[str, Any]) -> None:
    """Take sentinels away, by what a journal kept.

    Raises:
        CouldNotLook: the store can't be reached, or not without its profile.
    """
    from pydantic import ValidationError

    from seatrial.drills.places import deployment
    from seatrial.drills.stores import open_store
    from seatrial.profile.backing import Store

    try:
        node = Store.model_validate(found["store"])
    except ValidationError:
        raise CouldNotLook(
            f"the sentinels of backups.{found['backup']} can't be taken away without its profile"
        ) from None
    open_store(deployment(session, hands), node).unseed()
