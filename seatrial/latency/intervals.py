"""How far what was seen in one run may be from what is true of the target: intervals of quantiles, shares and rates.

Two things make a quantile of a run uncertain: that it has only so many requests (order statistics tell by how much,
whatever the law of latencies is), and that neighbouring requests fare alike, so that they tell less than as many independent
ones would (moving-block bootstrap over the seconds of the run, with blocks as long as the seconds hang together). The
wider of the two intervals is the one that is told.

One thing bounds it: what a run shows that is far worse than a wandering level makes it (`WANDERS`) is not in doubt because it may not
come back. Two seconds in which nothing is answered are seen by everyone who came meanwhile.

The bootstrap draws nothing. How much a sum over resampled blocks varies is known exactly from the blocks there are
(circular ones, so that each second counts alike), hence the same run has the same interval each time it is judged. It is told as
a number of *effective* requests: how many independent ones would leave as much doubt. With few blocks that number is
itself in doubt, and Student's t widens the interval for it. References: David and Nagaraja, *Order Statistics*; Künsch 1989; Politis
and White 2004 (length of blocks); Clopper and Pearson 1934.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seatrial.latency import histograms
from seatrial.latency._chances import binomial_rank, normal, share_bounds, student

__all__ = ["BOUNDS", "TOLD", "Interval", "Series", "needed", "quantile", "rate", "series", "share", "unseen"]

BOUNDS = 0.95
"""Confidence of the interval by which an objective is decided."""
TOLD = 0.99999
"""Confidence of the interval that is told: how far the truth may lie."""
UNBOUNDED = histograms.HIGHEST / 1e6
"""Stands for a latency that nothing bounds: the greatest a histogram can tell."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the truth lies, with this confidence."""

    low: float
    high: float
    """Seconds, a share, or per second. An hour for a latency that this run does not bound."""
    seen: float
    confidence: float
    samples: int
    method: str
    """``order statistics``, ``moving blocks of 4 s``: what the width comes from."""
    effective: float = 0.0
    """How many independent requests would leave as much doubt."""
    bounded: bool = True
    """False when there were too few requests to say that the truth is no higher."""

    @property
    def pair(self) -> tuple[float, float]:
        """Both ends."""
        return self.low, self.high


