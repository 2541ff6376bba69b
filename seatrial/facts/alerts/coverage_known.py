"""Every rule that is known: of the declared files, and of the running Prometheus."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from seatrial.facts.alerts.monitoring import LoadedRule
from seatrial.facts.alerts.rules import Rule, RuleFile, located
from seatrial.words import CouldNotLook, Missing

__all__ = ["Known", "place", "readable"]

MOST_NAMED = 3


def place(file: RuleFile, rule: Rule, offset: int | None = None, key: str = "") -> str:
    """``alerts.yaml:12:31 demo/DemoErrors``: of a character of its expression, of one of its keys, or of the rule."""
    line, column = rule.place(offset) if offset is not None else (rule.lines.get(key) or rule.line, 0)
    return located(file.path, line, column, rule.id)


def readable(file: RuleFile) -> RuleFile:
    """The file, when something of it could be read.

    Raises:
        CouldNotLook: it holds nothing that is a group of rules, and why.
    """
    if not file.groups and file.problems:
        raise CouldNotLook(f"{file.path} can't be read as rules: {file.problems[0].text}")
    return file


@dataclass(frozen=True, slots=True)
class Known:
    """The rules of a deployment."""

    files: Mapping[str, RuleFile | Missing] = field(default_factory=dict)
    """By the id of what was read; one entry for the running Prometheus where no file is declared."""
    loaded: tuple[LoadedRule, ...] | Missing = ()
    """Those that the running Prometheus reports; none where none is declared."""

    def alerts(self) -> Iterator[tuple[RuleFile, Rule]]:
        """The alerts of the files."""
        for file in self.files.values():
            if not isinstance(file, Missing):
                for rule in file.alerts:
                    yield file, rule

    def records(self) -> dict[str, list[str]]:
        """The expressions of the recording rules, by the name they record."""
        found: dict[str, list[str]] = {}
        for file in self.files.values():
            for rule in () if isinstance(file, Missing) else file.rules:
                if rule.kind == "record":
                    found.setdefault(rule.name, []).append(rule.expr)
        return found

    def named(self, name: str) -> list[tuple[RuleFile, Rule]]:
        """The alerts of that name; one that only the running Prometheus has stands for itself, without a place."""
        found = [(file, rule) for file, rule in self.alerts() if rule.name == name]
        if found or isinstance(self.loaded, Missing):
            return found
        return [
            (RuleFile(each.file), Rule("alert", each.name, each.group, each.query, each.labels, each.annotations))
            for each in self.loaded
            if each.kind == "alert" and each.name == name
        ]

    def names(self) -> list[str]:
        """Names of all alerts, each once, in order."""
        found = [rule.name for _, rule in self.alerts()]
        loaded = () if isinstance(self.loaded, Missing) else self.loaded
        found += [each.name for each in loaded if each.kind == "alert"]
        return list(dict.fromkeys(found))

    def unread(self) -> str:
        """Why what is not found may still be there; nothing when everything was read."""
        for file in self.files.values():
            if isinstance(file, Missing):
                return file.reason
            if not file.groups and file.problems:
                return f"{file.path} can't be read as rules: {file.problems[0].text}"
        if isinstance(self.loaded, Missing):
            return self.loaded.reason
        return "" if self.files or self.loaded else "no rule was looked at"

    def lacks(self, name: str) -> str:
        """What there is instead of an alert of that name, in words; nothing when it is there.

        Raises:
            CouldNotLook: it was not found, and not everything could be read.
        """
        if self.named(name):
            return ""
        if why := self.unread():
            raise CouldNotLook(f"no alert {name} was found, and {why}")
        if name in self.records():
            return f"{name} is a recording rule, which tells nobody"
        names = self.names()
        by_case = {each.lower(): each for each in names}
        near = difflib.get_close_matches(name.lower(), by_case, 1, 0.6)
        if near:
            return f"there is no alert {name}; the nearest is {by_case[near[0]]}"
        some = ", ".join(names[:MOST_NAMED]) + (
            f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        )
        return f"there is no alert {name}; there {'is' if len(names) == 1 else 'are'} {some or 'none at all'}"
