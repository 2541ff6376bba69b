"""``conformance.json``: the whole record for machines, by a published JSON Schema (``conformance.schema.json``)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.outcomes import Level, Outcome
from seatrial.record import plain

if TYPE_CHECKING:
    from seatrial.record import AlertCoverage, Check, Experiment, LoadTold, Record, Rung, StreamTold

__all__ = ["NAME", "VERSION", "document", "write"]

NAME = "conformance.json"
VERSION = "1"


def _counts(checks: list[Check]) -> dict[str, dict[str, int]]:
    """By level, how many checks ended in each outcome that occurred."""
    counts: dict[str, dict[str, int]] = {}
    for level in Level:
        mine = [check.outcome for check in checks if check.level is level]
        if mine:
            counts[level.value] = {outcome.value: mine.count(outcome) for outcome in Outcome if outcome in mine}
    return counts


def _result(check: dict[str, Any]) -> dict[str, Any]:
    """A check, without the fields that have nothing to say."""
    always = (
        "id",
        "level",
        "area",
        "title",
        "clause",
        "subject",
        "outcome",
        "expected",
        "seen",
        "reason",
        "where",
        "fix",
        "test",
    )
    return {key: value for key, value in check.items() if key in always or value not in ("", [], None, 0)}


def document(record: Record) -> dict[str, Any]:
    """The report as JSON types."""
    data = plain(record)
    versions = dict(record.run.versions)
    run = data["run"] | {"versions": versions}
    return {
        "version": VERSION,
        "result": record.result.value,
        "exit_code": int(record.exit),
        "complete": record.complete,
        "suite": {"name": "seatrial", "version": versions.get("seatrial", "")},
        "profile": data["profile"],
        "target": data["target"],
        "run": run | {"tier": str(record.run.tier)},
        "outcomes": {outcome.value: record.count()[outcome] for outcome in Outcome},
        "areas": {area: _counts(checks) for area, checks in record.by_area().items()},
        "results": [
            _result(check | {"tier": str(ours.tier)}) for check, ours in zip(data["checks"], record.checks, strict=True)
        ],
        "waivers": data["waivers"],
        "declared_absent": [{"section": s, "reason": r, "owner": o} for s, r, o in record.declared_absent],
        "unchecked": data["unchecked"],
        "notes": data["notes"],
        "hardware": [{"name": name, "value": value} for name, value in record.hardware],
        "calls": data["calls"],
        "experiments": [_experiment(each) for each in record.experiments],
        "alerts": _alerts(record.alerts) if record.alerts else None,
        "backups": [{"name": each.name, "grade": each.grade, "rungs": _rungs(each.rungs)} for each in record.backups],
        "loads": [_load(each) for each in record.loads],
    }


def _load(load: LoadTold) -> dict[str, Any]:
    """A load without its series, which are in ``loads/NAME.hlog`` and facts.json."""
    return {
        "name": load.name,
        "service": load.service,
        "missing": load.missing,
        "what": load.what,
        "loop": load.loop,
        "timed_by_locust": load.by_locust,
        "asked": dict(load.asked),
        "began": load.began,
        "seconds": load.seconds,
        "stopped": load.stopped,
        "hardware": load.hardware,
        "objectives": [
            {
                "id": row.id,
                "what": row.what,
                "kind": row.kind,
                "endpoint": row.endpoint,
                "quantile": row.quantile,
                "unit": row.unit,
                "seen": row.seen,
                "bounds_95": _ends(row.bounds),
                "interval_99_999": _ends(row.interval),
                "objective": row.objective,
                "expected": row.expected,
                "requests": row.samples,
                "offered": row.offered,
                "achieved": row.achieved,
                "decision": row.decision,
                "why": row.why,
                "proposed": row.proposed,
                "hardware": row.hardware,
            }
            for row in load.objectives
        ],
        "streams": [_stream(stream) for stream in load.streams],
        "generator": dict(load.generator),
        "notes": [{"name": name, "text": text} for name, text in load.notes],
        "log": f"loads/{load.name.removeprefix('slos.')}.hlog" if load.log else "",
    }


def _stream(stream: StreamTold) -> dict[str, Any]:
    return {
        "endpoint": stream.name,
        "offered": stream.offered,
        "right": stream.right,
        "failed": stream.failed,
        "quantiles": {str(share): seconds for share, seconds in stream.quantiles},
        "errors": dict(stream.errors),
    }


def _ends(ends: Sequence[float] | None) -> list[float] | None:
    return None if ends is None else list(ends)


def _alerts(covered: AlertCoverage) -> dict[str, Any]:
    """What is told by alerts, and what is not."""
    return {
        "failures": [
            {"failure": each.failure, "alerts": list(each.alerts), "told": each.state} for each in covered.failures
        ],
        "alerts": [
            {
                "name": alert.name,
                "group": alert.group,
                "file": alert.file,
                "failures": list(alert.failures),
                "objectives": list(alert.objectives),
                "rungs": _rungs(alert.rungs),
            }
            for alert in covered.alerts
        ],
        "failures_untold": list(covered.untold),
        "alerts_without_failure": list(covered.aimless),
        "missing": list(covered.missing),
        "services_without_alert": list(covered.silent_services),
        "unread": list(covered.unread),
    }


def _rungs(rungs: Iterable[Rung]) -> dict[str, Any]:
    return {rung.name: {"state": rung.state, "by": list(rung.by)} for rung in rungs}


def _experiment(made: Experiment) -> dict[str, Any]:
    """An experiment without its single samples, which facts.json has."""
    return {
        "title": made.title,
        "seconds": made.seconds,
        "probes": [
            {
                "probe": lane.probe,
                "of": lane.who,
                "samples": len(lane.samples),
                "not_as_declared": sum(not ok for _, _, ok in lane.samples),
            }
            for lane in made.lanes
        ],
        "faults": [
            {"kind": f.kind, "of": f.of, "how": f.how, "proof": f.proof, "began": f.began, "ended": f.ended}
            for f in made.disturbances
        ],
        "bounds": dict(made.bounds),
        "numbers": dict(made.numbers),
    }


def write(record: Record, folder: Path) -> str:
    """The report as text."""
    return json.dumps(document(record), indent=2, ensure_ascii=False) + "\n"
