"""A service is scaled, recreated, upgraded and given new keys while a client makes ten requests a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from seatrial.drivers import http
from seatrial.drivers._http_calls import call, differs
from seatrial.experiments import _probes
from seatrial.experiments._client import Client
from seatrial.facts import document
from seatrial.facts.experiment import Bound, Sample
from seatrial.facts.lifecycle import AFTER, BACK, BEFORE, BEGAN, CLIENT, COUNTS, KEYS, REPLICA, ROTATED, VERSION
from seatrial.profile.nouns.lifecycle import kind_of
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench, Scene
    from seatrial.facts.experiment import Timeline
    from seatrial.profile.model import Canary, Lifecycle, Profile, Rotation, Service
    from seatrial.profile.subjects import Subject
    from seatrial.safety.acts import Replica

__all__ = ["NOUNS", "ORDER", "run", "seconds", "title"]

NOUNS = ("lifecycle", "lifecycle_writes", "scaling", "replacement", "upgrade", "rotation")
ORDER = 50
STEADY = ("liveness", "readiness", CLIENT)
READY_WITHIN = 30.0
"""Bound on a replica's start where the profile states none."""
IN_A_ROW = 3
EVERY = 0.25
HELD = 2.0
"""Seconds each state is held, so that clients meet it."""
CALM = 2.0
"""Seconds the client goes on after all is over."""


def title(_profile: Profile, subject: Subject) -> str:
    """``api is scaled under a client``."""
    done = {"scale": "is scaled", "replace": "is recreated one by one", "upgrade": "is upgraded and rolled back"}
    what = done.get(kind_of(subject)) or f"gets a new {subject.path[-1]} key"
    return f"{subject.service} {what} under a client"


def seconds(profile: Profile, subject: Subject) -> float:
    """Seldom more than a few seconds for each replica."""
    service = profile.services[subject.service]
    each = {"scale": 20.0, "replace": 4.0 + 10.0 * (service.replicas or 1), "upgrade": 12.0}
    return 6.0 + each.get(kind_of(subject), 6.0)


