"""Reading a Grafana dashboard's JSON: panels in rows old and new, what each asks, and the variables. Bounded, and never an exception.

Grafana has written dashboards in many ways; what is not understood is left out, and counted where it would ask something.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from seatrial.facts.alerts.dashboard import Dashboard, DashboardFault, DashboardPanel, DashboardQuery, DashboardVariable

__all__ = ["read"]

DEEPEST = 64
MOST_PANELS = 2_000
MOST_QUERIES = 10_000
LONGEST = 100_000
"""Characters of one expression that are kept."""
SHOWING = frozenset({
    "timeseries", "graph", "stat", "singlestat", "gauge", "bargauge", "table", "table-old", "heatmap", "barchart", "piechart",
    "grafana-piechart-panel", "histogram", "state-timeline", "status-history", "xychart", "trend", "candlestick",
})  # fmt: skip
"""Panels that show data; of others it is not known whether they need any."""
ELSEWHERE = ("-- dashboard --", "-- grafana --", "__expr__", "grafana", "datasource")
"""Data sources of Grafana's own: another panel's data, random numbers, arithmetic."""
# Loki's queries stand under the same key as those of Prometheus.
LOGQL = re.compile(r'^\s*\{|\|=|\|~|!~\s*[`"]|\|\s*(?:json|logfmt|pattern|regexp|unpack|line_format|label_format)\b')
Json = dict[str, Any]


def read(text: str, file: str) -> Dashboard:
    """What a dashboard's file holds."""
    doubled: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> Json:
        found = dict(pairs)
        if len(found) != len(pairs) and len(doubled) < 20:
            names = [name for name, _ in pairs]
            doubled.extend(sorted({name for name in names if names.count(name) > 1})[:5])
        return found

    try:
        data = json.loads(text, object_pairs_hook=once)
    except RecursionError:
        return _broken(file, "", "it is nested too deeply for any dashboard")
    except json.JSONDecodeError as why:
        return _broken(file, f"line {why.lineno}, column {why.colno}", f"no JSON: {why.msg[:1].lower()}{why.msg[1:]}")
    except ValueError as why:
        return _broken(file, "", f"no JSON: {str(why)[:200]}")
    if _too_deep(data):
        return _broken(file, "", f"it is nested more than {DEEPEST} deep")
    return _Reader(file, doubled).dashboard(data)


def _broken(file: str, path: str, text: str) -> Dashboard:
    return Dashboard(file, faults=(DashboardFault(path, text),))


def _too_deep(data: Any) -> bool:
    level = [data]
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each if isinstance(each, list) else ())
        ]
        if not level:
            return False
    return True


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: object) -> Json:
    return value if isinstance(value, dict) else {}


