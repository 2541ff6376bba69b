"""Quantities: for each shape of a meaning, what is just below its boundary, just above it, and far from it, as real traffic.

Just above and just below leave room for what real evaluation can't tell apart: a fifth of the boundary, whole events, and
the buckets of a histogram. A message says the numbers that were used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.meanings.board import Board, number
from seatrial.meanings.documented import BOUNDS, OF_TARGETS, Documents, Metric, selections, several
from seatrial.words import Duration

if TYPE_CHECKING:
    from seatrial.profile.alerting import Meaning, Selection

__all__ = ["SHAPES", "Quantity", "Unsupported", "shape_of"]

SHAPES = ("value", "rate", "increase", "ratio", "quantile", "changes", "absent")
NONE, REST, BELOW, ABOVE, FAR = "none", "rest", "below", "above", "far"
MARGIN = 0.2
"""How far just above and just below are from the boundary, as a share of it."""
WHOLE = 3
"""Events that must tell just below from just above within the window, so that counters can be whole."""
LOW, HIGH = 1.0, 200.0
"""Events per second of little and of much traffic."""


class Unsupported(ValueError):
    """A meaning of a shape that is not supported, or that contradicts itself."""


def shape_of(leaf: Meaning) -> str:
    """Which shape it is.

    Raises:
        Unsupported: none, or more than one.
    """
    given = [shape for shape in SHAPES if getattr(leaf, shape) is not None]
    if len(given) != 1:
        raise Unsupported(f"shape {' and '.join(given)}" if given else "a meaning without a quantity")
    (shape,) = given
    bounds = [key for key in ("above", "below", "equals") if getattr(leaf, key) is not None]
    if shape == "absent" and bounds:
        raise Unsupported(f"shape absent with `{bounds[0]}`: what is gone has no boundary")
    if shape != "absent" and len(bounds) != 1:
        raise Unsupported(f"shape {shape} with {len(bounds)} boundaries: declare one of above, below, is")
    if "equals" in bounds and shape != "value":
        raise Unsupported(f"shape {shape} with `is`")
    return shape


@dataclass(frozen=True, slots=True)
class Cell:
    """Labels of one series of a selection."""

    labels: dict[str, str]
    share: float = 1.0
    """Part of the whole that it carries."""


class Quantity:
    """One quantity, and the series that show it."""

    def __init__(self, leaf: Meaning, documents: Documents, window: float, per: Sequence[str], *, spread: bool) -> None:
        """
        Args:
            leaf: its meaning.
            documents: what is documented of its metrics.
            window: seconds over which events are counted.
            per: labels that tell one thing from the next.
            spread: whether what is meant as a whole is spread over several series.
        """
        self.leaf, self.documents, self.window = leaf, documents, window
        self.shape = shape_of(leaf)
        self.per, self.spread = tuple(per), spread and self.shape in ("rate", "increase", "ratio", "quantile")
        self.selections = selections(leaf)
        self.threshold = next((t.value for t in (leaf.above, leaf.below, leaf.equals) if t is not None), 0.0)
        self.kind = next((t.kind for t in (leaf.above, leaf.below, leaf.equals) if t is not None), "number")
        if self.kind == "ratio" and self.shape == "value" and "percent" in self.selections[0].metric:
            self.threshold, self.kind = self.threshold * 100, "size"  # as its name says, it is kept in per cent
        self.up = leaf.below is None
        self.metrics = [self.documents.metric(self._name(each)) for each in self.selections]
        self.excluded = self._excluded()
        if self.shape == "ratio":
            self._possible()
        if self.shape == "quantile":
            self.q = leaf.quantile.quantile.value if leaf.quantile else 0.0
            if not self.up or not 0 < self.q < 1:
                raise Unsupported("shape quantile with `below`, or of 0% or 100%")
            self.bounds = self._bounds()
        if self.shape == "changes" and not self.up:
            raise Unsupported("shape changes with `below`")

    def _possible(self) -> None:
        if not 0 <= self.threshold <= 1 or (self.threshold == 1 and self.up) or (self.threshold == 0 and not self.up):
            raise Unsupported("shape ratio with a boundary that no share can cross")

    def _name(self, each: Selection) -> str:
        return each.metric.removesuffix("_bucket") if self.shape == "quantile" else each.metric

    # --- how much -------------------------------------------------------------------------------------------------

    @property
    def lowest(self) -> float:
        """Events per second with which whole counters can tell just below from just above."""
        if self.shape == "ratio":
            return max(LOW, WHOLE / (self.window * MARGIN * min(self.threshold or 1, 1 - self.threshold or 1)))
        if self.shape == "quantile":
            return max(LOW, WHOLE / (self.window * 0.4 * min(1 - self.q, self.q)))
        return LOW

    @property
    def volumes(self) -> tuple[float, ...]:
        """Little traffic and much, where there is any beside what is told."""
        if self.shape not in ("ratio", "quantile"):
            return (LOW,)
        low = float(math.ceil(self.lowest))
        return (low, low * HIGH)

    def at(self, mark: str) -> float:
        """The quantity: a gauge's value, events per second, a share, or events within the window."""
        alarming = mark in (ABOVE, FAR)
        far = mark in (REST, FAR)
        upwards = alarming == self.up
        if self.shape == "ratio":
            return float(not self.up) if mark == REST else self._share(upwards, far)
        if self.shape == "quantile":
            slow = 1 - self.q
            return (1.0 if far else slow + 0.5 * min(slow, self.q)) if alarming else (0.0 if far else 0.6 * slow)
        if self.shape in ("rate", "increase"):
            return self._events(upwards, far) / self.window
        if self.shape == "changes":
            return (
                self.threshold * 3 + 5
                if mark == FAR
                else self.threshold + 2
                if alarming
                else self.threshold
                if mark == BELOW
                else 0
            )
        return self._value(alarming, upwards, far)

    def _share(self, upwards: bool, far: bool) -> float:
        t = self.threshold
        room = min(t, 1 - t) or 1.0
        if upwards:
            return t + 0.8 * (1 - t) if far else t + MARGIN * (room if t else 0.25)
        return t * 0.1 if far else t - MARGIN * (room if t < 1 else 0.25)

    def _events(self, upwards: bool, far: bool) -> float:
        """Events within the window; where they are few, one more or less must not decide."""
        events = self.threshold * (self.window if self.shape == "rate" else 1)
        few = events < 20
        if upwards:
            return (
                max(events * 5, 40.0)
                if far
                else (math.ceil(events * (1 + MARGIN)) + 2 if few else events * (1 + MARGIN))
            )
        if far:
            return 0.0
        return max(0, math.floor(events * (1 - MARGIN)) - 1) if few else events * (1 - MARGIN)

    def _value(self, alarming: bool, upwards: bool, far: bool) -> float:
        t = self.threshold
        if self.leaf.equals is not None:
            return t if alarming else 1.0 if t == 0 else 0.0 if t == 1 else t + 1 if far else t - 1
        if self.kind == "number" and t in (0, 1):  # a state: up or not
            return (t + 1 if alarming else 0.0) if self.up else (t - 1 if alarming else t)
        if self.kind == "ratio" or (self.kind == "number" and 0 < t < 1):
            return self._share(upwards, far)
        room = 1.0 if self.kind == "number" and t == int(t) and abs(t) <= 10 else abs(t) * MARGIN or 1.0
        return t + room * (5 if far else 1) if upwards else (t * 0.5 if t > 0 and far else t - room)

    # --- buckets --------------------------------------------------------------------------------------------------

    def _bounds(self) -> tuple[float, ...]:
        known = self.metrics[0].bounds
        if known:
            return known
        extra = (
            () if BOUNDS[0] <= self.threshold < BOUNDS[-1] else (self.threshold / 2, self.threshold, self.threshold * 2)
        )
        return tuple(sorted({*BOUNDS, *extra}))

    @property
    def fast(self) -> float:
        """What is observed of what is fast: in the last bucket that ends at or before the boundary."""
        upper = [bound for bound in self.bounds if bound <= self.threshold]
        if not upper:
            return self.bounds[0] if self.bounds[0] < self.threshold else self.threshold / 2
        lower = upper[-2] if len(upper) > 1 else 0.0
        return (upper[-1] + lower) / 2

    @property
    def slow(self) -> float:
        """What is observed of what is slow: in the first bucket that begins at or after the boundary."""
        starts = [bound for bound in self.bounds if bound >= self.threshold]
        if not starts:
            return self.threshold * 2
        return (starts[0] + starts[1]) / 2 if len(starts) > 1 else max(starts[0], self.threshold) * 1.5

    # --- series ---------------------------------------------------------------------------------------------------

    def labels_of(self, metric: Metric, each: Selection, group: str, turn: int) -> dict[str, str]:
        """Labels of one series that is meant, as documented: what a metric does not have can't be told on it."""
        names = dict.fromkeys((*(metric.labels or ()), "job", "instance", *self.per, *each.labels, *each.without))
        found: dict[str, str] = {}
        for name in names:
            if not metric.has(name):
                continue
            taken = several(each.without.get(name, ()))
            if name in each.labels:
                values = several(each.labels[name])
                own = [value for value in values if name not in self.per]
                found[name] = own[turn % len(own)] if own else values["ab".index(group) % len(values)]
            elif name in self.per:
                found[name] = self._group(metric, name, taken)["ab".index(group)]
            else:
                values = tuple(v for v in self.documents.usual(metric, name) if v not in taken)
                values = values or self.documents.others(metric, name, taken) or (f"{name}-1",)
                found[name] = values[turn % len(values)] if name not in ("job", "instance") else values[0]
        return found

    def _group(self, metric: Metric, name: str, taken: tuple[str, ...]) -> tuple[str, str]:
        values = tuple(v for v in self.documents.usual(metric, name) if v not in taken)
        return (values[0], values[1]) if len(values) > 1 else (values[0] if values else f"{name}-1", f"{name}-2")

    def cells(self, metric: Metric, each: Selection, group: str) -> list[Cell]:
        """The series that carry what is meant, each a half where it is spread."""
        first = self.labels_of(metric, each, group, 0)
        second = self.labels_of(metric, each, group, 1)
        return [Cell(first, 0.5), Cell(second, 0.5)] if self.spread and second != first else [Cell(first)]

    def _excluded(self) -> list[tuple[Selection, str, str]]:
        """Series of the same metrics that are not meant: the selection, a label and its value."""
        found: list[tuple[Selection, str, str]] = []
        for metric, each in zip(self.metrics, self.selections, strict=True):
            if self.shape == "ratio" and each is self.selections[0] and self._same():
                continue  # what is not counted of a whole is the rest of it
            for label, values in each.labels.items():
                # Whether there is another job at all is not ours to make up.
                if metric.has(label) and (label not in OF_TARGETS or metric.values.get(label)):
                    others = self.documents.others(metric, label, several(values))
                    found += [(each, label, value) for value in others[:2]]
            for label, values in each.without.items():
                if metric.has(label):
                    found += [(each, label, value) for value in several(values)[:2]]
        return found

    def _same(self) -> bool:
        return self.selections[0].metric == self.selections[1].metric

    def put(
        self,
        board: Board,
        marks: Sequence[str],
        *,
        group: str = "a",
        volume: float | Sequence[float] = LOW,
        lone: bool = False,
    ) -> None:
        """Write its series on a board.

        Args:
            board: where.
            marks: by step, where the quantity is.
            group: which of the things that `per` tells apart.
            volume: events per second, of what is a share; or by step, where the meaning says how many there are.
            lone: the whole is as marked, and one of its series carries all of what is counted.
        """
        amounts = [None if mark == NONE else self.at(mark) for mark in marks]
        volumes = [volume] * len(marks) if isinstance(volume, float | int) else list(volume)
        if self.shape == "absent":
            cell = self.cells(self.metrics[0], self.selections[0], group)[0]
            board.gauge(
                self.selections[0].metric, cell.labels, [None if m in (NONE, ABOVE, FAR) else 1.0 for m in marks]
            )
        elif self.shape == "value":
            cell = self.cells(self.metrics[0], self.selections[0], group)[0]
            if self.metrics[0].type == "summary":
                raise Unsupported("shape value of a summary")
            board.gauge(self.selections[0].metric, cell.labels, amounts)
        elif self.shape == "changes":
            cell = self.cells(self.metrics[0], self.selections[0], group)[0]
            board.gauge(self.selections[0].metric, cell.labels, self._changing(marks, board.step))
        elif self.shape == "ratio":
            self._put_ratio(board, amounts, group, volumes, lone)
        elif self.shape == "quantile":
            self._put_quantile(board, amounts, group, volumes)
        else:
            for cell in self.cells(self.metrics[0], self.selections[0], group):
                rates = [None if a is None else a * cell.share for a in amounts]
                board.counter(self.selections[0].metric, cell.labels, rates)

    def _put_ratio(
        self, board: Board, shares: list[float | None], group: str, volumes: list[float], lone: bool
    ) -> None:
        """What is counted, and all there is of the same metric or of another."""
        of, to = self.selections
        counted = self.cells(self.metrics[0], of, group)
        for n, cell in enumerate(counted):
            part = float(n == 0) if lone else cell.share
            board.counter(of.metric, cell.labels, _of(shares, volumes, part))
            if self._same():
                rest = _of(shares, volumes, -part, cell.share)
                board.counter(of.metric, self._uncounted(cell.labels), rest)
        for cell in () if self._same() else self.cells(self.metrics[1], to, group):
            board.counter(to.metric, cell.labels, _of(shares, volumes, 0.0, cell.share))

    def _uncounted(self, labels: dict[str, str]) -> dict[str, str]:
        """Labels of the rest: what tells it from what is counted, where the metric has such a label at all."""
        of, to = self.selections
        metric, found = self.metrics[0], dict(labels)
        for label, values in of.labels.items():
            if label not in to.labels and metric.has(label):
                found[label] = (self.documents.others(metric, label, several(values)) or ("other",))[0]
        for label, values in of.without.items():
            if label not in to.without and metric.has(label):
                found[label] = several(values)[0]
        return found

    def _put_quantile(self, board: Board, shares: list[float | None], group: str, volumes: list[float]) -> None:
        for cell in self.cells(self.metrics[0], self.selections[0], group):
            slow = _of(shares, volumes, cell.share)
            fast = _of(shares, volumes, -cell.share, cell.share)
            name = self._name(self.selections[0])
            board.histogram(name, cell.labels, self.bounds, {self.fast: fast, self.slow: slow})

    def _changing(self, marks: Sequence[str], step: float) -> list[float | None]:
        """A gauge that changes: just below, so often once and never again; else evenly, so often in each window."""
        found: list[float | None] = []
        value, left, waited = 1_700_000_000.0, 0.0, 0.0
        for n, mark in enumerate(marks):
            if mark != (marks[n - 1] if n else NONE):
                left, waited = self.threshold if mark == BELOW else math.inf, 0.0
            waited += step
            due = mark in (ABOVE, FAR) and waited + 1e-9 >= (self.window - step) / self.at(mark)
            if due or (mark == BELOW and left > 0):
                value, left, waited = value + step, left - 1, 0.0
            found.append(None if mark == NONE else value)
        return found

    def move(self, board: Board, marks: Sequence[str], which: tuple[Selection, str, str], volume: float) -> None:
        """Write series that are not meant, as alarming as they can be."""
        each, label, value = which
        at = self.selections.index(each)
        metric = self.metrics[at]
        labels = {**self.labels_of(metric, each, "a", 0), label: value}
        amounts = [None if mark == NONE else self.at(FAR) for mark in marks]
        if self.shape == "ratio":
            of = self.selections[0]
            every = [None if a is None else volume * 20 for a in amounts]
            inner = self.labels_of(self.metrics[0], of, "a", 0)
            hit = {**inner, label: value} if self.metrics[0].has(label) else inner
            share = [None if a is None else a * volume * 20 for a in amounts]
            if self._same() and each is self.selections[1]:
                board.counter(of.metric, hit, share)
                board.counter(
                    of.metric,
                    {**self._uncounted(hit), label: value},
                    [None if e is None or s is None else e - s for e, s in zip(every, share, strict=True)],
                )
            else:
                board.counter(each.metric, labels, every if self.up == (at == 0) else share)
        elif self.shape == "quantile":
            name = self._name(each)
            slow = [None if a is None else volume * 20 for a in amounts]
            board.histogram(
                name, labels, self.bounds, {self.fast: [0.0 if a is not None else None for a in slow], self.slow: slow}
            )
        elif self.shape in ("rate", "increase"):
            board.counter(each.metric, labels, amounts)
        elif self.shape == "changes":
            board.gauge(each.metric, labels, self._changing([FAR] * len(marks), board.step))
        elif self.shape == "value":
            board.gauge(each.metric, labels, amounts)
        else:
            board.gauge(each.metric, labels, [1.0] * len(marks))

    # --- in words -------------------------------------------------------------------------------------------------

    def told(self, mark: str, volume: float = LOW) -> str:
        """What goes on, with the numbers that are used: ``6% of 10/s``."""
        return self._told(mark, volume) + self._lacking()

    def _lacking(self) -> str:
        """Labels that the meaning names and the metric is documented not to have."""
        found = [
            f"{each.metric}, which is documented without label {label}"
            for metric, each in zip(self.metrics, self.selections, strict=True)
            for label in (*each.labels, *each.without)
            if not metric.has(label)
        ]
        return f" ({found[0]})" if found else ""

    def _told(self, mark: str, volume: float) -> str:
        amount = self.at(mark)
        metric = self.selections[0].metric
        if self.shape == "ratio":
            to = self.selections[1]
            whole = "" if to.metric == metric else f" of {to.metric}"
            named = ",".join(f"{k}={'|'.join(several(v))}" for k, v in self.selections[0].labels.items())
            what = f"{metric}{{{named}}}" if named else metric
            return f"{number(round(amount * 100, 4))}% of {number(volume)}/s{whole} were {what}"
        if self.shape == "quantile":
            value = self.slow if amount else self.fast
            return f"{number(round((amount or 1) * 100, 4))}% of {number(volume)}/s of {metric} took {number(round(value, 6))}"
        if self.shape == "rate":
            return f"{metric} grew by {number(round(amount, 6))}/s"
        if self.shape == "increase":
            return f"{metric} grew by {number(round(amount * self.window, 3))} in each {Duration(self.window)}"
        if self.shape == "changes":
            return f"{metric} changed {number(amount)} times in {Duration(self.window)}"
        if self.shape == "absent":
            return f"there was no {metric}" if mark in (ABOVE, FAR) else f"{metric} was there"
        return f"{metric} was {number(round(amount, 6))}"


def _of(
    shares: Sequence[float | None], volumes: Sequence[float], factor: float, rest: float = 0.0
) -> list[float | None]:
    """Rates by step: of each volume, so much of its share and so much more; None where there is no data."""
    return [None if s is None else max(0.0, s * factor + rest) * v for s, v in zip(shares, volumes, strict=True)]
