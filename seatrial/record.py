"""The result record: everything a run found out, and the one thing every writer reads.

It is plain frozen data. Texts in it are safe to print: no secret reaches it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from seatrial.outcomes import Exit, Level, Mode, Outcome, Result, Tier

__all__ = [
    "AlertCoverage",
    "AlertTold",
    "BackupTold",
    "Check",
    "Disturbance",
    "Experiment",
    "FailureTold",
    "Lane",
    "LoadTold",
    "ObjectiveTold",
    "ProfileInfo",
    "Record",
    "RunInfo",
    "Rung",
    "SpanTold",
    "StreamTold",
    "TargetInfo",
    "WaiverUse",
]


@dataclass(frozen=True, slots=True)
class WaiverUse:
    """A waiver of the profile, and what became of it in this run."""

    requirement: str
    subject: str
    reason: str
    owner: str
    expires: str
    """Calendar date, UTC; the last day it holds."""
    where: str
    """``profiles/x.yaml:31:5``."""
    state: str
    """``applied``; or why not: ``expired``, ``covers nothing``, ``subject passes``."""
    days_left: int = 0


@dataclass(frozen=True, slots=True)
class Check:
    """One test instance: a requirement on a subject, and what came of it."""

    id: str
    """Requirement: ``CTR-001``."""
    level: Level
    area: str
    title: str
    clause: str
    subject: str
    outcome: Outcome
    expected: str = ""
    seen: tuple[str, ...] = ()
    """What was observed instead, one entry a finding."""
    reason: str = ""
    """Of an error, of *not applicable*, of *withheld*, of *waived*: one line."""
    right: str = ""
    """The access that was missing, when that caused an error."""
    where: str = ""
    """The subject's place in the profile, ``file:line:column``."""
    see: str = ""
    """Read-only command with which to see it by hand."""
    fix: str = ""
    why: str = ""
    refs: tuple[str, ...] = ()
    tier: Tier = Tier.observe
    test: str = ""
    """pytest's node id, to run just this one."""
    seconds: float = 0.0
    raw: Outcome | None = None
    """What the outcome would be without the waiver."""
    waiver: WaiverUse | None = None
    trace: tuple[str, ...] = ()
    """For errors: ``file:line in function``, innermost last, without locals."""
    proposed: bool = False
    """True when no document states what is asked here, so that it can't fail a gate."""

    @property
    def binding(self) -> bool:
        """Whether it has a say in what the run comes to. Trouble of ours always has."""
        return not self.proposed or bool(self.trace)


@dataclass(frozen=True, slots=True)
class ProfileInfo:
    """Which profile was tested."""

    name: str
    file: str
    sha256: str
    summary: str = ""
    spec: str = ""
    environment: str = ""
    hardening: str = ""
    given: str = ""
    """As it was named on the command line: what to type to run it again."""


