"""``docs/requirements.md`` and a page for each requirement that is shipped; made from the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from seatrial.manual import Entry, areas
from seatrial.manual.declaring import declared, waiver
from seatrial.manual.observing import observed
from seatrial.manual.page import failures
from seatrial.outcomes import Tier
from seatrial.writers._sources import link

__all__ = ["INDEX", "documents"]

INDEX = "requirements.md"
"""The list of all; the pages lie in the folder of the same name."""

_HEAD = """\
# Requirements

Everything that this version asserts. This page is made from the suites by `make docs`; do not edit it. `seatrial explain ID`
tells the same at the command line, and `seatrial audit PROFILE --plan` which of it applies to a profile.

- A **MUST** that is broken is a violation, a **SHOULD** an advisory (`--enforce-should` makes it a violation). *Hardening* is
  a SHOULD that binds where the profile says `hardening: restricted`.
- *Declared* names the keys that a requirement is about, with NAME for what a profile names itself. Without them it is *not
  applicable*. *Drivers* are those under which it can be looked at.
- *By hand* is a read-only command; CONTAINER, SERVICE and URL stand for the subject's own.
- Ids are never renumbered and never used again.
"""


def documents(entries: Iterable[Entry]) -> dict[str, str]:
    """The pages, by their names below ``docs/``."""
    by_area = areas(entries)
    parts = [_HEAD, _overview(by_area)]
    pages = {}
    for area, chosen in by_area.items():
        parts.append(f"## {area}\n")
        rows = ["| id | level | tier | what |", "| --- | --- | --- | --- |"]
        for entry in chosen:
            requirement = entry.requirement
            name = f"requirements/{requirement.id}.md"
            rows.append(
                f"| [{requirement.id}]({name}) | {_level(entry)} | {requirement.tier} | {_text(requirement.title)} |"
            )
            pages[name] = "\n".join(_one(entry)) + "\n"
        parts.append("\n".join(rows) + "\n")
    parts += [_observing(by_area), _waiving(by_area)]
    return {INDEX: "\n".join(parts), **pages}


def _overview(by_area: dict[str, list[Entry]]) -> str:
    rows = []
    for area, chosen in by_area.items():
        binding = sum(entry.requirement.level.binding for entry in chosen)
        ids = f"{chosen[0].requirement.id} to {chosen[-1].requirement.id}"
        rows.append(f"| [{area}](#{area}) | {ids} | {binding} | {len(chosen) - binding} |")
    return "\n".join(("| area | ids | MUST | SHOULD |", "| --- | --- | --- | --- |", *rows)) + "\n"


def _level(entry: Entry) -> str:
    return entry.requirement.level.value + (" (hardening)" if entry.requirement.hardening else "")


def _one(entry: Entry) -> Iterator[str]:
    requirement = entry.requirement
    how, where = observed(requirement, entry.function), declared(requirement)
    tier = f", tier {requirement.tier}" if requirement.tier > Tier.observe else ""
    yield f"# {requirement.id}: {_text(requirement.title)}\n"
    yield f"{_text(requirement.clause)} ({_level(entry)}{tier}; one of [{requirement.area}](../{INDEX}#{requirement.area}))\n"
    if requirement.why:
        yield f"- Why: {_text(requirement.why)}"
    keys = ", ".join(f"`{key}`" for key, _ in where.keys)
    yield f"- Declared: {keys or 'nothing'}; drivers {', '.join(where.drivers) or 'none of this version'}"
    yield f"- Observed: `{how.fact or how.comparison}`{f': {_text(how.finds)}' if how.finds else ''}"
    if requirement.see:
        yield f"- By hand: {_code(requirement.see)}"
    yield f"- Fix: {_text(requirement.fix)}"
    if requirement.refs:
        yield f"- Source: {', '.join(_linked(reference) for reference in requirement.refs)}"
    if printed := failures().get(requirement.id):
        yield "\nA failure, as a run prints it:\n"
        yield "\n".join(("```text", *printed, "```"))


def _linked(reference: str) -> str:
    url = link(reference)
    return f"[{_text(reference)}]({url})" if url and url not in reference else _text(reference)


def _text(text: str) -> str:
    """Prose of a docstring in Markdown: what looks like HTML outside of code must not become some."""
    parts = text.split("`")
    return "`".join(
        part if number % 2 else part.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
        for number, part in enumerate(parts)
    )


def _code(text: str) -> str:
    """A command as code, whatever it holds."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _observing(by_area: dict[str, list[Entry]]) -> str:
    """How each noun comes to its facts, once instead of at each requirement."""
    nouns: dict[str, str] = {}
    modules: dict[str, tuple[str, str]] = {}
    for chosen in by_area.values():
        for entry in chosen:
            how, noun = observed(entry.requirement, entry.function), entry.requirement.noun
            nouns[noun] = f"| `{noun}` | {_text(how.noun)} | {', '.join(f'`{name}`' for name, _ in how.looks)} |"
            for name, about in how.looks:
                right = dict(how.rights).get(name, "") or modules.get(name, ("", ""))[1]
                modules[name] = (_text(about), _text(right))
    rows = [f"| `{name}` | {about} | {right} |" for name, (about, right) in sorted(modules.items())]
    return "\n".join(
        (
            "## How it is observed\n",
            "Everything is looked at once, before the first test; tests only compare. A noun is the first parameter of a test.\n",
            "| noun | what | looked at by |",
            "| --- | --- | --- |",
            *nouns.values(),
            "",
            "| module of `seatrial` | what it does | rights it needs |",
            "| --- | --- | --- |",
            *rows,
            "",
        )
    )


def _waiving(by_area: dict[str, list[Entry]]) -> str:
    first = next(iter(by_area.values()))[0].requirement
    return (
        "## Exceptions\n\n"
        "Any requirement can be waived for one subject, in the profile, for at most 90 days. The test still runs; the report\n"
        "shows reason, owner and days left. What could not be looked at is never waived.\n\n"
        f"```yaml\n{waiver(first, 'YYYY-MM-DD')}```\n"
    )
