"""Locust's own statistics, fed with many requests at once; its request event is fired where anybody but Locust itself listens to it."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from locust.stats import StatsError, bucket_response_time

__all__ = ["Feeder"]

MARK = "seatrial"
"""In the context of the events that are fired from here, so that none is counted twice."""
LOCUSTS_OWN = "Runner.__init__.<locals>.on_request"


class Feeder:
    """Feeds the statistics of one environment.

    Args:
        environment: Locust's.
        ignored: listeners of the request event that need not be told.
    """

    def __init__(self, environment: Any, ignored: tuple[Any, ...] = ()) -> None:
        self._environment = environment
        self._ignored = ignored

    def __call__(self, method: str, name: str, took: list[int], size: int, failures: list[tuple[float, str]]) -> None:
        """Count requests of one kind: microseconds of those that were right, bytes, milliseconds and kinds of failures."""
        name = name.removeprefix(f"{method} ")
        if self._listened_to:
            self._fire(method, name, took, size, failures)
            return
        stats = self._environment.stats
        milliseconds = Counter([(value + 500) // 1000 for value in took])
        for ended, _ in failures:
            milliseconds[round(ended)] += 1
        whole = sum(took) / 1e3 + sum(ended for ended, _ in failures)
        for entry in (stats.total, stats.entries[(name, method)]):
            _log(entry, milliseconds, whole, size, len(failures))
        for kind, count in Counter(kind for _, kind in failures).items():
            key = StatsError.create_key(method, name, kind)
            error = stats.errors.get(key)
            if error is None:
                error = stats.errors[key] = StatsError(method, name, kind)
            error.occurred()
            error.occurrences += count - 1

    @property
    def _listened_to(self) -> bool:
        return any(
            handler not in self._ignored and getattr(handler, "__qualname__", "") != LOCUSTS_OWN
            for handler in self._environment.events.request._handlers
        )

    def _fire(self, method: str, name: str, took: list[int], size: int, failures: list[tuple[float, str]]) -> None:
        fire, now = self._environment.events.request.fire, time.time()
        each = size // max(len(took), 1)
        told: list[tuple[float, Exception | None]] = [(value / 1e3, None) for value in took]
        told += [(ended, Exception(kind)) for ended, kind in failures]
        for milliseconds, error in told:
            fire(
                request_type=method,
                name=name,
                response_time=milliseconds,
                response_length=0 if error else each,
                response=None,
                context={MARK: True},
                exception=error,
                start_time=now - milliseconds / 1e3,
                url=None,
            )


def _log(entry: Any, milliseconds: Counter[int], whole: float, size: int, failed: int) -> None:
    """What `StatsEntry.log` does for one request, for all of them."""
    now = time.time()
    second, count = int(now), milliseconds.total()
    if entry.use_response_times_cache and entry.last_request_timestamp and second > int(entry.last_request_timestamp):
        entry._cache_response_times(second - 1)
    entry.num_requests += count
    entry.num_reqs_per_sec[second] += count
    entry.last_request_timestamp = now
    entry.total_response_time += whole
    entry.total_content_length += size
    low, high = min(milliseconds), max(milliseconds)
    entry.min_response_time = low if entry.min_response_time is None else min(entry.min_response_time, low)
    entry.max_response_time = max(entry.max_response_time, high)
    for value, times in milliseconds.items():
        entry.response_times[bucket_response_time(value)] += times
    if failed:
        entry.num_failures += failed
        entry.num_fail_per_sec[second] += failed
