"""Rule files, read by us and by promtool where there is one; and the rules that a running Prometheus has, where no file is declared."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from seatrial.facts.alerts.rules import Group, Problem, Rule, RuleFile
from seatrial.looks._files import content
from seatrial.outcomes import Tier
from seatrial.profile.nouns.alerts import RUNNING, alerts_of
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seatrial.drivers import Session
    from seatrial.facts.alerts.monitoring import Monitoring
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "PART", "RIGHTS", "look", "rule_file", "rule_files"]

PART = "rules"
NOUNS = ("rules", "evaluated_rules", "expressions", "references")
RIGHTS = {Tier.observe: "read the declared rule files, and run promtool on them without a network"}
LARGEST = 16 * 1024 * 1024
"""Bytes of a rule file that are read."""
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def look(session: Session, _runtime: Runtime | Missing, subject: Subject) -> RuleFile:
    """One rule file, as it was read."""
    return rule_file(session, subject.id)


def rule_file(session: Session, id: str) -> RuleFile:
    """A rule file by its subject's id, read once for all who ask.

    Raises:
        CouldNotLook: it can't be read at all.
    """
    made = session.once(("rule file", id), lambda: _made(session, id))
    if isinstance(made, Missing):
        raise CouldNotLook(made.reason, right=made.right)
    return made


def rule_files(session: Session) -> dict[str, RuleFile | Missing]:
    """Every declared rule file by its id, or the rules of the running Prometheus."""
    alerts = alerts_of(session.profile)
    if alerts is None:
        return {}
    ids = [str(path) for path in alerts.files] or ([RUNNING] if alerts.prometheus is not None else [])
    return {id: session.once(("rule file", id), lambda id=id: _made(session, id)) for id in ids}  # type: ignore[misc]


def _made(session: Session, id: str) -> RuleFile | Missing:
    try:
        return _of_server(session) if id == RUNNING else _of_file(session, id)
    except CouldNotLook as why:
        return Missing(why.reason, why.right)


# --- a file -----------------------------------------------------------------------------------------------------------


def _of_file(session: Session, id: str) -> RuleFile:
    from seatrial.drivers import _promtool
    from seatrial.rulefiles import read

    raw = content(session.base / id, id, LARGEST, "rule file")
    server, tool = _server_version(session), _promtool.version(session)
    installed = "" if isinstance(tool, Missing) else tool
    groups, problems = _read(raw, id, server or installed)
    told = tool if isinstance(tool, Missing) else _promtool.check(session, id)
    if server and installed and told and not isinstance(told, Missing):
        older = read(_text(raw), id, installed)[1] if _minor(installed) != _minor(server) else ()
        ours, theirs = (any(problem.refused for problem in each) for each in (problems, older))
        if theirs and not ours:  # what promtool refuses is what it does not know yet, or no more
            told = Missing(
                f"promtool {installed} does not read what the running Prometheus {server} reads",
                f"promtool {_minor(server)}",
            )
    return RuleFile(
        path=id,
        groups=tuple(_masked(session, group) for group in groups),
        problems=tuple(_masked_problem(session, problem) for problem in problems),
        promtool=told,
        reader=_reader(installed if not isinstance(told, Missing) else "", server),
    )


def _read(raw: bytes, id: str, version: str) -> tuple[tuple[Group, ...], tuple[Problem, ...]]:
    from seatrial.rulefiles import read

    try:
        return read(_text(raw), id, version)
    except UnicodeDecodeError as wrong:
        before = raw[: wrong.start].decode(wrong.encoding, "replace").split("\n")
        text = f"not {wrong.encoding.upper()}: byte 0x{raw[wrong.start]:02x}; save the file as UTF-8"
        return (), (Problem("yaml", text, len(before), len(before[-1]) + 1),)


def _text(raw: bytes) -> str:
    """The text of a file: UTF-8, or UTF-16 where a mark says so."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding)
    return raw.decode("utf-8")


def _server_version(session: Session) -> str:
    """The version of the running Prometheus; empty where none is declared, or none answers."""
    from seatrial.looks.monitoring import monitoring

    alerts = alerts_of(session.profile)
    if alerts is None or alerts.prometheus is None:
        return ""
    try:
        found = monitoring(session)
    except CouldNotLook:
        return ""
    return "" if isinstance(found, Missing) or isinstance(found.version, Missing) else found.version


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _reader(installed: str, server: str) -> str:
    """By what it was read: promtool where it gave a verdict, and our own reading."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        parser = f"promql-parser {version('promql-parser')}"
    except PackageNotFoundError:
        parser = "promql-parser"
    known = f", for Prometheus {server}" if server else ""
    return (f"promtool {installed} and {parser}" if installed else f"{parser}") + known


def _masked(session: Session, group: Group) -> Group:
    """A group without the secrets that this run knows: an annotation may hold a URL with one."""
    from dataclasses import replace

    def mask(texts: dict[str, str]) -> dict[str, str]:
        return {name: session.mask(text) for name, text in texts.items()}

    rules = [
        replace(rule, labels=mask(rule.labels), annotations=mask(rule.annotations), expr=session.mask(rule.expr))
        for rule in group.rules
    ]
    return replace(group, rules=tuple(rules))


def _masked_problem(session: Session, problem: Problem) -> Problem:
    from dataclasses import replace

    return replace(problem, text=session.mask(problem.text))


# --- a running server -------------------------------------------------------------------------------------------------


def _of_server(session: Session) -> RuleFile:
    from seatrial.looks.monitoring import monitoring

    found = monitoring(session)
    if isinstance(found, Missing):
        raise CouldNotLook(found.reason, right=found.right)
    if isinstance(found.rules, Missing):
        raise CouldNotLook(found.rules.reason, right=found.rules.right)
    version = "" if isinstance(found.version, Missing) else f" {found.version}"
    return RuleFile(
        path=found.url,
        groups=(groups := _groups(found)),
        problems=tuple(_rendered(groups)),
        promtool=Missing("rules of a running server are no file that promtool could check"),
        reader=f"Prometheus{version} itself",
    )


def _rendered(groups: tuple[Group, ...]) -> Iterator[Problem]:
    """What the templates of loaded rules would not show as it was meant."""
    from seatrial.rulefiles.reading import rendered

    for group in groups:
        for rule in group.rules:
            if rule.kind == "alert":
                for single, texts in (("label", rule.labels), ("annotation", rule.annotations)):
                    for name, text in texts.items():
                        for kind, said, _ in rendered(text):
                            yield Problem(kind, f"{single} `{name}`: {said}", rule=rule.id, refused=False)


def _groups(found: Monitoring) -> tuple[Group, ...]:
    """The rules of a server by their groups, which may be called alike in two files."""
    groups: dict[tuple[str, str], list[Rule]] = {}
    intervals: dict[tuple[str, str], float] = {}
    for loaded in () if isinstance(found.rules, Missing) else found.rules:
        key = (loaded.file, loaded.group)
        intervals[key] = loaded.interval
        groups.setdefault(key, []).append(
            Rule(
                kind=loaded.kind,
                name=loaded.name,
                group=loaded.group,
                expr=loaded.query,
                labels=loaded.labels,
                annotations=loaded.annotations,
                lasting=loaded.lasting,
            )
        )
    return tuple(Group(key[1], tuple(rules), intervals[key]) for key, rules in groups.items())
