"""The end of a run: what its results add up to, and the folder of reports."""

from __future__ import annotations

import getpass
import os
import platform
import shlex
import socket
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import seatrial
from seatrial import waivers as waiving
from seatrial.alert_coverage import alert_coverage
from seatrial.backup_grades import backup_grades, round_trips
from seatrial.objectives_told import objectives_told
from seatrial.outcomes import Exit, Outcome, Result, exit_code, run_result, worst
from seatrial.record import Disturbance, Experiment, Lane, ProfileInfo, Record, RunInfo, TargetInfo
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.facts.experiment import Timeline
    from seatrial.trial import Trial

__all__ = ["build", "discard", "drafted", "unwritable", "write"]

STAMP = "%Y-%m-%dT%H-%M-%SZ"


def build(trial: Trial, *, exit_status: int, interrupted: bool, foreign: bool) -> Record:
    """The record of the run.

    Args:
        exit_status: pytest's own.
        interrupted: by hand.
        foreign: whether tests that are not ours failed in the same session.
    """
    checks = tuple(trial.checks.values())
    for name in trial.untested():
        trial.problems.append(f"the profile declares {name}, and no test came of it")
    binding = [check for check in checks if check.binding]
    proposed = [check.outcome for check in checks if not check.binding]
    result = run_result(((check.outcome, check.level) for check in binding), proposed)
    if trial.problems and result is not Result.failure:
        result = Result.undecided
    withheld = any(check.outcome is Outcome.withheld and check.level.binding for check in binding)
    codes = [exit_code(result, trial.options.mode, withheld=withheld)]
    if interrupted:
        codes.append(Exit.interrupted)
        trial.complete = False
    if foreign:
        codes.append(Exit.failure)
    if exit_status == pytest.ExitCode.USAGE_ERROR:
        codes.append(Exit.usage)
    if exit_status == pytest.ExitCode.INTERNAL_ERROR:
        codes.append(Exit.undecided)
    if len(checks) < len(trial.instances):
        trial.complete = False
        trial.notes.append(f"{len(trial.instances) - len(checks)} of {len(trial.instances)} tests did not run")
    places = [trial.loaded.where(("waivers", index)) for index in range(len(trial.profile.waivers))]
    engine = trial.engine()
    pinned = trial.profile.target.identity
    return Record(
        profile=ProfileInfo(
            name=trial.profile.profile,
            file=trial.loaded.shown,
            sha256=trial.loaded.sha256,
            summary=trial.profile.summary,
            spec=trial.profile.spec or "",
            environment=trial.profile.environment,
            hardening=trial.profile.hardening,
            given=trial.given,
        ),
        target=TargetInfo(
            driver=trial.profile.target.driver,
            identity=engine.identity if engine else "",
            description=engine.description if engine else "",
            address=engine.address if engine else "",
            pinned=bool(engine and pinned and engine.identity == pinned),
        ),
        run=RunInfo(
            started=trial.started.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - trial.clock, 3),
            mode=trial.options.mode,
            tier=trial.options.tier,
            enforce_should=trial.options.enforce_should,
            user=_user(),
            host=socket.gethostname(),
            command=trial.mask(shlex.join(("pytest", *trial.arguments))),
            rights=_rights(trial),
            versions=(
                ("seatrial", seatrial.__version__),
                ("python", platform.python_version()),
                ("pytest", version("pytest")),
            ),
            facts_of=trial.options.facts or "",
        ),
        result=result,
        exit=worst(codes),
        checks=checks,
        complete=trial.complete,
        notes=(*trial.problems, *trial.notes),
        waivers=tuple(waiving.states(trial.profile.waivers, checks, places, waiving.today())),
        declared_absent=_absent(trial),
        unchecked=trial.unchecked(),
        hardware=_hardware(trial),
        calls=trial.calls,
        experiments=(*_experiments(trial), *round_trips(trial)),
        alerts=alert_coverage(trial, checks),
        backups=backup_grades(trial, checks),
        loads=objectives_told(trial, lambda made: _experiment(trial, made)),
    )


