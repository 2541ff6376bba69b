"""Whether a threshold is in the unit of what it is compared with, by the metric's name and by the alert's own texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isclose

from seatrial.facts.alerts.expressions_bounds import bounds
from seatrial.facts.alerts.expressions_reading import One, Slip, Unsure
from seatrial.facts.alerts.expressions_texts import Quantity, plain_numbers, quantities
from seatrial.promql.nodes import (
    COMPARISONS,
    KEEPING,
    Aggregate,
    Binary,
    Call,
    Node,
    Series,
    Subquery,
    Unary,
    bare,
    constant,
    scalar,
    walk,
)

__all__ = ["Unit", "mixed_units", "unit"]

MANY = 50
"""Thresholds of one rule, and numbers in its texts, that are looked at."""
_TEXTS = ("summary", "description", "message")
_NAMES = {
    "seconds": ("time", 1), "milliseconds": ("time", 1e-3), "ms": ("time", 1e-3), "millis": ("time", 1e-3),
    "microseconds": ("time", 1e-6), "nanoseconds": ("time", 1e-9), "minutes": ("time", 60), "hours": ("time", 3600),
    "bytes": ("bytes", 1), "kilobytes": ("bytes", 1024), "megabytes": ("bytes", 2**20), "gigabytes": ("bytes", 2**30),
    "ratio": ("share", 1), "percent": ("share", 0.01), "percentage": ("share", 0.01),
}  # fmt: skip
_SAME = frozenset(
    {"avg_over_time", "min_over_time", "max_over_time", "last_over_time", "quantile_over_time", "delta", "idelta"}
)
_SAME |= frozenset(
    {"abs", "ceil", "floor", "round", "sort", "sort_desc", "scalar", "label_replace", "label_join", "increase"}
)
_SAME |= frozenset({"clamp", "clamp_min", "clamp_max", "sum_over_time"})
_THOUSANDS = [1000.0**n for n in (1, 2, 3)] + [1024.0**n for n in (1, 2, 3)]
_WORDS: dict[str, dict[float, str]] = {
    "time": {
        1: "seconds",
        1e-3: "milliseconds",
        1e-6: "microseconds",
        1e-9: "nanoseconds",
        60: "minutes",
        3600: "hours",
    },
    "bytes": {1: "bytes", 1024: "kilobytes", 2**20: "megabytes", 2**30: "gigabytes"},
    "share": {1: "from 0 to 1", 0.01: "in per cent"},
}


@dataclass(frozen=True, slots=True)
class Unit:
    """What a value is counted in."""

    dimension: str
    """``time``, ``bytes``, ``share``, ``events``, ``rate``, ``bytes a second``."""
    factor: float = 1
    """What one is in the base unit: 0.01 for per cent."""

    def __str__(self) -> str:
        word = _WORDS.get(self.dimension, {}).get(self.factor)
        return word or {"rate": "events per second", "events": "events"}.get(self.dimension, self.dimension)


def unit(node: Node, one: One) -> Unit | None:
    """The unit of a value, where its metrics' names tell."""
    return one.each("unit", bare(node), _find)


def _find(node: Node, one: One) -> Unit | None:
    node = bare(node)
    match node:
        case Series():
            return _named(node, one)
        case Unary() | Subquery():
            return unit(node.body, one)
        case Aggregate() if node.name in ("sum", "avg", "min", "max", "quantile", *KEEPING):
            return unit(node.body, one)
        case Call():
            return _called(node, one)
        case Binary():
            return _joined(node, one)
        case _:
            return None


def _named(node: Series, one: One) -> Unit | None:
    metric = one.metric(node)
    words = node.metric.split("_")
    if words[-1] in ("sum", "bucket") and len(words) > 2:
        words.pop()
    elif words[-1] == "count":
        return Unit("events") if one.counts(node) == "counter" else None
    total = words[-1] == "total"
    if total:
        words.pop()
    named = _NAMES.get(words[-1]) if len(words) > 1 else None
    if named is None and metric is not None and metric.unit in _NAMES:
        named = _NAMES[metric.unit]
    if named is not None:
        return Unit(*named)
    return Unit("events") if total and one.counts(node) else None


def _called(node: Call, one: One) -> Unit | None:
    if node.name == "time":
        return Unit("time")
    if node.name == "histogram_quantile" and len(node.arguments) == 2:
        buckets = [each for each in walk(node.arguments[1]) if isinstance(each, Series)]
        return _named(buckets[0], one) if len(buckets) == 1 else None
    if node.name in ("rate", "irate") and node.arguments:
        inner = unit(node.arguments[0], one)
        if inner is None:
            return None
        return Unit(
            {"events": "rate", "time": "time a second", "bytes": "bytes a second"}.get(inner.dimension, ""),
            inner.factor,
        )
    if node.name in _SAME and node.arguments:
        return unit(node.arguments[1 if node.name == "quantile_over_time" else 0], one)
    return None