@dataclass(frozen=True, slots=True)
class Series:
    """The latencies of a stream, second by second, made ready for being asked many times."""

    seconds: int
    total: int
    second: Any
    """Arrays, one element for each value in each second: which second, which value (µs), how often."""
    value: Any
    count: Any
    values: Any
    """Every value that was seen, rising, and how many requests took no longer."""
    below: Any
    kept: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was worked out of it before."""

    def ranked(self, rank: int) -> float:
        """The value of a rank (from 1), in seconds."""
        place = int(self.below.searchsorted(min(max(rank, 1), self.total)))
        return float(self.values[place]) / 1e6

    def within(self, seconds: float) -> Any:
        """Of each second, how many requests took no longer than this."""
        import numpy as np

        few = self.value <= round(seconds * 1e6)
        return np.bincount(self.second[few], weights=self.count[few], minlength=self.seconds)

    @property
    def each(self) -> Any:
        """Of each second, how many requests it has."""
        import numpy as np

        return np.bincount(self.second, weights=self.count, minlength=self.seconds)


def series(seconds: Iterable[str | Mapping[int, int]]) -> Series:
    """Of a histogram a second, encoded or as counts by microseconds; seconds without any are kept."""
    import numpy as np

    second, value, count, at = [], [], [], -1
    for at, told in enumerate(seconds):
        if isinstance(told, str):
            values, counts = histograms.sparse(told)
        else:
            values, counts = np.array(sorted(told)), np.array([told[each] for each in sorted(told)])
        if len(values):
            second.append(np.full(len(values), at))
            value.append(values)
            count.append(counts)
    whole = [np.concatenate(part) if part else np.zeros(0, dtype=np.int64) for part in (second, value, count)]
    values, place = np.unique(whole[1], return_inverse=True)
    below = np.cumsum(np.bincount(place.ravel(), weights=whole[2], minlength=len(values))).astype(np.int64)
    return Series(at + 1, int(below[-1]) if len(below) else 0, whole[0], whole[1], whole[2], values, below)


def needed(q: float, confidence: float = BOUNDS) -> int:
    """How many independent requests it takes until the slowest of them bounds this quantile from above."""
    return math.ceil(math.log((1 - confidence) / 2) / math.log(q))


def unseen(requests: float, confidence: float = BOUNDS) -> float:
    """The share that may still fail where none of so many independent requests did. Without numpy: a profile alone asks it."""
    return share_bounds(0.0, requests, (1 - confidence) / 2)[1]


def quantile(seconds: Series | Sequence[str | Mapping[int, int]], q: float, *, confidence: float = BOUNDS) -> Interval:
    """The interval of a quantile of latency, in seconds.

    Raises:
        ValueError: there are no samples.
    """
    known = seconds if isinstance(seconds, Series) else series(seconds)
    n = known.total
    if not n:
        raise ValueError("no request was answered as declared")
    tail = (1 - confidence) / 2
    seen = known.ranked(histograms.rank(n, q))
    if q not in known.kept:
        inside, each = known.within(seen), known.each
        known.kept[q] = _worth(inside, each, _level(known))
    effective, method = _effective(known.kept[q], confidence)
    high = binomial_rank(effective, q, 1 - tail) / effective * n
    low = binomial_rank(effective, q, tail) / effective * n
    bounded = math.ceil(high - 1e-6) <= n
    least = known.ranked(math.floor(low + 1e-6)) if low >= 1 else 0.0
    most = known.ranked(math.ceil(high - 1e-6)) if bounded else UNBOUNDED
    if low < 1 or not bounded:
        floor, ceiling = _surely(known, q)
        least, most, bounded = max(least, floor), min(most, ceiling), bounded or ceiling < UNBOUNDED
    plain = binomial_rank(n, q, tail)
    if plain >= 1:
        least = max(least, known.ranked(math.floor(plain + 1e-6)) / WANDERS)
    return Interval(
        least,
        most,
        seen,
        confidence,
        n,
        method,
        effective,
        bounded,
    )


def _level(known: Series) -> Any:
    """Of each second, how many more requests than usual were among the faster half."""
    if "level" not in known.kept:
        half = known.within(known.ranked(histograms.rank(known.total, 0.5)))
        known.kept["level"] = half - float(half.sum()) / known.total * known.each
    return known.kept["level"]


def _surely(known: Series, q: float) -> tuple[float, float]:
    """What a quantile is surely not below, and not above, where its neighbourhood tells nothing of it.

    How seconds hang together is asked there at each value by itself: where latencies that hardly differ take turns around the
    quantile, it still is plain that all of them are far from zero. Such a value is taken at `TOLD`, which leaves the confidence of
    the interval as it is.
    """

    def inside(place: int) -> tuple[float, float]:
        worth = _worth(known.within(float(known.values[place]) / 1e6), known.each, _level(known))
        effective, _ = _effective(worth, TOLD)
        return share_bounds(int(known.below[place]) / known.total * effective, effective, (1 - TOLD) / 2)

    count = len(known.values)
    below = bisect.bisect_left(range(count), True, key=lambda place: inside(place)[1] >= q)
    above = bisect.bisect_left(range(count), True, key=lambda place: inside(place)[0] >= q)
    floor = float(known.values[below - 1]) / 1e6 if below else 0.0
    # Not a value that was seen: just below the least of all, where there is none within.
    floor = floor or (
        float(known.values[0]) / 1e6 if share([0.0], [float(known.total)], confidence=TOLD).high < q else 0.0
    )
    return floor, float(known.values[above]) / 1e6 if above < count else UNBOUNDED


def share(hits: Sequence[float], each: Sequence[float], *, confidence: float = BOUNDS) -> Interval:
    """The interval of a share: of errors among requests, say, by how many there were in each second.

    None seen is not none: then the interval ends where so many requests without any would be a surprise.

    Raises:
        ValueError: there are no samples.
    """
    import numpy as np

    n = float(np.sum(each))
    if not n:
        raise ValueError("no request was made")
    seen = float(np.sum(hits)) / n
    effective, method = _effective(_worth(np.asarray(hits, float), np.asarray(each, float)), confidence)
    low, high = share_bounds(seen * effective, effective, (1 - confidence) / 2)
    return Interval(low, high, seen, confidence, int(n), method, effective)


def rate(each: Sequence[float], *, confidence: float = BOUNDS) -> Interval:
    """The interval of a rate, by how many there were in each second.

    Raises:
        ValueError: there are too few seconds.
    """
    import numpy as np

    told = np.asarray(each, float)
    if len(told) < SHORTEST:
        raise ValueError(f"{len(told)} seconds are too few to tell a rate")
    seen = float(told.mean())
    variance, length = blocks(told - seen)
    half = student((1 + confidence) / 2, max(len(told) / length - 1, FREEDOM)) * math.sqrt(variance) / len(told)
    method = f"moving blocks of {length} s"
    return Interval(max(seen - half, 0.0), seen + half, seen, confidence, int(told.sum()), method, len(told) / length)


WANDERS = 1.5
"""By how many times a quantile may be higher in one run only because neighbouring requests fare alike. What is beyond is no level that
wanders but a stall: how often it comes back one run can't tell, but those who waited in it did wait, and so many did."""
SHORTEST = 5
"""Seconds below which nothing can be told of how seconds hang together."""

