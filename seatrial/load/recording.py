"""What became of each request, second by second: counted where it happens, joined where all of it is told.

The loop that makes requests only appends to arrays; a few times a second they are folded into counters, one for each bucket
of an HdrHistogram (1 µs to 1 h, 3 significant digits). What is new since the last report is handed on as differences, so that adding the
reports of all processes gives, bucket by bucket, what one process would have counted.
"""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.latency import histograms

__all__ = ["Joined", "Recorder", "Track", "bucket", "encoded", "quantile"]

MOST_STREAMS = 200
"""Names that are told apart: one with an id in its path would otherwise be a stream for each id."""
MOST_KINDS = 50
OTHER = "other"
HIGHEST = histograms.HIGHEST
RAW = "SEATRIAL_LOAD_RAW"
"""A folder into which each process writes every latency that it records, for tests of what is joined."""

Counts = dict[int, int]


def bucket(microseconds: int) -> int:
    """The smallest value of the histogram's bucket in which a latency is counted."""
    value = 1 if microseconds < 1 else min(microseconds, HIGHEST)
    shift = value.bit_length() - 11
    return value if shift <= 0 else value >> shift << shift


def encoded(counts: Mapping[int, int]) -> str:
    """Counters as an encoded HdrHistogram; empty when there are none."""
    if not counts:
        return ""
    made = histograms.new()
    for value, count in counts.items():
        made.record_value(value, count)
    return histograms.encode(made)


def quantile(counts: Mapping[int, int], q: float) -> float:
    """In seconds; 0 when nothing was counted."""
    return histograms.quantile(counts, q) if counts else 0.0


def _add(into: Counts, counts: Mapping[int, int]) -> None:
    for value, count in counts.items():
        into[value] = into.get(value, 0) + count


def _bucketed(microseconds: list[int]) -> Counts:
    found: Counts = {}
    for value, count in Counter(microseconds).items():
        at = bucket(value)
        found[at] = found.get(at, 0) + count
    return found


@dataclass(slots=True)
class _Second:
    offered: int = 0
    right: int = 0
    failed: int = 0
    latency: Counts = field(default_factory=dict)


class Track:
    """One endpoint, as the loop sees it: everything here is called once a request, and does next to nothing.

    Times are seconds of the monotonic clock.
    """

    __slots__ = ("begun", "ended", "fed", "intended", "lost", "method", "name", "sizes")

    def __init__(self, name: str, method: str) -> None:
        self.name = name
        self.method = method
        self.begun = array("d")
        """When requests were meant to begin, of all that were begun."""
        self.intended = array("d")
        """The same, of those that were answered as declared."""
        self.ended = array("d")
        """And when they were answered."""
        self.sizes = 0
        """Bytes of bodies."""
        self.fed = True
        """Whether Locust's statistics are to be told; not where it is Locust that told us."""
        self.lost: list[tuple[float, float, str]] = []
        """Intended, ended and kind of failures."""

    def right(self, intended: float, ended: float, size: int = 0) -> None:
        """One was answered as declared."""
        self.intended.append(intended)
        self.ended.append(ended)
        self.sizes += size

    def failed(self, intended: float, ended: float, kind: str) -> None:
        """One was not."""
        self.lost.append((intended, ended, kind))


Bulk = Callable[[str, str, list[int], int, list[tuple[float, str]]], None]
"""Is told, of one track, its method and name, microseconds of what was right, bytes, and failures (milliseconds, kind)."""


