"""Which labels the result of an expression has, by PromQL's rules for aggregations, functions and matching.

What labels a metric has is not known here: a selector may have any, but for those its matchers rule out. So `Labels` tells
what is certainly there, and what certainly is not any more, and why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from seatrial.promql.nodes import (
    KEEPING,
    SETS,
    Aggregate,
    Binary,
    Call,
    Matcher,
    Node,
    Paren,
    Series,
    Subquery,
    Text,
    Unary,
    Word,
    bare,
    scalar,
    walk,
)

__all__ = ["NONE", "Flow", "Labels", "Loss", "label_flow"]

_EMPTY: frozenset[str] = frozenset()
_WITHOUT_VECTOR = frozenset({"vector", "hour", "minute", "month", "year", "days_in_month"})
_QUANTILES = {"histogram_quantile": 1, "histogram_fraction": 2}
SCRAPED = frozenset({"job", "instance"})
"""Labels that every scraped series has, unless relabelling took them away."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Why a label is not there, and the part of the expression that took it away."""

    text: str
    node: Node


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of the series of one result."""

    open: bool
    """Whether there may be more than is told: what a metric has is not known."""
    may: frozenset[str] = _EMPTY
    """Names that may be there."""
    sure: frozenset[str] = _EMPTY
    """Names that every series has."""
    likely: frozenset[str] = _EMPTY
    """Those, and what scraping adds."""
    fixed: dict[str, str] = field(default_factory=dict)
    """Names whose value is known."""
    lost: dict[str, Loss] = field(default_factory=dict)
    """Names that are not there."""
    closed: Loss | None = None
    """Why there are no others than ``may``."""

    def can(self, name: str) -> bool:
        """Whether any of the series may have this label."""
        return name in self.may or (self.open and name not in self.lost)

    def why(self, name: str) -> Loss | None:
        """Why it can't."""
        return None if self.can(name) else self.lost.get(name, self.closed)

    def less(self, names: Iterable[str], loss: Loss) -> Labels:
        """The same without some."""
        gone = frozenset(names)
        return replace(
            self,
            may=self.may - gone,
            sure=self.sure - gone,
            likely=self.likely - gone,
            fixed={name: value for name, value in self.fixed.items() if name not in gone},
            lost={**self.lost, **{name: self.why(name) or loss for name in gone}},
        )

    def only(self, names: Iterable[str], loss: Loss) -> Labels:
        """Of these names, those that are there."""
        kept = frozenset(names)
        lost = {name: reason for name in kept if (reason := self.why(name)) is not None}
        return Labels(
            False,
            frozenset(name for name in kept if self.can(name)),
            self.sure & kept,
            self.likely & kept,
            {name: value for name, value in self.fixed.items() if name in kept},
            {**({} if self.open else self.lost), **lost},
            loss,
        )

    def more(self, name: str, sure: bool = False) -> Labels:
        """The same with one that may have been set, to what is not known."""
        here = frozenset({name}) if sure else _EMPTY
        return replace(
            self,
            may=self.may | {name},
            sure=(self.sure - {name}) | here,
            likely=(self.likely - {name}) | here,
            fixed={other: value for other, value in self.fixed.items() if other != name},
            lost={other: loss for other, loss in self.lost.items() if other != name},
        )


NONE = Labels(False)
"""No labels at all."""


class Flow:
    """The labels of every part of one expression."""

    def __init__(self) -> None:
        self._known: dict[Node, Labels] = {}

    def of(self, node: Node) -> Labels:
        """Labels of the result of one part."""
        node = bare(node)
        if node not in self._known:
            # From the innermost on, so that no depth is too deep.
            for part in reversed(list(walk(node))):
                if part not in self._known and not isinstance(part, Paren):
                    self._known[part] = self._find(part)
        return self._known[node]

    def _find(self, node: Node) -> Labels:
        match node:
            case Series():
                return _selected(node)
            case Subquery() | Unary():
                return self.of(node.body)
            case Call():
                return self._called(node)
            case Aggregate():
                return self._aggregated(node)
            case Binary():
                return self._joined(node)
            case _:
                return NONE

    def _called(self, node: Call) -> Labels:
        name, given = node.name, node.arguments
        if name in ("absent", "absent_over_time"):
            return _absent(node)
        if scalar(node) or (name in _WITHOUT_VECTOR and (not given or scalar(given[0]))):
            return replace(NONE, closed=Loss(f"`{name}()` has no labels", node))
        if name == "info":
            return replace(self.of(given[0]), open=True, lost={}, closed=None)
        if name in ("label_replace", "label_join") and len(given) > 2 and isinstance(bare(given[1]), Text):
            inner, target = self.of(given[0]), str(getattr(bare(given[1]), "value", ""))
            return inner.more(target)
        vector = next((argument for argument in given if not scalar(argument)), None)
        inner = NONE if vector is None else self.of(vector)
        if name in _QUANTILES:
            return inner.less(["le"], Loss(f"`{name}` uses up le", node))
        return inner

    def _aggregated(self, node: Aggregate) -> Labels:
        inner = self.of(node.body)
        if node.name in KEEPING:
            return inner
        names = [word.name for word in node.labels]
        said = f"{node.name} {node.grouping} ({', '.join(names)})" if node.grouping else node.name
        if node.grouping == "without":
            found = inner.less(names, Loss(f"`{said}` takes {_listed(names)} away", node))
        else:
            what = f"keeps {_listed(names)} alone" if names else "keeps no labels"
            found = inner.only(names, Loss(f"`{said}` {what}", node))
        if node.name == "count_values" and isinstance(node.parameter, Text):
            found = found.more(node.parameter.value, sure=True)
        return found

    def _joined(self, node: Binary) -> Labels:
        left, right = self.of(node.left), self.of(node.right)
        if scalar(node.left) or scalar(node.right):
            return right if scalar(node.left) else left
        if node.op == "or":
            return _either(left, right)
        if node.op in SETS:
            return left
        if node.group:
            many, one = (left, right) if node.group == "left" else (right, left)
            return _many(many, one, node)
        names = [word.name for word in node.labels]
        if node.matching == "on":
            what = f"keeps {_listed(names)} alone" if names else "keeps no labels"
            loss = Loss(f"`on ({', '.join(names)})` {what}", node)
            return _both(left.only(names, loss), right.only(names, loss))
        loss = Loss(f"`ignoring ({', '.join(names)})` takes {_listed(names)} away", node)
        return _both(left.less(names, loss), right.less(names, loss))


