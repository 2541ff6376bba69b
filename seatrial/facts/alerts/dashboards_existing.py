"""What a dashboard can name: the metrics and labels there are, and why one is not among them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.facts.alerts.catalog import Catalog, CatalogMetric
from seatrial.words import Missing

__all__ = ["Existing"]

_OF_PROMETHEUS = re.compile(r"up|ALERTS(_FOR_STATE)?|scrape_\w+")
"""Series that it makes itself, some of them only now and then."""


@dataclass(frozen=True, slots=True)
class Existing:
    """The metrics there are, and those that rules record."""

    catalog: Catalog
    recorded: tuple[str, ...] | Missing

    def lacking(self, name: str) -> str | Missing:
        """Why there are no series of this name; empty when there are, or could be."""
        catalog = self.catalog
        if _OF_PROMETHEUS.fullmatch(name) or (not isinstance(self.recorded, Missing) and name in self.recorded):
            return ""
        metric = catalog.of(name)
        if metric is not None:
            if not metric.samples or name in metric.samples:
                return ""
            parts = ", ".join(f"`{each}`" for each in metric.samples[:4])
            return f"{name} is a {metric.type}, and has no series of that name; write {parts}"
        if isinstance(self.recorded, Missing):
            return Missing(f"whether `{name}` is recorded is not known: {self.recorded.reason}")
        if catalog.unseen:
            others = ", ".join(catalog.unseen[:5])
            return Missing(f"`{name}` was not found, and may be of {others}, which could not be read")
        if isinstance(catalog.canary, Missing):
            return Missing(f"`{name}` was not found, and {catalog.canary.reason}", catalog.canary.right)
        series = [sample for each in catalog.metrics for sample in (each.name, *each.samples)]
        if not catalog.scraped:
            # Dashboards show many exporters; what a profile declares are some of them.
            word = name.partition("_")[0]
            if ":" in name or not any(each.partition("_")[0] == word for each in series):
                return Missing(f"`{name}` is not in {catalog.origin}, and may be another's: declare alerts.prometheus")
        return f"there is no metric {name}{self.nearest(name, [*series, *self.recorded], 0.75)}"

    def nearest(self, name: str, names: Iterable[str], cutoff: float = 0.6) -> str:
        """What may have been meant, as the end of a sentence."""
        near = difflib.get_close_matches(name, list(dict.fromkeys(names)), 1, cutoff)
        return f"; did you mean `{near[0]}`?" if near else ""

    # --- labels ---------------------------------------------------------------------------------------------------

    def names(self, metric: CatalogMetric) -> list[str]:
        """Labels that its series may have."""
        return list(dict.fromkeys((*(label.name for label in metric.labels), *self.catalog.target_labels)))

    def every_label(self) -> list[str]:
        """Labels of all metrics."""
        return sorted({name for metric in self.catalog.metrics for name in self.names(metric)})

    def has(self, metric: CatalogMetric, label: str) -> bool:
        """Whether a metric may have a label."""
        if label in self.catalog.target_labels or metric.label(label) is not None or label == "__name__":
            return True
        # Of one without any series now, labels are not known.
        return not metric.labels and not metric.series

    def no_label(self, metric: CatalogMetric, name: str) -> str:
        """That it has not, and which it has."""
        names = self.names(metric)
        hint = self.nearest(name, names) or (f"; it has {', '.join(sorted(names)[:12])}" if names else "")
        return f"{metric.name} has no label `{name}`{hint}"

    def foreign(self, label: str) -> Missing | None:
        """Whether scraping may add this label: then nothing can be said by an exposition."""
        if self.catalog.scraped or any(metric.label(label) for metric in self.catalog.metrics):
            return None
        if difflib.get_close_matches(label, [each.name for m in self.catalog.metrics for each in m.labels], 1, 0.85):
            return None
        return Missing(
            f"the label `{label}` is not in {self.catalog.origin}, and may be added by scraping: declare alerts.prometheus"
        )
