"""``allure/``: the record as Allure results, for ``allure generate``: one result a check, categories, environment, executor.

Allure knows passed, failed, broken and skipped, as JUnit does; an advisory, a waived and a withheld check are skipped, with
the outcome as the first word of their message, a tag and a category. The model and its form on disk are those of Allure's
own commons library. Its global plugin manager is left alone: an ``--alluredir`` of the same session stays its own.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.outcomes import Outcome
from seatrial.writers._sources import link
from seatrial.writers._text import block, harmless, headline

if TYPE_CHECKING:
    from seatrial.record import Check, Record

__all__ = ["NAME", "write"]

NAME = "allure"
STATUS = {
    Outcome.passed: "passed",
    Outcome.violation: "failed",
    Outcome.error: "broken",
    Outcome.advisory: "skipped",
    Outcome.not_applicable: "skipped",
    Outcome.withheld: "skipped",
    Outcome.waived: "skipped",
}
CATEGORIES = {
    Outcome.violation: "Violation: the deployment breaks what it must keep",
    Outcome.error: "Could not look: no verdict, the missing right is named",
    Outcome.advisory: "Advisory: good practice that nobody promised here",
    Outcome.waived: "Waived: covered by a dated, owned exception",
    Outcome.withheld: "Withheld: needs a higher tier than this run was granted",
    Outcome.not_applicable: "Not applicable: the profile declares no such thing",
}
_STEPS = 100
"""Findings that are steps of their own; all of them are in the evidence."""
_SPACE = uuid.UUID("6f1d6a36-7c3c-5a0e-9a5b-2f6a3f6f2d11")


def write(record: Record, folder: Path) -> dict[str, str]:
    """The folder's files: a result for each check with its evidence, and what Allure shows of the run as a whole."""
    from allure_commons.logger import AllureMemoryLogger
    from allure_commons.model2 import TEST_CASE_PATTERN

    logger = AllureMemoryLogger()  # type: ignore[no-untyped-call]
    again: Counter[str] = Counter()
    for check, start, stop in _timed(record):
        again[key := f"{check.id} {check.subject}"] += 1
        _report(logger, record, check, (start, stop), key if again[key] == 1 else f"{key} {again[key]}")
    results = {TEST_CASE_PATTERN.format(prefix=case["uuid"]): _json(case) for case in logger.test_cases}
    return {
        **results,
        **{name: str(body) for name, body in logger.attachments.items()},
        "categories.json": _json(_categories()),
        "environment.properties": "".join(f"{key} = {_property(value)}\n" for key, value in _environment(record)),
        "executor.json": _json(_executor(record)),
    }


def _json(data: Any) -> str:
    # Hundreds of files that programs read: without indentation they take a tenth of the time.
    return json.dumps(data, ensure_ascii=False) + "\n"


def _milliseconds(record: Record) -> int:
    return round(dt.datetime.fromisoformat(record.run.started).timestamp() * 1000)


def _timed(record: Record) -> Iterator[tuple[Check, int, int]]:
    """Each check with its start and end: they are judged one after the other at the end of the run, when all is observed."""
    left = sum(check.seconds for check in record.checks)
    end = _milliseconds(record) / 1000 + max(record.run.seconds, left)
    for check in record.checks:
        start, left = end - left, left - check.seconds
        yield check, round(start * 1000), round((start + check.seconds) * 1000)


def _report(logger: Any, record: Record, check: Check, times: tuple[int, int], key: str) -> None:
    from allure_commons.model2 import (
        ATTACHMENT_PATTERN,
        Attachment,
        Label,
        Link,
        Parameter,
        StatusDetails,
        TestResult,
        TestStepResult,
    )

    status = STATUS[check.outcome]
    start, stop = times
    result = TestResult(
        # New in each run, so that results of several runs can lie in one folder; the same each time one is written.
        uuid=str(uuid.uuid5(_SPACE, f"{record.run.started} {record.run.host} {record.profile.sha256} {key}")),
        historyId=_hash(record.profile.name, key),
        testCaseId=_hash(check.id),
        fullName=_full_name(check),
        titlePath=[record.profile.name, check.area],
        name=harmless(f"{check.id} {check.title}" + (f" [{check.subject}]" if check.subject else "")),
        description=harmless(_description(check)),
        status=status,
        stage="finished",
        start=start,
        stop=stop,
        labels=[Label(name, harmless(value)) for name, value in _labels(record, check)],
        links=[Link("link", url, harmless(reference)) for reference in check.refs if (url := link(reference))],
        parameters=[Parameter("subject", harmless(check.subject))] if check.subject else [],
    )
    if check.outcome is not Outcome.passed:
        result.statusDetails = StatusDetails(
            known=check.outcome is Outcome.waived,
            flaky=False,  # everything is observed once; an answer that changes is a finding of its own
            message=harmless(_message(check)),
            trace=harmless("\n".join(block(check))),
        )
    result.steps = [
        TestStepResult(name=harmless(text), status=status, start=start, stop=stop) for text in _steps(check)
    ]
    if check.seen or check.trace:
        name = ATTACHMENT_PATTERN.format(prefix=uuid.uuid5(_SPACE, result.uuid), ext="txt")
        logger.report_attached_data(harmless(_evidence(check)), name)
        result.attachments = [Attachment("evidence", name, "text/plain")]
    logger.report_result(result)


