"""What the shape of an alert's expression says: whether it looks at one moment only, and through how many windows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from seatrial.promql.nodes import Binary, Call, Node, Series, Subquery, bare, constant, walk
from seatrial.promql.reading import Unreadable, parse
from seatrial.words import Duration

__all__ = ["Look", "burning", "looks_of", "momentary", "windows_told"]

_LASTING = frozenset({"absent", "absent_over_time", "time", "timestamp", "vector", "scalar"})
"""Functions after which a value is not that of one scrape: an age, an absence, a constant."""
_UP = re.compile(r"up|probe_success|\w+_up")
_WINDOW = re.compile(r"(?<![0-9])(\d+(?:ms|[smhdwy]))$")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_LEVELS = frozenset({">", "<", ">=", "<="})
_DEEPEST = 8


def momentary(text: str) -> tuple[int, int] | None:
    """Where an expression compares what one scrape gave, so that one odd scrape is enough for an alert; None when it doesn't.

    Counted as such are only a target's own health (``up``, ``probe_success``, ``x_up``) and levels: what is above or below a
    number. States (``== 1``, ``> 0``) may be latched, and whatever is taken over a time, or is an age, has lasted already.
    """
    try:
        root = parse(text).root
    except Unreadable:
        return None
    nodes = list(walk(root))
    for node in nodes:
        if isinstance(node, Subquery) or (isinstance(node, Call) and node.name in _LASTING):
            return None
        if isinstance(node, Series) and (node.range or node.moved or not _plain(node.metric)):
            return None
    for node in nodes:
        if isinstance(node, Binary) and (seen := _compared(node)):
            series, bound = seen
            if all(_UP.fullmatch(each.metric) for each in series) or (
                node.op in _LEVELS and bound not in (0.0, 1.0) and not node.bool
            ):
                return node.start, node.end
    return None


def _plain(metric: str) -> bool:
    """Whether a metric is one that is scraped, by its name."""
    return bool(metric) and ":" not in metric and not metric.startswith("ALERTS")


def _compared(node: Binary) -> tuple[list[Series], float] | None:
    """The series that a comparison is about, and the number."""
    if node.op not in ("==", "!=", ">", "<", ">=", "<="):
        return None
    for side, other in ((node.left, node.right), (node.right, node.left)):
        bound = constant(other)
        series = [each for each in walk(side) if isinstance(each, Series)]
        if bound is not None and series:
            return series, bound
    return None


@dataclass(frozen=True, slots=True)
class Look:
    """One side of an ``and``: what it looks at, and through which windows."""

    of: frozenset[str]
    """Selectors, without what tells their window."""
    windows: frozenset[float]
    """Seconds."""
    known: bool
    """Whether every series in it tells its window."""


def looks_of(text: str, records: Mapping[str, Sequence[str]]) -> list[list[Look]]:
    """Each chain of ``and`` in an expression, as its sides; the whole expression as one where there is none."""
    root = bare(parse(text).root)
    chains = [list(_sides(node)) for node in walk(root) if isinstance(node, Binary) and node.op == "and"]
    return [[_look(side, records) for side in chain] for chain in chains or [[root]]]


def _sides(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        one = bare(waiting.pop())
        if isinstance(one, Binary) and one.op == "and":
            waiting += [one.right, one.left]
        else:
            yield one


def _look(side: Node, records: Mapping[str, Sequence[str]], depth: int = 0) -> Look:
    of: set[str] = set()
    windows: set[float] = set()
    known = True
    around = [node for node in walk(side) if isinstance(node, Subquery)]
    for node in walk(side):
        if not isinstance(node, Series):
            continue
        spans = {each.range for each in around if each.start <= node.start and node.end <= each.end}
        own = [f"{m.name}{m.op}{m.value}" for m in node.matchers if _span(m.value) is None]
        spans |= {span for m in node.matchers if (span := _span(m.value)) is not None}
        spans |= {node.range} if node.range else set()
        stem = node.metric
        if not spans and node.metric in records and depth < _DEEPEST:
            told = [_recorded(each, records, depth + 1) for each in records[node.metric]]
            spans = {span for look in told if look for span in look.windows}
            if all(look and look.known for look in told):
                of |= {each for look in told if look for each in look.of}
                windows |= spans
                continue
        if not spans and (found := _WINDOW.search(node.metric)):
            spans, stem = {_seconds(found[1])}, node.metric[: found.start()]
        known = known and bool(spans)
        windows |= spans
        of.add(f"{stem}{{{','.join(sorted(own))}}}")
    return Look(frozenset(of), frozenset(windows), known)


def _recorded(text: str, records: Mapping[str, Sequence[str]], depth: int) -> Look | None:
    try:
        return _look(parse(text).root, records, depth)
    except Unreadable:
        return None


def _span(text: str) -> float | None:
    return _seconds(text) if re.fullmatch(r"\d+(?:ms|[smhdwy])", text) else None


def _seconds(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(\D+)", text).groups()  # type: ignore[union-attr]  # by the patterns above
    return int(number) * _SECONDS[unit]


def burning(chains: Sequence[Sequence[Look]]) -> bool | None:
    """Whether some chain looks at the same thing through a long and a short window; None where that can't be told."""
    unknown = False
    for chain in chains:
        for n, one in enumerate(chain):
            for other in chain[n + 1 :]:
                if one.windows and other.windows and one.windows != other.windows and one.of == other.of:
                    return True
                unknown = unknown or not (one.known and other.known)
    return None if unknown else False


def windows_told(chains: Sequence[Sequence[Look]]) -> str:
    """``one window, 5m``, ``two windows, 5m and 1h, of different things``, or ``no window``."""
    windows = sorted({span for chain in chains for look in chain for span in look.windows})
    told = [str(Duration(span)) for span in windows]
    if not told:
        return "no window: it looks at one moment"
    if len(told) == 1:
        return f"one window, {told[0]}"
    beside = any(len(chain) > 1 and len({look.of for look in chain}) > 1 for chain in chains)
    return f"{', '.join(told[:-1])} and {told[-1]}" + (", of different things" if beside else ", not joined by `and`")
