"""Series over the steps of a timeline: whole counters, gauges, histograms, and gaps."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

__all__ = ["Board", "number"]

Values = list[float | None]


def number(value: float) -> str:
    """A number as it is written in a message and in a series: whole where it is."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(round(value, 9))


class Board:
    """Series by metric and labels. What is added twice to one series is its sum, as a target would count it."""

    def __init__(self, steps: int, step: float) -> None:
        """So many samples, so many seconds apart."""
        self.steps = steps
        self.step = step
        self._series: dict[tuple[str, tuple[tuple[str, str], ...]], Values] = {}

    def gauge(self, metric: str, labels: Mapping[str, str], values: Sequence[float | None]) -> None:
        """Add a series of plain values; None where there is no sample."""
        key = (metric, tuple(sorted(labels.items())))
        before = self._series.get(key)
        if before is None:
            self._series[key] = list(values)
        else:
            self._series[key] = [
                b if a is None else a if b is None else a + b for a, b in zip(before, values, strict=True)
            ]

    def counter(self, metric: str, labels: Mapping[str, str], rates: Sequence[float | None]) -> None:
        """Add a counter that grows by whole events at these rates per second; None where there is no sample."""
        total, values = 0.0, Values()
        for rate in rates:
            if rate is None:
                values.append(None)
                continue
            total += rate * self.step
            values.append(float(math.floor(total + 1e-6)))
        self.gauge(metric, labels, values)

    def histogram(
        self,
        metric: str,
        labels: Mapping[str, str],
        bounds: Sequence[float],
        parts: Mapping[float, Sequence[float | None]],
    ) -> None:
        """Add a histogram.

        Args:
            metric: its name, without ``_bucket``.
            labels: of its series.
            bounds: of its buckets, the finite ones.
            parts: by the value that is observed, how often in a second.
        """
        for bound in (*bounds, math.inf):
            self._sum(f"{metric}_bucket", {**labels, "le": _bound(bound)}, [p for v, p in parts.items() if v <= bound])
        self._sum(f"{metric}_count", labels, list(parts.values()))
        totals = [[None if rate is None else rate * value for rate in rates] for value, rates in parts.items()]
        self._sum(f"{metric}_sum", labels, totals, whole=False)

    def _sum(
        self, metric: str, labels: Mapping[str, str], parts: Sequence[Sequence[float | None]], *, whole: bool = True
    ) -> None:
        """One series of a histogram: each part is rounded on its own, so that buckets never contradict each other."""
        if not parts:
            self.gauge(metric, labels, [0.0] * self.steps)
        for rates in parts:
            if whole:
                self.counter(metric, labels, rates)
            else:
                total, values = 0.0, Values()
                for rate in rates:
                    total += (rate or 0.0) * self.step
                    values.append(None if rate is None else round(total, 6))
                self.gauge(metric, labels, values)

    def clear(self, metric: str, steps: Sequence[bool]) -> None:
        """Take a metric's samples away at these steps, as when its target is gone."""
        for (name, _), values in self._series.items():
            if name == metric or name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") == metric:
                values[:] = [None if gone else value for value, gone in zip(values, steps, strict=True)]

    @property
    def metrics(self) -> dict[str, list[dict[str, str]]]:
        """Labels of every series, by metric."""
        found: dict[str, list[dict[str, str]]] = {}
        for name, labels in self._series:
            found.setdefault(name, []).append(dict(labels))
        return found

    def written(self) -> tuple[tuple[str, str], ...]:
        """Series and values as promtool reads them."""
        return tuple(
            (
                metric + "{" + ", ".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in labels) + "}",
                _written(values),
            )
            for (metric, labels), values in self._series.items()
        )


def _bound(bound: float) -> str:
    return "+Inf" if bound == math.inf else number(bound) if bound != int(bound) else f"{bound:.1f}"


def _written(values: Values) -> str:
    """The first sample that is missing after one is told as stale, as Prometheus does when a target is gone."""
    found, there = [], False
    for value in values:
        found.append(number(value) if value is not None else "stale" if there else "_")
        there = value is not None
    return " ".join(found)
