"""Two samples of single requests: by how much they differ, and whether that is more than chance."""

from __future__ import annotations

import numpy as np
import pytest

from seatrial.latency import effects


def sample(seed, factor=1.0, count=50):
    return (factor * np.random.default_rng(seed).lognormal(-5, 0.3, count)).tolist()


def test_a_slower_sample_is_told_by_how_much():
    found = effects.compare(sample(1, 1.5), sample(2))
    assert found.low < 1.5 < found.high
    assert found.low > 1.1
    assert found.cliffs_delta > 0.474
    assert found.size == "large"
    assert found.p < 0.001


def test_equal_samples_do_not_differ():
    found = effects.compare(sample(1), sample(1))
    assert found.median_ratio == 1
    assert found.low <= 1 <= found.high
    assert (found.cliffs_delta, found.size) == (0, "negligible")
    assert found.p == pytest.approx(1)
    assert effects.compare([0.1] * 5, [0.1] * 5).p == 1


def test_chance_alone_is_seldom_called_more():
    found = [effects.compare(sample(seed), sample(1000 + seed)) for seed in range(100)]
    assert sum(not each.low <= 1 <= each.high for each in found) <= 10
    assert sum(each.p < 0.05 for each in found) <= 12


def test_delta_counts_pairs():
    assert effects.compare([3.0, 4.0], [1.0, 2.0]).cliffs_delta == 1
    assert effects.compare([1.0, 2.0], [3.0, 4.0]).cliffs_delta == -1
    assert effects.compare([1.0, 2.0, 2.0], [2.0, 2.0, 3.0]).cliffs_delta == pytest.approx((0 - 5) / 9)


def test_the_same_samples_have_the_same_effect():
    assert effects.compare(sample(1), sample(2)) == effects.compare(sample(1), sample(2))


def test_great_samples_are_compared_quickly_and_alike():
    great = effects.compare(sample(1, 1.2, 100_000), sample(2, count=100_000))
    assert great.median_ratio == pytest.approx(1.2, rel=0.02)
    assert great.size == "medium"


@pytest.mark.parametrize(("now", "before"), [([1.0], [1.0, 2.0]), ([], []), ([1.0, 0.0], [1.0, 2.0])])
def test_what_is_no_sample_is_refused(now, before):
    with pytest.raises(ValueError, match=r"two|above"):
        effects.compare(now, before)
