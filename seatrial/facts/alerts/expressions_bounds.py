"""Between which values an expression can be at all: a share is at most 1, a rate is not below 0, a quantile ends at the last bucket."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from seatrial.facts.alerts.expressions_reading import One
from seatrial.promql.nodes import (
    COMPARISONS,
    KEEPING,
    Aggregate,
    Binary,
    Call,
    Node,
    Number,
    Paren,
    Series,
    Subquery,
    Unary,
    bare,
    constant,
    scalar,
)

__all__ = ["ANY", "Bounds", "bounds"]

_NOT_NEGATIVE = frozenset({"rate", "irate", "increase", "changes", "resets", "abs", "exp", "sqrt", "stddev_over_time"})
_NOT_NEGATIVE |= frozenset({"stdvar_over_time", "time", "timestamp", "minute", "hour", "day_of_week"})
_SAME = frozenset(
    {"avg_over_time", "min_over_time", "max_over_time", "last_over_time", "label_replace", "label_join", "sort"}
)
_SAME |= frozenset({"sort_desc", "scalar", "first_over_time", "quantile_over_time", "vector"})


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and the highest value, and why."""

    low: float
    high: float
    why: str = ""
    """Why it can't be outside, as a sentence's end."""
    counted: bool = False
    """It is there only when there is something to count, or something is absent."""


ANY = Bounds(-inf, inf)
_POSITIVE = Bounds(0, inf)


def bounds(node: Node, one: One) -> Bounds:
    """Between which values it is."""
    return one.each("bounds", bare(node), _find)


def _find(node: Node, one: One) -> Bounds:
    if isinstance(node, Paren):
        return bounds(node.body, one)
    value = constant(node)
    if value is not None:
        return Bounds(value, value)
    match node:
        case Number():
            return Bounds(node.value, node.value)
        case Series():
            return _of_series(node, one)
        case Subquery():
            return bounds(node.body, one)
        case Unary():
            inner = bounds(node.body, one)
            return Bounds(-inner.high, -inner.low, inner.why, inner.counted) if node.op == "-" else inner
        case Call():
            return _of_call(node, one)
        case Aggregate():
            return _of_aggregate(node, one)
        case Binary():
            return _of_two(node, one)
        case _:
            return ANY


def _of_series(node: Series, one: One) -> Bounds:
    if node.metric == "up":
        return Bounds(0, 1, "`up` is 0 or 1")
    metric = one.metric(node)
    if metric is not None and metric.type in ("info", "stateset"):
        return Bounds(0 if metric.type == "stateset" else 1, 1, f"`{node.metric}` is of type {metric.type}")
    if one.counts(node) == "counter":
        return Bounds(0, inf, f"`{node.metric}` is a counter")
    return ANY


def _of_call(node: Call, one: One) -> Bounds:
    name = node.name
    if name in ("absent", "absent_over_time"):
        return Bounds(1, 1, f"`{name}` is 1 or not there", True)
    if name in _NOT_NEGATIVE:
        return Bounds(0, inf, f"`{name}` is never below 0")
    if name in ("count_over_time", "present_over_time"):
        return Bounds(1, inf, f"`{name}` of nothing is nothing, and not 0", True)
    if name == "histogram_quantile" and len(node.arguments) == 2:
        return _of_quantile(node, one)
    if name == "quantile_over_time" and not _real(node.arguments[0]):
        return ANY
    if name in _SAME and node.arguments:
        return bounds(node.arguments[1 if name == "quantile_over_time" else 0], one)
    if name == "sum_over_time" and bounds(node.arguments[0], one).low >= 0:
        return _POSITIVE
    return ANY


def _of_quantile(node: Call, one: One) -> Bounds:
    """A quantile in the last bucket, which has no end, is told as the bound of the bucket before it."""
    from seatrial.facts.alerts.expressions_reading import series_of

    if not _real(node.arguments[0]):
        return ANY
    highest, lowest, names = -inf, 0.0, []
    for series in series_of(node.arguments[1]):
        metric = one.metric(series)
        if metric is None or not metric.bounds or any(m.name == "le" for m in series.matchers):
            return ANY
        highest, lowest = max(highest, metric.bounds[-1]), min(lowest, metric.bounds[0])
        names.append(metric.name)
    if not names:
        return ANY
    return Bounds(
        lowest,
        highest,
        f'the last bucket of `{names[0]}` with an end is le="{highest:g}", and no quantile is told above it',
    )


def _real(node: Node) -> bool:
    """Whether it is a quantile; of what is none, the result is infinite."""
    value = constant(node)
    return value is not None and 0 <= value <= 1


