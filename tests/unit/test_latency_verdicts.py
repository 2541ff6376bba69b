"""Verdicts: right when they are given, and given only when nothing could have made them otherwise."""

from __future__ import annotations

import statistics
from collections import Counter

import numpy as np
import pytest

from seatrial.latency import intervals, verdicts
from seatrial.latency.verdicts import Doubts
from tests.unit import latency_streams as streams

STREAMS = 200


@pytest.fixture(scope="module", params=[streams.lognormal, streams.slow_hundredth, streams.wandering])
def proof(request):
    """Streams of one law, the true p95 of all of them, and half of what a run tells as its interval."""
    chance = np.random.default_rng(21)
    true = streams.truth(request.param, chance, 0.95)
    made = [streams.series(request.param(chance)) for _ in range(STREAMS)]
    told = [intervals.quantile(each, 0.95, confidence=intervals.TOLD).pair for each in made]
    return made, true, statistics.median(high - low for low, high in told) / 2


def words(made, objective):
    return Counter(verdicts.latency(each, 0.95, objective).word for each in made)


def test_of_streams_half_an_interval_too_slow_none_passes(proof):
    made, true, half = proof
    assert words(made, true - half)["met"] == 0


def test_of_streams_half_an_interval_within_nearly_all_pass(proof):
    made, true, half = proof
    found = words(made, true + half)
    assert found["met"] >= 190
    assert found["missed"] == 0


def test_at_the_objective_hardly_anything_is_decided(proof):
    made, true, _ = proof
    found = words(made, true)
    assert found["undecided"] >= 175
    assert found["missed"] <= 12


def test_a_sound_target_that_stalls_now_and_then_is_hardly_ever_called_slow():
    chance = np.random.default_rng(5)
    made = [streams.series(streams.stalls(chance)) for _ in range(60)]
    true = streams.truth(streams.stalls, chance, 0.5)
    assert Counter(verdicts.latency(each, 0.5, 1.25 * true).word for each in made)["missed"] == 0


# --- doubts ------------------------------------------------------------------------------------------------------------

CALM = streams.series(np.random.default_rng(1).lognormal(-4, 0.4, (60, 100)))  # p95 near 35 ms
MET, MISSED, CLEAR = 0.080, 0.025, 0.001  # objectives: far above, just below, far below

BOTH = {
    "other hardware": Doubts(hardware="2 processors, not 4"),
    "emulated": Doubts(emulated="api-1 runs in qemu-aarch64-static"),
    "restarted": Doubts(restarted="api-1 at 12 s"),
}
GENERATOR = {
    "late": Doubts(lag_p99=0.0085, lag_most=0.020),
    "busy": Doubts(busy=0.93, lag_p99=0.001, lag_most=0.020),
    "at its ceiling": Doubts(load=0.9, lag_p99=0.001, lag_most=0.020),
}
LESS = {
    "requests lost": Doubts(offered=6000, begun=5900),
    "worker lost": Doubts(lost=1),
    "ended early": Doubts(stopped="52% of requests failed over ten seconds"),
}
NOISY = {"noise": Doubts(noise=1.3), "stolen": Doubts(stolen=0.2)}


def word(objective, doubts):
    return verdicts.latency(CALM, 0.95, objective, doubts).word


def test_without_doubt_it_is_what_it_is():
    assert [word(each, Doubts()) for each in (MET, MISSED, CLEAR)] == ["met", "missed", "missed"]


@pytest.mark.parametrize("doubts", BOTH.values(), ids=BOTH)
def test_what_is_another_target_decides_nothing(doubts):
    assert [word(each, doubts) for each in (MET, MISSED, CLEAR)] == ["undecided"] * 3


@pytest.mark.parametrize("doubts", GENERATOR.values(), ids=GENERATOR)
def test_a_generator_that_had_no_time_decides_only_what_no_lag_explains(doubts):
    assert word(MISSED, doubts) == "undecided"
    assert word(MET, doubts) == "undecided"
    assert verdicts.latency(CALM, 0.95, CLEAR, Doubts(lag_p99=0.001, lag_most=0.005)).word == "missed"


