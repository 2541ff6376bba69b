"""What an alert's texts say: the labels their templates print, and the numbers with units that are written in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Quantity", "Used", "labels_used", "plain_numbers", "quantities"]

MOST = 20_000
"""Characters of one text that are looked at."""
_LABEL = re.compile(r'\$labels\.([A-Za-z_]\w*)|index\s+\$labels\s+"([^"]+)"')
_ROOTED = re.compile(r'(?<![\w$)])\.Labels\.([A-Za-z_]\w*)|index\s+\.Labels\s+"([^"]+)"')
_MOVING = re.compile(r"^-?\s*(?:range|with|define|block)\b")
_ASKING = re.compile(r"^-?\s*(?:if|with|else if|else with)\b|\b(?:or|and|not|eq|ne|match)\b")

_PART = 0.01
_UNITS: dict[str, tuple[str, float]] = {
    "%": ("share", _PART), "percent": ("share", _PART), "per cent": ("share", _PART),
    "ms": ("time", 0.001), "millisecond": ("time", 0.001), "milliseconds": ("time", 0.001),
    "s": ("time", 1), "sec": ("time", 1), "secs": ("time", 1), "second": ("time", 1), "seconds": ("time", 1),
    "m": ("time", 60), "min": ("time", 60), "mins": ("time", 60), "minute": ("time", 60), "minutes": ("time", 60),
    "h": ("time", 3600), "hour": ("time", 3600), "hours": ("time", 3600),
    "d": ("time", 86400), "day": ("time", 86400), "days": ("time", 86400),
    "KiB": ("bytes", 2**10), "MiB": ("bytes", 2**20), "GiB": ("bytes", 2**30), "TiB": ("bytes", 2**40),
    "kB": ("bytes", 10**3), "KB": ("bytes", 10**3), "MB": ("bytes", 10**6), "GB": ("bytes", 10**9), "TB": ("bytes", 10**12),
    "bytes": ("bytes", 1),
}  # fmt: skip
_NUMBER = re.compile(
    r"(?<![\w.,$-])([0-9]{1,9}(?:\.[0-9]{1,6})?)[ -]?("
    + "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
    + r")(?![\w%/])"
)
_COMPARED = re.compile(
    r"\b(?:above|below|over|under|exceeds?|exceeded|than|beyond|least|most|threshold|reaches|>=?|<=?)\W*(?:of\s+|the\s+)?$",
    re.IGNORECASE,
)
_LASTS = re.compile(
    r"\b(?:for|within|over|last|past|during|every|since|previous|each|in)\W+(?:\w+\W+){0,3}$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Used:
    """A label that a template prints."""

    name: str
    action: str
    """``{{ $labels.job }}``."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with a unit, as it stands in a text."""

    text: str
    """``500ms``."""
    number: float
    """500."""
    dimension: str
    """``share``, ``time`` or ``bytes``."""
    factor: float
    """What one of its unit is in the base unit."""
    lasting: bool = False
    """Whether it looks like how long something lasts, and not like a boundary."""

    @property
    def value(self) -> float:
        """In the base unit: 0.5."""
        return self.number * self.factor


def _actions(text: str) -> tuple[list[str], str]:
    """What stands in ``{{ }}``, and the text without it."""
    actions, rest, at = [], [], 0
    text = text[:MOST]
    while (begin := text.find("{{", at)) >= 0:
        end = text.find("}}", begin)
        if end < 0:
            break
        actions.append(text[begin + 2 : end])
        rest.append(text[at:begin])
        at = end + 2
    rest.append(text[at:])
    return actions, "\x00".join(rest)


def labels_used(text: str) -> list[Used]:
    """Labels that a text prints without asking first whether they are there."""
    actions, _ = _actions(text)
    moving = any(_MOVING.search(action.strip()) for action in actions)
    found: dict[str, Used] = {}
    asked: set[str] = set()
    for action in actions:
        names = {a or b for a, b in _LABEL.findall(action)}
        if not moving:
            names |= {a or b for a, b in _ROOTED.findall(action)}
        if _ASKING.search(action.strip()):
            asked |= names
        for name in sorted(names):
            found.setdefault(name, Used(name, "{{" + action + "}}"))
    return [used for name, used in found.items() if name not in asked]


def quantities(text: str) -> list[Quantity]:
    """Numbers with units in what is written outside of the templates."""
    _, written = _actions(text)
    found = []
    for match in _NUMBER.finditer(written):
        dimension, factor = _UNITS[match[2]]
        before = written[max(0, match.start() - 40) : match.start()]
        lasting = (
            dimension == "time"
            and not _COMPARED.search(before)
            and bool(_LASTS.search(before) or before.rstrip()[-1:] in ("(", "["))
        )
        found.append(Quantity(match[0], float(match[1]), dimension, factor, lasting))
    return found


def plain_numbers(text: str) -> set[float]:
    """Numbers that stand before a word of their own, and no unit: 5 of "5 errors per second"."""
    _, written = _actions(text)
    return {
        float(number)
        for number in re.findall(r"(?<![\w.,$-])([0-9]{1,9}(?:\.[0-9]{1,6})?)(?![\w.]|\s?%|\s?per\s?cent)", written)
    }
