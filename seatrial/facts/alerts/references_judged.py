"""What the rules of one file refer to, and what of it is not there.

What was asked of a running Prometheus decides, where there is one: it knows the last hour. Else the expositions of the services
do, which tell nothing of a time, nor of labels that only scraping adds.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from seatrial.facts.alerts.catalog import Catalog, CatalogMetric
from seatrial.facts.alerts.operands import Given, Operands
from seatrial.facts.alerts.references_asked import (
    MADE_UP,
    Matcher,
    empty_matches,
    made,
    present,
    selector_text,
)
from seatrial.facts.alerts.rules import Rule, RuleFile, located
from seatrial.promql.nodes import Series, walk
from seatrial.promql.reading import Expression, Selector, Unreadable, parse, selectors
from seatrial.words import CouldNotLook, Finding, Missing

__all__ = ["SCRAPED", "TARGETS", "Reading", "References", "Selected", "span"]

SCRAPED = re.compile(
    r"up|scrape_(?:duration_seconds|samples_\w+|series_added|timeout_seconds|sample_limit|body_size_bytes)"
)
"""Series that a scrape makes of itself."""
TARGETS = frozenset(
    [
        "job",
        "instance",
        "namespace",
        "pod",
        "node",
        "service",
        "container",
        "endpoint",
        "cluster",
        "env",
        "environment",
        "region",
        "zone",
        "datacenter",
        "dc",
        "host",
        "hostname",
        "nodename",
        "replica",
        "shard",
        "prometheus",
        "tenant",
        "team",
        "app",
        "application",
        "component",
        "site",
        "stage",
        "role",
        "group",
        "availability_zone",
        "exported_job",
        "exported_instance",
        "account",
        "project",
    ]
)
"""Labels that a scrape configuration often adds, so that no exposition has to have them."""
MOST_TOLD = 3
FEW = 100
MOST_LIKENESSES = 300
"""Names of metrics for which one that is like it is looked for among more than a few: that takes long."""
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Selected:
    """One selector of one rule."""

    rule: Rule
    node: Series
    selector: Selector
    guarded: bool
    """Whether it may well be empty: the rule says what is to be when it is."""

    @property
    def metric(self) -> str:
        """The name of its series."""
        return self.node.metric

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """Its matchers, without that of the name."""
        return tuple((m.name, m.op, m.value) for m in self.node.matchers)


@dataclass(frozen=True, slots=True)
class Reading:
    """One rule whose expression was read."""

    rule: Rule
    expression: Expression
    selected: tuple[Selected, ...]


@dataclass(frozen=True)
class References:
    """The rules of one file, and all that is known of what they refer to."""

    id: str
    file: RuleFile
    catalog: Catalog | Missing
    operands: Operands | Missing
    doubts: list[str] = field(default_factory=list, compare=False, repr=False)
    """What could not be decided while one question was answered."""
    likenesses: dict[str, str] = field(default_factory=dict, compare=False, repr=False)
    """What was found to be like what."""

    # --- what was read --------------------------------------------------------------------------------------------

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """Every rule whose expression is PromQL; what is not is told by the requirements of loading."""
        found = []
        for rule in self.file.rules:
            try:
                expression = parse(rule.expr)
            except Unreadable:
                continue
            found.append(Reading(rule, expression, _selected(rule, expression)))
        return tuple(found)

    @cached_property
    def unread(self) -> tuple[Rule, ...]:
        """Rules that could not be read, though nothing says that Prometheus refuses them."""
        refused = {problem.rule for problem in self.file.problems if problem.refused}
        read = {id(reading.rule) for reading in self.readings}
        return tuple(rule for rule in self.file.rules if id(rule) not in read and rule.id not in refused)

    @property
    def live(self) -> bool:
        """Whether a running Prometheus was asked."""
        return isinstance(self.operands, Operands) and bool(self.operands.origin)

    @cached_property
    def _index(self) -> dict[str, CatalogMetric]:
        if isinstance(self.catalog, Missing):
            return {}
        parts = {name: metric for metric in self.catalog.metrics for name in metric.samples}
        return {**{metric.name: metric for metric in self.catalog.metrics}, **parts}

    @cached_property
    def series_names(self) -> list[str]:
        """Names of series there are."""
        parts = {name for metric in self._index.values() if metric.series for name in metric.samples or (metric.name,)}
        return sorted(parts)

    def metric(self, name: str) -> CatalogMetric | None:
        """What is known of the metric that a series belongs to."""
        return self._index.get(name)

    def given(self, text: str) -> Given | None:
        """What an expression gave; None when it was not asked, or gave no answer."""
        return self.operands.of(text) if isinstance(self.operands, Operands) else None

    def asked(self, rule: Rule, text: str) -> Given | None:
        """What an expression gave; where a server should have told and did not, that is noted."""
        found = self.given(text)
        if found is None and self.live and isinstance(self.operands, Operands):
            refused = self.operands.given.get(text)
            why = f"gave no answer: {refused.error}" if refused is not None else "was not asked"
            self.doubt(rule, f"`{' '.join(text.split())[:160]}` {why}")
        return found

    @cached_property
    def recorded(self) -> frozenset[str]:
        """Names that recording rules give."""
        told = self.operands.recorded if isinstance(self.operands, Operands) else ()
        ours = {rule.name for rule in self.file.rules if rule.kind == "record"}
        return frozenset(ours | set(() if isinstance(told, Missing) else told))

    # --- deciding -------------------------------------------------------------------------------------------------

    def judged(self, judge: Callable[[Reading], Iterator[Finding]]) -> list[Finding]:
        """The findings of every rule.

        Raises:
            CouldNotLook: there are none, but something could not be decided.
        """
        self.doubts.clear()
        if isinstance(self.operands, Missing):
            raise CouldNotLook(self.operands.reason, right=self.operands.right)
        found = [finding for reading in self.readings for finding in judge(reading)]
        found = list(dict.fromkeys(found))
        if not found:
            self.doubts.extend(f"{rule.id} could not be read" for rule in self.unread)
        if not found and self.doubts:
            doubts = list(dict.fromkeys(self.doubts))
            more = f", and {len(doubts) - MOST_TOLD} more" if len(doubts) > MOST_TOLD else ""
            raise CouldNotLook(f"{len(doubts)} could not be decided: {'; '.join(doubts[:MOST_TOLD])}{more}")
        return found

    def where(self, rule: Rule, offset: int = 0) -> str:
        """``alerts.yaml:12:31 demo/DemoErrors``."""
        return located(self.file.path, *rule.place(offset), rule.id)

    def doubt(self, rule: Rule, text: str) -> None:
        """Note what could not be decided."""
        self.doubts.append(f"{rule.id}: {text}")

    @property
    def whence(self) -> str:
        """Where was looked."""
        if isinstance(self.operands, Operands) and self.operands.origin:
            return f"{self.operands.origin} within {span(self.operands.over)}"
        return "" if isinstance(self.catalog, Missing) else self.catalog.origin

    # --- metrics --------------------------------------------------------------------------------------------------

    def ever(self, name: str) -> bool | None:
        """Whether a metric was ever there; None when that is not known."""
        known = self.metric(name)
        if known is not None and known.series:
            return True
        given = self.given(name)
        if self.live:
            return None if given is None else given.ever
        return None if isinstance(self.catalog, Missing) else False

    def announced(self, name: str) -> bool:
        """Whether something tells what a metric is that has no series yet: it appears with its first event."""
        known = self.metric(name)
        told = self.operands.announced if isinstance(self.operands, Operands) else {}
        return name in told or (known is not None and not known.series)

    def missing(self, each: Selected) -> bool | None:
        """Whether the metric of a selector is nowhere; None when that is not known."""
        name = each.metric
        if not name or name in MADE_UP or (not self.live and SCRAPED.fullmatch(name)):
            return False
        if self.there(each) or self.announced(name):
            return False
        ever = self.ever(name)
        return None if ever is None else not ever

    def there(self, each: Selected) -> bool:
        """Whether the selector itself gave anything."""
        given = self.given(made(each.node))
        return given is not None and given.ever

    @property
    def missing_metrics(self) -> list[Finding]:
        """Metrics that no service exposes and no server has had."""
        from seatrial.facts.alerts.references_metrics import missing_metrics

        return self.judged(lambda reading: missing_metrics(self, reading))

    @property
    def vanished_metrics(self) -> list[Finding]:
        """Metrics that were there within the time looked back, and are no more."""
        from seatrial.facts.alerts.references_metrics import vanished_metrics

        return self.judged(lambda reading: vanished_metrics(self, reading))

    @property
    def unrecorded(self) -> list[Finding]:
        """Names of recorded series that nobody records."""
        from seatrial.facts.alerts.references_metrics import unrecorded

        return self.judged(lambda reading: unrecorded(self, reading))

    def is_recorded(self, name: str) -> bool:
        """Whether a recording rule makes these series, or should: a colon says so."""
        return name in self.recorded or (":" in name and not name.startswith(":"))

    def near(self, wrong: str, names: Iterable[str], least: float) -> str:
        """What is most like something that is not there; empty when nothing is, or when too much was asked for already."""
        names = [name for name in names if len(name) <= LONGEST_NAME] if len(wrong) <= LONGEST_NAME else []
        if len(names) <= FEW:
            return next(iter(difflib.get_close_matches(wrong, names, 1, least)), "")
        key = f"{least} {wrong}"
        if key not in self.likenesses and len(self.likenesses) < MOST_LIKENESSES:
            self.likenesses[key] = next(iter(difflib.get_close_matches(wrong, names, 1, least)), "")
        return self.likenesses.get(key, "")

    # --- labels of matchers ---------------------------------------------------------------------------------------

    def known(self, each: Selected) -> bool:
        """Whether enough is known of a selector's metric to judge its labels: it is, or was, there."""
        if not each.metric or each.metric in MADE_UP or each.node.alternatives:
            return False
        if not self.live and self.is_recorded(each.metric):
            return False
        ever = self.there(each) or self.ever(each.metric)
        if ever is None:
            self.doubt(each.rule, f"what labels `{each.metric}` has: {self.why_unknown}")
        return bool(ever)

    @property
    def why_unknown(self) -> str:
        """Why it is not known whether a metric exists."""
        if isinstance(self.catalog, Missing) and not self.live:
            return self.catalog.reason
        return "it was not asked, or gave no answer"

    def has(self, each: Selected, label: str) -> bool | None:
        """Whether any series of a selector's metric has a label; None when that is not known."""
        known = self.metric(each.metric)
        if known is not None and known.label(label) is not None:
            return True
        if each.metric.endswith(("_labels", "_annotations")):
            return None  # which labels it has goes by what there is just now
        if self.live:
            given = self.given(selector_text(each.metric, (present(label),)))
            return None if given is None else given.ever
        if (
            known is None
            or label in TARGETS
            or (not isinstance(self.catalog, Missing) and label in self.catalog.target_labels)
        ):
            return None
        return False

    @property
    def unknown_labels(self) -> list[Finding]:
        """Labels that matchers ask for, and the metric does not have."""
        return self.judged(self._unknown_labels)

    def _unknown_labels(self, reading: Reading) -> Iterator[Finding]:
        for each in reading.selected:
            if not each.matchers or not self.known(each) or self.there(each):
                continue
            if self.live and self.asked(reading.rule, made(each.node)) is None:
                continue
            for number, matcher in enumerate(each.matchers):
                if not empty_matches(matcher) and self.has(each, matcher[0]) is False:
                    label, place = matcher[0], each.node.matchers[number].start
                    yield Finding(
                        self.where(reading.rule, place),
                        f"`{_told(matcher)}`: no series of `{each.metric}` has a label {label}",
                        self.near_label(each.metric, label),
                    )

    def near_label(self, metric: str, label: str) -> str:
        """What to write in place of a label that a metric does not have."""
        known = self.metric(metric)
        names = [each.name for each in known.labels] if known is not None else []
        if near := self.near(label, names, 0.6):
            return f"`{near}`, which it has"
        return f"one of {', '.join(names[:8])}" if names else "no such matcher: it has no labels"

    # --- values of matchers ---------------------------------------------------------------------------------------

    def about(self, each: Selected, seen: str, expected: str) -> Finding:
        """A finding at the place of a selector."""
        return Finding(self.where(each.rule, each.node.start), seen, expected)

    @property
    def unknown_values(self) -> list[Finding]:
        """Jobs, buckets and quantiles that a selector asks for, and that there are not."""
        from seatrial.facts.alerts.references_values import unseen_configured

        return self.judged(lambda reading: unseen_configured(self, reading))

    @property
    def unseen_values(self) -> list[Finding]:
        """Values that a matcher asks for or leaves out, and that no series has had."""
        from seatrial.facts.alerts.references_values import unseen_values

        return self.judged(lambda reading: unseen_values(self, reading))

    # --- operations -----------------------------------------------------------------------------------------------

    @property
    def unknown_grouping(self) -> list[Finding]:
        """Labels in ``by``, ``on`` and in texts that no selected series has."""
        from seatrial.facts.alerts.references_grouping import unknown_grouping

        return self.judged(lambda reading: unknown_grouping(self, reading))

    @property
    def dead_operations(self) -> list[Finding]:
        """Operations that give nothing though all they are made of has series."""
        from seatrial.facts.alerts.references_operations import dead_operations

        return self.judged(lambda reading: dead_operations(self, reading))

    @property
    def impossible_thresholds(self) -> list[Finding]:
        """Thresholds that what they are compared with can't have."""
        from seatrial.facts.alerts.references_thresholds import impossible_thresholds

        return self.judged(lambda reading: impossible_thresholds(self, reading))

    @property
    def restless_alerts(self) -> list[Finding]:
        """Alerts that are true now, and those that come and go."""
        from seatrial.facts.alerts.references_operations import restless_alerts

        return self.judged(lambda reading: restless_alerts(self, reading))


def _selected(rule: Rule, expression: Expression) -> tuple[Selected, ...]:
    """The selectors of a rule. What stands in an ``absent()`` of the same rule may be empty elsewhere in it as well."""
    nodes = {node.start: node for node in walk(expression.root) if isinstance(node, Series)}
    found = [(nodes[each.start], each) for each in selectors(expression) if each.start in nodes]
    absent = {made(node) for node, each in found if {"absent", "absent_over_time"} & set(each.calls)}
    return tuple(Selected(rule, node, each, each.guarded or made(node) in absent) for node, each in found)


def _told(matcher: Matcher) -> str:
    name, op, value = matcher
    return f'{name}{op}"{value}"'


def span(seconds: float) -> str:
    """``1 h``, ``12 min``, ``40 s``."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.0f} s"
