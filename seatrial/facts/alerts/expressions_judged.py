"""What the expressions of a rule file say, and where that is not what they can mean."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from seatrial.facts.alerts.catalog import Catalog
from seatrial.facts.alerts.expressions_conditions import unconditional
from seatrial.facts.alerts.expressions_counters import misused
from seatrial.facts.alerts.expressions_fallbacks import idle_fallbacks
from seatrial.facts.alerts.expressions_labels import lost_labels
from seatrial.facts.alerts.expressions_matching import mismatched
from seatrial.facts.alerts.expressions_quantiles import wrong_quantiles
from seatrial.facts.alerts.expressions_ranges import Intervals, short, tight
from seatrial.facts.alerts.expressions_reading import Judge, One, Slip, Unsure, read
from seatrial.facts.alerts.expressions_units import mixed_units
from seatrial.facts.alerts.expressions_values import fixed_conditions
from seatrial.facts.alerts.rules import Rule, RuleFile, located
from seatrial.promql.reading import Expression
from seatrial.words import CouldNotLook, Finding, Missing

__all__ = ["Intervals", "RuleExpressions"]

MOST_SLIPS = 50
"""Findings of one kind in one rule that are told."""
MOST_FINDINGS = 2000
"""Findings of one kind in one file that are told."""
KEPT = 8
"""Files of which what was found is kept, so that it is not sought again for each requirement."""

Ranged = Callable[[One, Intervals], Iterator[Slip | Unsure]]
_JUDGES: dict[str, Judge] = {
    "unconditional": unconditional,
    "misused": misused,
    "wrong_quantiles": wrong_quantiles,
    "lost_labels": lost_labels,
    "mismatched": mismatched,
    "fixed_conditions": fixed_conditions,
    "mixed_units": mixed_units,
    "idle_fallbacks": idle_fallbacks,
}
_RANGED: dict[str, Ranged] = {"short": short, "tight": tight}


@dataclass(frozen=True, slots=True)
class _Told:
    """What was found by one kind of judgement."""

    found: dict[Finding, None] = field(default_factory=dict)
    unsure: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleExpressions:
    """The expressions of one rule file."""

    id: str
    file: RuleFile
    catalog: Catalog | Missing
    """The metrics there are. Without it, what a metric is goes by its name."""
    intervals: Intervals

    def _all(self) -> dict[str, _Told]:
        """What every judgement has against the rules: each rule is read once, and its expression not kept."""
        rules = self.file.rules
        catalog = None if isinstance(self.catalog, Missing) else self.catalog
        recorded = frozenset(rule.name for rule in rules if rule.kind == "record")
        told = {name: _Told() for name in (*_JUDGES, *_RANGED)}
        for rule, expression in zip(rules, read(rule.expr for rule in rules), strict=True):
            if not isinstance(expression, Expression):
                for name, each in told.items():
                    if rule.kind == "alert" or name != "unconditional":
                        each.unsure[f"{rule.id} could not be read: {expression.reason}"] = None
                continue
            one = One(rule, expression, catalog, recorded)
            for name, judge in _JUDGES.items():
                self._add(told[name], one, judge(one))
            for name, ranged in _RANGED.items():
                self._add(told[name], one, ranged(one, self.intervals))
        return told

    def _add(self, told: _Told, one: One, judged: Iterator[Slip | Unsure]) -> None:
        try:
            for each in islice(judged, MOST_SLIPS if len(told.found) < MOST_FINDINGS else 0):
                if isinstance(each, Slip):
                    told.found[Finding(self._place(one.rule, each), each.text)] = None
                else:
                    told.unsure[f"{one.rule.id}: {each.text}"] = None
        except RecursionError:
            told.unsure[f"{one.rule.id}: its parts are too deep within each other"] = None

    def _judged(self, name: str) -> list[Finding]:
        """What one judgement has against the rules.

        Raises:
            CouldNotLook: it has nothing, but could not decide on all of them.
        """
        if not self.file.rules:
            raise CouldNotLook(f"there is no rule to look at in {self.file.path}")
        known = next((all for of, all in _KNOWN if of.file is self.file and of == self), None)
        if known is None:
            known = self._all()
            _KNOWN.appendleft((self, known))
        told = known[name]
        if told.unsure and not told.found:
            first = next(iter(told.unsure))
            many = f" ({len(told.unsure)} in all)" if len(told.unsure) > 1 else ""
            why = f"; {self.catalog.reason}" if isinstance(self.catalog, Missing) and "is a counter" in first else ""
            raise CouldNotLook(f"{first}{many}{why}")
        return list(told.found)

    def _place(self, rule: Rule, told: Slip) -> str:
        """``alerts.yaml:12:31 demo/DemoErrors``."""
        line, column = rule.place(told.start)
        if told.key and told.key in rule.lines:
            line, column = rule.lines[told.key], 0
        return located(self.file.path, line, column, rule.id)

    @property
    def unconditional(self) -> list[Finding]:
        """Alerts that fire whenever there are series."""
        return self._judged("unconditional")

    @property
    def misused_types(self) -> list[Finding]:
        """Functions of counters on gauges, of gauges on counters, and totals compared with thresholds."""
        return self._judged("misused")

    @property
    def short_ranges(self) -> list[Finding]:
        """Ranges that hold fewer than two samples."""
        return self._judged("short")

    @property
    def tight_ranges(self) -> list[Finding]:
        """Ranges that do not outlast a failed scrape or two."""
        return self._judged("tight")

    @property
    def wrong_quantiles(self) -> list[Finding]:
        """Quantiles that can't be computed."""
        return self._judged("wrong_quantiles")

    @property
    def lost_labels(self) -> list[Finding]:
        """Labels that are used after they were taken away."""
        return self._judged("lost_labels")

    @property
    def mismatched(self) -> list[Finding]:
        """Operators whose sides never match, or match each series with itself."""
        return self._judged("mismatched")

    @property
    def fixed_conditions(self) -> list[Finding]:
        """Comparisons that always or never hold."""
        return self._judged("fixed_conditions")

    @property
    def mixed_units(self) -> list[Finding]:
        """Thresholds in another unit than what they are compared with."""
        return self._judged("mixed_units")

    @property
    def idle_fallbacks(self) -> list[Finding]:
        """Defaults that stand in for nothing."""
        return self._judged("idle_fallbacks")


_KNOWN: deque[tuple[RuleExpressions, dict[str, _Told]]] = deque(maxlen=KEPT)