def _of_aggregate(node: Aggregate, one: One) -> Bounds:
    if node.name in ("count", "group"):
        return Bounds(1, inf if node.name == "count" else 1, f"`{node.name}` of nothing is nothing, and not 0", True)
    if node.name == "count_values":
        return Bounds(1, inf, "", True)
    inner = bounds(node.body, one)
    if node.name in ("avg", "min", "max", *KEEPING):
        return inner
    if node.name == "quantile":
        return inner if node.parameter is not None and _real(node.parameter) else ANY
    if node.name == "sum":
        return Bounds(0, inf, inner.why if inner.high == inf else "", inner.counted) if inner.low >= 0 else ANY
    return Bounds(0, inf, f"`{node.name}` is never below 0")


def _of_two(node: Binary, one: One) -> Bounds:
    if node.op in COMPARISONS:
        if node.bool:
            return Bounds(0, 1, "`bool` gives 0 or 1")
        return _filtered(node, one)
    left, right = bounds(node.left, one), bounds(node.right, one)
    counted = left.counted or right.counted
    why = left.why or right.why
    match node.op:
        case "and" | "unless":
            return left
        case "or":
            return Bounds(min(left.low, right.low), max(left.high, right.high), why, counted)
        case "+":
            return _made(left.low + right.low, left.high + right.high, why, counted)
        case "-":
            return _made(left.low - right.high, left.high - right.low, why, counted)
        case "*" if left.low >= 0 and right.low >= 0:
            return _made(left.low * right.low, left.high * right.high, why, counted)
        case "/":
            return _of_share(node, left, right, one)
        case _:
            return ANY


def _made(low: float, high: float, why: str, counted: bool) -> Bounds:
    """Bounds that were computed; what came of infinities is none."""
    return Bounds(low if low == low else -inf, high if high == high else inf, why, counted)


def _filtered(node: Binary, one: One) -> Bounds:
    """What a comparison lets through: values of its left side, or of the one that is no number."""
    side, other, op = node.left, node.right, node.op
    if scalar(side):
        side, other, op = other, side, {">": "<", "<": ">", ">=": "<=", "<=": ">="}.get(op, op)
    found, bound = bounds(side, one), constant(other)
    if bound is None or bound != bound:
        return found
    why = found.why or f"{one.said(node)} lets no other through"
    match op:
        case ">" | ">=":
            return Bounds(max(found.low, bound), found.high, why, found.counted)
        case "<" | "<=":
            return Bounds(found.low, min(found.high, bound), why, found.counted)
        case "==" if found.low <= bound <= found.high:
            return Bounds(bound, bound, why, True)
        case _:
            return found


def _of_share(node: Binary, left: Bounds, right: Bounds, one: One) -> Bounds:
    divisor = constant(node.right)
    if divisor is not None:
        if not 0 < divisor < inf:
            return ANY
        return _made(left.low / divisor, left.high / divisor, left.why, left.counted)
    if left.low < 0 or right.low < 0:
        return ANY
    if not node.group and _part(node.left, node.right, one):
        return Bounds(0, 1, f"{one.said(node)} is a part of a whole, from 0 to 1")
    return Bounds(0, inf, left.why if left.why == right.why else f"{one.said(node)} is never below 0")


def _part(part: Node, whole: Node, one: One) -> bool:
    """Whether one counts a part of what the other counts."""
    part, whole = bare(part), bare(whole)
    match part, whole:
        case Aggregate(), Aggregate():
            alike = part.name == whole.name and part.name in ("sum", "count") and part.grouping == whole.grouping
            labels = sorted(word.name for word in part.labels) == sorted(word.name for word in whole.labels)
            return alike and labels and _part(part.body, whole.body, one)
        case Call(), Call() if part.name == whole.name and part.name in ("rate", "increase", "sum_over_time"):
            return _part(part.arguments[0], whole.arguments[0], one)
        case Series(), Series():
            return _selects_part(part, whole)
        case _, Binary() if whole.op == "+":
            # x / (x + y)
            return one.same(part, bare(whole.left)) or one.same(part, bare(whole.right))
        case _:
            return False


def _selects_part(part: Series, whole: Series) -> bool:
    if (
        part.moved
        or whole.moved
        or part.alternatives
        or whole.alternatives
        or part.range != whole.range
        or not part.metric
    ):
        return False
    mine, theirs = ({(m.name, m.op, m.value) for m in side.matchers} for side in (part, whole))
    buckets = part.metric.endswith("_bucket") and whole.metric == part.metric.removesuffix("_bucket") + "_count"
    if buckets:
        return theirs <= mine and any(name == "le" for name, _, _ in mine)
    return part.metric == whole.metric and theirs <= mine and mine != theirs
