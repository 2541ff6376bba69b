"""Objectives under load: each load of the profile is made once, from outside, and its target watched all the while.

What is promised under it is judged by facts. Here is only what was seen: latency by second, what the generator itself was worth, the
hardware, and whether the target stayed as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.experiments._attesting import class_of
from seatrial.experiments._launching import plan_of
from seatrial.experiments._loading import run_load
from seatrial.observe import machine_of
from seatrial.outcomes import Tier
from seatrial.profile.nouns import objectives as nouns
from seatrial.words import CouldNotLook, Duration

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench
    from seatrial.facts.loads.run import LoadRun
    from seatrial.profile.model import Profile
    from seatrial.profile.objectives import ClassNumbers, Slo
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "ORDER", "PART", "RIGHTS", "TIER", "key", "numbers_of", "run", "seconds", "title"]

RIGHTS = {
    Tier.load: "many of the requests that the profile declares, in a short time, by Locust: pip install 'seatrial[load]'"
}
WITHOUT = ("baseline", "stated_load", "quick_load", "classed_load", "paying_load")
"""Nouns that are judged without this load: by the profile alone, or by requests without any load."""
NOUNS = tuple(noun for noun in nouns.NOUNS if noun not in WITHOUT)
ORDER = 8
PART = "loads"
TIER = Tier.load
BESIDE = 8.0
"""Seconds that the generator's start, its calibration and the looks at the machine take."""


def key(subject: Subject) -> str:
    """All that is promised under one load is judged by that load."""
    return nouns.load_of(subject)


def _slo(profile: Profile, subject: Subject) -> tuple[str, Slo]:
    name = str(subject.path[1])
    return name, nouns.slos_of(profile)[name]


def title(profile: Profile, subject: Subject) -> str:
    """``load slos.read (tier load): 100/s on api for 1m``."""
    name, slo = _slo(profile, subject)
    much = f"{slo.rate}" if slo.rate else f"{slo.users} users"
    lasts = Duration(slo.ramp.seconds + slo.warm_up.seconds + slo.duration.seconds)
    return f"load slos.{name} (tier load): {much} on {slo.service} for {lasts}"


def seconds(profile: Profile, subject: Subject) -> float:
    """Ramp, warm-up, what is judged, and what is done before and after."""
    _, slo = _slo(profile, subject)
    return slo.ramp.seconds + slo.warm_up.seconds + slo.duration.seconds + BESIDE


def numbers_of(bench: Bench, name: str, slo: Slo) -> ClassNumbers | None:
    """What of an objective is different on this class of hardware.

    Raises:
        CouldNotLook: it has numbers by class, and this machine is of none of these: nothing could be decided.
    """
    if not slo.classes:
        return None
    class_, why = class_of(bench.profile, machine_of(bench.session, bench.runtime))
    if class_ not in slo.classes:
        known = ", ".join(slo.classes)
        said = f"this machine is of class {class_}, and its numbers are for {known}" if class_ else why
        raise CouldNotLook(f"no load is made, as nothing could be decided: {said}", right=f"slos.{name}.classes")
    return slo.classes[class_]


def run(bench: Bench, subject: Subject) -> LoadRun:
    """One load."""
    name, slo = _slo(bench.profile, subject)
    return run_load(bench, name, plan_of(bench.session, name, slo, numbers_of(bench, name, slo)))
