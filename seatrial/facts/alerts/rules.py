"""Rule files as they were read: groups, rules and where each stands, and what is wrong with the file itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from seatrial.words import Missing

__all__ = ["Group", "Problem", "Rule", "RuleFile", "located"]


def located(path: str, line: int = 0, column: int = 0, name: str = "") -> str:
    """``alerts.yaml:12:31 demo/DemoErrors``: what is 0 or empty is left out, and a column without its line."""
    place = ":".join((path, *(str(number) for number in (line, line and column) if number)))
    return f"{place} {name}".rstrip()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a rule file for which Prometheus would not load it, or would load something else than was meant."""

    kind: str
    """``yaml``, ``field``, ``value``, ``name``, ``label``, ``expression``, ``template``, ``literal``, ``duplicate``, ``empty``, ``size``."""
    text: str
    """What is wrong, and what to write."""
    line: int = 0
    """From 1; 0 where it is about the whole file."""
    column: int = 0
    rule: str = ""
    """``group/rule``, where it is about one."""
    refused: bool = True
    """Whether Prometheus refuses the file for it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a group."""

    kind: str
    """``alert`` or ``record``."""
    name: str
    group: str
    expr: str
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    lasting: float = 0.0
    """Seconds of ``for``."""
    keep_firing: float = 0.0
    """Seconds of ``keep_firing_for``."""
    line: int = 0
    """Where the rule starts in its file, from 1; 0 when it was told by a server."""
    lines: dict[str, int] = field(default_factory=dict)
    """Line of each of its keys: ``expr``, ``for``, ``labels.severity``, ``annotations.summary``."""
    starts: tuple[tuple[int, int, int], ...] = ()
    """For each line of the expression: offset of its first character in ``expr``, and line and column of that in the file."""

    @property
    def id(self) -> str:
        """``group/name``."""
        return f"{self.group}/{self.name}"

    def place(self, offset: int = 0) -> tuple[int, int]:
        """Line and column in the file of one character of the expression; (0, 0) when there is no file."""
        found = (0, self.line, 0)
        for start in self.starts:
            if start[0] <= offset:
                found = start
        return found[1], found[2] + offset - found[0] if found[2] else 0


@dataclass(frozen=True, slots=True)
class Group:
    """A group of rules, which are evaluated one after the other."""

    name: str
    rules: tuple[Rule, ...]
    interval: float = 0.0
    """Seconds; 0 when it is the server's own."""
    line: int = 0
    limit: int = 0


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One rule file, or the rules of a running server."""

    path: str
    """As the profile declares it; URL of the server."""
    groups: tuple[Group, ...] = ()
    """What could be read, right or wrong."""
    problems: tuple[Problem, ...] = ()
    """By our own reading."""
    promtool: tuple[str, ...] | Missing = Missing("promtool is not installed")
    """What ``promtool check rules`` has against it; nothing when it agrees."""
    reader: str = ""
    """By what the expressions were read: ``promtool 2.42.0 and promql-parser 0.12.0``."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule, in order."""
        return tuple(rule for group in self.groups for rule in group.rules)

    @property
    def alerts(self) -> tuple[Rule, ...]:
        """Every alerting rule."""
        return tuple(rule for rule in self.rules if rule.kind == "alert")
