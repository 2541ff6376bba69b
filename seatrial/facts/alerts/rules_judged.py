"""The rules of one file, and what keeps it from being loaded, or from saying what it was written to say.

Whether Prometheus loads it is decided by promtool where there is one, and by our own reading where not. A file that is no
YAML has no rules to look at: that is told once, and everything else about it could not be decided.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.facts.alerts.rules import Group, Problem, Rule, RuleFile, located
from seatrial.promql.nodes import Call, Series, walk
from seatrial.promql.reading import Expression, Unreadable, parse
from seatrial.words import CouldNotLook, Finding, Missing

__all__ = ["LoadedRules"]

_PLACE = re.compile(r"(?:line )?(\d+)(?::(\d+))?: (.+)", re.DOTALL)
_OF_RULE = re.compile(r'group "(.*?)", rule (\d+), "(.*?)": (.+)', re.DOTALL)
_RELABELS = frozenset(("label_replace", "label_join"))
MOST_COMPARED = 20
"""Rules of one name that each is compared with."""
MOST_TOLD = 200
"""Findings of one kind beyond which the rest is counted."""


@dataclass(frozen=True, slots=True)
class LoadedRules:
    """The rules of one file, and of the files that are loaded beside it."""

    id: str
    file: RuleFile
    others: tuple[RuleFile, ...] = ()
    """The rule files that the profile declares before it."""
    running: bool = False
    """Whether these are the rules of a running server, which has loaded them."""

    # --- where ----------------------------------------------------------------------------------------------------

    def _at(self, line: int, column: int, rule: str) -> str:
        return located(self.file.path, line, column, rule)

    def _of_problem(self, problem: Problem, more: str = "") -> Finding:
        return Finding(self._at(problem.line, problem.column, problem.rule), problem.text + more)

    def _of_rule(self, rule: Rule, said: str, offset: int | None = None, key: str = "") -> Finding:
        """A finding about a rule, at a character of its expression or at one of its keys."""
        line, column = rule.place(offset) if offset is not None else (rule.lines.get(key, rule.line), 0)
        return Finding(self._at(line, column, rule.id), said)

    def _told(self, findings: Iterator[Finding]) -> list[Finding]:
        """Findings, each once, and not more than somebody reads."""
        found = list(dict.fromkeys(findings))
        rest = len(found) - MOST_TOLD
        return [*found[:MOST_TOLD], Finding(self.file.path, f"and {rest} more")] if rest > 0 else found

    # --- whether it is loaded -------------------------------------------------------------------------------------

    @property
    def refusals(self) -> list[Finding]:
        """What Prometheus would refuse the file for."""
        if self.running:
            return []
        told, ours = self.file.promtool, [problem for problem in self.file.problems if problem.refused]
        if isinstance(told, Missing):
            beyond = [problem for problem in self.file.problems if problem.kind == "size"]
            if beyond and not ours:
                raise CouldNotLook(f"{self.id}: {beyond[0].text}; {told.reason}", right=told.right)
            return self._told(self._of_problem(each, f" (by our own reading: {told.reason})") for each in ours)
        if not told:
            return []
        who = f" ({self.file.reader.partition(' and ')[0]} refuses the file)"
        if ours:
            return self._told(self._of_problem(each, who) for each in ours)
        return self._told(self._of_line(line, who) for line in told)

    def _of_line(self, said: str, who: str) -> Finding:
        """One line of promtool's."""
        place = _PLACE.fullmatch(said)
        line, column, said = (int(place[1]), int(place[2] or 0), place[3]) if place else (0, 0, said)
        rule = _OF_RULE.fullmatch(said)
        name, said = (f"{rule[1]}/{rule[3]}", rule[4]) if rule else ("", said)
        return Finding(self._at(line, column, name), said + who)

    def _read(self) -> tuple[Group, ...]:
        """The groups.

        Raises:
            CouldNotLook: the file is no YAML, or no list of groups.
        """
        if not self.file.groups:
            refused = [problem for problem in self.file.problems if problem.refused or problem.kind == "size"]
            if refused:
                raise CouldNotLook(f"no rule of {self.id} could be read: {refused[0].text}")
        return self.file.groups

    # --- whether there is anything in it --------------------------------------------------------------------------

    @property
    def empty_files(self) -> list[Finding]:
        """The file, when it holds no rule at all."""
        groups = self._read()
        if any(group.rules for group in groups):
            return []
        said = f"none of its {len(groups)} groups has a rule" if groups else "no group, and no rule"
        return [Finding(self.file.path, said, "at least one rule")]

    @property
    def empty_groups(self) -> list[Finding]:
        """Groups without rules, in a file that has some."""
        return [
            Finding(self._at(group.line, 0, ""), f"group `{group.name}` has no rules")
            for group in self._read()
            if not group.rules
        ]

    # --- whether each is there once -------------------------------------------------------------------------------

    def _alike(self) -> Iterator[tuple[Rule, list[tuple[Rule, str]]]]:
        """Rules that have name and labels in common with some before them, and those, with the files they stand in."""
        seen: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[tuple[Rule, str]]] = {}
        for file in self.others:
            for rule in file.rules:
                seen.setdefault(_key(rule), []).append((rule, file.path))
        for group in self._read():
            for rule in group.rules:
                before = seen.setdefault(_key(rule), [])
                if rule.name and before:
                    yield rule, before[:MOST_COMPARED]
                before.append((rule, ""))

    @property
    def repeated(self) -> list[Finding]:
        """Rules that are there twice, expression and all."""
        found = (
            (rule, next((each for each in before if _same(rule, each[0])), None)) for rule, before in self._alike()
        )
        return self._told(
            self._of_rule(rule, f"the same {_what(rule)}, with the same expression, as {_where(*other)}")
            for rule, other in found
            if other is not None
        )

    @property
    def alike(self) -> list[Finding]:
        """Rules with one name and the same labels, of which nothing shows that they never give the same."""
        found = (
            (rule, next((each for each in before if not _same(rule, each[0]) and not _apart(rule, each[0])), None))
            for rule, before in self._alike()
        )
        return self._told(
            self._of_rule(
                rule, f"`{rule.name}` has the same name and labels as {_where(*other)}, and another expression"
            )
            for rule, other in found
            if other is not None
        )

    # --- whether its texts are what is read -----------------------------------------------------------------------

    def _problems(self, kind: str) -> list[Finding]:
        self._read()
        return self._told(
            self._of_problem(problem) for problem in self.file.problems if problem.kind == kind and not problem.refused
        )

    @property
    def failing_templates(self) -> list[Finding]:
        """Templates that are loaded, and give an error in place of a text when the alert fires."""
        return self._problems("template")

    @property
    def literal_variables(self) -> list[Finding]:
        """Variables outside of braces, which are shown as they are written."""
        return self._problems("literal")

    # --- recording rules ------------------------------------------------------------------------------------------

    @property
    def unleveled_names(self) -> list[Finding]:
        """Recorded series that look like scraped ones."""
        self._read()
        return self._told(
            self._of_rule(rule, f"`{rule.name}` has no `:`, as if it were scraped", key="record")
            for rule in self.file.rules
            if rule.kind == "record" and rule.name and ":" not in rule.name.strip(":")
        )

    @property
    def late_recordings(self) -> list[Finding]:
        """Series that a rule reads before the same group has recorded them."""
        undecided: list[str] = []
        found = self._told(finding for group in self._read() for finding in self._late(group, undecided))
        if undecided and not found:
            count = f", and {len(undecided) - 1} more" if len(undecided) > 1 else ""
            raise CouldNotLook(f"what {undecided[0]} reads could not be told{count}: its expression was not read")
        return found

    def _late(self, group: Group, undecided: list[str]) -> Iterator[Finding]:
        last: dict[str, int] = {}
        first: dict[str, int] = {}
        for number, rule in enumerate(group.rules):
            if rule.kind == "record" and rule.name:
                last[rule.name] = number
                first.setdefault(rule.name, number)
        for number, rule in enumerate(group.rules):
            if not any(at > number for at in last.values()):
                return
            expression = _parsed(rule.expr)
            if expression is None:
                undecided.append(rule.id)
                continue
            for node in walk(expression.root):
                # A range, an offset or `@` looks back anyway: one evaluation more makes no difference to it.
                if not isinstance(node, Series) or node.range is not None or node.moved:
                    continue
                recorded = first.get(node.metric, -1)
                if recorded > number:
                    line = group.rules[recorded].line
                    where = f", on line {line}" if line else ""
                    said = f"`{expression.said(node)}` is recorded only after it in the same group{where}: it reads what the evaluation before gave"
                    yield self._of_rule(rule, said, node.start)


