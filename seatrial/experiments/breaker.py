"""What a circuit breaker does: calls until it must be open, while it is open, when it may try again, and after."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from seatrial.drivers._counting import Meter, counting
from seatrial.experiments._promises import Caller, at_once, begun, caller, dotted, made, returned
from seatrial.experiments.retries import quiet
from seatrial.facts.experiment import Bound
from seatrial.words import CouldNotLook, Duration

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench, Scene
    from seatrial.facts.experiment import Timeline
    from seatrial.profile.model import Breaker, Profile
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "ORDER", "run", "seconds", "title"]

NOUNS = ("breaker",)
ORDER = 24
WHILE_OPEN, TRIALS, WELL = 3, 5, 3
"""Calls while it is open; calls at once when it may try again; calls in a row that work when it has closed."""
MARGIN = 0.3
"""Seconds after a bound before something is tried that it forbade until then."""


def title(_profile: Profile, subject: Subject) -> str:
    """``the circuit breaker of api before redis``."""
    return f"the circuit breaker of {subject.service} before {subject.path[-1]}"


def seconds(_profile: Profile, subject: Subject) -> float:
    """Failures, twice the time it is open, and the return."""
    breaker: Breaker = subject.node.breaker
    takes = subject.node.timeout.seconds if subject.node.timeout else 2.0
    return 8.0 + (breaker.failures + 1) * takes + 2 * breaker.open_for.seconds


def run(bench: Bench, subject: Subject) -> Timeline:
    """From closed to closed."""
    breaker: Breaker = subject.node.breaker
    other, where = str(subject.path[-1]), f"{dotted(subject)}.breaker"
    ask = caller(bench, subject)
    with bench.scene(subject.service, title(bench.profile, subject), canary=False, probes=False) as scene:
        begun(
            scene,
            ask,
            open_for=Bound(breaker.open_for.seconds, f"{where}.open_for"),
            fails_within=Bound(breaker.fails_within.seconds, f"{where}.fails_within"),
        )
        with counting(bench.session, bench.hands, other, subject.node) as meter:
            with scene.fault("hang", other, "hung"):
                rate = quiet(scene, meter)
                _fail(scene, ask, breaker)
                _while_open(scene, meter, ask, breaker, rate)
                scene.watch.hold(breaker.open_for.seconds + MARGIN)
                _try(scene, meter, ask, rate)
            scene.watch.hold(breaker.open_for.seconds + MARGIN)
            _return(scene, ask, breaker)
    return scene.timeline()


def _fail(scene: Scene, ask: Caller, breaker: Breaker) -> None:
    """As many failures in a row as open it."""
    for _ in range(breaker.failures):
        if made(scene, "call that fails", ask).ok:
            raise CouldNotLook("the call works while the dependency hangs: it is no call that needs it")
    scene.watch.mark("the breaker must be open")


def _while_open(scene: Scene, meter: Meter, ask: Caller, breaker: Breaker, rate: float) -> None:
    """Calls that must fail fast. One that is not refused takes its time, and then it is known all the same."""
    begin = time.monotonic()
    for _ in range(WHILE_OPEN):
        if made(scene, "call while open", ask).seconds > breaker.fails_within.seconds:
            break
        if time.monotonic() - begin > breaker.open_for.seconds / 2:
            break
    took = time.monotonic() - begin
    _count(scene, "attempts while open", meter, begin, rate)
    slow = [one for one in scene.watch.samples() if one.probe == "call while open"]
    if took >= breaker.open_for.seconds and all(one.seconds <= breaker.fails_within.seconds for one in slow):
        raise CouldNotLook(f"the calls took longer than the breaker is open ({Duration(round(took, 2))})")


def _try(scene: Scene, meter: Meter, ask: Caller, rate: float) -> None:
    """Several calls at once, of which one is let through."""
    scene.watch.mark("the breaker may let one call through")
    begin = time.monotonic()
    at_once(scene, "call at the trial", ask, TRIALS)
    _count(scene, "attempts at the trial", meter, begin, rate)


def _count(scene: Scene, name: str, meter: Meter, begin: float, rate: float) -> None:
    count = meter.between(begin, time.monotonic())
    scene.numbers[name] = max(0, count - math.ceil(rate * (time.monotonic() - begin)))


def _return(scene: Scene, ask: Caller, breaker: Breaker) -> None:
    """Calls until some in a row work; the first one may be the trial."""
    scene.watch.mark("the breaker may close")
    since, well = scene.watch.now, 0
    while well < WELL and scene.watch.now - since < breaker.open_for.seconds + 2.0:
        well = well + 1 if made(scene, "call after it is back", ask).ok else 0
        scene.watch.hold(0.1)
    if well < WELL:
        returned(scene, ask)
