"""Thresholds held against what was seen of a metric, and what it says of itself. Neither is enough alone."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seatrial.facts.alerts.operands import Given
from seatrial.facts.alerts.references_asked import said
from seatrial.facts.alerts.references_operations import short
from seatrial.promql.nodes import COMPARISONS, Aggregate, Binary, Call, Node, Series, bare, constant, scalar, walk
from seatrial.words import Finding, Missing

if TYPE_CHECKING:
    from seatrial.facts.alerts.references_judged import Reading, References

__all__ = ["impossible_thresholds"]

_TURNED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}
_STATES = re.compile(
    r"\b1\b[^.;]{0,60}\b0\b|\b0\b[^.;]{0,60}\b1\b|\b(?:1|one) (?:if|when|while|for)\b|\bwhether\b|\bboolean\b",
    re.IGNORECASE,
)
"""Words of a help that say that there are two values."""
_NAMED = re.compile(r"_(?:up|ok|healthy|ready|enabled|available|success)$")
_ONE_OF = frozenset({"min", "max", "topk", "bottomk", "limitk", "min_over_time", "max_over_time", "last_over_time"})
_KEEPS = frozenset({"label_replace", "label_join", "sort", "sort_desc"})
_MILLENNIA = 1e11
"""Seconds; no time that is kept in seconds is so far away, and every time of today in milliseconds is."""


def impossible_thresholds(references: References, reading: Reading) -> Iterator[Finding]:
    """Comparisons of an alert that never hold, or always, because of what is compared."""
    if reading.rule.kind != "alert":
        return
    if isinstance(references.catalog, Missing):
        references.doubt(reading.rule, references.catalog.reason)
    root = bare(reading.expression.root)
    for node in walk(root):
        if not isinstance(node, Binary) or node.op not in COMPARISONS or scalar(node.left) == scalar(node.right):
            continue
        side, other = (node.right, node.left) if scalar(node.left) else (node.left, node.right)
        threshold = constant(other)
        if threshold is None or not math.isfinite(threshold):
            continue
        op = node.op if side is node.left else _TURNED[node.op]
        given = references.given(said(reading.expression, side))
        told = _age(side, given, op, threshold) or _state(
            references, reading, side, given, op, threshold, alone=node is root
        )
        if told:
            yield Finding(references.where(reading.rule, node.start), f"`{short(reading, node)}` {told[0]}", told[1])


def _state(
    references: References,
    reading: Reading,
    side: Node,
    given: Given | None,
    op: str,
    threshold: float,
    *,
    alone: bool,
) -> tuple[str, str] | None:
    """A state that is compared with what is neither 0 nor 1."""
    series = _picked(side)
    known = references.metric(series.metric) if series is not None else None
    if series is None or known is None or known.type not in ("gauge", "untyped", "unknown"):
        return None
    named, helped = _NAMED.search(series.metric), _STATES.search(known.help)
    if references.live:
        if (helped or named) and given is None:
            references.asked(reading.rule, said(reading.expression, side))
        seen = given is not None and given.lowest in (0.0, 1.0) and given.highest in (0.0, 1.0)
        if not seen or not (helped or named):
            return None
    elif not (named and helped):
        return None
    verdict = _verdict(op, threshold)
    if not verdict or (verdict == "holds always" and not alone):
        return None
    why = f": {known.help[:80]!r}" if known.help else ""
    return f"{verdict}: `{series.metric}` is 0 or 1{why}", "a comparison with 0 or 1"


def _verdict(op: str, threshold: float) -> str:
    """What becomes of a comparison of 0 and 1 with a number."""
    both = {
        ">": [value > threshold for value in (0, 1)], ">=": [value >= threshold for value in (0, 1)],
        "<": [value < threshold for value in (0, 1)], "<=": [value <= threshold for value in (0, 1)],
        "==": [value == threshold for value in (0, 1)], "!=": [True, False],
    }[op]  # fmt: skip
    return "never holds" if not any(both) else "holds always" if all(both) else ""


def _picked(node: Node) -> Series | None:
    """The selector whose very values a part gives."""
    node = bare(node)
    match node:
        case Series():
            return node if node.metric and node.metric != "up" else None
        case Aggregate() if node.name in _ONE_OF:
            return _picked(node.body)
        case Call() if (node.name in _ONE_OF or node.name in _KEEPS) and node.arguments:
            return _picked(node.arguments[0])
        case _:
            return None


def _age(side: Node, given: Given | None, op: str, threshold: float) -> tuple[str, str] | None:
    """The age of a time in milliseconds: of what was seen, the latest is thousands of years ahead."""
    side = bare(side)
    if (
        not isinstance(side, Binary)
        or side.op != "-"
        or given is None
        or given.highest is None
        or op not in (">", ">=")
    ):
        return None
    clock = bare(side.left)
    if not isinstance(clock, Call) or clock.name != "time" or given.highest > -_MILLENNIA or threshold < -_MILLENNIA:
        return None
    return (
        f"never holds: it was {given.highest:.3g} at most, so that the time is kept in milliseconds",
        "the time divided by 1000, or kept in seconds",
    )
