"""Met, missed, or not to be decided: an objective beside what was measured, and what may be wrong with the measurement.

An objective is met when the 95 % bounds of what was measured lie within it, missed when they lie beyond, and undecided when it
lies between them. Then each doubt is asked what it can do to that:

=====================================  ==============  ====================================================================
doubt                                  makes it look   so it undoes
=====================================  ==============  ====================================================================
other hardware than declared           either way      both: the numbers are of another machine
emulated processor                     either way      both
target restarted meanwhile             either way      both: what was measured is not one target; but not errors for which
                                                       the load was ended (a target that dies under load has missed them)
generator late (p99 of its lag over    slower, and     both; but not a miss that lies beyond the objective by more than
a tenth of the objective), over 80 %   the load is     twice the longest lag, as no lag explains it
of its cores, or of its ceiling        another one
less than 99 % of the load was made,   faster          met
workers were lost, load ended early
machine not quiet, time stolen         slower          missed, unless it lies beyond by more than the third power of how much
                                                       slower the machine was (a queue multiplies it); met, unless so
                                                       much slower would be within the objective too
not yet warm when judging began        either way      whatever the settled rest alone does not confirm
drift or shift upwards                 faster          met, where it would come to the objective if it went on as long again
drift or shift downwards               slower          missed, where it has come, or would come, to the objective
too few requests for the quantile      faster          met (there is no upper bound), never missed
less than five seconds judged          either way      both: nothing tells how one second differs from the next
=====================================  ==============  ====================================================================

Errors are not moved by lag, noise and trends of latency. Throughput is moved by everything that makes things look slower. What moves
neither met nor missed is not asked. Two intervals are told: the bounds, and at 99.999 % how far the truth may lie: a target that is truly
worse than its objective by half of that never meets it, and one better by as much nearly always does.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from seatrial.latency import intervals, trends
from seatrial.latency.intervals import BOUNDS, TOLD, Interval, Series

__all__ = ["Decision", "Doubts", "errors", "latency", "noise", "throughput"]

LAG = 0.1
BUSY = 0.8
ACHIEVED = 0.99
QUIET = 1.1
"""How much slower the same work may be before and after, or from one time to the next, on a quiet machine."""
STOLEN = 0.01
QUEUE = 3
DYING = 0.2
"""Share of failures over the last ten seconds."""
EXACT = 1e-9

MET, MISSED, UNDECIDED = "met", "missed", "undecided"


@dataclass(frozen=True, slots=True)
class Doubts:
    """What is known of how a load was made; what is left out gives no doubt."""

    offered: int = 0
    """Requests that were to begin in the judged time, and those that did."""
    begun: int = 0
    lag_p99: float = 0.0
    """Dispatch lag of the generator, in seconds."""
    lag_most: float = 0.0
    busy: float = 0.0
    """Share of its core that the busiest process used."""
    load: float = 0.0
    """Requests a second of each process, by what it can make at all."""
    lost: int = 0
    """Workers."""
    noise: float = 1.0
    """How many times longer the same work took than when the machine is quiet: see `noise`."""
    stolen: float = 0.0
    """Share of processor time that a hypervisor gave to others."""
    restarted: str = ""
    """What was replaced meanwhile: ``api-1 at 12 s``."""
    hardware: str = ""
    """How the machine differs from what the profile says."""
    emulated: str = ""
    """What runs under which emulator."""
    stopped: str = ""
    """Why the load ended before its time."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with its doubt."""

    word: str
    """``met``, ``missed`` or ``undecided``."""
    why: str
    """One line: the numbers, and where it is undecided what to do."""
    seen: float | None = None
    interval: Interval | None = None
    """At 99.999 %: how far the truth may lie."""
    bounds: Interval | None = None
    """At 95 %: by what it was decided."""
    notes: tuple[str, ...] = ()
    """Doubts that there are, but that change nothing."""


@dataclass(frozen=True, slots=True)
class _Doubt:
    why: str
    undoes: tuple[str, ...]