def label_flow(root: Node) -> Labels:
    """Labels of what an expression gives."""
    return Flow().of(root)


def _selected(node: Series) -> Labels:
    if node.alternatives:
        return Labels(True)
    sure, fixed, lost = set(), {}, {}
    for matcher in node.matchers:
        if matcher.op == "=" and matcher.value == "":
            lost[matcher.name] = Loss("the selector asks for series without it", matcher)
        elif matcher.op == "=":
            fixed[matcher.name] = matcher.value
            sure.add(matcher.name)
        elif (matcher.op == "!=" and matcher.value == "") or (matcher.op == "=~" and _filled(matcher)):
            sure.add(matcher.name)
    if node.metric.endswith("_bucket"):
        sure.add("le")
    elif node.metric.endswith(("_count", "_sum")) and "le" not in sure:
        lost["le"] = Loss(f"`{node.metric}` has no le", node)
    scraped = node.metric and ":" not in node.metric and not node.metric.startswith("ALERTS")
    likely = sure | (SCRAPED - lost.keys() if scraped else _EMPTY)
    return Labels(True, frozenset(sure), frozenset(sure), frozenset(likely), fixed, lost)


def _filled(matcher: Matcher) -> bool:
    """Whether a regular expression surely does not match the empty value: by its looks, so that none has to be run."""
    parts = matcher.value.split("|")
    return "(" not in matcher.value and all(
        part == ".+" or (part[:1].isalnum() and part[1:2] not in ("*", "?", "{")) for part in parts
    )


def _absent(node: Call) -> Labels:
    given = bare(node.arguments[0]) if node.arguments else node
    closed = Loss(f"`{node.name}` has the labels that its selector states with `=`, and no others", node)
    if not isinstance(given, Series) or given.alternatives:
        return Labels(False, closed=Loss(f"`{node.name}` of what is no selector has no labels", node))
    fixed: dict[str, str] = {}
    asked: set[str] = set()
    for matcher in given.matchers:
        # As Prometheus does it: a label that is asked for twice is dropped, unless the first asks for no value.
        if matcher.op == "=" and matcher.name not in asked:
            asked.add(matcher.name)
            fixed[matcher.name] = matcher.value
        else:
            fixed.pop(matcher.name, None)
    fixed = {name: value for name, value in fixed.items() if value}
    names = frozenset(fixed)
    return Labels(False, names, names, names, fixed, {}, closed)


def _either(left: Labels, right: Labels) -> Labels:
    """Series of both."""
    may = left.may | right.may
    lost = {
        name: loss
        for labels in (left, right)
        for name, loss in labels.lost.items()
        if not left.can(name) and not right.can(name)
    }
    fixed = {name: value for name, value in left.fixed.items() if right.fixed.get(name) == value}
    open = left.open or right.open
    return Labels(
        open, may, left.sure & right.sure, left.likely & right.likely, fixed, lost, left.closed or right.closed
    )


def _both(left: Labels, right: Labels) -> Labels:
    """Series that have the same labels on both sides."""
    may = frozenset(name for name in left.may | right.may if left.can(name) and right.can(name))
    open = left.open and right.open
    return Labels(
        open,
        may,
        (left.sure | right.sure) & may,
        (left.likely | right.likely) & may if not open else left.likely | right.likely,
        {name: value for name, value in {**right.fixed, **left.fixed}.items() if name in may},
        {**right.lost, **left.lost},
        left.closed or right.closed,
    )


def _many(many: Labels, one: Labels, node: Binary) -> Labels:
    """Series of the side of which many may match one, with the labels it is given from there."""
    found = many
    for word in node.include:
        if one.can(word.name):
            found = found.more(word.name, sure=word.name in one.sure)
        else:
            reason = one.why(word.name)
            found = replace(
                found.less([word.name], reason or Loss("the other side has no such label", word)),
            )
    return found


def _listed(names: list[str] | tuple[Word, ...]) -> str:
    told = [str(getattr(name, "name", name)) for name in names]
    return ", ".join(told[:-1]) + f" and {told[-1]}" if len(told) > 1 else "".join(told)
