"""Whether a condition can change at all: what is always so, or never."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import inf

from seatrial.facts.alerts.expressions_bounds import bounds
from seatrial.facts.alerts.expressions_reading import RANGED, One, Slip, Unsure
from seatrial.promql.nodes import COMPARISONS, Binary, Call, Matcher, Node, Series, bare, constant, scalar, walk

__all__ = ["fixed_conditions", "holds"]

MANY = 64
"""Matchers of one selector that are held against each other."""
_MIRROR = {">": "<", "<": ">", ">=": "<=", "<=": ">="}
_PLAIN = re.compile(r"[\w .:/\-]*", re.ASCII)


def holds(op: str, left: float, right: float) -> bool:
    """Whether a comparison of two numbers holds."""
    match op:
        case ">":
            return left > right
        case "<":
            return left < right
        case ">=":
            return left >= right
        case "<=":
            return left <= right
        case "==":
            return left == right
        case _:
            return left != right


def fixed_conditions(one: One) -> Iterator[Slip | Unsure]:
    """Comparisons that never or always hold, and selectors that select nothing by their own matchers."""
    for node in walk(one.root):
        if isinstance(node, Series):
            yield from _contradictions(node)
        elif isinstance(node, Binary):
            yield from _compared(node, one)


def _compared(node: Binary, one: One) -> Iterator[Slip]:
    if _copied(node, one):
        result = {"/": "is always 1", "unless": "gives nothing"}
        told = result.get(node.op) or ("always holds" if node.op in (">=", "<=") else "never holds")
        yield Slip(
            node.start, f"{one.said(node)} {told}: both sides are the same. Write what it is to be compared with"
        )
        return
    if node.op == "and":
        yield from _exclusive(node, one)
    if node.op not in COMPARISONS:
        return
    left, right = constant(node.left), constant(node.right)
    if left is not None and right is not None:
        said = "always" if holds(node.op, left, right) else "never"
        yield Slip(node.start, f"{one.said(node)} {said} holds: both sides are numbers. Compare a metric with one")
        return
    if right is not None:
        yield from _bounded(node, node.left, node.op, right, one)
    elif left is not None:
        yield from _bounded(node, node.right, _MIRROR.get(node.op, node.op), left, one)


def _copied(node: Binary, one: One) -> bool:
    """Whether both sides are the same by mistake: `x == x` is meant, it leaves out what is no number; so is `x / x`, a 1 with labels."""
    if node.op not in (">", "<", ">=", "<=", "/", "unless") or scalar(node.left) or not one.same(node.left, node.right):
        return False
    return node.op != "/" or any(isinstance(each, Call) and each.name in RANGED for each in walk(node.left))


def _bounded(node: Binary, side: Node, op: str, bound: float, one: One) -> Iterator[Slip]:
    """A boundary that the value can't cross, or is always beyond."""
    found = bounds(side, one)
    low, high = found.low, found.high
    never = {
        ">": high <= bound,
        ">=": high < bound,
        "<": low >= bound,
        "<=": low > bound,
        "==": not low <= bound <= high,
        "!=": low == high == bound,
    }[op]
    if never:
        instead = _share_instead(bound, low, high, op)
        yield Slip(
            node.start, f"{one.said(node)} never holds: {found.why or f'it is from {low:g} to {high:g}'}. {instead}"
        )
        return
    always = {
        ">": low > bound,
        ">=": low >= bound,
        "<": high < bound,
        "<=": high <= bound,
        "!=": not low <= bound <= high,
    }
    plain = not found.counted and low > -inf and low != high
    if always.get(op) and plain and _decides(node, one) and not node.bool and not _filters(side):
        yield Slip(
            node.start, f"{one.said(node)} always holds: {found.why}. Write a threshold that it can be on both sides of"
        )


def _share_instead(bound: float, low: float, high: float, op: str) -> str:
    if (low, high) == (0, 1) and 1 < bound <= 100 and op in (">", ">=", "<", "<="):
        return f"Write `{bound / 100:g}` for {bound:g}%"
    if high < inf and op in (">", ">="):
        return f"Write a threshold below {high:g}"
    if op in ("<", "<=", "==") and low == 1:
        return "Write `absent(…)` for there being none"
    return "Write a threshold that it can cross"


