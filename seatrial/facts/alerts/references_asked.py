"""What is to be asked of a Prometheus about one expression: look and judgement agree by the texts that are made here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from seatrial.promql.nodes import (
    ARITHMETIC,
    COMPARISONS,
    Binary,
    Call,
    Node,
    Series,
    Subquery,
    bare,
    constant,
    scalar,
    walk,
)
from seatrial.promql.reading import Expression

__all__ = [
    "MADE_UP",
    "Matcher",
    "empty_matches",
    "fetches",
    "later",
    "made",
    "matched",
    "matching",
    "present",
    "probes",
    "questions",
    "reversed_matcher",
    "said",
    "selector_text",
    "series",
    "unfiltered",
]

Matcher = tuple[str, str, str]
"""Name, operator, value."""
MADE_UP = ("ALERTS", "ALERTS_FOR_STATE")
"""Series that Prometheus makes of alerts, as soon as there are any."""
LONGEST = 2000
"""Characters of a regular expression that is tried, on the empty text alone."""


def selector_text(metric: str, matchers: tuple[Matcher, ...] = ()) -> str:
    """A selector as it is asked, without range and offset."""
    inner = ",".join(f"{name}{op}{json.dumps(value, ensure_ascii=False)}" for name, op, value in matchers)
    return f"{metric}{{{inner}}}" if inner else metric


def series(node: Node) -> tuple[Series, ...]:
    """The selectors beneath a part, in the order of the text."""
    return tuple(each for each in walk(node) if isinstance(each, Series))


def made(node: Series) -> str:
    """The text by which a selector is asked."""
    return selector_text(node.metric, tuple((m.name, m.op, m.value) for m in node.matchers))


def unfiltered(node: Node) -> Node:
    """A side without the comparisons with numbers around it: what there is before any of it is left out."""
    node = bare(node)
    while isinstance(node, Binary) and node.op in COMPARISONS and not node.bool:
        sides = [side for side in (node.left, node.right) if not scalar(side)]
        if len(sides) != 1:
            break
        node = bare(sides[0])
    return node


def matched(node: Node) -> bool:
    """Whether it is an operation whose two sides must agree in labels to give anything."""
    return (
        isinstance(node, Binary)
        and (node.op in ARITHMETIC or node.op in COMPARISONS or node.op == "and")
        and not scalar(node.left)
        and not scalar(node.right)
    )


def matching(expression: Expression, node: Binary) -> str:
    """An operation that gives something exactly where series of both sides belong together, whatever their values."""
    left, right = (f"({said(expression, unfiltered(side))})" for side in (node.left, node.right))
    op = f"{node.op} bool" if node.op in COMPARISONS else node.op
    how = f"{node.matching} ({', '.join(word.name for word in node.labels)})" if node.matching else ""
    group = f"group_{node.group} ({', '.join(word.name for word in node.include)})" if node.group else ""
    return " ".join(part for part in (left, op, how, group, right) if part)


def said(expression: Expression, node: Node) -> str:
    """A part as it is asked; a comment at its end would take in what follows."""
    text = expression.said(bare(node))
    return f"{text}\n" if "#" in text else text


def fetches(node: Node) -> Series | None:
    """The range that a function looks over: of ``rate(x[5m])`` it is ``x[5m]``."""
    if not isinstance(node, Call) or node.name.startswith("absent"):
        return None
    found = [each for each in map(bare, node.arguments) if isinstance(each, Series) and each.range is not None]
    return found[0] if len(found) == 1 else None


def questions(expression: Expression, *, whole: bool) -> Iterator[tuple[str, str]]:
    """Texts to ask, with what of each: ``c`` how many series, ``l`` and ``h`` between which values."""
    if whole:
        yield said(expression, expression.root), "c"
    for node in walk(expression.root):
        if isinstance(node, Series) and node.metric and not node.alternatives:
            yield made(node), "c"
        elif fetches(node) is not None:
            yield said(expression, node), "c"
        elif matched(node) and isinstance(node, Binary):
            yield said(expression, unfiltered(node.left)), "c"
            yield said(expression, unfiltered(node.right)), "c"
            yield matching(expression, node), "c"
        if isinstance(node, Binary) and node.op in COMPARISONS:
            sides = [side for side in (node.left, node.right) if not scalar(side)]
            if len(sides) == 1 and constant(node.right if sides[0] is node.left else node.left) is not None:
                yield said(expression, sides[0]), "clh"


def probes(node: Series, seen: bool) -> Iterator[str]:
    """What tells why a selector gives nothing, and whether what it leaves out was ever there.

    Args:
        node: the selector.
        seen: whether it ever gave anything.
    """
    if not node.metric or node.alternatives:
        return
    matchers = tuple((m.name, m.op, m.value) for m in node.matchers)
    if not seen:
        yield node.metric
    for matcher in matchers:
        if matcher[1] in ("!=", "!~") and not empty_matches(reversed_matcher(matcher)):
            yield selector_text(node.metric, (reversed_matcher(matcher),))
            yield selector_text(node.metric, (present(matcher[0]),))
        elif not seen:
            yield selector_text(node.metric, (matcher,))
            yield selector_text(node.metric, (present(matcher[0]),))


def present(label: str) -> Matcher:
    """The matcher of all series that have a label."""
    return label, "!=", ""


def reversed_matcher(matcher: Matcher) -> Matcher:
    """The matcher of what one leaves out."""
    name, op, value = matcher
    return name, {"!=": "=", "!~": "=~", "=": "!=", "=~": "!~"}[op], value


def empty_matches(matcher: Matcher) -> bool:
    """Whether a matcher also takes series without its label; of a regular expression that can't be read here, that it may."""
    _, op, value = matcher
    if op in ("=", "!="):
        return (value == "") == (op == "=")
    try:
        takes = len(value) > LONGEST or bool(re.fullmatch(value, ""))
    except (re.error, RecursionError, OverflowError):
        return True
    return takes == (op == "=~")


def later(node: Node) -> bool:
    """Whether something beneath looks at another time than now, for which there may be nothing yet."""
    return any(isinstance(each, Subquery) or (isinstance(each, Series) and each.moved) for each in walk(node))
