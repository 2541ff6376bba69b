"""One step of a search: a load of the objective's kind at another rate, judged as any load is, and a rest after it.

What keeps a load off a target keeps each step off it: the window, `max_rate`, `max_requests` over all steps together, what costs money, and
what ends a load early. A target that was started anew, or did not come back to its senses, ends the search.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from seatrial.experiments import _probes
from seatrial.experiments._loading import run_load
from seatrial.facts.loads.numbers_judged import ErrorObjective, LatencyObjective
from seatrial.words import CouldNotLook, Duration, Missing, Rate

if TYPE_CHECKING:
    from seatrial.capacity.searching import Tried
    from seatrial.experiments._bench import Bench
    from seatrial.facts.loads.judged import Told
    from seatrial.facts.loads.run import LoadRun
    from seatrial.load.plan import LoadPlan
    from seatrial.profile.objectives import Slo

__all__ = ["JUDGED", "Ended", "Step", "Steps", "judge", "needed"]

JUDGED = {"latency_objective": LatencyObjective, "error_objective": ErrorObjective}
"""What a rate has to meet. Throughput and memory are no question of a rate: one is the rate, the other takes time."""
WARM_UP = 1.0
"""Seconds of each step that are not judged, at least: connections are opened, pools are filled."""
RAMP = 2.0
"""Seconds of its ramp, at most: every step but the first comes to a target that is warm."""
AS_BEFORE = 3
"""How many times as long as before a probe may take, and how often in a row, for the target to be as it was."""
LATER = 0.05
"""Seconds that it may take longer, whatever it took before."""
REST = 60.0
"""Seconds that the target is waited for."""
PAUSE = 2.0
"""Seconds of rest where nothing can be asked."""
MOST_STEPS = 40
AT_LEAST = 4
"""Seconds by which a queue that grows is told."""
ENOUGH = 4
"""How many times the least number of answers that can bound a quantile is asked for: neighbours fare alike, and count for less."""
CLEAN = 4.0
"""How many failures a share of errors would have brought, for none of them to show it."""
LONGER = 6
"""How many times as long as asked for a step is made for that, at most."""


class Ended(Exception):
    """The search ends here, and why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One load at one rate."""

    number: int
    rate: float
    word: str
    why: str
    rows: tuple[Told, ...]
    """Each number that is promised, as it was judged."""
    began: str
    requests: int
    seconds: float
    """That were judged."""
    stopped: str = ""

    @property
    def row(self) -> Told | None:
        """The number that decides, or comes nearest to it: the one with the least room to its objective."""
        told = [row for row in self.rows if row.seen is not None and row.objective is not None]
        ordered = sorted(told, key=lambda row: -_used(row))
        return next((row for row in ordered if row.decision == self.word), ordered[0] if ordered else None)


def _used(row: Told) -> float:
    """How much of its objective a number uses up."""
    return (row.seen or 0.0) / row.objective if row.objective else float(bool(row.seen))


def judge(bench: Bench, name: str, run: LoadRun) -> tuple[Told, ...]:
    """Each number that is promised of latency and errors, beside what was measured; those of other classes are left out."""
    from seatrial.profile.nouns.objectives import NOUNS

    found: list[Told] = []
    for noun, judged in JUDGED.items():
        for subject in NOUNS[noun].find(bench.profile):
            if subject.path[1] == name:
                one = judged(subject.id, subject.path, subject.node, run, bench.profile.hardware, subject.proposed)
                try:
                    told = one.told
                except CouldNotLook as why:  # an endpoint that this load did not ask
                    raise Ended(why.reason) from None
                if told.decision == "undecided" and isinstance(one, LatencyObjective) and (grows := behind(one, told)):
                    told = replace(told, decision="missed", why=grows)
                if told.objective is not None:
                    found.append(told)
    return tuple(found)


def behind(one: LatencyObjective, told: Told) -> str:
    """Why a rate is missed although its interval is wide: requests come faster than they are answered, so that a queue grows.

    Latency then has no quantile that a longer step would come closer to; it grows with the step. What shows it is that of each
    second of the latter half more requests took too long, or failed, than the quantile leaves, and no fewer of them at the end than
    at the beginning. A machine that is not quiet, or a generator that was late, is allowed for as in every verdict.
    """
    from seatrial.latency import histograms, verdicts

    seconds = [second for second in one.judged if second.right + second.failed]
    if len(seconds) < AT_LEAST or told.objective is None:
        return ""
    lag = histograms.decode(one.run.generator.lag)
    late = histograms.quantile(lag, 0.99) if histograms.total(lag) else 0.0
    most = told.objective * one.noise**verdicts.QUEUE + late
    shares = [_beyond(second.latency, most, second.right, second.failed) for second in seconds]
    half, third = shares[len(shares) // 2 :], max(1, len(shares) // 3)
    if min(half) <= 1 - one.quantile or statistics.mean(shares[-third:]) < statistics.mean(shares[:third]):
        return ""
    return (
        f"it does not keep up: in each of the last {len(half)} seconds {_at_least(min(half))} requests took longer than "
        f"{Duration(round(told.objective, 6))}, or failed, and no fewer at the end than at the beginning"
    )


def _at_least(share: float) -> str:
    return "all" if share > 0.995 else f"{100 * share:.0f}% or more of the"


def _beyond(latency: str, most: float, right: int, failed: int) -> float:
    """Share of a second's requests that took longer, or failed."""
    from seatrial.latency import histograms

    slow = sum(count for micro, count in histograms.counts(histograms.decode(latency)).items() if micro / 1e6 > most)
    return (slow + failed) / (right + failed)


