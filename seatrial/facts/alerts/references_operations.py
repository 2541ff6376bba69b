"""What becomes of operations: those that give nothing though all they are made of is there, and alerts that are not at rest."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from seatrial.facts.alerts.operands import Given, Operands
from seatrial.facts.alerts.references_asked import fetches, later, made, matched, matching, said, unfiltered
from seatrial.promql.labels import Flow
from seatrial.promql.nodes import Binary, Node, Series, walk
from seatrial.words import Finding

if TYPE_CHECKING:
    from seatrial.facts.alerts.references_judged import Reading, References

__all__ = ["dead_operations", "restless_alerts", "short"]

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
    text = matching(reading.expression, node)
    if (refused := operands.given.get(text)) is not None and "match" in refused.error:
        return  # without the comparisons around them, too many belong together, and not too few
    both = references.asked(reading.rule, text)
    left, right = (operands.of(text) for text in texts)
    if left is None or right is None or both is None:
        return
    if both.ever or not (left.now and right.now) or _plain(node):
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
        f"`{short(reading, node)}` gives nothing, though both sides do: they are matched by {told[0]} on the left, "
        f"and by {told[1]} on the right",
        f"`{node.op} on ({', '.join(sorted(common))})`, or both sides grouped alike"
        if common
        else "both sides grouped alike",
    )


def _plain(node: Binary) -> bool:
    """Whether the expression alone tells that the sides don't match, whatever labels the metrics have: that is told elsewhere."""
    flow = Flow()
    left, right = flow.of(node.left), flow.of(node.right)
    if node.matching == "on":
        return False
    named = {word.name for word in node.labels}
    if not left.open and not right.open:
        # A label that only one side groups by may be on no series: that can be seen on the server alone.
        return bool(left.may - right.may - named and right.may - left.may - named)
    return any(not there.can(name) for here, there in ((left, right), (right, left)) for name in here.likely - named)


def _matched_by(kind: str, names: set[str], shape: tuple[str, ...]) -> frozenset[str]:
    return frozenset(shape) & names if kind == "on" else frozenset(shape) - names


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "no label"


def _starved(
    references: References, operands: Operands, reading: Reading, node: Node, found: Series
) -> Iterator[Finding]:
    """A function over a time in which there are too few samples."""
    text = said(reading.expression, node)
    selected, result = operands.of(made(found)), references.asked(reading.rule, text)
    if selected is None or result is None or result.ever or not selected.now or found.range is None:
        return
    there = _trailing(selected) * operands.step
    if _trailing(selected) < LEAST or there < LEAST * max(operands.interval, 1.0) or there < 2 * found.range:
        return
    if operands.interval and found.range < 2 * operands.interval:
        return  # told by what compares ranges with the interval of scrapes
    yield Finding(
        references.where(reading.rule, node.start),
        f"`{short(reading, node)}` gives nothing, though `{made(found)}` has {selected.now} series: in "
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


# --- alerts that are not at rest --------------------------------------------------------------------------------------


def restless_alerts(references: References, reading: Reading) -> Iterator[Finding]:
    """Alerts that fire now, and such that are true again and again but never for as long as they must be."""
    from seatrial.facts.alerts.references_judged import span

    operands, rule = references.operands, reading.rule
    if rule.kind != "alert" or not isinstance(operands, Operands) or not reading.selected:
        return
    given = references.asked(rule, said(reading.expression, reading.expression.root))
    if given is None:
        return
    step, trailing = operands.step, _trailing(given)
    if given.now and (rule.lasting == 0 or (trailing - 1) * step >= rule.lasting):
        since = (
            "all the time that was looked at" if trailing == len(given.series) else span(max(trailing - 1, 0) * step)
        )
        yield Finding(
            references.where(rule),
            f"it is true now, with {given.now} series, and has been for {since}",
            "an alert at rest",
        )
        return
    runs = [len(list(group)) for there, group in groupby(given.series, bool) if there]
    if rule.lasting >= 2 * step and len(runs) >= 3 and all((run + 1) * step < rule.lasting for run in runs):
        yield Finding(
            references.where(rule),
            f"it was true {len(runs)} times within {operands.over / 60:.0f} min, and never for its {rule.lasting:.0f} s",
            "a condition that lasts, by looking over a longer time",
        )


def short(reading: Reading, node: Node) -> str:
    """A part of an expression as it is quoted."""
    text = " ".join(reading.expression.said(node).split())
    return text if len(text) <= 160 else f"{text[:157]}…"
