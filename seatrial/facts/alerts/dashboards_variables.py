"""Grafana's variables in an expression: what a Prometheus would be asked, with something in their place.

Grafana writes `$x`, `${x}`, `${x:regex}` and `[[x]]`. What a variable stands for is not known; where it stands is: within quotes it
is a text, within brackets or behind `offset` a duration, anywhere else a name or a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Filled", "fill", "used"]

_VARIABLE = re.compile(
    r"\$\{(?P<braced>[A-Za-z_]\w*)(?:\.[\w.]+)?(?::[\w()]*)?\}|\[\[(?P<old>[A-Za-z_]\w*)(?:\.[\w.]+)?(?::\w+)?\]\]|\$(?P<plain>[A-Za-z_]\w*)"
)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|' r"'(?:[^'\\]|\\.)*'" r"|`[^`]*`", re.DOTALL)
_DURATIONS = {"__rate_interval": "5m", "__interval": "1m", "__range": "1h"}
_NUMBERS = {
    "__interval_ms": "60000", "__rate_interval_ms": "300000", "__range_s": "3600", "__range_ms": "3600000",
    "__from": "1700000000000", "__to": "1700003600000",
}  # fmt: skip
MARK = "seatrialvariable"
"""What stands for a name or a text that is not known."""


@dataclass(frozen=True, slots=True)
class Filled:
    """An expression without variables, and the way back."""

    text: str
    original: str
    pieces: tuple[tuple[int, int, int, int], ...]
    """For each variable: start and end in the text, start and end in the original."""
    free: bool = False
    """Whether one of them stands where it may be anything: a name, a number, a whole expression."""

    def quoted(self, start: int, end: int) -> str:
        """The characters of the original that stand behind a piece of the text."""
        return self.original[self._back(start, last=False) : self._back(end, last=True)]

    def _back(self, offset: int, *, last: bool) -> int:
        shift = 0
        for a, b, c, d in self.pieces:
            if a < offset < b:
                return d if last else c
            if b <= offset:
                shift = d - b
        return offset + shift


def used(text: str) -> set[str]:
    """Names of the variables in a text, without Grafana's own."""
    return {name for match in _VARIABLE.finditer(text) if not (name := _name(match)).startswith("__")}


def _name(match: re.Match[str]) -> str:
    return match["braced"] or match["old"] or match["plain"]


def fill(expr: str, kinds: dict[str, str] | None = None, *, number: bool = False) -> Filled:
    """An expression with something in place of its variables.

    Args:
        expr: as the dashboard has it.
        kinds: what kind each variable is, by name; one of kind ``interval`` is a duration wherever it stands.
        number: put a number in place of what may be a name or a number.
    """
    found: list[str] = []
    pieces: list[tuple[int, int, int, int]] = []
    at = length = 0
    free = False
    strings = [match.span() for match in _STRING.finditer(expr)]
    string = 0
    for match in _VARIABLE.finditer(expr):
        start, end = match.span()
        while string < len(strings) and strings[string][1] <= start:
            string += 1
        quoted = string < len(strings) and strings[string][0] < start
        before, name = expr[at:start], _name(match)
        found.append(before)
        length += len(before)
        put, certain = _instead(name, quoted, expr, start, end, (kinds or {}).get(name, ""), number)
        free = free or not certain
        pieces.append((length, length + len(put), start, end))
        found.append(put)
        length += len(put)
        at = end
    found.append(expr[at:])
    return Filled("".join(found), expr, tuple(pieces), free)


def _instead(name: str, quoted: bool, expr: str, start: int, end: int, kind: str, number: bool) -> tuple[str, bool]:
    """What stands for one variable, and whether it can only be that."""
    if quoted:
        return MARK, True
    if name in _NUMBERS:
        return _NUMBERS[name], True
    before = expr[max(0, start - 40) : start]
    unit = re.match(r"(?:ms|[smhdwy])\b", expr[end : end + 3])
    timed = re.search(r"[\[:]\s*$|\boffset\s+-?\s*$", before)
    if unit or (timed and not number) or name in _DURATIONS or kind == "interval":
        return ("5" if unit else _DURATIONS.get(name, "5m")), True
    # Part of a name: `node_${part}_total`, or all of it.
    inside = bool(re.search(r"[\w:]$", before) or re.match(r"[\w:]", expr[end : end + 1]))
    if number and not inside:
        return "1", False
    return MARK, False