def _decides(node: Node, one: One) -> bool:
    """Whether an alert fires by this comparison alone; of several (`0 <= x < 5`) one may well always hold."""
    waiting = [one.root] if one.rule.kind == "alert" else []
    while waiting:
        each = bare(waiting.pop())
        if each is node:
            return True
        if isinstance(each, Binary) and each.op == "or":
            waiting += [each.left, each.right]
    return False


def _filters(node: Node) -> bool:
    """Whether it has a condition of its own, so that the comparison does not matter."""
    return any(
        isinstance(each, Binary) and (each.op in ("and", "or", "unless") or (each.op in COMPARISONS and not each.bool))
        for each in walk(node)
    )


def _exclusive(node: Binary, one: One) -> Iterator[Slip]:
    """Two conditions on the same value that are never true together."""
    left, right = bare(node.left), bare(node.right)
    if not (isinstance(left, Binary) and isinstance(right, Binary)) or left.bool or right.bool or scalar(left):
        return
    first, second = constant(left.right), constant(right.right)
    if first is None or second is None or not one.same(left.left, right.left):
        return
    if left.op not in COMPARISONS or right.op not in COMPARISONS or "!=" in (left.op, right.op):
        return
    spans = [_span(left.op, first), _span(right.op, second)]
    low, high = max(span[0] for span in spans), min(span[1] for span in spans)
    strict = any(op in (">", "<") for op in (left.op, right.op))
    if low > high or (low == high and strict):
        yield Slip(
            node.start, f"{one.said(node)} never holds: no value is both. Write `or`, or turn one comparison round"
        )


def _span(op: str, bound: float) -> tuple[float, float]:
    return (bound, inf) if op in (">", ">=") else (-inf, bound) if op in ("<", "<=") else (bound, bound)


def _contradictions(node: Series) -> Iterator[Slip]:
    """Matchers of one selector that no value meets."""
    if len(node.matchers) > MANY:
        return
    for index, matcher in enumerate(node.matchers):
        for other in node.matchers[:index]:
            if matcher.name != other.name:
                continue
            if not _together(other, matcher):
                yield Slip(
                    matcher.start,
                    f"`{node.metric}` with {_told(other)} and {_told(matcher)} selects nothing: no value of `{matcher.name}` is both. "
                    f'Write one matcher: `{matcher.name}=~"…|…"` for either',
                )
                return


def _told(matcher: Matcher) -> str:
    return f'`{matcher.name}{matcher.op}"{matcher.value}"`'


def _together(one: Matcher, other: Matcher) -> bool:
    """Whether some value may meet both."""
    first, second = _values(one), _values(other)
    if first is not None:
        return any(_meets(value, other) for value in first)
    if second is not None:
        return any(_meets(value, one) for value in second)
    return True


def _values(matcher: Matcher) -> list[str] | None:
    """All values that it lets through, where they can be told by looking."""
    if matcher.op == "=":
        return [matcher.value]
    if matcher.op == "=~" and all(_PLAIN.fullmatch(part) and "." not in part for part in matcher.value.split("|")):
        return matcher.value.split("|")
    return None


def _meets(value: str, matcher: Matcher) -> bool:
    """Whether a value meets a matcher; yes where that takes running a regular expression that is not simple."""
    if matcher.op in ("=", "!="):
        return (value == matcher.value) == (matcher.op == "=")
    parts = matcher.value.split("|")
    if not all(
        _PLAIN.fullmatch(part.replace("*", "").replace("+", "")) and part.count("*") + part.count("+") <= 2
        for part in parts
    ):
        return True
    if any(sign + each in part for part in parts for sign in "*+" for each in "*+") or any(
        part[:1] in ("*", "+") for part in parts
    ):
        return True
    if any(part[at - 1] != "." for part in parts for at, sign in enumerate(part) if sign in "*+"):
        return True
    met = any(re.fullmatch(part, value[:200], re.DOTALL) for part in parts)
    return met == (matcher.op == "=~")
