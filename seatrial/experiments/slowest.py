"""What a service says while its slowest call runs for the first time: it is started anew before, where that can be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.drivers._http_calls import spoken
from seatrial.experiments import _probes
from seatrial.facts.experiment import Fault
from seatrial.profile.nouns.probes import SLOWEST
from seatrial.words import CouldNotLook, Duration

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench
    from seatrial.facts.experiment import Timeline
    from seatrial.profile.model import Profile
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "ORDER", "run", "seconds", "title"]

NOUNS = tuple(SLOWEST)
ORDER = 15
GRACE = 10.0


def title(_profile: Profile, subject: Subject) -> str:
    """``api while its slowest call runs``."""
    return f"{subject.service} while its slowest call runs"


def seconds(profile: Profile, subject: Subject) -> float:
    """A start, a steady state, and the call, which seldom takes as long as it may."""
    node = profile.services[subject.service].slowest
    return 12.0 + (node.timeout.seconds / 2 if node else 0.0)


def _fresh(bench: Bench, service: str) -> str:
    """Start the service anew, so that the run is the first; why not, where that can't be done."""
    grace = bench.service(service).grace_period
    try:
        acts = bench.hands.acts("restart", service, grace=grace.seconds if grace else GRACE)
        with bench.disturber.disturbed(*acts):
            pass
    except CouldNotLook as why:
        if bench.disturber.broken:
            raise
        return why.reason
    return ""


def run(bench: Bench, subject: Subject) -> Timeline:
    """One call, watched."""
    name = subject.service
    node = bench.service(name).slowest
    if node is None:
        raise CouldNotLook("no slowest call is declared")
    kept = _fresh(bench, name)
    with bench.scene(name, title(bench.profile, subject), canary=False) as scene:
        scene.notes["first run"] = f"of this experiment; not started anew: {kept}" if kept else "after a restart"
        scene.steady(probes=("liveness", "readiness"))
        began = scene.watch.mark(f"{spoken(node)} begins")
        sample = scene.watch.taken(_probes.canary(bench.session, name, node), "slowest", _probes.FRONT)
        ended = scene.watch.mark(f"{spoken(node)} is over")
        took = Duration(round(sample.seconds, 2))
        how = f"{spoken(node)} for the first time {scene.notes['first run']}"
        scene.faults.append(
            Fault("busy with its slowest call", name, how, f"it took {took}", round(began, 3), round(ended, 3))
        )
        scene.watch.hold(1.0)
    return scene.timeline()
