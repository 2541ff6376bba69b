"""Latency, errors and throughput of a load, each beside its objective; `latency.verdicts` decides.

Of latency only what was answered as declared counts, timed from when it was meant to begin; how long failures took is another
histogram. That must not make a number better by failing: where more failed than a quantile leaves (5 % beside p95), the
quantile was missed, however fast the rest was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seatrial.facts.loads.judged import Judged, Told, share_text, time_text
from seatrial.words import Rate

if TYPE_CHECKING:
    from seatrial.latency.intervals import Interval

__all__ = ["ErrorObjective", "LatencyObjective", "ThroughputObjective"]

TO_A_HUNDREDTH = 0.99
"""How exactly a rate is offered: what is to be answered of it is counted no more exactly."""


@dataclass(frozen=True, slots=True)
class LatencyObjective(Judged):
    """One quantile of latency."""

    @property
    def quantile(self) -> float:
        """0.95 of ``p95``."""
        return round(float(str(self.path[-1]).lstrip("p")) / 100, 6)

    @property
    def told(self) -> Told:
        """The quantile, how far the truth may be from it, and what follows."""
        from seatrial.latency import intervals, verdicts

        promised = self.promised("latency", str(self.path[-1]))
        objective = None if promised is None else promised.seconds
        base = self._base("latency", f"{self.path[-1]} of {self.of}", quantile=self.quantile, objective=objective)
        base = replace(base, expected="" if objective is None else f"at most {_promise(objective)}")
        known = intervals.series([second.latency for second in self.judged])
        failed = [float(second.failed) for second in self.judged]
        made = verdicts.latency(known, self.quantile, objective or 1.0, self.doubts(), failed=failed)
        base = self._with(base, made, objective)
        lost, all_of_them = sum(failed), known.total + sum(failed)
        if not known.total:
            return replace(base, text=f"none of {lost:,.0f} requests was answered as declared ({self.load_text()})")
        bounds = intervals.quantile(known, self.quantile)
        far = intervals.quantile(known, self.quantile, confidence=intervals.TOLD)
        few = f"; {share_text(lost / all_of_them)} of all failed" if lost else ""
        text = f"{time_text(bounds.seen)} (95%: {_times(bounds)}; 99.999%: {_times(far)}; {self.load_text()}{few})"
        if lost > (1 - self.quantile) * all_of_them:
            text = (
                f"{share_text(lost / all_of_them)} of requests failed, more than the {share_text(1 - self.quantile)} that "
                f"{self.path[-1]} leaves; of the others {text}"
            )
        return replace(base, seen=bounds.seen, bounds=bounds.pair, interval=far.pair, text=text)


@dataclass(frozen=True, slots=True)
class ErrorObjective(Judged):
    """The share of requests that failed."""

    @property
    def told(self) -> Told:
        """The share, how far the truth may be from it, and what follows."""
        from seatrial.latency import verdicts

        promised = self.promised("errors")
        objective = None if promised is None else promised.value
        base = self._base("errors", f"errors of {self.of}", unit="share", objective=objective)
        base = replace(base, expected="" if objective is None else f"at most {share_text(objective)}")
        failed = [float(second.failed) for second in self.judged]
        each = [float(second.right + second.failed) for second in self.judged]
        made = verdicts.errors(failed, each, 1.0 if objective is None else objective, self.doubts())
        base = self._with(base, made, objective)
        if made.bounds is None or made.interval is None:
            return base
        kinds = sorted(self.stream.errors.items(), key=lambda kind: -kind[1])
        which = "; " + ", ".join(f"{count:,} {kind}" for kind, count in kinds[:5]) if kinds else ""
        text = (
            f"{share_text(made.bounds.seen)}, {sum(failed):,.0f} of {sum(each):,.0f} (95%: {_shares(made.bounds)}; 99.999%: "
            f"{_shares(made.interval)}; {self.load_text()}{which})"
        )
        return replace(base, text=text)


@dataclass(frozen=True, slots=True)
class ThroughputObjective(Judged):
    """Requests a second that were answered as declared, counted when their answers came."""

    @property
    def told(self) -> Told:
        """The rate, how far the truth may be from it, and what follows."""
        from seatrial.latency import verdicts

        promised = self.promised("throughput")
        objective = None if promised is None else promised.per_second
        base = self._base("throughput", f"throughput of {self.of}", unit="per second", objective=objective)
        base = replace(base, expected="" if objective is None else f"at least {Rate(round(objective, 3))}")
        answered = self._answered()
        wanted, doubts = objective or 1.0, self.doubts()
        # Of as much as is offered, a hundredth is how exactly that is done; more than is offered can't be answered.
        offered = base.offered if self.run.planned.loop == "open" else 0.0
        if offered and wanted <= offered / TO_A_HUNDREDTH:
            wanted = min(wanted, TO_A_HUNDREDTH * offered)
        of_this = len(self.judged) * offered
        made = verdicts.throughput(
            answered, wanted, replace(doubts, offered=round(of_this), begun=max(doubts.begun, round(of_this)))
        )
        base = self._with(base, made, objective)
        if made.bounds is None or made.interval is None:
            return base
        offered_text = f"{_rate(base.offered)} were offered; " if offered else ""
        text = f"{_rate(made.bounds.seen)} (95%: {_rates(made.bounds)}; 99.999%: {_rates(made.interval)}; {offered_text}{self.load_text()})"
        return replace(base, text=text)

    def _answered(self) -> list[float]:
        """Right answers of each judged second, by when they came: what is answered after the end was not answered in time."""
        from seatrial.latency import histograms

        counted = self.judged
        if not counted:
            return []
        first, last = counted[0].at, counted[-1].at
        came = dict.fromkeys(range(first, last + 1), 0.0)
        for second in self.stream.seconds:
            for micro, count in histograms.counts(histograms.decode(second.latency)).items():
                # Begun at some time of its second, so that its answer came somewhere in a span of a second.
                whole, part = divmod(second.at + micro / 1e6, 1.0)
                for at, some in ((int(whole), 1 - part), (int(whole) + 1, part)):
                    if at in came:
                        came[at] += count * some
        return list(came.values())


def _promise(seconds: float) -> str:
    """An objective, in the words it is written in."""
    from seatrial.words import Duration

    told = str(Duration(round(seconds, 6)))
    return told.replace("ms", " ms") if told.endswith("ms") else told


def _times(interval: Interval) -> str:
    if not interval.bounded:
        return f"{time_text(interval.low)} or more"
    low, high = time_text(interval.low), time_text(interval.high)
    unit = high.rpartition(" ")[2]
    return f"{low.removesuffix(f' {unit}')} to {high}"


def _shares(interval: Interval) -> str:
    return f"{share_text(interval.low)} to {share_text(interval.high)}"


def _rate(per_second: float) -> str:
    return f"{Rate(round(per_second, 1))}"


def _rates(interval: Interval) -> str:
    return f"{_rate(interval.low).removesuffix('/s')} to {_rate(interval.high)}"
