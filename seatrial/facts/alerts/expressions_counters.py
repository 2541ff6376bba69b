"""Whether functions of counters are used on counters, those of gauges on gauges, and thresholds on neither's raw total."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.facts.alerts.expressions_reading import One, Slip, Unsure
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
    walk,
)

__all__ = ["misused"]

OF_COUNTERS = frozenset({"rate", "irate", "increase"})
OF_GAUGES = frozenset({"delta", "idelta", "deriv"})


def misused(one: One) -> Iterator[Slip | Unsure]:
    """Functions used on the wrong type, and totals compared with a threshold."""
    for node in walk(one.root):
        if isinstance(node, Call) and node.arguments:
            given = bare(node.arguments[0])
            if node.name in OF_COUNTERS:
                yield from _of_gauge(node, given, one)
            elif node.name in OF_GAUGES and isinstance(given, Series):
                yield from _of_counter(node, given, one)
        if isinstance(node, Binary) and one.rule.kind == "alert":
            yield from _raw(node, one)


def _of_gauge(node: Call, given: Node, one: One) -> Iterator[Slip | Unsure]:
    if isinstance(given, Subquery):
        body = bare(given.body)
        if isinstance(body, Aggregate) and body.name in ("sum", "avg", "count") and (raw := _total(body, one)):
            yield Slip(
                node.start,
                f"`{node.name}` is taken after `{body.name}`, which hides when `{raw.metric}` starts again at 0: "
                f"write `{body.name}({node.name}({raw.metric}[…]))`",
            )
        return
    if not isinstance(given, Series):
        return
    counts = one.counts(given)
    metric = one.metric(given)
    if counts == "gauge" and metric is not None:
        said = one.expression.said(given)
        instead = {"increase": "delta", "rate": "deriv", "irate": "idelta"}[node.name]
        yield Slip(
            node.start,
            f"`{node.name}` of `{given.metric}`, which is a {metric.type}: each time it falls is taken for a restart. "
            f"Write `{instead}({said})`, or compare `{given.metric}` itself",
        )
    elif not counts and one.catalog is None and not one.computed(given):
        yield Unsure(f"whether `{given.metric}`, of which `{node.name}` is taken, is a counter")


def _of_counter(node: Call, given: Series, one: One) -> Iterator[Slip | Unsure]:
    counts = one.counts(given)
    if counts == "counter" or (counts == "perhaps" and given.metric.endswith(("_total", "_bucket"))):
        instead = {"delta": "increase", "deriv": "rate", "idelta": "irate"}[node.name]
        yield Slip(
            node.start,
            f"`{node.name}` of `{given.metric}`, which is a counter: it is far below zero whenever the process starts again. "
            f"Write `{instead}({one.expression.said(given)})`",
        )


def _raw(node: Binary, one: One) -> Iterator[Slip | Unsure]:
    """A total that only grows, above a threshold: it stays there until the process ends."""
    if node.op in COMPARISONS:
        left, right = constant(node.left), constant(node.right)
        side, bound = (node.left, right) if right is not None else (node.right, left)
        rising = node.op in ((">", ">=") if right is not None else ("<", "<="))
        raw = _total(side, one) if bound is not None and bound >= 0 and rising else None
        if raw is not None and not _ends_otherwise(raw, one):
            said = one.expression.said(raw)
            yield Slip(
                node.start,
                f"{one.said(node)} fires for ever once it does: `{raw.metric}` is a counter and only grows. "
                f"Write `increase({said}[10m])` for what happened lately",
            )
        for each in (node.left, node.right):
            if constant(node.right if each is node.left else node.left) is not None:
                yield from _share(bare(each), one)


def _ends_otherwise(raw: Series, one: One) -> bool:
    """Whether something else in the expression ends it: the same counter some time ago, or what happened lately."""
    if any(each.moved and each.metric == raw.metric for each in one.series):
        return True
    joined = any(isinstance(each, Binary) and each.op in ("and", "unless") for each in walk(one.root))
    return joined and any(each.range is not None for each in one.series)


def _share(node: Node, one: One) -> Iterator[Slip | Unsure]:
    """One total divided by another, compared with a threshold."""
    if isinstance(node, Binary) and node.op in ("*", "+", "-") and not node.bool:
        yield from _share(bare(node.left), one)
        yield from _share(bare(node.right), one)
    if not isinstance(node, Binary) or node.op != "/":
        return
    left, right = _total(node.left, one), _total(node.right, one)
    if left is None or right is None or left.moved or right.moved:
        return
    yield Slip(
        node.start,
        f"{one.said(node)} is a share of all there ever was since the process started, which hardly moves any more: "
        f"write `rate(…[5m])` around `{left.metric}` and `{right.metric}`",
    )


def _total(node: Node, one: One) -> Series | None:
    """The counter whose raw total this is, if it is one."""
    node = bare(node)
    match node:
        case Series() if node.range is None and not node.moved and one.eventful(node):
            return node
        case Aggregate() if node.name in ("sum", "max", "avg", "min", *KEEPING):
            return _total(node.body, one)
        case Unary() if node.op == "+":
            return _total(node.body, one)
        case Binary() if node.op == "*" and constant(node.right) is not None:
            return _total(node.left, one)
        case _:
            return None
