"""Which rate is tried next, and what the rates that were tried add up to. Pure: it knows nothing of loads.

Doubling until an objective is not met any more, then halving what lies between. A step that can't be decided is made once more, and is
then the edge of what can be told here. The lowest rate that was missed is tried once more at the end: where it is met then, the edge
is not as sharp as the numbers look, which is said and not averaged away.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from seatrial.words import Rate, Ratio

__all__ = ["DOWN", "UNCLEAR", "Found", "Tried", "add_up", "search"]

DOWN = 6
"""How often the rate is halved where even the first one is not met."""
UNCLEAR = 2
"""How often where nothing can be told of it: fewer requests tell even less, unless the generator was too slow."""

Asked = Generator[float, str, str]


@dataclass(frozen=True, slots=True)
class Tried:
    """One rate, and what came of it."""

    rate: float
    word: str
    """``met``, ``missed`` or ``undecided``."""
    why: str = ""
    """Why it is undecided."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the rates that were tried add up to."""

    met: float | None
    """The highest that was met, below all that were missed."""
    missed: float | None
    """The lowest that was missed."""
    edge: float | None
    """The lowest above `met` of which nothing can be told."""
    why_edge: str = ""
    uneven: tuple[str, ...] = field(default=())
    """Where a higher rate was met after a lower one was missed."""

    @property
    def above(self) -> float | None:
        """What bounds the answer from above: the lowest rate that is not known to be met."""
        return min((rate for rate in (self.missed, self.edge) if rate is not None), default=None)


def search(start: float, most: float, why_most: str, within: float) -> Generator[float, str, str]:
    """Rates to try, one after the other; is sent ``met``, ``missed`` or ``undecided`` for each, and gives why it ended.

    Args:
        start: the first rate.
        most: the highest that may be tried.
        why_most: who says so.
        within: how close the answer is to be, as a share of it.
    """
    low: float | None = None
    high: float | None = None
    rate = min(start, most)
    word = yield from _asked(rate)
    last = word
    if word == "met":
        low = rate
        while high is None:
            if low >= most * (1 - 1e-9):
                return f"{_told(low)} is met, and more is not tried: {why_most}"
            rate = min(2 * low, most)
            last = yield from _asked(rate)
            low, high = (rate, None) if last == "met" else (low, rate)
    else:
        high = rate
        for times in range(DOWN):
            if last == "undecided" and times >= UNCLEAR:
                break
            rate = high / 2
            word = yield from _asked(rate)
            if word == "met":
                low = rate
                break
            high, last = rate, word
        if low is None:
            return f"nothing is {'met' if last == 'missed' else 'told'} down to {_told(high)}"
    while high - low > within * low:
        rate = (low + high) / 2
        word = yield from _asked(rate)
        if word == "met":
            low = rate
        else:
            high, last = rate, word
    if last == "missed":
        yield high  # is it the rate, or was it that moment?
    return f"{_told(low)} and {_told(high)} are no more than {Ratio(within)} apart"


def _asked(rate: float) -> Asked:
    """Try a rate; once more where nothing can be told."""
    word = yield rate
    if word == "undecided":
        word = yield rate
    return word


def _told(rate: float) -> Rate:
    return Rate(round(rate, 2))


def add_up(tried: Sequence[Tried]) -> Found:
    """What they add up to; a rate that was tried several times is missed if it ever was, and undecided only if it always was."""
    missed = min((one.rate for one in tried if one.word == "missed"), default=None)
    met = max((one.rate for one in tried if one.word == "met" and (missed is None or one.rate < missed)), default=None)
    decided = {one.rate for one in tried if one.word != "undecided"}
    unclear = [one for one in tried if one.word == "undecided" and one.rate not in decided]
    edges = [one for one in unclear if met is None or one.rate > met]
    edge = min(edges, key=lambda one: one.rate, default=None)
    uneven = tuple(
        f"{_told(one.rate)} was met although {_told(missed)} was missed"
        if one.rate > missed
        else f"{_told(one.rate)} was missed and, tried again, met"
        for one in tried
        if missed is not None and one.word == "met" and one.rate >= missed
    )
    return Found(met, missed, edge.rate if edge else None, edge.why if edge else "", tuple(dict.fromkeys(uneven)))
