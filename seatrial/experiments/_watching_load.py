"""The target while it is under load: its probes, restarts and memory, at a pace that is no load of its own, on the load's clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from seatrial.experiments import _probes
from seatrial.experiments._bench import _checks, _life, _lives
from seatrial.experiments._guarding_load import dead
from seatrial.experiments._memory import Reader, reader
from seatrial.experiments._refusing import needed_by
from seatrial.experiments._sampling import Asker, Watch
from seatrial.facts.experiment import Moment, Timeline
from seatrial.facts.loads.run import Residents
from seatrial.safety.acts import NotRecovered
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench
    from seatrial.facts.experiment import Sample
    from seatrial.safety.acts import Replica

__all__ = ["Watching", "watched"]

EVERY = 1.0
"""Seconds between two questions to a probe, and two looks at memory; more in loads that last long."""
MOST = 900
"""Samples of one probe."""
LIVES = 2.0
OTHERS = 5.0
"""Seconds between two looks at the services that it needs."""
AGAIN = 2
STEADY = ("liveness", "readiness")
IN_A_ROW = 2
STEADY_WITHIN = 10.0
PROBES = ("liveness", "readiness", "health")
KUBERNETES = 3


@dataclass(slots=True)
class Watching:
    """What is seen of the target."""

    bench: Bench
    service: str
    watch: Watch
    before: tuple[Replica, ...]
    interval: float
    memory: Reader | Missing
    sizes: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    lived: list[Moment] = field(default_factory=list)
    unread: str = ""
    """Why memory could not be read the last time."""

    def steady(self) -> None:
        """Wait until liveness and readiness answer as declared everywhere, several times in a row; else nothing is begun.

        Raises:
            CouldNotLook: they do not: what would be seen under load would not be the load's doing.
        """
        asked = {(one.probe, one.who) for one in self.watch.askers if one.probe in STEADY}

        def well(samples: tuple[Sample, ...]) -> bool:
            rows = {key: [one.ok for one in samples if (one.probe, one.who) == key] for key in asked}
            return all(len(oks) >= IN_A_ROW and all(oks[-IN_A_ROW:]) for oks in rows.values())

        if not self.watch.until(well, STEADY_WITHIN):
            last = {(one.probe, one.who): one for one in self.watch.samples() if one.probe in STEADY}
            wrong = [str(one) for one in last.values() if not one.ok] or ["its answers change"]
            raise CouldNotLook(
                f"the load was not begun: {self.service} is not as declared before anything is done: {'; '.join(wrong)}"
            )

    def why(self) -> str:
        """Why the load is to end, by what is seen of its target; empty when it may go on."""
        if self.lived:
            return f"{self.lived[0].what} while it was under load"
        check = self.bench.service(self.service).liveness
        configured = _probes.healthcheck(self.bench.runtime, self.service)
        failures = (check.failure_threshold if check else None) or (configured[0].retries if configured else 0)
        return dead(self.watch.samples(), failures or KUBERNETES)

    def timeline(self, zero: float, title: str) -> Timeline | Missing:
        """What was seen, on the clock of the load, which began then on the monotonic clock."""
        shift = zero - self.watch.began
        try:
            after = tuple(map(_life, self._after()))
        except CouldNotLook as why:  # that nothing could be seen is not that nothing was there
            return Missing(f"whether {self.service} outlived the load could not be seen: {why.reason}", why.right)
        return Timeline(
            experiment=title,
            service=self.service,
            seconds=round(self.watch.now - shift, 3),
            samples=tuple(replace(one, at=round(one.at - shift, 4)) for one in self.watch.samples()),
            moments=tuple(Moment(round(one.at - shift, 3), one.what) for one in self.watch.moments),
            bounds=_probes.bounds(self.bench.session, self.bench.runtime, self.service),
            notes={"watch": str(trouble)} if (trouble := next(iter(self.watch._trouble), None)) else {},
            before=tuple(map(_life, self.before)),
            after=after,
            interval=self.interval,
        )

    def _after(self) -> tuple[Replica, ...]:
        """Its replicas now; an engine that is busy is asked again."""
        for _ in range(AGAIN):
            try:
                return self.bench.hands.replicas(self.service)
            except CouldNotLook:
                time.sleep(1.0)
        return self.bench.hands.replicas(self.service)

    def residents(self, zero: float) -> tuple[Residents, ...] | Missing:
        """Memory of each replica, on the same clock."""
        if isinstance(self.memory, Missing):
            return self.memory
        if not self.sizes:
            return Missing(self.unread or "memory was not read")
        return tuple(
            Residents(name, tuple((round(at - zero, 3), size) for at, size in samples))
            for name, samples in self.sizes.items()
        )

    def _weighed(self, _watch: Watch) -> None:
        if isinstance(self.memory, Missing):
            return
        try:
            for name, size in self.memory().items():
                self.sizes.setdefault(name, []).append((time.monotonic(), size))
        except CouldNotLook as why:
            self.unread = why.reason

    def _followed(self, lives: Callable[[Watch], None]) -> Callable[[Watch], None]:
        """Follows lives, and keeps what happens to them apart from what we do."""

        def follow(watch: Watch) -> None:
            known = len(watch.moments)
            lives(watch)
            self.lived += watch.moments[known:]

        return follow


def _gently(every: float, follow: Callable[[Watch], None]) -> Callable[[Watch], None]:
    """A follower that looks less often than it is called."""
    last = [float("-inf")]

    def now_and_then(watch: Watch) -> None:
        if watch.now - last[0] >= every or watch._stop.is_set():
            last[0] = watch.now
            follow(watch)

    return now_and_then


@contextmanager
def watched(bench: Bench, service: str, lasts: float) -> Iterator[Watching]:
    """Watch a service while the block runs.

    Args:
        bench: of the run.
        service: whose.
        lasts: seconds that the load is to take: nothing is asked more than `MOST` times.

    Raises:
        CouldNotLook: its replicas can't be seen.
    """
    if bench.disturber.broken:
        raise NotRecovered(f"nothing more is done to the target in this run: {bench.disturber.broken.reason}")
    every = max(EVERY, lasts / MOST)
    replicas = bench.hands.replicas(service)
    askers: list[Asker] = []
    if bench.service(service).url is not None or any(one.url for one in replicas):
        askers = [one for one in _probes.probes(bench.session, service, replicas, every) if one.probe in PROBES]
    watch = Watch(tuple(askers))
    watching = Watching(bench, service, watch, replicas, every, reader(bench.session, bench.runtime, service))
    followers = [
        _gently(LIVES, watching._followed(_lives(bench.hands, service, replicas))),
        _gently(LIVES, _checks(bench.hands, service)),
        _gently(every, watching._weighed),
    ]
    followers += [
        _gently(OTHERS, watching._followed(_lives(bench.hands, other, theirs)))
        for other in needed_by(bench.profile, service)
        if not bench.profile.services[other].external and (theirs := _running(bench, other))
    ]
    watch.followers = tuple(followers)
    with watch.open():
        yield watching


def _running(bench: Bench, service: str) -> tuple[Replica, ...]:
    try:
        return tuple(bench.hands.replicas(service))
    except (CouldNotLook, KeyError):
        return ()
