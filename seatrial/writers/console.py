"""The console: one line an area, what is wrong, what was not looked at, the verdict, and the next command to type."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.outcomes import Outcome, Result
from seatrial.writers import _grouping as grouping
from seatrial.writers import _loads as loads
from seatrial.writers._text import harmless, told

if TYPE_CHECKING:
    from seatrial.record import Record

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
_RESULTS: dict[Result, dict[str, bool]] = {
    Result.success: {"green": True, "bold": True},
    Result.partial: {"yellow": True, "bold": True},
    Result.undecided: {"red": True, "bold": True},
    Result.failure: {"red": True, "bold": True},
    Result.nothing: {"yellow": True, "bold": True},
}
LABEL = 10


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


def _areas(screen: _Screen, record: Record) -> None:
    areas = record.by_area()
    width = max((len(area) for area in areas), default=0)
    for area, checks in areas.items():
        outcomes = [check.outcome for check in checks]
        counts = [grouping.amount(outcome, outcomes.count(outcome)) for outcome in Outcome if outcome in outcomes]
        worst = next(
            (o for o in (Outcome.violation, Outcome.error, Outcome.advisory, Outcome.passed) if o in outcomes),
            outcomes[0],
        )
        screen.line(f"{area:{width}}  {', '.join(counts)}", **_COLOURS[worst])


def _findings(screen: _Screen, record: Record, outcome: Outcome) -> None:
    if outcome is Outcome.error:
        _errors(screen, record)
        return
    for id, checks in grouping.by_requirement(grouping.of(record, outcome)).items():
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


def _errors(screen: _Screen, record: Record) -> None:
    """Errors by their cause: one engine that does not answer is one thing to mend, not fifty."""
    for cause in grouping.by_cause(record):
        screen.line()
        screen.line(f"ERROR  could not look: {cause.reason}", **_COLOURS[Outcome.error])
        if cause.right:
            screen.labelled("needs", cause.right)
        screen.labelled("undecided", grouping.hidden(cause.checks), wrap=True)
        for frame in cause.checks[0].trace:
            screen.labelled("at", frame)


def _advisories(screen: _Screen, record: Record) -> None:
    groups = grouping.by_requirement(grouping.of(record, Outcome.advisory))
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
    withheld = grouping.by_requirement(grouping.of(record, Outcome.withheld))
    for id, checks in withheld.items():
        lines.append(("withheld", f"{id} {checks[0].title}: {checks[0].reason}"))
    for waiver in record.waivers:
        days = f", {grouping.days_left(waiver)}" if waiver.state == "applied" else ""
        lines.append(
            (
                "waiver",
                f"{waiver.requirement} on {waiver.subject} by {waiver.owner} ({waiver.where}): {waiver.state}{days}; {waiver.reason}",
            )
        )
    lines += [
        ("n/a", f"{reason}: {grouping.ranges(check.id for check in checks)}")
        for reason, checks in grouping.inapplicable(record).items()
    ]
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


def _verdict(screen: _Screen, record: Record, folder: Path | None) -> None:
    counts = record.count()
    told_counts = ", ".join(grouping.amount(outcome, counts[outcome]) for outcome in Outcome if counts[outcome])
    name = record.result.value.upper() + ("" if record.complete else ", cut short")
    screen.line()
    screen.line(f"{name}: {grouping.MEANING[record.result]}", **_RESULTS[record.result])
    screen.labelled("counts", told_counts or "none")
    if record.alerts is not None:
        screen.labelled("alerts", grouping.alerts(record.alerts), wrap=True)
    if record.backups:
        screen.labelled("backups", grouping.backups(record.backups), wrap=True)
    _loads(screen, record)
    screen.labelled("target", grouping.target(record))
    grant = f"{record.run.mode}, tier {record.run.tier}, {record.run.seconds:.1f} s"
    calls = ", ".join(f"{number} {what}" for what, number in sorted(record.calls.items()))
    screen.labelled("run", f"{record.profile.name} ({record.profile.file}), {grant}")
    screen.labelled("calls", calls or "none")
    if folder is not None:
        screen.labelled("report", str(folder))
        if (folder / "report.html").is_file():
            screen.labelled("read", str(folder / "report.html"))
    screen.labelled("next", grouping.next_step(record, folder), bold=True)


def _loads(screen: _Screen, record: Record) -> None:
    """A line for each objective; why one can't be decided is told above, with the errors."""
    for load in record.loads:
        name = load.name.removeprefix("slos.")
        if load.missing:
            screen.labelled("load", f"{name}: could not be made: {load.missing}", wrap=True)
        if load.stopped:
            screen.labelled("load", f"{name}: stopped: {load.stopped}", wrap=True)
        for row in load.objectives:
            screen.labelled("load", f"{name}: {loads.line(row)}", wrap=True, **_COLOURS[loads.sign_of(row)])
