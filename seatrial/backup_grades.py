"""What each backup is worth, and its round trip as a reader sees it: drawn from the profile, the facts and the checks of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from seatrial.outcomes import Outcome
from seatrial.record import BackupTold, Experiment, Lane, Rung
from seatrial.words import Missing

if TYPE_CHECKING:
    from seatrial.facts.backups.drill import Drill, Maintained
    from seatrial.record import Check
    from seatrial.trial import Trial

__all__ = ["backup_grades", "round_trips"]

# Which requirements are about how much a backup is worth, by their numbers.
RUNGS: dict[str, tuple[int, ...]] = {
    "exists": (1,),
    "fresh": (2,),
    "intact": (3, 5, 10, 11),
    "restorable": (30, 32, 33, 35, 36),
    "equivalent": (36, 37, 38, 39, 40, 45),
}
OF = ("files", "drill")
"""What of a backup those requirements are about: ``backups.notes.files``, ``backups.notes.drill``."""


def backup_grades(trial: Trial, checks: Iterable[Check]) -> tuple[BackupTold, ...]:
    """What the backups of a profile are worth, as far as this run looked."""
    from seatrial.profile.nouns.backups import backups_of

    declared = backups_of(trial.profile)
    ours = [check for check in checks if check.area == "backups"]
    return tuple(_graded(name, ours) for name in declared) if ours else ()


def _graded(name: str, checks: list[Check]) -> BackupTold:
    subjects = {f"backups.{name}", *(f"backups.{name}.{part}" for part in OF)}
    mine = [check for check in checks if check.subject in subjects]
    return BackupTold(name, tuple(_rung(rung, numbers, mine) for rung, numbers in RUNGS.items()))


def _rung(name: str, numbers: tuple[int, ...], checks: list[Check]) -> Rung:
    """Whether it holds: a MUST that is broken keeps a backup from it, and so does what could not be looked at."""
    states: dict[str, list[str]] = {"no": [], "unknown": [], "yes": []}
    for check in checks:
        if int(check.id[4:]) not in numbers:
            continue
        if check.raw is Outcome.violation:
            states["no"].append(check.id)
        elif check.raw is Outcome.error:
            states["unknown"].append(check.id)
        elif check.raw in (Outcome.passed, Outcome.advisory):
            states["yes"].append(check.id)
    state = next((state for state, ids in states.items() if ids), "unasked")
    return Rung(name, state, tuple(dict.fromkeys(states.get(state, ()))))


def round_trips(trial: Trial) -> tuple[Experiment, ...]:
    """Drills and maintenance that were made, as a reader sees them: each sort of step a lane against time."""
    if trial.observations is None:
        return ()
    drills = [each for each in trial.observations.drills.values() if not isinstance(each, Missing)]
    runs = [each for each in trial.observations.maintained.values() if not isinstance(each, Missing)]
    return (*(_drill(trial, each) for each in drills), *(_maintenance(trial, each) for each in runs))


def _drill(trial: Trial, made: Drill) -> Experiment:
    lanes: dict[str, list[tuple[float, float, bool]]] = {}
    for step in made.steps:
        lanes.setdefault(step.what.partition(":")[0], []).append((step.at, step.seconds, step.ok))
    return Experiment(
        title=f"round trip of {made.backup}: {made.source} to {made.target}",
        seconds=made.seconds,
        lanes=tuple(Lane(name, "", tuple(samples)) for name, samples in lanes.items()),
        moments=tuple((step.at, trial.mask(": ".join(filter(None, (step.what, step.said))))) for step in made.steps),
        numbers=tuple(_numbers(made)),
    )


def _numbers(made: Drill) -> Iterator[tuple[str, float]]:
    if not isinstance(made.backed_up, Missing):
        yield "seconds of the backup", made.backed_up.seconds
    if not isinstance(made.taken, Missing):
        yield "bytes of the backup", float(made.taken.size)
    if not isinstance(made.source_before, Missing):
        yield "bytes of the source", float(made.source_before.size)
    if not isinstance(made.restored, Missing):
        yield "seconds of the restore", made.restored.seconds
    if not isinstance(made.ready_seconds, Missing):
        yield "seconds until the target could be used", made.ready_seconds


def _maintenance(trial: Trial, made: Maintained) -> Experiment:
    told = f"{made.before.objects} objects before, " + (
        f"{made.after.objects} after" if not isinstance(made.after, Missing) else "and none could be read after"
    )
    return Experiment(
        title=f"maintenance {made.name} over data made for it, in {made.place}",
        seconds=made.ran.seconds,
        lanes=(Lane(made.name, "", ((0.0, made.ran.seconds, made.ran.ok),)),),
        moments=((0.0, trial.mask(told)),),
        numbers=(("objects it may remove", float(made.aged)), ("of which it removed", float(made.removed))),
    )