def _word(rows: tuple[Told, ...], run: LoadRun, slo: Slo) -> tuple[str, str]:
    """What all numbers of a step come to."""
    missed = next((row for row in rows if row.decision == "missed"), None)
    if missed is not None:
        return "missed", missed.why
    if run.stopped and _failing(run, slo):
        return "missed", f"the load was ended: {run.stopped}"
    unclear = next((row for row in rows if row.decision != "met"), None)
    if unclear is not None:
        return "undecided", unclear.why
    return ("met", "") if rows else ("undecided", "nothing of latency or errors is promised on this class of hardware")


def _failing(run: LoadRun, slo: Slo) -> bool:
    """Whether a load that was ended early was ended because requests failed, or its target did."""
    seconds = run.streams[0].seconds if run.streams else ()
    answered, failed = (
        (sum(part) for part in zip(*((one.right + one.failed, one.failed) for one in seconds), strict=True))
        if seconds
        else (0, 0)
    )
    return died(run) != "" or (failed > 0 and failed >= 0.5 * slo.stop_at.value * answered)


def died(run: LoadRun) -> str:
    """What became of the target meanwhile, when it was started anew or ended; else empty."""
    if isinstance(run.watched, Missing):
        return ""
    before = {one.replica: (one.id, one.started) for one in run.watched.before}
    after = {one.replica: (one.id, one.started) for one in run.watched.after}
    return f"{run.service} was started anew, or ended, under load" if before != after else ""


def needed(slo: Slo) -> int:
    """Answers that it takes to tell the numbers of an objective: its highest quantile, and its smallest share of errors."""
    from seatrial.latency import intervals

    each = [slo, *slo.endpoints.values(), *slo.classes.values()]
    each += [one for of in slo.classes.values() for one in of.endpoints.values()]
    counts = [ENOUGH * intervals.needed(float(name.lstrip("p")) / 100) for one in each for name in one.latency]
    counts += [math.ceil(CLEAN / one.errors.value) for one in each if one.errors is not None and one.errors.value]
    return max(counts, default=0)