@pytest.mark.parametrize("doubts", LESS.values(), ids=LESS)
def test_less_load_than_promised_can_only_flatter(doubts):
    assert [word(each, doubts) for each in (MET, MISSED, CLEAR)] == ["undecided", "missed", "missed"]


@pytest.mark.parametrize("doubts", NOISY.values(), ids=NOISY)
def test_noise_decides_only_what_it_does_not_explain(doubts):
    assert [word(each, doubts) for each in (MET, MISSED, CLEAR)] == ["met", "undecided", "missed"]
    assert verdicts.latency(CALM, 0.95, 0.038, doubts).word == "undecided"


def test_every_reason_says_what_to_do():
    for doubts in (*BOTH.values(), *GENERATOR.values(), *NOISY.values()):
        told = verdicts.latency(CALM, 0.95, MISSED, doubts).why
        assert told.startswith("p95 ")
        assert "; objective 25 ms: " in told
        assert "\n" not in told
        assert any(advice in told for advice in ("run ", "give ", "use ")), told


def test_what_changes_nothing_is_noted():
    decided = verdicts.latency(CALM, 0.95, MET, Doubts(noise=1.3, lost=0))
    assert decided.notes == ()
    assert verdicts.latency(CALM, 0.95, MISSED, Doubts(lost=2)).notes == (
        "2 of the workers that made the load were lost; run again",
    )


def test_too_few_requests_are_told_with_how_many_it_takes():
    few = streams.series(np.random.default_rng(1).lognormal(-4, 0.4, (60, 20)))
    decided = verdicts.latency(few, 0.999, 1.0)
    assert decided.word == "undecided"
    assert "it takes 3," in decided.why or "it takes 4," in decided.why
    assert " s at this rate" in decided.why
    assert verdicts.latency(few, 0.999, 0.010).word == "missed"


def test_a_few_seconds_decide_nothing():
    short = streams.series(np.random.default_rng(1).lognormal(-4, 0.4, (4, 1000)))
    assert [verdicts.latency(short, 0.95, each).word for each in (MET, CLEAR)] == ["undecided"] * 2
    assert "judge 5 s or more" in verdicts.latency(short, 0.95, MET).why


def test_nothing_measured_decides_nothing():
    assert verdicts.latency([""] * 30, 0.95, 1.0).word == "undecided"
    assert verdicts.errors([0.0] * 30, [0.0] * 30, 0.01).word == "undecided"
    assert verdicts.throughput([100.0] * 3, 50.0).word == "undecided"


# --- not settled ---------------------------------------------------------------------------------------------------------


def scaled(factors):
    stream = np.random.default_rng(3).lognormal(-4, 0.4, (60, 100))
    return streams.series(stream * factors[:, None])


COLD = scaled(1 + 6 * np.exp(-np.arange(60) / 5))


def test_a_warm_up_that_was_too_short_decides_nothing_that_the_rest_does_not_confirm():
    decided = verdicts.latency(COLD, 0.95, 0.050)
    assert decided.word == "undecided"
    assert "let `warm_up` be" in decided.why
    assert verdicts.latency(COLD, 0.95, 0.010).word == "missed"
    assert verdicts.latency(COLD, 0.95, 0.500).word == "met"


def test_growth_that_leads_to_the_objective_is_not_met():
    growing = scaled(np.linspace(1, 2, 60))
    seen = intervals.quantile(growing, 0.95).seen
    decided = verdicts.latency(growing, 0.95, 1.3 * seen)
    assert decided.word == "undecided"
    assert "latency " in decided.why
    assert verdicts.latency(growing, 0.95, 20 * seen).word == "met"
    assert verdicts.latency(growing, 0.95, 0.5 * seen).word == "missed"


def test_a_level_that_fell_below_the_objective_is_not_missed():
    falling = scaled(np.where(np.arange(60) < 30, 2.0, 1.0))
    assert verdicts.latency(falling, 0.95, 0.050).word == "undecided"
    assert verdicts.latency(falling, 0.95, 0.005).word == "missed"


