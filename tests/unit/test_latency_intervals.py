"""Intervals hold the truth as often as they say, also where neighbouring requests fare alike."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from seatrial.latency import histograms, intervals
from seatrial.latency._chances import binomial_rank, share_bounds, student
from tests.unit import latency_streams as streams


def binomial(n, q, k):
    """P(at most k of n)."""
    logs = (
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * math.log(q) + (n - i) * math.log1p(-q)
        for i in range(k + 1)
    )
    return sum(math.exp(each) for each in logs)


@pytest.mark.parametrize(
    ("n", "q", "p"),
    [(100, 0.5, 0.975), (100, 0.95, 0.975), (1000, 0.95, 0.00005), (7999, 0.95, 0.975), (8001, 0.95, 0.99995)],
)
def test_ranks_are_those_of_the_binomial_distribution(n, q, p):
    rank = math.floor(binomial_rank(n, q, p))
    assert binomial(n, q, rank - 1) <= p <= binomial(n, q, rank)


def test_other_distributions_are_as_tabled():
    assert student(0.975, 9) == pytest.approx(2.2622, abs=1e-4)
    assert student(0.975, 1) == pytest.approx(12.7062, abs=1e-3)
    assert share_bounds(3, 100, 0.025) == pytest.approx((0.00623, 0.08518), abs=1e-5)
    assert share_bounds(0, 3000, 0.025)[1] == pytest.approx(1 - 0.025 ** (1 / 3000))
    assert share_bounds(100, 100, 0.025) == pytest.approx((0.025 ** (1 / 100), 1.0))


@pytest.mark.parametrize(("q", "least"), [(0.5, 6), (0.95, 72), (0.99, 368), (0.999, 3688)])
def test_how_many_requests_bound_a_quantile(q, least):
    assert intervals.needed(q) == least
    chance = np.random.default_rng(1)
    enough = chance.lognormal(-4, 0.5, (8, math.ceil(least / 8)))
    few = chance.lognormal(-4, 0.5, (1, least - 1))
    assert not intervals.quantile(streams.series(few), q).bounded
    assert intervals.quantile(streams.series(few), q).high == intervals.UNBOUNDED or q == 0.5
    assert intervals.quantile(streams.series(np.vstack([enough] * 2)), q).samples >= least


@pytest.mark.parametrize(
    ("law", "q", "least"),
    [
        (streams.lognormal, 0.5, 0.93),
        (streams.lognormal, 0.95, 0.93),
        (streams.lognormal, 0.99, 0.93),
        (streams.slow_hundredth, 0.95, 0.93),
        (streams.wandering, 0.95, 0.87),
        (streams.stalls, 0.99, 0.7),  # two stalls a minute: a run has four, or none
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_truth_lies_within_as_often_as_is_said(law, q, least):
    chance = np.random.default_rng(11)
    true = streams.truth(law, chance, q)
    found = [intervals.quantile(streams.series(law(chance)), q) for _ in range(100)]
    assert sum(each.low <= true <= each.high for each in found) >= least * 100


def test_neighbours_that_fare_alike_tell_less():
    chance = np.random.default_rng(2)
    apart = intervals.quantile(streams.series(streams.wandering(chance, 120, keeps=0.0)), 0.5)
    alike = intervals.quantile(streams.series(streams.wandering(chance, 120, keeps=0.9)), 0.5)
    assert alike.effective < apart.effective / 2
    assert alike.method.startswith("moving blocks of ")
    free = intervals.quantile(streams.series(streams.lognormal(chance, 120)), 0.5)
    assert free.effective > 0.6 * free.samples


def test_the_variance_of_blocks_is_that_of_drawing_them():
    """What is computed is what resampling circular blocks comes to."""
    chance = np.random.default_rng(3)
    level = np.convolve(chance.normal(size=99), np.ones(4), "valid")
    level -= level.mean()
    variance, length = intervals.blocks(level)
    assert length > 1
    count = len(level) // length
    begins = chance.integers(0, len(level), (20_000, count))
    drawn = level[(begins[..., None] + np.arange(length)) % len(level)].sum(axis=(1, 2))
    assert variance * count * length / len(level) == pytest.approx(drawn.var(), rel=0.05)


def test_a_latency_that_never_varies_has_an_interval_of_nothing():
    told = intervals.quantile(streams.series(np.full((20, 50), 0.005)), 0.95)
    assert (told.low, told.seen, told.high) == (0.005, 0.005, 0.005)


def test_none_seen_is_not_none():
    none = intervals.share([0.0] * 30, [100.0] * 30)
    assert none.low == none.seen == 0
    assert none.high == pytest.approx(0.00123, abs=1e-5)


def test_errors_that_come_together_tell_less():
    spread, burst = np.full(60, 1.0), np.zeros(60)
    burst[20:26] = 10.0
    each = np.full(60, 100.0)
    even, once = intervals.share(spread, each), intervals.share(burst, each)
    assert even.seen == once.seen == 0.01
    assert once.high > 1.3 * even.high


def test_a_constant_rate_has_hardly_a_doubt():
    constant = intervals.rate([100.0] * 30)
    assert (constant.low, constant.high) == (100.0, 100.0)
    poisson = intervals.rate(np.random.default_rng(4).poisson(100, 60))
    assert poisson.low < 100 < poisson.high
    assert poisson.high - poisson.low < 10
    with pytest.raises(ValueError, match="too few"):
        intervals.rate([1.0, 2.0])


def test_five_minutes_at_a_thousand_a_second_are_judged_at_once():
    chance = np.random.default_rng(5)
    encoded = [histograms.encode(histograms.of(row)) for row in streams.wandering(chance, 30, 1000)] * 10
    before = time.process_time()
    known = intervals.series(encoded)
    for q in (0.5, 0.95, 0.99, 0.999):
        intervals.quantile(known, q)
        intervals.quantile(known, q, confidence=intervals.TOLD)
    assert known.total == 300_000
    assert time.process_time() - before < 1.0


def test_no_samples_are_an_error():
    with pytest.raises(ValueError, match="no request"):
        intervals.quantile(["", ""], 0.5)
    with pytest.raises(ValueError, match="no request"):
        intervals.share([0.0], [0.0])
