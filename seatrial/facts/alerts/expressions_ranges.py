"""Whether a range holds enough samples for what is computed of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.facts.alerts.expressions_reading import RANGED, One, Slip, Unsure
from seatrial.facts.alerts.monitoring import Monitoring
from seatrial.promql.nodes import Call, Series, bare, walk
from seatrial.words import Duration, Missing

__all__ = ["Intervals", "short", "tight"]


@dataclass(frozen=True, slots=True)
class Intervals:
    """How often what is scraped."""

    declared: float | None
    """Seconds, by the profile."""
    monitoring: Monitoring | Missing | None
    """The running Prometheus, where one is declared."""

    def of(self, series: Series) -> tuple[float, str] | None:
        """The shortest interval in which this may be scraped, and who says so."""
        server = self.monitoring if isinstance(self.monitoring, Monitoring) else None
        jobs = {m.value for m in series.matchers if m.name == "job" and m.op == "="}
        targets = () if server is None or isinstance(server.targets, Missing) else server.targets
        own = [target.interval for target in targets if target.interval and (not jobs or target.job in jobs)]
        if jobs and own:
            return min(own), f"as the server scrapes job {', '.join(sorted(jobs))}"
        if self.declared is not None:
            return self.declared, "as alerts.scrape_interval says"
        if own:
            return min(own), "as the server scrapes its targets"
        if server is not None and not isinstance(server.interval, Missing):
            return server.interval, "as the server's configuration says"
        return None


def _ranges(one: One, least: float, intervals: Intervals) -> Iterator[tuple[Series, Call, float, str] | Unsure]:
    """Ranges shorter than so many scrapes."""
    for node in walk(one.root):
        if not isinstance(node, Call) or node.name not in RANGED:
            continue
        given = bare(node.arguments[0]) if node.arguments else node
        if not isinstance(given, Series) or given.range is None or one.computed(given):
            continue
        known = intervals.of(given)
        if known is None:
            yield Unsure("how often is scraped: declare alerts.scrape_interval")
        elif given.range < least * known[0] - 0.001:
            yield given, node, known[0], known[1]


def short(one: One, intervals: Intervals) -> Iterator[Slip | Unsure]:
    """Ranges that hold one sample at most, now and then or always."""
    for found in _ranges(one, 2, intervals):
        if isinstance(found, Unsure):
            yield found
            continue
        series, call, interval, who = found
        yield Slip(
            series.core,
            f"{one.said(call)} looks at {Duration(series.range or 0)}, and a sample comes every {Duration(interval)}, {who}: "
            f"with fewer than two it gives nothing. Write `[{Duration(4 * interval)}]` or more",
        )


def tight(one: One, intervals: Intervals) -> Iterator[Slip | Unsure]:
    """Ranges in which one failed scrape leaves too little."""
    for found in _ranges(one, 4, intervals):
        if isinstance(found, Unsure):
            yield found
            continue
        series, call, interval, who = found
        if (series.range or 0) >= 2 * interval - 0.001:
            yield Slip(
                series.core,
                f"{one.said(call)} looks at {Duration(series.range or 0)}, and a sample comes every {Duration(interval)}, {who}: "
                f"one or two scrapes that fail leave a gap. Write `[{Duration(4 * interval)}]` or more",
            )
