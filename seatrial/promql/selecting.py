"""The selectors of an expression, and what is made of each."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.promql.nodes import Aggregate, Binary, Call, Node, Series, Subquery, bare, children

__all__ = ["Selector", "selectors_of"]

_ABSENT = frozenset({"absent", "absent_over_time"})


@dataclass(frozen=True, slots=True)
class Selector:
    """One selector."""

    metric: str
    """Empty where it names none."""
    matchers: tuple[tuple[str, str, str], ...]
    """(name, operator, value); without the one of the name."""
    start: int
    end: int
    """Where it stands, without its range."""
    range: float | None
    """Seconds of its range, if it has one; that of a subquery around it is not its own."""
    calls: tuple[str, ...]
    """Functions and aggregations around it, the innermost first."""
    guarded: bool
    """Whether it may well be empty: inside ``absent()``, on the right of ``unless``, or with an ``or`` beside it."""
    query: str
    """Its own text, without range and ``offset``."""


def selectors_of(root: Node, text: str) -> tuple[Selector, ...]:
    """The selectors of an expression, in the order of the text."""
    found: list[Selector] = []
    waiting: list[tuple[Node, tuple[str, ...], bool]] = [(root, (), False)]
    while waiting:
        node, calls, guarded = waiting.pop()
        if isinstance(node, Series):
            matchers = tuple((m.name, m.op, m.value) for m in node.matchers)
            said = text[node.start : node.core]
            found.append(Selector(node.metric, matchers, node.start, node.core, node.range, calls, guarded, said))
        elif isinstance(node, Binary):
            optional = node.op == "or"
            waiting.append((node.right, calls, guarded or optional or node.op == "unless"))
            waiting.append((node.left, calls, guarded or (optional and not _absent(node.right))))
        else:
            if isinstance(node, Call | Aggregate):
                calls = (node.name, *calls)
                guarded = guarded or node.name in _ABSENT
            waiting.extend((child, calls, guarded) for child in reversed(children(node)))
    return tuple(found)


def _absent(node: Node) -> bool:
    """Whether it is there when something is not: what stands before ``or`` is then not optional."""
    node = bare(node)
    while isinstance(node, Subquery):
        node = bare(node.body)
    return isinstance(node, Call) and node.name in _ABSENT