def _experiments(trial: Trial) -> tuple[Experiment, ...]:
    """The experiments that were made, as a reader sees them."""
    found = trial.observations.experiments.values() if trial.observations else ()
    return tuple(_experiment(trial, each) for each in found if not isinstance(each, Missing))


def _experiment(trial: Trial, made: Timeline) -> Experiment:
    probes = ("liveness", "readiness", "startup", "health", "HEALTHCHECK", "canary")
    lanes = dict.fromkeys((sample.probe, sample.who) for sample in made.samples)
    # What is to be compared stands together; what else is asked comes below it, in the order it was first asked.
    placed = sorted(
        lanes, key=lambda lane: (probes.index(lane[0]), lane[1]) if lane[0] in probes else (len(probes), "")
    )
    return Experiment(
        title=made.experiment,
        seconds=made.seconds,
        lanes=tuple(
            Lane(probe, who, tuple((s.at, s.seconds, s.ok) for s in made.of(probe, who=who))) for probe, who in placed
        ),
        disturbances=tuple(
            Disturbance(f.kind, f.of, trial.mask(f.how), trial.mask(f.proof), f.began, f.ended) for f in made.faults
        ),
        moments=tuple((moment.at, trial.mask(moment.what)) for moment in made.moments),
        bounds=tuple((name, str(bound)) for name, bound in made.bounds.items()),
        numbers=tuple(made.numbers.items()),
    )


def _hardware(trial: Trial) -> tuple[tuple[str, str], ...]:
    """The attestation of the machine, or why there is none."""
    machine = trial.observations.machine if trial.observations else Missing("nothing was observed")
    return (("unknown", machine.reason),) if isinstance(machine, Missing) else machine.attested()


def _rights(trial: Trial) -> tuple[str, ...]:
    """What the run was allowed to see, one line each: user, capabilities, the engine's API, whose kernel it saw."""
    found = [f"uid {os.geteuid()}", *_capabilities()]
    engine = trial.engine()
    if engine is None or trial.options.facts:
        return tuple(found)
    if engine.address.startswith("unix://"):
        socket_file = engine.address.removeprefix("unix://")
        asked = {"read": os.R_OK, "write": os.W_OK}
        may = " and ".join(word for word, right in asked.items() if os.access(socket_file, right))
        found.append(f"{may or 'no access'} on {engine.address}")
    elif engine.address:
        found.append(f"API at {engine.address}")
    found.append("/proc of the target's kernel" if engine.local else "no /proc of the target's kernel")
    return tuple(found)


def _capabilities() -> list[str]:
    """Those that widen what is seen of others."""
    from seatrial.drivers._procfs import read_process
    from seatrial.facts.process import capability_names

    try:
        ours = read_process(os.getpid())
    except OSError:
        return []
    if ours is None or isinstance(ours.privileges, Missing):
        return []
    mask = ours.privileges.cap_effective
    wide = {"SYS_PTRACE", "DAC_READ_SEARCH", "DAC_OVERRIDE", "SYS_ADMIN"}
    return [f"CAP_{name}" for name in capability_names(mask) if name in wide]


