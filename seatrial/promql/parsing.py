"""PromQL by our own reading, which keeps places. What is right PromQL is decided by promql-parser; see `reading`."""

from __future__ import annotations

from collections.abc import Callable

from seatrial.promql.nodes import (
    COMPARISONS,
    Aggregate,
    Binary,
    Call,
    Matcher,
    Node,
    Number,
    Paren,
    Series,
    Subquery,
    Text,
    Unary,
    Word,
    children,
)
from seatrial.promql.tokens import Token, Unreadable, seconds, unquoted

__all__ = ["AGGREGATIONS", "MAX_DEPTH", "MAX_NESTING", "Parser"]

MAX_NESTING = 64
"""Parentheses, calls and signs within each other; promql-parser ends the process far beyond."""
MAX_DEPTH = 180
"""Levels of the whole, a chain of operators among them."""
AGGREGATIONS = frozenset(
    [
        "sum",
        "avg",
        "count",
        "min",
        "max",
        "group",
        "stddev",
        "stdvar",
        "topk",
        "bottomk",
        "count_values",
        "quantile",
        "limitk",
        "limit_ratio",
    ]
)
_BINDS = {"or": 1, "and": 2, "unless": 2, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "atan2": 5, "^": 6}
_BINDS |= dict.fromkeys(COMPARISONS, 3)
_PARAMETER = frozenset({"topk", "bottomk", "count_values", "quantile", "limitk", "limit_ratio"})


