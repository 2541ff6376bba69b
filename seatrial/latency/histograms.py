"""HdrHistograms of latencies: microseconds from 1 µs to 1 h with 3 significant digits, so that no value is off by more than 0.1 %.

All of them have these settings and no others, so that the sum of any of them is, bucket by bucket, the histogram of the
joined stream. Encoded they are in the library's own form (V2, compressed, base64), which any HdrHistogram reads, and a log of
them is in the standard format (V1.3). A value stands for its bucket: the greatest that would fall into it, as
HdrHistograms tell quantiles everywhere.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.words import CouldNotLook

__all__ = [
    "DIGITS",
    "HIGHEST",
    "LOWEST",
    "Interval",
    "counts",
    "decode",
    "encode",
    "merged",
    "new",
    "of",
    "quantile",
    "rank",
    "read_log",
    "sparse",
    "tag",
    "total",
    "write_log",
]

LOWEST, HIGHEST, DIGITS = 1, 3_600_000_000, 3
COUNTERS = 23 << 10
"""Buckets of these settings."""
LONGEST_TEXT = 512 * 1024
"""Characters of an encoded histogram; a full one of these settings has some 300,000 before compression."""
LONGEST_PAYLOAD = 400 * 1024

Histogram = Any
"""``hdrh.histogram.HdrHistogram``, whose library has no types."""


def _hdrh() -> Any:
    try:
        histogram = importlib.import_module("hdrh.histogram")
    except ImportError:  # an installation without what loads need
        raise CouldNotLook("hdrhistogram is not installed: pip install 'seatrial[load]'") from None
    return histogram.HdrHistogram


def new() -> Histogram:
    """An empty one."""
    return _hdrh()(LOWEST, HIGHEST, DIGITS)


def of(values: Iterable[float]) -> Histogram:
    """Of latencies in seconds, each to the nearest microsecond; below and beyond the range they count at its ends."""
    made = new()
    for value in values:
        made.record_value(min(max(round(value * 1e6), LOWEST), HIGHEST))
    return made


def encode(histogram: Histogram) -> str:
    """As text; empty for an empty one."""
    if not histogram.total_count:
        return ""
    told: bytes = histogram.encode()
    return told.decode("ascii")


def decode(text: str) -> Histogram:
    """Read what `encode` wrote; never more than a bounded size of it.

    Raises:
        ValueError: it is none, or one of other settings.
    """
    if not text:
        return new()
    _plain(text)
    try:
        made = _hdrh().decode(text.encode("ascii"))
    except IndexError as why:
        raise ValueError(f"no HdrHistogram: {why}") from None
    if made.total_count < 0:
        raise ValueError("a histogram counts less than nothing")
    return made


def _plain(text: str) -> bytes:
    """What is in it, decompressed, once its length and settings were looked at: the library trusts what it reads."""
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"a histogram of {len(text):,} characters is none of ours")
    try:
        raw = base64.b64decode(text, validate=True)
        unpacking = zlib.decompressobj()
        plain = unpacking.decompress(raw[8:], LONGEST_PAYLOAD)
        cookie, length, _, digits, lowest, highest = struct.unpack_from(">IIIIQQ", plain)
    except (binascii.Error, zlib.error, struct.error, ValueError) as why:
        raise ValueError(f"no HdrHistogram: {why}") from None
    if cookie & ~0xF0 != 0x1C849303 or (lowest, highest, digits) != (LOWEST, HIGHEST, DIGITS):
        raise ValueError("an HdrHistogram of other settings")
    if length != len(plain) - 40 or raw[4:8] != struct.pack(">I", len(raw) - 8) or not unpacking.eof:
        raise ValueError("an HdrHistogram that is cut off")
    return plain


def sparse(text: str) -> tuple[Any, Any]:
    """Values (microseconds, rising) and how often each was seen, as arrays: `counts(decode(text))`, ten times as fast."""
    import numpy as np

    if not text:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    _hdrh()
    unpacked = importlib.import_module("pyhdrh").decode
    counters = np.zeros(COUNTERS, dtype=np.int64)
    try:
        unpacked(_plain(text), 40, counters.ctypes.data, COUNTERS, 8)
    except IndexError as why:
        raise ValueError(f"no HdrHistogram: {why}") from None
    if counters.min() < 0:
        raise ValueError("an HdrHistogram counts less than nothing")
    seen = counters.nonzero()[0]
    return _values(seen), counters[seen]


def merged(texts: Iterable[str]) -> Histogram:
    """The histogram of all these streams joined."""
    made = new()
    for text in texts:
        if text:
            made.add(decode(text))
    return made


def counts(histogram: Histogram) -> dict[int, int]:
    """How often each value was seen, in microseconds, rising; values that were not seen are not in it."""
    told = _counters(histogram)
    seen = told.nonzero()[0]
    return dict(zip(_values(seen).tolist(), told[seen].tolist(), strict=True))


def total(histogram: Histogram) -> int:
    """How many values it holds."""
    return int(_counters(histogram).sum())


def quantile(histogram: Histogram | Mapping[int, int], q: float) -> float:
    """The smallest value that at least this share of all values does not exceed, in seconds.

    Raises:
        ValueError: it is empty.
    """
    found: Mapping[int, int] = histogram if isinstance(histogram, Mapping) else counts(histogram)
    left = rank(sum(found.values()), q)
    for value, count in sorted(found.items()):
        left -= count
        if left <= 0:
            return float(value) / 1e6
    raise ValueError("an empty histogram has no quantile")


def rank(n: int, q: float) -> int:
    """Which of n values in order is the quantile (the nearest rank, from 1)."""
    import math

    return min(max(math.ceil(n * q - 1e-9 * n), 1), max(n, 1))


def _counters(histogram: Histogram) -> Any:
    import numpy as np

    return np.frombuffer(histogram.counts, dtype=np.uint64).astype(np.int64)


def _values(index: Any) -> Any:
    """The greatest value of each bucket, by its place among all counters."""
    import numpy as np

    half = 1 << 10  # half the sub-buckets of 3 digits
    bucket = np.maximum((index >> 10) - 1, 0)
    sub = np.where(index < half, index, (index & (half - 1)) + half)
    return ((sub + 1) << bucket) - 1


@dataclass(frozen=True, slots=True)
class Interval:
    """One line of a log."""

    start: float
    """Seconds after the log's base time."""
    length: float
    tag: str
    histogram: str
    """Encoded."""


