"""A catalog of what a running Prometheus has, asked for in bounded pieces.

Where there are few series, all of them are read at once. Where there are many, every metric is known by its name, and
the labels only of those that a rule, a meaning or a dashboard names.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from seatrial.facts.alerts.catalog import Catalog
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from pathlib import Path

    from seatrial.drivers import Session
    from seatrial.looks._catalog_making import Making
    from seatrial.profile.alerting import Alerts

__all__ = ["catalog"]

FEW_SERIES = 20_000
"""Series that are read at once."""
FEW_OF_ONE = 5_000
"""Series of one metric that are read, and values of one label."""
MOST_NAMED = 5_000
"""Series that are asked for by name."""
AT_ONCE = 25
MOST_LABELS = 40
MOST_TEXT = 16 * 1024 * 1024
"""Bytes of a rule file or a dashboard that are searched for names."""
RECENT = 3600.0
"""Seconds: what was there within them is there. Jobs that push now and then are, and what was taken out yesterday is not."""
WITHIN = 60.0
"""Seconds after which it is given up."""
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_PARTS = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}
_ENDINGS = ("_bucket", "_sum", "_count", "_total", "_info", "_created", "_gsum", "_gcount")


def catalog(session: Session, alerts: Alerts) -> Catalog:
    """The metrics that the declared Prometheus has now.

    Raises:
        CouldNotLook: it can't be asked.
    """
    from seatrial.looks._catalog_exposed import canaries

    canary = canaries(session)
    server = _Server(session, alerts)
    making = server.all()
    if canary and not isinstance(canary, Missing) and server.lacks(making):
        # What the canaries have made is seen by the next scrape.
        time.sleep(server.interval() + 1)
        making = server.all()
    return Catalog(
        origin=f"Prometheus at {server.url}",
        metrics=making.made(session),
        target_labels=server.target_labels(),
        scraped=True,
        canary=canary,
        unseen=server.unseen(),
    )


class _Server:
    """One look at what one Prometheus has."""

    def __init__(self, session: Session, alerts: Alerts) -> None:
        from seatrial.drivers import _prometheus_api as api
        from seatrial.looks.monitoring import monitoring

        assert alerts.prometheus is not None
        self.session, self.alerts, self.monitor = session, alerts, alerts.prometheus
        self.url = api.shown(session, self.monitor)
        self.monitoring = monitoring(session)
        self.end = time.monotonic() + WITHIN

    def get(self, path: str, **params: Any) -> Any:
        """The data at a path of its API."""
        from seatrial.drivers import _prometheus_api as api

        return api.get(self.session, self.monitor, f"/api/v1/{path}", params)

    def recent(self) -> dict[str, str]:
        """Parameters that keep out what ended long ago."""
        now = time.time()
        return {"start": f"{now - RECENT:.0f}", "end": f"{now + 300:.0f}"}

    def query(self, text: str) -> list[tuple[dict[str, str], float]]:
        """What a query gives now: labels and value of each series."""
        data = self.get("query", query=text)
        found = data.get("result") if isinstance(data, dict) else None
        return list(_vector(found)) if isinstance(found, list) else []

    def one(self, text: str) -> int:
        """The number that a query gives; 0 where it gives none."""
        return max(0, int(next((value for _, value in self.query(text)), 0)))

    # --- everything -----------------------------------------------------------------------------------------------

    def all(self) -> Making:
        """The metrics: the names of all, and the labels of as many as there are few of, or that are named."""
        from seatrial.looks._catalog_making import MOST_METRICS, Making

        told = self.get("label/__name__/values", **self.recent())
        names = dict.fromkeys(
            [n for n in (told if isinstance(told, list) else ()) if isinstance(n, str)][:MOST_METRICS]
        )
        making, said = Making(), self._metadata()
        owners = {name: _owner(name, said) for name in names}
        for name in said:  # told of by a target, though there may be no series of it yet
            if name not in owners and not any(name + ending in owners for ending in _ENDINGS):
                owners[name] = name
        for name, owner in owners.items():
            metric = making.metric(owner)
            metric.type, metric.help, metric.unit = said.get(owner, ("untyped", "", ""))
            if name in names or name not in said:
                metric.samples.setdefault(name, 0)
            else:
                parts = _PARTS.get(metric.type, (name,))
                metric.samples.update({part if part == name else name + part: 0 for part in parts})
        if self._few():
            asked = set(names)
            self._series(making, owners, ['{__name__!=""}'])
        else:
            asked = self._named(making, owners)
            for name in making.metrics.keys() - {owners[one] for one in asked}:
                making.metrics[name].help = ""  # many of them, and nobody names them
        for name in asked:
            owner = owners[name]
            if owner not in said and not sum(making.metric(owner).samples.values()):
                making.metrics.pop(owner, None)  # it is a name that the server still knows, and nothing else
        return making

    def _metadata(self) -> dict[str, tuple[str, str, str]]:
        """Type, help and unit, by the metric's name as its series have it."""
        data = self.get("metadata")
        found: dict[str, tuple[str, str, str]] = {}
        for name, entries in data.items() if isinstance(data, dict) else ():
            entry = entries[0] if isinstance(entries, list) and entries else None
            if not isinstance(entry, dict):
                continue
            type, help, unit = (str(entry.get(key) or "") for key in ("type", "help", "unit"))
            found[name] = (type if type not in ("", "unknown") else "untyped", help, unit)
            # OpenMetrics tells of a counter and of an info by a name that its series don't have.
            ending = {"counter": "_total", "info": "_info"}.get(type)
            if ending and not name.endswith(ending):
                found.setdefault(name + ending, found[name])
        return found

    def _few(self) -> bool:
        """Whether all series can be read at once."""
        try:
            told = self.get("status/tsdb")
            return int(told["headStats"]["numSeries"]) <= FEW_SERIES
        except (CouldNotLook, LookupError, TypeError, ValueError):
            return False

    def _series(self, making: Making, owners: dict[str, str], selectors: list[str]) -> None:
        """Read the series that some selectors select."""
        data = self.get("series", **{"match[]": selectors, **self.recent()})
        for labels in data if isinstance(data, list) else ():
            if not isinstance(labels, dict) or not isinstance(name := labels.get("__name__"), str):
                continue
            plain = {k: v for k, v in labels.items() if k != "__name__" and isinstance(v, str)}
            making.metric(owners.get(name, name)).add(name, plain, plain.get("job", ""))

    # --- what is named --------------------------------------------------------------------------------------------

    def _named(self, making: Making, owners: dict[str, str]) -> set[str]:
        """Read the series of the metrics that are named somewhere, or ask for their labels where there are many.

        Raises:
            CouldNotLook: they are too many, or it takes too long: half of them would be taken for all.
        """
        words = set(self._words())
        wanted = {owner for name, owner in owners.items() if {name, owner} & words}
        series = sorted(name for name, owner in owners.items() if owner in wanted)
        if len(series) > MOST_NAMED:
            raise CouldNotLook(f"the rules name {len(series)} metrics that there are, more than are asked for")
        for at in range(0, len(series), AT_ONCE):
            part = series[at : at + AT_ONCE]
            counted = self.query(f'count by (__name__) ({{__name__=~"{"|".join(part)}"}})')
            sizes = {str(labels.get("__name__", "")): int(value) for labels, value in counted}
            small = [f'{{__name__="{name}"}}' for name in part if sizes.get(name, 0) <= FEW_OF_ONE]
            if small:
                self._series(making, owners, small)
            for name in part:
                if sizes.get(name, 0) > FEW_OF_ONE:
                    self._large(making, owners[name], name, sizes[name])
            if time.monotonic() > self.end:
                raise CouldNotLook(f"asking for the labels of {len(series)} metrics was given up after {WITHIN:g} s")
        return set(series)

    def _large(self, making: Making, owner: str, name: str, size: int) -> None:
        """Ask for the labels of one metric with many series."""
        from seatrial.looks._catalog_making import Label

        metric, select = making.metric(owner), f'{{__name__="{name}"}}'
        metric.samples[name] = size
        labels = self.get("labels", **{"match[]": select, **self.recent()})
        for label in labels if isinstance(labels, list) else ():
            if not isinstance(label, str) or label == "__name__" or len(metric.labels) >= MOST_LABELS:
                continue
            count = self.one(f"count(count by ({label}) ({select}))") if _NAME.fullmatch(label) else 0
            kept = metric.labels.setdefault(label, Label())
            kept.count = max(kept.count, count)
            kept.series += self.one(f'count({{__name__="{name}",{label}!=""}})') if count else 0
            if count <= FEW_OF_ONE:
                values = self.get(f"label/{label}/values", **{"match[]": select, **self.recent()})
                kept.values.update(v for v in (values if isinstance(values, list) else ()) if isinstance(v, str))
                if label == "job":
                    metric.sources.update(dict.fromkeys(sorted(kept.values)[:50]))

    def _words(self) -> Iterator[str]:
        """Every word of the rules, the meanings and the dashboards that may be a metric's name."""
        for path in (*self.alerts.files, *self.alerts.dashboards):
            yield from _words_of(lambda path=path: _file(self.session.base / str(path)))  # type: ignore[misc]
        yield from _words_of(lambda: str({name: node.model_dump() for name, node in self.alerts.means.items()}))
        if not self.alerts.files and not isinstance(self.monitoring, Missing):
            rules = self.monitoring.rules
            yield from _words_of(lambda: "\n".join(r.query for r in (() if isinstance(rules, Missing) else rules)))

    def lacks(self, making: Making) -> bool:
        """Whether a rule names a metric that is not there."""
        from seatrial.looks.rules import rule_files
        from seatrial.promql.reading import Unreadable, parse, selectors

        there = {name for metric in making.metrics.values() for name in metric.samples}
        for file in rule_files(self.session).values():
            rules = () if isinstance(file, Missing) else file.rules
            there |= {rule.name for rule in rules if rule.kind == "record"}
            for rule in rules:
                try:
                    named = {selector.metric for selector in selectors(parse(rule.expr))}
                except Unreadable:
                    continue
                if named - there - {""}:
                    return True
        return False

    def interval(self) -> float:
        """Seconds until everything was scraped again, as far as it is waited for."""
        told = self.monitoring
        targets = () if isinstance(told, Missing) or isinstance(told.targets, Missing) else told.targets
        return min(30.0, max((target.interval for target in targets), default=0.0))

    # --- beside ---------------------------------------------------------------------------------------------------

    def target_labels(self) -> tuple[str, ...]:
        """Labels that scraping adds."""
        told = self.monitoring
        targets = () if isinstance(told, Missing) or isinstance(told.targets, Missing) else told.targets
        return tuple(dict.fromkeys(("job", "instance", *(name for target in targets for name in target.labels))))

    def unseen(self) -> tuple[str, ...]:
        """Services whose metrics are not scraped; where none is declared, jobs with a target that is down."""
        from seatrial.facts.alerts.monitoring_places import targets_of

        told = self.monitoring
        if isinstance(told, Missing) or isinstance(told.targets, Missing):
            return ()
        if not told.exposed:
            return tuple(sorted({target.job for target in told.targets if target.health == "down"}))
        return tuple(
            name
            for name, url in told.exposed.items()
            if isinstance(url, Missing) or not any(t.health == "up" for t in targets_of(told, url, (name,)))
        )


def _owner(name: str, said: dict[str, tuple[str, str, str]]) -> str:
    """The metric that a series of this name belongs to."""
    if name in said:
        return name
    for ending in _ENDINGS:
        stem = name.removesuffix(ending)
        if stem != name and said.get(stem, ("",))[0] in ("histogram", "summary", "gaugehistogram", "counter"):
            return stem if ending != "_created" or stem in said else name
    return name


def _vector(found: Iterable[Any]) -> Iterator[tuple[dict[str, str], float]]:
    for one in found:
        try:
            labels, value = one["metric"], float(one["value"][1])
        except (LookupError, TypeError, ValueError):
            continue
        if isinstance(labels, dict) and math.isfinite(value):
            yield labels, value


def _words_of(text: Callable[[], str]) -> Iterator[str]:
    yield from _NAME.findall(text())


def _file(path: Path) -> str:
    """As much of a file as is searched; nothing of one that can't be read, which others tell."""
    try:
        with path.open("rb") as stream:
            return stream.read(MOST_TEXT).decode("utf-8", "replace")
    except OSError:
        return ""
