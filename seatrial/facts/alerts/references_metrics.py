"""Metrics that rules select and that are not there: never, no more, or recorded by nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seatrial.facts.alerts.operands import Operands
from seatrial.facts.alerts.references_asked import MADE_UP, made
from seatrial.promql.nodes import Aggregate, Call, walk
from seatrial.words import Finding, Missing

if TYPE_CHECKING:
    from seatrial.facts.alerts.references_judged import Reading, References, Selected

__all__ = ["missing_metrics", "unrecorded", "vanished_metrics"]

MOST_TOLD = 3


def missing_metrics(references: References, reading: Reading) -> Iterator[Finding]:
    """Metrics that no service exposes and no server has had."""
    for each in reading.selected:
        if references.is_recorded(each.metric) or (each.guarded and not _all_missing(references, reading)):
            continue
        missing = references.missing(each)
        if missing is None:
            references.doubt(reading.rule, f"whether `{each.metric}` exists: {references.why_unknown}")
        elif missing and (why := _why_unsure(references, each)):
            references.doubt(reading.rule, f"there is no `{each.metric}`, but {why}")
        elif missing:
            seen = f"`{each.metric}` is not there: no such series in {references.whence}"
            yield references.about(each, seen, _near(references, each.metric))


def _all_missing(references: References, reading: Reading) -> bool:
    """Whether nothing is left of a rule whose parts stand in for each other."""
    names = {node.name for node in walk(reading.expression.root) if isinstance(node, Call | Aggregate)}
    if names & {"absent", "absent_over_time", "vector"}:
        return False
    return all(references.missing(each) for each in reading.selected)


def _why_unsure(references: References, each: Selected) -> str:
    """Why something that is not there may be somewhere all the same; empty when it can't."""
    catalog, operands = references.catalog, references.operands
    if not isinstance(catalog, Missing):
        if catalog.unseen:
            return f"the metrics of {', '.join(catalog.unseen[:MOST_TOLD])} could not be read"
        if isinstance(catalog.canary, Missing):
            return catalog.canary.reason
    down = operands.down if isinstance(operands, Operands) else ()
    jobs = tuple(f"{value} " for label, op, value in each.matchers if (label, op) == ("job", "="))
    theirs = [target for target in (() if isinstance(down, Missing) else down) if not jobs or target.startswith(jobs)]
    return f"not every target is up: {', '.join(theirs[:MOST_TOLD])}" if theirs else ""


def _near(references: References, name: str) -> str:
    """What to write in place of a metric that is not there."""
    names = references.series_names
    ended = next((other for other in names if other.startswith(f"{name}_")), "")
    near = ended or references.near(name, names, 0.75)
    return f"`{near}`, which is there" if near else "a metric that is exposed"


def vanished_metrics(references: References, reading: Reading) -> Iterator[Finding]:
    """Metrics that were there within the time looked back, and are no more."""
    from seatrial.facts.alerts.references_judged import span

    for each in reading.selected:
        if each.guarded or not each.metric or each.node.alternatives or references.is_recorded(each.metric):
            continue
        given = references.asked(reading.rule, made(each.node))
        if given is None or given.now:
            continue
        whole = references.given(each.metric)
        if whole is None or not whole.ever or whole.now or references.announced(each.metric) or each.metric in MADE_UP:
            continue
        if why := _why_unsure(references, each):
            references.doubt(reading.rule, f"`{each.metric}` has vanished, but {why}")
            continue
        step = references.operands.step if isinstance(references.operands, Operands) else 0.0
        ago = next(number for number, count in enumerate(reversed(whole.series)) if count) * step
        yield references.about(
            each,
            f"`{each.metric}` has vanished: there were {max(whole.series)} series until {span(ago)} ago, and none now",
            "a metric that is still exposed",
        )


def unrecorded(references: References, reading: Reading) -> Iterator[Finding]:
    """Names of recorded series that nobody records."""
    told = references.operands.recorded if isinstance(references.operands, Operands) else ()
    for each in reading.selected:
        name = each.metric
        if each.guarded or not references.is_recorded(name) or name in references.recorded or references.there(each):
            continue
        ever = references.ever(name)
        if ever:
            continue
        if isinstance(told, Missing):
            references.doubt(reading.rule, f"whether `{name}` is recorded: {told.reason}")
        elif references.live and ever is None:
            references.doubt(reading.rule, f"whether `{name}` is there: {references.why_unknown}")
        else:
            near = references.near(name, sorted(references.recorded), 0.6)
            yield references.about(
                each,
                f"`{name}` is recorded by no rule"
                + (f", and is not in {references.whence}" if references.live else ""),
                f"`{near}`, which is recorded" if near else "a recording rule of that name",
            )
