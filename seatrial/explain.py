"""What was expected and what was seen, from the live operands of a failed comparison.

Tests put what was observed on the left and what is right on the right; `explain` turns the two into sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Operands", "explain"]

_EXPECTED = {
    "==": "{}",
    "!=": "anything but {}",
    "<": "less than {}",
    "<=": "at most {}",
    ">": "more than {}",
    ">=": "at least {}",
    "in": "one of {}",
    "not in": "none of {}",
    "is": "{}",
    "is not": "anything but {}",
}


@dataclass(frozen=True, slots=True)
class Operands:
    """The two sides of a comparison that did not hold, in words."""

    expected: str
    seen: tuple[str, ...]


def _many(value: object) -> bool:
    return isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes)


def _words(value: object) -> str:
    if _many(value):
        return ", ".join(str(item) for item in value) or "none"  # type: ignore[attr-defined]
    if value is None:
        return "nothing"
    return f'"{value}"' if isinstance(value, str) else str(value)


def explain(op: str, left: object, right: object) -> Operands:
    """The operands of ``left op right`` in words; every finding on the left is an entry of its own."""
    seen = tuple(str(item) for item in left) if _many(left) else (_words(left),)  # type: ignore[attr-defined]
    own = [getattr(item, "expected", "") for item in left] if _many(left) else []  # type: ignore[attr-defined]
    if own and all(own):  # "none" beside findings that each say what was expected of them would be no answer
        return Operands("; ".join(dict.fromkeys(own)), seen)
    if own and op == "==" and _many(right) and not right:
        return Operands("none of these", seen)
    return Operands(_EXPECTED.get(op, op + " {}").format(_words(right)), seen or ("none",))