@dataclass(frozen=True, slots=True)
class TargetInfo:
    """Which deployment was tested."""

    driver: str
    identity: str = ""
    description: str = ""
    address: str = ""
    pinned: bool = False
    """True when the profile pins the identity and it is this one."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Who looked, when, from where, and with which rights."""

    started: str
    """RFC 3339, UTC."""
    seconds: float
    mode: Mode
    tier: Tier
    enforce_should: bool = False
    user: str = ""
    host: str = ""
    command: str = ""
    rights: tuple[str, ...] = ()
    """What the run had, one line each: ``uid 0``, ``read and write on unix:///var/run/docker.sock``."""
    versions: tuple[tuple[str, str], ...] = ()
    """Seatrial, Python, pytest."""
    facts_of: str = ""
    """For a replay: the run whose facts were judged."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One probe of one replica against time."""

    probe: str
    who: str
    samples: tuple[tuple[float, float, bool], ...]
    """When each was asked, in seconds since the experiment began, how long its answer took, and whether it was as declared."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What was done to the target, and when."""

    kind: str
    of: str
    how: str
    proof: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment, as a reader sees it: lanes of samples, and what was done meanwhile."""

    title: str
    seconds: float
    lanes: tuple[Lane, ...]
    disturbances: tuple[Disturbance, ...] = ()
    moments: tuple[tuple[float, str], ...] = ()
    bounds: tuple[tuple[str, str], ...] = ()
    """What was asked of the service in time, and who asks: ``unready_within``, ``10s (services.api.readiness…)``."""
    numbers: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Rung:
    """How far an alert has come, in one respect."""

    name: str
    """``loads``, ``refers``, ``fires`` or ``arrives``."""
    state: str
    """``yes``, ``no``, ``unknown`` when it could not be looked at, ``unasked`` when nothing in this run looked."""
    by: tuple[str, ...] = ()
    """The requirements that say so."""


@dataclass(frozen=True, slots=True)
class AlertTold:
    """One alert: what it is there for, and how far it has come."""

    name: str
    group: str
    file: str
    failures: tuple[str, ...]
    """What it is declared to tell."""
    objectives: tuple[str, ...]
    rungs: tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class FailureTold:
    """A failure that must be told."""

    failure: str
    alerts: tuple[str, ...]
    """Those that the profile names for it."""
    state: str
    """``yes`` when one of them is there and nothing was seen that keeps it from telling, ``no``, or ``unknown`` where that could not be
    looked at."""


@dataclass(frozen=True, slots=True)
class AlertCoverage:
    """What is told by alerts, and what is not."""

    failures: tuple[FailureTold, ...]
    alerts: tuple[AlertTold, ...] = ()
    unread: tuple[str, ...] = ()
    """What could not be read, so that there may be more alerts."""
    missing: tuple[str, ...] = ()
    """Alerts that the profile names and that are nowhere."""
    silent_services: tuple[str, ...] = ()
    """Services with metrics that no alert is about."""

    @property
    def untold(self) -> tuple[str, ...]:
        """Failures of which no alert tells."""
        return tuple(each.failure for each in self.failures if each.state == "no")

    @property
    def aimless(self) -> tuple[str, ...]:
        """Alerts that are there for no failure and no objective that the profile names."""
        return tuple(alert.name for alert in self.alerts if not alert.failures and not alert.objectives)

    def stop(self, name: str) -> str:
        """The rung that no alert of a name gets to; empty when one comes all the way, as far as was looked."""
        stops = [
            next((each.name for each in alert.rungs if each.state == "no"), "")
            for alert in self.alerts
            if alert.name == name
        ]
        return stops[0] if stops and all(stops) else ""

    def reach(self, rung: str) -> int:
        """How many alerts have come that far."""
        return sum(each.state == "yes" for alert in self.alerts for each in alert.rungs if each.name == rung)


@dataclass(frozen=True, slots=True)
class BackupTold:
    """One backup, and what it is worth."""

    name: str
    rungs: tuple[Rung, ...]
    """exists, fresh, intact, restorable, equivalent."""

    @property
    def grade(self) -> str:
        """The last rung that holds where none below it is broken or could not be looked at; ``ungraded`` when none does."""
        grade = "ungraded"
        for rung in self.rungs:
            if rung.state in ("no", "unknown"):
                break
            grade = rung.name if rung.state == "yes" else grade
        return grade

    @property
    def stop(self) -> Rung | None:
        """The first rung that does not hold, or could not be looked at; None where nothing of the kind was seen."""
        return next((rung for rung in self.rungs if rung.state in ("no", "unknown")), None)


@dataclass(frozen=True, slots=True)
class ObjectiveTold:
    """One number that is promised under a load, what was measured, and what is decided."""

    id: str
    what: str
    """``p95 of POST /notes``."""
    kind: str
    """``latency``, ``errors``, ``throughput`` or ``growth``."""
    endpoint: str
    quantile: float
    unit: str
    """Of the numbers: ``seconds``, ``share`` or ``per second``."""
    seen: float | None
    bounds: tuple[float, float] | None
    """At 95 %: by these it is decided."""
    interval: tuple[float, float] | None
    """At 99.999 %: how far the truth may lie."""
    objective: float | None
    expected: str
    samples: int
    loop: str
    by_locust: bool
    hardware: str
    decision: str
    """``met``, ``missed`` or ``undecided``."""
    why: str
    """Why it is undecided."""
    proposed: bool
    offered: float = 0.0
    achieved: float = 0.0


@dataclass(frozen=True, slots=True)
class SpanTold:
    """One stretch of a stream, by when requests were meant to begin."""

    at: float
    seconds: float
    offered: int
    right: int
    failed: int
    p50: float | None = None
    p95: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class StreamTold:
    """One endpoint, or all of them together (without a name). Latencies are of what counts: answered as declared, after the warm-up."""

    name: str
    right: int
    failed: int
    offered: int
    quantiles: tuple[tuple[float, float], ...]
    """Share, and the seconds that so many took at most."""
    bars: tuple[tuple[float, float, int], ...]
    """Seconds from, to, and how many requests took that long."""
    spans: tuple[SpanTold, ...]
    """The whole load, ramp and warm-up included."""
    errors: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class LoadTold:
    """One load as a reader sees it."""

    name: str
    service: str
    missing: str = ""
    """Why there is none."""
    what: str = ""
    loop: str = "open"
    by_locust: bool = False
    asked: tuple[tuple[str, str], ...] = ()
    began: str = ""
    judged_from: float = 0.0
    judged_until: float = 0.0
    warm_from: float = 0.0
    """When the ramp is over."""
    seconds: float = 0.0
    stopped: str = ""
    hardware: str = ""
    objectives: tuple[ObjectiveTold, ...] = ()
    streams: tuple[StreamTold, ...] = ()
    generator: tuple[tuple[str, str], ...] = ()
    lag: tuple[tuple[float, float, int], ...] = ()
    """How late the generator came to requests: seconds from, to, and how many."""
    memory: tuple[tuple[str, tuple[tuple[float, int], ...]], ...] = ()
    watched: Experiment | None = None
    notes: tuple[tuple[str, str], ...] = ()
    log: tuple[tuple[float, float, str, str], ...] = ()
    """For ``loads/NAME.hlog``: begin, length, stream, histogram as text."""


@dataclass(frozen=True, slots=True)
class Record:
    """One run."""

    profile: ProfileInfo
    target: TargetInfo
    run: RunInfo
    result: Result
    exit: Exit
    checks: tuple[Check, ...]
    complete: bool = True
    """False when the run was cut short: interrupted, out of time, or crashed."""
    notes: tuple[str, ...] = ()
    """What a reader must know of the run as a whole, one line each."""
    waivers: tuple[WaiverUse, ...] = ()
    declared_absent: tuple[tuple[str, str, str], ...] = ()
    """Section, reason, owner: what the profile says is not there, on purpose."""
    unchecked: tuple[str, ...] = ()
    """Sections the profile declares that this version has no requirement for."""
    hardware: tuple[tuple[str, str], ...] = ()
    """What the run was made on, as the target's kernel tells: name and value (``memory``, ``7.7GiB``)."""
    calls: dict[str, int] = field(default_factory=dict)
    """How often the target was asked, by driver and method."""
    experiments: tuple[Experiment, ...] = ()
    """What was done to the target, in the order it was done."""
    alerts: AlertCoverage | None = None
    """None where the profile declares no alerts."""
    backups: tuple[BackupTold, ...] = ()
    """What each declared backup is worth."""
    loads: tuple[LoadTold, ...] = ()
    """Loads, and what came of what is promised under them."""

    def count(self) -> Counter[Outcome]:
        """How many checks ended in each outcome."""
        return Counter(check.outcome for check in self.checks)

    def by_area(self) -> dict[str, list[Check]]:
        """The checks of each area, areas in the order they ran."""
        areas: dict[str, list[Check]] = {}
        for check in self.checks:
            areas.setdefault(check.area, []).append(check)
        return areas


def plain(record: Record) -> dict[str, Any]:
    """The record as JSON types."""
    from pydantic_core import to_jsonable_python

    data: dict[str, Any] = to_jsonable_python(record)
    return data
