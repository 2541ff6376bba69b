"""The times in an expression: its ranges and offsets. They say how long one has to look, and nothing about what is selected."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.facts.alerts.rules import Rule

__all__ = ["offsets", "ranges", "without_strings"]

# One that does not end is taken to the end, so that it is looked at once.
_STRING = re.compile(r"\"(?:\\.?|[^\"\\])*(?:\"|\Z)|'(?:\\.?|[^'\\])*(?:'|\Z)|`[^`]*(?:`|\Z)", re.DOTALL)
_RANGE = re.compile(r"\[\s*((?:\d+(?:ms|[smhdwy]))+)\s*(?::[^\]]*)?\]")
_OFFSET = re.compile(r"\boffset\s+((?:\d+(?:ms|[smhdwy]))+)")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}


def without_strings(expr: str) -> str:
    """An expression without what its strings hold."""
    return _STRING.sub('""', expr)


def _seconds(text: str) -> float:
    return float(sum(int(n) * _UNITS[u] for n, u in re.findall(r"(\d+)(ms|[smhdwy])", text)))


def ranges(rules: Sequence[Rule]) -> list[float]:
    """Seconds of every range in the expressions; they say how long one has to look, and nothing about what is selected."""
    return [_seconds(found[1]) for rule in rules for found in _RANGE.finditer(without_strings(rule.expr))]


def offsets(rules: Sequence[Rule]) -> float:
    """Seconds of all offsets together."""
    return sum(_seconds(found[1]) for rule in rules for found in _OFFSET.finditer(without_strings(rule.expr)))