@pytest.mark.parametrize("begin", [2.5, 7.0, 12.3, 16.0])
def test_a_stall_of_two_seconds_at_a_hundred_a_second_is_missed(begin):
    """In 20 s those who came meanwhile are a tenth of all: their p95 is 1 s, whether or not it ever happens again."""
    at = np.arange(2000) / 100
    took = np.where((at >= begin) & (at < begin + 2), begin + 2 - at, 0.005)
    decided = verdicts.latency(streams.series(took.reshape(20, 100)), 0.95, 0.200)
    assert decided.word == "missed", decided.why
    assert decided.seen == pytest.approx(1.0, rel=0.02)


def test_what_saturates_is_missed():
    took = 0.005 + 0.2 * np.maximum(np.arange(60) - 20, 0)[:, None] + np.zeros((60, 100))
    assert verdicts.latency(streams.series(took), 0.95, 0.200).word == "missed"


# --- errors and throughput ---------------------------------------------------------------------------------------------


def shares(failed, objective, doubts=None):
    doubts = doubts or Doubts()
    return verdicts.errors(failed, [100.0] * len(failed), objective, doubts)


def test_errors_are_decided_by_how_far_the_truth_may_lie():
    chance = np.random.default_rng(7)
    assert shares(chance.binomial(100, 0.001, 60).tolist(), 0.01).word == "met"
    assert shares(chance.binomial(100, 0.05, 60).tolist(), 0.01).word == "missed"
    assert shares(chance.binomial(100, 0.01, 60).tolist(), 0.01).word == "undecided"


def test_no_error_in_too_few_requests_is_not_met():
    decided = shares([0.0] * 10, 0.001)
    assert decided.word == "undecided"
    assert "it takes 3,688 requests to show it, 37 s at this rate" in decided.why
    assert shares([0.0] * 60, 0.001).word == "met"


def test_no_error_at_all_is_what_it_says():
    assert shares([0.0] * 10, 0.0).word == "met"
    assert shares([0.0] * 9 + [1.0], 0.0).word == "missed"


def test_a_target_that_dies_has_missed_also_when_it_is_restarted():
    dying = [0.0, 0.0, 10.0, 60.0, 90.0, 100.0]
    doubts = Doubts(stopped="52% of requests failed over ten seconds", restarted="api-1 at 3 s")
    assert shares(dying, 0.01, doubts).word == "missed"
    assert shares(dying, 0.01, Doubts(restarted="api-1 at 3 s")).word == "undecided"
    assert shares([0.0] * 60, 0.01, Doubts(stopped="by hand")).word == "undecided"


def test_a_quantile_that_failures_alone_miss_is_missed():
    fast = streams.series(np.full((60, 85), 0.005))
    decided = verdicts.latency(fast, 0.95, 1.0, failed=[15.0] * 60)
    assert decided.word == "missed"
    assert decided.why.startswith("p95 has no answer: 900 of 6,000 requests failed")
    nothing = verdicts.latency([""] * 60, 0.95, 1.0, failed=[100.0] * 60)
    assert nothing.word == "missed"


def test_throughput_is_decided_by_its_bounds():
    assert verdicts.throughput([100.0] * 30, 100.0).word == "met"
    assert verdicts.throughput([100.0] * 30, 99.0).word == "met"
    assert verdicts.throughput([90.0] * 30, 100.0).word == "missed"
    poisson = np.random.default_rng(1).poisson(100, 60).tolist()
    assert verdicts.throughput(poisson, 100.0).word == "undecided"
    assert verdicts.throughput([90.0] * 30, 100.0, Doubts(offered=2700, begun=2700)).word == "undecided"
    assert verdicts.throughput([90.0] * 30, 100.0, Doubts(noise=1.3)).word == "undecided"
    assert verdicts.throughput([90.0] * 30, 100.0, Doubts(offered=3300, begun=3000)).word == "missed"


def test_noise_is_how_much_slower_the_same_work_was():
    assert verdicts.noise([1.0, 1.01, 1.02], [1.0, 1.03, 1.01]) == 1.0
    assert verdicts.noise([1.0, 1.0, 1.0], [1.5, 1.5, 1.5]) == 1.5
    assert verdicts.noise([1.0, 1.4, 1.4], [1.0, 1.4, 1.4]) == 1.4
    assert verdicts.noise([1.0, 1.0, 9.0], [1.0, 1.0, 1.0]) == 1.0  # once is nothing
    assert verdicts.noise([], []) == 1.0
