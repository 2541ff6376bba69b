"""Rules with their expressions read, and what is known of the metrics in them: what every judgement of expressions starts from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from seatrial.facts.alerts.catalog import Catalog, CatalogMetric
from seatrial.facts.alerts.rules import Rule
from seatrial.promql.labels import Flow
from seatrial.promql.nodes import Aggregate, Call, Node, Series, bare, walk
from seatrial.promql.reading import Expression, Unreadable, parse

__all__ = ["RANGED", "Judge", "One", "Slip", "Unsure", "read"]

T = TypeVar("T")

MOST_TEXT = 4 * 1024 * 1024
"""Characters of the expressions of one file that are read; ten thousand rules have two million."""
RANGED = frozenset({"rate", "irate", "increase", "delta", "idelta", "deriv", "changes", "resets", "predict_linear"})
"""Functions that need two samples at least, or that tell how something changed."""
_EVENTS = re.compile(
    r"(?:error|fail|failure|exception|restart|reject|refus|retr[iy]|timeout|drop|dropped|panic|crash|abort|evict|denied|lost|miss"
    r"|request|call|oom|kill)\w*_total$"
)


@dataclass(frozen=True, slots=True)
class Slip:
    """Something wrong in an expression, from ``start`` on, or in one of the rule's texts."""

    start: int
    text: str
    key: str = ""
    """``annotations.summary``, where it is about a text."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """Something that could not be decided, and why."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class One:
    """One rule, read."""

    rule: Rule
    expression: Expression
    catalog: Catalog | None
    recorded: frozenset[str]
    """Names that the rules of the same file record."""
    known: dict[tuple[str, Node], Any] = field(default_factory=dict)
    """What was found out about its parts, so that nothing is found out twice."""

    def each(self, what: str, node: Node, find: Callable[[Node, One], T]) -> T:
        """What is found out about one part from what was found out about its own, from the innermost on: no depth is too deep."""
        if (what, node) not in self.known:
            for part in reversed(list(walk(node))):
                if (what, part) not in self.known:
                    self.known[what, part] = find(part, self)
        found: T = self.known[what, node]
        return found

    @property
    def series(self) -> list[Series]:
        """Every selector."""
        if ("series", self.root) not in self.known:
            self.known["series", self.root] = series_of(self.root)
        found: list[Series] = self.known["series", self.root]
        return found

    @property
    def flow(self) -> Flow:
        """The labels of its parts."""
        return self.expression.flow

    @property
    def root(self) -> Node:
        """Its whole expression."""
        return self.expression.root

    def said(self, node: Node) -> str:
        """A part of the expression in backquotes, on one line, not longer than is read at a glance."""
        text = " ".join(self.expression.said(node).split())
        return f"`{text if len(text) <= 160 else text[:120] + ' … ' + text[-30:]}`"

    def same(self, left: Node, right: Node) -> bool:
        """Whether two parts say the same."""
        return self.expression.same(bare(left), bare(right))

    def metric(self, series: Series) -> CatalogMetric | None:
        """The metric of a selector, where it is known."""
        return self.catalog.of(series.metric) if self.catalog and series.metric else None

    def computed(self, series: Series) -> bool:
        """Whether rules made it, here or elsewhere, or nobody can tell what it is."""
        name = series.metric
        return not name or ":" in name or name in self.recorded or name.startswith("ALERTS")

    def counts(self, series: Series) -> str:
        """``counter`` where it surely is one, ``gauge`` where it surely is none, ``perhaps`` by its ending alone, or nothing."""
        if self.computed(series):
            return ""
        name, metric = series.metric, self.metric(series)
        ends = name.endswith(("_total", "_count", "_sum", "_bucket"))
        if metric is None or metric.type in ("untyped", "unknown", ""):
            return "perhaps" if ends else ""
        if metric.type == "counter":
            return "counter"
        if metric.type == "histogram" or (metric.type == "summary" and name != metric.name):
            return "counter"
        # A gauge that ends in _total was typed by mistake, or counts after all.
        return "" if ends and metric.type in ("gauge", "info") else "gauge"

    def eventful(self, series: Series) -> bool:
        """Whether it counts events: by its type, or by a name that leaves no doubt."""
        counts = self.counts(series)
        return counts == "counter" or (counts == "perhaps" and bool(_EVENTS.search(series.metric)))


Judge = Callable[[One], Iterator[Slip | Unsure]]


def read(texts: Iterable[str]) -> Iterator[Expression | Unreadable]:
    """Expressions, or why they are not read; as many as one file may hold."""
    rest = MOST_TEXT
    for text in texts:
        rest -= len(text)
        try:
            if rest < 0:
                raise Unreadable(f"the expressions of its file have more than {MOST_TEXT:,} characters together")
            yield parse(text)
        except Unreadable as refused:
            yield refused


def argument(node: Call | Aggregate) -> Node | None:
    """The series that a function is given, if its argument is a selector."""
    given = node.arguments if isinstance(node, Call) else (node.body,)
    return next((bare(each) for each in given if isinstance(bare(each), Series)), None)


def series_of(node: Node) -> list[Series]:
    """Every selector in it."""
    return [each for each in walk(node) if isinstance(each, Series)]