class Recorder:
    """All tracks of one process.

    Args:
        began: when the load begins, of the monotonic clock.
        judged_from: seconds after it from which dispatch lag counts.
        lasts: seconds in which requests are counted; what is begun later only tidies.
        bulk: is told what Locust's statistics are to be told.
    """

    def __init__(
        self, began: float, *, judged_from: float = 0.0, lasts: float = float("inf"), bulk: Bulk | None = None
    ) -> None:
        self.began = began
        self.judged_from = began + judged_from
        self.ends = began + lasts
        self.tracks: dict[tuple[str, str], Track] = {}
        self.lags = array("d")
        """Pairs, flat: when a request was meant to be begun, and when the generator came to it."""
        self.lag: Counts = {}
        self.sent = 0
        self._bulk = bulk
        self._streams: dict[str, dict[int, _Second]] = {}
        self._failed: dict[str, Counts] = {}
        self._errors: dict[str, dict[str, int]] = {}
        self._raw = os.environ.get(RAW, "")

    def track(self, name: str, method: str = "") -> Track:
        """That of an endpoint; made when it is asked for first."""
        found = self.tracks.get((name, method))
        if found is None:
            if len(self.tracks) >= MOST_STREAMS:
                name, method = OTHER, ""
            found = self.tracks.setdefault((name, method), Track(name, method))
        return found

    def late(self, intended: float, now: float) -> None:
        """The generator came to a request."""
        self.lags.append(intended)
        self.lags.append(now)

    def fold(self) -> None:
        """Count what was appended; a few times a second is often enough."""
        if self.lags:
            lags, self.lags = self.lags, array("d")
            late = [
                int((now - intended) * 1e6 + 0.5)
                for intended, now in zip(lags[::2], lags[1::2], strict=True)
                if self.judged_from <= intended < self.ends
            ]
            _add(self.lag, _bucketed(late))
            self.sent += len(lags) // 2
        for track in list(self.tracks.values()):
            if track.begun or track.intended or track.lost:
                self._fold(track)

    def _fold(self, track: Track) -> None:
        seconds = self._streams.setdefault(track.name, {})
        began, ends = self.began, self.ends
        for second, count in Counter([int(at - began) for at in track.begun if at < ends]).items():
            seconds.setdefault(second, _Second()).offered += count
        track.begun = array("d")
        by_second: dict[int, list[int]] = {}
        all_took: list[int] = []
        intended, ended, track.intended, track.ended = track.intended, track.ended, array("d"), array("d")
        for begin, end in zip(intended, ended, strict=True):
            took = int((end - begin) * 1e6 + 0.5)
            if begin < ends:
                by_second.setdefault(int(begin - began), []).append(took)
        for second, took_each in by_second.items():
            entry = seconds.setdefault(second, _Second())
            entry.right += len(took_each)
            _add(entry.latency, _bucketed(took_each))
            all_took += took_each
            if self._raw:
                self._write(track.name, second, took_each)
        lost, track.lost = track.lost, []
        failures = []
        for begin, end, kind in lost:
            if begin < ends:
                self._failure(track.name, begin, end, kind)
                failures.append(((end - begin) * 1e3, kind))
        if self._bulk and track.fed and (all_took or failures):
            self._bulk(track.method, track.name, all_took, track.sizes, failures)
        track.sizes = 0

    def _failure(self, name: str, begin: float, end: float, kind: str) -> None:
        self._streams[name].setdefault(int(begin - self.began), _Second()).failed += 1
        at = bucket(int((end - begin) * 1e6 + 0.5))
        took = self._failed.setdefault(name, {})
        took[at] = took.get(at, 0) + 1
        kinds = self._errors.setdefault(name, {})
        kind = kind if kind in kinds or len(kinds) < MOST_KINDS else OTHER
        kinds[kind] = kinds.get(kind, 0) + 1

    def _write(self, name: str, second: int, took: list[int]) -> None:
        import json

        with (Path(self._raw) / f"{os.getpid()}.jsonl").open("a") as raw:
            raw.write(json.dumps([name, second, took]) + "\n")

    def news(self) -> dict[str, Any]:
        """What is new since this was asked last, in values that every protocol carries."""
        self.fold()
        streams = [
            [
                name,
                [
                    [at, entry.offered, entry.right, entry.failed, _flat(entry.latency)]
                    for at, entry in sorted(seconds.items())
                ],
                _flat(self._failed.get(name, {})),
                list(self._errors.get(name, {}).items()),
            ]
            for name, seconds in self._streams.items()
        ]
        told = {"streams": streams, "lag": _flat(self.lag), "sent": self.sent}
        self._streams, self._failed, self._errors = {name: {} for name in self._streams}, {}, {}
        self.lag, self.sent = {}, 0
        return told


def _flat(counts: Mapping[int, int]) -> list[int]:
    return [number for pair in counts.items() for number in pair]


def _pairs(flat: list[int]) -> Counts:
    return dict(zip(flat[::2], flat[1::2], strict=True))


@dataclass(slots=True)
class _Stream:
    seconds: dict[int, _Second] = field(default_factory=dict)
    failed: Counts = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)


class Joined:
    """The news of all processes, added up.

    Args:
        by_second: whether each second is kept, which a load without an end has no room for.
    """

    def __init__(self, by_second: bool = True) -> None:
        self._by_second = by_second
        self.streams: dict[str, _Stream] = {}
        self.lag: Counts = {}
        self.latency: Counts = {}
        """Of all streams, so far."""
        self.offered = self.sent = self.right = self.failed = 0
        self.last: dict[int, list[int]] = {}
        """By second of the load: offered, right, failed."""

    def add(self, news: Mapping[str, Any]) -> tuple[int, int]:
        """Count one report; gives how many requests it told of that were right, and that failed."""
        right_before, failed_before = self.right, self.failed
        for name, seconds, failed, errors in news["streams"]:
            stream = self.streams.setdefault(name, _Stream())
            for at, offered, right, wrong, latency in seconds:
                _add(self.latency, counts := _pairs(latency))
                self.offered += offered
                self.right += right
                self.failed += wrong
                if not self._by_second:
                    continue
                entry = stream.seconds.setdefault(at, _Second())
                entry.offered += offered
                entry.right += right
                entry.failed += wrong
                _add(entry.latency, counts)
                whole = self.last.setdefault(at, [0, 0, 0])
                whole[0] += offered
                whole[1] += right
                whole[2] += wrong
            _add(stream.failed, _pairs(failed))
            for kind, count in errors:
                stream.errors[kind] = stream.errors.get(kind, 0) + count
        _add(self.lag, _pairs(news["lag"]))
        self.sent += news["sent"]
        return self.right - right_before, self.failed - failed_before

    def told(self) -> list[dict[str, Any]]:
        """All streams as they are saved: all together first."""
        whole = _Stream()
        for stream in self.streams.values():
            for at, entry in stream.seconds.items():
                into = whole.seconds.setdefault(at, _Second())
                into.offered += entry.offered
                into.right += entry.right
                into.failed += entry.failed
                _add(into.latency, entry.latency)
            _add(whole.failed, stream.failed)
            for kind, count in stream.errors.items():
                whole.errors[kind] = whole.errors.get(kind, 0) + count
        # What was never begun has no name: it is in all together alone.
        named = [(name, stream) for name, stream in self.streams.items() if name and stream.seconds]
        return [_told(name, stream) for name, stream in [("", whole), *named]]


def _told(name: str, stream: _Stream) -> dict[str, Any]:
    latency: Counts = {}
    for entry in stream.seconds.values():
        _add(latency, entry.latency)
    return {
        "name": name,
        "seconds": [
            {
                "at": at,
                "offered": entry.offered,
                "right": entry.right,
                "failed": entry.failed,
                "latency": encoded(entry.latency),
            }
            for at, entry in sorted(stream.seconds.items())
        ],
        "latency": encoded(latency),
        "failed": encoded(stream.failed),
        "errors": stream.errors,
    }
