"""Where an Alertmanager's routing tree leads an alert, and when: our own reading of it, without asking anybody."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from seatrial.facts.alerts.arrival import Matcher, Route, Span
from seatrial.words import CouldNotLook, Missing, seen

__all__ = ["certain", "holds", "isolated", "may", "possible", "reach", "routes", "walk", "within"]

LONGEST = 1024
"""Characters of a pattern that are read."""
STEPS = 50_000_000
"""Tries a pattern may take at worst: what is a moment for Go's engine may take ours for ever."""
_CLASS = re.compile(r"\\.|\[\^?\]?(?:\[:\w+:\]|\\.|[^\]\\])*\]", re.DOTALL)
_FOREIGN = re.compile(r"\\[pPCQEzKkRXhHgGN0-9]|\[\[:|\(\?[<=!P#]|\(\?[a-zA-Z-]*[sUmxLua-]|(?<!^)\(\?i")
"""What Go's and Python's expressions don't both know, or mean differently."""


@lru_cache(maxsize=4096)
def _pattern(text: str) -> tuple[re.Pattern[str], int]:
    """A pattern as the Alertmanager means it, and how often something of it is repeated.

    Raises:
        CouldNotLook: it is none that we read as surely.
    """
    bare = _CLASS.sub("x", text[:LONGEST])
    repeated = len(re.findall(r"[*+]|\{\d*,\d*\}|\)\?", bare))
    try:
        # A group that is repeated may be tried in more ways than there are.
        if len(text) > LONGEST or _FOREIGN.search(text) or re.search(r"\)(?:[*+]|\{)|[*+}]\+", bare):
            raise ValueError
        flags = re.IGNORECASE if text.startswith("(?i)") else re.NOFLAG
        return re.compile(text.removeprefix("(?i)"), flags | re.ASCII if text.isascii() else flags), repeated
    except (ValueError, re.error, OverflowError, RecursionError):
        raise CouldNotLook(f"the pattern `{text[:100]}` of the Alertmanager is more than we read for sure") from None


def holds(matcher: Matcher, value: str) -> bool:
    """Whether a matcher holds for a label's value; a label that is not there is empty.

    Raises:
        CouldNotLook: that can't be told.
    """
    if matcher.op == "?":
        raise CouldNotLook(f"what the label {matcher.name} is matched with looked like a secret and was not kept")
    if matcher.op in ("=", "!="):
        return (value == matcher.value) is (matcher.op == "=")
    pattern, repeated = _pattern(matcher.value)
    if (len(value) + 1) ** repeated > STEPS:
        raise CouldNotLook(f"the pattern `{matcher.value[:100]}` of the Alertmanager would take too long to try")
    return (pattern.fullmatch(value) is not None) is (matcher.op == "=~")


def routes(route: Route) -> Iterator[Route]:
    """A route and all below it."""
    yield route
    for child in route.routes:
        yield from routes(child)


def walk(route: Route, labels: Mapping[str, str]) -> list[Route]:
    """The routes that an alert with these labels ends in, in their order; none where the first one does not take it.

    Raises:
        CouldNotLook: a matcher on the way can't be read for sure.
    """
    if not all(holds(matcher, labels.get(matcher.name, "")) for matcher in route.matchers):
        return []
    found: list[Route] = []
    for child in route.routes:
        taken = walk(child, labels)
        found += taken
        if taken and not child.continues:
            break
    return found or [route]


# --- alerts of which some labels alone are known ----------------------------------------------------------------------


def may(matcher: Matcher, labels: Mapping[str, str], open: Sequence[str]) -> bool | None:
    """Whether a matcher holds; None where it depends on a label that is not known."""
    if matcher.name not in labels and (matcher.name in open or "*" in open):
        return None
    try:
        return holds(matcher, labels.get(matcher.name, ""))
    except CouldNotLook:
        return None


def certain(matchers: Sequence[Matcher], labels: Mapping[str, str], open: Sequence[str]) -> bool | None:
    """Whether all of them hold; None where that is not known."""
    told = [may(matcher, labels, open) for matcher in matchers]
    return False if False in told else None if None in told else True


def possible(route: Route, labels: Mapping[str, str], open: Sequence[str] = ("*",)) -> list[Route]:
    """Every route that such an alert could end in, whatever its other labels are."""
    return _possible(route, labels, open)[0]


def _possible(route: Route, labels: Mapping[str, str], open: Sequence[str]) -> tuple[list[Route], bool]:
    """The same, and whether it surely takes the alert."""
    takes = certain(route.matchers, labels, open)
    if takes is False:
        return [], False
    found: list[Route] = []
    surely = False
    for child in route.routes:
        below, taken = _possible(child, labels, open)
        found += below
        surely = surely or taken
        if taken and not child.continues:
            break
    return (found if surely else [*found, route]), takes is True


def reach(route: Route, labels: Mapping[str, str], open: Sequence[str] = ("*",)) -> set[str]:
    """Places of all routes that such an alert could come by, those that it goes through included."""
    return _reach(route, labels, open)[0]


def _reach(route: Route, labels: Mapping[str, str], open: Sequence[str]) -> tuple[set[str], bool]:
    """The same, and whether it surely takes the alert."""
    takes = certain(route.matchers, labels, open)
    if takes is False:
        return set(), False
    found = {route.place}
    for child in route.routes:
        below, taken = _reach(child, labels, open)
        found |= below
        if taken and not child.continues:
            break
    return found, takes is True


# --- time -------------------------------------------------------------------------------------------------------------


def isolated(route: Route, label: str) -> bool:
    """Whether every value of this label makes a group of its own, which waits for nobody else's."""
    return "..." in route.group_by or label in route.group_by


def within(spans: tuple[Span, ...] | Missing, at: float) -> bool:
    """Whether a moment, in seconds since the epoch, lies in a time interval.

    Raises:
        CouldNotLook: the interval could not be read, or its time zone is unknown here.
    """
    return any(_within(span, datetime.fromtimestamp(at, _zone(span.location))) for span in seen(spans))


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if name in ("", "UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CouldNotLook(f"the time zone {name[:60]} is not known here", right="tzdata") from None


def _within(span: Span, at: datetime) -> bool:
    minute = at.hour * 60 + at.minute
    last = calendar.monthrange(at.year, at.month)[1]
    days = [(_day(first, last), min(_day(end, last), last)) for first, end in span.days]
    return (
        (not span.times or any(first <= minute < end for first, end in span.times))
        and _among(span.weekdays, at.isoweekday() % 7)
        and (not days or any(first <= at.day <= end for first, end in days))
        and _among(span.months, at.month)
        and _among(span.years, at.year)
    )


def _day(number: int, last: int) -> int:
    """A day of the month; a negative one is counted from its end, and none lies before its first."""
    return max(1, last + number + 1) if number < 0 else number


def _among(ranges: tuple[tuple[int, int], ...], value: int) -> bool:
    return not ranges or any(first <= value <= end for first, end in ranges)
