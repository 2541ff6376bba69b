"""What an experiment gets: the target's replicas, its probes on a clock, and the only way to disturb it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seatrial import drivers
from seatrial.drills.hands import StageHands, stages
from seatrial.drivers._alert_hands import AlertHands, posts
from seatrial.experiments import _probes
from seatrial.experiments._handless import Handless
from seatrial.experiments._keeping import kept
from seatrial.experiments._sampling import Asker, Watch
from seatrial.facts.experiment import Fault, Incarnation, Sample, Timeline
from seatrial.safety.acts import Hands, NotRecovered, Replica
from seatrial.safety.disturbing import Disturber
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.experiment import Bound
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.model import Profile, Service

__all__ = ["Bench", "Scene", "bench"]

IN_A_ROW = 3
"""How many answers in a row make a steady state."""
STEADY_WITHIN = 30.0


@dataclass(slots=True)
class Scene:
    """One experiment while it is made: its clock, its samples, and what was done."""

    bench: Bench
    service: str
    title: str
    watch: Watch
    bounds: dict[str, Bound]
    interval: float
    before: tuple[Replica, ...]
    faults: list[Fault] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def steady(
        self, *, within: float = STEADY_WITHIN, probes: tuple[str, ...] = ("liveness", "readiness", "canary")
    ) -> None:
        """Wait until everything that is asked answers as declared, several times in a row; else nothing is begun.

        Raises:
            CouldNotLook: it does not.
        """
        since = self.watch.now
        if not self.settled(within=within, probes=probes, since=since):
            last = {(sample.probe, sample.who): sample for sample in self.watch.samples() if sample.probe in probes}
            wrong = [str(sample) for sample in last.values() if not sample.ok] or ["its answers change"]
            raise CouldNotLook(
                f"the experiment was not begun: {self.service} is not as declared before anything is done: "
                f"{'; '.join(wrong)}"
            )

    def settled(
        self,
        *,
        within: float,
        probes: tuple[str, ...] = ("liveness", "readiness", "canary"),
        since: float | None = None,
    ) -> bool:
        """Whether everything that is asked answers as declared, several times in a row, before time is up."""
        begin = self.watch.now if since is None else since
        asked = {(asker.probe, asker.who) for asker in self.watch.askers if asker.probe in probes}

        def well(samples: tuple[Sample, ...]) -> bool:
            found: dict[tuple[str, str], list[bool]] = {key: [] for key in asked}
            for sample in samples:
                if sample.at >= begin and (sample.probe, sample.who) in found:
                    found[sample.probe, sample.who].append(sample.ok)
            return all(len(oks) >= IN_A_ROW and all(oks[-IN_A_ROW:]) for oks in found.values())

        return self.watch.until(well, within)

    @contextmanager
    def fault(self, kind: str, of: str, named: str, **wanted: Any) -> Iterator[Fault]:
        """A fault of a service, there from the beginning of the block to its end, and shown from outside to be there.

        Args:
            kind: of act, as the driver's hands know it.
            of: the service it is done to.
            named: what it is called in reports: ``stopped``, ``hung``.
            wanted: parameters of the act.

        Raises:
            CouldNotLook: it could not be done, or nothing shows that it is there.
            NotRecovered: it could not be undone.
        """
        hands = self.bench.hands
        acts = hands.acts(kind, of, **wanted)
        self.watch.mark(f"{of} is about to be {named}")
        with self.bench.disturber.disturbed(*acts):
            began = self.watch.mark(f"{of} is {named}")
            proof = "; ".join(dict.fromkeys(hands.proof(act) for act in acts))
            fault = Fault(named, of, "; ".join(dict.fromkeys(act.how for act in acts)), proof, round(began, 3), 0.0)
            yield fault
            ending = self.watch.mark(f"{of} is about to be as before")
        self.watch.mark(f"{of} is as before")
        self.faults.append(Fault(fault.kind, of, fault.how, proof, round(began, 3), round(ending, 3)))

    def timeline(self) -> Timeline:
        """The frozen record of it; made when the watch is closed."""
        return Timeline(
            experiment=self.title,
            service=self.service,
            seconds=round(self.watch.now, 3),
            samples=self.watch.samples(),
            faults=tuple(self.faults),
            moments=tuple(self.watch.moments),
            bounds=self.bounds,
            numbers=self.numbers,
            notes=self.notes,
            before=tuple(map(_life, self.before)),
            after=tuple(map(_life, self.bench.hands.replicas(self.service))),
            interval=self.interval,
        )


def _life(replica: Replica) -> Incarnation:
    return Incarnation(replica.name, replica.id, replica.started, replica.restarts, replica.running, replica.exit_code)


def _checks(hands: Hands, service: str) -> Callable[[Watch], None]:
    """Reads the runs of HEALTHCHECKs as they are logged; the engine remembers few of them."""
    known: set[tuple[str, float]] = set()

    def follow(watch: Watch) -> None:
        epoch = time.time() - watch.now
        for run in hands.checks(service):
            if (run.replica, run.at) not in known and run.at >= epoch:
                known.add((run.replica, run.at))
                watch.add(
                    Sample(
                        round(run.at - epoch, 3), "HEALTHCHECK", run.replica, run.exit_code == 0 and not run.reason,
                        run.exit_code, run.seconds, run.reason,
                    )
                )  # fmt: skip

    return follow


def _lives(hands: Hands, service: str, before: tuple[Replica, ...]) -> Callable[[Watch], None]:
    """Notes when a replica is started anew, ends, or comes."""
    known = {replica.name: replica for replica in before}

    def follow(watch: Watch) -> None:
        now = {replica.name: replica for replica in hands.replicas(service)}
        for name in dict.fromkeys([*known, *now]):
            was, is_ = known.get(name), now.get(name)
            if was and (is_ is None or (was.running and not is_.running)):
                watch.mark(f"{name} ended")
            elif (
                is_
                and is_.running
                and (was is None or not was.running or (was.id, was.started) != (is_.id, is_.started))
            ):
                watch.mark(f"{name} was started")
        known.clear()
        known.update(now)

    return follow


@dataclass(slots=True)
class Bench:
    """The target of a run, for experiments one after the other."""

    session: Session
    runtime: Runtime | Missing
    hands: Hands
    disturber: Disturber
    say: Callable[[str], None]
    asked: frozenset[tuple[str, str]] = frozenset()
    """Noun and id of every subject that some test is about; empty where that is not known."""

    def asks(self, noun: str, id: str) -> bool:
        """Whether some test is about that: what nobody asks for is not made."""
        return not self.asked or (noun, id) in self.asked

    @property
    def profile(self) -> Profile:
        """What is declared."""
        return self.session.profile

    def service(self, name: str) -> Service:
        """A service of the profile."""
        return self.profile.services[name]

    @contextmanager
    def scene(
        self,
        service: str,
        title: str,
        *,
        canary: bool = True,
        more: tuple[Asker, ...] = (),
        every: float | None = None,
        probes: bool = True,
    ) -> Iterator[Scene]:
        """Watch a service: all its probes at every replica, its canary, and whatever more is asked.

        Args:
            service: whose.
            title: of the experiment.
            canary: whether its canary is made all the while, once a second at most.
            more: further askers.
            every: seconds between two samples of a probe, when not a quarter of the tightest bound.
            probes: whether its probes are asked; not where what they make it do would be counted.
        """
        if self.disturber.broken:
            raise NotRecovered(f"nothing more is disturbed in this run: {self.disturber.broken.reason}")
        node = self.service(service)
        replicas = self.hands.replicas(service)
        bounds = _probes.bounds(self.session, self.runtime, service)
        step = every or _probes.interval(bounds)
        askers = [*(_probes.probes(self.session, service, replicas, step) if probes else ()), *more]
        if canary and node.canary is not None:
            once = _probes.canary(self.session, service, node.canary)
            askers.append(Asker("canary", _probes.FRONT, once, max(0.5, step), 4))
        watch = Watch(tuple(askers), (_checks(self.hands, service), _lives(self.hands, service, replicas)))
        with watch.open():
            yield Scene(self, service, title, watch, bounds, step, replicas)


@contextmanager
def bench(
    session: Session,
    runtime: Runtime | Missing,
    say: Callable[[str], None],
    told: list[str],
    asked: frozenset[tuple[str, str]] = frozenset(),
) -> Iterator[Bench]:
    """A bench for the experiments of one run, which holds the target; everything done to it is journalled.

    Args:
        session: of the run.
        runtime: what was seen before.
        say: is told what begins.
        told: takes what a reader of the run must know.
        asked: noun and id of every subject that some test is about.

    Raises:
        CouldNotLook: its driver can't disturb, or the target is gone.
    """
    driver = drivers.load(session.profile.target.driver)
    hands: Hands = driver.hands(session) if hasattr(driver, "hands") else Handless(session.profile.target.driver)
    if posts(session.profile):
        hands = AlertHands(session, hands)
    if stages(session.profile):
        hands = StageHands(session, hands)
    with kept(session, driver, hands, say, told) as disturber:
        yield Bench(session, runtime, hands, disturber, say, asked)