def noise(before: Sequence[float], after: Sequence[float]) -> float:
    """How many times slower a machine may have been than when it is quiet, by a fixed piece of work timed before and after.

    The greater of what its median changed by and of how far its typical time was from its best. 1 for a quiet machine, or when
    nothing was timed.
    """
    if not before or not after:
        return 1.0
    first, last = statistics.median(before), statistics.median(after)
    spread = max(first / min(before), last / min(after))
    factor = max(first / last, last / first, spread)
    return factor if factor > QUIET else 1.0


def latency(
    seconds: Series | Sequence[str],
    q: float,
    objective: float,
    doubts: Doubts = Doubts(),
    *,
    failed: Sequence[float] = (),
) -> Decision:
    """Decide a quantile of latency.

    Args:
        seconds: one histogram a judged second.
        q: 0.95 for p95.
        objective: seconds.
        doubts: how the load was made.
        failed: failed requests of each of these seconds. They have no latency; but where more of them failed than the quantile
            leaves, it was missed, however fast the rest was.
    """
    known = seconds if isinstance(seconds, Series) else intervals.series(seconds)
    name = f"p{100 * q:g}"
    if failed and sum(failed) > (1 - q) * (known.total + sum(failed)):
        return _failing(known, q, name, doubts, failed)
    if not known.total:
        return Decision(UNDECIDED, "no request was made in the time that is judged")
    bounds, told = intervals.quantile(known, q), intervals.quantile(known, q, confidence=TOLD)
    high = bounds.high if bounds.bounded else math.inf
    word = _compared(bounds.low, high, objective)
    text = (
        f"{name} {_ms(bounds.seen)} (95%: {_range(bounds)}) of {bounds.samples:,} requests; objective {_ms(objective)}"
    )
    made = Decision(word, text, bounds.seen, told, bounds)
    if word == UNDECIDED:
        unsettled = next((doubt.why for doubt in _of_trends(known, q, objective, word, bounds)), "")
        return replace(made, why=f"{text}: {_too_few(bounds, q, known) or unsettled or _between(bounds)}")
    if known.seconds < intervals.SHORTEST:
        short = f"{known.seconds} s are too few to tell how seconds differ; judge {intervals.SHORTEST} s or more"
        return replace(made, word=UNDECIDED, why=f"{text}: {short}")
    found = [
        *_of_all(doubts),
        *_of_generator(doubts, objective, bounds.low - objective),
        *_of_noise(doubts, bounds.low, high, objective),
        *_of_trends(known, q, objective, word, bounds),
    ]
    return _undone(made, found)


def errors(failed: Sequence[float], each: Sequence[float], objective: float, doubts: Doubts = Doubts()) -> Decision:
    """Decide the share of requests that failed: how many, of how many, in each judged second."""
    if not sum(each):
        return Decision(UNDECIDED, "no request was made in the time that is judged")
    dying = _dying(failed, each, doubts)
    if dying:  # how seconds hang together does not matter when the last of them all fail
        failed, each = [sum(failed)], [sum(each)]
    bounds, told = intervals.share(failed, each), intervals.share(failed, each, confidence=TOLD)
    # That nothing ever fails can't be shown; that nothing did is what such an objective is asked for.
    word = (MISSED if sum(failed) else MET) if not objective else _compared(bounds.low, bounds.high, objective)
    text = (
        f"{sum(failed):,.0f} of {sum(each):,.0f} requests failed, {_share(bounds.seen)} (95%: {_share(bounds.low)} to "
        f"{_share(bounds.high)}); objective {_share(objective)}"
    )
    made = Decision(word, text, bounds.seen, told, bounds)
    if word == UNDECIDED:
        least = math.ceil(math.log((1 - BOUNDS) / 2) / math.log1p(-objective)) if objective < 1 else 0
        more = f"it takes {least:,} requests to show it{_long(least, len(each), sum(each))}" if not sum(failed) else ""
        return replace(made, why=f"{text}: {more or _between(bounds)}")
    found = [*_of_all(replace(doubts, restarted="") if dying else doubts), *_of_generator(doubts, math.inf, 0)]
    return _undone(made, found)


def _dying(failed: Sequence[float], each: Sequence[float], doubts: Doubts) -> bool:
    """Whether the load was ended while the target failed."""
    return bool(doubts.stopped) and sum(failed[-10:]) > DYING * sum(each[-10:])


