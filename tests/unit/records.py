"""A record that holds every outcome, with texts as nasty as a target can make them."""

from __future__ import annotations

from dataclasses import replace

from seatrial.outcomes import Exit, Level, Mode, Outcome, Result, Tier
from seatrial.record import (
    AlertCoverage,
    AlertTold,
    BackupTold,
    Check,
    Disturbance,
    Experiment,
    FailureTold,
    Lane,
    LoadTold,
    ObjectiveTold,
    ProfileInfo,
    Record,
    Rung,
    RunInfo,
    SpanTold,
    StreamTold,
    TargetInfo,
    WaiverUse,
)

WAIVER = WaiverUse("CTR-004", "minio", "until the next image", "@storage", "2026-06-30", "p.yaml:31:5", "applied", 29)
BASE = Check(
    id="CTR-001",
    level=Level.MUST,
    area="containers",
    title="containers run as non root",
    clause="Every process of a container MUST run as a non-root user.",
    subject="api",
    outcome=Outcome.passed,
    where="p.yaml:7:3",
    see="docker top api-1 -eo pid,uid,comm",
    fix="set USER in the image.",
    why="root in a container is root on the host.",
    refs=("CIS Docker 4.1",),
    test="suites/containers/test_users.py::test_containers_run_as_non_root[api]",
    seconds=0.002,
    raw=Outcome.passed,
)


def broken(**changes: object) -> Check:
    return replace(
        BASE,
        **{
            "outcome": Outcome.violation,
            "raw": Outcome.violation,
            "expected": "none",
            "seen": ("container api-1, process 7 (nginx): uid 0", "container api-2, process 9 (nginx): uid 0"),
            **changes,
        },
    )


CHECKS = (
    BASE,
    broken(subject="redis"),
    broken(subject="front"),
    broken(id="CTR-020", level=Level.SHOULD, title="root is read only", outcome=Outcome.advisory, raw=Outcome.advisory),
    broken(id="CTR-004", subject="minio", outcome=Outcome.waived, reason="waived until 2026-06-30 by @storage: until the next image", waiver=WAIVER),
    replace(BASE, id="CTR-007", outcome=Outcome.error, raw=Outcome.error, reason="/proc/7/status can't be read", right="root"),
    replace(BASE, id="CTR-008", outcome=Outcome.error, raw=Outcome.error, reason="/proc/7/status can't be read", right="root"),
    replace(BASE, id="HLT-002", area="health", subject="", where="", outcome=Outcome.not_applicable, raw=Outcome.not_applicable, reason="no endpoint declares latency"),
    replace(BASE, id="PRB-003", area="probes", tier=Tier.disrupt, outcome=Outcome.withheld, raw=Outcome.withheld, reason="needs tier disrupt; this run was granted observe"),
)  # fmt: skip

MET = ObjectiveTold("slos.notes.latency.p95", "p95 of all requests", "latency", "", 0.95, "seconds", 0.00924, (0.00902, 0.00946), (0.0088, 0.0099), 0.05, "at most 50 ms",
                    3000, "open", False, "amd64, 2 cores, Xeon (class small)", "met", "", False, 100.0, 99.8)  # fmt: skip
LOAD = LoadTold(
    "slos.notes", "api", what="GET /notes/welcome", asked=(("rate", "100/s, constant arrivals"), ("loop", "open"), ("judged", "30s")),
    began="2026-06-01T03:00:10+00:00", judged_from=2.0, judged_until=32.0, warm_from=1.0, seconds=32.0, hardware="amd64, 2 cores, Xeon (class small)",
    objectives=(
        MET,
        replace(MET, id="slos.notes.latency.p99", what="p99 of all requests", quantile=0.99, seen=1.52, bounds=(0.37, 1.99), interval=(0.015, 3600.0), expected="at most 10 ms", objective=0.01, decision="missed", proposed=True),
        replace(MET, id="slos.notes.errors", what="errors of all requests", kind="errors", quantile=0.0, unit="share", seen=0.0096, bounds=(0.0044, 0.018), interval=(0.001, 0.035), objective=0.01, expected="at most 1%", decision="undecided", why="the generator had no | time"),
    ),
    streams=tuple(
        StreamTold(name, 2990, 10, 3000, ((0.5, 0.009), (0.95, 0.00924), (0.99, 1.52), (1.0, 1.99)), ((0.008, 0.01, 2900), (0.01, 0.0121, 60), (1.0, 2.0, 30)),
                   tuple(SpanTold(float(at), 1.0, 100, 100, 0, 0.009, 0.0093 if at != 20 else 1.8, 0.02 if at != 20 else 1.99) for at in range(32)), (("HTTP 503", 9), ("timed out", 1)))
        for name in ("", "GET /notes/{id}", "POST /notes")
    ),
    generator=(("made by", "Locust 2.47.0, 1 process"), ("busy", "21% of a core")), lag=((3e-5, 4e-5, 2900), (4e-5, 6e-5, 90)),
    memory=(("api-1", ((0.0, 120 << 20), (31.0, 121 << 20))),),
    watched=Experiment("the load notes", 32.0, (Lane("liveness", "api-1", ((0.0, 0.01, True), (20.0, 1.8, False))),), moments=((20.0, "api-1 was started again"),)),
    notes=(("memory", "1 more replica"),),
    log=((2.0, 1.0, "", "HISTFAAAACl4nJNpmSzMwMDAyQABzFCaEURcm7yEwf4DRGC+PdNyJpbvgkwAib0HJw=="), (2.0, 1.0, "POST /notes", "HISTFAAAACl4nJNpmSzMwMDAyQABzFCaEURcm7yEwf4DRGC+PdNyJpbvgkwAib0HJw==")),
)  # fmt: skip

