"""A catalog made of series, one after the other, whoever told of them; what is kept of their labels is bounded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seatrial.facts.alerts.catalog import CatalogLabel, CatalogMetric
from seatrial.looks._cleaning import SECRET, cleaned

if TYPE_CHECKING:
    from seatrial.drivers import Session

__all__ = ["MOST_METRICS", "Making", "Metric"]

MOST_METRICS = 20_000
MOST_VALUES = 50
"""Values of a label that are kept."""
MOST_COUNTED = 100_000
"""Values of a label that are told from each other."""
MOST_BOUNDS = 500
LONGEST = 200
"""Characters of a value that is kept; a longer one is not."""
LONGEST_HELP = 500


@dataclass(slots=True)
class Label:
    """One label of one metric, while it is counted."""

    values: set[str] = field(default_factory=set)
    series: int = 0
    count: int = 0
    """How many values there are, where that was asked for and not counted."""

    def add(self, value: str) -> None:
        """One more series that has it."""
        self.series += 1
        if len(self.values) < MOST_COUNTED:
            self.values.add(value)


@dataclass(slots=True)
class Metric:
    """One metric, while its series are counted."""

    type: str = "untyped"
    help: str = ""
    unit: str = ""
    labels: dict[str, Label] = field(default_factory=dict)
    samples: dict[str, int] = field(default_factory=dict)
    """Names of its series, and how many there are of each."""
    sources: dict[str, None] = field(default_factory=dict)

    def add(self, sample: str, labels: Mapping[str, str], source: str) -> None:
        """One more series."""
        self.samples[sample] = self.samples.get(sample, 0) + 1
        if len(self.sources) < MOST_VALUES:
            self.sources.setdefault(source)
        for name, value in labels.items():
            if name not in self.labels and len(self.labels) >= MOST_VALUES * 4:
                continue
            self.labels.setdefault(name, Label()).add(value)


class Making:
    """The metrics of a catalog, while they are found."""

    def __init__(self) -> None:
        self.metrics: dict[str, Metric] = {}

    def metric(self, name: str) -> Metric:
        """A metric by its name."""
        return self.metrics.setdefault(name, Metric())

    def made(self, session: Session) -> tuple[CatalogMetric, ...]:
        """The metrics in the order of their names, with what may be kept of their labels."""
        names = sorted(self.metrics)[:MOST_METRICS]
        kept = {name: self._values(self.metrics[name]) for name in names}
        texts = {name: {"help": self.metrics[name].help[:LONGEST_HELP], "values": kept[name]} for name in names}
        clean = cleaned(session, texts)
        return tuple(self._metric(name, clean[name]["help"], clean[name]["values"]) for name in names)

    def _values(self, metric: Metric) -> dict[str, list[str]]:
        """Of each label, the values that are kept."""
        return {
            name: sorted(value for value in label.values if len(value) <= LONGEST)[:MOST_VALUES]
            for name, label in metric.labels.items()
        }

    def _metric(self, name: str, help: str, values: Mapping[str, list[str]]) -> CatalogMetric:
        metric = self.metrics[name]
        bounds = metric.labels["le"].values if "le" in metric.labels else set()
        return CatalogMetric(
            name=name,
            type=metric.type,
            help=help,
            unit=metric.unit,
            labels=tuple(
                CatalogLabel(
                    label,
                    tuple(value for value in values[label] if SECRET not in value),
                    max(metric.labels[label].count, len(metric.labels[label].values)),
                    metric.labels[label].series,
                )
                for label in sorted(metric.labels)
            ),
            samples=tuple(metric.samples),
            series=sum(metric.samples.values()),
            bounds=tuple(sorted(bound for text in bounds if (bound := _finite(text)) is not None))[:MOST_BOUNDS],
            source=", ".join(metric.sources),
        )


def _finite(text: str) -> float | None:
    try:
        bound = float(text)
    except ValueError:
        return None
    return bound if math.isfinite(bound) else None
