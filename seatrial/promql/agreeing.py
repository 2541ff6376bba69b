"""Whether two readings of one expression agree: ours, which has places, and that of promql-parser."""

from __future__ import annotations

from typing import Any

from seatrial.promql.nodes import (
    Aggregate,
    Binary,
    Call,
    Node,
    Number,
    Paren,
    Series,
    Subquery,
    Text,
    Unary,
)

__all__ = ["differences"]


def differences(ours: Node, theirs: Any) -> str:
    """The first thing on which they do not agree; empty when there is none."""
    waiting: list[tuple[Node, Any]] = [(ours, theirs)]
    while waiting:
        node, other = waiting.pop()
        kind = type(other).__name__
        match node:
            case Paren() if kind == "ParenExpr":
                waiting.append((node.body, other.expr))
            case Unary() if node.op == "+":
                waiting.append((node.body, other))
            case Unary() if kind == "UnaryExpr":
                waiting.append((node.body, other.expr))
            case Unary() if kind == "NumberLiteral":
                pass
            case Number() if kind == "NumberLiteral":
                if node.value != other.val and node.value == node.value:
                    return "a number"
            case Text() if kind == "StringLiteral":
                pass
            case Binary() if kind == "BinaryExpr":
                if node.op != str(other.op):
                    return f"`{node.op}`"
                waiting += [(node.left, other.lhs), (node.right, other.rhs)]
            case Call() if kind == "Call" and node.name == other.func.name:
                if len(node.arguments) != len(other.args):
                    return f"what `{node.name}` is given"
                waiting += zip(node.arguments, other.args, strict=True)
            case Aggregate() if kind == "AggregateExpr" and node.name == str(other.op):
                labels = list(other.modifier.labels) if other.modifier else []
                if sorted(labels) != sorted(word.name for word in node.labels):
                    return f"the labels of `{node.name}`"
                waiting.append((node.body, other.expr))
            case Subquery() if kind == "SubqueryExpr":
                waiting.append((node.body, other.expr))
            case Series() if kind in ("VectorSelector", "MatrixSelector"):
                told = _of_selectors(node, other)
                if told:
                    return told
            case _:
                return f"what stands at character {node.start + 1}"
    return ""


def _of_selectors(node: Series, other: Any) -> str:
    selector = other.vector_selector if type(other).__name__ == "MatrixSelector" else other
    if (node.range is not None) != (selector is not other):
        return "a range"
    if selector is not other and abs(other.range.total_seconds() - (node.range or 0)) > 0.001:
        return "a range"
    if node.alternatives:
        return ""
    theirs = sorted(m.name for m in selector.matchers.matchers if m.name != "__name__")
    if theirs != sorted(m.name for m in node.matchers if m.name != "__name__"):
        return f"the matchers of `{node.metric or '{…}'}`"
    if selector.name and node.metric and selector.name != node.metric:
        return f"the name of `{node.metric}`"
    return ""
