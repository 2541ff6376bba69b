"""Labels by which a rule groups and matches, and which its texts name, held against the labels that the metrics have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.facts.alerts.references_asked import series
from seatrial.facts.alerts.rules import Rule, located
from seatrial.promql.labels import Flow
from seatrial.promql.nodes import Aggregate, Binary, Call, Node, Series, Text, bare, scalar, walk
from seatrial.promql.reading import Expression
from seatrial.words import Finding

if TYPE_CHECKING:
    from seatrial.facts.alerts.references_judged import Reading, References

__all__ = ["Use", "unknown_grouping", "uses"]

_NAMED = re.compile(r"(?:\$labels|\.Labels)\.([a-zA-Z_]\w*)|index\s+(?:\$labels|\.Labels)\s+\"([a-zA-Z_]\w*)\"")


@dataclass(frozen=True, slots=True)
class Use:
    """One label that something wants of the series beneath a part."""

    label: str
    node: Node
    """Whose series should have it."""
    start: int
    """Where it is named in the expression; -1 in a text."""
    said: str
    key: str = ""
    """Of a text: ``annotations.summary``."""


def uses(rule: Rule, expression: Expression) -> Iterator[Use]:
    """Every use of a label, but for those in matchers."""
    for node in walk(expression.root):
        if isinstance(node, Aggregate) and node.grouping == "by":
            listed = ", ".join(word.name for word in node.labels)
            for word in node.labels:
                yield Use(word.name, node.body, word.start, f"by ({listed})")
        elif isinstance(node, Binary) and not scalar(node.left) and not scalar(node.right):
            listed = ", ".join(word.name for word in node.labels)
            for word in node.labels if node.matching == "on" else ():
                for side in (node.left, node.right):
                    yield Use(word.name, side, word.start, f"on ({listed})")
            for word in node.include:
                one = node.right if node.group == "left" else node.left
                yield Use(word.name, one, word.start, f"group_{node.group} ({word.name})")
    for kind, texts in (("labels", rule.labels), ("annotations", rule.annotations)):
        for name, text in texts.items():
            for found in list(_NAMED.finditer(text))[:50] if "{{" in text else ():
                yield Use(found[1] or found[2], expression.root, -1, found[0], f"{kind}.{name}")


def unknown_grouping(references: References, reading: Reading) -> Iterator[Finding]:
    """Uses of labels that no selected series has."""
    flow = Flow()
    told: set[str] = set()
    for use in uses(reading.rule, reading.expression):
        if use.label in told or not flow.of(use.node).can(use.label) or not _lacks(references, reading, use):
            continue
        told.add(use.label)
        metrics = list(dict.fromkeys(each.metric for each in series(use.node)))
        named = " and ".join(f"`{name}`" for name in metrics[:3])
        where = references.where(reading.rule, max(0, use.start))
        if use.key:
            line = reading.rule.lines.get(use.key, 0)
            where = located(references.file.path, line, name=reading.rule.id) if line else where
        yield Finding(
            where,
            f"`{use.said}`{f' in {use.key}' if use.key else ''}: no series of {named} has a label {use.label}",
            references.near_label(metrics[0], use.label),
        )


def _lacks(references: References, reading: Reading, use: Use) -> bool:
    """Whether it is certain that nothing beneath a part has a label."""
    from seatrial.facts.alerts.references_judged import TARGETS

    # Rules that are shared by many group by labels that some of those who share them don't have.
    if use.label in TARGETS or use.label in _made(use.node):
        return False
    beneath = {id(each) for each in series(use.node)}
    selected = [each for each in reading.selected if id(each.node) in beneath]
    return bool(selected) and all(
        references.known(each) and references.has(each, use.label) is False for each in selected
    )


def _made(node: Node) -> set[str]:
    """Labels that functions beneath a part make."""
    found: set[str] = set()
    for each in walk(node):
        if isinstance(each, Call) and each.name in ("label_replace", "label_join") and len(each.arguments) > 1:
            target = bare(each.arguments[1])
            found.add(target.value if isinstance(target, Text) else "")
        elif isinstance(each, Aggregate) and each.name == "count_values" and isinstance(each.parameter, Text):
            found.add(each.parameter.value)
        elif isinstance(each, Call) and each.name in ("absent", "absent_over_time"):
            found.update(m.name for one in series(each) if isinstance(one, Series) for m in one.matchers if m.op == "=")
    return found