def throughput(each: Sequence[float], objective: float, doubts: Doubts = Doubts()) -> Decision:
    """Decide a rate: how many requests were answered as declared in each judged second."""
    if len(each) < intervals.SHORTEST:
        return Decision(
            UNDECIDED, f"{len(each)} seconds are too few to tell a rate; judge {intervals.SHORTEST} or more"
        )
    bounds, told = intervals.rate(each), intervals.rate(each, confidence=TOLD)
    word = _compared(-bounds.high, -bounds.low, -objective)
    text = f"{bounds.seen:.1f}/s (95%: {bounds.low:.1f} to {bounds.high:.1f}/s); objective {objective:g}/s"
    made = Decision(word, text, bounds.seen, told, bounds)
    if word == UNDECIDED:
        return replace(made, why=f"{text}: {_between(bounds)}")
    offered = doubts.offered / len(each)
    found = [*_of_all(doubts), *_of_generator(doubts, math.inf, 0)]
    if doubts.offered and offered < objective * (1 - EXACT):
        found.append(_Doubt(f"only {offered:.1f}/s were offered; offer more than is promised", (MISSED,)))
    if word == MISSED and bounds.high * _slower(doubts) ** QUEUE >= objective:
        found.append(_Doubt(_noisy(doubts), (MISSED,)))
    return _undone(made, found)


def _compared(low: float, high: float, objective: float) -> str:
    near = EXACT * abs(objective)
    return MET if high <= objective + near else MISSED if low > objective + near else UNDECIDED


def _failing(known: Series, q: float, name: str, doubts: Doubts, failed: Sequence[float]) -> Decision:
    """More failed than the quantile leaves: the quantile of all requests is one that has no answer."""
    right = known.each.tolist() if known.total else [0.0] * len(failed)
    every = [one + other for one, other in zip(right, failed, strict=True)]
    found = errors(failed, every, 1 - q, doubts)
    return replace(found, why=f"{name} has no answer: {found.why.replace('objective', f'{name} leaves')}", seen=None)


def _of_all(doubts: Doubts) -> Iterator[_Doubt]:
    both = (MET, MISSED)
    if doubts.hardware:
        yield _Doubt(
            f"other hardware than the profile says: {doubts.hardware}; run it there, or give this class numbers", both
        )
    if doubts.emulated:
        yield _Doubt(f"emulated: {doubts.emulated}; run it on that processor", both)
    if doubts.restarted:
        yield _Doubt(f"the target was restarted meanwhile: {doubts.restarted}; run again, and see why", both)
    if doubts.lost:
        yield _Doubt(f"{doubts.lost} of the workers that made the load were lost; run again", (MET,))
    if doubts.stopped:
        yield _Doubt(f"the load was ended before its time: {doubts.stopped}", (MET,))
    if doubts.begun < ACHIEVED * doubts.offered:
        made = f"{doubts.begun:,} of {doubts.offered:,} requests were made, {doubts.begun / doubts.offered:.1%}"
        yield _Doubt(f"only {made}; allow more connections or workers, or a lower rate", (MET,))


def _of_generator(doubts: Doubts, objective: float, beyond: float) -> Iterator[_Doubt]:
    undoes = (MET,) if beyond > 2 * max(doubts.lag_most, doubts.lag_p99) > 0 else (MET, MISSED)
    if doubts.lag_p99 > LAG * objective:
        late = f"one in a hundred requests was begun {_ms(doubts.lag_p99)} late, over a tenth of the objective"
        yield _Doubt(f"{late}; give the generator a core of its own, more workers, or a lower rate", undoes)
    if doubts.busy > BUSY:
        yield _Doubt(f"the generator used {doubts.busy:.0%} of a core; use more workers, or a lower rate", undoes)
    if doubts.load > BUSY:
        yield _Doubt(f"the load was {doubts.load:.0%} of what the generator can make; use more workers", undoes)


def _slower(doubts: Doubts) -> float:
    return doubts.noise * (1 / max(1 - doubts.stolen, 0.01) if doubts.stolen > STOLEN else 1.0)