class _Course:
    """One experiment while it is made."""

    def __init__(self, scene: Scene, client: Client) -> None:
        self.scene, self.client = scene, client
        self.bench: Bench = scene.bench
        self.name = scene.service
        self.service: Service = self.bench.service(self.name)
        scene.bounds.setdefault(
            "ready_within", Bound(READY_WITHIN, f"default where services.{self.name}.readiness is not declared")
        )

    @property
    def ready_within(self) -> float:
        return self.scene.bounds["ready_within"].seconds

    def add(self, probe: str, who: str, at: float, why: str, status: int = 0, overall: str = "") -> None:
        took = round(self.scene.watch.now - at, 4)
        self.scene.watch.add(Sample(round(at, 4), probe, who, not why, status, took, why, overall))

    def running(self) -> list[Replica]:
        return [one for one in self.bench.hands.replicas(self.name) if one.running]

    def count(self, when: str) -> int:
        found = len(self.running())
        self.scene.numbers[when] = found
        return found

    def places(self) -> list[tuple[str, str]]:
        """Every replica at its own address as it is now, and the front."""
        return _probes.places(self.bench.session, self.name, tuple(self.running()))

    def ready(self, probe: str, places: list[tuple[str, str]], within: float) -> None:
        """Ask readiness until every place has said several times in a row that it is ready, or time is up."""
        check = self.service.readiness
        if check is None:
            return
        ask = {who: _probes.sampled(self.bench.session, self.service, "readiness", check, base) for who, base in places}
        rows = dict.fromkeys(ask, 0)
        began = self.scene.watch.now
        while rows and self.scene.watch.now - began <= within and min(rows.values()) < IN_A_ROW:
            for who, once in ask.items():
                if rows[who] < IN_A_ROW:
                    at = self.scene.watch.now
                    sample = once()
                    self.add(probe, who, at, "" if sample.ok else sample.failure or str(sample), sample.status)
                    rows[who] = rows[who] + 1 if sample.ok else 0
            time.sleep(EVERY / 2)

    # --- what is done -------------------------------------------------------------------------------------------------

    def scale(self, node: Lifecycle) -> None:
        """To as many replicas as declared, and back."""
        old = {one.id for one in self.running()}
        to = node.scale or 0
        before = self.count(COUNTS[0])
        with self.scene.fault("scale", self.name, f"scaled from {before} to {to} replicas", to=to):
            self.count(COUNTS[1])
            new = tuple(one for one in self.running() if one.id not in old)
            self.ready(REPLICA, [(one.name, one.url) for one in new if one.url], self.ready_within)
            self.scene.watch.hold(HELD)
        self.count(COUNTS[2])

    def replace(self) -> None:
        """Each replica removed and made anew, the next one when this one is ready."""
        for old in self.running():
            with self.scene.fault("recreate", self.name, f"recreated ({old.name})", replica=old.name):
                pass
            new = next((one for one in self.running() if one.name == old.name and one.id != old.id), None)
            if new is None:
                raise CouldNotLook(f"no new container {old.name} was seen after it was recreated")
            if new.url:
                self.ready(REPLICA, [(new.name, new.url)], self.ready_within)
            self.scene.watch.hold(HELD / 2)

    def upgrade(self, node: Lifecycle) -> None:
        """The declared upgrade, and the declared way back."""
        where = f"services.{self.name}"
        up, back = node.upgrade, node.rollback
        if up is None or back is None:
            lacks = "upgrade" if up is None else "rollback"
            raise CouldNotLook(
                f"{self.name} is not upgraded: nothing would bring it back to what was found",
                right=f"{where}.lifecycle.{lacks}",
            )
        if up.version and self.version(f"{VERSION} before", up.version, 0.0):
            raise CouldNotLook(f"{self.name} says that it is at version {up.version} before it is upgraded")
        within = max(up.within.seconds, back.within.seconds)
        with self.scene.fault(
            "command", self.name, "upgraded", command=list(up.command), back=list(back.command), within=within
        ):
            if up.version:
                self.version(f"{VERSION} after upgrade", up.version, self.ready_within)
            self.scene.watch.hold(HELD)
        if back.version:
            self.version(f"{VERSION} after rollback", back.version, self.ready_within)

    def version(self, probe: str, want: str, within: float) -> bool:
        """Ask every place for its version until all say what is wanted, several times in a row, or time is up."""
        check = self.service.health
        if check is None or check.version is None:
            raise CouldNotLook(
                f"{self.name} has no declared place that tells its version",
                right=f"services.{self.name}.health.version",
            )
        _, given = http.asking(self.bench.session, self.service, check)
        place = check.version

        def once() -> bool:
            well = True
            for who, base in self.places():
                at = self.scene.watch.now
                answer = http.ask(self.bench.session, base + check.path, **given)
                body = None if isinstance(answer, Missing) else document.parse(answer.body.text)
                found = document.search(place, body) if body is not None else None
                said = document.plain(str(found)) if isinstance(found, str | int | float) else ""
                status = 0 if isinstance(answer, Missing) else answer.status
                why = "" if said == want else f"says version {said}" if said else "says no version"
                self.add(probe, who, at, why, status, said)
                well = well and not why
            return well

        return self._in_a_row(once, within)

    def _in_a_row(self, once: Callable[[], bool], within: float) -> bool:
        """Ask until all was well several times in a row, or time is up; without time, once."""
        began, row = self.scene.watch.now, 0
        while True:
            row = row + 1 if once() else 0
            if row >= IN_A_ROW or (row and not within):
                return True
            if self.scene.watch.now - began >= within:
                return False
            time.sleep(EVERY)

    def rotate(self, node: Rotation) -> None:
        """The new key is put in force, and the old one again."""
        if not self.keys(node, BEFORE, 0.0):
            wrong = "; ".join(
                str(s) for s in self.scene.watch.samples() if s.probe in (KEYS[BEFORE][0], KEYS[BEFORE][1]) and not s.ok
            )
            raise CouldNotLook(f"the experiment was not begun: its keys are not as declared before: {wrong}")
        within = node.within.seconds
        with self.scene.fault(
            "command", self.name, "given a new key", command=list(node.command), back=list(node.back), within=within
        ):
            self.keys(node, ROTATED, self.ready_within)
            self.scene.watch.hold(HELD)
        self.keys(node, BACK, self.ready_within)

    def keys(self, node: Rotation, phase: str, within: float) -> bool:
        """Try both keys everywhere until each is taken or refused as it should be, several times in a row, or time is up."""
        old, new = KEYS[phase]

        def once() -> bool:
            well = True
            for who, base in self.places():
                for probe, one, taken in ((old, node.call, phase != ROTATED), (new, node.renewed, phase == ROTATED)):
                    at = self.scene.watch.now
                    why, status = self._tried(one, base, None if taken else node.refused)
                    self.add(probe, who, at, why, status)
                    well = well and not why
            return well

        return self._in_a_row(once, within)

    def _tried(self, one: Canary, base: str, refused: int | None) -> tuple[str, int]:
        """How a call differs from what it should be: as declared, or refused."""
        answer = call(self.bench.session, self.service, one, base=base)
        if isinstance(answer, Missing):
            return answer.reason, 0
        if refused is None:
            return differs(one, answer), answer.status
        return "" if answer.status == refused else str(answer) or "no answer", answer.status


def run(bench: Bench, subject: Subject) -> Timeline:
    """From a steady state to the next, a client all the while."""
    kind, name = kind_of(subject), subject.service
    client = Client(bench.session, name, subject.node if kind == "rotate" else None)
    try:
        with bench.scene(name, title(bench.profile, subject), canary=False, more=(client.asker(),)) as scene:
            client.watch = scene.watch
            course = _Course(scene, client)
            scene.steady(probes=STEADY)
            scene.watch.hold(1.0)
            scene.numbers[BEGAN] = round(scene.watch.now, 3)
            if kind == "scale":
                course.scale(subject.node)
            elif kind == "replace":
                course.replace()
            elif kind == "upgrade":
                course.upgrade(subject.node)
            else:
                course.rotate(subject.node)
            course.ready(AFTER, course.places(), course.ready_within)
            scene.watch.hold(CALM)
        client.look(scene.watch)
    finally:
        client.tidy()
    return scene.timeline()
