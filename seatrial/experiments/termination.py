"""SIGTERM: what becomes of requests in flight and of work that was handed in, how a service ends, and how long it takes to start again.

Replicas are ended one after the other, so that a service that has several is never gone.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from seatrial.drivers._http_calls import call, differs
from seatrial.experiments import _probes, _starts
from seatrial.experiments._lives import Lives
from seatrial.facts.experiment import Fault, Sample
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench, Scene
    from seatrial.facts.experiment import Timeline
    from seatrial.profile.model import Canary, Profile, Service
    from seatrial.profile.subjects import Subject
    from seatrial.safety.acts import Replica

__all__ = ["NOUNS", "ORDER", "run", "seconds", "title"]

NOUNS = ("termination", "exit_status", "startup")
ORDER = 40
REPLICAS = 3
"""How many replicas of a service get SIGTERM at most."""
OFTEN = 0.25
"""Seconds between two requests: users, and no load."""
CALLS = 4
"""Calls in flight when SIGTERM comes."""
WORK = 3
"""Pieces of work that are handed in just before."""
QUICK = 0.2
"""A call that takes less is not in flight when SIGTERM comes."""
AFTER = 1.0


def title(_profile: Profile, subject: Subject) -> str:
    """``api gets SIGTERM``."""
    return f"{subject.service} gets SIGTERM"


def seconds(profile: Profile, subject: Subject) -> float:
    """Steady state, a short end, a start."""
    service = profile.services[subject.service]
    one = 6.0 + (2.0 if service.slowest else 0.0) + (2.0 if service.work else 0.0)
    return 3.0 + one * min(REPLICAS, service.replicas or 1)


def run(bench: Bench, subject: Subject) -> Timeline:
    """SIGTERM to each replica, from a steady state to the next."""
    name = subject.service
    more = _starts.requests(bench, name, OFTEN)
    scene_of = bench.scene(name, title(bench.profile, subject), canary=False, more=more, every=_starts.EVERY)
    with scene_of as scene, Lives(bench.hands, name, scene.watch).open() as lives:
        scene.bounds = {**_starts.starting(bench, name), "grace": _starts.grace(bench.session, bench.runtime, name)}
        scene.steady(probes=_starts.ASKED)
        running = [one for one in scene.before if one.running]
        if not running:
            raise CouldNotLook(f"no replica of {name} runs")
        for each in running[:REPLICAS]:
            _end(bench, scene, lives, each)
        scene.watch.hold(AFTER)
    return scene.timeline()


def _end(bench: Bench, scene: Scene, lives: Lives, replica: Replica) -> None:
    """SIGTERM to one replica, with calls in flight and work handed in, and its return."""
    name, watch, hands = scene.service, scene.watch, bench.hands
    who, base = _starts.place(bench, name, replica)
    grace = scene.bounds["grace"].seconds
    # A moment longer than it may take: what ends late is told with its time, and what never does is ended all the same.
    longer = math.ceil(grace + max(1.0, grace / 10))
    acts = [act for act in hands.acts("terminate", name, grace=longer) if act.object == replica.id]
    if not acts:
        raise CouldNotLook(f"{replica.name} is not there any more")
    scene.notes[f"asked as {replica.name}"] = who
    slowest = _slowest(bench, scene, base)
    handed = _hand_in(bench, scene, base, replica.name)  # before the calls, which a busy machine would outlive
    with _flight(scene, slowest, replica.name):
        if handed and _found(bench, bench.service(name), handed[-1], base)[0]:
            scene.notes[f"work of {replica.name}"] = "not done yet when SIGTERM came"
        asked = watch.mark(f"SIGTERM to {replica.name}")
        scene.numbers[f"SIGTERM to {replica.name}"] = round(asked, 3)
        with bench.disturber.disturbed(*acts):
            gone = watch.mark(f"{replica.name} has ended")
            scene.numbers[f"exit_seconds of {replica.name}"] = round(gone - asked, 3)
            proof = _proof(hands.replicas(name), replica, scene)
            watch.hold(0.5)
        back = watch.now
    scene.faults.append(
        Fault("terminated", name, acts[0].how, proof, round(asked, 3), round(max(gone, asked + 0.001), 3))
    )
    budget = scene.bounds.get("startup budget")
    well = _starts.until_ready(scene, back, (budget.seconds if budget else 30.0) + _starts.SPARE)
    scene.numbers[f"watched after start of {replica.name}"] = round(watch.now - gone, 1)
    lives.look()
    if begun := lives.begun(gone - 0.3):
        _starts.started(scene, begun[-1], who, f" of {replica.name}")
    if well:
        for piece in handed:
            _find(bench, scene, piece, base, replica.name)


def _proof(now: tuple[Replica, ...], replica: Replica, scene: Scene) -> str:
    """What shows that this life is over; its exit code is noted where it can be known.

    Raises:
        CouldNotLook: it is not.
    """
    life = next((one for one in now if (one.id, one.started) == (replica.id, replica.started)), None)
    if life is not None and life.running:
        raise CouldNotLook(f"{replica.name} still runs after it was ended")
    if life is not None and life.exit_code is not None:
        scene.notes[f"exit_code of {replica.name}"] = str(life.exit_code)
        return f"{replica.name} has ended with exit code {life.exit_code}"
    return f"{replica.name} is not there any more"


# --- calls in flight --------------------------------------------------------------------------------------------------


def _slowest(bench: Bench, scene: Scene, base: str) -> tuple[Callable[[], Sample], float] | None:
    """The slowest call, and how long it takes when nothing is wrong.

    Raises:
        CouldNotLook: it does not work.
    """
    node = bench.service(scene.service).slowest
    if node is None:
        return None
    ask = _probes.canary(bench.session, scene.service, node, base=base, probe="in flight")
    first = ask()
    if not first.ok:
        raise CouldNotLook(
            f"the slowest call of {scene.service} does not work before anything is done: {first.failure}"
        )
    scene.numbers["seconds of the slowest call"] = round(first.seconds, 3)
    return ask, first.seconds


@contextmanager
def _flight(scene: Scene, slowest: tuple[Callable[[], Sample], float] | None, who: str) -> Iterator[None]:
    """Calls that are begun one after the other just before the block, and are waited for at its end."""
    if slowest is None:
        yield
        return
    ask, takes = slowest

    def one() -> Sample:
        try:
            return ask()
        except CouldNotLook as why:
            return Sample(0.0, "in flight", who, ok=False, failure=why.reason)

    flying = (one, "in flight", who)
    threads = [threading.Thread(target=scene.watch.taken, args=flying, daemon=True) for _ in range(CALLS)]
    for thread in threads:  # spread over the first half of a call, so that all of them are under way
        thread.start()
        time.sleep(min(0.5, takes / 2) / CALLS)
    try:
        yield
    finally:
        for thread in threads:
            thread.join()


# --- work that was handed in ------------------------------------------------------------------------------------------


def _hand_in(bench: Bench, scene: Scene, base: str, who: str) -> list[Canary]:
    """Hand in work; give what will find it done."""
    service = bench.service(scene.service)
    if service.work is None or service.work.read_back is None:
        return []
    handed = []
    for _ in range(WORK):
        own = _probes.fresh(service.work)
        at = scene.watch.now
        answer = call(bench.session, service, own, base=base)
        why = answer.reason if isinstance(answer, Missing) else differs(own, answer)
        scene.watch.add(Sample(round(at, 4), "handed in", who, not why, failure=why))
        if not why:
            handed.append(own)
    return handed


def _found(bench: Bench, service: Service, piece: Canary, base: str) -> tuple[str, int]:
    """How what finds a piece of work done differs from what is declared, empty when it does not, and its status."""
    assert piece.read_back is not None
    answer = call(bench.session, service, piece.read_back, base=base)
    return (answer.reason, 0) if isinstance(answer, Missing) else (differs(piece.read_back, answer), answer.status)


def _find(bench: Bench, scene: Scene, piece: Canary, base: str, who: str) -> None:
    """Wait until a piece of work is found done, for as long as its call declares."""
    service = bench.service(scene.service)
    back = piece.read_back
    assert back is not None
    at, end = scene.watch.now, time.monotonic() + back.timeout.seconds
    why, status = _found(bench, service, piece, base)
    while why and time.monotonic() < end:
        time.sleep(0.2)
        why, status = _found(bench, service, piece, base)
    took = scene.watch.now - at
    scene.watch.add(Sample(round(at, 4), "work", who, not why, status, round(took, 3), why))
    if not why and piece.remove is not None:
        call(bench.session, service, piece.remove, base=base)
