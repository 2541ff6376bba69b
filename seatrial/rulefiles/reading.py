"""Reads the text of a rule file: groups and rules with the place of everything, and whatever Prometheus would not load it for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seatrial.facts.alerts.rules import Group, Problem, Rule
from seatrial.rulefiles import places, rendering
from seatrial.rulefiles.decoding import Decoder, real
from seatrial.rulefiles.dialect import GROUP_FIELDS, NEWEST, RULE_FIELDS, Dialect, dialect
from seatrial.rulefiles.expressions import check as check_expression
from seatrial.rulefiles.templates import Beyond
from seatrial.rulefiles.templates import check as check_template
from seatrial.rulefiles.tree import Alias, Mapping, Node, Scalar, TooMuch, Unreadable, lines_of, tree

__all__ = ["read", "rendered"]

MOST_RULES = 50_000
"""Rules of one file."""
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


def read(text: str, version: str = "") -> tuple[tuple[Group, ...], tuple[Problem, ...]]:
    """The groups of a rule file, and its problems.

    Args:
        text: the file's content.
        version: of the Prometheus that is to load it; when it is not known, what any version reads is right, and what only
            some do is told without being refused.
    """
    reader = _Reader(text, dialect(version))
    try:
        groups = reader.groups()
    except Unreadable as wrong:
        bound = isinstance(wrong, TooMuch)
        kind = "size" if bound else "yaml"
        reader.tell(kind, wrong.text, None, refused=not bound, place=(wrong.line, wrong.column))
        groups = ()
    return groups, tuple(sorted(reader.problems, key=lambda problem: (problem.line, problem.column)))


class _Reader(Decoder):
    """One reading of one file."""

    def __init__(self, text: str, reads: Dialect) -> None:
        super().__init__()
        self.content, self.reads = text, reads
        self.lines: list[str] = []
        self.rules = 0

    def groups(self) -> tuple[Group, ...]:
        """All groups."""
        root, second = tree(self.content)
        self.lines = lines_of(self.content)
        if second:
            text = "a second document, which Prometheus does not read: write its groups into the first, without `---`"
            self.tell("yaml", text, None, refused=False, place=(second, 1))
        found: list[Group] = []
        if root is not None:
            self._of_kubernetes(root)
            top = self.fields(root, "a rule file", ("groups",))
            if "groups" in top:
                found = [self._group(node) for node in self.items(top["groups"][1], "`groups`")]
            typed = [problem for problem in self.problems if problem.refused]
            if not typed:
                self._names(found)
            if not found and not typed:
                self.tell("empty", "the file has no groups, so that nothing is evaluated", root, refused=False)
        else:
            self.tell("empty", "the file is empty, so that nothing is evaluated", None, refused=False)
        return tuple(found)

    def _of_kubernetes(self, root: Node) -> None:
        """A file for Kubernetes' operator, which is not what Prometheus loads."""
        for key, value in root.pairs if isinstance(root, Mapping) else ():
            if (
                isinstance(key, Scalar)
                and isinstance(value, Scalar)
                and (key.value, value.value) == ("kind", "PrometheusRule")
            ):
                text = "a PrometheusRule of Kubernetes: what Prometheus loads is only what stands below its `spec:`"
                self.tell("field", text, key)

    def _names(self, groups: list[Group]) -> None:
        """Groups that are called alike, or nothing."""
        lines: dict[str, int] = {}
        for group in groups:
            place = (group.line, 1)
            if not group.name:
                self.tell("name", "a group without a name: write `name:`", None, place=place)
            if group.name in lines:
                text = f"two groups are called `{group.name}`; the first is on line {lines[group.name]}"
                self.tell("duplicate", text, None, place=place)
            lines.setdefault(group.name, group.line)

    def _since(self, name: str, since: tuple[int, int], what: str, node: Node) -> None:
        """A field that older versions do not know."""
        if since == (0, 0):
            return
        told = f"{what} has `{name}` since Prometheus {since[0]}.{since[1]}"
        if not self.reads.reads(since):
            self.tell("field", f"{told}; {self.reads} refuses it", node)
        elif self.reads.version == NEWEST:
            self.tell("field", f"{told}, and older ones refuse it", node, refused=False)

    def _group(self, node: Node) -> Group:
        self.rule = ""
        given = self.fields(node, "a group", GROUP_FIELDS)
        for name, (key, _) in given.items():
            self._since(name, GROUP_FIELDS[name], "a group", key)
        name = self.text(given["name"][1], "the name of a group") if "name" in given else ""
        rules: tuple[Rule, ...] = ()
        if "rules" in given:
            rules = tuple(self._rules(self.items(given["rules"][1], "`rules`"), name))
        self.rule = name
        interval = self.duration(given["interval"][1], "`interval`") if "interval" in given else 0.0
        limit = self.integer(given["limit"][1], "`limit`") if "limit" in given else 0
        if "query_offset" in given:
            self.duration(given["query_offset"][1], "`query_offset`")
        labels = self._labels(given["labels"], "labels", alert=False) if "labels" in given else {}
        inner = real(node)
        if not rules and isinstance(inner, Mapping):
            self.tell("empty", f"group `{name}` has no rules", inner, refused=False)
        self.rule = ""
        # Labels of a group are those of each of its rules, unless a rule has its own.
        rules = tuple(_with(rule, labels) for rule in rules) if labels else rules
        return Group(name=name, rules=rules, interval=interval, line=inner.line, limit=limit)

    def _rules(self, nodes: list[Node], group: str) -> Iterator[Rule]:
        for number, node in enumerate(nodes, 1):
            self.rules += 1
            if self.rules > MOST_RULES:
                if self.rules == MOST_RULES + 1:
                    self.tell("size", f"more than {MOST_RULES:,} rules, which nobody can look after", node)
                return
            yield self._rule(node, group, number)

    def _rule(self, node: Node, group: str, number: int) -> Rule:
        self.rule = f"{group}/{_called(node) or number}"
        given = self.fields(node, "a rule", RULE_FIELDS)
        alert, record = self._name(given, "alert"), self._name(given, "record")
        inner = real(node)
        self.rule = f"{group}/{alert or record or number}"
        for name, (key, _) in given.items():
            self._since(name, RULE_FIELDS[name], "a rule", key)
        if record and alert:
            self.tell("value", "a rule with both `alert` and `record`: write two", given["record"][0])
        elif not record and not alert:
            self.tell("value", "a rule with neither `alert:` nor `record:`", inner)
        lines = {name: key.line for name, (key, _) in given.items()}
        expr, starts = self._expression(given, inner)
        lasting = self.duration(given["for"][1], "`for`") if "for" in given else 0.0
        keep = self.duration(given["keep_firing_for"][1], "`keep_firing_for`") if "keep_firing_for" in given else 0.0
        labels = self._labels(given["labels"], "labels", alert=bool(alert), lines=lines) if "labels" in given else {}
        annotations = {}
        if "annotations" in given:
            annotations = self._labels(given["annotations"], "annotations", alert=bool(alert), lines=lines)
        if record:
            self._recorded(record, given, lasting, keep, annotations)
        return Rule(
            kind="alert" if alert else "record",
            name=alert or record,
            group=group,
            expr=expr,
            labels=labels,
            annotations=annotations,
            lasting=lasting,
            keep_firing=keep,
            line=inner.line,
            lines=lines,
            starts=starts,
        )

    def _name(self, given: dict[str, tuple[Node, Node]], key: str) -> str:
        """What a rule is called."""
        if key not in given:
            return ""
        return self._as_written(given[key][1], f"`{key}`")

    def _as_written(self, node: Node, what: str) -> str:
        """A text; older versions take it as it is written, `~` and the name of an alias as well."""
        if not self.reads.nodes:
            return self.text(node, what)
        if isinstance(node, Alias):
            text = f"{what} is the alias `*{node.name}`, which Prometheus before 3.5 takes for the text `{node.name}`: write it out"
            self.tell("value", text, node, refused=False)
            return node.name
        if isinstance(node, Scalar):
            return node.value
        return ""

    def _expression(
        self, given: dict[str, tuple[Node, Node]], rule: Node
    ) -> tuple[str, tuple[tuple[int, int, int], ...]]:
        """The expression, and where its lines stand."""
        node = given["expr"][1] if "expr" in given else rule
        expr = self._as_written(node, "`expr`") if "expr" in given else ""
        if not expr:
            self.tell("expression", "a rule without an expression: write `expr:`", node)
            return "", ()
        scalar = real(node)
        starts = places.starts(scalar, self.lines) if isinstance(scalar, Scalar) else ((0, node.line, node.column),)
        wrong = check_expression(expr, self.reads)
        if wrong is not None:
            found = Rule("alert", "", "", expr, starts=starts).place(wrong.offset)
            kind = "size" if wrong.bound else "expression"
            self.tell(kind, wrong.text, node, refused=not wrong.bound, place=found)
        return expr, starts

    def _labels(
        self, pair: tuple[Node, Node], what: str, *, alert: bool, lines: dict[str, int] | None = None
    ) -> dict[str, str]:
        """Labels or annotations, with what is wrong about their names and templates."""
        found = self.texts(pair[1], f"`{what}`")
        single = what.removesuffix("s")
        for name, (text, key, value) in found.items():
            if lines is not None:
                lines[f"{what}.{name}"] = key.line
            if not self._label(name) or (what == "labels" and name == "__name__"):
                say = (
                    "is no name of a label"
                    if name != "__name__"
                    else "is the name of the metric, which a rule must not set"
                )
                self.tell("label", f"{single} `{name[:60]}` {say}; letters, digits and `_` may be in it", key)
            if what == "labels" and _surrogates(text):
                self.tell("label", f"the value of {single} `{name[:60]}` is not UTF-8", value)
            if alert and (wrong := check_template(text, newer=self.reads.reads((3, 0)))) is not None:
                place = self._inside(value, wrong.offset)
                bound = isinstance(wrong, Beyond)
                kind = "size" if bound else "template"
                self.tell(kind, f"{single} `{name}`: {wrong.text}", value, refused=not bound, place=place)
            elif alert:
                for kind, said, offset in rendered(text, newer=self.reads.reads((3, 0))):
                    place = self._inside(value, offset)
                    self.tell(kind, f"{single} `{name}`: {said}", value, refused=False, place=place)
        return {name: text for name, (text, _, _) in found.items()}

    def _inside(self, node: Node, offset: int) -> tuple[int, int]:
        """The place of a character of a text."""
        scalar = real(node)
        if not isinstance(scalar, Scalar):
            return node.line, node.column
        return Rule("alert", "", "", "", starts=places.starts(scalar, self.lines)).place(offset)

    def _label(self, name: str) -> bool:
        if self.reads.utf8:
            return bool(name) and not _surrogates(name)
        return _LABEL.fullmatch(name) is not None

    def _recorded(
        self, name: str, given: dict[str, tuple[Node, Node]], lasting: float, keep: float, annotations: dict[str, str]
    ) -> None:
        """What a recording rule must not have."""
        for key, there in (("for", lasting), ("keep_firing_for", keep), ("annotations", annotations)):
            if there:
                self.tell("field", f"a recording rule has no `{key}`; only alerts have", given[key][0])
        node = given["record"][1]
        if not (self.reads.utf8 or _METRIC.fullmatch(name)):
            text = (
                f"`{name[:80]}` is no name of a metric: letters, digits, `_` and `:` may be in it, and no digit first"
            )
            self.tell("name", text, node)
        elif self.reads.utf8 and ("{" in name or "}" in name):
            self.tell("name", f"`{name[:80]}` has braces: what selects series belongs into `expr`", node)


def _called(node: Node) -> str:
    """What a rule seems to be called, before it is read."""
    inner = real(node)
    for key, value in inner.pairs if isinstance(inner, Mapping) else ():
        if isinstance(key, Scalar) and key.value in ("alert", "record") and isinstance(value, Scalar):
            return value.value
    return ""


def rendered(text: str, *, newer: bool = False) -> Iterator[tuple[str, str, int]]:
    """What a template that is loaded would not show as it was meant: kind of the problem, text and place."""
    for said, offset in rendering.problems(text, newer=newer):
        yield "template", said, offset
    for said, offset in rendering.literals(text):
        yield "literal", said, offset


def _surrogates(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)


def _with(rule: Rule, labels: dict[str, str]) -> Rule:
    from dataclasses import replace

    return replace(rule, labels={**labels, **rule.labels})
