"""What keeps an alert from being decided: its expression asks for something that is documented nowhere.

Where a metric or a label is documented not to be there, a rule that asks for it stays silent, and that is its fault. Where
nothing is documented, that would be a guess, and nothing is decided.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from seatrial.meanings.documented import OF_TARGETS, Documents, several
from seatrial.meanings.times import without_strings

if TYPE_CHECKING:
    from seatrial.facts.alerts.rules import Rule
    from seatrial.meanings.quantities import Quantity
    from seatrial.promql.reading import Selector

__all__ = ["gap"]

LONGEST = 20_000
"""Characters of an expression that promtool is asked about although we could not read it."""
_CLOCKS = re.compile(
    r"\b(time|timestamp|hour|minute|day_of_week|day_of_month|day_of_year|days_in_month|month|year|predict_linear|deriv)\s*\("
)
_STATUS = re.compile(r"[1-5]([0-9.x]{2}|\.\*|xx)", re.IGNORECASE)


def gap(
    rules: Sequence[Rule],
    world: Mapping[str, Sequence[Mapping[str, str]]],
    quantities: Sequence[Quantity],
    documents: Documents,
) -> str:
    """Why an alert can't be decided; empty when it can.

    Args:
        rules: its rules, and the recording rules they depend on.
        world: labels of the series that were made, by metric.
        quantities: what it is meant to tell.
        documents: what is documented of the metrics.
    """
    from seatrial.promql.reading import Unreadable, parse, selectors

    recorded = {rule.name for rule in rules if rule.kind == "record"}
    found: list[Selector] = []
    for rule in rules:
        try:
            found += selectors(parse(rule.expr))
        except Unreadable as why:
            # What promtool reads, and we don't, is still evaluated.
            return f"its expression can't be read: {why}" if len(rule.expr) > LONGEST else ""
        if clock := _CLOCKS.search(without_strings(rule.expr)):
            return f"shape of {clock[1]}(): synthetic series have a time of their own"
    mine = [each for each in found if each.metric in world]
    for each in mine:
        if told := _matchers(each, world[each.metric], quantities, documents):
            return told
    more = [each for each in found if each.metric not in world and each.metric not in recorded and not each.guarded]
    for each in more if mine else ():
        if not each.metric or documents.exists(each.metric) is not False:
            name = each.metric or each.query
            return f"its expression also needs {name}, of which its meaning says nothing: name it in `all` or `any`"
    return ""


def _matchers(
    each: Selector, series: Sequence[Mapping[str, str]], quantities: Sequence[Quantity], documents: Documents
) -> str:
    metric = documents.metric(each.metric)
    for label, op, value in each.matchers:
        if op not in ("=", "=~") or _matches(op, value, ""):
            continue
        if any(_matches(op, value, labels.get(label, "")) for labels in series) or label in ("le", "quantile"):
            continue
        if not metric.has(label):
            continue  # documented not to be there, so that the rule is wrong
        if label in metric.values:
            if label in OF_TARGETS and any(_matches(op, value, text) for text in metric.values[label]):
                return f"the rule asks for {label}{op}{value} of {each.metric}, and its meaning for no {label}: declare it in `labels`"
            continue
        declared = [
            q
            for q in quantities
            for s in q.selections
            if label in s.labels and s.metric.removesuffix("_bucket") in each.metric
        ]
        if declared and (all(q.shape != "ratio" for q in declared) or _STATUS.fullmatch(value)):
            continue  # its values are declared, and this is none of them
        known = sorted({v for q in declared for s in q.selections for v in several(s.labels.get(label, ()))})
        which = f" beside {', '.join(known)}" if known else ""
        return (
            f"the rule asks for {label}{op}{value} of {each.metric}, and nothing documents that value{which}: "
            f"declare it in `labels` of its meaning, or let a running Prometheus be seen"
        )
    return ""


def _matches(op: str, value: str, text: str) -> bool:
    if op == "=":
        return value == text
    try:
        return re.fullmatch(value, text) is not None
    except (re.error, RecursionError, OverflowError):
        return True