class Parser:
    """One reading of one expression."""

    def __init__(self, words: list[Token]) -> None:
        self.words = words
        self.at = 0
        self.nesting = 0

    # --- words ----------------------------------------------------------------------------------------------------

    @property
    def now(self) -> Token:
        """The word that is to be read next."""
        return self.words[self.at]

    def _is(self, *texts: str, ahead: int = 0) -> bool:
        word = self.words[min(self.at + ahead, len(self.words) - 1)]
        return word.kind in ("sign", "name") and (word.text if word.kind == "sign" else word.text.lower()) in texts

    def _next(self) -> Token:
        word = self.now
        self.at += word.kind != "end"
        return word

    def _expect(self, text: str) -> Token:
        if not self._is(text):
            raise self._unexpected(f"`{text}` is missing")
        return self._next()

    def _unexpected(self, what: str) -> Unreadable:
        word = self.now
        return Unreadable(f"{what} before `{word.text}`" if word.text else f"{what} at its end", word.start)

    @property
    def _ended(self) -> int:
        """Where the last word ended."""
        return self.words[self.at - 1].end

    # --- operators ------------------------------------------------------------------------------------------------

    def whole(self) -> Node:
        """All of it.

        Raises:
            Unreadable: it is no PromQL, or goes too deep.
        """
        node = self._expression(0)
        if self.now.kind != "end":
            raise self._unexpected("an operator is missing")
        _bounded(node)
        return node

    def _expression(self, binding: int) -> Node:
        left = self._signed()
        while (op := self._operator()) and (binds := _BINDS[op]) > binding:
            sign = self._next()
            returns = self._is("bool") and bool(self._next())
            matching, labels, group, include = self._matching()
            right = self._nested(lambda b=binds - 1 if op == "^" else binds: self._expression(b))  # type: ignore[misc]
            left = Binary(left.start, right.end, op, left, right, returns, matching, labels, group, include, sign.start)
        return left

    def _operator(self) -> str:
        word = self.now
        text = word.text.lower() if word.kind == "name" else word.text if word.kind == "sign" else ""
        return text if text in _BINDS else ""

    def _nested(self, read: Callable[[], Node]) -> Node:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise Unreadable(f"it is nested more than {MAX_NESTING} deep", self.now.start)
        node = read()
        self.nesting -= 1
        return node

    def _signed(self) -> Node:
        if not self._is("-", "+"):
            return self._postfixed()
        sign = self._next()
        body = self._nested(lambda: self._expression(5))
        return Unary(sign.start, body.end, sign.text, body)

    def _matching(self) -> tuple[str, tuple[Word, ...], str, tuple[Word, ...]]:
        matching, labels, group, include = "", (), "", ()  # type: tuple[str, tuple[Word, ...], str, tuple[Word, ...]]
        if self._is("on", "ignoring") and self._is("(", ahead=1):
            matching = self._next().text.lower()
            labels = self._labels()
            if self._is("group_left", "group_right"):
                group = self._next().text.lower().removeprefix("group_")
                # `group_left (x)`: the parentheses are its labels unless they can only be an expression.
                if self._is("(") and self._only_labels():
                    include = self._labels()
        return matching, labels, group, include

    def _only_labels(self) -> bool:
        at = self.at + 1
        while self.words[at].kind in ("name", "string") or self.words[at].text == ",":
            at += 1
        return self.words[at].text == ")"

    def _labels(self) -> tuple[Word, ...]:
        self._expect("(")
        found = []
        while not self._is(")"):
            word = self._next()
            if word.kind not in ("name", "string"):
                raise Unreadable(f"`{word.text}` is no label", word.start)
            name = unquoted(word.text) if word.kind == "string" else word.text
            found.append(Word(word.start, word.end, name))
            if not self._is(")"):
                self._expect(",")
        self._expect(")")
        return tuple(found)

    # --- what operators stand between -----------------------------------------------------------------------------

    def _postfixed(self) -> Node:
        node = self._atom()
        while self._is("[", "offset", "@"):
            if self._is("["):
                node = self._ranged(node)
                continue
            self._next()
            if self._is("-", "+"):
                self._next()
            word = self._next()
            if word.kind == "name" and self._is("("):
                self._next()
                self._expect(")")
            elif word.kind not in ("number", "duration"):
                raise Unreadable(f"`{word.text}` is no time", word.start)
            node = _moved(node, self._ended)
        return node

    def _ranged(self, node: Node) -> Node:
        self._next()
        span = self._span()
        if self._is(":"):
            self._next()
            step = None if self._is("]") else self._span()
            self._expect("]")
            return Subquery(node.start, self._ended, node, span, step)
        self._expect("]")
        if not isinstance(node, Series) or node.range is not None:
            raise Unreadable("a range follows what is no selector", node.end)
        return Series(
            node.start, self._ended, node.metric, node.matchers, span, node.moved, node.alternatives, node.core
        )

    def _span(self) -> float:
        word = self._next()
        if word.kind not in ("duration", "number"):
            raise Unreadable(f"`{word.text}` is no duration", word.start)
        return seconds(word.text)

    def _atom(self) -> Node:
        word = self.now
        if word.kind in ("number", "duration"):
            self._next()
            return Number(word.start, word.end, seconds(word.text))
        if word.kind == "string":
            self._next()
            return Text(word.start, word.end, unquoted(word.text))
        if self._is("("):
            self._next()
            body = self._nested(lambda: self._expression(0))
            self._expect(")")
            return Paren(word.start, self._ended, body)
        if self._is("{"):
            return self._series(word.start, "")
        if word.kind != "name":
            raise self._unexpected("something is missing")
        if self._is("(", ahead=1) or (word.text.lower() in AGGREGATIONS and self._is("by", "without", ahead=1)):
            return self._call()
        self._next()
        if word.text.lower() in ("inf", "nan"):
            return Number(word.start, word.end, float(word.text))
        return self._series(word.start, word.text)

    def _call(self) -> Node:
        word = self._next()
        name = word.text.lower() if word.text.lower() in AGGREGATIONS else word.text
        if name not in AGGREGATIONS:
            arguments = self._arguments()
            return Call(word.start, self._ended, name, arguments)
        grouping, labels = self._grouping()
        arguments = self._arguments()
        if not grouping:
            grouping, labels = self._grouping()
        if len(arguments) != (2 if name in _PARAMETER else 1):
            raise Unreadable(f"`{name}` is given {len(arguments)} arguments", word.start)
        return Aggregate(
            word.start,
            self._ended,
            name,
            arguments[-1],
            arguments[0] if len(arguments) == 2 else None,
            grouping,
            labels,
        )

    def _grouping(self) -> tuple[str, tuple[Word, ...]]:
        if not self._is("by", "without"):
            return "", ()
        return self._next().text.lower(), self._labels()

    def _arguments(self) -> tuple[Node, ...]:
        self._expect("(")
        found: list[Node] = []
        while not self._is(")"):
            found.append(self._nested(lambda: self._expression(0)))
            if not self._is(")"):
                self._expect(",")
        self._expect(")")
        return tuple(found)

    def _series(self, start: int, metric: str) -> Series:
        matchers: list[Matcher] = []
        alternatives = False
        if self._is("{"):
            self._next()
            while not self._is("}"):
                word = self._next()
                if self._is(",", "}") and word.kind == "string":
                    metric = unquoted(word.text)
                elif word.kind == "name" and word.text.lower() == "or" and not self._is("=", "!=", "=~", "!~"):
                    alternatives = True
                    continue
                else:
                    matchers.append(self._matcher(word))
                if not self._is("}") and not (self._is("or") and not self._is("=", "!=", "=~", "!~", ahead=1)):
                    self._expect(",")
            self._expect("}")
        named = [m.value for m in matchers if m.name == "__name__" and m.op == "="]
        if alternatives:
            matchers = []
        elif not metric and len(named) == 1:
            metric = named[0]
            matchers = [m for m in matchers if m.name != "__name__"]
        return Series(start, self._ended, metric, tuple(matchers), None, False, alternatives, self._ended)

    def _matcher(self, word: Token) -> Matcher:
        if word.kind not in ("name", "string") or not self._is("=", "!=", "=~", "!~"):
            raise Unreadable(f"`{word.text}` is no matcher", word.start)
        op = self._next().text
        value = self._next()
        if value.kind != "string":
            raise Unreadable(f"the value of `{word.text}` is not in quotes", value.start)
        name = unquoted(word.text) if word.kind == "string" else word.text
        return Matcher(word.start, value.end, name, op, unquoted(value.text))


def _moved(node: Node, end: int) -> Node:
    match node:
        case Series():
            return Series(node.start, end, node.metric, node.matchers, node.range, True, node.alternatives, node.core)
        case Subquery():
            return Subquery(node.start, end, node.body, node.range, node.step, True)
        case _:
            raise Unreadable("`offset` or `@` follows what is no selector", node.end)


def _bounded(node: Node) -> None:
    """Refuse what is too deep for those that go through it level by level."""
    level, depth = [node], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise Unreadable(f"it is more than {MAX_DEPTH} levels deep", level[0].start)
        level = [child for each in level for child in children(each)]
