"""What is counted, and that the sum of all processes' reports is what one process would have counted."""

from __future__ import annotations

import json
import math
import random

import pytest

from seatrial.latency import histograms
from seatrial.load.recording import MOST_KINDS, MOST_STREAMS, RAW, Joined, Recorder, bucket, encoded, quantile


def latencies(seed: int, count: int) -> list[float]:
    chance = random.Random(seed)
    return [min(math.exp(chance.gauss(-4, 2)), 60.0) for _ in range(count)]


def test_a_bucket_is_that_of_the_library():
    chance = random.Random(1)
    values = [1, 2, 2047, 2048, 2049, 4095, 4096, histograms.HIGHEST]
    values += [int(10 ** chance.uniform(0, 9.5)) for _ in range(2000)]
    made = histograms.new()
    assert [bucket(value) for value in values] == [made.get_lowest_equivalent_value(value) for value in values]


@pytest.mark.parametrize(("microseconds", "counted"), [(0, 1), (-5, 1), (10**12, histograms.HIGHEST)])
def test_what_is_out_of_range_counts_at_its_end(microseconds, counted):
    assert histograms.counts(histograms.decode(encoded({bucket(microseconds): 1}))) == histograms.counts(
        histograms.of([counted / 1e6])
    )


def test_a_request_counts_in_the_second_in_which_it_was_to_begin():
    recorder = Recorder(100.0)
    track = recorder.track("GET /x", "GET")
    for at, took in ((100.1, 0.01), (100.9, 2.5), (102.0, 0.02)):
        track.begun.append(at)
        track.right(at, at + took, 3)
    track.begun.append(102.5)
    track.failed(102.5, 103.5, "HTTP 503")
    joined = Joined()
    joined.add(recorder.news())
    whole, named = joined.told()
    assert [(s["at"], s["offered"], s["right"], s["failed"]) for s in whole["seconds"]] == [(0, 2, 2, 0), (2, 2, 1, 1)]
    assert named["name"] == "GET /x"
    assert named["errors"] == {"HTTP 503": 1}
    assert histograms.quantile(histograms.decode(named["failed"]), 1.0) == pytest.approx(1.0, rel=0.001)
    assert histograms.quantile(histograms.decode(whole["seconds"][0]["latency"]), 1.0) == pytest.approx(2.5, rel=0.001)


def test_the_sum_of_all_reports_is_bucket_by_bucket_one_histogram_of_the_joined_stream():
    joined, seen = Joined(), []
    recorders = [Recorder(0.0) for _ in range(3)]
    for turn in range(4):
        for index, recorder in enumerate(recorders):
            for place, took in enumerate(latencies(10 * turn + index, 500)):
                at = turn + place / 500
                track = recorder.track(f"GET /{place % 2}", "GET")
                track.begun.append(at)
                track.right(at, at + took)
                # As the recorder sees it: what is left of a difference of two times.
                seen.append((turn, (at + took) - at))
            joined.add(json.loads(json.dumps(recorder.news())))
    whole = joined.told()[0]
    assert histograms.counts(histograms.decode(whole["latency"])) == histograms.counts(
        histograms.of(took for _, took in seen)
    )
    for second in whole["seconds"]:
        assert histograms.counts(histograms.decode(second["latency"])) == histograms.counts(
            histograms.of(took for turn, took in seen if turn == second["at"])
        )


def test_nothing_is_told_twice():
    recorder, joined = Recorder(0.0), Joined()
    recorder.track("a").begun.append(0.5)
    recorder.track("a").right(0.5, 0.6)
    joined.add(recorder.news())
    joined.add(recorder.news())
    assert (joined.offered, joined.right) == (1, 1)


def test_a_load_without_an_end_keeps_no_seconds():
    recorder, joined = Recorder(0.0), Joined(by_second=False)
    recorder.track("a").begun.append(0.5)
    recorder.track("a").right(0.5, 0.6)
    joined.add(recorder.news())
    assert (joined.right, joined.streams["a"].seconds, joined.last) == (1, {}, {})
    assert quantile(joined.latency, 0.5) == pytest.approx(0.1, rel=0.001)


def test_lag_counts_from_the_end_of_the_warm_up():
    recorder, joined = Recorder(0.0, judged_from=10.0, lasts=20.0), Joined()
    for at in (5.0, 15.0, 25.0):
        recorder.late(at, at + 0.001)
    joined.add(recorder.news())
    assert sum(joined.lag.values()) == 1
    assert quantile(joined.lag, 0.99) == pytest.approx(0.001, rel=0.01)


def test_what_begins_after_the_end_only_tidies():
    recorder, joined = Recorder(0.0, lasts=1.0), Joined()
    track = recorder.track("a")
    track.begun.append(1.5)
    track.right(1.5, 1.6)
    joined.add(recorder.news())
    assert joined.told()[0]["seconds"] == []


def test_names_without_end_are_bounded():
    recorder, joined = Recorder(0.0), Joined()
    for number in range(MOST_STREAMS + 100):
        recorder.track(f"GET /notes/{number}").begun.append(0.1)
    joined.add(recorder.news())
    assert len(joined.streams) == MOST_STREAMS + 1
    assert joined.streams["other"].seconds[0].offered == 100
    assert joined.offered == MOST_STREAMS + 100


def test_kinds_of_failures_without_end_are_bounded():
    recorder, joined = Recorder(0.0), Joined()
    for number in range(MOST_KINDS + 100):
        recorder.track("a").failed(0.1, 0.2, f"kind {number}")
    joined.add(recorder.news())
    assert len(joined.streams["a"].errors) == MOST_KINDS + 1
    assert joined.streams["a"].errors["other"] == 100


def test_statistics_are_told_in_bulk_what_was_right_and_what_was_not():
    told = []
    recorder = Recorder(0.0, bulk=lambda *each: told.append(each))
    track = recorder.track("GET /x", "GET")
    track.begun.extend([0.1, 0.2])
    track.right(0.1, 0.105, 7)
    track.failed(0.2, 0.25, "refused")
    recorder.fold()
    method, name, took, size, failures = told[0]
    assert (method, name, took, size) == ("GET", "GET /x", [5000], 7)
    assert failures == [(pytest.approx(50.0), "refused")]


def test_raw_latencies_are_written_when_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv(RAW, str(tmp_path))
    recorder = Recorder(0.0)
    recorder.track("a").right(0.1, 0.103)
    recorder.fold()
    assert [json.loads(line) for file in tmp_path.iterdir() for line in file.read_text().splitlines()] == [
        ["a", 0, [3000]]
    ]


def test_nothing_is_an_empty_text():
    assert encoded({}) == ""
    assert quantile({}, 0.5) == 0.0
    assert Joined().told() == [{"name": "", "seconds": [], "latency": "", "failed": "", "errors": {}}]
