"""One requirement on a terminal, and the list of them all."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from seatrial.manual import Entry, areas
from seatrial.manual.declaring import declared, waiver
from seatrial.manual.observing import observed
from seatrial.outcomes import Mode
from seatrial.writers._sources import link

__all__ = ["FAILURES", "as_json", "coloured", "failures", "listing", "page"]

FAILURES = Path(__file__).with_name("failures.json")
"""By id, a failure as a run prints it; made from the specimens by ``python -m tests.printed``."""
WIDTH = 100
_LABEL = 10
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


@cache
def failures() -> dict[str, list[str]]:
    """The printed failures, a list of lines each."""
    try:
        made: dict[str, list[str]] = json.loads(FAILURES.read_text(encoding="utf-8"))
    except OSError:
        return {}
    return made


def coloured() -> bool:
    """Whether standard output is a terminal that is to have colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def listing(chosen: Iterable[Entry], *, colour: bool = False) -> Iterator[str]:
    """One line a requirement, by area."""
    by_area = areas(chosen)
    for area, entries in by_area.items():
        yield _bold(area, colour)
        for entry in entries:
            requirement = entry.requirement
            tier = "" if requirement.tier == 0 else f" [{requirement.tier}]"
            yield f"  {requirement.id}  {requirement.level:<10}  {requirement.title}{tier}"
    number = sum(map(len, by_area.values()))
    yield f"{number} requirements in {len(by_area)} area{'s' if len(by_area) != 1 else ''}; seatrial explain ID tells one"


def page(entry: Entry, *, expires: str, colour: bool = False, width: int = WIDTH) -> Iterator[str]:
    """Everything about one requirement.

    Args:
        expires: the date in the example of a waiver.
        width: columns to fold text at.
    """
    requirement = entry.requirement
    yield _bold(f"{requirement.id}  {requirement.title}", colour)
    for label, text in _rows(entry):
        yield from _labelled(label, text, width)
    yield ""
    if printed := failures().get(requirement.id):
        yield _bold("A failure, as a run prints it", colour)
        yield ""
        yield from (f"    {line}".rstrip() for line in printed)
        yield ""
    yield _bold("An exception, in the profile", colour)
    yield ""
    yield from (f"    {line}" for line in waiver(requirement, expires).splitlines())
    yield ""
    yield from textwrap.wrap(
        "It covers that subject for at most 90 days, is printed in every report, and never covers what could not be "
        "looked at. The test still runs.",
        width,
        initial_indent="  ",
        subsequent_indent="  ",
    )


def _rows(entry: Entry) -> Iterator[tuple[str, str]]:
    requirement = entry.requirement
    how, where = observed(requirement, entry.function), declared(requirement)
    yield "clause", requirement.clause
    binding = "; binding where the profile says `hardening: restricted`" if requirement.hardening else ""
    yield "level", f"{requirement.level}{binding}"
    if requirement.why:
        yield "why", requirement.why
    by_meaning: dict[str, list[str]] = {}
    for key, meaning in where.keys:
        by_meaning.setdefault(meaning, []).append(key)
    for number, (meaning, keys) in enumerate(by_meaning.items()):
        yield "declared" if number == 0 else "", ", ".join(keys) + (f": {meaning}" if meaning else "")
    if not where.keys:
        yield "declared", f"needs {requirement.needs}" if requirement.needs else f"by the noun {requirement.noun}"
    yield "n/a", f"where {where.lacking}"
    yield "drivers", ", ".join(where.drivers) or "none of this version"
    yield "observed", f"{how.fact}: {how.finds}" if how.fact else how.comparison
    for name, about in how.looks:
        yield "", f"{name}: {about}"
    yield "passes", f"when {how.comparison}"
    for number, (name, right) in enumerate(how.rights):
        yield "rights" if number == 0 else "", f"{name}: {right}"
    yield "tier", str(requirement.tier)
    if requirement.see:
        yield "by hand", requirement.see
    yield "fix", requirement.fix
    for number, reference in enumerate(requirement.refs):
        url = link(reference)
        yield "source" if number == 0 else "", f"{reference} <{url}>" if url and url not in reference else reference
    mode = next(mode for mode in Mode if mode.tier >= requirement.tier)
    yield "alone", f"seatrial {mode} PROFILE -k {requirement.test}"


def _labelled(label: str, text: str, width: int) -> list[str]:
    """A label and its text, folded; a command or a URL is never broken."""
    margin = " " * (_LABEL + 2)
    folded = textwrap.wrap(
        text,
        width,
        initial_indent=f"  {label:{_LABEL}}",
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return folded if label not in ("by hand", "alone") else [f"  {label:{_LABEL}}{text}"]


def as_json(chosen: Iterable[Entry]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "id": entry.requirement.id,
            "title": entry.requirement.title,
            "test": entry.requirement.test,
            "area": entry.requirement.area,
            "level": entry.requirement.level.value,
            "hardening": entry.requirement.hardening,
            "tier": str(entry.requirement.tier),
            "clause": entry.requirement.clause,
            "why": entry.requirement.why,
            "see": entry.requirement.see,
            "fix": entry.requirement.fix,
            "refs": [{"name": name, "url": link(name)} for name in entry.requirement.refs],
            "declared": dict(declared(entry.requirement).keys),
            "drivers": list(declared(entry.requirement).drivers),
            "observed": (how := observed(entry.requirement, entry.function)).fact,
            "finds": how.finds,
            "looks": dict(how.looks),
            "rights": dict(how.rights),
            "failure": failures().get(entry.requirement.id, []),
        }
        for entry in chosen
    ]


def _bold(text: str, colour: bool) -> str:
    return f"{_BOLD}{text}{_PLAIN}" if colour else text
