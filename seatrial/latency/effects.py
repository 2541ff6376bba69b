"""How much two samples of latencies differ: by how much, how surely, and how often one is the slower.

Medians, as single requests have a long tail, and a ratio of them, as a latency has no other yardstick than itself. How surely is
told by resampling each sample (the same resamples each time it is asked). Cliff's delta says how often a request
of one sample is slower than one of the other, less how often it is faster; Mann's and Whitney's test whether that may be
chance. References: Efron 1979; Cliff 1993; Mann and Whitney 1947.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Effect", "compare"]

RESAMPLES = 2000
LONGEST = 2000
"""Samples beyond which every n-th in order stands for the rest: no answer changes, and it stays quick."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What changed from one sample to the other."""

    median_ratio: float
    """Median now by median before: 1.25 is a quarter slower."""
    low: float
    high: float
    """Where the ratio lies, with this confidence."""
    confidence: float
    cliffs_delta: float
    """From -1, always faster, to 1, always slower."""
    p: float
    """Chance of so great a difference in ranks, were both alike."""

    @property
    def size(self) -> str:
        """The delta in words (Romano and others 2006)."""
        most = abs(self.cliffs_delta)
        return next(
            word
            for word, end in (("negligible", 0.147), ("small", 0.33), ("medium", 0.474), ("large", 2.0))
            if most < end
        )


def compare(now: Sequence[float], before: Sequence[float], *, confidence: float = 0.95) -> Effect:
    """Compare two samples.

    Raises:
        ValueError: one of them has less than two values, or one that is not above 0.
    """
    import numpy as np

    if min(len(now), len(before)) < 2:
        raise ValueError("two samples of two values or more are needed")
    if min(*now, *before) <= 0:
        raise ValueError("a latency is above 0")
    a, b = _few(np.sort(np.asarray(now, float))), _few(np.sort(np.asarray(before, float)))
    chance = np.random.default_rng(0)
    ratios = _medians(chance, a) / _medians(chance, b)
    low, high = np.quantile(ratios, [(1 - confidence) / 2, (1 + confidence) / 2])
    less, more = np.searchsorted(b, a, "left"), len(b) - np.searchsorted(b, a, "right")
    delta = float((less - more).sum()) / (len(a) * len(b))
    return Effect(float(np.median(a) / np.median(b)), float(low), float(high), confidence, delta, _alike(delta, a, b))


def _few(values: Any) -> Any:
    import numpy as np

    return values if len(values) <= LONGEST else values[np.linspace(0, len(values) - 1, LONGEST).astype(int)]


def _medians(chance: Any, values: Any) -> Any:
    """Medians of resamples, a part at a time, so that memory stays small."""
    import numpy as np

    n, part = len(values), max(1, 200_000 // len(values))
    parts = [min(part, RESAMPLES - at) for at in range(0, RESAMPLES, part)]
    return np.concatenate([np.median(values[chance.integers(0, n, (count, n))], axis=1) for count in parts])


def _alike(delta: float, a: Any, b: Any) -> float:
    """The p of Mann's and Whitney's test, by its normal approximation with ties."""
    import numpy as np

    n, m = len(a), len(b)
    ties = np.unique(np.concatenate([a, b]), return_counts=True)[1].astype(float)
    spread = n * m / 12 * ((n + m + 1) - float((ties**3 - ties).sum()) / ((n + m) * (n + m - 1)))
    if spread <= 0:
        return 1.0
    z = max(abs(delta) * n * m / 2 - 0.5, 0.0) / math.sqrt(spread)
    return math.erfc(z / math.sqrt(2))
