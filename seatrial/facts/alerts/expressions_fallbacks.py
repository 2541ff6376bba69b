"""Whether what stands in for series that are not there does what it is for."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.facts.alerts.expressions_reading import One, Slip, Unsure
from seatrial.facts.alerts.expressions_values import holds
from seatrial.promql.labels import Labels
from seatrial.promql.nodes import COMPARISONS, Binary, Call, Node, bare, constant, scalar, walk

__all__ = ["idle_fallbacks"]


def idle_fallbacks(one: One) -> Iterator[Slip | Unsure]:
    """``or vector(0)`` beside series with labels: it is there as one more series, and stands in for none of them."""
    for node in walk(one.root):
        if not isinstance(node, Binary) or node.op == "or":
            continue
        if node.op in COMPARISONS:
            yield from _compared(node, one)
        if node.op in ("+", "-") or node.op in COMPARISONS:
            for side, other in ((node.left, node.right), (node.right, node.left)):
                yield from _joined(node, side, other, one)


def _fallback(node: Node, one: One) -> tuple[Binary, float, Labels] | None:
    """``x or vector(0)`` where x has labels, so that both are there at once."""
    node = bare(node)
    if not isinstance(node, Binary) or node.op != "or" or node.matching == "on":
        return None
    default = bare(node.right)
    if not isinstance(default, Call) or default.name != "vector" or not default.arguments:
        return None
    value = constant(default.arguments[0])
    labels = one.flow.of(node.left)
    if value is None or not (labels.sure or labels.likely or (not labels.open and labels.may)):
        return None
    return node, value, labels


def _compared(node: Binary, one: One) -> Iterator[Slip]:
    """Compared with a number that the default meets: then it fires always."""
    for side, other, op in ((node.left, node.right, node.op), (node.right, node.left, _MIRROR.get(node.op, node.op))):
        found, bound = _fallback(side, one), constant(other)
        if found is None or bound is None or not holds(op, found[1], bound):
            continue
        default = one.said(bare(found[0].right))
        yield Slip(
            found[0].right.start,
            f"{default} is there beside the series of {one.said(found[0].left)}, which have labels, and {one.said(node)} holds for "
            f"it: it fires always. Write `or on () {default[1:-1]}`, or `absent(…)`",
        )


_MIRROR = {">": "<", "<": ">", ">=": "<=", "<=": ">="}


def _joined(node: Binary, side: Node, other: Node, one: One) -> Iterator[Slip]:
    """Joined with series that have labels: the default, which has none, matches none of them.

    As part of a share it does no harm: a share without the series is not there either.
    """
    found = _fallback(side, one)
    if found is None or scalar(other) or node.matching == "on" or node.group:
        return
    theirs = one.flow.of(other)
    if not (theirs.sure or (not theirs.open and theirs.may) or {"job", "instance"} <= theirs.likely):
        return
    if _fallback(other, one) is not None:
        return
    default = one.said(bare(found[0].right))
    yield Slip(
        found[0].right.start,
        f"{default} has no labels and stands in for no series of {one.said(found[0].left)}, so that `{node.op}` gives nothing where "
        f"one is missing. Write `or {one.said(other)[1:-1]} * 0`",
    )
