"""A crontab, read as Debian's cron reads it: what each line runs, when, and why it does not run or does something else."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from seatrial.drivers._calendar import Unreadable, When

__all__ = ["PATH", "REBOOT", "Line", "Table", "fields", "read"]

PATH = "/usr/bin:/bin"
"""What Debian's cron gives, where a crontab sets none."""
REBOOT = "@reboot"
LONGEST = 64 * 1024
MOST_LINES = 10_000
_NICKNAMES = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_SETTING = re.compile(r"""\s*(?:"(?P<d>[^"]*)"|'(?P<s>[^']*)'|(?P<n>[A-Za-z_][\w]*))\s*=\s*(?P<value>.*)""")
_DATE = re.compile(r"[/_.=+:-]%[-_0^#]?[A-Za-z]")
"""A part of a date in a name. What a command is given to read begins behind a word."""
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}), ("hour", 0, 23, {}), ("day of the month", 1, 31, {}), ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One entry."""

    number: int
    when: str
    user: str
    """Empty in the crontab of a user."""
    command: str
    """What the shell is given: up to the first percent sign."""
    given: str
    """As it is written."""
    times: When | None
    """None for @reboot, and where its times can't be read."""
    problem: str = ""


@dataclass(slots=True)
class Table:
    """One crontab."""

    lines: list[Line] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    unread: list[tuple[int, str]] = field(default_factory=list)
    """Lines that are no entries, and why."""
    unended: bool = False
    """Whether there is no newline at its end."""


def read(text: str, *, system: bool, debian: bool = False) -> Table:
    """A crontab.

    Args:
        text: its content.
        system: whether its lines name a user: /etc/crontab and the files of /etc/cron.d.
        debian: whether it is Debian's cron that reads it, which is stricter than others.
    """
    table = Table(unended=bool(text) and not text.endswith("\n"))
    for number, raw in enumerate(text.split("\n")[:MOST_LINES], 1):
        line = raw.strip(" \t\r") if raw.endswith("\r") else raw.strip(" \t")
        if not line or line.startswith("#"):
            continue
        if setting := _SETTING.fullmatch(line):
            name = setting["d"] or setting["s"] or setting["n"] or ""
            table.settings[name] = setting["value"].strip("\"'")
            continue
        try:
            table.lines.append(_entry(line[:LONGEST], number, system, debian, raw.endswith("\r")))
        except Unreadable as why:
            table.unread.append((number, str(why)))
    return table


def _entry(line: str, number: int, system: bool, debian: bool, carriage: bool) -> Line:
    times: When | None = None
    if line.startswith("@"):
        when, _, rest = _split(line, 1)
        if when != REBOOT:
            if when not in _NICKNAMES:
                raise Unreadable(f"{when} is no time that cron knows")
            times = fields(_NICKNAMES[when])
    else:
        when, count, rest = _split(line, 5)
        if count < 5 or not rest:
            raise Unreadable("it has fewer than five fields and a command")
        times = fields(when, debian=debian)
    user = ""
    if system:
        user, _, rest = _split(rest, 1)
    if not rest:
        raise Unreadable("it has no command" + (" behind the name of a user" if system else ""))
    command, problem = _command(rest)
    if carriage:
        problem = (
            problem
            or "the line ends with a carriage return, which becomes part of the command; save the file without them"
        )
    return Line(number, when, user, command, rest, times, problem)


def _split(text: str, count: int) -> tuple[str, int, str]:
    """The first words of a text, how many there were, and the rest of it."""
    words = text.split(None, count)
    rest = words[count] if len(words) > count else ""
    return " ".join(words[:count]), min(len(words), count), rest


def _command(text: str) -> tuple[str, str]:
    """What the shell is given, and what is wrong with it: at the first percent sign without a backslash it ends."""
    found = re.search(r"(?<!\\)%", text)
    if found is None:
        return text.replace("\\%", "%"), ""
    kept = text[: found.start()].replace("\\%", "%")
    # After it comes what the command is given to read. A date is not meant so, and neither is what leaves something open.
    if not _DATE.match(text, max(0, found.start() - 1)) and not _open(kept):
        return kept, ""
    return kept, f"% ends a command in a crontab: the shell is given `{kept[-60:]}`; write \\%"


def _open(text: str) -> bool:
    """Whether a quote or a parenthesis is not closed."""
    return (
        text.count("(") > text.count(")")
        or text.count("`") % 2 == 1
        or text.count('"') % 2 == 1
        or text.count("'") % 2 == 1
    )


# --- times --------------------------------------------------------------------------------------------------------------


@lru_cache(256)
def fields(text: str, *, debian: bool = False) -> When:
    """The times of five fields.

    Raises:
        Unreadable: cron would refuse them.
    """
    words = text.split()
    if len(words) != len(_FIELDS):
        raise Unreadable(f"`{text}` has not five fields")
    sets = []
    for word, (name, low, high, names) in zip(words, _FIELDS, strict=True):
        sets.append(frozenset(_several(word, name, low, high, names, debian)))
    minutes, hours, days, months, weekdays = sets
    weekdays = frozenset(day % 7 for day in weekdays)
    either = not words[2].startswith("*") and not words[4].startswith("*")

    def runs(date: dt.date) -> bool:
        if date.month not in months:
            return False
        monthly, weekly = date.day in days, date.isoweekday() % 7 in weekdays
        return (monthly or weekly) if either else (monthly and weekly)

    return When(runs, sorted(hour * 3600 + minute * 60 for hour in hours for minute in minutes))


def _several(text: str, name: str, low: int, high: int, names: dict[str, int], debian: bool) -> Iterator[int]:
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if slash and not (step.isdecimal() and int(step[:9]) > 0):
            raise Unreadable(f"bad {name}: {text}")
        first, dash, last = span.partition("~" if "~" in span else "-")
        if span == "*":
            begin, end = low, high
        else:
            begin = _one(first, text, name, low, high, names)
            end = _one(last, text, name, low, high, names) if dash else begin
            if slash and not dash:
                if debian:
                    raise Unreadable(f"bad {name}: {text} (a step needs a range: {first}-{high}/{step})")
                end = high  # as cronie reads it
            if "~" in span:
                end = begin  # any one of them
            if end < begin and names is _DAYS:
                end += 7  # over Sunday: how that is read differs, and nobody means nothing by it
            if end < begin:
                raise Unreadable(f"bad {name}: {text} runs backwards, which cron takes for nothing")
        yield from range(begin, end + 1, int(step[:9]) if slash else 1)


def _one(text: str, whole: str, name: str, low: int, high: int, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not re.fullmatch(r"[0-9]{1,4}", text) or not low <= int(text) <= high:
        raise Unreadable(f"bad {name}: {whole}")
    return int(text)
