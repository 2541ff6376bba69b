"""How long calls take while a dependency hangs: one after the other, and several at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.experiments._promises import at_once, begun, caller, dotted, made, returned
from seatrial.facts.experiment import Bound

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench
    from seatrial.facts.experiment import Timeline
    from seatrial.profile.model import Profile
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "ORDER", "run", "seconds", "title"]

NOUNS = ("time_out",)
ORDER = 20
ALONE, TOGETHER = 2, 8
"""Calls one after the other, and at once."""


def title(_profile: Profile, subject: Subject) -> str:
    """``calls of api while redis hangs``."""
    return f"calls of {subject.service} while {subject.path[-1]} hangs"


def seconds(_profile: Profile, subject: Subject) -> float:
    """Each takes the promised time at most, as a rule."""
    return float(3.0 + (ALONE + 1) * subject.node.timeout.seconds)


def run(bench: Bench, subject: Subject) -> Timeline:
    """Calls that need the dependency, given up well after the promised time."""
    promised = subject.node.timeout.seconds
    late = caller(bench, subject, fast=2 * promised + 2.0)
    other = str(subject.path[-1])
    with bench.scene(subject.service, title(bench.profile, subject), canary=False, probes=False) as scene:
        begun(scene, caller(bench, subject), timeout=Bound(promised, f"{dotted(subject)}.timeout"))
        with scene.fault("hang", other, "hung"):
            for _ in range(ALONE):
                if made(scene, "call", late).seconds > promised:
                    break  # known by now
            scene.watch.mark(f"{TOGETHER} calls at once")
            at_once(scene, "call at once", late, TOGETHER)
        returned(scene, caller(bench, subject))
    return scene.timeline()
