"""Waivers: dated, owned, reasoned exceptions. A waived test still runs, and its raw outcome is kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

from seatrial.outcomes import Outcome
from seatrial.record import Check, WaiverUse

if TYPE_CHECKING:
    from seatrial.profile.model import Waiver

__all__ = ["MAX_AHEAD", "find", "states"]

MAX_AHEAD = 90
"""Days: a longer exception is a decision to change the clause."""


def today() -> dt.date:
    """The calendar date in UTC, which is the one waivers count by."""
    return dt.datetime.now(dt.UTC).date()


def covers(waiver: Waiver, requirement: str, subject: str) -> bool:
    """Whether a waiver names this requirement and this subject; expiry is not looked at."""
    return waiver.requirement == requirement and waiver.subject in ("*", subject)


def find(waivers: Iterable[Waiver], requirement: str, subject: str, on: dt.date) -> Waiver | None:
    """The waiver that is live on a date and covers this requirement and subject."""
    return next((w for w in waivers if w.expires >= on and covers(w, requirement, subject)), None)


def use(waiver: Waiver, state: str, where: str, on: dt.date) -> WaiverUse:
    """A waiver as the record tells of it."""
    return WaiverUse(
        requirement=waiver.requirement,
        subject=waiver.subject,
        reason=waiver.reason,
        owner=waiver.owner,
        expires=waiver.expires.isoformat(),
        where=where,
        state=state,
        days_left=(waiver.expires - on).days,
    )


def states(waivers: Iterable[Waiver], checks: Iterable[Check], places: Iterable[str], on: dt.date) -> list[WaiverUse]:
    """What became of each waiver: applied, or why it was of no use.

    Args:
        waivers: of the profile, in order.
        checks: of the run.
        places: file:line:column of each waiver.
        on: the date that counts.
    """
    told = list(checks)
    found = []
    for waiver, place in zip(waivers, places, strict=True):
        outcomes = {check.outcome for check in told if covers(waiver, check.id, check.subject)}
        if not outcomes:
            state = "covers nothing: no test of this run has that requirement and subject"
        elif waiver.expires < on:
            state = f"expired on {waiver.expires.isoformat()}, so it does not apply"
        elif Outcome.waived in outcomes:
            state = "applied"
        elif outcomes == {Outcome.passed}:
            state = "not needed: what it covers passes"
        else:
            state = "did not apply: what it covers ended in " + ", ".join(sorted(outcomes))
        found.append(use(waiver, state, place, on))
    return found
