"""The target is left as it was found: journal, guardian and disturber of one run, and a last look at what is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from seatrial.drills.hands import stages
from seatrial.drivers._alert_hands import posts
from seatrial.safety import journal as journals
from seatrial.safety.disturbing import Disturber
from seatrial.safety.guarding import Guarding
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.safety.acts import Hands

__all__ = ["kept", "residue"]


@contextmanager
def kept(
    session: Session, driver: ModuleType, hands: Hands, say: Callable[[str], None], told: list[str]
) -> Iterator[Disturber]:
    """The one way to disturb the target of a run. At the end nothing stands, or the journal is left open and it is told.

    Args:
        session: of the run, which holds the target's lock.
        driver: of the target.
        hands: of that driver.
        say: is told what is undone after an interruption.
        told: takes what a reader of the run must know.

    Raises:
        CouldNotLook: the target is gone, or nothing can be journalled or guarded.
    """
    identity = driver.identity(session)
    found = hands.inventory()
    target = session.profile.target
    name = f"{time.strftime('%Y-%m-%dT%H-%M-%SZ', time.gmtime())}-{time.monotonic_ns() % 10**6:06}.jsonl"
    journal = journals.Journal(
        journals.folder_of(session.key) / name,
        {
            "driver": target.driver,
            "identity": identity,
            "target": session.profile.profile,
            "key": session.key,
            "own": target.start is not None,
            "base": str(session.base.absolute()),
            "hands": hands.told(),
        },
    )
    try:
        # A driver without hands only calls, and there would be nothing to undo, but for a test alert or a scratch place.
        undone = hasattr(driver, "hands_again") or posts(session.profile) or stages(session.profile)
        guarding = Guarding(journal.file, session.lock) if undone else None
    except BaseException:
        journal.close()
        raise

    def at_end() -> None:
        if disturber.broken:
            journal.abandon()
            told.append(
                f"not recovered: {disturber.broken.reason}; look at {journal.file}, then say `seatrial recover`"
            )
        else:
            try:
                journal.close()
            except CouldNotLook as why:
                told.append(f"everything was undone, but that could not be noted: {why.reason}")
                journal.abandon()
            told.extend(residue(found, hands))
        if guarding:
            guarding.end()

    disturber = Disturber(hands, journal, guarding, say, at_end)
    try:
        with disturber:
            yield disturber
    finally:
        disturber.release()


def residue(found: dict[str, str], hands: Hands) -> list[str]:
    """What is not as it was found, though nothing is left to undo."""
    try:
        now = hands.inventory()
    except CouldNotLook as why:
        return [f"whether the target is as it was found could not be seen: {why.reason}"]
    changed = [
        f"{name}: was {found.get(name, 'not there')}, is {now.get(name, 'not there')}"
        for name in dict.fromkeys([*found, *now])
        if found.get(name) != now.get(name)
    ]
    return [f"the target is not as it was found: {each}" for each in changed]