FREEDOM = 2.0
"""Least degrees of freedom: with fewer nothing at all would be told."""


@dataclass(frozen=True, slots=True)
class _Worth:
    requests: float
    seconds: int
    alike: float
    """Variance of a share beside that of independent requests; 0 when nothing can be told of it."""
    memory: float
    """Seconds that tell as much as one that is independent."""


def _worth(inside: Any, each: Any, level: Any = None) -> _Worth:
    """How seconds hang together, by how many requests of each were inside of what is asked."""
    n, t = float(each.sum()), len(each)
    share_ = float(inside.sum()) / n
    chance = n * share_ * (1 - share_)
    if chance <= 0 or t < SHORTEST:
        return _Worth(n, t, 0.0, 1.0)
    apart = inside - share_ * each
    variance, block = blocks(apart)
    slow, memory = lasting(apart, apart if level is None else level)
    return _Worth(n, t, max(variance, slow) / chance, max(float(block), memory))


def _effective(worth: _Worth, confidence: float) -> tuple[float, str]:
    """How many independent requests tell as much of a share as these, at this confidence; and what limits them."""
    tail = (1 + confidence) / 2
    freedom = max(worth.seconds / worth.memory - 1, FREEDOM)
    wider = (student(tail, round(freedom, 3)) / normal(tail)) ** 2 * worth.alike
    if wider <= 1:
        return worth.requests, "order statistics"
    return worth.requests / wider, f"moving blocks of {worth.memory:.0f} s"


def lasting(series_: Any, level: Any) -> tuple[float, float]:
    """What blocks are too short for: variance of the sum of a series that partly follows a slowly wandering level.

    Blocks that are short beside the memory of a series see too little of its variance, and there are too few long ones. The
    memory is therefore taken from the series of the median too, in which it shows best, as that of a process that forgets
    a fixed share each second; estimates of it are too small in short series, by a known amount (Kendall 1954).

    Returns:
        the variance, and how many seconds tell as much as one that is independent.
    """
    t = len(series_)
    power = float((level**2).mean())
    if power <= 0:
        return 0.0, 1.0
    after = float((level[1:] * level[:-1]).sum()) / t / power
    kept = min(after + (1 + 3 * after) / t, 0.95)
    if kept < 1.3 / math.sqrt(t):
        return 0.0, 1.0
    alike = float((series_ * level).mean()) ** 2 / power
    alone = max(float((series_**2).mean()) - alike, 0.0)
    memory = (1 + kept) / (1 - kept)
    return t * (alone + alike * memory), memory


def blocks(series_: Any) -> tuple[float, int]:
    """Variance of the sum of a series around 0, were it resampled in circular moving blocks; and the length of these."""
    import numpy as np

    t = len(series_)
    length = block_length(series_)
    sums = np.convolve(np.concatenate([series_, series_[: length - 1]]), np.ones(length), "valid")
    return float((sums**2).mean() * t / length), length


def block_length(series_: Any) -> int:
    """How long blocks have to be (Politis and White's choice for circular ones), from the series' autocorrelation."""
    import numpy as np

    t = len(series_)
    most = max(min(math.ceil(3 * math.sqrt(t)), t // 4), 1)
    variance = float((series_**2).mean())
    if variance <= 0 or t < 8:
        return 1
    reach = min(t - 1, 2 * most)
    covariance = np.array([float((series_[k:] * series_[: t - k]).sum()) / t for k in range(reach + 1)])
    limit = 2 * math.sqrt(math.log10(t) / t) * variance
    run = max(5, round(math.sqrt(math.log10(t))))
    quiet = (np.abs(covariance[1:]) < limit).tolist()
    settled = next((k for k in range(len(quiet)) if all(quiet[k : k + run])), most)
    window = min(2 * max(settled, 1), reach)
    lags = np.arange(1, window + 1)
    taper = np.minimum(1.0, 2 * (1 - lags / window)) if window > 1 else np.ones(1)
    weighted = taper * covariance[1 : window + 1]
    spectrum = covariance[0] + 2 * float(weighted.sum())
    curved = 2 * float((lags * weighted).sum())
    if spectrum <= 0:
        return 1
    length = (1.5 * (curved / spectrum) ** 2 * t) ** (1 / 3) if settled else 1.0
    return int(min(max(math.ceil(length), 1), most))