def _noisy(doubts: Doubts) -> str:
    told = [f"the same work took up to {doubts.noise:.2f} times as long"] if doubts.noise > 1 else []
    told += [f"{doubts.stolen:.1%} of processor time was stolen"] if doubts.stolen > STOLEN else []
    return f"this machine was not quiet: {' and '.join(told)}; run again when it is"


def _of_noise(doubts: Doubts, low: float, high: float, objective: float) -> Iterator[_Doubt]:
    slower = _slower(doubts)
    if slower > 1 and (low / slower**QUEUE <= objective < low or high <= objective < high * slower):
        yield _Doubt(_noisy(doubts), (MET, MISSED))


def _of_trends(known: Series, q: float, objective: float, word: str, bounds: Interval) -> Iterator[_Doubt]:
    if ("trends", q) not in known.kept:
        told = trends.levels(known, q)
        known.kept["trends", q] = trends.warm_up(told), (trends.shift(told), trends.drift(told))
    settling, changes = known.kept["trends", q]
    if settling.sure:
        rest, alone = _alone(known, settling.index, q, objective)
        why = (
            f"latency had not settled when judging began: the first {settling.index} s were {settling.first:.2f} times as slow as "
            f"the rest, of which it is {_ms(rest.seen)} ({_range(rest)}); let `warm_up` be {settling.index} s longer"
        )
        yield _Doubt(why, (word,) if alone != word else ())
        return
    for trend in changes:
        if not trend.sure:
            continue
        flatters = trend.factor > 1  # what came later is slower than what the whole run shows
        if trend.at:
            turns = _alone(known, trend.at, q, objective)[1] != word
        else:
            ends = bounds.seen * (max if flatters else min)(trend.end, trend.ahead)
            turns = (ends > objective) != (word == MISSED)
        how = f"went to another level at second {trend.at}" if trend.at else "drifted"
        why = f"latency {how}, by {trend.factor:.2f} times in {known.seconds} s; run longer, and see what changes it"
        yield _Doubt(why, (word,) if turns and flatters == (word == MET) else ())
        return


def _alone(known: Series, second: int, q: float, objective: float) -> tuple[Interval, str]:
    """What is from a second on, and the verdict on it alone."""
    rest = intervals.quantile(since(known, second), q)
    return rest, _compared(rest.low, rest.high if rest.bounded else math.inf, objective)


def since(known: Series, second: int) -> Series:
    """The series from a second on."""
    return intervals.series(_counts(known, at) for at in range(second, known.seconds))


def _counts(known: Series, second: int) -> dict[int, int]:
    at = known.second == second
    return dict(zip(known.value[at].tolist(), known.count[at].tolist(), strict=True))


def _undone(made: Decision, found: Sequence[_Doubt]) -> Decision:
    """The decision as far as doubts leave it."""
    against = [doubt.why for doubt in found if made.word in doubt.undoes]
    notes = tuple(doubt.why for doubt in found if made.word not in doubt.undoes)
    if against:
        return replace(made, word=UNDECIDED, why=f"{made.why}: {against[0]}", notes=(*against[1:], *notes))
    return replace(made, notes=notes)


def _too_few(bounds: Interval, q: float, known: Series) -> str:
    if bounds.bounded:
        return ""
    worth = bounds.samples / max(bounds.effective, 1.0)
    least = math.ceil(intervals.needed(q) * max(worth, 1.0))
    alike = f", as neighbours fare alike ({bounds.method})" if worth > 1.05 else ""
    return f"too few to bound it; it takes {least:,} requests{alike}{_long(least, known.seconds, known.total)}"


def _long(least: int, seconds: int, requests: float) -> str:
    return f", {math.ceil(least * seconds / requests):,} s at this rate" if requests else ""


def _between(bounds: Interval) -> str:
    return f"it lies within what may be true ({bounds.method}); run longer, or it is too near to call"


def _ms(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def _range(interval: Interval) -> str:
    return f"{_ms(interval.low)} to {_ms(interval.high)}" if interval.bounded else f"{_ms(interval.low)} or more"


def _share(value: float) -> str:
    return f"{100 * value:.3g}%"
