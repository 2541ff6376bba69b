"""Loads and their objectives in every report: the same numbers, each with its doubt and its hardware."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest
import yaml

from seatrial import closing
from seatrial.facts.runtime import Observations
from seatrial.latency import histograms
from seatrial.objectives_told import MOST_SPANS, objectives_told
from seatrial.profile.loading import load
from seatrial.words import Missing
from seatrial.writers import _loads, conformance, html, loads, markdown
from seatrial.writers._plots import alone, capacity, latency_text, rate_text
from tests.unit.loads_made import load_run
from tests.unit.records import LOAD, RECORD

PROFILE = {
    "profile": "shop",
    "target": {"driver": "http"},
    "environment": "staging",
    "services": {"api": {"url": "http://127.0.0.1:8080"}},
    "slos": {
        "notes": {
            "service": "api", "locustfile": "loadtests/notes.py", "rate": "100/s", "duration": "50s", "ramp": "5s", "warm_up": "5s",
            "latency": {"p50": "9ms", "p95": "12ms", "p99": "50ms"}, "errors": "1%", "throughput": "50/s",
            "endpoints": {"POST /notes": {"latency": {"p99.9": "5ms"}, "proposed": True}},
        }
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("profile")
    (folder / "loadtests").mkdir()
    (folder / "loadtests" / "notes.py").write_text("")
    (folder / "shop.yaml").write_text(yaml.safe_dump(PROFILE))
    return load(str(folder / "shop.yaml")).profile


def told(profile, made, mask=lambda text: text):
    observed = Observations(taken="2026-06-01T03:00:00+00:00", runtime=Missing("no"), loads={"slos.notes": made})
    trial = SimpleNamespace(profile=profile, observations=observed, mask=mask)
    (one,) = objectives_told(trial, lambda made: closing._experiment(trial, made))
    return one


@pytest.fixture(scope="module")
def made():
    return load_run(duration=30, stall=(30, 32), failing=3)


def test_each_objective_is_told_with_its_doubt_and_its_hardware(profile, made):
    one = told(profile, made)
    assert [row.what for row in one.objectives] == [
        "p50 of all requests", "p95 of all requests", "p99 of all requests", "p99.9 of POST /notes",
        "errors of all requests", "throughput of all requests",
    ]  # fmt: skip
    missed = one.objectives[1]
    assert (missed.decision, missed.objective, missed.quantile) == ("missed", 0.012, 0.95)
    assert missed.bounds[0] <= missed.seen <= missed.bounds[1]
    assert missed.interval[0] <= missed.bounds[0]
    assert "amd64, 2 cores, Xeon Platinum 8375C" in missed.hardware
    assert all(row.why for row in one.objectives if row.decision == "undecided")
    assert one.objectives[3].proposed


def test_numbers_are_those_of_the_whole_histogram_and_only_pictures_are_coarser(profile, made):
    one = told(profile, made)
    counted = [second for second in made.streams[0].seconds if 10 <= second.at < 40]
    whole = histograms.merged(second.latency for second in counted)
    assert dict(one.streams[0].quantiles) == {q: histograms.quantile(whole, q) for q, _ in one.streams[0].quantiles}
    assert sum(count for _, _, count in one.streams[0].bars) == histograms.total(whole)
    assert one.streams[0].right == sum(second.right for second in counted)


def test_a_long_load_is_drawn_by_quantiles_of_joined_seconds(profile, made):
    long = told(profile, load_run(endpoints=("GET /",), rate=3, duration=500))
    spans = long.streams[0].spans
    assert len(spans) <= MOST_SPANS
    assert {span.seconds for span in spans} == {3.0}
    assert sum(span.offered for span in spans) == 3 * 510


def test_any_reader_of_histograms_reads_the_log_with_equal_counts(profile, made, tmp_path):
    (file, text), *none = loads.write(replace(RECORD, loads=(told(profile, made),)), tmp_path).items()
    assert (file, none) == ("notes.hlog", [])
    (tmp_path / file).write_text(text)
    from hdrh.histogram import HdrHistogram
    from hdrh.log import HistogramLogReader

    read: dict[str, Counter[int]] = {}
    for line in histograms.read_log(tmp_path / file):
        read.setdefault(line.tag, Counter()).update(histograms.counts(histograms.decode(line.histogram)))
    for stream in made.streams:
        assert dict(read[histograms.tag(stream.name)]) == histograms.counts(histograms.decode(stream.latency))
    # The library's own reader, of the lines of all requests together.
    alone = tmp_path / "all.hlog"
    alone.write_text("".join(line for line in text.splitlines(keepends=True) if not line.startswith("Tag=")))
    into = HdrHistogram(1, 3_600_000_000, 3)
    reader = HistogramLogReader(str(alone), into)
    while reader.add_next_interval_histogram(into):
        pass
    reader.close()
    assert histograms.counts(into) == histograms.counts(histograms.decode(made.streams[0].latency))


def test_no_folder_of_logs_without_loads(tmp_path):
    assert loads.write(replace(RECORD, loads=()), tmp_path) == {}


def test_what_could_not_be_made_says_why(profile, tmp_path):
    one = told(profile, Missing("api was not ready for password"), mask=lambda text: text.replace("password", "***"))
    assert one.missing == "api was not ready for ***"
    page = html.write(replace(RECORD, loads=(one,)), tmp_path)
    assert "There is no load to tell of: api was not ready for ***." in page


def test_what_cannot_be_read_costs_that_load_alone(profile, made):
    stream = replace(made.streams[0], seconds=(replace(made.streams[0].seconds[20], latency="no histogram"),))
    one = told(profile, replace(made, streams=(stream,)))
    assert "no HdrHistogram" in one.missing


def test_pictures_are_well_formed_and_say_what_they_show(profile, made):
    one = told(profile, made)
    found = [picture for _, picture, _, _ in _loads.pictures(one, one.streams[0], "a", whole=True)]
    found += [_loads.lag(one, "lag"), _loads.memory(one, "memory")]
    assert len(found) == 6
    for picture in found:
        root = ET.fromstring(picture)
        title, says = root[0], root[1]
        assert root.get("role") == "img"
        assert (root.get("aria-labelledby"), root.get("aria-describedby")) == (title.get("id"), says.get("id"))
        assert title.text
        assert says.text
        assert "nan" not in picture
        assert "inf" not in picture.replace("info", "")
    assert "p95 at most 12 ms" in found[0]
    assert "restart" in found[0]


@pytest.mark.parametrize("change", [{"streams": ()}, {"lag": (), "memory": ()}, {"seconds": 0.0, "judged_until": 0.0}])
def test_a_load_with_little_in_it_is_told_all_the_same(change, tmp_path):
    page = html.write(replace(RECORD, loads=(replace(LOAD, **change),)), tmp_path)
    assert "slos.notes" in page


def test_an_endpoint_that_was_never_answered_has_no_quantiles(profile, tmp_path):
    one = told(profile, load_run(endpoints=("GET /",), rate=4, duration=5, ramp=0, warm_up=0, failing=4))
    assert one.streams[0].failed > 0
    empty = replace(LOAD, streams=(replace(LOAD.streams[0], quantiles=(), bars=()),))
    assert "Share answered in time" not in html.write(replace(RECORD, loads=(empty,)), tmp_path)


def test_every_number_of_a_closed_loop_says_so(profile, tmp_path):
    one = told(profile, load_run(loop="closed", duration=20))
    record = replace(RECORD, loads=(one,))
    page = html.write(record, tmp_path)
    assert page.count(_loads.CLOSED) >= len(one.objectives)
    summary = markdown.write(record, tmp_path)
    assert summary.count(_loads.CLOSED) == len(one.objectives)
    assert {load["loop"] for load in conformance.document(record)["loads"]} == {"closed"}


def test_what_a_target_says_in_a_load_is_text(tmp_path):
    hostile = "<script>alert(1)</script> | `x` @ops"
    stream = replace(LOAD.streams[0], name=hostile, errors=((hostile, 3),))
    one = replace(
        LOAD, stopped=hostile, streams=(stream,), notes=((hostile, hostile),), memory=((hostile, ((0.0, 1), (1.0, 2))),)
    )
    record = replace(RECORD, loads=(one,))
    assert "<script" not in html.write(record, tmp_path)
    assert "@ops" not in markdown.write(record, tmp_path)


def test_a_big_load_keeps_the_report_small_and_quick(profile, tmp_path):
    """Five minutes, ten endpoints: what is drawn is made coarser, and what is told is not."""
    small = len(html.write(replace(RECORD, loads=()), tmp_path))
    endpoints = tuple(f"GET /things/{number}" for number in range(10))
    run = load_run(endpoints=endpoints, rate=5, duration=290)
    record = replace(RECORD, loads=(told(profile, run),))
    began = time.process_time()
    page = html.write(record, tmp_path)
    logs = loads.write(record, tmp_path)
    took = time.process_time() - began
    assert len(page) - small < 1_500_000
    assert logs["notes.hlog"].count("\n") == 5 + 11 * 300
    assert took < 3  # a second on a quiet machine


def test_a_capacity_is_drawn():
    points = [(50.0, 0.009, 0.0085, 0.0094, "met"), (300.0, 0.21, 0.1, 0.4, "missed")]
    picture = capacity("c", points, objective=0.05, best=50.0)
    assert "300/s: 210 ms (100 ms to 400 ms), missed" in ET.fromstring(picture)[1].text
    assert "prefers-color-scheme" in alone(picture)
    ET.fromstring(alone(picture))
    ET.fromstring(capacity("c", [], objective=0.05))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("412 µs", 0.000412), ("9.24 ms", 0.00924), ("50 ms", 0.05), ("100 ms", 0.09999), ("1.04 s", 1.0384), ("0 s", 0.0), ("999 µs", 0.000999), ("3,600 s", 3600.0)],
)  # fmt: skip
def test_latencies_have_three_digits_and_a_unit(text, seconds):
    assert latency_text(seconds) == text


def test_rates_have_three_digits():
    assert [rate_text(rate) for rate in (99.84, 100, 1240.4, 0.5)] == ["99.8/s", "100/s", "1,240/s", "0.500/s"]
