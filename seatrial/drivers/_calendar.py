"""When something runs, by a calendar: days, and times of a day; and the longest time that passes between two of them.

Time is counted without a zone: the hour that a change of summer time adds or takes is nobody's promise.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

__all__ = ["DAY", "Unknown", "Unreadable", "When", "longest"]

DAY = 86400
FIRST = dt.date(2000, 1, 1).toordinal()
"""Thirteen years from here on hold every arrangement of weekdays and leap years that matters for a gap."""
DAYS = 13 * 365


class Unreadable(ValueError):
    """Not a time as this calendar writes it: one line that says what of it."""


class Unknown(Unreadable):
    """It may be one, but what it comes to is not worked out here."""


@dataclass(frozen=True, slots=True)
class When:
    """The times of one entry."""

    day: Callable[[dt.date], bool]
    times: Sequence[int]
    """Seconds since midnight, sorted, each once."""


def longest(entries: Iterable[When]) -> float | None:
    """The longest time between two runs of any of these, in seconds; None when none of them ever runs."""
    known = [entry for entry in entries if entry.times]
    days: dict[tuple[int, ...], tuple[int, int, int]] = {}
    last: int | None = None
    found = 0
    for number in range(DAYS):
        date = dt.date.fromordinal(FIRST + number)
        chosen = tuple(index for index, entry in enumerate(known) if entry.day(date))
        if not chosen:
            continue
        if chosen not in days:
            times = sorted({time for index in chosen for time in known[index].times})
            within = max((later - earlier for earlier, later in itertools.pairwise(times)), default=0)
            days[chosen] = times[0], times[-1], within
        first, end, within = days[chosen]
        found = max(found, within, number * DAY + first - last if last is not None else 0)
        last = number * DAY + end
    return None if last is None else float(found or DAYS * DAY)
