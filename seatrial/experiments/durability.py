"""What was written through a service's canary is looked for after the service that keeps it was killed, restarted or recreated."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from seatrial.experiments._sentinels import Sentinel, Sentinels, kinds, telling
from seatrial.facts.durability import GONE, LAST, LAST_READ, READ, REMOVED, WRITTEN
from seatrial.facts.experiment import Bound, Sample
from seatrial.profile.nouns.durability import ACTS, act_of, witness
from seatrial.words import Missing

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench, Scene
    from seatrial.facts.experiment import Timeline
    from seatrial.profile.model import Profile
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "ORDER", "run", "seconds", "title"]

NOUNS = ("survival_of_removal", "survival_of_kill", "survival_of_restart", "survival_of_recreation")
ORDER = 40
SETTLED = 3.0
"""Seconds between the first sentinels and the act: by then they are no last writes any more."""
BEFORE = 1.0
"""Seconds in which last writes are made before the act."""
EVERY = 0.05
MOST = 600
"""Last writes at most, however long the act takes."""
BACK_WITHIN = 30.0
"""Bound on the return of the canary where the profile states none."""
READ_WITHIN = 5.0
"""Seconds in which what was written is looked for again and again: what comes late is there."""


def title(profile: Profile, subject: Subject) -> str:
    """``data of postgres, seen through api, when it is killed``."""
    by = witness(profile, subject.service)
    through = "" if by == subject.service else f", seen through {by},"
    return f"data of {subject.service}{through} when it is {ACTS[act_of(subject)]}"


def seconds(profile: Profile, subject: Subject) -> float:
    """Sentinels, the act, the way back, looking."""
    grace = profile.services[subject.service].grace_period
    return 10.0 + SETTLED + (grace.seconds / 2 if grace else 3.0)


class _Notes:
    """Takes down what becomes of sentinels."""

    def __init__(self, scene: Scene, sentinels: Sentinels) -> None:
        self.scene, self.sentinels = scene, sentinels
        self.kept: list[Sentinel] = []
        self.last: list[Sentinel] = []
        self.removed: list[Sentinel] = []

    def add(self, probe: str, who: str, began: float, why: str, *, status: int = 0) -> None:
        now = self.scene.watch.now
        took = round(now - began, 4)
        self.scene.watch.add(Sample(round(began, 4), probe, who, not why, status, took, why))

    def write(self, kind: str, more: str, change: Any) -> Sentinel | None:
        """Write one and read it back; None when it can't count."""
        began = self.scene.watch.now
        one = self.sentinels.write(kind, more, change)
        why = one.failure or (f"was not read back at once: {differ}" if (differ := self._at_once(one)) else "")
        self.add(WRITTEN, kind, began, why, status=one.status)
        return None if why else one

    def _at_once(self, one: Sentinel) -> str:
        found = self.sentinels.lost([one], 1.0)[0]
        return "no answer" if found is None else found

    def remove(self, who: str) -> None:
        """Write one, take it away, and see that it is gone."""
        one = self.write(f"to be removed {who}", "", None)
        if one is None:
            return
        began = self.scene.watch.now
        why = self.sentinels.remove(one).failure or (
            "" if self.sentinels.gone(one) else "is still read back after it was removed"
        )
        self.add(REMOVED, who, began, why)
        if not why:
            self.removed.append(Sentinel(who, one.node, ""))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Go on writing until the block ends: what was acknowledged last is what a kill may take."""
        stop = threading.Event()

        def go() -> None:
            while not stop.is_set() and len(self.last) < MOST:
                began = self.scene.watch.now
                one = self.sentinels.write("last")
                self.add(LAST, "front", began, one.failure, status=one.status)
                if not one.failure:
                    self.last.append(one)
                stop.wait(EVERY)

        thread = threading.Thread(target=go, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def look(self) -> None:
        """Look for all of them."""
        for one, why in zip(self.kept, self.sentinels.lost(self.kept, READ_WITHIN), strict=True):
            if why is not None:
                self.add(READ, one.kind, self.scene.watch.now, why)
        for why in self.sentinels.lost(self.last, READ_WITHIN):
            if why is not None:
                self.add(LAST_READ, "front", self.scene.watch.now, why)
                time.sleep(0.001)  # samples are kept in the order of their times
        for one in self.removed:
            gone = self.sentinels.gone(one)
            if gone is not None:
                self.add(GONE, one.kind, self.scene.watch.now, "" if gone else "is there again")

    def tidy(self) -> None:
        """Take away what was written, where that is declared."""
        self.sentinels.tidy((*self.kept, *self.last, *self.removed))


def run(bench: Bench, subject: Subject) -> Timeline:
    """Write, disturb, look."""
    act, name = act_of(subject), subject.service
    by = witness(bench.profile, name) or name
    node = telling(bench.profile.services, by)
    with bench.scene(by, title(bench.profile, subject)) as scene:
        notes = _Notes(scene, Sentinels(bench.session, by, node))
        scene.steady()
        _places(scene, name)
        scene.bounds.setdefault(
            "ready_within", Bound(BACK_WITHIN, f"default where services.{by}.readiness is not declared")
        )
        try:
            _written(notes, node.remove is not None)
            wanted = {}
            service = bench.service(name)
            if act == "restart" and service.grace_period:
                wanted["grace"] = service.grace_period.seconds
            scene.watch.hold(SETTLED)
            with notes.writing():
                scene.watch.hold(BEFORE)
                if node.remove is not None:
                    notes.remove("just before")
                with scene.fault(act, name, ACTS[act], **wanted):
                    pass
            if scene.settled(within=scene.bounds["ready_within"].seconds + BACK_WITHIN, probes=("canary",)):
                notes.look()
            else:
                last = next((s for s in reversed(scene.watch.samples()) if s.probe == "canary"), None)
                scene.notes["not back"] = str(last) if last else "its canary was not asked"
        finally:
            notes.tidy()
    return scene.timeline()


def _written(notes: _Notes, removes: bool) -> None:
    """The first sentinels."""
    for kind, more, change in kinds(notes.sentinels.node):
        one = notes.write(kind, more, change)
        if one is not None:
            notes.kept.append(one)
    if removes:
        notes.remove("early")


def _places(scene: Scene, name: str) -> None:
    """Note which declared data paths of the service a new container would not find again."""
    from seatrial.facts.containers.filesystem import lost

    runtime = scene.bench.runtime
    containers = () if isinstance(runtime, Missing) else runtime.containers.get(name, ())
    node = scene.bench.service(name).persistence
    for container in () if isinstance(containers, Missing) else containers:
        for path in node.paths if node else ():
            where = lost(container, path) if isinstance(path, str) else ""
            if where and not isinstance(where, Missing):
                scene.notes[f"data path {path} of {container.name}"] = where
