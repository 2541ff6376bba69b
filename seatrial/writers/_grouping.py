"""How a record is put in order for a reader: by requirement, by area and root cause, by why it was not looked at.

Shared by the console, the HTML report and the job summary, so that they agree. Nothing here decides anything.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.outcomes import Mode, Outcome, Result

if TYPE_CHECKING:
    from seatrial.record import AlertCoverage, BackupTold, Check, Record, WaiverUse

__all__ = [
    "MEANING",
    "MOST_NAMED",
    "RUNGS",
    "Cause",
    "Shared",
    "alerts",
    "amount",
    "backups",
    "by_cause",
    "by_requirement",
    "counted",
    "covered",
    "days_left",
    "held",
    "hidden",
    "inapplicable",
    "next_step",
    "of",
    "ranges",
    "sentence",
    "shared",
    "standing",
    "target",
]

MEANING = {
    Result.success: "every promise that was looked at is kept",
    Result.partial: "what was looked at is kept; some of it was waived, or needs more than this run was granted",
    Result.undecided: "something could not be looked at, so there is no verdict",
    Result.failure: "the deployment breaks what it must keep",
    Result.nothing: "nothing was checked",
}
MOST_NAMED = 12
RUNGS = {
    "loads": "is loaded",
    "refers": "refers to what exists",
    "fires": "fires at its boundary",
    "arrives": "arrives",
}
"""How far an alert has come, in words."""
GRADES = {
    "exists": "there",
    "fresh": "fresh",
    "intact": "intact",
    "restorable": "restorable",
    "equivalent": "equivalent",
}
"""What a backup is worth, each more than the one before, in words."""
STOPS = {
    "loads": "it is not loaded as declared",
    "refers": "it refers to what does not exist",
    "fires": "it does not fire at its boundary",
    "arrives": "it does not arrive",
}
"""How far one has not, in words."""
_PLURALS = {
    Outcome.violation: "violations",
    Outcome.advisory: "advisories",
    Outcome.error: "errors",
    Outcome.passed: "pass",
}
_EXPECTED = re.compile(r" \(expected .*\)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why something could not be looked at, and every check it has hidden."""

    reason: str
    right: str
    checks: tuple[Check, ...]
    beside: tuple[str, ...] = ()
    """Requirements that are broken on the same subjects: where to begin."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Findings of one area with one root, each a requirement with its checks.

    Several stand together when whatever the later ones see was seen, on the same subject, by the first already.
    """

    findings: tuple[tuple[Check, ...], ...]


def alerts(covered: AlertCoverage) -> str:
    """``6 of 7 failures told; 6 alerts, 6 load, 6 refer, 4 fire; told by none: the disk is full``."""
    told = sum(each.state == "yes" for each in covered.failures)
    parts = [f"{told} of {counted(len(covered.failures), 'failure')} told"] if covered.failures else []
    came = [f"{covered.reach(rung)} {rung.removesuffix('s')}" for rung in RUNGS if _asked(covered, rung)]
    parts.append(", ".join([counted(len(covered.alerts), "alert"), *came]))
    for label, names in (
        ("told by none", covered.untold),
        ("not there", covered.missing),
        ("for no declared failure", covered.aimless),
        ("services without any", covered.silent_services),
        ("not read", covered.unread),
    ):
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        parts += [f"{label}: {', '.join(names[:MOST_NAMED])}{more}"] if names else []
    return "; ".join(parts)


def backups(told: Iterable[BackupTold]) -> str:
    """``notes equivalent; agfs intact, not restorable (BKP-031); logs ungraded``."""
    return "; ".join(f"{each.name} {each.grade}{f', {why}' if (why := held(each)) else ''}" for each in told)


def held(backup: BackupTold) -> str:
    """What keeps a backup from being worth more; empty where nothing does."""
    stop = backup.stop
    if stop is None:
        return ""
    word = GRADES[stop.name]
    how = f"not {word}" if stop.state == "no" else f"whether it is {word} could not be seen"
    return f"{how} ({ranges(stop.by)})"


