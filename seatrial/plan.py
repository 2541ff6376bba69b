"""What would run, from the profile alone; nothing is contacted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seatrial import drivers
from seatrial.drills.hands import RIGHTS as DRILLING
from seatrial.drills.hands import stages
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Duration

if TYPE_CHECKING:
    from seatrial.trial import Trial

__all__ = ["plan"]


def plan(trial: Trial) -> Iterator[str]:
    """The plan of a run, a line at a time: tests by requirement, rights, time, and what nobody looks at."""
    profile, options = trial.profile, trial.options
    yield f"plan for {profile.profile} ({trial.loaded.shown}): mode {options.mode}, tier {options.tier}; nothing was contacted"
    subjects: dict[str, list[str]] = {}
    requirements = {}
    absent: dict[str, str] = {}
    for instance in trial.instances.values():
        requirement = instance.requirement
        requirements[requirement.id] = requirement
        if hasattr(instance.subject, "reason"):
            absent[requirement.id] = instance.subject.reason
        else:
            subjects.setdefault(requirement.id, []).append(instance.subject.id)
    area = ""
    for id, requirement in requirements.items():
        if requirement.area != area:
            area = requirement.area
            yield ""
            yield area
        about = ", ".join(subjects.get(id, ())) or f"not applicable: {absent.get(id, '')}"
        held = " [withheld]" if requirement.tier > options.tier else ""
        yield f"  {id}  {trial.level(requirement):<10}  {requirement.tier!s:<8}{held} {requirement.title}: {about}"
    yield ""
    yield f"rights, by driver {profile.target.driver}:"
    try:
        rights = drivers.load(profile.target.driver).RIGHTS
    except CouldNotLook as why:
        rights = {Tier.observe: why.reason}
    for tier, right in rights.items():
        if tier <= options.tier:
            yield f"  {tier!s:<8}  {right}"
    if options.tier >= Tier.write and stages(profile):
        yield f"  {Tier.write!s:<8}  {DRILLING}"
    yield ""
    planned = _experiments(trial)
    if planned:
        yield f"what is done to the target, one after the other, {Duration(round(sum(s for _, s in planned)))} or so:"
        for title, seconds in planned:
            yield f"  {Duration(round(seconds))!s:>7}  {title}"
        yield ""
    yield f"time: {_time(trial)}{', and the experiments' if planned else ''}"
    if unchecked := trial.unchecked():
        yield f"declared, and no requirement of this version looks at it: {', '.join(unchecked)}"
    yield f"{len(trial.instances)} tests of {len(requirements)} requirements; {len(absent)} not applicable"


def _experiments(trial: Trial) -> list[tuple[str, float]]:
    """The experiments that would be made, and the seconds each is expected to take."""
    from seatrial.experiments import expected

    granted = (i for i in trial.instances.values() if i.requirement.tier > Tier.observe and not trial.withheld(i))
    return expected(trial.profile, [i.subject for i in granted if not hasattr(i.subject, "reason")])


def _time(trial: Trial) -> str:
    """What looking takes: seldom more than a few seconds, and at most what the declared time-outs add up to."""
    bound = 10.0
    for service in trial.profile.services.values():
        for check in (service.liveness, service.readiness, service.startup, service.health):
            if check is not None:
                bound += check.timeout.seconds * (check.polls + 1)
    return f"a few seconds; at most {Duration(round(bound))} when nothing answers within its time-out"
