"""Whether quantiles are asked for as they can be computed."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.facts.alerts.expressions_reading import One, Slip, Unsure, series_of
from seatrial.promql.nodes import Aggregate, Call, Node, Series, Subquery, bare, constant, walk

__all__ = ["wrong_quantiles"]

_BEFORE = frozenset({"rate", "irate", "increase", "delta", "idelta"})


def wrong_quantiles(one: One) -> Iterator[Slip | Unsure]:
    """Quantiles that are none, and histograms whose buckets are gone, raw, or never were there."""
    for node in walk(one.root):
        if isinstance(node, Aggregate) and node.name == "quantile" and node.parameter is not None:
            yield from _share(node.parameter, node.name, one)
        if not isinstance(node, Call) or not node.arguments:
            continue
        if node.name in ("histogram_quantile", "quantile_over_time"):
            yield from _share(node.arguments[0], node.name, one)
        if node.name == "histogram_quantile" and len(node.arguments) == 2:
            yield from _buckets(node.arguments[1], one)


def _share(node: Node, name: str, one: One) -> Iterator[Slip | Unsure]:
    value = constant(node)
    if value is None or 0 <= value <= 1:
        return
    instead = f": write `{value / 100:g}`" if 1 < value <= 100 else ""
    yield Slip(
        node.start, f"{one.said(node)} is no quantile, and `{name}` gives infinity: it goes from 0 to 1{instead}"
    )


def _buckets(given: Node, one: One) -> Iterator[Slip | Unsure]:
    loss = one.flow.of(given).why("le")
    # A native histogram, which has no `_bucket`, needs no le.
    classic = any("_bucket" in series.metric for series in series_of(given))
    if classic and loss is not None and isinstance(loss.node, Aggregate):
        names = ", ".join(["le", *(word.name for word in loss.node.labels if loss.node.grouping == "by")])
        instead = f"{loss.node.name} by ({names})" if loss.node.grouping != "without" else "le out of `without`"
        yield Slip(
            loss.node.start,
            f"{loss.text}, and without le there are no buckets for `histogram_quantile`: write `{instead}`",
        )
        return
    for series, calls in _selected(given):
        metric = one.metric(series)
        if one.computed(series):
            continue
        if not series.metric.endswith("_bucket"):
            part = series.metric.endswith(("_sum", "_count"))
            base = series.metric.rsplit("_", 1)[0] if part else series.metric
            if part or (metric is not None and f"{base}_bucket" in metric.samples):
                yield Slip(
                    series.start,
                    f"`{series.metric}` holds no buckets: write `{base}_bucket` in `histogram_quantile`",
                )
        elif not calls & _BEFORE and not any(call.endswith("_over_time") for call in calls):
            yield Slip(
                series.start,
                f"`{series.metric}` without `rate` is the quantile of everything since the process started, which hardly moves "
                f"any more: write `rate({one.expression.said(series)}[5m])`",
            )


def _selected(node: Node) -> Iterator[tuple[Series, frozenset[str]]]:
    """The selectors in it, each with the functions around it."""
    waiting: list[tuple[Node, frozenset[str]]] = [(node, frozenset())]
    while waiting:
        node, calls = waiting.pop()
        node = bare(node)
        if isinstance(node, Series):
            yield node, calls
        elif isinstance(node, Call):
            waiting.extend((each, calls | {node.name}) for each in node.arguments)
        elif isinstance(node, Subquery | Aggregate):
            waiting.append((node.body, calls))
        # Of what is computed from several, buckets may come from either side: nothing is said.
