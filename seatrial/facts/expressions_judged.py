"""What the expressions of a rule file say, and where that is not what they can mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from seatrial.facts.catalog import Catalog
from seatrial.facts.expressions_conditions import unconditional
from seatrial.facts.expressions_counters import misused
from seatrial.facts.expressions_fallbacks import idle_fallbacks
from seatrial.facts.expressions_labels import lost_labels
from seatrial.facts.expressions_matching import mismatched
from seatrial.facts.expressions_quantiles import wrong_quantiles
from seatrial.facts.expressions_ranges import Intervals, short, tight
from seatrial.facts.expressions_reading import Judge, One, Slip, Unsure, read
from seatrial.facts.expressions_units import mixed_units
from seatrial.facts.expressions_values import fixed_conditions
from seatrial.facts.rules import Rule, RuleFile
from seatrial.promql.reading import Expression
from seatrial.words import CouldNotLook, Finding, Missing

__all__ = ["Intervals", "RuleExpressions"]

MOST_SLIPS = 50
"""Findings of one kind in one rule that are told."""


@dataclass(frozen=True, slots=True)
class RuleExpressions:
    """The expressions of one rule file."""

    id: str
    file: RuleFile
    catalog: Catalog | Missing
    """The metrics there are. Without it, what a metric is goes by its name."""
    intervals: Intervals

    def _ones(self) -> Iterator[One | tuple[Rule, str]]:
        """Rules that were read, and those that were not, with the reason."""
        rules = self.file.rules
        catalog = None if isinstance(self.catalog, Missing) else self.catalog
        recorded = frozenset(rule.name for rule in rules if rule.kind == "record")
        for rule, expression in zip(rules, read(tuple(rule.expr for rule in rules)), strict=True):
            if isinstance(expression, Expression):
                yield One(rule, expression, catalog, recorded)
            else:
                yield rule, expression.reason

    def _judged(self, judge: Judge, alerts: bool = False) -> list[Finding]:
        """What one judgement has against the rules.

        Raises:
            CouldNotLook: it has nothing, but could not decide on all of them.
        """
        found: dict[Finding, None] = {}
        unsure: dict[str, str] = {}
        for one in self._ones():
            if not isinstance(one, One):
                if one[0].kind == "alert" or not alerts:
                    unsure.setdefault(f"{one[0].id} could not be read: {one[1]}", one[0].id)
                continue
            try:
                told = list(islice(judge(one), MOST_SLIPS))
            except RecursionError:
                told = [Unsure("its parts are too deep within each other")]
            for each in told:
                if isinstance(each, Slip):
                    found.setdefault(Finding(self._place(one.rule, each), each.text))
                else:
                    unsure.setdefault(f"{one.rule.id}: {each.text}", one.rule.id)
        if not self.file.rules:
            raise CouldNotLook(f"there is no rule to look at in {self.file.path}")
        if unsure and not found:
            first = next(iter(unsure))
            many = f" ({len(unsure)} in all)" if len(unsure) > 1 else ""
            why = f"; {self.catalog.reason}" if isinstance(self.catalog, Missing) and "is a counter" in first else ""
            raise CouldNotLook(f"{first}{many}{why}")
        return list(found)

    def _place(self, rule: Rule, told: Slip) -> str:
        """``alerts.yaml:12:31 demo/DemoErrors``."""
        line, column = rule.place(told.start)
        if told.key and told.key in rule.lines:
            line, column = rule.lines[told.key], 0
        if not line:
            return f"{self.file.path} {rule.id}"
        return f"{self.file.path}:{line}{f':{column}' if column else ''} {rule.id}"

    def _ranged(self, judge: Callable[[One, Intervals], Iterator[Slip | Unsure]]) -> list[Finding]:
        return self._judged(lambda one: judge(one, self.intervals))

    @property
    def unconditional(self) -> list[Finding]:
        """Alerts that fire whenever there are series."""
        return self._judged(unconditional, alerts=True)

    @property
    def misused_types(self) -> list[Finding]:
        """Functions of counters on gauges, of gauges on counters, and totals compared with thresholds."""
        return self._judged(misused)

    @property
    def short_ranges(self) -> list[Finding]:
        """Ranges that hold fewer than two samples."""
        return self._ranged(short)

    @property
    def tight_ranges(self) -> list[Finding]:
        """Ranges that do not outlast a failed scrape or two."""
        return self._ranged(tight)

    @property
    def wrong_quantiles(self) -> list[Finding]:
        """Quantiles that can't be computed."""
        return self._judged(wrong_quantiles)

    @property
    def lost_labels(self) -> list[Finding]:
        """Labels that are used after they were taken away."""
        return self._judged(lost_labels)

    @property
    def mismatched(self) -> list[Finding]:
        """Operators whose sides never match, or match each series with itself."""
        return self._judged(mismatched)

    @property
    def fixed_conditions(self) -> list[Finding]:
        """Comparisons that always or never hold."""
        return self._judged(fixed_conditions)

    @property
    def mixed_units(self) -> list[Finding]:
        """Thresholds in another unit than what they are compared with."""
        return self._judged(mixed_units)

    @property
    def idle_fallbacks(self) -> list[Finding]:
        """Defaults that stand in for nothing."""
        return self._judged(idle_fallbacks)
