"""An expression as a reader sees it.

promql-parser decides what is PromQL, but gives no places, and its recursion ends the process on input that is deep
enough. So our own reading comes first: it is bounded, and knows where everything stands. Both must agree on what they read.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from functools import lru_cache

from seatrial.promql.agreeing import differences
from seatrial.promql.labels import Flow
from seatrial.promql.nodes import Node
from seatrial.promql.operands import Operand, operands_of
from seatrial.promql.parsing import Parser
from seatrial.promql.selecting import Selector, selectors_of
from seatrial.promql.tokens import Unreadable, tokens

__all__ = ["Expression", "Operand", "Selector", "Unreadable", "operands", "parse", "selectors"]

KEPT = 1000
"""Characters up to which an expression is kept, since several ask for it; one that was read takes 250 times as much memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """One expression that was read."""

    text: str
    root: Node
    words: tuple[str, ...] = ()
    starts: tuple[int, ...] = ()
    """Where each word stands."""
    flow: Flow = field(default_factory=Flow, repr=False)
    """The labels of its parts."""

    def said(self, node: Node) -> str:
        """A part of it as it is written."""
        return self.text[node.start : node.end]

    def plain(self, node: Node) -> str:
        """A part of it in one spelling, without comments and with one space between words."""
        return " ".join(self.words[bisect_left(self.starts, node.start) : bisect_left(self.starts, node.end)])

    def same(self, left: Node, right: Node) -> bool:
        """Whether two parts have the same words, whatever the spaces and comments between them."""
        spans = [(bisect_left(self.starts, node.start), bisect_left(self.starts, node.end)) for node in (left, right)]
        (a, b), (c, d) = spans
        return b - a == d - c and self.words[a:b] == self.words[c:d]


def parse(text: str) -> Expression:
    """An expression, read.

    Raises:
        Unreadable: it is no PromQL, it is longer or deeper than is read, or the two readings do not agree.
    """
    return _kept(text) if len(text) <= KEPT else _parsed(text)


@lru_cache(maxsize=2048)
def _kept(text: str) -> Expression:
    return _parsed(text)


def _parsed(text: str) -> Expression:
    import promql_parser

    words = tokens(text)
    root = Parser(words).whole()
    try:
        theirs = promql_parser.parse(text)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as refused:  # noqa: BLE001 a panic of theirs is no Exception
        raise Unreadable(" ".join(str(refused).split())[:300] or "promql-parser refuses it") from None
    told = differences(root, theirs)
    if told:
        raise Unreadable(f"two readings of it do not agree on {told}")
    return Expression(text, root, tuple(word.text for word in words), tuple(word.start for word in words))


def selectors(expression: Expression) -> tuple[Selector, ...]:
    """Its selectors, in the order of the text."""
    return selectors_of(expression.root, expression.text)


def operands(expression: Expression) -> tuple[Operand, ...]:
    """Its parts that a server can be asked for on their own, in the order of the text."""
    return operands_of(expression.root, expression.text)
