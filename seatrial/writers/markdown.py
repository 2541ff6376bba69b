"""``summary.md``: the record as a job summary, for a pull request's page or a chat. GitHub shows it when it is told where.

A job summary may have 1 MiB. What does not fit is told in one line each, and that it was cut is said.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.outcomes import Outcome
from seatrial.writers import _grouping as grouping
from seatrial.writers import _loads as loads
from seatrial.writers._text import SIGNS, TOLD, VERDICTS, harmless, in_markdown, told, upper_first

if TYPE_CHECKING:
    from seatrial.record import Check, Record

__all__ = ["NAME", "deliver", "write"]

NAME = "summary.md"
LIMIT = 1 << 20
"""Bytes of a job summary; GitHub shows nothing at all of a longer one."""
BUDGET = LIMIT - 24_000
"""For what is told whole or in short; the rest is for the sentence that says what was cut, and for the run's own lines."""


@dataclass(frozen=True, slots=True)
class _Block:
    """A paragraph or more, and what stands for it where there is no room."""

    whole: str
    short: str | None = None
    """None: it is short already."""


def code(text: str) -> str:
    """A code span: nothing in it is a link, a mention or markup."""
    text = harmless(text).replace("\n", " ")
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if text[:1] in ("`", " ") or text[-1:] in ("`", " ") else ""
    return f"{ticks}{space}{text}{space}{ticks}" if text else ""


def _fenced(lines: Iterable[str]) -> str:
    text = harmless("\n".join(lines))
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{ticks}text\n{text}\n{ticks}"


def _head(record: Record, folder: Path) -> str:
    name = upper_first(record.result.value) + ("" if record.complete else ", cut short")
    parts = [
        f"## {VERDICTS[record.result]} {name}: {in_markdown(record.profile.name)}",
        f"**{upper_first(grouping.MEANING[record.result])}.** {in_markdown(grouping.sentence(record))}",
    ]
    if not record.complete:
        parts.append("**This run was cut short: not everything that was to be looked at was.**")
    parts.append(_counts(record))
    run = record.run
    pinned = "pinned in the profile" if record.target.pinned else "not pinned in the profile"
    identity = f"{code(record.target.identity)}, {pinned}" if record.target.identity else "not seen"
    facts = [
        ("Target", in_markdown(record.target.description or "not seen")),
        ("Identity", identity),
        ("Looked at by", in_markdown(f"{run.user} on {run.host}, {'; '.join(run.rights)}")),
        ("Hardware", in_markdown(", ".join(f"{name} {value}" for name, value in record.hardware) or "not recorded")),
        (
            "Run",
            in_markdown(
                f"{run.started}, {run.seconds:.1f} s, mode {run.mode}, tier {run.tier}, exit code {int(record.exit)}"
            ),
        ),
        ("Profile", in_markdown(record.profile.file)),
    ]
    if run.facts_of:
        facts.append(("Replay of", code(run.facts_of)))
    facts.append(("Next", in_markdown(grouping.next_step(record, folder, lacks="see below"))))
    parts.append("\n".join(f"- {label}: {text}" for label, text in facts))
    return "\n\n".join(parts)


def _counts(record: Record) -> str:
    """Checks by area and outcome; the last row has the sums."""
    rows = [(area, [check.outcome for check in checks]) for area, checks in record.by_area().items()]
    rows.append(("**all**", [check.outcome for check in record.checks]))
    lines = [
        f"| area | {' | '.join(f'{SIGNS[outcome]} {outcome.value}' for outcome in Outcome)} |",
        f"| --- |{' ---: |' * len(Outcome)}",
    ]
    for area, outcomes in rows:
        name = area if area == "**all**" else in_markdown(area)
        lines.append(f"| {name} | {' | '.join(str(outcomes.count(outcome)) for outcome in Outcome)} |")
    return "\n".join(lines)


