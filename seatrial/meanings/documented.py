"""What is documented of a metric: its type, its labels and their values, its buckets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.facts.alerts.catalog import Catalog
    from seatrial.profile.alerting import Meaning, Selection
    from seatrial.profile.model import Profile

__all__ = ["BOUNDS", "OF_TARGETS", "Documents", "Metric", "leaves", "selection", "several"]

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Buckets of a histogram for which none are documented: what the Prometheus clients make by default."""
OF_TARGETS = (
    "job", "instance", "namespace", "pod", "container", "node", "cluster", "env", "environment", "region", "zone",
    "service", "host",
)  # fmt: skip
"""Labels that scraping may add, so that no exposition shows them."""
_STATUS = re.compile(r"(http_|response_|grpc_)?(status|code)(_code|_class)?")
_USUAL: dict[str, tuple[str, ...]] = {
    "method": ("GET", "POST"),
    "verb": ("GET", "POST"),
    "route": ("/alpha", "/beta"),
    "path": ("/alpha", "/beta"),
    "handler": ("/alpha", "/beta"),
    "endpoint": ("/alpha", "/beta"),
    "uri": ("/alpha", "/beta"),
    "instance": ("10.1.0.1:9100", "10.1.0.2:9100"),
    "job": ("alpha", "beta"),
}


def several(value: str | Sequence[str]) -> tuple[str, ...]:
    """One value, or several, as the profile has them."""
    return (value,) if isinstance(value, str) else tuple(value)


def selection(given: str | Selection) -> Selection:
    """Series of a metric, where its name alone may stand for them."""
    from seatrial.profile.alerting import Selection

    return Selection.model_validate({"metric": given}) if isinstance(given, str) else given


def leaves(meaning: Meaning) -> list[Meaning]:
    """The quantities of a meaning."""
    inner = [*(meaning.all or ()), *(meaning.any or ())]
    return [leaf for each in inner for leaf in leaves(each)] if inner else [meaning]


@dataclass(frozen=True, slots=True)
class Metric:
    """What is documented of one metric."""

    name: str
    type: str = ""
    labels: tuple[str, ...] | None = None
    """Without those that scraping adds; None where nothing says which it has."""
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By label, all of its values, where all were seen."""
    bounds: tuple[float, ...] = ()
    """Of its buckets, where they were seen."""

    def has(self, label: str) -> bool:
        """Whether its series can have that label."""
        return self.labels is None or label in self.labels or label in OF_TARGETS


class Documents:
    """Everything that is documented of the metrics of a deployment."""

    def __init__(self, profile: Profile, means: Mapping[str, Meaning], catalog: Catalog | None = None) -> None:
        """From the profile, and what was seen of the metrics where they could be."""
        self.catalog = catalog
        self.required: dict[str, tuple[str, tuple[str, ...] | None]] = {}
        for service in profile.services.values():
            required = getattr(service.metrics, "required", None)
            for name, family in required.items() if isinstance(required, dict) else ():
                labels = tuple(family.labels) if family.labels else None
                self.required[name] = (family.type or "", labels)
        self.targets = self._targets(means.values())

    def _targets(self, means: Iterable[Meaning]) -> dict[str, tuple[str, ...]]:
        """Values of the labels that scraping adds, as some meaning names them."""
        found: dict[str, dict[str, None]] = {}
        for meaning in means:
            for leaf in leaves(meaning):
                for each in selections(leaf):
                    for label, values in each.labels.items():
                        if label in OF_TARGETS:
                            found.setdefault(label, {}).update(dict.fromkeys(several(values)))
        return {label: tuple(values) for label, values in found.items()}

    def metric(self, name: str) -> Metric:
        """What is documented of the metric, or of the one that has a series of that name."""
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        seen = (self.catalog.of(name) or self.catalog.of(base)) if self.catalog else None
        required = self.required.get(name) or self.required.get(base)
        type, labels = required or ("", None)
        values: dict[str, tuple[str, ...]] = {}
        if seen is not None and seen.series:
            type = type or seen.type
            own = tuple(label.name for label in seen.labels if label.name not in ("le", "quantile", *OF_TARGETS))
            labels = tuple(dict.fromkeys((*(labels or ()), *own)))
            values = {label.name: label.values for label in seen.labels if label.complete and label.values}
        if name == "up":
            type, labels = "gauge", ()
        return Metric(name, type, labels, values, seen.bounds if seen is not None else ())

    def exists(self, name: str) -> bool | None:
        """Whether there is such a metric; None where not all of them could be seen."""
        if self.metric(name).labels is not None:
            return True
        return False if self.catalog is not None and self.catalog.metrics and not self.catalog.unseen else None

    def usual(self, metric: Metric, label: str) -> tuple[str, ...]:
        """Two values that a label may well have, the real ones where they are known."""
        known = metric.values.get(label) or self.targets.get(label) or ()
        if _STATUS.fullmatch(label) and not known:
            return ("200", "201")
        return tuple(known[:2]) or _USUAL.get(label) or (f"{label}-1", f"{label}-2")

    def others(self, metric: Metric, label: str, taken: Sequence[str]) -> tuple[str, ...]:
        """Values that a label may have beside those, at most three."""
        known = [value for value in metric.values.get(label, ()) if value not in taken]
        if known:
            return tuple(known[:3])
        usual: tuple[str, ...]
        if all(re.fullmatch(r"\d{3}", value) for value in taken):
            usual = ("200", "404", "302")
        elif all(re.fullmatch(r"\dxx", value, re.IGNORECASE) for value in taken):
            usual = ("2xx", "4xx")
        elif any(re.search(r"err|fail|timeout", value, re.IGNORECASE) for value in taken):
            usual = ("success",)
        else:
            usual = (*_USUAL.get(label, ()), "other")
        return tuple(value for value in usual if value not in taken)[:2]

    def known(self, metric: Metric, label: str) -> bool:
        """Whether all values of a label are known."""
        return label in metric.values


def selections(leaf: Meaning) -> list[Selection]:
    """What a quantity is made of."""
    found: list[str | Selection | None] = [leaf.value, leaf.rate, leaf.increase, leaf.changes, leaf.absent]
    if leaf.ratio is not None:
        found += [leaf.ratio.of, leaf.ratio.to]
    if leaf.quantile is not None:
        found.append(leaf.quantile.of)
    return [selection(each) for each in found if each is not None]
