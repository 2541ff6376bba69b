"""One number that is promised of a load, beside what was measured: what it is called, what holds here, and how it is told.

Whoever prints an objective prints its `Told`; nothing of a verdict is worked out anywhere else.

The machine must be the one that the number is promised of; that is looked at first. What else speaks against a number (a generator
that had no time, a machine that was not quiet, a load that was not made whole) is handed to `latency.verdicts`, which knows
what each doubt can do to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from seatrial.facts.hardware import Hardware
from seatrial.facts.loads.run import LoadRun, Second, Stream
from seatrial.words import CouldNotLook, Duration, Finding, Missing, Rate, seen

if TYPE_CHECKING:
    from seatrial.latency.verdicts import Decision, Doubts
    from seatrial.profile import model
    from seatrial.profile.objectives import Slo

__all__ = ["BUSIEST", "Judged", "Told", "counted_seconds", "hardware_line", "share_text", "time_text"]

BUSIEST = 0.8
"""Share of a core, or of its calibrated ceiling, from which on the generator may be what is slow."""


@dataclass(frozen=True, slots=True)
class Told:
    """One objective as a reader sees it: plain numbers, in seconds, shares or requests a second, and the verdict in words."""

    id: str
    """The subject: ``slos.search.latency.p95``."""
    slo: str
    """The load it was judged by: ``slos.search``."""
    kind: str
    """``latency``, ``errors``, ``throughput`` or ``growth``."""
    what: str
    """``p95 of POST /search``, ``errors of all requests``."""
    endpoint: str = ""
    """Name of the stream; empty for all together."""
    quantile: float = 0.0
    """0.95; 0 where there is none."""
    unit: str = "seconds"
    """Of the numbers below: ``seconds``, ``share`` or ``per second``."""
    seen: float | None = None
    bounds: tuple[float, float] | None = None
    """The 95 % interval, by which it is decided."""
    interval: tuple[float, float] | None = None
    """The 99.999 % interval: how far the truth may lie."""
    objective: float | None = None
    """None where nothing is promised of this machine."""
    samples: int = 0
    """Requests it was judged by."""
    seconds: float = 0.0
    """How long these were begun."""
    offered: float = 0.0
    """Requests a second that were to begin."""
    achieved: float = 0.0
    """Requests a second that did."""
    loop: str = "open"
    """``open`` or ``closed``."""
    by_locust: bool = False
    """True where Locust's own clients took the times."""
    hardware: str = ""
    """``amd64, 2 cores, Intel Xeon …``, as looked at in the same run; or why that is not known."""
    class_: str = ""
    """The class of `hardware.classes` that this is."""
    decision: str = "undecided"
    """``met``, ``missed`` or ``undecided``."""
    why: str = ""
    """Why it is undecided."""
    proposed: bool = False
    """True when no document states it."""
    text: str = ""
    """All of it in one line, without the objective: what a failure prints as seen."""
    expected: str = ""
    """``at most 200 ms``."""


def time_text(seconds: float) -> str:
    """A latency as it is told: three digits, and no more decimals than a histogram knows."""
    if seconds >= 3600:
        return "more than an hour"
    if seconds >= 10:
        return f"{seconds:.1f} s"
    if seconds >= 1:
        return f"{seconds:.2f} s"
    told = seconds * 1000
    return f"{told:.0f} ms" if told >= 100 else f"{told:.1f} ms" if told >= 10 else f"{told:.2f} ms"


def share_text(share: float) -> str:
    """A share as it is told."""
    told = f"{100 * share:.3g}" if share < 0.1 else f"{100 * share:.1f}"
    return f"{told}%"


def hardware_line(run: LoadRun) -> str:
    """What it was measured on, in one line: architecture, cores, name of the processor; and the class that this is."""
    machine = run.attested.machine
    if isinstance(machine, Missing):
        return f"hardware unknown: {machine.reason}"
    arch = "architecture unknown" if isinstance(machine.arch, Missing) else machine.arch
    cores = "cores unknown" if isinstance(machine.cpus, Missing) else _cores(machine.cpus)
    told = [arch, cores] + ([] if isinstance(machine.model, Missing) else [" ".join(machine.model.split())])
    emulated = () if isinstance(machine.emulated, Missing) else machine.emulated
    told += [f"emulated by {one.by}" for one in emulated[:1] if not isinstance(one, Missing)]
    return ", ".join(told) + (f" (class {run.attested.class_})" if run.attested.class_ else "")