def _key(rule: Rule) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return rule.kind, rule.name, tuple(sorted(rule.labels.items()))


def _what(rule: Rule) -> str:
    return f"alert `{rule.name}`" if rule.kind == "alert" else f"series `{rule.name}`"


def _where(rule: Rule, path: str) -> str:
    """Another rule, as a reader finds it."""
    line = f" on line {rule.line}" if rule.line else ""
    return f"{rule.id}{line}" + (f" of {path}" if path else "")


def _parsed(expr: str) -> Expression | None:
    try:
        return parse(expr)
    except Unreadable:
        return None


def _same(one: Rule, two: Rule) -> bool:
    """Whether two rules ask for the same, however it is spaced; an alert also for as long."""
    if (one.lasting, one.keep_firing) != (two.lasting, two.keep_firing):
        return False
    if one.expr == two.expr:
        return True
    first, second = _parsed(one.expr), _parsed(two.expr)
    return first is not None and second is not None and first.plain(first.root) == second.plain(second.root)


def _apart(one: Rule, two: Rule) -> bool:
    """Whether two expressions may well never give the same labels: they select different values, or set labels themselves."""
    first, second = _parsed(one.expr), _parsed(two.expr)
    if first is None or second is None:
        return True
    for expression in (first, second):
        if any(isinstance(node, Call) and node.name in _RELABELS for node in walk(expression.root)):
            return True
    left, right = _selected(first), _selected(second)
    return any(not (left[name] & right[name]) for name in left.keys() & right.keys())


def _selected(expression: Expression) -> dict[str, set[str]]:
    """The values that labels are bound to by some selector."""
    found: dict[str, set[str]] = {}
    for node in walk(expression.root):
        for matcher in node.matchers if isinstance(node, Series) else ():
            if matcher.op in ("=", "=~"):
                found.setdefault(matcher.name, set()).update(matcher.value.split("|"))
    return found
