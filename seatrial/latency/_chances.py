"""The few distributions that intervals need: binomial, Student's t, normal. Exact where it matters, and no more library for it."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

__all__ = ["binomial_rank", "normal", "share_bounds", "student"]


@lru_cache(maxsize=64)
def normal(p: float) -> float:
    """The normal deviate that is exceeded with probability 1 - p."""
    return NormalDist().inv_cdf(p)


def _beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (Lentz)."""
    if x <= 0 or x >= 1:
        return min(max(x, 0.0), 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(1 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x) - math.log(a)
    )
    tiny = 1e-300
    c, d = 1.0, 1 / max(1 - (a + b) * x / (a + 1), tiny)
    told = d
    for m in range(1, 10_000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + step * d or tiny)
            c = 1 + step / c or tiny
            told *= c * d
        if abs(c * d - 1) < 1e-12:
            break
    return front * told


def _solved(rises: object, low: float, high: float, wanted: float) -> float:
    """Where a rising function reaches a value."""
    assert callable(rises)
    for _ in range(60):
        middle = (low + high) / 2
        if rises(middle) < wanted:
            low = middle
        else:
            high = middle
        if high - low < 1e-9 * max(1.0, abs(high)):
            break
    return high


@lru_cache(maxsize=1024)
def binomial_rank(n: float, q: float, p: float) -> float:
    """The k for which fewer than k of n fall below the quantile q with probability p; n and k need not be whole.

    The k-th smallest of n independent samples is greater than the true quantile with that probability. It may be less than
    1 or more than n: then no sample is small, or great, enough.
    """
    if n * min(q, 1 - q) > 400:  # the error of this is below a hundredth of a rank
        z = normal(p)
        return n * q + 0.5 + z * math.sqrt(n * q * (1 - q)) + (1 - 2 * q) * (z * z - 1) / 6
    if n < 1 or (p < 0.5 and (1 - q) ** n > p):
        return 0.0 if p < 0.5 else n + 1.0
    if p > 0.5 and q**n > 1 - p:
        return n + 1.0
    return _solved(lambda k: _beta(1 - q, n - k + 1, k), 1e-9, n + 1 - 1e-9, p)


@lru_cache(maxsize=1024)
def share_bounds(k: float, n: float, tail: float) -> tuple[float, float]:
    """Clopper's and Pearson's bounds of a share of which k in n were seen, each exceeded with the probability `tail`."""
    low = 0.0 if k <= 0 else _solved(lambda p: _beta(p, k, n - k + 1), 0.0, 1.0, tail)
    high = 1.0 if k >= n else _solved(lambda p: _beta(p, k + 1, n - k), 0.0, 1.0, 1 - tail)
    return low, high


@lru_cache(maxsize=1024)
def student(p: float, freedom: float) -> float:
    """Student's t that is exceeded with probability 1 - p (p above one half)."""
    return _solved(lambda t: 1 - _beta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2, 0.0, 1e4, p)
