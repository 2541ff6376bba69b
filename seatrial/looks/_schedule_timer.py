"""Timers of systemd as they are installed: whether one is enabled, when it elapses, and whether it starts what makes the backup."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from seatrial.drivers import _units
from seatrial.drivers._calendar import Unknown, Unreadable, When, longest
from seatrial.facts.backups.schedule import Entry
from seatrial.words import Missing

if TYPE_CHECKING:
    from seatrial.looks._schedule_cron import Found
    from seatrial.looks._schedule_tree import Tree

__all__ = ["timer"]

_FOLDERS = (
    "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
)  # fmt: skip
LONGEST = 4096
"""Characters of what it starts that are looked at."""
MOST = 50
"""Calendar events of one timer."""
SPREAD = 4
"""A random delay of up to this part of the interval is there to spread load, and nobody counts it."""
_PLACE = re.compile(r"(?P<prefix>.*?)(?:/etc|/run|/usr/local/lib|/usr/lib|/lib)/systemd/system/[^/]+")
_STARTS = ("OnBootSec", "OnStartupSec", "OnActiveSec")
_AGAIN = ("OnUnitActiveSec", "OnUnitInactiveSec")
_SHELLS = frozenset(("sh", "bash", "dash", "ash", "zsh", "ksh", "busybox", "env"))
_WORDS = frozenset((">", ">>", "|", "&&", "||", "2>&1", "<"))
_DATE = re.compile(r"\bdate\b[^|;]*\+[^|;]*?(?<!%)(?:%%)*%[A-Za-z]")


def timer(tree: Tree, path: str, runs: str, told: Callable[[str], str]) -> Found | None:
    """What a timer has of a backup; None when its unit file is not there.

    Args:
        tree: the file system it is in.
        path: of the unit file, absolute.
        runs: text that ExecStart of what it starts holds.
        told: takes secrets out of a text.
    """
    text = tree.text(path)
    if text is None:
        return None
    place = _PLACE.fullmatch(path)
    prefix = place["prefix"] if place else ""
    name = os.path.basename(path)
    texts, _ = _unit(tree, prefix, name, (path, text))
    unit = _units.unit(texts)
    said, whens, gaps, wrong, unknown = _when(unit)
    starts = (unit.get("Timer.Unit") or [name.removesuffix(".timer") + ".service"])[-1]
    command, missing = _command(tree, prefix, starts, os.path.dirname(path))
    ours = not command or runs in command
    if not ours:
        return [], [Entry(tree.where(path), told(command)[:300], said)], []
    problem = (
        _misplaced(name, place)
        or _disabled(tree, prefix, name, unit)
        or wrong
        or (missing and f"it starts {starts}, and {missing}")
        or _undone(tree, command)
    )
    gap = _longest(whens, gaps)
    if unknown:
        gap = None
    elif not problem and gap is None:
        problem = f"its date never comes: {said}"
    entry = Entry(
        where=tree.where(path),
        runs=told(command)[:300] or starts,
        when=said,
        longest=Missing(unknown or "it never elapses") if gap is None else gap,
        problem=told(problem),
    )
    return [entry], [], [] if problem or unknown else [*whens, *gaps]


def _longest(whens: list[When], gaps: list[float]) -> float | None:
    known = [gap for gap in (longest(whens), *gaps) if gap is not None]
    return min(known, default=None)


def _unit(tree: Tree, prefix: str, name: str, own: tuple[str, str] | None = None) -> tuple[list[str], str]:
    """The texts of a unit, its drop-ins last, and where it lies; nothing when it is nowhere."""
    folders = [f"{prefix}{folder}" for folder in _FOLDERS]
    path, text = own or ("", None)
    if own is None:
        template = re.sub(r"@[^@]*(?=\.\w+$)", "@", name)
        for folder in folders:
            for each in dict.fromkeys((name, template)):
                if text is None and (text := tree.text(f"{folder}/{each}")) is not None:
                    path = f"{folder}/{each}"
    if text is None:
        return [], ""
    drops = [f"{folder}/{name}.d/{each}" for folder in folders for each in tree.listed(f"{folder}/{name}.d")]
    return [text, *(tree.text(each) or "" for each in drops if each.endswith(".conf"))], path


def _misplaced(name: str, place: re.Match[str] | None) -> str:
    if not name.endswith(".timer"):
        return f"a timer's unit file ends in .timer, and this is {name}"
    return "" if place else f"systemd looks for units in {_FOLDERS[0]} and the like, and this lies elsewhere"


def _disabled(tree: Tree, prefix: str, name: str, unit: _units.Unit) -> str:
    """Why systemd does not start a timer with the machine."""
    wanted = " ".join(unit.get("Install.WantedBy", []) + unit.get("Install.RequiredBy", [])).split()
    for target in dict.fromkeys([*wanted, "timers.target", "multi-user.target", "basic.target", "default.target"]):
        for folder in _FOLDERS:
            for kind in ("wants", "requires"):
                if tree.find(f"{prefix}{folder}/{target}.{kind}/{name}", 0) is not None:
                    return ""
    more = "" if wanted else "; it has no [Install] section that says by what"
    return f"it is not enabled: no {(wanted or ['timers.target'])[0]}.wants has a link to it (systemctl enable --now {name}){more}"


def _when(unit: _units.Unit) -> tuple[str, list[When], list[float], str, str]:
    """When a timer elapses: in words, by the calendar, by spans of time, what is wrong with that, and what is not known of it."""
    whens: list[When] = []
    gaps: list[float] = []
    said, wrong, unknown = [], "", ""
    later = 0.0
    for value in unit.get("Timer.RandomizedDelaySec", [])[-1:]:
        try:
            later = _units.span(value)
        except Unreadable:
            later = 0.0
    events = unit.get("Timer.OnCalendar", [])
    if len(events) > MOST:
        unknown = f"it has more than {MOST} calendar events"
    for value in events[:MOST]:
        said.append(f"OnCalendar={value}")
        try:
            when = _units.calendar(value)
        except Unknown as why:
            unknown = str(why)
            continue
        except Unreadable as why:
            wrong = wrong or str(why)
            continue
        gap = longest([when])
        if gap is not None and later > gap / SPREAD:
            gaps.append(gap + later)
        else:
            whens.append(when)
    begins = bool(whens or gaps or unknown)
    for key in _STARTS:
        for value in unit.get(f"Timer.{key}", []):
            said.append(f"{key}={value}")
            begins = True
    for key in _AGAIN:
        for value in unit.get(f"Timer.{key}", []):
            said.append(f"{key}={value}")
            try:
                gaps.append(_units.span(value))
            except Unreadable as why:
                wrong = wrong or f"{key}: {why}"
    spelled = ", ".join(said)
    if not said:
        wrong = "nothing says when it elapses: it has neither OnCalendar nor OnUnitActiveSec"
    elif whens or gaps or unknown:
        wrong = (
            ""
            if begins
            else f"it never elapses a first time: {spelled} counts from a start that nothing makes; add OnBootSec"
        )
    elif not wrong:
        wrong = f"it elapses once, when the machine starts: {spelled}"
    return spelled, whens, gaps, wrong, unknown


def _command(tree: Tree, prefix: str, name: str, beside: str) -> tuple[str, str]:
    """What a service runs, its ExecStart one after the other; else why that is not known."""
    texts, path = _unit(tree, prefix, name)
    if not texts and (text := tree.text(f"{beside}/{name}")) is not None:
        texts, path = [text], f"{beside}/{name}"
    if not texts:
        return "", "there is no such unit"
    command = "; ".join(_units.unit(texts).get("Service.ExecStart", []))
    return command, "" if command else f"{path} has no ExecStart"


def _undone(tree: Tree, command: str) -> str:
    """Why what it starts can't do what it is written for."""
    for line in command[:LONGEST].split("; "):
        words = line.lstrip("-@:+!|").split()
        if not words:
            continue
        program = words[0].strip("\"'")
        if program.startswith("/") and "%" not in program and tree.program(program, "") is None:
            there = tree.find(program, 0)
            return f"{program} is not executable" if there else f"there is no {program}"
        if found := next(_shell(words, program), ""):
            return f"systemd starts no shell: `{found}` is an argument of {program}; write a script, or /bin/sh -c '…'"
        if _DATE.search(line):
            return "% begins a specifier in a unit file, so that date is given something else; write %%"
    return ""


def _shell(words: list[str], program: str) -> Iterator[str]:
    """What only a shell would understand, where none is started."""
    if not any(os.path.basename(word.strip("\"'")) in _SHELLS for word in (program, *words[1:3])):
        yield from (word for word in words[1:] if word in _WORDS or word.startswith("$("))
