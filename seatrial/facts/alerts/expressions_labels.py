"""Whether labels that are used are still there: in groupings, in matching, and in the alert's texts."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.facts.alerts.expressions_reading import One, Slip, Unsure
from seatrial.facts.alerts.expressions_texts import labels_used
from seatrial.promql.labels import Loss
from seatrial.promql.nodes import Aggregate, Binary, Call, Matcher, Node, Series, Text, bare, scalar, walk

__all__ = ["lost_labels"]


def lost_labels(one: One) -> Iterator[Slip | Unsure]:
    """Labels that something asks for after they were taken away."""
    for node in walk(one.root):
        if isinstance(node, Aggregate) and node.grouping == "by":
            yield from _grouped(node, one)
        elif isinstance(node, Binary) and not (scalar(node.left) or scalar(node.right)):
            yield from _matched(node, one)
        elif isinstance(node, Call) and node.name in ("label_replace", "label_join"):
            yield from _copied(node, one)
    if one.rule.kind == "alert":
        yield from _printed(one)


def _taken(node: Node, name: str, one: One) -> Loss | None:
    """Why a label is not there, where it is not the selector's own wish."""
    loss = one.flow.of(node).why(name)
    return None if loss is None or isinstance(loss.node, Series | Matcher) else loss


def _grouped(node: Aggregate, one: One) -> Iterator[Slip]:
    for word in node.labels:
        loss = None if word.name == "le" else _taken(node.body, word.name, one)
        if loss is not None:
            yield Slip(
                word.start,
                f"`{word.name}` in `{node.name} by` is not there any more: {loss.text}. "
                f"Keep `{word.name}` there, or leave it out here",
            )


def _matched(node: Binary, one: One) -> Iterator[Slip]:
    left, right = one.flow.of(node.left), one.flow.of(node.right)
    if node.matching == "on" and node.op != "or":
        for word in node.labels:
            there = left.can(word.name), right.can(word.name)
            if there[0] == there[1]:
                continue
            side, name = (node.left, "left") if not there[0] else (node.right, "right")
            if (loss := _taken(side, word.name, one)) is not None:
                yield Slip(
                    word.start,
                    f"`{word.name}` in `on` is not there on the {name} side: {loss.text}. So nothing matches: "
                    f"keep `{word.name}` on both sides, or leave it out of `on`",
                )
    for word in node.include:
        source, name = (node.right, "right") if node.group == "left" else (node.left, "left")
        if (loss := _taken(source, word.name, one)) is not None:
            yield Slip(
                word.start,
                f"`{word.name}` in `group_{node.group}` is to come from the {name} side, where it is not there: {loss.text}. "
                f"Keep `{word.name}` there",
            )


def _copied(node: Call, one: One) -> Iterator[Slip]:
    given = node.arguments
    sources = given[3:4] if node.name == "label_replace" else given[3:]
    for source in sources:
        source = bare(source)
        if not isinstance(source, Text) or not source.value:
            continue
        if (loss := _taken(given[0], source.value, one)) is not None:
            yield Slip(
                source.start,
                f"`{source.value}` is what `{node.name}` reads, and it is not there: {loss.text}. Keep `{source.value}` there",
            )


def _printed(one: One) -> Iterator[Slip]:
    """Labels that the alert's texts print, and that its series can't have."""
    rule = one.rule
    texts = {f"annotations.{key}": text for key, text in rule.annotations.items()}
    texts |= {f"labels.{key}": text for key, text in rule.labels.items()}
    for key, text in texts.items():
        for used in labels_used(text):
            if used.name == "alertname" and "ALERTS" not in one.expression.text:
                yield Slip(
                    0,
                    f"`{used.action}` prints nothing: the alert's own name is no label of its series. Write it out",
                    key,
                )
                continue
            loss = one.flow.of(one.root).why(used.name)
            if loss is None:
                continue
            own = " (labels that the rule itself sets are not among them)" if used.name in rule.labels else ""
            yield Slip(
                loss.node.start,
                f"`{used.action}` in {key.split('.', 1)[1]} prints nothing: {loss.text}{own}. "
                f"Keep `{used.name}` there, or take it out of the text",
                key,
            )
