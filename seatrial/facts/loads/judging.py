"""From a subject of the profile and what was observed to what is judged: one way for tests, reports and searches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.facts.loads.judged import Judged
from seatrial.facts.loads.load_judged import Load
from seatrial.facts.loads.memory_judged import GrowthObjective
from seatrial.facts.loads.numbers_judged import ErrorObjective, LatencyObjective, ThroughputObjective
from seatrial.facts.loads.run import LoadRun
from seatrial.words import Missing

if TYPE_CHECKING:
    from seatrial.facts.runtime import Observations
    from seatrial.profile.model import Profile
    from seatrial.profile.subject import Subject

__all__ = ["judged"]

NUMBERS: dict[str, type[Judged]] = {
    "latency_objective": LatencyObjective,
    "error_objective": ErrorObjective,
    "throughput_objective": ThroughputObjective,
    "growth_objective": GrowthObjective,
}


def judged(subject: Subject, observed: Observations | LoadRun, profile: Profile) -> Judged:
    """What is judged of a load or of an objective.

    Args:
        subject: of a noun of objectives.
        observed: of the run; or one load alone, where there is no more.
        profile: whose subject it is.
    """
    name = f"slos.{subject.path[1]}"
    made: LoadRun | Missing
    if isinstance(observed, LoadRun):
        made = observed
    else:
        runtime = observed.runtime
        none = Missing(runtime.reason, runtime.right) if isinstance(runtime, Missing) else NOT_MADE
        made = observed.loads.get(name, none)
    common = (subject.id, subject.path, subject.node, made, profile.hardware, subject.proposed)
    if kind := NUMBERS.get(subject.noun):
        return kind(*common)
    return Load(*common, profile.services.get(subject.service))


NOT_MADE = Missing("no load was made in this run")