def tag(name: str) -> str:
    """A stream's name as a log's tag, which may hold no comma, no white space and no line break."""
    return re.sub(r"[\s,]+", "_", name.strip())


def write_log(path: Path, base_time: float, lines: Iterable[tuple[float, float, str, str]]) -> None:
    """Write a log in the standard format, in which each line has its own compressed histogram.

    Args:
        path: where.
        base_time: seconds since 1970 to which the lines' times are to be added.
        lines: start, length, name of the stream (empty for all), encoded histogram. Empty ones are left out.
    """
    from datetime import UTC, datetime

    with path.open("w", encoding="ascii", errors="replace", newline="\n") as log:
        log.write(
            "#[Latencies in microseconds, from when requests were meant to begin; Interval_Max in milliseconds]\n"
        )
        log.write("#[Histogram log format version 1.3]\n")
        log.write(
            f"#[StartTime: {base_time:.3f} (seconds since epoch), {datetime.fromtimestamp(base_time, UTC):%c} UTC]\n"
        )
        log.write(f"#[BaseTime: {base_time:.3f} (seconds since epoch)]\n")
        log.write('"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n')
        for start, length, name, text in lines:
            if text:
                most = decode(text).max_value / 1000
                tagged = f"Tag={tag(name)}," if name else ""
                log.write(f"{tagged}{start:.3f},{length:.3f},{most:.3f},{text}\n")


def read_log(path: Path) -> Iterator[Interval]:
    """The lines of a log."""
    with path.open(encoding="ascii", errors="replace") as log:
        for line in log:
            if match := re.fullmatch(r"(?:Tag=([^,]*),)?([\d.]+),([\d.]+),[\d.]+,(\S+)\s*", line):
                yield Interval(float(match[2]), float(match[3]), match[1] or "", match[4])
