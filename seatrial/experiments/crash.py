"""A crash: the main process is killed from outside its engine's bookkeeping, several times, and whoever restarts it is watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.experiments import _starts
from seatrial.experiments._lives import Lives
from seatrial.facts.experiment import Bound, Fault
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench, Scene
    from seatrial.experiments._lives import Life
    from seatrial.facts.experiment import Timeline
    from seatrial.profile.model import Profile, Service
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "ORDER", "TIMES", "run", "seconds", "title"]

NOUNS = ("crash",)
ORDER = 50
TIMES = 3
STAYS = 2.0
"""Seconds that a service which was restarted is watched at least: one that ends again does so at once, mostly."""
RESTART = 10.0
"""Docker waits 100 ms before the first restart, and twice as long each time: three in a row begin within a second."""


def title(_profile: Profile, subject: Subject) -> str:
    """``api is killed three times``."""
    return f"{subject.service} is killed {TIMES} times"


def seconds(_profile: Profile, _subject: Subject) -> float:
    """Steady state, and each time a restart."""
    return 3.0 + TIMES * (3.0 + STAYS)


def run(bench: Bench, subject: Subject) -> Timeline:
    """Kill it, see it come back, and again."""
    name, service = subject.service, subject.node
    more = _starts.requests(bench, name, 2 * _starts.EVERY)
    scene_of = bench.scene(name, title(bench.profile, subject), canary=False, more=more, every=_starts.EVERY)
    with scene_of as scene, Lives(bench.hands, name, scene.watch).open() as lives:
        scene.bounds = {**_starts.starting(bench, name), "restart_within": _within(name, service)}
        scene.steady(probes=_starts.ASKED)
        ours: list[tuple[str, str]] = []
        for number in range(1, TIMES + 1):
            if not _kill(bench, scene, lives, number, ours):
                break
        lives.look()
        again = [life for life in lives.ended(0.0) if life.key not in ours]
        scene.numbers["ended again"] = len(again) + lives.unseen
        codes = [f"{life.exit_code}" for life in again if life.exit_code is not None]
        scene.notes["exit codes"] = ", ".join(codes)
        scene.numbers["ready at the end"] = float(
            scene.settled(within=5.0, probes=_starts.ASKED, since=scene.watch.now)
        )
    return scene.timeline()


def _within(name: str, service: Service) -> Bound:
    if service.restart_within is not None:
        return Bound(service.restart_within.seconds, f"services.{name}.restart_within")
    return Bound(RESTART, f"more than Docker's restart delay, as services.{name}.restart_within is not declared")


def _kill(bench: Bench, scene: Scene, lives: Lives, number: int, ours: list[tuple[str, str]]) -> bool:
    """One crash and what comes of it; whether the service is well again."""
    name, watch = scene.service, scene.watch
    running = [one for one in lives.look() if one.running]
    if not running:
        raise CouldNotLook(f"no replica of {name} runs")
    replica = running[(number - 1) % len(running)]
    acts = [act for act in bench.hands.acts("kill", name) if act.object == replica.id]
    if not acts:
        raise CouldNotLook(f"{replica.name} is not there any more")
    who, _ = _starts.place(bench, name, replica)
    within = scene.bounds["restart_within"].seconds + _starts.SPARE
    killed = watch.mark(f"{replica.name} is about to be killed")
    ours.append((replica.id, replica.started))
    with bench.disturber.disturbed(*acts):
        down = watch.mark(f"{replica.name} is killed")
        back: list[Life] = []

        def there(_: object) -> bool:
            back[:] = lives.begun(killed)
            return bool(back)

        came = watch.until(there, within)
        over = [life for life in lives.ended(killed) if life.key == ours[-1]]
        if not over and not came:
            raise CouldNotLook(f"{replica.name} was killed, and is still seen to run")
        proof = f"the life of {replica.name} is over"
        if over and over[0].exit_code is not None:
            proof += f", exit code {over[0].exit_code}"
    scene.faults.append(
        Fault("killed", name, acts[0].how, proof, round(killed, 3), round(back[0].first if came else watch.now, 3))
    )
    scene.notes[f"killed ({number})"] = replica.name
    scene.numbers[f"watched ({number})"] = round(within, 1)
    if not came:
        scene.settled(within=30.0, probes=_starts.ASKED, since=watch.now)  # by now it was helped
        return False
    scene.numbers[f"restart_seconds ({number})"] = round(max(0.0, back[0].first - down), 2)
    budget = scene.bounds.get("startup budget")
    longest = (budget.seconds if budget else 30.0) + _starts.SPARE
    since = watch.now
    well = _starts.until_ready(scene, back[0].first, longest)
    scene.numbers[f"watched after restart ({number})"] = round(watch.now - since, 1)
    if not well:
        return False
    _starts.started(scene, back[0], who, f" ({number})")
    watch.hold(STAYS)
    lives.look()
    if any(life.key not in ours for life in lives.ended(killed)):
        scene.settled(
            within=longest, probes=_starts.ASKED, since=watch.now
        )  # it ended again: the next crash needs a life
    return True
