"""One number that is promised of a load, beside what was measured: what it is called, what holds here, and how it is told.

Whoever prints an objective prints its `Told`; nothing of a verdict is worked out anywhere else.

Three things must be so before a number is compared at all. The machine is the one that the number is promised of. What made the load
kept up with it, so that its own limits are not taken for the target's. And the machine was quiet enough: what it took
longer for the same piece of work widens every interval by as much, which leaves a number that is far from its objective decided.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from seatrial.facts.hardware import Hardware
from seatrial.facts.loads.run import LoadRun, Second, Stream
from seatrial.words import CouldNotLook, Duration, Finding, Missing, Rate, seen

if TYPE_CHECKING:
    from seatrial.profile import model
    from seatrial.profile.objectives import Slo

__all__ = ["ACHIEVED", "BUSIEST", "Judged", "Told", "hardware_line", "share_text", "time_text"]

BUSIEST = 0.8
"""Share of a core, or of its calibrated ceiling, from which on the generator may be what is slow."""
ACHIEVED = 0.99
"""Share of the promised rate that must have been offered."""
STOLEN = 0.05
"""Share of processor time that a hypervisor may give to others."""
QUIET = 1.05
"""How many times longer a fixed piece of work may take without any doubt about the machine."""


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
    """The 99.99 % interval: how far the truth may lie."""
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
        planned = self.run.planned
        end = planned.judged_from + planned.duration
        return tuple(
            second
            for second in self.stream.seconds
            if second.at >= planned.judged_from - 1e-6 and second.at + 1 <= end + 0.5
        )

    @property
    def samples(self) -> int:
        """Requests that count."""
        return sum(second.right + second.failed for second in self.judged)

    def _per_second(self, count: int) -> float:
        return count / len(self.judged) if self.judged else 0.0

    # --- whether it can be compared at all --------------------------------------------------------------------------

    def unfit(self) -> Iterator[str]:
        """Why nothing can be decided by this run, whatever it measured."""
        yield from self._other_machine()
        yield from self._generator()

    def _other_machine(self) -> Iterator[str]:
        attested, line = self.run.attested, hardware_line(self.run)
        if self.slo.classes and attested.class_ not in self.slo.classes:
            stated = ", ".join(self.slo.classes)
            yield f"{self.name} states numbers for {stated}, and this machine is of no such class: {line}"
        if self.hardware is None or self.hardware == type(self.hardware)():
            if not isinstance(attested.machine, Missing):
                yield from _emulated(attested.machine)
            return
        if isinstance(attested.machine, Missing):
            yield f"the profile demands hardware, and that of the target could not be seen: {attested.machine.reason}"
            return
        yield from _emulated(attested.machine)
        demanded = Hardware(self.hardware, attested.machine)
        for look in (_architecture, _processors, _memory):
            try:
                yield from (f"this is not the hardware that the profile demands: {one}" for one in look(demanded))
            except CouldNotLook as why:
                yield f"whether this is the hardware that the profile demands can't be told: {why.reason}"

    def _generator(self) -> Iterator[str]:
        made, planned = self.run.generator, self.run.planned
        if made.lost:
            yield f"{made.lost} of {made.joined + made.lost} processes that made the load were lost"
        if made.busy and max(made.busy) > BUSIEST:
            yield f"the generator used {max(made.busy):.0%} of a core: what is slow may be the generator"
        every = self.run.streams[0].seconds if self.run.streams else ()
        end = planned.judged_from + planned.duration
        counted = [one for one in every if planned.judged_from <= one.at and one.at + 1 <= end + 0.5]
        begun = sum(one.right + one.failed for one in counted) / len(counted) if counted else 0.0
        if not isinstance(made.ceiling, Missing):
            most = made.ceiling * max(1, made.joined)
            if begun > BUSIEST * most:
                yield f"{begun:.0f} requests/s are near the {most:.0f}/s that the generator can make at all"
        if not self.run.stopped and len(counted) < planned.duration - 1:
            yield f"the load lasted {len(counted)} of the {planned.duration:g} seconds that are to be judged"
        if planned.loop == "open":
            offered = sum(one.offered for one in counted)
            if offered and sum(one.right + one.failed for one in counted) < ACHIEVED * offered:
                answered = sum(one.right + one.failed for one in counted)
                yield f"only {answered:,} of {offered:,} requests were made: the load was less than what is promised"

    @property
    def noise(self) -> float:
        """How many times longer the same work may have taken during the load than when this machine is quiet; 1 when it was quiet.

        The same fixed work was timed before and after, several times over. By how much its median changed, or how much longer
        its typical slow time is than its fastest in one sitting, is how much of a latency may be the machine's doing.
        """
        factor = 1.0
        sittings = [sorted(each) for each in self.run.attested.reference if each]
        if len(sittings) == 2:
            medians = [statistics.median(each) for each in sittings]
            factor = max(medians) / min(medians)
        stolen = self.run.attested.stolen
        if not isinstance(stolen, Missing) and stolen > STOLEN:
            factor *= 1 / max(0.01, 1 - stolen)
        return factor if factor > QUIET else 1.0

    def loud(self) -> str:
        """What was noisy, in words."""
        told = []
        sittings = [each for each in self.run.attested.reference if each]
        if len(sittings) == 2:
            before, after = (statistics.median(each) for each in sittings)
            told.append(f"a fixed piece of work took {time_text(before)} before and {time_text(after)} after")
        stolen = self.run.attested.stolen
        if not isinstance(stolen, Missing) and stolen > STOLEN:
            told.append(f"a hypervisor gave {share_text(stolen)} of the processors' time to others")
        return "; ".join(told)

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

    def _decided(self, base: Told, decision: str) -> Told:
        """The decision, unless this run can't carry any. One that was ended early can only tell that something was missed."""
        if why := next(self.unfit(), ""):
            return self._undecided(base, why)
        if self.run.stopped and decision == "met":
            return self._undecided(base, f"the load was ended before its time: {self.run.stopped}")
        return replace(base, decision=decision)

    def _undecided(self, base: Told, why: str) -> Told:
        return replace(base, decision="undecided", why=next(self.unfit(), why))

    def _of_another_class(self) -> str:
        class_ = self.run.attested.class_
        return f"nothing of the kind is promised of {f'class {class_}' if class_ else 'this machine'}"

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
            raise CouldNotLook(f"{told.what} can't be decided: {told.why}")
        return [Finding(told.what, told.text, told.expected)] if told.decision == "missed" else []


def _emulated(machine: Any) -> Iterator[str]:
    if not isinstance(machine.emulated, Missing):
        for one in machine.emulated:
            if not isinstance(one, Missing):
                yield f"{one.where} runs in {one.by}: under emulation nothing is promised"
                return


def _architecture(demanded: Hardware) -> list[Finding]:
    found: list[Finding] = demanded.other_architecture if demanded.declared.arch else []
    return found


def _processors(demanded: Hardware) -> list[Finding]:
    found: list[Finding] = demanded.too_few_cpus if demanded.declared.cpus else []
    return found


def _memory(demanded: Hardware) -> list[Finding]:
    found: list[Finding] = demanded.too_little_memory if demanded.declared.memory else []
    return found
