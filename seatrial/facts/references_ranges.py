"""Between which values a part of an expression can be at all, by what is known of its metrics and of PromQL.

Only what is certain is told: a quantile ends at the last bucket, a counter is never below zero, a state is 0 or 1, and a part of
something is at most all of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from seatrial.facts.catalog import CatalogMetric
from seatrial.promql.nodes import (
    COMPARISONS,
    Aggregate,
    Binary,
    Call,
    Node,
    Number,
    Series,
    Subquery,
    Unary,
    bare,
    scalar,
)
from seatrial.promql.reading import Expression

__all__ = ["Range", "Ranges"]

Matchers = frozenset[tuple[str, str, str]]
_INF = math.inf
_STATES = re.compile(
    r"\b1\b[^.;]{0,60}\b0\b|\b0\b[^.;]{0,60}\b1\b|\b(?:1|one) (?:if|when|while|for)\b|\bwhether\b|\bboolean\b",
    re.IGNORECASE,
)
"""Words of a help that say that there are two values."""
_SAME = frozenset(
    {"min_over_time", "max_over_time", "avg_over_time", "last_over_time", "quantile_over_time", "sort", "sort_desc"}
)
_KEEPS = frozenset({"label_replace", "label_join", "sort_by_label", "sort_by_label_desc"})
_COUNTS = frozenset({"changes", "resets", "count_over_time", "stddev_over_time", "stdvar_over_time"})
_CALENDAR = {
    "hour": (0, 23), "minute": (0, 59), "day_of_week": (0, 6), "day_of_month": (1, 31), "month": (1, 12),
    "day_of_year": (1, 366), "days_in_month": (28, 31),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Range:
    """The lowest and the highest value, both of which are possible."""

    low: float = -_INF
    high: float = _INF
    why: str = ""
    """What makes it so."""

    @property
    def known(self) -> bool:
        """Whether it says anything."""
        return self.low > -_INF or self.high < _INF


ANY = Range()


class Ranges:
    """Ranges of the parts of one expression."""

    def __init__(self, expression: Expression, metric: Callable[[str], CatalogMetric | None]) -> None:
        """``metric`` gives what is known of a series' name."""
        self.expression, self.metric = expression, metric

    def of(self, node: Node) -> Range:
        """The range of one part."""
        node = bare(node)
        match node:
            case Number():
                return Range(node.value, node.value)
            case Series():
                return self._series(node)
            case Unary():
                inner = self.of(node.body)
                return Range(-inner.high, -inner.low, inner.why) if node.op == "-" else inner
            case Subquery():
                return self.of(node.body)
            case Call():
                return self._call(node)
            case Aggregate():
                return self._aggregate(node)
            case Binary():
                return self._binary(node)
            case _:
                return ANY

    # --- what is selected -----------------------------------------------------------------------------------------

    def _series(self, node: Series) -> Range:
        if node.metric == "up":
            return Range(0, 1, "`up` is 1 or 0")
        known = self.metric(node.metric)
        if known is None:
            return ANY
        if known.type == "counter" or (known.type == "histogram" and node.metric.endswith(("_bucket", "_count"))):
            return Range(0, _INF, f"`{node.metric}` is a counter, and never below 0")
        if known.type in ("stateset", "info"):
            return Range(0 if known.type == "stateset" else 1, 1, f"`{node.metric}` is a {known.type}")
        # By its name and its help, not by one of them alone: neither is more than somebody's word.
        named = re.search(r"_(?:up|ok|healthy|ready|enabled|available|success)$", node.metric)
        if known.type == "gauge" and named and _STATES.search(known.help):
            return Range(0, 1, f"`{node.metric}` is 0 or 1: {known.help[:80]!r}")
        return ANY

    # --- functions ------------------------------------------------------------------------------------------------

    def _call(self, node: Call) -> Range:
        name = node.name
        vectors = [argument for argument in node.arguments if not scalar(argument)]
        if name in ("absent", "absent_over_time", "present_over_time"):
            return Range(1, 1, f"`{name}()` gives 1 or nothing")
        if name in _CALENDAR:
            return Range(*_CALENDAR[name], f"`{name}()` is that of a calendar")
        if name in ("rate", "increase", "irate"):
            return Range(0, _INF, f"`{name}()` is never below 0")
        if name in _COUNTS or name == "abs":
            return Range(0, _INF, f"`{name}()` is never below 0")
        if name == "histogram_quantile":
            return self._quantile(node)
        if name in ("vector", "scalar") and node.arguments:
            return self.of(node.arguments[0])
        if not vectors:
            return ANY
        inner = self.of(vectors[0])
        if name in _SAME or name in _KEEPS:
            return inner
        if name == "sum_over_time":
            return Range(inner.low if inner.low >= 0 else -_INF, _INF, inner.why)
        if name in ("ceil", "floor", "round") and len(node.arguments) == 1 and inner.known:
            return Range(_whole(inner.low, math.floor), _whole(inner.high, math.ceil), inner.why)
        return ANY

    def _quantile(self, node: Call) -> Range:
        """A quantile above the last bucket that has an end is told as that end."""
        bounds: list[float] = []
        why = ""
        waiting: list[Node] = [node.arguments[-1]]
        while waiting:
            each = bare(waiting.pop())
            match each:
                case Series():
                    known = self.metric(each.metric)
                    if not each.metric.endswith("_bucket") or known is None or not known.bounds:
                        return ANY
                    bounds.append(known.bounds[-1])
                    why = f"the last bucket of `{each.metric}` ends at {known.bounds[-1]:g}"
                case Aggregate() if each.name in ("sum", "avg", "max", "min"):
                    waiting.append(each.body)
                case Call() if each.name in ("rate", "increase", "irate", *_KEEPS) and each.arguments:
                    waiting.append(each.arguments[0])
                case _:
                    return ANY
        return Range(-_INF, max(bounds, default=_INF), why) if len(bounds) == 1 else ANY

    def _aggregate(self, node: Aggregate) -> Range:
        if node.name == "group":
            return Range(1, 1, "`group` gives 1")
        if node.name == "count":
            return Range(1, _INF, "`count` gives 1 or more, or nothing")
        if node.name in ("stddev", "stdvar"):
            return Range(0, _INF, f"`{node.name}` is never below 0")
        inner = self.of(node.body)
        if node.name == "sum":
            return Range(inner.low if inner.low >= 0 else -_INF, inner.high if inner.high <= 0 else _INF, inner.why)
        if node.name in ("min", "max", "avg", "quantile", "topk", "bottomk", "limitk", "limit_ratio"):
            return inner
        return ANY

    # --- operators ------------------------------------------------------------------------------------------------

    def _binary(self, node: Binary) -> Range:
        left, right = self.of(node.left), self.of(node.right)
        if node.op in COMPARISONS:
            if node.bool:
                return Range(0, 1, "a comparison with `bool` gives 0 or 1")
            return left if not scalar(node.left) else right
        if node.op in ("and", "unless"):
            return left
        if node.op == "or":
            return Range(min(left.low, right.low), max(left.high, right.high), left.why or right.why)
        why = left.why or right.why
        if node.op == "/" and (share := self._share(node)) is not None:
            return share
        if node.op == "+":
            return Range(left.low + right.low, left.high + right.high, why)
        if node.op == "-":
            return Range(left.low - right.high, left.high - right.low, why)
        if node.op in ("*", "/"):
            return _scaled(left, right, node.op, why)
        return ANY

    def _share(self, node: Binary) -> Range | None:
        """Of a part of something divided by all of it; exactly 1 where each part is divided by itself."""
        top, base = _measure(node.left), _measure(node.right)
        if top is None or base is None or top.how != base.how or node.group:
            return None
        if (node.matching, _names(node)) not in (("", ()), ("on", top.labels if top.grouping == "by" else ())):
            return None
        if top.metric != base.metric or not base.matchers <= top.matchers:
            return None
        parted = {name for name, _, _ in top.matchers - base.matchers}
        if not parted:
            return Range(1, 1, "both sides are the same")
        within = set(top.labels)
        whole = not top.summed or (top.grouping == "by" and parted <= within)
        whole = whole or (top.grouping == "without" and not parted & within)
        if whole:
            names = ", ".join(sorted(parted))
            return Range(1, 1, f"each series is divided by itself: both sides keep {names}, by which only one selects")
        return Range(0, 1, "a part of something is divided by all of it")