def _hash(*parts: str) -> str:
    """What Allure tells tests apart by: the same in every run."""
    return hashlib.md5("\n".join(parts).encode(), usedforsecurity=False).hexdigest()


def _full_name(check: Check) -> str:
    """The test function, as Allure's own plugin for pytest calls it."""
    file, _, function = check.test.partition("::")
    return f"{file.removesuffix('.py').replace('/', '.')}#{function.partition('[')[0]}"


def _message(check: Check) -> str:
    """The outcome first, which the categories go by, then what is wrong."""
    lines = [f"{check.outcome.value}: {headline(check)}"]
    if check.outcome is Outcome.waived:
        lines.append(check.reason)
    if check.right:
        lines.append(f"needs {check.right}")
    if check.expected:
        lines.append(f"expected {check.expected}")
    return "\n".join([*lines, *(f"seen {text}" for text in check.seen)])


def _description(check: Check) -> str:
    parts = [f"**{check.id} {check.level}** {check.clause}"]
    parts += [f"Why: {check.why}"] if check.why else []
    parts += [f"See it by hand: `{check.see}`"] if check.see else []
    parts += [f"Fix: {check.fix}"]
    parts += [f"Source: {', '.join(check.refs)}"] if check.refs else []
    parts += [f"Declared at {check.where}"] if check.where else []
    return "\n\n".join(parts)


def _steps(check: Check) -> list[str]:
    """What was looked at, and each finding."""
    steps = [f"{check.subject} ({check.where})" if check.where else check.subject] if check.subject else []
    steps += [f"expected: {check.expected}"] if check.expected else []
    steps += [f"seen: {text}" for text in check.seen[:_STEPS]]
    if len(check.seen) > _STEPS:
        steps.append(f"and {len(check.seen) - _STEPS} more, in the evidence")
    return steps


def _evidence(check: Check) -> str:
    lines = [f"{check.id} {check.level}: {check.title}", *block(check)]
    lines += [f"{'why':9} {check.why}"] if check.why else []
    lines += [f"{'source':9} {', '.join(check.refs)}"] if check.refs else []
    return "\n".join(lines) + "\n"


def _labels(record: Record, check: Check) -> Iterator[tuple[str, str]]:
    story = f"{check.id} {check.title}"
    yield "epic", record.profile.spec or record.profile.name
    yield "feature", check.area
    yield "story", story
    yield "parentSuite", record.profile.name
    yield "suite", check.area
    yield "subSuite", story
    yield "severity", "critical" if check.level.binding else "minor"
    yield "tag", check.outcome.value
    yield "tag", str(check.tier)
    yield "tag", check.level.value
    yield "host", record.run.host
    yield "framework", "seatrial"
    yield "language", "python"
    if record.profile.environment:
        yield "environment", record.profile.environment


def _categories() -> list[dict[str, Any]]:
    """By the first word of the message: ours, and that of Allure's own plugin for the same outcome."""
    return [
        {
            "name": name,
            "matchedStatuses": [STATUS[outcome]],
            # The whole message has to match, in Java's and in JavaScript's dialect.
            "messageRegex": rf"(XFAIL )?{outcome.value}: [\s\S]*",
        }
        for outcome, name in CATEGORIES.items()
    ]


def _environment(record: Record) -> Iterator[tuple[str, str]]:
    target, run = record.target, record.run
    rows = {
        "Result": record.result.value + ("" if record.complete else ", cut short"),
        "Profile": f"{record.profile.name} ({record.profile.file}, sha256 {record.profile.sha256})",
        "Target": target.description,
        "Target.address": target.address,
        "Target.driver": target.driver,
        "Target.identity": f"{target.identity} ({'pinned' if target.pinned else 'not pinned'})"
        if target.identity
        else "",
        "Environment": record.profile.environment,
        "Hardening": record.profile.hardening,
        "Mode": f"{run.mode}, tier {run.tier}" + (", SHOULD enforced" if run.enforce_should else ""),
        "Run.by": f"{run.user} on {run.host}",
        "Run.command": run.command,
        "Run.rights": ", ".join(run.rights),
        "Facts.of": run.facts_of,
        **{f"Hardware.{name}": value for name, value in record.hardware},
        **{f"Version.{name}": value for name, value in run.versions},
        **{f"Note.{number}": note for number, note in enumerate(record.notes, 1)},
    }
    yield from ((key.replace(" ", "_"), value) for key, value in rows.items() if value)


def _property(text: str) -> str:
    """A value as Java reads it: in ASCII, one line."""
    plain = harmless(text).replace("\\", "\\\\").replace("\n", "\\n").replace("\t", " ")
    units = plain.encode("utf-16-be", "surrogatepass")
    codes = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    return "".join(chr(code) if code < 128 else f"\\u{code:04x}" for code in codes)


def _executor(record: Record) -> dict[str, Any]:
    return {
        "name": f"Seatrial {dict(record.run.versions).get('seatrial', '')}".strip(),
        "type": "seatrial",
        "reportName": f"Sea trial of {record.profile.name}: {record.result.value}",
        "buildName": f"{record.run.mode} of {record.profile.name}, {record.run.started}",
        "buildOrder": _milliseconds(record) // 1000,
    }
