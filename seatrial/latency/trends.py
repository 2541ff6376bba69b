"""Whether latency had settled when it was first judged, and whether it stayed as it was.

All by the logarithm of one number a second (`levels`), as latencies grow by factors. Neighbouring seconds fare alike: a level that
wanders looks like a trend in a short run, so everything is compared with how far such a level wanders by itself
(`intervals.blocks`, `intervals.lasting`), after single outliers were drawn in. Nothing is *sure* that fewer than twenty seconds say, that
is less than five standard deviations, or that changes latency by less than a tenth. References: White 1997 (MSER-5); Theil 1950, Sen 1968.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.latency.intervals import Series, blocks, lasting

__all__ = ["SURE", "Settling", "Trend", "drift", "levels", "shift", "warm_up"]

SURE = 5.0
"""Standard deviations."""
MATERIAL = 1.1
"""Factor of latency that is worth a word."""
SHORTEST = 20


@dataclass(frozen=True, slots=True)
class Settling:
    """When latency had settled."""

    index: int
    """Seconds after the first one; 0 where it had settled before."""
    first: float
    """Median of the seconds before, by median of those after; above 1 is slow at first."""
    sure: bool
    """That these seconds differ from the rest by more than chance."""


@dataclass(frozen=True, slots=True)
class Trend:
    """How latency changed while it was measured."""

    kind: str
    """``drift``, ``shift``."""
    factor: float
    """Last by first level of the run: 1.2 is a fifth slower at the end."""
    end: float
    """Last level by the middle one of the whole run."""
    ahead: float
    """The same, were the run twice as long and did it go on so."""
    at: int
    """Second of a shift; 0 for a drift."""
    sure: bool


def levels(known: Series, q: float) -> list[float]:
    """One latency a second, in seconds: the quantile, or as near to it as a second's requests can tell. NaN without any."""
    import numpy as np

    each = known.each
    busy = float(np.median(each[each > 0])) if (each > 0).any() else 0.0
    near = min(q, max(0.5, 1 - 5 / busy)) if busy else q
    ends = np.searchsorted(known.second, np.arange(known.seconds + 1))
    told = []
    for start, end in itertools.pairwise(ends.tolist()):
        below = known.count[start:end].cumsum()
        if not len(below):
            told.append(math.nan)
            continue
        told.append(float(known.value[start + int(below.searchsorted(near * below[-1] - 1e-9))]) / 1e6)
    return told


def warm_up(series: Sequence[float]) -> Settling:
    """From which second on latency had settled: where leaving out what is before makes the mean of the rest most certain."""
    import numpy as np

    whole = _tamed(series)
    t = len(whole)
    if t < SHORTEST:
        return Settling(0, 1.0, False)
    step = 5 if t >= 60 else 2
    cuts = range(0, t // 2 + 1, step)
    errors = [float(whole[cut:].var()) / (t - cut) for cut in cuts]
    cut = cuts[int(np.argmin(errors))]
    if not cut:
        return Settling(0, 1.0, False)
    head, rest = whole[:cut], whole[cut:]
    apart = float(head.mean() - rest.mean())
    sure = _sure(apart, rest - rest.mean(), 1 / len(head) + 1 / len(rest))
    # What warms up is farthest off when it begins; anything else that happened early is no warm-up.
    first = float(whole[: max(2, cut // 4)].mean() - rest.mean())
    dies_away = abs(first) >= 0.9 * abs(apart) and first * apart > 0
    return Settling(cut, math.exp(apart), sure and dies_away)


def drift(series: Sequence[float]) -> Trend:
    """How much latency grew, or fell, steadily."""
    import numpy as np

    whole = _tamed(series)
    t = len(whole)
    if t < SHORTEST:
        return Trend("drift", 1.0, 1.0, 1.0, 0, False)
    at = np.arange(t)
    some = np.linspace(0, t - 1, min(t, 400)).astype(int)
    first, last = np.triu_indices(len(some), 1)
    slope = float(np.median((whole[some[last]] - whole[some[first]]) / (some[last] - some[first])))
    left = whole - slope * (at - at.mean())
    left -= left.mean()
    sure = _sure(slope * t, left, 12 / t)
    return Trend("drift", math.exp(slope * t), math.exp(slope * t / 2), math.exp(slope * t * 1.5), 0, sure)


def shift(series: Sequence[float]) -> Trend:
    """The second at which latency went to another level, if it did."""
    import numpy as np

    whole = _tamed(series)
    t = len(whole)
    edge = max(5, t // 8)
    if t < SHORTEST:
        return Trend("shift", 1.0, 1.0, 1.0, 0, False)
    sums = np.cumsum(whole)
    cuts = np.arange(edge, t - edge + 1)
    apart = (sums[-1] - sums[cuts - 1]) / (t - cuts) - sums[cuts - 1] / cuts
    best = int(np.argmax(np.abs(apart) * np.sqrt(cuts * (t - cuts))))
    cut, step = int(cuts[best]), float(apart[best])
    left = whole.copy()
    left[:cut] -= left[:cut].mean()
    left[cut:] -= left[cut:].mean()
    sure = _sure(step, left, 1 / cut + 1 / (t - cut))
    end = math.exp(step * cut / t)
    return Trend("shift", math.exp(step), end, end, cut, sure)


def _tamed(series: Sequence[float]) -> Any:
    """Logarithms, without seconds that had no request, outliers drawn in to where the rest is."""
    import numpy as np

    told = np.asarray(series, float)
    told = np.log(np.maximum(told[np.isfinite(told)], 1e-6))
    if not len(told):
        return told
    # Around a running middle, so that what lasts is kept, and a single stall is not taken for a level.
    width = 5
    padded = np.pad(told, width // 2, mode="edge")
    middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)
    off = told - middle
    reach = 3 * 1.4826 * float(np.median(np.abs(off))) + 1e-9
    return middle + np.clip(off, -reach, reach)


def _sure(apart: float, left: Any, spread: float) -> bool:
    """Whether a difference is more than what is left would make by chance, and matters."""
    variance = max(blocks(left)[0], lasting(left, left)[0]) / len(left)
    floor = 1e-6  # a latency that never varies still has a width of its bucket
    return abs(apart) > math.log(MATERIAL) and abs(apart) > SURE * math.sqrt(max(variance, floor) * spread)
