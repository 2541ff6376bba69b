"""Whether series of both sides of an operator can match at all, and match what is meant."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.facts.alerts.expressions_reading import One, Slip, Unsure
from seatrial.promql.labels import Labels
from seatrial.promql.nodes import Aggregate, Binary, Call, Node, Series, Unary, bare, constant, scalar, walk

__all__ = ["mismatched"]


def mismatched(one: One) -> Iterator[Slip | Unsure]:
    """Operators whose sides never match, or match every series with itself."""
    for node in walk(one.root):
        if not isinstance(node, Binary) or node.op == "or" or scalar(node.left) or scalar(node.right):
            continue
        told = _itself(node, one) or _different(node, one) or _disjoint(node, one)
        if told:
            yield Slip(node.at if node.op not in ("/", "-") else node.start, told)


def _matches_on(node: Binary, name: str) -> bool:
    """Whether a label must be the same on both sides."""
    named = any(word.name == name for word in node.labels)
    return named if node.matching == "on" else not named


def _core(node: Node) -> Series | None:
    """The one selector that a side is made of."""
    node = bare(node)
    match node:
        case Series():
            return node
        case Unary() | Aggregate():
            return _core(node.body)
        case Call():
            vectors = [each for each in node.arguments if not scalar(each)]
            return _core(vectors[0]) if len(vectors) == 1 and not node.name.startswith(("absent", "label_")) else None
        case Binary() if constant(node.right) is not None:
            return _core(node.left)
        case Binary() if constant(node.left) is not None:
            return _core(node.right)
        case _:
            return None


def _path(node: Node) -> tuple[str, ...]:
    """Functions and aggregations around the one selector of a side."""
    return tuple(each.name for each in walk(node) if isinstance(each, Call | Aggregate))


def _itself(node: Binary, one: One) -> str:
    """One metric divided by itself, where only one side selects by a label that is matched: each series meets itself."""
    if node.op not in ("/", "-") or node.group:
        return ""
    left, right = _core(node.left), _core(node.right)
    if left is None or right is None or not left.metric or left.metric != right.metric:
        return ""
    if _path(node.left) != _path(node.right):
        return ""  # the greatest beside the mean, say
    if left.moved or right.moved or left.range != right.range or left.alternatives or right.alternatives:
        return ""
    flows = one.flow.of(node.left), one.flow.of(node.right)
    names = [{m.name for m in side.matchers} for side in (left, right)]
    asked = [{(m.name, m.op, m.value) for m in side.matchers} for side in (left, right)]
    differing = {name for name, _, _ in asked[0] ^ asked[1]}
    if not all(_matches_on(node, name) and flows[0].can(name) and flows[1].can(name) for name in differing):
        return ""  # a part of the whole: what they differ in is added up
    for name in sorted(differing - (names[0] & names[1])):
        scaled = any(isinstance(each, Unary | Binary) for side in (node.left, node.right) for each in walk(side))
        result = "the same" if scaled else "1" if node.op == "/" else "0"
        kept = ", ".join(word.name for word in node.labels if word.name != name) if node.matching == "on" else ""
        by = f" by ({kept}) " if kept else ""
        narrow, wide = (node.left, node.right) if name in names[0] else (node.right, node.left)
        sides = [f"sum{by}({_inner(side, one)})" for side in (node.left, node.right)]
        write = f" {node.op} ".join(sides)
        return (
            f"{one.said(node)} is always {result}, or nothing: both sides are matched on `{name}`, so {one.said(narrow)} meets "
            f"the same series in {one.said(wide)}, and not all of them. Write `{' '.join(write.split())}`"
        )
    return ""


def _inner(node: Node, one: One) -> str:
    """A side without the aggregation around it."""
    node = bare(node)
    while isinstance(node, Aggregate):
        node = bare(node.body)
    return one.expression.said(node)


def _different(node: Binary, one: One) -> str:
    """A matched label that has one value on the left and another on the right."""
    left, right = one.flow.of(node.left), one.flow.of(node.right)
    for name in sorted(left.fixed.keys() & right.fixed.keys()):
        if left.fixed[name] == right.fixed[name] or not _matches_on(node, name):
            continue
        values = f'`{name}="{left.fixed[name]}"` on the left and `{name}="{right.fixed[name]}"` on the right'
        return f"`{node.op}` finds nothing that matches: {values}. {_instead(node, name)}"
    return ""


def _instead(node: Binary, name: str) -> str:
    if node.matching == "on":
        return f"Leave `{name}` out of `on`"
    return f"Write `{node.op} ignoring ({', '.join([*(w.name for w in node.labels), name])})`, or `on (…)` with the labels they share"


def _disjoint(node: Binary, one: One) -> str:
    """Labels that every series of one side has, and no series of the other."""
    if node.matching == "on":
        return ""  # a label in `on` that is not there is told where it stands
    left, right = one.flow.of(node.left), one.flow.of(node.right)
    ignored = {word.name for word in node.labels}
    for here, there, side in ((left, right, node.left), (right, left, node.right)):
        name = _only_here(here, there, ignored, side, one)
        if name:
            which, other = ("left", "right") if here is left else ("right", "left")
            loss = there.why(name)
            why = f": {loss.text}" if loss else ""
            return (
                f"`{node.op}` finds nothing that matches: series of the {which} side have `{name}`, and those of the {other} side "
                f"do not{why}. Write `{node.op} on (…)` with the labels they share, or group both sides by the same"
            )
    if not left.open and not right.open:
        mine, yours = left.may - right.may - ignored, right.may - left.may - ignored
        if mine and yours:
            return (
                f"`{node.op}` finds nothing that matches: the left side is by {', '.join(sorted(left.may))}, the right side by "
                f"{', '.join(sorted(right.may))}. Group both by the same labels, or write `{node.op} on (…)`"
            )
    return ""


def _only_here(here: Labels, there: Labels, ignored: set[str], side: Node, one: One) -> str:
    for name in sorted(here.sure - ignored):
        if not there.can(name):
            return name
    lost = [name for name in sorted(here.likely - here.sure - ignored) if not there.can(name)]
    if not lost:
        return ""
    core = _core(side)
    metric = one.metric(core) if core else None
    for name in lost:
        label = metric.label(name) if metric and one.catalog and one.catalog.scraped else None
        if label is not None and metric is not None and label.series == metric.series:
            return name
    # Without a catalog: relabelling may take one of them away, hardly both.
    both = {"job", "instance"} <= here.likely and not there.can("job") and not there.can("instance")
    return lost[0] if both and not {"job", "instance"} & ignored else ""
