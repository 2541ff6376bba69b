"""The console: one line an area, what is wrong, what was not looked at, the verdict, and the next command to type."""

from __future__ import annotations

import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.outcomes import Mode, Outcome, Result
from seatrial.writers._text import harmless, told

if TYPE_CHECKING:
    from seatrial.record import Check, Record

__all__ = ["write"]

_COLOURS: dict[Outcome, dict[str, bool]] = {
    Outcome.passed: {"green": True},
    Outcome.violation: {"red": True, "bold": True},
    Outcome.error: {"red": True},
    Outcome.advisory: {"yellow": True},
    Outcome.waived: {"yellow": True},
    Outcome.withheld: {"blue": True},
    Outcome.not_applicable: {"cyan": True},
}
_PLURALS = {
    Outcome.violation: "violations",
    Outcome.advisory: "advisories",
    Outcome.error: "errors",
    Outcome.passed: "pass",
}
_RESULTS: dict[Result, dict[str, bool]] = {
    Result.success: {"green": True, "bold": True},
    Result.partial: {"yellow": True, "bold": True},
    Result.undecided: {"red": True, "bold": True},
    Result.failure: {"red": True, "bold": True},
    Result.nothing: {"yellow": True, "bold": True},
}
_MEANING = {
    Result.success: "every promise that was looked at is kept",
    Result.partial: "what was looked at is kept; some of it was waived, or needs more than this run was granted",
    Result.undecided: "something could not be looked at, so there is no verdict",
    Result.failure: "the deployment breaks what it must keep",
    Result.nothing: "nothing was checked",
}
LABEL = 10
MOST_NAMED = 12


class _Screen:
    """Where text goes: pytest's own terminal writer, which knows the width, and whether colours are wanted."""

    def __init__(self, reporter: Any) -> None:
        self.reporter = reporter
        self.width = min(max(60, int(getattr(reporter._tw, "fullwidth", 80))), 120)

    def line(self, text: str = "", **markup: bool) -> None:
        self.reporter.write_line(harmless(text), **markup)

    def labelled(self, label: str, text: str, *, wrap: bool = False, **markup: bool) -> None:
        """A label and its text; what was seen is never cut, and wraps only where the terminal does."""
        lines = textwrap.wrap(harmless(text), self.width - LABEL - 4) if wrap else harmless(text).splitlines()
        for number, part in enumerate(lines or [""]):
            self.line(f"    {label if number == 0 else '':{LABEL}}{part}", **markup)


def write(record: Record, reporter: Any, *, folder: Path | None) -> None:
    """Tell a record on pytest's terminal."""
    screen = _Screen(reporter)
    screen.line()
    _areas(screen, record)
    for outcome in (Outcome.violation, Outcome.error):
        _findings(screen, record, outcome)
    _advisories(screen, record)
    _not_looked_at(screen, record)
    _verdict(screen, record, folder)


def _amount(outcome: Outcome, count: int) -> str:
    word = _PLURALS.get(outcome, outcome.value) if count != 1 else outcome.value
    return f"{count} {word}"


def _areas(screen: _Screen, record: Record) -> None:
    areas = record.by_area()
    width = max((len(area) for area in areas), default=0)
    for area, checks in areas.items():
        outcomes = [check.outcome for check in checks]
        counts = [_amount(outcome, outcomes.count(outcome)) for outcome in Outcome if outcome in outcomes]
        worst = next(
            (o for o in (Outcome.violation, Outcome.error, Outcome.advisory, Outcome.passed) if o in outcomes),
            outcomes[0],
        )
        screen.line(f"{area:{width}}  {', '.join(counts)}", **_COLOURS[worst])


def _grouped(checks: list[Check]) -> dict[str, list[Check]]:
    groups: dict[str, list[Check]] = {}
    for check in checks:
        groups.setdefault(check.id, []).append(check)
    return groups


def _findings(screen: _Screen, record: Record, outcome: Outcome) -> None:
    chosen = [check for check in record.checks if check.outcome is outcome]
    if outcome is Outcome.error:
        _errors(screen, chosen)
        return
    for id, checks in _grouped(chosen).items():
        first = checks[0]
        screen.line()
        screen.line(f"{outcome.value.upper()}  {id}  {first.title}", **_COLOURS[outcome])
        screen.labelled("clause", first.clause, wrap=True)
        for check in checks:
            for label, text in told(check):
                screen.labelled(label, text, bold=label == "where")
        screen.labelled("fix", first.fix, wrap=True)
        if first.refs:
            screen.labelled("source", ", ".join(first.refs), wrap=True)


def _errors(screen: _Screen, checks: list[Check]) -> None:
    """Errors by their cause: one engine that does not answer is one thing to mend, not fifty."""
    causes: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        causes.setdefault((check.reason, check.right), []).append(check)
    for (reason, right), group in causes.items():
        screen.line()
        screen.line(f"ERROR  could not look: {reason}", **_COLOURS[Outcome.error])
        if right:
            screen.labelled("needs", right)
        screen.labelled("undecided", _hidden(group), wrap=True)
        for frame in group[0].trace:
            screen.labelled("at", frame)