RECORD = Record(
    profile=ProfileInfo("arm-single-node", "p.yaml", "0" * 64, "AkiDB on one ARM server.", "akidb", "staging", "baseline"),
    target=TargetInfo("docker", "ABCD:EFGH", "Docker Engine 20.10, linux/arm64, cgroup v2", "unix:///var/run/docker.sock", pinned=True),
    run=RunInfo("2026-06-01T03:00:00+00:00", 1.234, Mode.audit, Tier.observe, user="ops", host="box", command="pytest --profile=p.yaml",
                rights=("uid 0",), versions=(("seatrial", "0.1.0"), ("python", "3.11.7"), ("pytest", "9.2.0"))),
    result=Result.failure,
    exit=Exit.failure,
    checks=CHECKS,
    notes=("not ready after 5 s of --wait-ready: api",),
    waivers=(WAIVER, replace(WAIVER, requirement="CTR-001", subject="api", state="not needed: what it covers passes")),
    declared_absent=(("backups", "nothing to keep", "@ops"),),
    unchecked=("slos",),
    calls={"docker GET": 11, "http GET": 8},
    experiments=(
        Experiment(
            "api while redis is hung", 9.5,
            lanes=(Lane("readiness", "api-1", ((0.0, 0.01, True), (2.0, 0.5, False), (6.0, 0.01, True))), Lane("liveness", "api-1", ((0.0, 0.01, True),))),
            disturbances=(Disturbance("hung", "redis", "paused by the engine", "172.18.0.2:6379 accepts a connection and says nothing for 0.5 s", 1.5, 5.0),),
            moments=((1.4, "redis is about to be hung"), (1.5, "redis is hung"), (5.0, "redis is as before")),
            bounds=(("unready_within", "10s (services.api.readiness.unready_within)"),),
            numbers=(("capacity", 120.0),),
        ),
    ),
    alerts=AlertCoverage(
        failures=(FailureTold("the service is down", ("Down",), "yes"), FailureTold("the disk | is full", ("DiskFull",), "no"), FailureTold("it is slow", ("Slow", "Late"), "unknown")),
        alerts=(
            AlertTold("Down", "ferry", "rules.yaml", ("the service is down",), (), (Rung("loads", "yes", ("ALR-001", "ALR-010")), Rung("refers", "no", ("ALR-020",)), Rung("fires", "unknown", ("ALR-041",)), Rung("arrives", "unasked"))),
            AlertTold("Odd", "ferry", "rules.yaml", (), (), tuple(Rung(name, "yes", ("ALR-001",)) for name in ("loads", "refers", "fires", "arrives"))),
        ),
        unread=("more.yaml: permission denied",),
        missing=("DiskFull",),
        silent_services=("redis",),
    ),
    backups=(
        BackupTold("notes", (Rung("exists", "yes", ("BKP-001",)), Rung("fresh", "yes", ("BKP-002",)), Rung("intact", "no", ("BKP-005", "BKP-006")), Rung("restorable", "unasked"), Rung("equivalent", "unasked"))),
        BackupTold("logs", (Rung("exists", "unknown", ("BKP-001",)), *(Rung(name, "unasked") for name in ("fresh", "intact", "restorable", "equivalent")))),
        BackupTold("store", (Rung("exists", "unasked"), Rung("fresh", "unasked"), Rung("intact", "unasked"), Rung("restorable", "yes", ("BKP-031",)), Rung("equivalent", "yes", ("BKP-033",)))),
    ),
    loads=(LOAD, replace(LOAD, name="slos.browse", loop="closed", stopped="52% of requests failed over ten seconds", objectives=(replace(MET, loop="closed"),), log=()), LoadTold("slos.write", "api", missing="the service was not ready")),
)  # fmt: skip
