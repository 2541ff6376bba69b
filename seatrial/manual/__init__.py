"""The manual: what is known of each requirement, for ``seatrial explain`` and for ``docs/requirements.md``.

Nothing in it is kept by hand. The clause comes from the test, how it is observed from the fixture, the fact and the look,
what a profile must declare from the grammar, and the failure from the specimens, printed as a run prints it.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from seatrial.requirement import Requirement

__all__ = ["Entry", "areas", "entries", "find", "nearest"]

_NEAR = 3
_NONE = 9


@dataclass(frozen=True, slots=True)
class Entry:
    """One requirement and the test that asserts it."""

    requirement: Requirement
    function: Callable[..., Any]


@cache
def entries() -> tuple[Entry, ...]:
    """Every requirement that is shipped, by area and id."""
    from seatrial.catalogue import catalogue

    suites = importlib.import_module("seatrial.suites")
    found = [Entry(requirement, function) for requirement, function in catalogue(suites)]
    return tuple(sorted(found, key=lambda entry: (entry.requirement.area, entry.requirement.id)))


def areas(chosen: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Entries by area."""
    by_area: dict[str, list[Entry]] = {}
    for entry in chosen:
        by_area.setdefault(entry.requirement.area, []).append(entry)
    return by_area


def find(words: str, among: Iterable[Entry]) -> list[Entry]:
    """What is meant by an id, an area, a test's name, its words, or a part of these; several when several fit."""
    among = list(among)
    said = _plain(words)
    if not said:
        return []
    ranked = [(_fit(said, entry.requirement), entry) for entry in among]
    best = min((fit for fit, _ in ranked), default=_NONE)
    return [entry for fit, entry in ranked if fit == best < _NONE]


def _fit(said: str, requirement: Requirement) -> int:
    """How well words fit a requirement; 0 is best."""
    id, title = _plain(requirement.id), _plain(requirement.title)
    fits = (
        said in (id, title),
        said in (_plain(requirement.area), id.partition(" ")[0]),
        said in title or said in id,
        all(word in title for word in said.split()),
        all(word in _plain(requirement.clause) for word in said.split()),
    )
    return fits.index(True) if any(fits) else _NONE


def nearest(words: str, among: Iterable[Entry]) -> list[Entry]:
    """The entries whose id or name is most like what was said."""
    said = _plain(words)

    def likeness(entry: Entry) -> float:
        requirement = entry.requirement
        matcher = difflib.SequenceMatcher(b=said)
        best = 0.0
        for name in (_plain(requirement.id), _plain(requirement.title)):
            matcher.set_seq1(name)
            best = max(best, matcher.ratio())
        return best

    return sorted(among, key=likeness, reverse=True)[:_NEAR]


def _plain(words: str) -> str:
    """Words as they are compared: ``CTR-001``, ``ctr 001`` and ``CTR_001`` are the same."""
    name = words.partition("[")[0].rpartition("::")[2]
    return " ".join(name.removeprefix("test_").replace("_", " ").replace("-", " ").lower().split())