def _finding(checks: tuple[Check, ...]) -> _Block:
    first = checks[0]
    title = f"**{SIGNS[first.outcome]} {in_markdown(first.id)} {in_markdown(upper_first(first.title))}**"
    parts = [f"{title} ({first.level})", f"> {in_markdown(first.clause)}"]
    parts += [_fenced(f"{label:<10}{text}" for label, text in told(check)) for check in checks]
    parts.append(f"**Fix:** {in_markdown(upper_first(first.fix))}")
    lines = sum(len(check.seen) for check in checks)
    subjects = ", ".join(check.subject for check in checks[:3]) + (", …" if len(checks) > 3 else "")
    short = f"{title}: {grouping.counted(lines, 'line')} seen on {grouping.counted(len(checks), 'subject')} ({code(subjects[:200])}), cut here"
    return _Block("\n\n".join(parts), short)


def _findings(record: Record, outcome: Outcome, heading: str) -> Iterator[_Block]:
    areas = grouping.shared(record, outcome)
    if areas:
        yield _Block(f"### {heading}")
    for area, roots in areas.items():
        yield _Block(f"#### {in_markdown(upper_first(area))}")
        for root in roots:
            if len(root.findings) > 1:
                number = grouping.counted(len(root.findings), "requirement")
                yield _Block(f"_One cause, {number}: the same thing was seen._")
            yield from (_finding(checks) for checks in root.findings)


def _undecided(record: Record) -> Iterator[_Block]:
    causes = grouping.by_cause(record)
    if causes:
        yield _Block("### Could not be looked at")
    for cause in causes:
        lines = [f"**{SIGNS[Outcome.error]} {in_markdown(upper_first(cause.reason))}**"]
        if cause.right:
            lines.append(f"- The run lacks: {in_markdown(cause.right)}")
        if cause.beside:
            lines.append(f"- Begin with what is broken on the same subject: {in_markdown(', '.join(cause.beside))}")
        lines.append(f"- Undecided: {in_markdown(grouping.hidden(cause.checks))}")
        short = f"**{SIGNS[Outcome.error]} {in_markdown(cause.reason[:200])}**: {grouping.counted(len(cause.checks), 'check')}, cut here"
        yield _Block("\n".join(lines), short)


def _alerts(record: Record) -> Iterator[_Block]:
    covered = record.alerts
    if covered is None:
        return
    yield _Block("### Alerts")
    yield _Block(in_markdown(upper_first(grouping.alerts(covered))) + ".")
    for each in covered.failures:
        told = [
            f"{code(name)}{f' ({why})' if (why := grouping.standing(covered, name)) else ''}" for name in each.alerts
        ]
        sign = SIGNS[TOLD[each.state]]
        yield _Block(f"- {sign} {in_markdown(each.failure)}: {', '.join(told) or 'told by nothing'}", "- …, cut here")


def _backups(record: Record) -> Iterator[_Block]:
    if record.backups:
        yield _Block("### Backups")
    for each in record.backups:
        stop = each.stop
        sign = SIGNS[TOLD[stop.state] if stop else TOLD["yes"] if each.grade != "ungraded" else TOLD["unasked"]]
        why = grouping.held(each)
        yield _Block(
            f"- {sign} {code(each.name)}: {each.grade}{f', {in_markdown(why)}' if why else ''}", "- …, cut here"
        )


def _loads(record: Record) -> Iterator[_Block]:
    if record.loads:
        yield _Block("### Loads")
    for load in record.loads:
        name = f"**{in_markdown(load.name)}**"
        if load.missing:
            yield _Block(f"{SIGNS[Outcome.error]} {name}: {in_markdown(load.missing)}", f"{name}: …, cut here")
            continue
        asked = ", ".join(f"{label} {text.partition(':')[0]}" for label, text in load.asked)
        stopped = f" **Stopped: {in_markdown(load.stopped)}.**" if load.stopped else ""
        yield _Block(
            f"{name} {in_markdown(load.what)}: {in_markdown(asked)}; {in_markdown(load.hardware)}.{stopped}",
            f"{name}: …, cut here",
        )
        for row in load.objectives:
            why = f", because {row.why}" if row.why else ""
            yield _Block(f"- {SIGNS[loads.sign_of(row)]} {in_markdown(loads.line(row) + why)}", "- …, cut here")


