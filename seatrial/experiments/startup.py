"""A slow start: a service is started while a dependency hangs, which is let go after a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from seatrial.experiments import _starts
from seatrial.experiments._lives import Lives
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench, Scene
    from seatrial.facts.experiment import Timeline
    from seatrial.profile.model import Profile
    from seatrial.profile.subjects import Subject
    from seatrial.safety.acts import Act

__all__ = ["NOUNS", "ORDER", "run", "seconds", "title"]

NOUNS = ("slow_start",)
ORDER = 60
HELD = 6.0
"""Seconds the dependency hangs after the service was started: longer than a client's usual time-out for a connection."""


def title(_profile: Profile, subject: Subject) -> str:
    """``api is started while redis hangs``."""
    return f"{subject.service} is started while {subject.path[-1]} hangs"


def seconds(_profile: Profile, _subject: Subject) -> float:
    """Steady state, stop, start, return."""
    return 3.0 + 2.0 + HELD + 5.0


def run(bench: Bench, subject: Subject) -> Timeline:
    """Stop it, let the dependency hang, start it, and let the dependency go."""
    name, other = subject.service, str(subject.path[-1])
    scene_of = bench.scene(
        name, title(bench.profile, subject), canary=False, more=_starts.requests(bench, name, 0.5), every=_starts.EVERY
    )
    with scene_of as scene:
        within = scene.bounds.get("ready_within")
        scene.bounds = {**_starts.starting(bench, name), **({"ready_within": within} if within else {})}
        scene.steady(probes=_starts.ASKED)
        with Lives(bench.hands, name, scene.watch).open() as lives:
            acts = bench.hands.acts("stop", name)
            with bench.disturber.disturbed(*acts):
                scene.watch.mark(f"{name} is stopped")
                with scene.fault("hang", other, "hung"):
                    begun = scene.watch.mark(f"{name} is started")
                    with _undone_early(bench, scene, acts):
                        scene.watch.hold(HELD)
                        held = scene.watch.now
                    lives.look()
                back = scene.watch.now
            ended = [life for life in lives.ended(begun) if life.over is not None and life.over <= held + 0.3]
            scene.numbers["ended while it hung"] = len(ended) + lives.unseen
            scene.numbers["begun while it hung"] = len(lives.begun(begun))
            scene.notes["exit codes"] = ", ".join(f"{life.exit_code}" for life in ended if life.exit_code is not None)
            longest = (within.seconds if within else 30.0) + _starts.SPARE
            well = scene.settled(within=longest, probes=_starts.ASKED, since=back)
            scene.numbers["watched after it was back"] = round(scene.watch.now - back, 1)
            scene.numbers["back"] = round(back, 3)
            if not well:
                _help(bench, scene)
    return scene.timeline()


@contextmanager
def _undone_early(bench: Bench, scene: Scene, acts: tuple[Act, ...]) -> Iterator[None]:
    """Start what was stopped, though the journal goes on saying that it must be: undoing twice does no harm.

    A start may not return before the service is ready, so it is made beside the watch.
    """

    def start() -> None:
        try:
            for act in reversed(acts):
                bench.hands.undo(act)
        except CouldNotLook as why:
            scene.notes["start"] = why.reason

    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _help(bench: Bench, scene: Scene) -> None:
    """What did not come by itself is restarted, so that the target is as it was found."""
    name = scene.service
    acts = bench.hands.acts("restart", name, grace=10.0)
    scene.numbers["helped"] = round(scene.watch.mark(f"{name} is restarted, as it did not turn ready by itself"), 3)
    with bench.disturber.disturbed(*acts):
        well = _starts.until_ready(scene, scene.watch.now, 30.0)
    scene.notes["helped"] = "ready after it was restarted" if well else "not ready after it was restarted, either"
