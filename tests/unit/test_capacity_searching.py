"""The search for the highest rate that is met, on targets whose answer is known."""

from __future__ import annotations

import random

import pytest

from seatrial.capacity.searching import Tried, add_up, search


def made(decide, *, start=50.0, most=1e6, within=0.05):
    """A whole search; `decide` gives the word for a rate."""
    steps = search(start, most, "max_rate of slos.read", within)
    tried: list[Tried] = []
    try:
        rate = next(steps)
        while True:
            word = decide(rate)
            tried.append(Tried(rate, word, "too few" if word == "undecided" else ""))
            rate = steps.send(word)
    except StopIteration as end:
        return add_up(tried), tried, end.value


def sharp(capacity):
    return lambda rate: "met" if rate <= capacity else "missed"


@pytest.mark.parametrize("capacity", [51, 60, 99.9, 100, 137, 400, 5_000, 123_456])
@pytest.mark.parametrize("within", [0.01, 0.05, 0.2])
def test_a_sharp_edge_is_found_to_within_what_was_asked(capacity, within):
    found, tried, why = made(sharp(capacity), within=within)
    assert found.met <= capacity < found.missed
    assert found.missed - found.met <= within * found.met
    assert "apart" in why
    assert len(tried) <= 32
    assert found.uneven == ()


def test_rates_double_until_one_is_missed():
    _, tried, _ = made(sharp(390))
    assert [one.rate for one in tried[:4]] == [50, 100, 200, 400]


def test_no_more_than_the_most_is_tried():
    found, tried, why = made(sharp(1e9), most=300)
    assert max(one.rate for one in tried) == 300
    assert (found.met, found.missed, found.above) == (300, None, None)
    assert why == "300/s is met, and more is not tried: max_rate of slos.read"


def test_a_first_rate_above_the_most_is_the_most():
    _, tried, _ = made(sharp(1e9), start=500, most=300)
    assert [one.rate for one in tried] == [300]


def test_what_the_first_rate_does_not_meet_is_looked_for_below():
    found, tried, _ = made(sharp(17))
    assert [one.rate for one in tried[:3]] == [50, 25, 12.5]
    assert found.met <= 17 < found.missed <= 50


def test_where_nothing_is_met_the_search_ends():
    found, tried, why = made(sharp(0))
    assert found.met is None
    assert len(tried) == 7
    assert why == "nothing is met down to 0.78/s"


def test_an_undecided_step_is_made_once_more_and_is_then_the_edge():
    found, tried, _ = made(lambda rate: "met" if rate <= 100 else "undecided" if rate <= 150 else "missed")
    assert 100 * 0.95 <= found.met <= 100
    assert found.missed == 200
    assert found.edge <= 106
    assert found.above == found.edge
    assert found.why_edge == "too few"
    rates = [one.rate for one in tried if one.word == "undecided"]
    assert all(rates.count(rate) == 2 for rate in rates)


def test_one_that_is_decided_when_it_is_made_again_is_no_edge():
    once = set()

    def decide(rate):
        if rate not in once:
            once.add(rate)
            return "undecided"
        return "met" if rate <= 100 else "missed"

    found, _, _ = made(decide)
    assert found.edge is None
    assert found.met <= 100 < found.missed


def test_where_all_is_undecided_nothing_is_found():
    found, tried, _ = made(lambda _: "undecided")
    assert (found.met, found.missed) == (None, None)
    assert found.edge is not None
    assert [one.rate for one in tried] == [50, 50, 25, 25, 12.5, 12.5]


def test_a_rate_that_is_missed_once_and_met_once_is_told_and_counts_as_missed():
    counts: dict[float, int] = {}

    def decide(rate):
        counts[rate] = counts.get(rate, 0) + 1
        return "met" if rate <= 100 or (counts[rate] > 1 and rate < 110) else "missed"

    found, _, _ = made(decide)
    assert found.met <= 100 < found.missed
    assert "tried again, met" in found.uneven[0]


def test_a_higher_rate_that_is_met_after_a_lower_one_was_missed_is_told():
    found = add_up([Tried(50, "met"), Tried(60, "missed"), Tried(70, "met"), Tried(80, "missed")])
    assert (found.met, found.missed) == (50, 60)
    assert found.uneven == ("70/s was met although 60/s was missed",)


def test_every_search_ends_whatever_it_is_told():
    chance = random.Random(7)
    for _ in range(300):
        words = chance.choices(["met", "missed", "undecided"], weights=[chance.random() for _ in range(3)], k=400)
        word = iter(words)
        _, tried, why = made(lambda _, word=word: next(word), most=1e5, within=0.02)
        assert len(tried) <= 100
        assert why
