"""Counters, gauges and histograms in the Prometheus text format (0.0.4)."""

from __future__ import annotations

from bisect import bisect_left

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

Labels = tuple[str, ...]


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _series(name: str, names: Labels, values: Labels, value: float) -> str:
    pairs = ",".join(f'{key}="{_escape(text)}"' for key, text in zip(names, values, strict=True))
    return f"{name}{{{pairs}}} {value:.17g}" if pairs else f"{name} {value:.17g}"


class Metric:
    """A counter or a gauge: one number for each set of label values."""

    def __init__(self, kind: str, name: str, help_text: str, labels: Labels = ()) -> None:
        self.kind, self.name, self.help, self.labels = kind, name, help_text, labels
        # Without labels there is exactly one series, and it exists before its first event: a rate needs a zero.
        self._values: dict[Labels, float] = {} if labels else {(): 0.0}

    def add(self, *labels: str, by: float = 1.0) -> None:
        """Count an event."""
        self._values[labels] = self._values.get(labels, 0.0) + by

    def set(self, value: float, *labels: str) -> None:
        """Set a gauge."""
        self._values[labels] = value

    def lines(self) -> list[str]:
        """The series, as exposed."""
        return [_series(self.name, self.labels, labels, value) for labels, value in sorted(self._values.items())]


class Histogram:
    """Durations in cumulative buckets."""

    kind = "histogram"

    def __init__(self, name: str, help_text: str, labels: Labels = ()) -> None:
        self.name, self.help, self.labels = name, help_text, labels
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def begin(self, *labels: str) -> list[int]:
        """A series that is there before its first duration."""
        self._sums.setdefault(labels, 0.0)
        return self._counts.setdefault(labels, [0] * (len(_BUCKETS) + 1))

    def observe(self, value: float, *labels: str) -> None:
        """Count one duration."""
        self.begin(*labels)[bisect_left(_BUCKETS, value)] += 1
        self._sums[labels] += value

    def lines(self) -> list[str]:
        """The series, as exposed: buckets, sum, count."""
        lines = []
        for labels, counts in sorted(self._counts.items()):
            total = 0
            for bound, count in zip((*map(str, _BUCKETS), "+Inf"), counts, strict=True):
                total += count
                lines.append(_series(f"{self.name}_bucket", (*self.labels, "le"), (*labels, bound), total))
            lines.append(_series(f"{self.name}_sum", self.labels, labels, self._sums[labels]))
            lines.append(_series(f"{self.name}_count", self.labels, labels, total))
        return lines


class Registry:
    """All metrics of the process, in the order they were made."""

    def __init__(self) -> None:
        self._metrics: list[Metric | Histogram] = []

    def counter(self, name: str, help_text: str, *labels: str) -> Metric:
        """Make a counter."""
        return self._made(Metric("counter", name, help_text, labels))

    def gauge(self, name: str, help_text: str, *labels: str) -> Metric:
        """Make a gauge."""
        return self._made(Metric("gauge", name, help_text, labels))

    def histogram(self, name: str, help_text: str, *labels: str) -> Histogram:
        """Make a histogram."""
        histogram = Histogram(name, help_text, labels)
        self._metrics.append(histogram)
        return histogram

    def _made(self, metric: Metric) -> Metric:
        self._metrics.append(metric)
        return metric

    def expose(self) -> bytes:
        """The exposition."""
        lines = []
        for metric in self._metrics:
            lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}", *metric.lines()]
        return ("\n".join(lines) + "\n").encode()
