"""Whether any alert is about a service that has metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from seatrial.facts.alerts.arrival import Matcher
from seatrial.facts.alerts.arrival_routing import holds
from seatrial.facts.alerts.coverage_known import Known
from seatrial.promql.reading import Unreadable, parse, selectors
from seatrial.words import CouldNotLook, Finding, seen

if TYPE_CHECKING:
    from seatrial.facts.alerts.monitoring import ScrapeTarget
    from seatrial.facts.exposition import Exposition
    from seatrial.promql.selecting import Selector
    from seatrial.words import Missing

__all__ = ["MeasuredService", "matches"]

SCRAPED = frozenset(
    {"up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling"}
)
"""What a scrape itself adds to every target."""
MOST_RULES = 20_000


def matches(matchers: tuple[tuple[str, str, str], ...], labels: dict[str, str]) -> bool:
    """Whether a selector may be about a target: what it asks of labels that the target has, holds, as far as can be told."""
    for name, op, value in matchers:
        try:
            if name in labels and not holds(Matcher(name, op, value), labels[name]):
                return False
        except CouldNotLook:
            continue
    return True


@dataclass(frozen=True, slots=True)
class MeasuredService:
    """A service that declares metrics, and the alerts."""

    id: str
    service: str
    exposition: Exposition
    known: Known
    targets: tuple[ScrapeTarget, ...] | Missing = ()

    @property
    def unwatched(self) -> list[Finding]:
        """The service, when no alert reads any metric of its, nor whether it is up."""
        metrics = {name for family in seen(self.exposition.families) for name in (family.name, *family.samples)}
        if not metrics:
            raise CouldNotLook(f"{self.id} exposes no metric that an alert could read")
        labels = self._labels()
        asked, unreadable = self._asked()
        for selector in asked:
            if selector.metric and selector.metric not in metrics and selector.metric not in SCRAPED:
                continue
            if not labels or any(matches(selector.matchers, each) for each in labels):
                return []
        if why := unreadable or self.known.unread():
            raise CouldNotLook(f"no alert was found that is about {self.service}, and {why}")
        return [Finding(self.service, f"no alert reads any of its {len(metrics)} metrics, nor whether it is up")]

    def _labels(self) -> list[dict[str, str]]:
        """The labels of its scrape targets, where a running Prometheus has told which these are."""
        ours = urlsplit(self.exposition.url).netloc
        targets = self.targets if isinstance(self.targets, tuple) else ()
        return [target.labels for target in targets if urlsplit(target.url).netloc == ours]

    def _asked(self) -> tuple[list[Selector], str]:
        """The selectors of all alerts and of the recording rules that they read, and what could not be read."""
        records = self.known.records()
        waiting = [rule.expr for _, rule in self.known.alerts()]
        if not self.known.files and isinstance(self.known.loaded, tuple):
            waiting = [rule.query for rule in self.known.loaded if rule.kind == "alert"]
        found: list[Selector] = []
        done: set[str] = set()
        wrong = ""
        while waiting and len(done) < MOST_RULES:
            text = waiting.pop()
            if text in done:
                continue
            done.add(text)
            try:
                asked = selectors(parse(text))
            except Unreadable as why:
                wrong = wrong or f"an expression can't be read: {why}"
                continue
            found += asked
            waiting += [expr for each in asked for expr in records.get(each.metric, ())]
        return found, wrong
