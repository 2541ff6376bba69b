"""Calls made by themselves, one after the other or at once: what experiments on promised protections have in common."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from seatrial.experiments._probes import FRONT, canary
from seatrial.facts.experiment import Bound, Sample
from seatrial.profile import problems
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench, Scene
    from seatrial.profile.model import Canary, Dependency
    from seatrial.profile.subjects import Subject

__all__ = ["Caller", "at_once", "begun", "caller", "dotted", "made", "returned"]

Caller = Callable[[], Sample]
RETURN_WITHIN = 15.0
"""Seconds a call is given to work again once a dependency is back: the next experiment begins with a service that works."""


def dotted(subject: Subject) -> str:
    """Where a subject stands in the profile: ``services.api.depends_on.redis``, ``services.api.limits[0]``."""
    return problems.dotted(subject.path)


def caller(bench: Bench, subject: Subject, *, fast: float | None = None) -> Caller:
    """Makes the call that needs the dependency which a subject is about.

    Raises:
        CouldNotLook: the profile declares none.
    """
    node: Dependency = subject.node
    call: Canary | None = node.call or bench.service(subject.service).canary
    if call is None:
        raise CouldNotLook(
            f"no call is declared that needs {subject.path[-1]}",
            right=f"{dotted(subject)}.call, or services.{subject.service}.canary",
        )
    own = [one.url for one in bench.hands.replicas(subject.service) if one.running and one.url]
    # Breakers are each replica's own: several calls are made to the same one.
    return canary(bench.session, subject.service, call, base=own[0] if len(own) > 1 else "", fast=fast)


def made(scene: Scene, probe: str, ask: Caller) -> Sample:
    """Make a call, and keep what came."""
    return scene.watch.taken(ask, probe, FRONT)


def at_once(scene: Scene, probe: str, ask: Caller, count: int) -> list[Sample]:
    """Make a call several times at the same time."""
    with ThreadPoolExecutor(count) as pool:
        return [one.result() for one in [pool.submit(made, scene, probe, ask) for _ in range(count)]]


def begun(scene: Scene, ask: Caller, **bounds: Bound) -> None:
    """Show that the call works before anything is done; from here on these bounds are what the experiment is about.

    Raises:
        CouldNotLook: it does not work.
    """
    scene.bounds.clear()
    scene.bounds.update({name.replace("_", " "): bound for name, bound in bounds.items()})
    before = made(scene, "call before", ask)
    if not before.ok:
        raise CouldNotLook(
            f"the experiment was not begun: {scene.service} is not as declared before anything is done: {before}"
        )


def returned(scene: Scene, ask: Caller) -> None:
    """Wait until the call works again."""
    end = scene.watch.now + RETURN_WITHIN
    while not made(scene, "call afterwards", ask).ok and scene.watch.now < end:
        scene.watch.hold(0.25)
