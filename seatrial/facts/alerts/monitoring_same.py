"""Whether a rule of a file and a rule that a server has loaded are the same, however each is written.

A server prints an expression in its own way: other spaces, matchers in order, `60m` as `1h`, labels of an aggregation in
front of it. Both are therefore read and printed by one parser before they are compared.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seatrial.words import Duration

if TYPE_CHECKING:
    from seatrial.facts.alerts.monitoring import LoadedRule
    from seatrial.facts.alerts.rules import Rule

__all__ = ["Undecided", "differences", "same_expression"]

HIDDEN = "<secret"
"""How what stands in place of a secret begins; such a text can't be compared."""
LONGEST = 160
SHORT = 500
"""Characters of an expression that can't be nested deeply enough to do harm."""
_TOKEN = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`|[\w:.]+|[^\w\s]")
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([\w,\s]*)\)")


class Undecided(Exception):
    """Whether two rules are the same can't be told; the text says why."""


@functools.lru_cache(maxsize=4096)
def _normal(expression: str) -> str | None:
    """An expression as it is printed by the one who read it; None when it can't be read."""
    import promql_parser

    from seatrial.promql.reading import parse

    try:
        if len(expression) > SHORT:
            parse(expression)  # within bounds of length and depth, which the other has not
        printed = promql_parser.parse(expression).prettify()
    except ValueError:
        return None
    return _GROUPING.sub(_sorted, " ".join(str(printed).split()))


def _sorted(labels: re.Match[str]) -> str:
    return f"{labels[1]} ({', '.join(sorted(word.strip() for word in labels[2].split(',') if word.strip()))})"


def same_expression(one: str, other: str) -> bool:
    """Whether two expressions ask the same.

    Raises:
        Undecided: one of them can't be read.
    """
    if HIDDEN in one or HIDDEN in other:
        return True
    if _TOKEN.findall(one) == _TOKEN.findall(other):
        return True  # spaces alone
    first, second = _normal(one), _normal(other)
    if first is None or second is None:
        raise Undecided("its expression can't be read here, and is not written alike")
    return first == second


def differences(rule: Rule, loaded: LoadedRule) -> Iterator[tuple[tuple[int, int], str]]:
    """What differs: line and column in the file, and what is told of it.

    Raises:
        Undecided: the expressions can't be compared.
    """
    if rule.lasting != loaded.lasting:
        yield _line(rule, "for"), f"is loaded with for: {_span(loaded.lasting)}, not {_span(rule.lasting)}"
    if loaded.keep_firing is not None and rule.keep_firing != loaded.keep_firing:
        told = f"{_span(loaded.keep_firing)}, not {_span(rule.keep_firing)}"
        yield _line(rule, "keep_firing_for"), f"is loaded with keep_firing_for: {told}"
    for kind, ours, theirs in (
        ("labels", rule.labels, loaded.labels),
        ("annotations", rule.annotations, loaded.annotations),
    ):
        for name in sorted(ours.keys() | theirs.keys()):
            if told := _text(kind, name, ours.get(name), theirs.get(name)):
                yield _line(rule, f"{kind}.{name}"), told
    if not same_expression(rule.expr, loaded.query):
        mine, other = _pieces(_normal(rule.expr) or rule.expr, _normal(loaded.query) or loaded.query)
        at = rule.expr.find(mine) if mine and rule.expr.count(mine) == 1 else 0
        yield rule.place(at), f"is loaded with `{_cut(other)}` where the file has `{_cut(mine)}`"


def _line(rule: Rule, key: str) -> tuple[int, int]:
    return rule.lines.get(key, rule.lines.get(key.partition(".")[0], rule.line)), 0


def _span(seconds: float) -> str:
    return str(Duration(seconds)) if seconds else "0s"


def _text(kind: str, name: str, ours: str | None, theirs: str | None) -> str:
    """How one label or annotation differs. Of an annotation, which may be long, nothing is shown."""
    if ours == theirs or HIDDEN in (ours or "") or HIDDEN in (theirs or ""):
        return ""
    if kind == "annotations" and ours is not None and theirs is not None:
        return "" if ours.split() == theirs.split() else f"is loaded with another annotation {name}"
    what = f"{kind.removesuffix('s')} {name}"
    if ours is None:
        return f"is loaded with {what}, which the file does not have"
    if theirs is None:
        return f"is loaded without {what}"
    return f"is loaded with {what}: {_cut(theirs)}, not {_cut(ours)}"


def _pieces(ours: str, theirs: str) -> tuple[str, str]:
    """Where two expressions differ: what the one has there, and the other, with a word before it."""
    mine, other = list(_TOKEN.finditer(ours)), list(_TOKEN.finditer(theirs))
    start = 0
    while start < min(len(mine), len(other)) and mine[start][0] == other[start][0]:
        start += 1
    end = 0
    while end < min(len(mine), len(other)) - start and mine[-1 - end][0] == other[-1 - end][0]:
        end += 1

    def piece(text: str, tokens: list[re.Match[str]]) -> str:
        kept = tokens[max(0, start - 1) : len(tokens) - end]
        return text[kept[0].start() : kept[-1].end()] if kept else ""

    return piece(ours, mine), piece(theirs, other)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