@dataclass(slots=True)
class Steps:
    """The steps of one search, made one after the other."""

    bench: Bench
    name: str
    slo: Slo
    plan: LoadPlan
    duration: float
    ceiling: float | Missing
    made: list[Step] = field(default_factory=list)
    requests: int = 0
    run: LoadRun | None = None
    """The last one, for the hardware it was attested on."""
    notes: list[str] = field(default_factory=list)
    before: dict[str, float] = field(default_factory=dict)
    needed: int = 0
    """Answers that it takes to tell what is promised."""

    def lasts(self, rate: float) -> float:
        """Seconds of a step: longer where the rate is so low that its quantiles would not be told, and where it was undecided."""
        seconds = max(self.duration, min(self.needed / rate, LONGER * self.duration))
        again = bool(self.made) and self.made[-1].rate == rate and self.made[-1].word == "undecided"
        return round(2 * seconds if again else seconds, 1)

    def at(self, rate: float) -> LoadPlan:
        """The load at a rate.

        Raises:
            Ended: it would be more requests than are left.
        """
        plan = replace(
            self.plan,
            rate=rate,
            users=0,
            ramp=min(self.plan.ramp, RAMP),
            warm_up=max(WARM_UP, min(self.plan.warm_up, self.duration / 2)),
            duration=self.lasts(rate),
        )
        each = sum(1 for call in plan.calls if not call.undo) or 1
        wanted = round(rate * (plan.lasts - plan.ramp / 2) * each)
        if self.plan.max_requests:
            left = self.plan.max_requests - self.requests
            if wanted > left:
                raise Ended(
                    f"max_requests of {plan.name} is {self.plan.max_requests} over all steps: {self.requests} were made, and "
                    f"{Rate(round(rate, 2))} would take {wanted} more"
                )
            plan = replace(plan, max_requests=left)
        return plan

    def make(self, rate: float) -> Step:
        """One step.

        Raises:
            Ended: no further one may be made.
            CouldNotLook: this one could not be.
        """
        if len(self.made) >= MOST_STEPS:
            raise Ended(f"{MOST_STEPS} steps were made")
        plan = self.at(rate)
        if not self.before:
            self.before = self.probes()
        elif why := self.rest():
            raise Ended(why)
        run = self.run = run_load(self.bench, self.name, plan, ceiling=self.ceiling)
        if run.planned.loop != "open" or run.planned.by_locust:
            raise CouldNotLook(
                f"{run.planned.what} offers no rate, as its requests are made by Locust's own clients: write it with JourneyUser"
            )
        requests = sum(one.right + one.failed for one in run.streams[0].seconds) if run.streams else 0
        self.requests += requests
        rows = judge(self.bench, self.name, run)
        word, why = _word(rows, run, self.slo)
        step = Step(len(self.made) + 1, rate, word, why, rows, run.began, requests, plan.duration, run.stopped)
        self.made.append(step)
        return step

    def after(self) -> str:
        """Why no further step is made after the last one; empty when there may be one."""
        return died(self.run) if self.run is not None else ""

    def tried(self) -> list[Tried]:
        """All steps, as the search knows them."""
        from seatrial.capacity.searching import Tried

        return [Tried(step.rate, step.word, step.why) for step in self.made]

    # --- rest -------------------------------------------------------------------------------------------------------

    def _asked(self) -> Iterator[tuple[str, bool, float, str]]:
        """Each probe of the service at its front, once: whether it was right, how long it took, and what was wrong."""
        session, service = self.bench.session, self.bench.service(self.slo.service)
        for kind in ("liveness", "readiness", "health"):
            check = getattr(service, kind)
            if check is not None and service.url is not None:
                from seatrial.drivers import http

                sample = _probes.sampled(session, service, kind, check, http.base_of(session, service))()
                yield kind, sample.ok, sample.seconds, sample.failure or f"HTTP {sample.status}"

    def probes(self) -> dict[str, float]:
        """How long each probe takes before anything is done."""
        found: dict[str, list[float]] = {}
        for _ in range(5):
            for kind, ok, seconds, why in self._asked():
                if not ok:
                    raise CouldNotLook(
                        f"the search was not begun: {kind} of {self.slo.service} is not as declared before anything is done: {why}"
                    )
                found.setdefault(kind, []).append(seconds)
        return {kind: statistics.median(each) for kind, each in found.items()} or {"": 0.0}

    def rest(self) -> str:
        """Leave the target alone until its probes answer as before; why they do not, when time is up."""
        if "" in self.before:
            time.sleep(PAUSE)
            return ""
        end = time.monotonic() + REST
        row, why = 0, ""
        while row < AS_BEFORE:
            wrong = ""
            for kind, ok, seconds, said in self._asked():
                most = max(AS_BEFORE * self.before[kind], self.before[kind] + LATER)
                if not ok or seconds > most:
                    took = f"took {Duration(round(seconds, 3))}, and {Duration(round(self.before[kind], 4))} before"
                    wrong = f"{kind} {took if ok else f'is not as declared: {said}'}"
            row, why = (0, wrong) if wrong else (row + 1, why)
            if time.monotonic() > end:
                return f"{self.slo.service} was not as before {Duration(REST)} after a step: {why}"
            time.sleep(0.25)
        return ""
