"""What has not settled, drifts or jumps is told; what only wanders is not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from seatrial.latency import trends
from tests.unit import latency_streams as streams

LAWS = [streams.lognormal, streams.slow_hundredth, streams.wandering, streams.stalls]


def levels(stream, q=0.95):
    return trends.levels(streams.series(stream), q)


@pytest.mark.parametrize("law", LAWS)
def test_what_stays_as_it_is_is_left_alone(law):
    chance = np.random.default_rng(1)
    told = [levels(law(chance)) for _ in range(40)]
    assert sum(trends.drift(each).sure for each in told) <= 1
    assert sum(trends.shift(each).sure for each in told) <= 2
    assert sum(trends.warm_up(each).sure for each in told) <= 5


def changed(factors, seed=2):
    chance = np.random.default_rng(seed)
    return [levels(streams.lognormal(chance) * factors[:, None], 0.5) for _ in range(20)]


def test_a_warm_up_is_found_and_how_long_it_takes():
    cold = [trends.warm_up(each) for each in changed(1 + 4 * np.exp(-np.arange(60) / 5))]
    assert sum(each.sure for each in cold) >= 19
    assert all(5 <= each.index <= 30 and each.first > 1.3 for each in cold)
    quick = [trends.warm_up(each) for each in changed(1 - 0.7 * np.exp(-np.arange(60) / 5))]
    assert sum(each.sure and each.first < 1 for each in quick) >= 18


def test_a_drift_is_found_and_where_it_leads():
    told = [trends.drift(each) for each in changed(np.linspace(1, 1.6, 60))]
    assert sum(each.sure for each in told) >= 19
    assert np.median([each.factor for each in told]) == pytest.approx(1.6, rel=0.1)
    assert all(1 < each.end < each.ahead for each in told)
    down = [trends.drift(each) for each in changed(np.linspace(1.6, 1, 60))]
    assert all(each.factor < 1 for each in down)


def test_a_shift_is_found_and_when_it_was():
    told = [trends.shift(each) for each in changed(np.where(np.arange(60) < 40, 1.0, 1.5))]
    assert sum(each.sure for each in told) >= 19
    assert all(38 <= each.at <= 42 for each in told)
    assert np.median([each.factor for each in told]) == pytest.approx(1.5, rel=0.1)


def test_short_and_empty_series_say_nothing():
    for series in ([], [0.1] * 5, [math.nan] * 40, [0.1] * 60):
        assert not trends.warm_up(series).sure
        assert not trends.drift(series).sure
        assert not trends.shift(series).sure


def test_seconds_without_requests_have_no_level():
    from seatrial.latency import intervals

    told = trends.levels(intervals.series([{1000: 5}, {}, {2000: 5}]), 0.5)
    assert told[0] == 0.001
    assert math.isnan(told[1])
    assert told[2] == 0.002