def _hidden(group: list[Check]) -> str:
    """Which requirements on which subjects one cause has hidden; by name while they can be read at a glance."""
    ids = _grouped(group)
    if len(ids) <= MOST_NAMED:
        return ", ".join(f"{id} ({', '.join(c.subject for c in checks)})" for id, checks in ids.items())
    subjects = ", ".join(dict.fromkeys(check.subject for check in group))
    return f"{len(group)} checks of {len(ids)} requirements, {min(ids)} to {max(ids)}, on {subjects}"


def _advisories(screen: _Screen, record: Record) -> None:
    groups = _grouped([check for check in record.checks if check.outcome is Outcome.advisory])
    if not groups:
        return
    screen.line()
    screen.line("ADVISORIES  hardening and good practice that nobody promised here", **_COLOURS[Outcome.advisory])
    for id, checks in groups.items():
        screen.line(f"  {id}  {checks[0].title}")
        for check in checks:
            for number, seen in enumerate(check.seen):
                screen.line(f"      {check.subject if number == 0 else '':<{LABEL}} {seen}")
        screen.labelled("fix", checks[0].fix, wrap=True)


def _not_looked_at(screen: _Screen, record: Record) -> None:
    lines: list[tuple[str, str]] = []
    withheld = _grouped([check for check in record.checks if check.outcome is Outcome.withheld])
    for id, checks in withheld.items():
        lines.append(("withheld", f"{id} {checks[0].title}: {checks[0].reason}"))
    for waiver in record.waivers:
        left = f"{waiver.days_left} day{'' if waiver.days_left == 1 else 's'} left"
        days = f", {left}" if waiver.state == "applied" else ""
        lines.append(
            (
                "waiver",
                f"{waiver.requirement} on {waiver.subject} by {waiver.owner} ({waiver.where}): {waiver.state}{days}; {waiver.reason}",
            )
        )
    reasons: dict[str, list[str]] = {}
    for check in record.checks:
        if check.outcome is Outcome.not_applicable:
            reasons.setdefault(check.reason, []).append(check.id)
    lines += [("n/a", f"{reason}: {_ranges(ids)}") for reason, ids in reasons.items()]
    lines += [("absent", f"{section}: {reason} ({owner})") for section, reason, owner in record.declared_absent]
    if record.unchecked:
        lines.append(
            ("unchecked", f"declared, but no requirement of this run looks at it: {', '.join(record.unchecked)}")
        )
    lines += [("note", note) for note in record.notes]
    if not lines:
        return
    screen.line()
    screen.line("Not looked at, and notes", bold=True)
    for label, text in lines:
        screen.labelled(label, text, wrap=True)


def _ranges(ids: list[str]) -> str:
    """Ids in order, those that follow on one another as a range: ``CTR-001 to CTR-052``."""
    runs: list[list[str]] = []
    for id in sorted(set(ids)):
        area, _, number = id.partition("-")
        last = runs[-1][-1].partition("-") if runs else ("", "", "0")
        if runs and last[0] == area and int(last[2]) + 1 == int(number):
            runs[-1].append(id)
        else:
            runs.append([id])
    return ", ".join(
        run[0] if len(run) == 1 else f"{run[0]}{', ' if len(run) == 2 else ' to '}{run[-1]}" for run in runs
    )


def _verdict(screen: _Screen, record: Record, folder: Path | None) -> None:
    counts = record.count()
    told_counts = ", ".join(_amount(outcome, counts[outcome]) for outcome in Outcome if counts[outcome])
    name = record.result.value.upper() + ("" if record.complete else ", cut short")
    screen.line()
    screen.line(f"{name}: {_MEANING[record.result]}", **_RESULTS[record.result])
    screen.labelled("counts", told_counts or "none")
    screen.labelled(
        "target",
        ", ".join(
            dict.fromkeys(filter(None, (record.target.description, record.target.address, record.target.identity)))
        )
        or "not seen",
    )
    grant = f"{record.run.mode}, tier {record.run.tier}, {record.run.seconds:.1f} s"
    calls = ", ".join(f"{number} {what}" for what, number in sorted(record.calls.items()))
    screen.labelled("run", f"{record.profile.name} ({record.profile.file}), {grant}")
    screen.labelled("calls", calls or "none")
    if folder is not None:
        screen.labelled("report", str(folder))
    screen.labelled("next", _next(record, folder), bold=True)


def _next(record: Record, folder: Path | None) -> str:
    """The command that an operator would want to type now."""
    profile = shlex.quote(record.profile.given or record.profile.file)
    names = " or ".join(
        sorted({c.test.rpartition("::")[2].partition("[")[0] for c in record.checks if c.outcome is Outcome.violation})
    )
    if record.result is Result.failure:
        return f"mend it, then look again at that alone: seatrial {record.run.mode} {profile} -k {shlex.quote(names)}"
    if record.result is Result.undecided:
        return (
            f"give the run what it lacks (see ERROR and notes above), then again: seatrial {record.run.mode} {profile}"
        )
    if record.result is Result.nothing:
        return f"see what would run: seatrial {record.run.mode} {profile} --plan"
    if record.run.mode is Mode.audit and folder is not None:
        facts = shlex.quote(f"--facts={folder}")
        return f"judge the same facts again, SHOULD enforced: seatrial audit {profile} {facts} --enforce-should"
    return f"keep {folder} as evidence"
