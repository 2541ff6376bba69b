"""The parts of an expression, each with its place in the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = [
    "ARITHMETIC",
    "COMPARISONS",
    "KEEPING",
    "SETS",
    "Aggregate",
    "Binary",
    "Call",
    "Matcher",
    "Node",
    "Number",
    "Paren",
    "Series",
    "Subquery",
    "Text",
    "Unary",
    "Word",
    "bare",
    "children",
    "constant",
    "scalar",
    "walk",
]

COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "^", "atan2"})
SETS = frozenset({"and", "or", "unless"})
KEEPING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
"""Aggregations that pick series instead of making new ones."""
_SCALARS = frozenset({"time", "scalar", "pi", "start", "end", "step", "range", "min_of", "max_of"})


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A piece of the text, from ``start`` up to ``end``; two are the same only when they are one."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Word(Node):
    """A name in a list of labels."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Matcher(Node):
    """``status=~"5.."``."""

    name: str
    op: str
    value: str


@dataclass(frozen=True, slots=True, eq=False)
class Number(Node):
    """A number."""

    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Text(Node):
    """A string."""

    value: str


@dataclass(frozen=True, slots=True, eq=False)
class Series(Node):
    """A selector, with its range when it has one."""

    metric: str
    """Empty where none is named."""
    matchers: tuple[Matcher, ...]
    """Without the one of the name; of selectors with ``or`` in their braces none."""
    range: float | None = None
    """Seconds."""
    moved: bool = False
    """It has ``offset`` or ``@``."""
    alternatives: bool = False
    """Whether its braces hold an ``or``."""
    core: int = 0
    """Where the selector ends, without range, ``offset`` and ``@``."""


@dataclass(frozen=True, slots=True, eq=False)
class Subquery(Node):
    """``(…)[1h:5m]``."""

    body: Node
    range: float
    step: float | None
    moved: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """A function."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate(Node):
    """``sum by (job) (…)``."""

    name: str
    body: Node
    parameter: Node | None
    grouping: str
    """``by``, ``without``, or nothing."""
    labels: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Binary(Node):
    """Two sides and what is between them."""

    op: str
    left: Node
    right: Node
    bool: bool = False
    matching: str = ""
    """``on``, ``ignoring``, or nothing."""
    labels: tuple[Word, ...] = ()
    group: str = ""
    """``left`` or ``right``: the side of which many series may match one."""
    include: tuple[Word, ...] = ()
    """Labels in ``group_left(…)``."""
    at: int = 0
    """Where the operator stands."""


@dataclass(frozen=True, slots=True, eq=False)
class Unary(Node):
    """A sign."""

    op: str
    body: Node


@dataclass(frozen=True, slots=True, eq=False)
class Paren(Node):
    """What stands in parentheses."""

    body: Node


def children(node: Node) -> tuple[Node, ...]:
    """The parts it is made of, in the order of the text as far as values are concerned."""
    match node:
        case Paren() | Unary() | Subquery():
            return (node.body,)
        case Binary():
            return (node.left, node.right)
        case Call():
            return node.arguments
        case Aggregate():
            return (node.body,) if node.parameter is None else (node.parameter, node.body)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """It and all its parts, from left to right, each before its own parts."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def bare(node: Node) -> Node:
    """It without the parentheses around it."""
    while isinstance(node, Paren):
        node = node.body
    return node


def scalar(node: Node) -> bool:
    """Whether its value is one number without labels, by its type."""
    node = bare(node)
    match node:
        case Number() | Text():
            return True
        case Unary():
            return scalar(node.body)
        case Call():
            return node.name in _SCALARS
        case Binary():
            return scalar(node.left) and scalar(node.right)
        case _:
            return False


def constant(node: Node) -> float | None:
    """The number that it always is, of numbers and arithmetic alone."""
    node = bare(node)
    match node:
        case Number():
            return node.value
        case Unary():
            value = constant(node.body)
            return None if value is None else -value if node.op == "-" else value
        case Binary() if node.op in ARITHMETIC:
            left, right = constant(node.left), constant(node.right)
            return None if left is None or right is None else _computed(node.op, left, right)
        case _:
            return None


def _computed(op: str, left: float, right: float) -> float | None:
    try:
        match op:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/":
                return left / right
            case "^" if abs(right) < 100:
                power = left**right
                return power if isinstance(power, float) else None
            case _:
                return None
    except (ArithmeticError, ValueError):
        return None