class _Reader:
    """One dashboard while it is read."""

    def __init__(self, file: str, doubled: list[str]) -> None:
        self.file = file
        self.faults = [
            DashboardFault("", f"the key `{name}` stands twice; Grafana takes the last one") for name in doubled
        ]
        self.sources: dict[str, str] = {}
        """What variables and inputs that stand for a data source stand for."""
        self.left_out = self.queries = 0

    def fault(self, path: str, text: str) -> None:
        self.faults.append(DashboardFault(path, text))

    def dashboard(self, data: Any) -> Dashboard:
        """The whole."""
        prefix = ""
        if isinstance(data, dict) and isinstance(data.get("dashboard"), dict):
            data, prefix = data["dashboard"], "dashboard."  # as Grafana's API gives it
        elif isinstance(data, dict) and isinstance(data.get("spec"), dict) and data.get("kind") == "Dashboard":
            data, prefix = data["spec"], "spec."
        if not isinstance(data, dict):
            return _broken(self.file, "", "no dashboard: its JSON is not an object")
        if isinstance(data.get("elements"), dict):
            self.fault("", "it is of Grafana's schema v2, which this Seatrial does not read: export it as classic JSON")
            return self._done(data, (), ())
        self._head(data, prefix)
        variables = self._variables(data, prefix)
        panels = list(self._panels(data, prefix))
        ids = [panel["id"] for panel, _ in panels if isinstance(panel.get("id"), int)]
        for twice in sorted({id for id in ids if id and ids.count(id) > 1})[:10]:
            self.fault(
                f"{prefix}panels", f"{ids.count(twice)} panels have the id {twice}: links and alerts find only one"
            )
        read = tuple(self._panel(panel, path) for panel, path in panels[:MOST_PANELS])
        return self._done(data, (*read, *self._annotations(data, prefix)), variables)

    def _done(
        self, data: Json, panels: tuple[DashboardPanel, ...], variables: tuple[DashboardVariable, ...]
    ) -> Dashboard:
        return Dashboard(self.file, _text(data.get("title")), tuple(self.faults), panels, variables, self.left_out)

    def _head(self, data: Json, prefix: str) -> None:
        if not _text(data.get("title")).strip():
            self.fault(f"{prefix}title", "it has no title, without which Grafana refuses it")
        uid = data.get("uid")
        if isinstance(uid, str) and len(uid) > 40:
            self.fault(f"{prefix}uid", f"the uid has {len(uid)} characters, and Grafana takes 40")
        elif isinstance(uid, str) and re.search(r"[^\w-]", uid, re.ASCII):
            self.fault(
                f"{prefix}uid", "the uid has other characters than letters, digits, `-` and `_`, and Grafana refuses it"
            )
        for key, kind, word in (
            ("panels", list, "a list"),
            ("rows", list, "a list"),
            ("templating", dict, "an object"),
        ):
            if data.get(key) is not None and not isinstance(data[key], kind):
                self.fault(f"{prefix}{key}", f"{key} is not {word}")
        if not _list(data.get("panels")) and not _list(data.get("rows")):
            self.fault(f"{prefix}panels", "it has no panels")

    # --- panels ---------------------------------------------------------------------------------------------------

    def _panels(self, data: Json, prefix: str) -> Iterator[tuple[Json, str]]:
        """Every panel, and where it stands: beside each other, nested in rows, or in the rows of old."""
        for n, panel in enumerate(_list(data.get("panels"))):
            path = f"{prefix}panels[{n}]"
            if not isinstance(panel, dict):
                self.fault(path, "it is no panel: not an object")
            elif panel.get("type") == "row":
                yield from self._panels(panel, f"{path}.")
            else:
                yield panel, path
        for n, row in enumerate(_list(data.get("rows"))):
            yield from self._panels(_dict(row), f"{prefix}rows[{n}].")

    def _panel(self, panel: Json, path: str) -> DashboardPanel:
        title, kind = _text(panel.get("title")), _text(panel.get("type"))
        if isinstance(panel.get("libraryPanel"), dict):
            self.left_out += 1
            return DashboardPanel(title or _text(panel["libraryPanel"].get("name")), path, "library panel")
        targets = panel.get("targets")
        queries = []
        asks = False
        for n, target in enumerate(_list(targets)):
            if not isinstance(target, dict):
                continue
            source = target.get("datasource") or panel.get("datasource")
            expr = target.get("expr")
            known = self._prometheus(source, _text(expr))
            if known is None:
                asks = True
                self.left_out += 1
            elif isinstance(expr, str) and expr.strip():
                asks = True
                if not target.get("hide") and self.queries < MOST_QUERIES:
                    self.queries += 1
                    queries.append(
                        DashboardQuery(
                            f"{path}.targets[{n}].expr", expr[:LONGEST], _text(target.get("legendFormat")), known
                        )
                    )
            elif "expr" not in target and set(target) - {"refId", "datasource", "hide"}:
                asks = True  # some other source's way of asking
                self.left_out += 1
        empty = (
            kind in SHOWING
            and not asks
            and not panel.get("snapshotData")
            and self._prometheus(panel.get("datasource"), "") is not None
        )
        return DashboardPanel(title, path, kind, tuple(queries), empty)

    def _annotations(self, data: Json, prefix: str) -> Iterator[DashboardPanel]:
        for n, each in enumerate(map(_dict, _list(_dict(data.get("annotations")).get("list"))[:MOST_PANELS])):
            expr = _text(each.get("expr"))
            known = self._prometheus(each.get("datasource"), expr) if expr.strip() else None
            if known is not None and not each.get("builtIn"):
                path = f"{prefix}annotations.list[{n}]"
                query = DashboardQuery(f"{path}.expr", expr[:LONGEST], sure=known)
                yield DashboardPanel(_text(each.get("name")), path, "annotation", (query,))

    # --- data sources ---------------------------------------------------------------------------------------------

    def _prometheus(self, source: object, expr: str) -> bool | None:
        """Whether a data source is a Prometheus: True, None when it is something else, False when it may be one."""
        kind, name = "", _text(source)
        if isinstance(source, dict):
            kind, name = _text(source.get("type")), _text(source.get("uid"))
        if named := re.fullmatch(r"\$(\w+)|\$\{(\w+)(?::\w+)?\}|\[\[(\w+)\]\]", name):
            kind = self.sources.get(next(filter(None, named.groups())), kind)
        if name.lower() in ELSEWHERE or kind in ELSEWHERE:
            return None
        if kind and not kind.startswith("$"):
            # Other programs speak the same language, and are known under their own names.
            return True if "prometheus" in kind.lower() else None
        if re.search("loki|influx|elastic|graphite|cloudwatch|tempo|jaeger|sql|postgres|logs", name, re.IGNORECASE):
            return None
        if LOGQL.search(expr) and "prometheus" not in name.lower():
            return None
        return False

    # --- variables ------------------------------------------------------------------------------------------------

    def _variables(self, data: Json, prefix: str) -> tuple[DashboardVariable, ...]:
        for each in _list(data.get("__inputs")):
            if _dict(each).get("type") == "datasource":
                self.sources[_text(each.get("name"))] = _text(each.get("pluginId"))
        entries = [
            (f"{prefix}templating.list[{n}]", each)
            for n, each in enumerate(_list(_dict(data.get("templating")).get("list"))[:MOST_PANELS])
            if isinstance(each, dict)
        ]
        for _, each in entries:
            if each.get("type") == "datasource":
                self.sources[_text(each.get("name"))] = _text(each.get("query"))
        found = [
            DashboardVariable(_text(each.get("name")), "input", "__inputs")
            for each in _list(data.get("__inputs"))
            if isinstance(each, dict)
        ]
        for path, each in entries:
            name = _text(each.get("name"))
            if not name:
                self.fault(f"{path}.name", "a variable has no name")
            elif name in {variable.name for variable in found}:
                self.fault(f"{path}.name", f"the variable `{name}` is there twice")
            query = each.get("query")
            place = f"{path}.query"
            if isinstance(query, dict):
                query, place = query.get("query"), f"{path}.query.query"
            asked = _text(query) if each.get("type") == "query" else ""
            known = self._prometheus(each.get("datasource"), asked) if asked else None
            found.append(
                DashboardVariable(
                    name, _text(each.get("type")), place, asked[:LONGEST] if known is not None else "", bool(known)
                )
            )
        return tuple(found)
