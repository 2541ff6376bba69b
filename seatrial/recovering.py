"""What a run could not undo is undone by whoever reads its journal: `seatrial recover`, or the run's guardian."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from seatrial import drivers
from seatrial.outcomes import Tier
from seatrial.safety import journal as journals
from seatrial.safety.acts import Act, Hands, NotRecovered
from seatrial.safety.disturbing import undo, unsettled
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.profile.model import Profile
    from seatrial.safety.journal import Entry

__all__ = ["hands_of", "identity_of", "recover", "told"]

STARTING = 10.0
"""Seconds that something which its run was about to start again is waited for, before it is started a second time."""
STARTED_BY_UNDO = frozenset({"stop", "terminate", "kill", "restart", "recreate", "scale", "command"})


def session_of(head: dict[str, Any]) -> drivers.Session:
    """A session that may disturb, for undoing alone: it knows no profile, since the journal holds all that is needed."""
    from seatrial.profile.references import References

    references = References(os.environ, Path(head.get("base") or "."))

    def resolve(value: Any) -> str:
        if not isinstance(value, str) and not hasattr(value, "env") and not hasattr(value, "file"):
            raise CouldNotLook("without a profile there is nothing to resolve")
        return references.resolve(value)

    target = SimpleNamespace(
        driver=head["driver"], host=None, tls=None, identity=None, compose_project=None, start=None
    )
    nothing = cast("Profile", SimpleNamespace(profile="", services={}, target=target))
    return drivers.Session(nothing, Path(head.get("base") or "."), resolve, granted=Tier.disrupt)


def hands_of(head: dict[str, Any]) -> Hands:
    """The hands that a journal's first line tells of.

    Raises:
        CouldNotLook: they can't be had.
    """
    from seatrial.drills.hands import StageHands
    from seatrial.drivers._alert_hands import AlertHands
    from seatrial.experiments._handless import Handless

    try:
        driver, alerts = drivers.load(head["driver"]), head["hands"].get("alerts")
        drills = head["hands"].get("stages")
        session = session_of(head)
        hands: Hands
        if (alerts or drills) and not hasattr(driver, "hands_again"):
            hands = Handless(head["driver"])
        else:
            hands = driver.hands_again(session, head["hands"])
    except (KeyError, TypeError, AttributeError):
        raise CouldNotLook("the journal does not say how its target is reached") from None
    hands = AlertHands(session, hands) if alerts else hands
    return StageHands(session, hands) if drills else hands


def identity_of(head: dict[str, Any]) -> str:
    """Who answers now where the journal's target was.

    Raises:
        CouldNotLook: nobody does.
    """
    driver, session = drivers.load(head["driver"]), session_of(head)
    again = getattr(driver, "identity_again", None)
    try:
        identity: str = again(session, head["hands"]) if again else driver.identity(session)
    except (KeyError, TypeError):
        raise CouldNotLook("the journal does not say how its target is reached") from None
    return identity


def recover(entry: Entry, hands: Hands, *, by: str, say: Callable[[str], None] = lambda _: None) -> list[str]:
    """Undo what a journal says still stands, the last first, and close it. Its run must have ended; the caller holds the lock.

    Args:
        entry: the journal.
        hands: of its driver.
        by: who does it, for the journal.
        say: is told what is undone.

    Returns:
        What could not be undone, and why; the journal stays open then.

    Raises:
        CouldNotLook: the journal can't be written.
    """
    journal = journals.Journal.again(entry.file)
    left: list[str] = []
    try:
        journal.note(recovering=by, pid=os.getpid())
        for number, act in entry.standing:
            say(f"undoing: {told(act)}")
            try:
                _let_it_start(entry, number, act, hands)
                watched = _watched(entry, number, act)
                if act.kind == "command":  # it may still run, and its way back must come after it
                    time.sleep(watched)
                    watched = 0.0
                undo(hands, act, watched=watched)
            except NotRecovered as why:
                if _own(entry, act):
                    journal.note(undone=number, by=by, why="its run had started it, and it ended with its run")
                    continue
                left.append(why.reason)
                journal.note(left=number, by=by, why=why.reason)
            else:
                journal.note(undone=number, by=by)
        if not left:
            journal.close()
    finally:
        journal.abandon()
    return left


def _watched(entry: Entry, number: int, act: Act) -> float:
    """Seconds for which an act whose end nobody heard of may still take effect."""
    if number in entry.done:
        return 0.0
    longest = unsettled(act)
    return min(longest, max(0.0, entry.began[number] + longest - time.time()))


def _let_it_start(entry: Entry, number: int, act: Act, hands: Hands) -> None:
    """Where the run was killed while it started something again, that may be under way without it."""
    if number not in entry.undoing or act.kind not in STARTED_BY_UNDO:
        return
    longest = STARTING + float(act.wanted.get("within") or 0)
    end = time.monotonic() + min(longest, max(0.0, entry.undoing[number] + longest - time.time()))
    while time.monotonic() < end:
        with suppress(CouldNotLook):
            if not hands.left(act):
                return
        time.sleep(0.2)


def _own(entry: Entry, act: Act) -> bool:
    """Whether the target was started by the run itself: it has ended with it, and nothing of it is to be started again."""
    return bool(entry.head.get("own")) and act.kind in STARTED_BY_UNDO | {"seed"}


def told(act: Act) -> str:
    """An act in words."""
    return f"{act.service}: {act.name} was {act.how}" + (f" ({act.kind})" if act.kind not in act.how else "")
