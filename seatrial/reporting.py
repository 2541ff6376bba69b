"""From pytest's reports to checks, and from checks to pytest's reports, so that every reader of either agrees."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from seatrial.outcomes import Exit, Outcome, Raw
from seatrial.record import Check
from seatrial.words import NothingYet

if TYPE_CHECKING:
    from seatrial.trial import Trial

__all__ = ["finish", "report", "status"]

# Category of pytest's summary line, letter, word, markup. The first four are the words pytest users know.
_STATUS: dict[Outcome, tuple[str, str, str, dict[str, bool]]] = {
    Outcome.passed: ("passed", ".", "PASS", {"green": True}),
    Outcome.violation: ("failed", "F", "VIOLATION", {"red": True}),
    Outcome.error: ("error", "E", "ERROR", {"red": True}),
    Outcome.not_applicable: ("skipped", "s", "NOT APPLICABLE", {"cyan": True}),
    Outcome.advisory: ("advisory", "a", "ADVISORY", {"yellow": True}),
    Outcome.waived: ("waived", "w", "WAIVED", {"yellow": True}),
    Outcome.withheld: ("withheld", "h", "WITHHELD", {"blue": True}),
}


def _raw(trial: Trial, node: str, call: pytest.CallInfo[Any]) -> Raw | None:
    """What a phase says; None for a set-up or tear-down that went well."""
    error = call.excinfo.value if call.excinfo else None
    if error is None:
        return Raw.passed if call.when == "call" else None
    if isinstance(error, pytest.skip.Exception) and call.when == "setup":
        instance = trial.instances[node]
        if hasattr(instance.subject, "reason"):
            return Raw.absent
        if trial.withheld(instance):
            return Raw.withheld
    if isinstance(error, NothingYet):
        return Raw.absent
    # Only an assertion of the test itself judges the target. One in a fixture, or in a library, is trouble of ours.
    if isinstance(error, AssertionError) and call.when == "call":
        return Raw.broken
    return Raw.error


def text(check: Check) -> str:
    """A check as pytest prints it, and as other tools' reports of a pytest run show it."""
    lines = [
        f"{check.id} {check.level}: {check.clause}"
        if check.outcome is not Outcome.error
        else f"{check.id}: could not look: {check.reason}"
    ]
    if check.subject:
        lines.append(f"subject   {check.subject} ({check.where})")
    if check.expected:
        lines.append(f"expected  {check.expected}")
    lines += [f"{'seen' if number == 0 else '':9} {seen}" for number, seen in enumerate(check.seen)]
    if check.right:
        lines.append(f"needs     {check.right}")
    if check.see:
        lines.append(f"by hand   {check.see}")
    lines.append(f"fix       {check.fix}")
    lines += [f"          at {frame}" for frame in check.trace]
    return "\n".join(lines)


def report(trial: Trial, item: pytest.Item, call: pytest.CallInfo[Any]) -> pytest.TestReport:
    """Judge a phase, and report it so that terminal, JUnit and every other reader of pytest's reports say the same.

    pytest's own report would render a traceback for each failure, which costs more than the test and may show a local
    variable; ours holds the operator's text, and nothing of what was printed.
    """
    made = pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords=dict.fromkeys(item.keywords, 1),
        outcome="passed",
        longrepr=None,
        when=call.when if call.when != "collect" else "setup",
        duration=call.duration,
        start=call.start,
        stop=call.stop,
        user_properties=item.user_properties,
    )
    raw = _raw(trial, item.nodeid, call)
    if raw is None:
        return made
    error = call.excinfo.value if call.excinfo else None
    reason = str(getattr(error, "msg", "")) if raw in (Raw.absent, Raw.withheld) else ""
    check = trial.result(item.nodeid, raw, seconds=call.duration, error=error, reason=reason)
    if raw is Raw.error and made.when == "call":
        # As if it had failed before the call, which is what terminal, JUnit and Allure show as an error.
        made.when = "setup"
    _tell(made, check, (item.location[0], (item.location[1] or 0) + 1))
    return made


def _tell(made: pytest.TestReport, check: Check, place: tuple[str, int]) -> None:
    """Put an outcome into a report of pytest's."""
    outcome = check.outcome
    made.seatrial = outcome.value  # type: ignore[attr-defined]
    made.user_properties = [
        *made.user_properties,
        ("seatrial.requirement", check.id),
        ("seatrial.subject", check.subject),
        ("seatrial.level", check.level.value),
        ("seatrial.outcome", outcome.value),
    ]
    if outcome in (Outcome.violation, Outcome.error):
        made.outcome = "failed"
        made.longrepr = text(check)
    elif outcome is not Outcome.passed:
        made.outcome = "skipped"
        told = "; ".join(check.seen) if outcome is Outcome.advisory else check.reason
        if outcome is Outcome.not_applicable:
            made.longrepr = (*place, told)
        else:
            made.wasxfail = f"{outcome.value}: {told}"
            made.longrepr = text(check)


def status(report: pytest.TestReport, *, quiet: bool) -> tuple[str, str, tuple[str, dict[str, bool]] | str]:
    """Category, letter and word of a report of ours; no letter when the console tells the run in our words."""
    category, letter, word, markup = _STATUS[Outcome(report.seatrial)]
    return (category, "", "") if quiet else (category, letter, (word, markup))


def finish(
    trial: Trial, session: pytest.Session, exit_status: int, *, interrupted: bool, uncollected: Sequence[str]
) -> None:
    """Make the record, write it, and give the session the exit code that follows from it.

    Args:
        exit_status: pytest's own.
        interrupted: by hand.
        uncollected: node ids of what could not be collected.
    """
    if session.config.option.collectonly or trial.options.plan:
        return
    if not (trial.instances or uncollected or interrupted) and exit_status != pytest.ExitCode.NO_TESTS_COLLECTED:
        return
    if exit_status == pytest.ExitCode.USAGE_ERROR:
        return
    if uncollected:
        trial.problems.append(
            f"could not be collected, so that what it asserts was not looked at: {', '.join(uncollected)}"
        )
    ours = sum(check.outcome in (Outcome.violation, Outcome.error) for check in trial.checks.values())
    foreign = session.testsfailed > ours + len(uncollected) and len(trial.instances) < session.testscollected
    from seatrial import closing
    from seatrial.observe import own_trouble

    try:
        record = closing.build(trial, exit_status=exit_status, interrupted=interrupted, foreign=foreign)
        trial.told = closing.write(trial, record)
        session.exitstatus = int(trial.told.exit)
    except Exception as trouble:  # noqa: BLE001 - pytest would end with 1, which is a verdict
        session.exitstatus = int(Exit.undecided)
        sys.stderr.write(f"ERROR: there is no report: {own_trouble(trouble)}\n")
