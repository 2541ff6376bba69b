"""Whether an alert's expression has a condition, so that it is silent as long as nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.facts.alerts.expressions_reading import One, Slip, Unsure
from seatrial.promql.nodes import COMPARISONS, Aggregate, Binary, Call, Node, Series, Subquery, Unary, bare, scalar

__all__ = ["conditional", "unconditional"]

_THERE_OR_NOT = ("_info", "_labels", "_annotations", "_taint", "_owner")
"""Metrics whose value is always 1: that there is such a series is the condition."""


def unconditional(one: One) -> Iterator[Slip | Unsure]:
    """Expressions of alerts that give something whenever their series exist."""
    root = bare(one.root)
    if one.rule.kind != "alert" or _meant(root):
        return
    part = _without(root, one)
    if part is None:
        return
    said = one.said(part)
    returning = isinstance(part, Binary) and part.op in COMPARISONS
    if returning:
        told = f"{said} gives 0 or 1 because of `bool`, and both fire: leave `bool` out"
    elif isinstance(part, Call) and part.name == "vector":
        told = (
            f"{said} is always there: leave it out of the alert, or put what it is compared with behind the parentheses"
        )
    elif part is root:
        told = (
            f"{said} is compared with nothing, so that it fires whatever its value is: write `{said[1:-1]} > THRESHOLD`"
        )
    else:
        told = f"{said} is compared with nothing, and fires on its own: `or` binds less than a comparison, so write the parentheses"
    yield Slip(part.start, told)


def _meant(root: Node) -> bool:
    """An alert that always fires on purpose, so that its silence tells that alerting itself is broken: ``vector(1)``."""
    return isinstance(root, Call) and root.name == "vector" and len(root.arguments) == 1 and scalar(root.arguments[0])


def conditional(node: Node, one: One) -> bool:
    """Whether it gives something only when something is so."""
    return _without(bare(node), one) is None


def _without(node: Node, one: One) -> Node | None:
    """The part that gives something always; None where there is a condition."""
    node = bare(node)
    match node:
        case Series():
            # What a rule recorded may hold nothing but what is wrong; an info metric is there or it is not.
            known = node.metric and ":" not in node.metric and not node.metric.startswith("ALERTS")
            recorded = node.metric in one.recorded or node.metric.endswith(_THERE_OR_NOT)
            return node if known and not recorded and not node.alternatives else None
        case Unary():
            return _without(node.body, one) and node
        case Subquery():
            return _without(node.body, one) and node
        case Aggregate():
            return _without(node.body, one) and node
        case Call() if node.name in ("absent", "absent_over_time"):
            return None
        case Call():
            vectors = [each for each in node.arguments if not scalar(each)]
            return node if not vectors or all(_without(each, one) for each in vectors) else None
        case Binary() if node.op in COMPARISONS:
            if not node.bool:
                return None
            return node if _without(node.left, one) and _without(node.right, one) else None
        case Binary() if node.op == "unless":
            return None
        case Binary() if node.op == "or":
            return _without(node.left, one) or _without(node.right, one)
        case Binary():
            both = _without(node.left, one) and _without(node.right, one)
            return node if both else None
        case _:
            return node
