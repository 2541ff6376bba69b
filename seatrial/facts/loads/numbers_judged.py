"""Latency, errors and throughput of a load, each beside its objective.

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

LAG = 0.1
"""Share of a latency objective that the generator itself may come too late to one in a hundred requests."""
TO_A_HUNDREDTH = 0.99
"""How exactly a rate is offered: what is to be answered of it is counted no more exactly."""
ENOUGH = 1e-9


@dataclass(frozen=True, slots=True)
class LatencyObjective(Judged):
    """One quantile of latency."""

    @property
    def quantile(self) -> float:
        """0.95 of ``p95``."""
        return float(str(self.path[-1]).lstrip("p")) / 100

    @property
    def told(self) -> Told:
        """The quantile, how far the truth may be from it, and what follows."""
        from seatrial.latency import intervals

        promised = self.promised("latency", str(self.path[-1]))
        objective = None if promised is None else promised.seconds
        base = self._base("latency", f"{self.path[-1]} of {self.of}", quantile=self.quantile, objective=objective)
        known = intervals.series([second.latency for second in self.judged])
        right, failed = known.total, sum(second.failed for second in self.judged)
        if not right and not failed:
            return self._undecided(base, "no request was made in the time that is judged")
        expected = "" if objective is None else f"at most {_promise(objective)}"
        base = replace(base, expected=expected)
        if not right:
            text = f"none of {failed:,} requests was answered as declared ({self.load_text()})"
            return self._decided(replace(base, text=text), "missed")
        bounds = intervals.quantile(known, self.quantile)
        told = intervals.quantile(known, self.quantile, confidence=intervals.TOLD)
        few = f"; {share_text(failed / (right + failed))} of all failed" if failed else ""
        base = replace(
            base,
            seen=bounds.seen,
            bounds=bounds.pair,
            interval=told.pair,
            text=(f"{time_text(bounds.seen)} (95%: {_times(bounds)}; 99.99%: {_times(told)}; {self.load_text()}{few})"),
        )
        if objective is None:
            return self._undecided(base, self._of_another_class())
        left = 1 - self.quantile
        if failed > left * (right + failed):
            share = intervals.share(
                [float(second.failed) for second in self.judged],
                [float(second.right + second.failed) for second in self.judged],
            )
            least = f"{share_text(failed / (right + failed))} of requests failed, more than the {share_text(left)} that {self.path[-1]} leaves"
            base = replace(base, text=f"{least}; of the others {base.text}")
            return self._decided(base, "missed") if share.low > left else self._undecided(base, least)
        lag = self._late(objective)
        if lag:
            return self._undecided(base, lag)
        return self._compared(base, bounds, objective)

    def _compared(self, base: Told, bounds: Interval, objective: float) -> Told:
        """Decide by the bounds, and by what noise makes of them."""
        noise = self.noise
        low, high = bounds.low / noise, bounds.high * noise if bounds.bounded else float("inf")
        if high <= objective * (1 + ENOUGH):
            return self._decided(base, "met")
        if low > objective:
            return self._decided(base, "missed")
        within = bounds.high <= objective if bounds.bounded else False
        if within or bounds.low > objective:
            return self._undecided(base, f"{base.text}: this machine was not quiet: {self.loud()}")
        if not bounds.bounded:
            from seatrial.latency import intervals

            least = intervals.needed(self.quantile)
            return self._undecided(
                base,
                f"{bounds.samples:,} answers do not bound {self.path[-1]} from above; it takes {least:,} at least: {base.text}",
            )
        return self._undecided(base, f"{_promise(objective)} lies within what it may be: {base.text}")

    def _late(self, objective: float) -> str:
        """Why the generator itself was too late, when it was."""
        from seatrial.latency import histograms

        lag = histograms.decode(self.run.generator.lag)
        if not histograms.total(lag):
            return ""
        late = histograms.quantile(lag, 0.99)
        if late <= LAG * objective:
            return ""
        return (
            f"one in a hundred requests was begun {time_text(late)} late or later, more than a tenth of {_promise(objective)}: "
            "the generator had no time"
        )


@dataclass(frozen=True, slots=True)
class ErrorObjective(Judged):
    """The share of requests that failed."""

    @property
    def told(self) -> Told:
        """The share, how far the truth may be from it, and what follows."""
        from seatrial.latency import intervals

        promised = self.promised("errors")
        objective = None if promised is None else promised.value
        base = self._base("errors", f"errors of {self.of}", unit="share", objective=objective)
        failed = [float(second.failed) for second in self.judged]
        each = [float(second.right + second.failed) for second in self.judged]
        if not sum(each):
            return self._undecided(base, "no request was made in the time that is judged")
        bounds = intervals.share(failed, each)
        told = intervals.share(failed, each, confidence=intervals.TOLD)
        kinds = sorted(self.stream.errors.items(), key=lambda kind: -kind[1])
        which = "; " + ", ".join(f"{count:,} {kind}" for kind, count in kinds[:5]) if kinds else ""
        base = replace(
            base,
            seen=bounds.seen,
            bounds=bounds.pair,
            interval=told.pair,
            expected="" if objective is None else f"at most {share_text(objective)}",
            text=(
                f"{share_text(bounds.seen)}, {sum(failed):,.0f} of {sum(each):,.0f} (95%: {_shares(bounds)}; 99.99%: "
                f"{_shares(told)}; {self.load_text()}{which})"
            ),
        )
        if objective is None:
            return self._undecided(base, self._of_another_class())
        if bounds.high <= objective + ENOUGH:
            return self._decided(base, "met")
        if bounds.low > objective:
            return self._decided(base, "missed")
        if not sum(failed):
            return self._undecided(
                base,
                f"none of {sum(each):,.0f} requests failed, and so few do not tell {share_text(objective)}: {base.text}",
            )
        return self._undecided(base, f"{share_text(objective)} lies within what it may be: {base.text}")


@dataclass(frozen=True, slots=True)
class ThroughputObjective(Judged):
    """Requests a second that were answered as declared, counted when their answers came."""

    @property
    def told(self) -> Told:
        """The rate, how far the truth may be from it, and what follows."""
        from seatrial.latency import intervals

        promised = self.promised("throughput")
        objective = None if promised is None else promised.per_second
        base = self._base("throughput", f"throughput of {self.of}", unit="per second", objective=objective)
        answered = self._answered()
        if len(answered) < intervals.SHORTEST:
            return self._undecided(base, f"{len(answered)} seconds are too few to tell a rate")
        bounds, told = intervals.rate(answered), intervals.rate(answered, confidence=intervals.TOLD)
        base = replace(
            base,
            seen=bounds.seen,
            bounds=bounds.pair,
            interval=told.pair,
            expected="" if objective is None else f"at least {Rate(round(objective, 3))}",
            text=(
                f"{_rate(bounds.seen)} (95%: {_rates(bounds)}; 99.99%: {_rates(told)}; {_rate(base.offered)} were offered; "
                f"{self.load_text()})"
            ),
        )
        if objective is None:
            return self._undecided(base, self._of_another_class())
        if self.run.planned.loop == "open":
            if objective > base.offered / TO_A_HUNDREDTH:
                return self._undecided(
                    base,
                    f"{_rate(base.offered)} were offered, so that {Rate(round(objective, 3))} could not be answered",
                )
            objective = min(objective, TO_A_HUNDREDTH * base.offered)
        if bounds.low >= objective * (1 - ENOUGH):
            return self._decided(base, "met")
        if bounds.high < objective:
            return self._compared_noisy(base, bounds.high, objective)
        return self._undecided(base, f"{base.expected} lies within what it may be: {base.text}")

    def _compared_noisy(self, base: Told, high: float, objective: float) -> Told:
        if high * self.noise < objective:
            return self._decided(base, "missed")
        return self._undecided(base, f"{base.text}: this machine was not quiet: {self.loud()}")

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
