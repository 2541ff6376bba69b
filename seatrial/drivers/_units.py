"""Unit files of systemd, as far as a timer and what it starts need them: settings, calendar events, and spans of time."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator

from seatrial.drivers._calendar import DAY, Unknown, Unreadable, When

__all__ = ["Unit", "calendar", "span", "unit"]

MOST_LINES = 10_000
_NICKNAMES = {
    "minutely": "*-*-* *:*:00", "hourly": "*-*-* *:00:00", "daily": "*-*-* 00:00:00", "weekly": "Mon *-*-* 00:00:00",
    "monthly": "*-*-01 00:00:00", "quarterly": "*-01,04,07,10-01 00:00:00", "semiannually": "*-01,07-01 00:00:00",
    "yearly": "*-01-01 00:00:00", "annually": "*-01-01 00:00:00", "semi-annually": "*-01,07-01 00:00:00",
    "anually": "*-01-01 00:00:00",
}  # fmt: skip
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = re.compile(rf"(?:{'|'.join(_LONG + _WEEKDAYS)})", re.IGNORECASE)
_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+\-]*(?:/[A-Za-z0-9_+\-]+)*")
_SPANS = {
    "us": 1e-6, "usec": 1e-6, "µs": 1e-6, "ms": 1e-3, "msec": 1e-3, "s": 1, "sec": 1, "second": 1, "seconds": 1, "m": 60,
    "min": 60, "minute": 60, "minutes": 60, "h": 3600, "hr": 3600, "hour": 3600, "hours": 3600, "d": DAY, "day": DAY,
    "days": DAY, "w": 7 * DAY, "week": 7 * DAY, "weeks": 7 * DAY, "month": 30.44 * DAY, "months": 30.44 * DAY,
    "M": 30.44 * DAY, "y": 365.25 * DAY, "year": 365.25 * DAY, "years": 365.25 * DAY, "": 1,
}  # fmt: skip

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-zµ]*)\s*")
LONGEST = 200
"""Characters of a calendar event or a span of time that are looked at."""
Unit = dict[str, list[str]]
"""By ``Section.Key`` what is assigned, in order; an empty value takes back those before it."""


def unit(texts: Iterable[str]) -> Unit:
    """A unit file and its drop-ins, in order."""
    found: Unit = {}
    for text in texts:
        section = ""
        for line in _lines(text):
            if line.startswith("[") and line.endswith("]"):
                section = line[1:-1]
                continue
            key, equals, value = line.partition("=")
            if not equals:
                continue
            name = f"{section}.{key.strip()}"
            if value := value.strip():
                found.setdefault(name, []).append(value)
            else:
                found[name] = []
    return found


def _lines(text: str) -> Iterator[str]:
    """Lines without comments, those that end with a backslash with the next."""
    held = ""
    for raw in text.split("\n")[:MOST_LINES]:
        line = raw.strip()
        if line.startswith(("#", ";")) or (not line and not held):
            continue
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        yield held + line
        held = ""
    if held:
        yield held.strip()


def span(text: str) -> float:
    """A span of time in seconds.

    Raises:
        Unreadable: systemd would refuse it.
    """
    left, total = text.strip()[: LONGEST + 1], 0.0
    while left and (part := _PART.match(left)) and part[2] in _SPANS:
        total += float(part[1][:18]) * _SPANS[part[2]]
        left = left[part.end() :]
    if left or not text.strip() or len(text) > LONGEST:
        raise Unreadable(f"`{text[:80]}` is no span of time")
    return total


# --- calendar events ------------------------------------------------------------------------------------------------------


def calendar(text: str) -> When:
    """The times of an OnCalendar.

    Raises:
        Unreadable: systemd would refuse it, or it is written in a way that is not read here.
    """
    if len(text) > LONGEST:
        raise Unreadable(f"`{text[:80]}…` is no calendar event")
    if text.strip().startswith("@") or re.search(r":[^:]*[0-9]\.[0-9]", text):
        raise Unknown(f"`{text}` names one moment, or parts of a second: that is not worked out")
    words = _NICKNAMES.get(text.strip().lower(), text).split()
    if len(words) > 1 and _ZONE.fullmatch(words[-1]) and not _WEEKDAY.match(words[-1]):
        words.pop()  # in which zone it is counted changes nothing of the time between
        if len(words) == 1 and words[0].lower() in _NICKNAMES:
            words = _NICKNAMES[words[0].lower()].split()
    weekdays: frozenset[int] = frozenset(range(7))
    if words and _WEEKDAY.match(words[0]):
        weekdays = frozenset(_weekdays(words.pop(0).rstrip(","), text))
    date, time = "*-*-*", "00:00:00"
    for word in words:
        if ":" in word:
            time = word
        else:
            date = word
    if len(words) > 2 or not text.strip():
        raise Unreadable(f"`{text}` is no calendar event")
    return When(_days(date, weekdays, text), _times(time, text))


def _weekdays(spelled: str, text: str) -> Iterator[int]:
    for part in spelled.split(","):
        first, dots, last = part.partition(".." if ".." in part else "-")
        begin = _weekday(first, text)
        end = _weekday(last, text) if dots else begin
        if end < begin:
            raise Unreadable(f"`{text}` is no calendar event: {part} runs backwards, from Monday on")
        yield from range(begin, end + 1)


def _weekday(name: str, text: str) -> int:
    for names in (_WEEKDAYS, _LONG):
        if name.lower() in names:
            return names.index(name.lower())
    raise Unreadable(f"`{text}` has no weekday {name}")


def _days(date: str, weekdays: frozenset[int], text: str) -> Callable[[dt.date], bool]:
    last = "~" in date
    parts = date.replace("~", "-").split("-")
    if len(parts) not in (2, 3):
        raise Unreadable(f"`{text}` is no calendar event")
    year = parts[0] if len(parts) == 3 else "*"
    years = None if year == "*" else frozenset(_numbers(year, 1970, 2199, text))
    months = frozenset(_numbers(parts[-2], 1, 12, text))
    days = frozenset(_numbers(parts[-1], 1, 31, text))
    if years is not None:
        raise Unknown(f"`{text}` names years: when it ends is not worked out")

    def runs(day: dt.date) -> bool:
        if day.month not in months or day.weekday() not in weekdays:
            return False
        if not last:
            return day.day in days
        ends = (day.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)
        return ends.day - day.day + 1 in days

    return runs


def _times(time: str, text: str) -> list[int]:
    parts = time.split(":")
    if len(parts) not in (2, 3):
        raise Unreadable(f"`{text}` is no calendar event")
    hours, minutes = (sorted(set(_numbers(part, 0, high, text))) for part, high in zip(parts, (23, 59), strict=False))
    seconds = sorted(set(_numbers(parts[2], 0, 59, text))) if len(parts) == 3 else [0]
    return [hour * 3600 + minute * 60 + second for hour in hours for minute in minutes for second in seconds]


def _numbers(spelled: str, low: int, high: int, text: str) -> Iterator[int]:
    for part in spelled.split(","):
        whole, slash, step = part.partition("/")
        first, dots, last = whole.partition("..")
        if (slash and not re.fullmatch(r"0*[1-9][0-9]{0,5}", step)) or (dots and not last):
            raise Unreadable(f"`{text}` is no calendar event")
        begin = low if first == "*" else _number(first, low, high, text)
        end = _number(last, low, high, text) if dots else high if slash or first == "*" else begin
        if end < begin:
            raise Unreadable(f"`{text}` is no calendar event: {whole} runs backwards")
        yield from range(begin, end + 1, int(step) if slash else 1)


def _number(spelled: str, low: int, high: int, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", spelled) or not low <= int(spelled) <= high:
        raise Unreadable(f"`{text}` is no calendar event: {spelled or 'nothing'} is not from {low} to {high}")
    return int(spelled)
