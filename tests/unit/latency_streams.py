"""Simulated streams of latencies: a row a second, seeded, so that each run of the tests sees the same ones."""

from __future__ import annotations

import numpy as np

from seatrial.latency import intervals

RATE = 100


def lognormal(chance, seconds=60, rate=RATE):
    return chance.lognormal(-4, 0.8, (seconds, rate))


def slow_hundredth(chance, seconds=60, rate=RATE):
    slow = chance.random((seconds, rate)) < 0.01
    return np.where(slow, chance.lognormal(-1, 0.3, slow.shape), chance.lognormal(-5, 0.4, slow.shape))


def wandering(chance, seconds=60, rate=RATE, keeps=0.5):
    """Latency goes up and down by a level that keeps this share of itself from one second to the next."""
    level, steps = np.zeros(seconds), 0.2 * np.sqrt(1 - keeps**2) * chance.normal(size=seconds)
    level[0] = 0.2 * chance.normal()
    for at in range(1, seconds):
        level[at] = keeps * level[at - 1] + steps[at]
    return chance.lognormal(-4, 0.5, (seconds, rate)) * np.exp(level)[:, None]


def stalls(chance, seconds=60, rate=RATE, every=30.0, length=2.0):
    """Now and then nothing is answered for a while, and who comes meanwhile waits for its end."""
    at = np.arange(seconds * rate) / rate
    took = chance.lognormal(-4.5, 0.4, seconds * rate)
    for begin in chance.uniform(-length, seconds, chance.poisson((seconds + length) / every)):
        meanwhile = (at >= begin) & (at < begin + length)
        took[meanwhile] = np.maximum(took[meanwhile], begin + length - at[meanwhile])
    return took.reshape(seconds, rate)


def series(stream):
    """As it is recorded: counts by microseconds, second by second."""
    seconds = np.maximum(np.round(stream * 1e6), 1).astype(int)
    return intervals.series(
        [dict(zip(*(part.tolist() for part in np.unique(row, return_counts=True)), strict=True)) for row in seconds]
    )


def truth(law, chance, q):
    """The quantile of a law, from so many of its requests that its own error does not matter."""
    return float(np.quantile(np.concatenate([law(chance, 2000).ravel() for _ in range(5)]), q))