def _cores(count: int) -> str:
    return "1 core" if count == 1 else f"{count} cores"


@dataclass(frozen=True, slots=True)
class Judged:
    """What all promised numbers have in common."""

    id: str
    path: tuple[str | int, ...]
    """Where it stands in the profile: ``slos, search, endpoints, POST /search, latency, p95``."""
    slo: Slo
    made: LoadRun | Missing
    hardware: model.Hardware | None = None
    """As the profile demands it."""
    proposed: bool = False

    @property
    def run(self) -> LoadRun:
        """The load.

        Raises:
            CouldNotLook: none was made.
        """
        return seen(self.made)

    # --- what is promised -----------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Of the load: ``slos.search``."""
        return f"slos.{self.path[1]}"

    @property
    def endpoint(self) -> str:
        """What it is promised of; empty for all requests together."""
        return str(self.path[3]) if len(self.path) > 3 and self.path[2] == "endpoints" else ""

    @property
    def of(self) -> str:
        """What it is promised of, in words."""
        return self.endpoint or "all requests"

    def promised(self, key: str, number: str = "") -> Any:
        """What holds on this machine; None where only other classes are promised anything.

        The number of its class comes first; what a class does not say is as for all.
        """
        of: list[Any] = [self.slo]
        if self.slo.classes and (own := self.slo.classes.get(self.run.attested.class_)):
            of.insert(0, own)
        for each in of:
            node = each.endpoints.get(self.endpoint) if self.endpoint else each
            found = getattr(node, key, None) if node is not None else None
            if isinstance(found, dict):
                found = found.get(number)
            if found is not None:
                return found
        return None

    # --- what it was measured by ------------------------------------------------------------------------------------

    @property
    def stream(self) -> Stream:
        """The requests it is promised of.

        Raises:
            CouldNotLook: the load made none of them.
        """
        return seen(self.run.stream(self.endpoint))

    @property
    def judged(self) -> tuple[Second, ...]:
        """The seconds that count: whole ones, after ramp and warm-up."""
        return counted_seconds(self.run, self.stream.seconds)

    @property
    def samples(self) -> int:
        """Requests that count."""
        return sum(second.right + second.failed for second in self.judged)

    def _per_second(self, count: int) -> float:
        return count / len(self.judged) if self.judged else 0.0

    # --- whether it can be compared at all --------------------------------------------------------------------------

    def other_machine(self) -> Iterator[str]:
        """Why this is not the machine that the number is promised of."""
        attested, line = self.run.attested, hardware_line(self.run)
        if self.slo.classes and attested.class_ not in self.slo.classes:
            stated = ", ".join(self.slo.classes)
            yield f"{self.name} states numbers for {stated}, and this machine is of no such class: {line}"
        if self.hardware is None or self.hardware == type(self.hardware)():
            return
        if isinstance(attested.machine, Missing):
            yield f"that of the target could not be seen: {attested.machine.reason}"
            return
        demanded = Hardware(self.hardware, attested.machine)
        for look in (_architecture, _processors, _memory):
            try:
                yield from (f"{one}" for one in look(demanded))
            except CouldNotLook as why:
                yield f"that can't be told: {why.reason}"

    def emulated(self) -> str:
        """What of the deployment ran under the emulation of another processor."""
        machine = self.run.attested.machine
        if isinstance(machine, Missing) or isinstance(machine.emulated, Missing):
            return ""
        found = [one for one in machine.emulated if not isinstance(one, Missing)]
        return f"{found[0].where} in {found[0].by}" if found else ""

    @property
    def lives(self) -> str:
        """Replicas that were replaced while the load was made."""
        watched = self.run.watched
        if isinstance(watched, Missing):
            return ""
        after = {life.replica: (life.id, life.started, life.restarts) for life in watched.after if life.running}
        gone = [was.replica for was in watched.before if after.get(was.replica) != (was.id, was.started, was.restarts)]
        return ", ".join(gone)

    def doubts(self) -> Doubts:
        """What is known of how the load was made, and of what it was made on."""
        from seatrial.latency import histograms
        from seatrial.latency.verdicts import Doubts

        made, attested = self.run.generator, self.run.attested
        lag = histograms.decode(made.lag)
        known = bool(histograms.total(lag))
        planned = self.run.planned
        every = self.run.streams[0].seconds if self.run.streams else ()
        counted = counted_seconds(self.run, every)
        begun, lasted = sum(one.right + one.failed for one in counted), len(counted)
        offered = max(sum(one.offered for one in counted), begun)
        if planned.loop == "open" and not self.run.stopped and lasted and lasted < planned.duration - 1:
            offered = round(offered * planned.duration / lasted)
        ceiling = 0.0 if isinstance(made.ceiling, Missing) else made.ceiling * max(1, made.joined)
        return Doubts(
            offered=offered,
            begun=begun,
            lag_p99=histograms.quantile(lag, 0.99) if known else 0.0,
            lag_most=histograms.quantile(lag, 1.0) if known else 0.0,
            busy=max(made.busy, default=0.0),
            load=begun / lasted / ceiling if ceiling and lasted else 0.0,
            lost=made.lost,
            noise=self.noise,
            stolen=0.0 if isinstance(attested.stolen, Missing) else attested.stolen,
            restarted=self.lives,
            hardware=next(self.other_machine(), ""),
            emulated=self.emulated(),
            stopped=self.run.stopped,
        )

    @property
    def noise(self) -> float:
        """How many times longer the same work took than when this machine is quiet; 1 when it was."""
        from seatrial.latency import verdicts

        return verdicts.noise(*self.run.attested.reference)

    # --- how it is told ---------------------------------------------------------------------------------------------

    def load_text(self) -> str:
        """The load, and what it was made on: what stands beside each number."""
        planned, seconds = self.run.planned, len(self.judged)
        visits = "" if planned.what.partition(" ")[0].isupper() else " visits"
        at = f"at {Rate(round(planned.rate, 3))}"
        at = f"by {planned.users} users" if planned.loop != "open" else at.replace("/s", f"{visits}/s")
        clock = ", timed by Locust's own client" if planned.by_locust else ""
        return f"{self.samples:,} requests in {Duration(seconds)} {at}, {planned.loop} loop{clock}; {hardware_line(self.run)}"

    def _base(self, kind: str, what: str, **more: Any) -> Told:
        offered = self._per_second(sum(second.offered for second in self.judged))
        return Told(
            id=self.id,
            slo=self.name,
            kind=kind,
            what=what,
            endpoint=self.endpoint,
            samples=self.samples,
            seconds=float(len(self.judged)),
            offered=offered,
            achieved=self._per_second(self.samples),
            loop=self.run.planned.loop,
            by_locust=self.run.planned.by_locust,
            hardware=hardware_line(self.run),
            class_=self.run.attested.class_,
            proposed=self.proposed,
            **more,
        )

    def _with(self, base: Told, made: Decision, objective: float | None) -> Told:
        """What was decided, as it is told."""
        told = replace(
            base,
            seen=made.seen,
            bounds=made.bounds.pair if made.bounds else None,
            interval=made.interval.pair if made.interval else None,
            decision=made.word,
            why=made.why if made.word == "undecided" else "",
        )
        if objective is not None:
            return told
        class_ = self.run.attested.class_
        why = f"nothing of the kind is promised of {f'class {class_}' if class_ else 'this machine'}"
        return replace(told, decision="undecided", why=next(self.other_machine(), why))

    @property
    def told(self) -> Told:
        """All of it.

        Raises:
            CouldNotLook: there was no such load.
        """
        raise NotImplementedError

    @property
    def missed(self) -> list[Finding]:
        """The objective, when it was missed.

        Raises:
            CouldNotLook: that can't be decided, and why.
        """
        told = self.told
        if told.decision == "undecided":
            raise CouldNotLook(f"{told.what} can't be decided: {told.why} ({self.load_text()})")
        return [Finding(told.what, told.text, told.expected)] if told.decision == "missed" else []


def counted_seconds(run: LoadRun, seconds: tuple[Second, ...]) -> tuple[Second, ...]:
    """The seconds of a stream that count: whole ones, after ramp and warm-up."""
    begin = run.planned.judged_from
    end = begin + run.planned.duration
    return tuple(one for one in seconds if one.at >= begin - 1e-6 and one.at + 1 <= end + 0.5)


def _architecture(demanded: Hardware) -> list[Finding]:
    found: list[Finding] = demanded.other_architecture if demanded.declared.arch else []
    return found


def _processors(demanded: Hardware) -> list[Finding]:
    found: list[Finding] = demanded.too_few_cpus if demanded.declared.cpus else []
    return found


def _memory(demanded: Hardware) -> list[Finding]:
    found: list[Finding] = demanded.too_little_memory if demanded.declared.memory else []
    return found
