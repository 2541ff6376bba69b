"""The parts of an expression that a server can be asked for on their own."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.promql.nodes import Aggregate, Binary, Call, Node, Series, bare, children, scalar

__all__ = ["Operand", "operands_of"]


@dataclass(frozen=True, slots=True)
class Operand:
    """One part that has a value of its own at one moment."""

    start: int
    end: int
    query: str
    """Its text."""
    role: str
    """What is done with it: ``left`` and ``right`` of an operator, ``argument`` of an aggregation or function, ``whole``."""
    op: str
    """The operator, function or aggregation it is given to."""
    other: str = ""
    """Text of the other side of an operator."""
    scalar: bool = False
    """Whether it is one number by its type: ``0.05``, ``time()``."""
    guarded: bool = False
    """Whether it may well be empty: beside ``or``, on the right of ``unless``, inside ``absent()``."""


def operands_of(root: Node, text: str) -> tuple[Operand, ...]:
    """Both sides of every operator, what is aggregated, vectors given to functions, and the whole; in the order of the text."""
    found: list[Operand] = []

    def told(node: Node, role: str, op: str, guarded: bool, other: Node | None = None) -> None:
        node = bare(node)
        if isinstance(node, Series) and node.range is not None:
            return
        beside = text[other.start : other.end] if other else ""
        found.append(
            Operand(node.start, node.end, text[node.start : node.end], role, op, beside, scalar(node), guarded)
        )

    waiting: list[tuple[Node, bool]] = [(root, False)]
    told(root, "whole", "", False)
    while waiting:
        node, guarded = waiting.pop()
        match node:
            case Binary():
                left, right = guarded or node.op == "or", guarded or node.op in ("or", "unless")
                told(node.left, "left", node.op, left, node.right)
                told(node.right, "right", node.op, right, node.left)
                waiting += [(node.right, right), (node.left, left)]
            case Aggregate():
                told(node.body, "argument", node.name, guarded)
                waiting.append((node.body, guarded))
            case Call():
                guarded = guarded or node.name.startswith("absent")
                for argument in node.arguments:
                    if not scalar(argument) and _instant(argument):
                        told(argument, "argument", node.name, guarded)
                waiting += [(argument, guarded) for argument in reversed(node.arguments)]
            case _:
                waiting += [(child, guarded) for child in reversed(children(node))]
    return tuple(sorted(found, key=lambda each: (each.start, -each.end)))


def _instant(node: Node) -> bool:
    """Whether it has a value at one moment, and no range of them."""
    node = bare(node)
    return not (isinstance(node, Series) and node.range is not None) and type(node).__name__ != "Subquery"