def _user() -> str:
    """Who runs this. In a container the uid often has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.geteuid()}"


def drafted(trial: Trial) -> tuple[Path, str]:
    """The folder of a run without a profile (``compose:NAME``), and the profile that is made for it there.

    Raises:
        Refused: there is no such project, or no such folder can be made.
    """
    from seatrial.draft import NothingFound
    from seatrial.draft.effective import effective
    from seatrial.options import Refused
    from seatrial.safety.identity import refusal_unseen
    from seatrial.writers import put

    project = trial.given.partition(":")[2]
    parent = Path(trial.options.report_dir)
    if closed := unwritable(parent):
        raise Refused(f"--report-dir={parent}: {closed}; nothing was contacted")
    asked = trial.options
    # As the profile will say, so that nothing is left behind by a run that may not be made.
    if refused := refusal_unseen(
        environment="production", tier=asked.tier, pinned=None, confirmed=asked.confirm_target
    ):
        raise Refused(refused)
    try:
        text = effective(project)
    except NothingFound as nothing:
        raise Refused(nothing.reason) from None
    except CouldNotLook as why:
        # Not a word was wrong: the run is undecided before it has begun.
        right = f"\nmissing right: {why.right}" if why.right else ""
        pytest.exit(f"could not look: {why.reason}{right}", returncode=int(Exit.undecided))
    try:
        folder = _fresh(parent, f"{trial.started.strftime(STAMP)}-{project}")
        put(folder / "profile.yaml", text)
    except OSError as failure:
        raise Refused(f"no profile could be written below {parent}: {failure.strerror}") from None
    return folder, str(folder / "profile.yaml")


def discard(trial: Trial) -> None:
    """Take the folder away again of a run that was only planned, in which nothing but a profile made for it was written."""
    folder = trial.folder
    if trial.told is None and folder and [entry.name for entry in folder.iterdir()] == ["profile.yaml"]:
        (folder / "profile.yaml").unlink()
        folder.rmdir()
        trial.folder = None


def unwritable(folder: Path) -> str:
    """Why no report could be written below a folder, as far as can be told before it is tried; else nothing."""
    nearest = Path(os.path.abspath(folder))
    while not os.path.lexists(nearest):
        nearest = nearest.parent
    if not nearest.is_dir():
        return f"{nearest} is not a directory"
    return "" if os.access(nearest, os.W_OK | os.X_OK) else f"no permission to write in {nearest}"


def _absent(trial: Trial) -> tuple[tuple[str, str, str], ...]:
    from seatrial.profile.model import None_

    sections = {name: getattr(trial.profile, name) for name in ("alerts", "backups", "slos", "maintenance")}
    sections["alerts.promtool"] = getattr(trial.profile.alerts, "promtool", None)
    for name, service in trial.profile.services.items():
        sections[f"services.{name}.persistence.backup"] = service.persistence and service.persistence.backup
    for name, node in trial.profile.backups.items() if isinstance(trial.profile.backups, dict) else ():
        sections |= {f"backups.{name}.schedule": node.schedule, f"backups.{name}.drill": node.drill}
    return tuple((name, node.none, node.owner) for name, node in sections.items() if isinstance(node, None_))


def write(trial: Trial, record: Record) -> Record:
    """Write every report into the run's folder; what could not be written is told and makes the run undecided."""
    from seatrial import writers
    from seatrial.observe import facts_text

    stamp = trial.started.strftime(STAMP)
    parent = Path(trial.options.report_dir)
    problems = []
    try:
        folder = trial.folder = trial.folder or _fresh(parent, f"{stamp}-{trial.profile.profile}")
    except OSError as why:
        problems = [f"no report could be written to {parent}: {why.strerror}"]
    else:
        if trial.observations is not None:
            try:
                writers.put(folder / "facts.json", facts_text(trial.observations, _about(trial, folder)))
            except OSError as why:
                problems = [f"facts could not be written: {why.strerror}"]
        secrets = [secret.reveal() for secret in trial.references.known]
        problems += writers.write_all(record, folder, secrets=secrets)
    if not problems:
        return record
    trial.problems += problems
    return replace(
        record,
        notes=(*record.notes, *problems),
        result=record.result if record.result is Result.failure else Result.undecided,
        exit=worst([record.exit, Exit.undecided]),
    )


def _about(trial: Trial, folder: Path) -> dict[str, object]:
    """What facts say about themselves. The profile's file is told from the run's folder on, so that both can be moved."""
    file = trial.given
    if trial.loaded.file == Path(file):  # else it is the name of a shipped one
        file = os.path.relpath(os.path.realpath(file), os.path.realpath(folder))
    return {
        "seatrial": seatrial.__version__,
        "profile": {"name": trial.profile.profile, "file": file, "sha256": trial.loaded.sha256},
        "mode": trial.options.mode,
    }


def _fresh(parent: Path, name: str) -> Path:
    """A folder of that name that did not exist before."""
    for suffix in ("", *(f"-{n}" for n in range(2, 1000))):
        folder = parent / f"{name}{suffix}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise OSError(17, "too many runs in one second", str(parent / name))
