"""What becomes of operations: those that give nothing, those that are decided before they are asked, and alerts that are not at rest."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from seatrial.facts.operands import Given, Operands
from seatrial.facts.references_asked import fetches, filters, later, made, matched, matching, said, series, unfiltered
from seatrial.facts.references_ranges import Range, Ranges
from seatrial.promql.nodes import COMPARISONS, Aggregate, Binary, Call, Node, Series, bare, constant, scalar, walk
from seatrial.words import Finding, Missing

if TYPE_CHECKING:
    from seatrial.facts.references_judged import Reading, References

__all__ = ["dead_operations", "decided_conditions", "restless_alerts"]

_TURNED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}
_EXISTENCE = frozenset(
    {"absent", "absent_over_time", "present_over_time", "count", "group", "vector", "time", "timestamp"}
)
MOST_SHAPES = 20
LEAST = 4
"""Moments, and scrapes, after which what gives nothing will not give anything."""


# --- operations that give nothing -------------------------------------------------------------------------------------


def dead_operations(references: References, reading: Reading) -> Iterator[Finding]:
    """Operations that give nothing though all they are made of has series."""
    operands = references.operands
    if not isinstance(operands, Operands) or not operands.origin:
        return
    for node in walk(reading.expression.root):
        if later(node):
            continue
        if matched(node) and isinstance(node, Binary):
            yield from _apart(references, operands, reading, node)
        elif (found := fetches(node)) is not None:
            yield from _starved(references, operands, reading, node, found)


def _apart(references: References, operands: Operands, reading: Reading, node: Binary) -> Iterator[Finding]:
    """Two sides whose series never have the labels that would match."""
    texts = [said(reading.expression, unfiltered(side)) for side in (node.left, node.right)]
    left, right = (operands.of(text) for text in texts)
    both = operands.of(matching(reading.expression, node))
    if left is None or right is None or both is None:
        if operands.unasked:
            references.doubt(reading.rule, f"`{_short(reading, node)}` was not asked")
        return
    if both.ever or not (left.now and right.now):
        return
    shapes = [operands.shapes.get(text) for text in texts]
    if shapes[0] is None or shapes[1] is None or max(map(len, (shapes[0], shapes[1]))) >= MOST_SHAPES:
        return
    names = {word.name for word in node.labels}
    kept = [{_matched_by(node.matching, names, shape) for shape in side or ()} for side in shapes]
    if kept[0] & kept[1]:
        return  # the same labels with other values: that may be so today
    told = [_list(frozenset().union(*side)) for side in kept]
    common = set.intersection(*(set(shape) for side in shapes for shape in side or ()))
    yield Finding(
        references.where(reading.rule, node.at or node.start),
        f"`{_short(reading, node)}` gives nothing, though both sides do: they are matched by {told[0]} on the left, "
        f"and by {told[1]} on the right",
        f"`{node.op} on ({', '.join(sorted(common))})`, or both sides grouped alike"
        if common
        else "both sides grouped alike",
    )


def _matched_by(kind: str, names: set[str], shape: tuple[str, ...]) -> frozenset[str]:
    return frozenset(shape) & names if kind == "on" else frozenset(shape) - names


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "no label"


def _starved(
    references: References, operands: Operands, reading: Reading, node: Node, found: Series
) -> Iterator[Finding]:
    """A function over a time in which there are too few samples."""
    text = said(reading.expression, node)
    selected, result = operands.of(made(found)), operands.of(text)
    if selected is None or result is None or result.ever or not selected.now or found.range is None:
        return
    there = sum(1 for _ in selected.series) and _trailing(selected) * operands.step
    if _trailing(selected) < LEAST or there < LEAST * max(operands.interval, 1.0) or there < 2 * found.range:
        return
    if operands.interval and found.range < 2 * operands.interval:
        return  # told by what compares ranges with the interval of scrapes
    yield Finding(
        references.where(reading.rule, node.start),
        f"`{_short(reading, node)}` gives nothing, though `{made(found)}` has {selected.now} series: in "
        f"{found.range:g} s there are not two samples of any",
        "a range of at least four scrapes of this job",
    )


def _trailing(given: Given) -> int:
    """At how many moments, up to now, it gave something without a break."""
    count = 0
    for number in reversed(given.series):
        if not number:
            break
        count += 1
    return count


# --- conditions that are decided before they are asked ----------------------------------------------------------------


def decided_conditions(references: References, reading: Reading) -> Iterator[Finding]:
    """Comparisons of an alert that never hold, and such that hold whenever there is anything."""
    if reading.rule.kind != "alert":
        return
    if isinstance(references.catalog, Missing):
        references.doubt(reading.rule, references.catalog.reason)
    ranges = Ranges(reading.expression, references.metric)
    root = bare(reading.expression.root)
    for node in walk(root):
        if not isinstance(node, Binary) or node.op not in COMPARISONS or scalar(node.left) == scalar(node.right):
            continue
        side, other = (node.right, node.left) if scalar(node.left) else (node.left, node.right)
        threshold = constant(other)
        if threshold is None or not math.isfinite(threshold):
            continue
        op = node.op if side is node.left else _TURNED[node.op]
        range = ranges.of(side)
        if not range.known or _disproved(references.given(said(reading.expression, side)), range):
            continue
        verdict = _verdict(op, range, threshold)
        if verdict == "always" and (node is not root or filters(side) or _exists(references, side)):
            continue
        if verdict:
            yield Finding(
                references.where(reading.rule, node.start),
                f"`{_short(reading, node)}` {'never holds' if verdict == 'never' else 'holds whenever there is anything'}: "
                f"{range.why or _between(range)}",
                _wanted(verdict, range, threshold, side),
            )


def _verdict(op: str, range: Range, threshold: float) -> str:
    """``never``, ``always``, or nothing."""
    low, high = range.low, range.high
    never = {
        ">": high <= threshold, ">=": high < threshold, "<": low >= threshold, "<=": low > threshold,
        "==": not low <= threshold <= high, "!=": low == high == threshold,
    }[op]  # fmt: skip
    always = {">": low > threshold, ">=": low >= threshold, "<": high < threshold, "<=": high <= threshold}.get(
        op, False
    )
    return "never" if never else "always" if always else ""


def _disproved(given: Given | None, range: Range) -> bool:
    """Whether something was seen that should not be possible: then what is thought to be known is not so."""
    if given is None:
        return False
    slack = 1e-6
    return (given.highest is not None and given.highest > range.high + slack * max(1, abs(range.high))) or (
        given.lowest is not None and given.lowest < range.low - slack * max(1, abs(range.low))
    )


def _exists(references: References, side: Node) -> bool:
    """Whether a side is there only when something is so: that it is there is the condition."""
    if any(isinstance(node, Call | Aggregate) and node.name in _EXISTENCE for node in walk(side)):
        return True
    known = [references.metric(each.metric) for each in series(side)]
    return any(metric is not None and metric.type in ("info", "stateset") for metric in known)


def _between(range: Range) -> str:
    return f"it is between {range.low:g} and {range.high:g}"


def _wanted(verdict: str, range: Range, threshold: float, side: Node) -> str:
    side = bare(side)
    if isinstance(side, Call) and side.name == "vector":
        return "parentheses: `(… or vector(…)) > …`, for a comparison binds closer than `or`"
    if range.low == range.high == 1 and verdict == "always":
        return "a division by all there is, summed without that label"
    if range.high == 1 and threshold > 1 and "part of" in range.why:
        return f"{threshold / 100:g}, where {threshold:g}% is meant"
    if verdict == "never" and "bucket" in range.why:
        return f"a bucket above {threshold:g}, or a threshold below {range.high:g}"
    if math.isfinite(range.low) and math.isfinite(range.high):
        return f"a threshold from {range.low:g} to {range.high:g}"
    return "another threshold"


# --- alerts that are not at rest --------------------------------------------------------------------------------------


def restless_alerts(references: References, reading: Reading) -> Iterator[Finding]:
    """Alerts that fire now, and such that are true again and again but never for as long as they must be."""
    operands, rule = references.operands, reading.rule
    if rule.kind != "alert" or not isinstance(operands, Operands) or not reading.selected:
        return
    given = operands.of(said(reading.expression, reading.expression.root))
    if given is None:
        if operands.unasked:
            references.doubt(rule, "it was not asked")
        return
    step, trailing = operands.step, _trailing(given)
    if given.now and (rule.lasting == 0 or (trailing - 1) * step >= rule.lasting):
        since = (
            "all the time that was looked at"
            if trailing == len(given.series)
            else f"{max(trailing - 1, 0) * step:.0f} s"
        )
        yield Finding(
            references.where(rule), f"it is true now, with {given.now} series, and has been for {since}", "rest"
        )
        return
    runs = [len(list(group)) for there, group in groupby(given.series, bool) if there]
    if rule.lasting >= 2 * step and len(runs) >= 3 and all((run + 1) * step < rule.lasting for run in runs):
        yield Finding(
            references.where(rule),
            f"it was true {len(runs)} times within {operands.over / 60:.0f} min, and never for its {rule.lasting:.0f} s",
            "a condition that lasts, by looking over a longer time",
        )


def _short(reading: Reading, node: Node) -> str:
    text = " ".join(reading.expression.said(node).split())
    return text if len(text) <= 160 else f"{text[:157]}…"
