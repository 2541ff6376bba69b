"""A dashboard, and what is not as it should be about it: what would stay an empty panel until somebody needs it.

What a variable stands for is not known, so that nothing is said of names and values that hold one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.facts.alerts.catalog import Catalog
from seatrial.facts.alerts.dashboard import Dashboard, DashboardPanel, DashboardQuery, DashboardVariable
from seatrial.facts.alerts.dashboards_existing import Existing
from seatrial.facts.alerts.dashboards_variables import MARK, Filled, fill, used
from seatrial.words import CouldNotLook, Finding, Missing, seen

if TYPE_CHECKING:
    from seatrial.promql.nodes import Node, Series
    from seatrial.promql.reading import Expression

__all__ = ["JudgedDashboard"]

_BEYOND = ("it has ", "it is more than", "two readings")
"""How our reading says that an expression is too much for it, which is no fault of the expression."""
_LABEL_VALUES = re.compile(r"label_values\(\s*(?:(?P<of>.+?)\s*,\s*)?(?P<label>[a-zA-Z_]\w*|\$\S+)\s*\)", re.DOTALL)
_QUERY_RESULT = re.compile(r"query_result\((?P<of>.+)\)", re.DOTALL)
_NAMES = re.compile(r"(?P<what>label_names|metrics)\((?P<of>.*)\)", re.DOTALL)
_LEGEND = re.compile(r"\{\{\s*([a-zA-Z_]\w*)\s*\}\}")


@dataclass(frozen=True, slots=True)
class _Read:
    """A query that could be read."""

    where: str
    filled: Filled
    expression: Expression


@dataclass(frozen=True, slots=True)
class JudgedDashboard:
    """One dashboard."""

    id: str
    dashboard: Dashboard
    catalog: Catalog | Missing

    # --- the file -------------------------------------------------------------------------------------------------

    @property
    def faults(self) -> list[Finding]:
        """Why Grafana does not load it, or not all of it."""
        return [Finding(f"{self.id} {fault.path}".rstrip(), fault.text) for fault in self.dashboard.faults]

    def _panels(self) -> tuple[DashboardPanel, ...]:
        """The panels, when there are any to look at."""
        if not self.dashboard.panels:
            why = f": {self.dashboard.faults[0].text}" if self.dashboard.faults else ""
            raise CouldNotLook(f"{self.id} holds no panels to look at{why}")
        return self.dashboard.panels

    @property
    def empty_panels(self) -> list[Finding]:
        """Panels that show data, and ask nobody for any."""
        return [
            Finding(f"{self.id} {_name(panel)}, {panel.path}", f"a panel of type {panel.kind} without a query")
            for panel in self._panels()
            if panel.empty
        ]

    # --- queries --------------------------------------------------------------------------------------------------

    def _queries(self) -> Iterator[tuple[str, DashboardQuery]]:
        for panel in self._panels():
            for query in panel.queries:
                yield f"{self.id} {_name(panel)}, {query.path}", query

    def _read(self, expr: str, *, sure: bool) -> tuple[Filled, Expression] | str | None:
        """An expression, read; why it is no PromQL; or None when that can't be said."""
        from seatrial.promql.reading import Unreadable, parse

        kinds = {variable.name: variable.kind for variable in self.dashboard.variables}
        reason = ""
        for number in (False, True):
            filled = fill(expr, kinds, number=number)
            try:
                return filled, parse(filled.text)
            except Unreadable as why:
                reason = reason or f"{why.reason}, at `{_around(filled, why.offset)}`"
                if why.reason.startswith(_BEYOND):
                    raise CouldNotLook(why.reason) from None
        return reason if sure and not filled.free else None

    def _all(self) -> list[_Read]:
        """Every query that could be read; what could not is another question."""
        found = []
        for where, query in self._queries():
            try:
                read = self._read(query.expr, sure=False)
            except CouldNotLook:
                continue
            if isinstance(read, tuple):
                found.append(_Read(where, *read))
        return found

    @property
    def unreadable_queries(self) -> list[Finding]:
        """Queries that a Prometheus refuses."""
        found: list[Finding] = []
        undecided: list[str] = []
        for where, query in self._queries():
            try:
                read = self._read(query.expr, sure=query.sure or not self._others)
            except CouldNotLook as why:
                undecided.append(f"{where}: {why.reason}")
                continue
            if isinstance(read, str):
                found.append(Finding(where, f"`{_short(query.expr)}` is no PromQL: {read}"))
        return _decided(found, undecided)

    @property
    def _others(self) -> bool:
        """Whether some of its queries are for other data sources, so that one without a known source may be, too."""
        return self.dashboard.left_out > 0

    # --- what they name -------------------------------------------------------------------------------------------

    def _selected(self, read: _Read) -> Iterator[Series]:
        """The selectors of a query that name a metric, and are not there to find out whether it exists."""
        from seatrial.promql.nodes import Series, walk
        from seatrial.promql.reading import selectors

        guarded = {(each.start, each.end) for each in selectors(read.expression) if each.guarded}
        for node in walk(read.expression.root):
            known = isinstance(node, Series) and node.metric and MARK not in node.metric and not node.alternatives
            if known and isinstance(node, Series) and (node.start, node.core) not in guarded:
                yield node

    @property
    def absent_metrics(self) -> list[Finding]:
        """Metrics that queries name, and that are not there."""
        known = self._known()
        return self._judged(lambda read: self._absent(known, read), self._all())

    def _absent(self, known: Existing, read: _Read) -> Iterator[str | Missing]:
        for series in self._selected(read):
            told = known.lacking(series.metric)
            if isinstance(told, Missing):
                yield told
            elif told:
                yield f"`{read.filled.quoted(series.start, series.core)}`: {told}"

    @property
    def absent_labels(self) -> list[Finding]:
        """Labels that queries select or group by, and that the metric does not have."""
        known = self._known()
        return self._judged(lambda read: self._unlabelled(known, read), self._all())

    def _unlabelled(self, known: Existing, read: _Read) -> Iterator[str | Missing]:
        from seatrial.promql.nodes import Aggregate, walk

        for series in self._selected(read):
            metric = known.catalog.of(series.metric)
            for matcher in series.matchers if metric else ():
                assert metric is not None
                if MARK in matcher.name or known.has(metric, matcher.name):
                    continue
                told = known.no_label(metric, matcher.name)
                if MARK in matcher.value or _empty_too(matcher.op, matcher.value):
                    # A variable may be empty, or `.*`; what is nearly the name of a label is meant to be that one.
                    if difflib.get_close_matches(matcher.name, known.names(metric), 1, 0.85):
                        yield f"`{read.filled.quoted(matcher.start, matcher.end)}`: {told}"
                elif isinstance(doubt := known.foreign(matcher.name), Missing):
                    yield doubt
                else:
                    yield f"`{read.filled.quoted(matcher.start, matcher.end)}`: {told}"
        for node in walk(read.expression.root):
            if isinstance(node, Aggregate) and node.grouping == "by":
                yield from self._ungrouped(known, read, node)

    def _ungrouped(self, known: Existing, read: _Read, node: Node) -> Iterator[str | Missing]:
        """Labels in `by` that nothing beneath it has."""
        from seatrial.facts.alerts.references_judged import TARGETS
        from seatrial.promql.nodes import Aggregate, Call, Series, walk

        assert isinstance(node, Aggregate)
        beneath = list(walk(node.body))
        makers = ("label_replace", "label_join", "count_values", "info", "absent", "absent_over_time")
        if any(isinstance(each, Call | Aggregate) and each.name in makers for each in beneath):
            return
        metrics = []
        for each in beneath:
            if isinstance(each, Series):
                metric = known.catalog.of(each.metric) if each.metric and not each.alternatives else None
                if metric is None:
                    return  # what it may have is not known
                metrics.append(metric)
        for word in node.labels if metrics else ():
            # Dashboards that are shared by many group by labels of targets that some of those who share them don't have.
            if MARK in word.name or word.name in TARGETS or any(known.has(metric, word.name) for metric in metrics):
                continue
            if isinstance(doubt := known.foreign(word.name), Missing):
                yield doubt
            else:
                told = known.no_label(metrics[0], word.name)
                yield f"`by ({read.filled.quoted(word.start, word.end)})`: {told}"

    # --- variables ------------------------------------------------------------------------------------------------

    @property
    def broken_variables(self) -> list[Finding]:
        """Variables that are used and not there, and those that ask for what does not exist."""
        defined = {variable.name for variable in self.dashboard.variables}
        found = []
        for where, query in self._queries():
            for name in sorted(used(query.expr) - defined) if "label_replace" not in query.expr else ():
                near = difflib.get_close_matches(name, defined, 1)
                hint = f"; `${near[0]}` is" if near else ""
                found.append(Finding(where, f"`${name}` is no variable of this dashboard{hint}"))
        undecided: list[str] = []
        asking = [variable for variable in self.dashboard.variables if variable.query]
        if asking and not found:
            seen(self.catalog)
        if isinstance(self.catalog, Catalog):
            known = Existing(self.catalog, self.dashboard.recorded)
            for variable in asking:
                where = f"{self.id} variable ${variable.name}, {variable.path}"
                for told in self._of_variable(known, variable, defined):
                    if isinstance(told, Missing):
                        undecided.append(f"{where}: {told.reason}")
                    else:
                        found.append(Finding(where, told))
        if not found and not self.dashboard.variables:
            self._panels()
        return _decided(found, undecided)

    def _of_variable(self, known: Existing, variable: DashboardVariable, defined: set[str]) -> Iterator[str | Missing]:
        query = variable.query.strip()
        for name in sorted(used(query) - defined):
            yield f"`${name}` is no variable of this dashboard"
        label, of = "", ""
        if values := _LABEL_VALUES.fullmatch(query):
            label, of = values["label"], values["of"] or ""
        elif result := _QUERY_RESULT.fullmatch(query):
            of = result["of"]
        elif _NAMES.fullmatch(query) or not query or not variable.sure or query.startswith(("$", "{")):
            return
        if not of:
            if label and "$" not in label and not any(known.has(metric, label) for metric in known.catalog.metrics):
                doubt = known.foreign(label)
                hint = known.nearest(label, known.every_label())
                yield doubt if isinstance(doubt, Missing) else f"no metric has a label `{label}`{hint}"
            return
        read = self._read(of, sure=variable.sure)
        if isinstance(read, str):
            yield f"`{_short(of)}` is no PromQL: {read}"
        if not isinstance(read, tuple):
            return
        here = _Read("", *read)
        yield from self._absent(known, here)
        yield from self._unlabelled(known, here)
        for series in self._selected(here) if label and "$" not in label else ():
            metric = known.catalog.of(series.metric)
            if metric is not None and not known.has(metric, label):
                doubt = known.foreign(label)
                yield doubt if isinstance(doubt, Missing) else f"`{label}`: {known.no_label(metric, label)}"

    # --- legends --------------------------------------------------------------------------------------------------

    @property
    def lost_legends(self) -> list[Finding]:
        """Labels in legends that the result of the query does not have."""
        from seatrial.promql.labels import label_flow

        found = []
        for where, query in self._queries():
            names = dict.fromkeys(_LEGEND.findall(query.legend))
            try:
                read = self._read(query.expr, sure=False) if names else None
            except CouldNotLook:
                continue
            # A variable in a grouping may stand for the very label.
            if not isinstance(read, tuple) or read[0].free:
                continue
            labels = label_flow(read[1].root)
            for name in names:
                loss = labels.why(name) if name != "__name__" else None
                if loss is not None:
                    found.append(
                        Finding(where.removesuffix("expr") + "legendFormat", f"`{{{{{name}}}}}` is empty: {loss.text}")
                    )
        return found

    # --- what there is --------------------------------------------------------------------------------------------

    def _known(self) -> Existing:
        """The metrics there are, where there are queries to compare with them."""
        self._panels()
        return Existing(seen(self.catalog), self.dashboard.recorded)

    def _judged(self, rule: Callable[[_Read], Iterator[str | Missing]], reads: list[_Read]) -> list[Finding]:
        found: list[Finding] = []
        undecided: list[str] = []
        for read in reads:
            for told in dict.fromkeys(rule(read)):
                if isinstance(told, Missing):
                    undecided.append(f"{read.where}: {told.reason}")
                else:
                    found.append(Finding(read.where, told))
        return _decided(found, undecided)


def _name(panel: DashboardPanel) -> str:
    return f'{"annotation" if panel.kind == "annotation" else "panel"} "{panel.title}"'


def _empty_too(op: str, value: str) -> bool:
    """Whether a matcher lets series pass that have no such label."""
    if op == "=":
        return value == ""
    if op == "!=":
        return value != ""
    # Whether a pattern matches the empty text is seen without running it: only what surely does not counts.
    parts = value.split("|")
    surely_not = "(" not in value and all(part[:1].isalnum() and part[1:2] not in ("*", "?", "{") for part in parts)
    return not surely_not if op == "=~" else True


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 160 else f"{text[:160]}…"


def _around(filled: Filled, offset: int) -> str:
    piece = filled.quoted(max(0, offset - 20), min(len(filled.text), offset + 20))
    return " ".join(piece.split())


def _decided(found: list[Finding], undecided: list[str]) -> list[Finding]:
    """What was found; where nothing was and something could not be decided, that is the answer.

    Raises:
        CouldNotLook: so.
    """
    if not found and undecided:
        raise CouldNotLook(
            f"{len(undecided)} not decided: {'; '.join(undecided[:3])}{'; …' if len(undecided) > 3 else ''}"
        )
    return found
