"""Schedules of arrivals: the rate, the ramp, chance from a seed, and that processes share one schedule."""

from __future__ import annotations

import itertools
import math
import statistics

import pytest

from seatrial.load.arrivals import Schedule, portion

KINDS = ("constant", "poisson")


def times(schedule: Schedule, index: int = 0, of: int = 1) -> list[float]:
    return [at for _, at in schedule.times(index, of)]


@pytest.mark.parametrize("rate", [0.5, 1, 3, 7, 99.9, 100, 333.3, 1000, 40_000])
def test_constant_arrivals_are_as_many_as_the_rate_and_the_time_say(rate):
    found = times(Schedule(rate, lasts=10))
    assert len(found) == math.ceil(rate * 10 - 1e-6)
    assert found[0] == 0
    assert max(found) < 10


def test_constant_arrivals_are_at_equal_distances():
    found = times(Schedule(8, lasts=2))
    assert found == [number / 8 for number in range(16)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_ramp_grows_in_a_straight_line(kind):
    found = times(Schedule(1000, lasts=8, ramp=4, kind=kind, seed=3))
    each = [sum(1 for at in found if second <= at < second + 1) for second in range(8)]
    wanted = [125, 375, 625, 875, 1000, 1000, 1000, 1000]
    slack = 1 if kind == "constant" else 130
    assert [abs(a - b) <= slack for a, b in zip(each, wanted, strict=True)] == [True] * 8
    assert found == sorted(found)


@pytest.mark.parametrize("seconds", [0.0, 0.1, 1.0, 3.999, 4.0, 4.001, 60.0])
def test_what_is_due_then_is_due_then(seconds):
    schedule = Schedule(50, ramp=4)
    assert schedule.when(schedule.due(seconds)) == pytest.approx(seconds)


def test_poisson_arrivals_come_as_independent_visitors_do():
    found = times(Schedule(200, lasts=100, kind="poisson", seed=1))
    gaps = [after - before for before, after in itertools.pairwise(found)]
    assert len(found) == pytest.approx(20_000, rel=0.03)
    assert statistics.mean(gaps) == pytest.approx(1 / 200, rel=0.03)
    # Of an exponential law, and of few others, the deviation is the mean.
    assert statistics.stdev(gaps) == pytest.approx(1 / 200, rel=0.05)


def test_the_same_seed_gives_the_same_arrivals_and_another_others():
    one, same, other = (times(Schedule(20, lasts=5, kind="poisson", seed=seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_processes_together_make_exactly_the_one_schedule(kind, of):
    schedule = Schedule(97, lasts=6, ramp=2, kind=kind, seed=5)
    parts = [list(schedule.times(index, of)) for index in range(of)]
    assert sorted(itertools.chain(*parts)) == list(schedule.times())
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize(
    "wrong",
    [{"rate": 0}, {"rate": -1}, {"rate": math.inf}, {"rate": math.nan}, {"rate": 1, "kind": "often"},
     {"rate": 1, "ramp": -1}, {"rate": 1, "lasts": math.nan}],
)  # fmt: skip
def test_what_can_not_be_made_is_refused(wrong):
    with pytest.raises(ValueError):
        Schedule(**wrong)


def test_a_schedule_without_an_end_goes_on():
    found = [at for _, at in itertools.islice(Schedule(10).times(), 1000)]
    assert found[-1] == pytest.approx(99.9)


@pytest.mark.parametrize(("whole", "of"), [(0, 3), (1, 3), (10, 3), (9, 3), (2, 5)])
def test_what_is_divided_adds_up(whole, of):
    parts = [portion(whole, index, of) for index in range(of)]
    assert sum(parts) == whole
    assert max(parts) - min(parts) <= 1