def standing(covered: AlertCoverage, name: str) -> str:
    """What keeps an alert from telling anybody; empty when nothing does."""
    return "there is no such alert" if name in covered.missing else STOPS.get(covered.stop(name), "")


def _asked(covered: AlertCoverage, rung: str) -> bool:
    """Whether anything in the run looked how far alerts have come in this respect."""
    return any(each.state != "unasked" for alert in covered.alerts for each in alert.rungs if each.name == rung)


def amount(outcome: Outcome, count: int) -> str:
    """``2 violations``."""
    word = _PLURALS.get(outcome, outcome.value) if count != 1 else outcome.value
    return f"{count} {word}"


def counted(count: int, one: str, many: str = "") -> str:
    """``1 check``, ``2 checks``."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def of(record: Record, outcome: Outcome) -> list[Check]:
    """The checks that ended so, in the order they ran."""
    return [check for check in record.checks if check.outcome is outcome]


def by_requirement(checks: Iterable[Check]) -> dict[str, list[Check]]:
    """The checks of each requirement, in the order they ran."""
    groups: dict[str, list[Check]] = {}
    for check in checks:
        groups.setdefault(check.id, []).append(check)
    return groups


def by_cause(record: Record) -> list[Cause]:
    """Errors by their cause: one engine that does not answer is one thing to mend, not fifty."""
    broken: dict[str, list[str]] = {}
    for check in of(record, Outcome.violation):
        broken.setdefault(check.subject, []).append(check.id)
    causes: dict[tuple[str, str], list[Check]] = {}
    for check in of(record, Outcome.error):
        causes.setdefault((check.reason, check.right), []).append(check)
    return [
        Cause(
            reason,
            right,
            tuple(checks),
            tuple(dict.fromkeys(id for check in checks for id in broken.get(check.subject, ()))),
        )
        for (reason, right), checks in causes.items()
    ]


def shared(record: Record, outcome: Outcome) -> dict[str, list[Shared]]:
    """Violations or advisories by area, and in an area by root cause: what was seen."""
    areas: dict[str, dict[str, list[Check]]] = {}
    for check in of(record, outcome):
        areas.setdefault(check.area, {}).setdefault(check.id, []).append(check)
    return {area: [Shared(tuple(roots)) for roots in _roots(groups)] for area, groups in areas.items()}


def _roots(groups: dict[str, list[Check]]) -> list[list[tuple[Check, ...]]]:
    roots: list[tuple[set[tuple[str, str]], list[tuple[Check, ...]]]] = []
    for checks in groups.values():
        evidence = {(check.subject, _EXPECTED.sub("", seen)) for check in checks for seen in check.seen}
        root = next((found for seen, found in roots if evidence and evidence <= seen), None)
        if root is None:
            roots.append((evidence, [tuple(checks)]))
        else:
            root.append(tuple(checks))
    return [found for _, found in roots]


def hidden(checks: Iterable[Check]) -> str:
    """Which requirements on which subjects one cause has hidden; by name while they can be read at a glance."""
    group = list(checks)
    ids = by_requirement(group)
    if len(ids) <= MOST_NAMED:
        return ", ".join(f"{id} ({', '.join(c.subject for c in checks)})" for id, checks in ids.items())
    subjects = ", ".join(dict.fromkeys(check.subject for check in group))
    return f"{len(group)} checks of {len(ids)} requirements, {min(ids)} to {max(ids)}, on {subjects}"


def inapplicable(record: Record) -> dict[str, list[Check]]:
    """What the profile declares no subject for, by the reason."""
    reasons: dict[str, list[Check]] = {}
    for check in of(record, Outcome.not_applicable):
        reasons.setdefault(check.reason, []).append(check)
    return reasons


def covered(record: Record, waiver: WaiverUse) -> list[Check]:
    """What a waiver was used for. Not compared whole: a run over midnight counts its days twice."""
    name = (waiver.where, waiver.requirement, waiver.subject)
    return [
        check
        for check in of(record, Outcome.waived)
        if check.waiver and (check.waiver.where, check.waiver.requirement, check.waiver.subject) == name
    ]


def days_left(waiver: WaiverUse) -> str:
    """``29 days left``."""
    return f"{counted(waiver.days_left, 'day')} left"


def ranges(ids: Iterable[str]) -> str:
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


def target(record: Record) -> str:
    """What was tested, in one line."""
    told = (record.target.description, record.target.address, record.target.identity)
    return ", ".join(dict.fromkeys(filter(None, told))) or "not seen"


def sentence(record: Record) -> str:
    """Why the verdict is what it is, in one sentence with this run's numbers."""
    checks, counts = record.checks, record.count()
    broken = of(record, Outcome.violation)
    errors = counts[Outcome.error]
    unseen = f"{counted(errors, 'check')} could not be looked at" if errors else ""
    if broken:
        ids, subjects = len(by_requirement(broken)), len({check.subject for check in broken})
        text = f"{counted(ids, 'requirement')} {'is' if ids == 1 else 'are'} broken, on {counted(subjects, 'subject')}"
        return f"{text}; {unseen}." if unseen else f"{text}."
    if record.result is Result.undecided:
        causes = by_cause(record)
        if not causes:
            return "Something kept the run from looking at everything: see the notes."
        more = f", and {counted(len(causes) - 1, 'more reason')}" if len(causes) > 1 else ""
        return f"{unseen[0].upper()}{unseen[1:]}: {causes[0].reason}{more}."
    if record.result is Result.partial:
        binding = [check for check in checks if check.level.binding]
        withheld = [check for check in binding if check.outcome is Outcome.withheld]
        waived = sum(check.outcome is Outcome.waived for check in binding)
        parts = []
        if waived:
            parts.append(f"{counted(waived, 'violation is', 'violations are')} waived for now")
        if withheld:
            tiers = " or ".join(dict.fromkeys(str(check.tier) for check in withheld))
            parts.append(
                f"{counted(len(withheld), 'check needs', 'checks need')} tier {tiers}, and this run was granted {record.run.tier}"
            )
        return f"What was looked at is kept, but {'; '.join(parts) or 'not all of it was looked at'}."
    if record.result is Result.nothing:
        return "No check looked at anything, so this says nothing about the deployment."
    if record.result is Result.failure:
        return "Something that the run needs is broken: see the notes."
    text = f"{counted(counts[Outcome.passed], 'check')} passed, and nothing that must be kept is broken"
    aside = [
        amount(o, counts[o]) for o in (Outcome.advisory, Outcome.waived, Outcome.withheld, Outcome.error) if counts[o]
    ]
    return f"{text}; beside that, {', '.join(aside)}." if aside else f"{text}."


def next_step(record: Record, folder: Path | None, *, lacks: str = "see ERROR and notes above") -> str:
    """The command that an operator would want to type now.

    Args:
        lacks: where this reader finds what the run could not do.
    """
    profile = shlex.quote(record.profile.given or record.profile.file)
    names = " or ".join(
        sorted({c.test.rpartition("::")[2].partition("[")[0] for c in record.checks if c.outcome is Outcome.violation})
    )
    if record.result is Result.failure:
        return f"mend it, then look again at that alone: seatrial {record.run.mode} {profile} -k {shlex.quote(names)}"
    if record.result is Result.undecided:
        return f"give the run what it lacks ({lacks}), then again: seatrial {record.run.mode} {profile}"
    if record.result is Result.nothing:
        return f"see what would run: seatrial {record.run.mode} {profile} --plan"
    if record.run.mode is Mode.audit and folder is not None:
        facts = shlex.quote(f"--facts={folder}")
        return f"judge the same facts again, SHOULD enforced: seatrial audit {profile} {facts} --enforce-should"
    return f"keep {folder} as evidence"