@dataclass(frozen=True, slots=True)
class _Measure:
    """One counted thing: what is selected, and what is made of it."""

    metric: str
    matchers: Matchers
    how: tuple[object, ...]
    summed: bool
    grouping: str
    labels: tuple[str, ...]


def _measure(node: Node) -> _Measure | None:
    """``sum by (…) (rate(x{…}[5m]))``, with or without the sum."""
    node = bare(node)
    summed, grouping = False, ""
    labels: tuple[str, ...] = ()
    if isinstance(node, Aggregate) and node.name == "sum":
        summed, grouping, labels = True, node.grouping, _names(node)
        node = bare(node.body)
    if not isinstance(node, Call) or node.name not in ("rate", "increase") or len(node.arguments) != 1:
        return None
    found = bare(node.arguments[0])
    if not isinstance(found, Series) or not found.metric or found.alternatives or found.moved:
        return None
    matchers = frozenset((m.name, m.op, m.value) for m in found.matchers)
    return _Measure(
        found.metric, matchers, (node.name, found.range, summed, grouping, labels), summed, grouping, labels
    )


def _names(node: Binary | Aggregate) -> tuple[str, ...]:
    return tuple(sorted(word.name for word in node.labels))


def _whole(value: float, to: Callable[[float], int]) -> float:
    return value if math.isinf(value) else to(value)


def _scaled(left: Range, right: Range, op: str, why: str) -> Range:
    """Times or divided by a number; of two quantities that are not below zero, that much is known of the result."""
    for one, other, first in ((left, right, True), (right, left, False)):
        if other.low == other.high and math.isfinite(other.low) and other.low > 0 and (op == "*" or first):
            factor = other.low if op == "*" else 1 / other.low
            return Range(one.low * factor, one.high * factor, one.why)
    if left.low >= 0 and right.low >= 0:
        return Range(0, _INF, why)
    return ANY
