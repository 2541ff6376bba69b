"""Histograms: exact when merged, the same for every reader, and hard to hurt."""

from __future__ import annotations

import base64
import math
import random
import struct
import sys
import zlib

import pytest

from seatrial.latency import histograms


def some(count, seed=1):
    chance = random.Random(seed)
    return [chance.lognormvariate(-5, 1.5) for _ in range(count)]


def test_a_merge_is_the_histogram_of_the_joined_stream():
    parts = [some(1000, 1), some(300, 2), [], [3000.0, 0.000001]]
    joined = histograms.of([each for part in parts for each in part])
    merged = histograms.merged(histograms.encode(histograms.of(part)) for part in parts)
    assert histograms.counts(merged) == histograms.counts(joined)
    assert merged.equals(joined)
    assert histograms.encode(merged) == histograms.encode(joined)


@pytest.mark.parametrize("q", [0.001, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0])
def test_a_quantile_is_within_a_thousandth_of_that_of_the_samples(q):
    samples = some(5000)
    exact = sorted(samples)[math.ceil(q * 5000 - 1e-9) - 1]
    assert histograms.quantile(histograms.of(samples), q) == pytest.approx(exact, rel=0.001, abs=1e-6)


def test_a_quantile_is_that_of_the_library():
    told = histograms.of(some(1000))
    for q in (0.5, 0.9, 0.95, 0.99):
        assert histograms.quantile(told, q) == told.get_value_at_percentile(100 * q) / 1e6
    assert histograms.quantile(histograms.counts(told), 0.9) == histograms.quantile(told, 0.9)


@pytest.mark.parametrize("micro", [1, 2, 2047, 2048, 2049, 4096, 99_999, 1_234_567, histograms.HIGHEST])
def test_a_value_stands_for_its_bucket(micro):
    told = histograms.new()
    told.record_value(micro)
    assert histograms.counts(told) == {told.get_highest_equivalent_value(micro): 1}
    values, counts = histograms.sparse(histograms.encode(told))
    assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == histograms.counts(told)


def test_what_is_encoded_is_read_again():
    told = histograms.of(some(1000))
    again = histograms.decode(histograms.encode(told))
    assert again.equals(told)
    assert histograms.total(again) == 1000


def test_an_empty_histogram_is_an_empty_text():
    assert histograms.encode(histograms.new()) == ""
    assert histograms.total(histograms.decode("")) == 0
    with pytest.raises(ValueError, match="empty"):
        histograms.quantile(histograms.new(), 0.5)


def packed(plain):
    squeezed = zlib.compress(plain)
    return base64.b64encode(struct.pack(">II", 0x1C849314, len(squeezed)) + squeezed).decode()


SOUND = histograms.encode(histograms.of(some(200)))
PLAIN = zlib.decompress(base64.b64decode(SOUND)[8:])
HOSTILE = {
    "no base64": "HIST!",
    "not ASCII": "é" * 8,
    "nothing in it": "AAAA",
    "cut off": SOUND[: len(SOUND) // 2 // 4 * 4],
    "endless": "A" * 600_000,
    "a bomb": packed(PLAIN[:40] + bytes(50_000_000)),
    "other settings": packed(PLAIN[:12] + struct.pack(">I", 5) + PLAIN[16:]),
    "a length that is none": packed(PLAIN[:4] + struct.pack(">I", 1 << 30) + PLAIN[8:]),
    "beyond the last bucket": packed(PLAIN[:4] + struct.pack(">I", 4) + PLAIN[8:40] + b"\xff\xff\x07\x02"),
    "another cookie": packed(b"\0\0\0\0" + PLAIN[4:]),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_histogram_is_refused(text):
    for read in (histograms.decode, histograms.sparse):
        with pytest.raises(ValueError, match=r"."):
            read(text)


def test_damaged_histograms_are_refused_or_read_but_never_crash():
    chance = random.Random(3)
    for _ in range(300):
        damaged = bytearray(PLAIN)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(40, len(damaged))] = chance.randrange(256)
        try:
            values, counts = histograms.sparse(packed(bytes(damaged)))
        except ValueError:
            continue
        assert len(values) == len(counts)


def test_a_log_is_in_the_standard_format(tmp_path):
    from hdrh.log import HistogramLogReader

    path = tmp_path / "read.hlog"
    one, other = histograms.encode(histograms.of(some(50, 1))), histograms.encode(histograms.of(some(60, 2)))
    histograms.write_log(
        path, 1_700_000_000.0, [(0.0, 1.0, "", one), (0.0, 1.0, "GET /a, b", other), (1.0, 1.0, "", "")]
    )
    lines = path.read_text().splitlines()
    assert lines[1] == "#[Histogram log format version 1.3]"
    assert lines[4] == '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
    assert lines[5].startswith("0.000,1.000,")
    assert lines[6].startswith("Tag=GET_/a_b,0.000,1.000,")
    assert len(lines) == 7
    reader = HistogramLogReader(str(path), histograms.new())
    first, second = reader.get_next_interval_histogram(), reader.get_next_interval_histogram()
    reader.input_file.close()
    assert histograms.counts(first) == histograms.counts(histograms.decode(one))
    assert second.get_tag() == "GET_/a_b"
    assert first.get_start_time_stamp() == 1_700_000_000_000
    assert [(line.tag, line.histogram) for line in histograms.read_log(path)] == [("", one), ("GET_/a_b", other)]


def test_importing_the_parts_loads_nothing_heavy():
    import subprocess

    code = (
        "import sys\n"
        "from seatrial.latency import effects, histograms, intervals, trends, verdicts\n"
        "print(sorted({'numpy', 'hdrh', 'pyhdrh', 'locust'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
