"""The metrics there are: what a rule can refer to, by the expositions of the services or by a running Prometheus."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.words import Missing

__all__ = ["Catalog", "CatalogLabel", "CatalogMetric"]


@dataclass(frozen=True, slots=True)
class CatalogLabel:
    """One label of one metric."""

    name: str
    values: tuple[str, ...]
    """Some of the values it has, at most fifty, sorted; nothing that looks like a secret is kept."""
    count: int
    """How many different values it has."""
    series: int
    """How many series of the metric have it."""

    @property
    def complete(self) -> bool:
        """Whether ``values`` are all of them."""
        return len(self.values) == self.count


@dataclass(frozen=True, slots=True)
class CatalogMetric:
    """One metric: all series under one TYPE. A histogram is called without ``_bucket``, a counter with ``_total`` where its series has it."""

    name: str
    type: str
    """``counter``, ``gauge``, ``histogram``, ``summary``, ``info``, ``stateset``, ``gaugehistogram``, or ``untyped`` where nothing is stated."""
    help: str = ""
    unit: str = ""
    labels: tuple[CatalogLabel, ...] = ()
    """``le`` and ``quantile`` among them, where its series have them; of a Prometheus also ``job`` and ``instance``."""
    samples: tuple[str, ...] = ()
    """Names of its series: ``x_bucket``, ``x_sum``, ``x_count``."""
    series: int = 0
    bounds: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets, the finite ones, sorted."""
    source: str = ""
    """The service or the job that exposes it."""

    def label(self, name: str) -> CatalogLabel | None:
        """One label by its name."""
        return next((label for label in self.labels if label.name == name), None)


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every metric that could be seen, and where."""

    origin: str
    """``Prometheus at http://127.0.0.1:9090`` or ``the expositions of api, redis``."""
    metrics: tuple[CatalogMetric, ...]
    target_labels: tuple[str, ...] = ("job", "instance")
    """Labels that scraping adds; those of an exposition don't have them yet."""
    scraped: bool = False
    """True when it comes from a Prometheus, so that ``up``, ``job`` and ``instance`` are among it."""
    canary: str | Missing = ""
    """What the canaries were answered before; empty when none is declared."""
    unseen: tuple[str, ...] = ()
    """Services with metrics whose exposition could not be read: what is not found may be theirs."""

    def of(self, series: str) -> CatalogMetric | None:
        """The metric that a series of this name belongs to."""
        return next((m for m in self.metrics if series == m.name or series in m.samples), None)
