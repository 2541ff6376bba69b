"""What a service says while it gets twice the calls that it can answer: its capacity is measured first, from outside."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from seatrial.drivers._http_calls import call, spoken
from seatrial.drivers._procfs import PROC
from seatrial.experiments import _probes
from seatrial.experiments._load import Load, load
from seatrial.facts.experiment import Fault
from seatrial.facts.overload import TAKEN
from seatrial.profile.nouns.probes import LOADED, overload_call
from seatrial.words import CouldNotLook, Duration

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench, Scene
    from seatrial.facts.experiment import Timeline
    from seatrial.profile.model import Profile
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "ORDER", "run", "seconds", "title"]

NOUNS = tuple(LOADED)
ORDER = 40
LASTS = 30.0
"""Seconds of overload."""
SHORTER = "SEATRIAL_OVERLOAD_SECONDS"
"""Variable that makes it shorter, for tests of Seatrial itself; longer than `LASTS` it never is."""
WORKERS = (4, 8, 16, 32)
"""How many calls at a time are tried, one after the other, until more of them are not answered faster."""
MEASURED = 1.5
"""Seconds that each of these is measured."""
TIMES = 2.0
"""How many times the capacity is offered."""
MOST = 60_000
"""Calls altogether, however fast the service is."""
WAITING = 256
"""Calls that wait for an answer at the same time; more would only show what this machine can hold."""
TIDIED = 60.0
POLLS_AFTER = 3.0
PROBES = ("liveness", "readiness")


def _lasts() -> float:
    try:
        return max(1.0, min(LASTS, float(os.environ.get(SHORTER, LASTS))))
    except ValueError:
        return LASTS


def title(_profile: Profile, subject: Subject) -> str:
    """``api under overload``."""
    return f"{subject.service} under overload"


def seconds(profile: Profile, subject: Subject) -> float:
    """Steady state, measuring, overload, return."""
    check = profile.services[subject.service].readiness
    ready = check.ready_within.seconds if check and check.ready_within else 10.0
    return 4.0 + len(WORKERS) * MEASURED + _lasts() + ready / 2 + POLLS_AFTER


def _capacity(made: Load, what: str) -> tuple[float, dict[str, Any], int]:
    """Answers a second that a service gives at most, what was seen then, and how many asked at a time."""
    best: tuple[float, dict[str, Any], int] = (0.0, {}, 0)
    for workers in WORKERS:
        found = made.closed(workers, MEASURED, most=MOST // 10)
        rate = found["ok"] / found["seconds"]
        if rate > best[0] * 1.1:
            best = (rate, found, workers)
        elif best[0]:
            break
    if best[0] <= 0.0 or best[1]["ok"] < best[1]["wrong"]:
        came = ", ".join(
            f"{count} times {f'HTTP {status}' if status != '0' else 'no answer'}"
            for status, count in found["came"].items()
        )
        raise CouldNotLook(f"its capacity could not be measured: {what} was answered {came or 'not once'}")
    return best


def _shown(capacity: float, quiet: dict[str, Any], found: dict[str, Any], offered: float) -> str:
    """What shows from outside that it was overloaded.

    Raises:
        CouldNotLook: it did all that was asked, as fast as before.
    """
    span = found["seconds"]
    answered = found["ok"] / span
    wrong = found["wrong"] + found["held"] + found["unanswered"]
    made = found["made"] + found["held"]
    told = (
        f"{made / span:.0f} calls/s offered, {answered:.0f}/s answered as declared, half of them in "
        f"{Duration(round(found['median'], 3))} instead of {Duration(round(quiet['median'], 3))}, "
        f"{100 * wrong / max(1, made):.0f}% refused, failed or not answered"
    )
    if made / span < 1.25 * capacity:
        raise CouldNotLook(f"this machine could not offer {offered:.0f} calls/s: {told}")
    if answered > 0.9 * offered and found["median"] < 2 * quiet["median"] and wrong < 0.05 * made:
        raise CouldNotLook(f"twice the measured capacity of {capacity:.0f}/s was no overload: {told}")
    return told


def _overloaded(scene: Scene, subject: Subject) -> None:
    """Measure, then offer twice that, and tell what came of it."""
    bench, service = scene.bench, scene.bench.service(subject.service)
    found = overload_call(service)
    if found is None or service.canary is None:
        raise CouldNotLook("no call is declared that leaves nothing behind")
    node, first = found
    canary, remove = service.canary, None
    if first:  # what the load reads is written once, under a name of its own, and taken away at the end
        own = _probes.fresh(canary)
        node, remove = own.read_back or node, own.remove
        canary = own.model_copy(update={"remove": None, "sentinel": None})
    once = _probes.canary(bench.session, subject.service, canary)()
    if not once.ok:
        raise CouldNotLook(f"the canary does not work before anything is done: {once.failure}")
    what = spoken(node)
    try:
        with load(bench.session, service, node) as made:
            scene.watch.mark(f"the capacity of {what} is measured")
            capacity, quiet, workers = _capacity(made, what)
            lasts, rate = _lasts(), TIMES * capacity
            began = scene.watch.mark(f"{subject.service} is overloaded")
            heard = made.open(rate, lasts, most=MOST, waiting=WAITING)
            ended = scene.watch.mark(f"{subject.service} is left alone again")
            if node.sentinel is not None and (left := made.tidy(TIDIED)):
                scene.notes["left behind"] = f"{left} of what {what} wrote could not be taken away"
    finally:
        if remove is not None:
            call(bench.session, service, remove)
    scene.numbers |= {
        "capacity_per_second": round(capacity, 1),
        "offered_per_second": round((heard["made"] + heard["held"]) / heard["seconds"], 1),
        "answered_per_second": round(heard["ok"] / heard["seconds"], 1),
        "median_before_seconds": round(quiet["median"], 4),
        "median_during_seconds": round(heard["median"], 4),
    }
    how = (
        f"{rate:.0f} {what} a second for {Duration(round(heard['seconds']))}, twice the {capacity:.0f}/s measured with "
        f"{workers} at a time"
    )
    proof = _shown(capacity, quiet, heard, rate)
    scene.faults.append(Fault("overloaded", subject.service, how, proof, round(began, 3), round(ended, 3)))


def _processors() -> tuple[int, int]:
    """Time of this machine's processors so far, in clock ticks: what was used of it, and all (proc(5), /proc/stat)."""
    ticks = [int(word) for word in PROC.joinpath("stat").read_text("ascii").split("\n", 1)[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def run(bench: Bench, subject: Subject) -> Timeline:
    """One overload, from a steady state to the next."""
    with bench.scene(subject.service, title(bench.profile, subject), canary=False) as scene:
        used, all_of_it = _processors()
        scene.steady(probes=PROBES)
        scene.watch.hold(1.0)
        used, all_of_it = _processors()[0] - used, _processors()[1] - all_of_it
        scene.numbers[TAKEN] = round(used / max(1, all_of_it), 2)
        _overloaded(scene, subject)
        back = scene.bounds.get("ready_within")
        scene.settled(within=2 * (back.seconds if back else 10.0) + 1.0, probes=PROBES)
        scene.watch.hold(POLLS_AFTER)
    return scene.timeline()