def _joined(node: Binary, one: One) -> Unit | None:
    if node.op in COMPARISONS:
        return None if node.bool else unit(node.right if scalar(node.left) else node.left, one)
    if node.op in ("and", "unless"):
        return unit(node.left, one)
    left, right = unit(node.left, one), unit(node.right, one)
    factors = constant(node.left), constant(node.right)
    if node.op in ("*", "/"):
        if factors[1] is not None and left and factors[1] > 0:
            return Unit(left.dimension, left.factor / factors[1] if node.op == "*" else left.factor * factors[1])
        if factors[0] is not None and right and factors[0] > 0 and node.op == "*":
            return Unit(right.dimension, right.factor / factors[0])
        if node.op == "/" and left and right:
            return _share(left, right)
        return None
    if node.op in ("+", "-"):
        if factors[0] is not None and right and right.dimension == "share":
            return right if isclose(factors[0] * right.factor, 1) else None
        if left and right and left == right:
            return left
        if factors[1] is not None:
            return left
    if node.op == "or":
        return left if left == right else None
    return None


def _share(left: Unit, right: Unit) -> Unit | None:
    if left.dimension == right.dimension:
        return Unit("share", left.factor / right.factor) if left.dimension != "share" else None
    if left.dimension in ("time a second", "bytes a second") and right.dimension == "rate":
        return Unit(left.dimension.removesuffix(" a second"), left.factor)  # _sum / _count: the mean
    if left.dimension in ("time", "bytes") and right.dimension == "events":
        return Unit(left.dimension, left.factor)
    return None


def mixed_units(one: One) -> Iterator[Slip | Unsure]:
    """Two units compared with each other, and thresholds that the alert's own texts tell otherwise."""
    thresholds: list[tuple[Binary, Node, float, Unit]] = []
    for node in walk(one.root):
        if not isinstance(node, Binary):
            continue
        if node.op in (*COMPARISONS, "+", "-"):
            yield from _unlike(node, one)
        if node.op in COMPARISONS:
            for side, other in ((node.left, node.right), (node.right, node.left)):
                bound, known = constant(other), unit(side, one)
                if bound is None or known is None or scalar(side):
                    continue
                # A share that is never above 1 by what it is made of is told as a condition that never holds.
                if known.dimension != "share" or bound <= bounds(side, one).high:
                    thresholds.append((node, other, bound, known))
    if one.rule.kind == "alert" and thresholds:
        yield from _told(one, thresholds[:MANY])


def _unlike(node: Binary, one: One) -> Iterator[Slip]:
    left, right = unit(node.left, one), unit(node.right, one)
    if left is None or right is None or constant(node.left) is not None or constant(node.right) is not None:
        return
    measures = ("time", "bytes")
    if left.dimension not in measures or right.dimension not in measures or left == right:
        return
    if any(side.factor not in _WORDS[side.dimension] for side in (left, right)):
        return  # multiplied by what is no change of unit: half of it, say
    yield Slip(
        node.start,
        f"{one.said(node)} puts {left} beside {right}: "
        + (
            f"write `* {left.factor / right.factor:g}` behind the left side"
            if left.dimension == right.dimension
            else "compare what is alike"
        ),
    )


def _told(one: One, thresholds: list[tuple[Binary, Node, float, Unit]]) -> Iterator[Slip]:
    """Thresholds beside the numbers in the texts."""
    said = [each for key in _TEXTS for each in quantities(one.rule.annotations.get(key, ""))][:MANY]
    said = [each for each in said if not each.lasting and each.value != one.rule.lasting]
    spans = {each.range for each in walk(one.root) if isinstance(each, Series | Subquery)}
    said = [each for each in said if not (each.dimension == "time" and each.value in spans)]
    shares = {value for node in walk(one.root) if isinstance(node, Call) and (value := _quantile(node)) is not None}
    said = [each for each in said if not (each.dimension == "share" and any(isclose(each.value, q) for q in shares))]
    rest = [each for each in said if not any(_agrees(each, bound, known) for _, _, bound, known in thresholds)]
    plain = {number for key in _TEXTS for number in plain_numbers(one.rule.annotations.get(key, ""))}
    for node, place, bound, known in thresholds:
        if bound in plain or any(_agrees(each, bound, known) for each in said):
            continue
        for quantity in rest:
            told = _disagrees(quantity, bound, known, one, node)
            if told:
                yield Slip(place.start, told)
                break


def _quantile(node: Call) -> float | None:
    return (
        constant(node.arguments[0])
        if node.name in ("histogram_quantile", "quantile_over_time") and node.arguments
        else None
    )


def _agrees(quantity: Quantity, bound: float, known: Unit) -> bool:
    if quantity.dimension != known.dimension:
        return False
    value = bound * known.factor
    return isclose(quantity.value, value, rel_tol=0.03) or (
        known.dimension == "share" and isclose(quantity.value, 1 - value, rel_tol=0.03)
    )


def _disagrees(quantity: Quantity, bound: float, known: Unit, one: One, node: Binary) -> str:
    """What is wrong, where a number of the texts is this threshold in another unit."""
    number = isclose(quantity.number, bound)
    begin = f"{one.said(node)} against `{quantity.text}` in its text: "
    if quantity.dimension == "share" and known.dimension in ("rate", "events"):
        if not number and not isclose(quantity.value, bound):
            return ""
        return (
            f"{begin}a share, and what is compared are {known}. Divide by all there are: `… / … > {quantity.value:g}`"
        )
    if quantity.dimension != known.dimension:
        return ""
    ratio = bound * known.factor / quantity.value if quantity.value else 0
    off = any(
        isclose(ratio, n) or isclose(ratio, 1 / n) for n in (_THOUSANDS if known.dimension != "share" else [100.0])
    )
    if not (number or off) or not ratio:
        return ""
    return f"{begin}what is compared is {known}, so write `{quantity.value / known.factor:g}`"
