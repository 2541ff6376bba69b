"""How often a dependency is turned to for one call while it fails, counted beside the dependency."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from seatrial.drivers._counting import Meter, counting
from seatrial.experiments._promises import Caller, begun, caller, made, returned
from seatrial.profile.nouns.protections import FAULTS

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench, Scene
    from seatrial.facts.experiment import Timeline
    from seatrial.profile.model import Profile
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "ORDER", "counted", "quiet", "run", "seconds", "title"]

NOUNS = ("retrying",)
ORDER = 22
CALLS = 3
QUIET = 2.0
"""Seconds in which nobody calls, so that what turns to the dependency by itself is known."""
AFTER = 0.7
"""Seconds after a call in which attempts still count as its own."""


def title(_profile: Profile, subject: Subject) -> str:
    """``attempts that redis gets from api while it is hung``."""
    fault = subject.id.rpartition(".")[2]
    return f"attempts that {subject.path[-1]} gets from {subject.service} while it is {fault}"


def seconds(_profile: Profile, subject: Subject) -> float:
    """As long as the calls take to fail."""
    takes = subject.node.timeout.seconds if subject.node.timeout else 2.0
    return float(4.0 + QUIET + CALLS * (takes + AFTER))


def quiet(scene: Scene, meter: Meter, within: float = QUIET) -> float:
    """Attempts a second that nobody's call has caused."""
    begin = time.monotonic()
    scene.watch.hold(within)
    count = meter.between(begin, time.monotonic())
    scene.numbers["attempts without a call"] = count
    scene.numbers["seconds without a call"] = round(time.monotonic() - begin, 3)
    return count / (time.monotonic() - begin)


def counted(scene: Scene, meter: Meter, probe: str, ask: Caller, rate: float, *, after: float = AFTER) -> int:
    """Make a call, and give the attempts it has caused: those that came by themselves are taken off."""
    begin = time.monotonic()
    made(scene, probe, ask)
    scene.watch.hold(after)
    count = meter.between(begin, time.monotonic())
    return max(0, count - math.ceil(rate * (time.monotonic() - begin)))


def run(bench: Bench, subject: Subject) -> Timeline:
    """A few calls, each on its own."""
    other, fault = str(subject.path[-1]), subject.id.rpartition(".")[2]
    ask = caller(bench, subject)
    with bench.scene(subject.service, title(bench.profile, subject), canary=False, probes=False) as scene:
        begun(scene, ask)
        with counting(bench.session, bench.hands, other, subject.node) as meter:
            with scene.fault(FAULTS[fault], other, fault):
                rate = quiet(scene, meter)
                for number in range(1, CALLS + 1):
                    scene.numbers[f"attempts of call {number}"] = counted(scene, meter, "call", ask, rate)
            returned(scene, ask)
    return scene.timeline()
