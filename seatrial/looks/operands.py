"""What each selector and each operand of the rules gives on its own, asked of the running Prometheus: now, and over an hour."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from seatrial.facts.alerts.operands import Operands
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.alerts.rules import Rule
    from seatrial.facts.runtime import Runtime
    from seatrial.looks._asking import Asking
    from seatrial.profile.alerting import Alerts, Monitor
    from seatrial.profile.subjects import Subject
    from seatrial.promql.reading import Expression

__all__ = ["NOUNS", "PART", "look"]

PART = "operands"
NOUNS = ("references",)
BUDGET = 20.0
"""Seconds for which a server is asked about one file."""
WHOLE_BUDGET = 60.0
"""Seconds for which it is asked about all of them."""
MOST = 8_000
"""Expressions that are asked about one file."""
MOST_SHAPES = 40
"""Operations whose labels are looked at, those that give nothing though both sides give something."""
MOST_ANNOUNCED = 100
MANY = 50_000
"""Series of one metric beyond which it is asked about at one moment only."""


def look(session: Session, _runtime: Runtime | Missing, subject: Subject) -> Operands:
    """What the rules of one file refer to."""
    from seatrial.looks.rules import rule_file

    alerts: Alerts = subject.node
    file = rule_file(session, subject.id)
    recorded = _recorded(session, alerts)
    if alerts.prometheus is None:
        return Operands(recorded=recorded)
    return _Look(session, alerts.prometheus, file.rules).all(recorded)


def _recorded(session: Session, alerts: Alerts) -> tuple[str, ...] | Missing:
    """Names under which some rule, of any declared file or loaded by the server, records its result."""
    from seatrial.looks.monitoring import monitoring
    from seatrial.looks.rules import rule_file

    names: set[str] = set()
    for path in alerts.files:
        try:
            names.update(rule.name for rule in rule_file(session, str(path)).rules if rule.kind == "record")
        except CouldNotLook as why:
            return Missing(why.reason, why.right)
    if alerts.prometheus is not None:
        told = monitoring(session)
        loaded = told if isinstance(told, Missing) else told.rules
        if isinstance(loaded, Missing):
            return loaded
        names.update(rule.name for rule in loaded if rule.kind == "record")
    return tuple(sorted(names))


class _Look:
    """The questions about one file."""

    def __init__(self, session: Session, monitor: Monitor, rules: Sequence[Rule]) -> None:
        from seatrial.looks.catalogs import catalog

        self.session, self.monitor = session, monitor
        found = catalog(session)
        self.metrics = {
            name: metric
            for metric in (() if isinstance(found, Missing) else found.metrics)
            for name in (metric.name, *metric.samples)
        }
        self.huge = [name for name, metric in self.metrics.items() if metric.series > MANY]
        self.read = [(each, parsed) for each in rules if (parsed := _read(each)) is not None]
        whole = session.once("operands: end", lambda: time.monotonic() + WHOLE_BUDGET)
        self.end = min(whole, time.monotonic() + BUDGET)
        self.left = 0
        """Expressions that are too many."""

    def all(self, recorded: tuple[str, ...] | Missing) -> Operands:
        """Everything, in the order in which it must be asked: what is empty decides what is asked next."""
        from seatrial.drivers._prometheus_api import shown
        from seatrial.looks._asking import Asking, span
        from seatrial.looks.monitoring import monitoring

        told = monitoring(self.session)
        if isinstance(told, Missing):  # it would be waited for again, and for each file
            raise CouldNotLook(told.reason, right=told.right)
        now = time.time()
        over, step = self.session.once("operands: span", lambda: span(self.session, self.monitor, now))
        asking = Asking(self.session, self.monitor, now=now, over=over, step=step, end=self.end)
        self._ask(asking, self._first())
        self._ask(asking, dict.fromkeys(self._second(asking), "c"))
        return Operands(
            origin=f"Prometheus at {shown(self.session, self.monitor)}",
            over=over,
            step=step,
            interval=0.0 if isinstance(told.interval, Missing) else told.interval,
            given=asking.given,
            shapes=self._shapes(asking),
            announced=self._announced(asking),
            recorded=recorded,
            down=told.targets
            if isinstance(told.targets, Missing)
            else tuple(self.session.redact(f"{t.job} {t.instance}") for t in told.targets if t.health != "up")[:50],
            unasked=asking.unasked + self.left,
        )

    def _ask(self, asking: Asking, wanted: dict[str, str]) -> None:
        room = max(0, MOST - len(asking.given) - self.left)
        self.left += max(0, len(wanted) - room)
        kept = list(wanted.items())[:room]
        asking.ask({text: forms for text, forms in kept if not self._is_huge(text)})
        asking.ask({text: forms for text, forms in kept if self._is_huge(text)}, once=True)

    def _is_huge(self, text: str) -> bool:
        return any(name in text for name in self.huge)

    def _first(self) -> dict[str, str]:
        """Every selector, then every operand; each once, with all that any rule wants of it."""
        from seatrial.facts.alerts.references_asked import made, questions, series

        wanted: dict[str, str] = {}
        for _, parsed in self.read:
            for each in series(parsed.root):
                if each.metric and not each.alternatives:
                    wanted[made(each)] = "c"
        for rule, parsed in self.read:
            for text, forms in questions(parsed, whole=rule.kind == "alert"):
                if len(forms) > len(wanted.get(text, "")):
                    wanted[text] = forms
        return wanted

    def labels(self, name: str) -> frozenset[str]:
        """The labels that a metric is known to have."""
        metric = self.metrics.get(name)
        return frozenset(label.name for label in metric.labels) if metric is not None else frozenset()

    def _second(self, asking: Asking) -> Iterable[str]:
        """Of what was empty, why; of what is left out, whether it is there."""
        from seatrial.facts.alerts.references_asked import made, present, probes, selector_text, series
        from seatrial.facts.alerts.references_grouping import uses

        for rule, parsed in self.read:
            for each in series(parsed.root):
                given = asking.given.get(made(each))
                if given is not None and not given.error:
                    yield from probes(each, given.now > 0)
            for use in uses(rule, parsed):
                for each in series(use.node):
                    given = asking.given.get(made(each)) if each.metric else None
                    if given is not None and use.label not in self.labels(each.metric):
                        yield selector_text(each.metric, (present(use.label),))

    def _shapes(self, asking: Asking) -> dict[str, tuple[tuple[str, ...], ...]]:
        """The labels on both sides of operations that give nothing though both sides do."""
        from seatrial.facts.alerts.references_asked import matched, matching, said, unfiltered
        from seatrial.promql.nodes import Binary, walk

        wanted: dict[str, None] = {}
        for _, parsed in self.read:
            for node in walk(parsed.root):
                if isinstance(node, Binary) and matched(node):
                    both = [said(parsed, unfiltered(side)) for side in (node.left, node.right)]
                    given = [asking.given.get(text) for text in (*both, matching(parsed, node))]
                    if all(given) and given[0].now and given[1].now and not given[2].now:  # type: ignore[union-attr]
                        wanted.update(dict.fromkeys(both))
        found: dict[str, tuple[tuple[str, ...], ...]] = {}
        for text in list(wanted)[: 2 * MOST_SHAPES]:
            if time.monotonic() < self.end and (shape := asking.shape(text)) is not None:
                found[text] = shape
        return found

    def _announced(self, asking: Asking) -> dict[str, str]:
        """What targets tell of metrics that have no series now."""
        from seatrial.drivers import _prometheus_api
        from seatrial.facts.alerts.references_asked import series

        names = {each.metric for _, parsed in self.read for each in series(parsed.root)}
        empty = [name for name in sorted(names) if (given := asking.given.get(name)) is not None and not given.now]
        found: dict[str, str] = {}
        for name in empty[:MOST_ANNOUNCED]:
            for family in dict.fromkeys((name, _family(name))):
                if time.monotonic() > self.end or name in found:
                    break
                try:
                    data = _prometheus_api.get(
                        self.session, self.monitor, "/api/v1/metadata", {"metric": family, "limit": "1"}
                    )
                    told = data.get(family) if isinstance(data, dict) else None
                    if told:
                        found[name] = str(told[0].get("type", "unknown"))[:20]
                except (CouldNotLook, AttributeError, IndexError, TypeError):
                    continue
        return found


def _family(name: str) -> str:
    """The metric that a series is a part of, by its name."""
    for ending in ("_bucket", "_count", "_sum", "_total"):
        if name.endswith(ending):
            return name.removesuffix(ending)
    return name


def _read(rule: Rule) -> Expression | None:
    """The expression of a rule; None where it is no PromQL, which is told elsewhere."""
    from seatrial.promql.reading import Unreadable, parse

    try:
        return parse(rule.expr)
    except Unreadable:
        return None