def _unseen(record: Record) -> Iterator[_Block]:
    lines = []
    for id, checks in grouping.by_requirement(grouping.of(record, Outcome.withheld)).items():
        lines.append(("withheld", f"{id} {checks[0].title}: {checks[0].reason}"))
    for waiver in record.waivers:
        left = grouping.days_left(waiver) if waiver.days_left >= 0 else f"ended {waiver.expires}"
        lines.append(
            (
                "waiver",
                f"{waiver.requirement} on {waiver.subject}, owner {waiver.owner}, {left}: {waiver.state}; {waiver.reason}",
            )
        )
    for reason, checks in grouping.inapplicable(record).items():
        lines.append(("not applicable", f"{reason}: {grouping.ranges(check.id for check in checks)}"))
    lines += [("absent", f"{section}: {reason} ({owner})") for section, reason, owner in record.declared_absent]
    if record.unchecked:
        lines.append(("unchecked", f"declared, and nothing in this run looks at it: {', '.join(record.unchecked)}"))
    lines += [("note", note) for note in record.notes]
    if lines:
        yield _Block("### Not looked at, and notes")
    for label, text in lines:
        yield _Block(f"- **{label}** {in_markdown(text)}", f"- **{label}** {in_markdown(text[:120])} …, cut here")


def _kept(record: Record) -> Iterator[_Block]:
    passes: dict[str, list[str]] = {}
    for check in grouping.of(record, Outcome.passed):
        passes.setdefault(check.area, []).append(check.id)
    if passes:
        yield _Block("### Kept")
    for area, ids in passes.items():
        yield _Block(
            f"- **{in_markdown(area)}** {in_markdown(grouping.ranges(ids))} ({grouping.counted(len(ids), 'check')})"
        )


def _fit(blocks: list[_Block], room: int) -> tuple[str, int]:
    """The blocks as one text of at most that many bytes, and how many of them it does not have whole."""
    shorts = [block.whole if block.short is None else block.short for block in blocks]
    sizes = [len(text.encode()) + 2 for text in shorts]
    room -= sum(sizes)
    while room < 0 and sizes:
        room += sizes.pop()
    parts, cut = [], len(blocks) - len(sizes)
    for block, short, size in zip(blocks, shorts, sizes, strict=False):
        more = len(block.whole.encode()) + 2 - size
        if more <= room:
            room -= max(0, more)
            parts.append(block.whole)
        else:
            parts.append(short)
            cut += 1
    # One list is one list: its items stand line by line.
    text = ""
    for part, before in zip(parts, ["", *parts], strict=False):
        text += ("\n" if part.startswith("- ") and before.startswith("- ") else "\n\n") + part
    return text.strip(), cut


def write(record: Record, folder: Path) -> str:
    """The record as GitHub's Markdown."""
    head = _head(record, folder)
    blocks = [
        *_findings(record, Outcome.violation, "Broken"),
        *_undecided(record),
        *_findings(record, Outcome.advisory, "Advice"),
        *_alerts(record),
        *_backups(record),
        *_loads(record),
        *_unseen(record),
        *_kept(record),
    ]
    text, cut = _fit(blocks, BUDGET - len(head.encode()))
    parts = [head, text]
    if cut:
        what = grouping.counted(cut, "part of it was", "parts of it were")
        parts.append(
            f"**This summary may have 1 MiB, so that {what} cut or left out; `report.html` of the same run has everything.**"
        )
    parts.append(
        f"_Everything, with evidence, is in {code(folder.name)}: `report.html` to read, `conformance.json` for machines._"
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def deliver(path: Path) -> None:
    """Append the summary, as it was written to the run's folder, to the file that GitHub shows with the job.

    Raises:
        OSError: that file can't be written.
    """
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        return
    text = path.read_text(encoding="utf-8")
    with open(place, "a", encoding="utf-8") as stream:
        if os.fstat(stream.fileno()).st_size + len(text.encode()) > LIMIT:
            # Other runs of the same step have filled it: the verdict and the counts must not make it too long to be shown.
            text = (
                text.partition("\n### ")[0] + "\n\n**The findings had no room here: see `report.html` of this run.**\n"
            )
            if os.fstat(stream.fileno()).st_size + len(text.encode()) > LIMIT:
                return
        stream.write(text)
