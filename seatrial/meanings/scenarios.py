"""What is asked of one alert: timelines of its quantities, and what it is meant to be at each moment.

Every timeline is short, because each step costs an evaluation: the step is as long as the rule's own windows allow.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.facts.alerts.evaluation import Case, Expected, Scenario
from seatrial.meanings.board import Board
from seatrial.meanings.documented import Documents, leaves, selections
from seatrial.meanings.gaps import gap
from seatrial.meanings.quantities import ABOVE, BELOW, FAR, HIGH, LOW, NONE, REST, Quantity, Unsupported
from seatrial.meanings.times import offsets, ranges
from seatrial.words import Duration, Missing

if TYPE_CHECKING:
    from seatrial.facts.alerts.rules import Rule
    from seatrial.profile.alerting import Meaning

__all__ = ["Asked", "asked"]

NOT_YET = Missing("it was not evaluated")
STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1800, 3600)
LOOKBACK = 300
"""Seconds for which Prometheus takes the last sample of a series; samples must not be further apart."""
MOST_LEAVES = 6
MOST_STEPS = 4000


@dataclass(frozen=True, slots=True)
class Asked:
    """One scenario, and the case it becomes once it was evaluated."""

    scenario: Scenario
    case: Case


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a timeline: so many steps, and where each quantity is."""

    steps: int
    marks: tuple[str, ...]
    """By quantity."""
    other: tuple[str, ...] = ()
    """By quantity, for the second thing that `per` tells apart; the same when empty."""


class _Maker:
    def __init__(
        self, name: str, meaning: Meaning, rules: Sequence[Rule], documents: Documents, scrape: float, spread: bool
    ) -> None:
        self.name, self.meaning, self.spread = name, meaning, spread
        self.alerts = [rule for rule in rules if rule.kind == "alert"]
        found = leaves(meaning)
        if len(found) > MOST_LEAVES:
            raise Unsupported(f"shape of {len(found)} quantities, which are more than {MOST_LEAVES}")
        self.windows = ranges(rules)
        longest = max([*self.windows, *(leaf.window.seconds for leaf in found if leaf.window is not None)], default=0.0)
        self.declared = (
            meaning.lasting or next((each.lasting for each in found if each.lasting), None) or Duration(0)
        ).seconds
        self.lasting = max([self.declared, *(rule.lasting for rule in self.alerts)])
        self.keep = max([rule.keep_firing for rule in self.alerts], default=0.0)
        self.step = self._step(scrape, longest)
        self.w = math.ceil((longest + offsets(rules)) / self.step)
        self.f = math.ceil(self.lasting / self.step)
        self.documents = documents
        window = longest or 300.0
        self.quantities = [
            Quantity(
                leaf, documents, leaf.window.seconds if leaf.window else window,
                list(dict.fromkeys((*meaning.per, *leaf.per))), spread=spread,
            )
            for leaf in found
        ]  # fmt: skip
        self.per = list(dict.fromkeys(itertools.chain.from_iterable(q.per for q in self.quantities)))
        self.joint = self._joint()
        if self.per and any(q.shape == "absent" for q in self.quantities):
            raise Unsupported("shape absent with `per`: what is gone has no labels")
        self.alike = self._alike()
        self.boards: list[Board] = []

    def _step(self, scrape: float, longest: float) -> float:
        """As long as the shortest window and `for` allow, and never shorter than samples are scraped."""
        shortest = min([w for w in self.windows if w > 0], default=longest or LOOKBACK)
        most = min(shortest / 5, self.lasting / 4 if self.lasting else math.inf, LOOKBACK / 2)
        if self.declared:
            most = min(most, self.declared / 2)
        step = max((s for s in STEPS if s <= most), default=1)
        return float(max(step, scrape))

    def _joint(self) -> str:
        """How the quantities are joined."""
        inner = [*(self.meaning.all or ()), *(self.meaning.any or ())]
        if not inner:
            return "one"
        if self.meaning.all and self.meaning.any:
            raise Unsupported("shape all beside any")
        if any(each.all or each.any for each in inner):
            raise Unsupported("shape all within any, or any within all")
        return "all" if self.meaning.all else "any"

    def _guard(self, alike: list[list[int]]) -> int | None:
        """Of a share that is told only where there is enough traffic: the number of that traffic, which is the share's own whole."""
        shares = [self.quantities[n] for n in range(len(self.quantities)) if self.quantities[n].shape == "ratio"]
        rates = [n for n in range(len(self.quantities)) if self.quantities[n].shape == "rate"]
        if self.joint != "all" or len(alike) != 2 or len(shares) != 1 or len(rates) != 1:
            return None
        traffic = self.quantities[rates[0]]
        if traffic.selections[0] != shares[0].selections[1] or not traffic.up:
            return None
        if traffic.at(BELOW) < shares[0].lowest:
            raise Unsupported(
                f"shape all of a share and of traffic that is too little to show it ({traffic.leaf.above})"
            )
        return rates[0]

    def _alike(self) -> list[list[int]]:
        """Quantities of the same series stand at one amount: only the one with the furthest boundary writes them."""
        found: dict[object, list[int]] = {}
        for n, q in enumerate(self.quantities):
            key = (q.shape, str(q.selections), getattr(q, "q", None)) if q.shape != "absent" else (q.shape, n)
            found.setdefault(key, []).append(n)
        for same in found.values():
            if len(same) > 1 and any(self.quantities[n].leaf.equals is not None for n in same):
                raise Unsupported("shape with several `is` of the same series")
            if len({self.quantities[n].up for n in same}) > 1:
                raise Unsupported("shape with above and below of the same series")
        self.guard = self._guard(list(found.values()))
        writers = [self.quantities[same[0]] for same in found.values() if same != [self.guard]]
        names = [name for q in writers if q.shape != "absent" for name in {each.metric for each in q.selections}]
        if twice := [name for name in names if names.count(name) > 1]:
            raise Unsupported(f"shape {self.joint} of several quantities of {twice[0]}")
        return list(found.values())

    @property
    def world(self) -> dict[str, list[dict[str, str]]]:
        """Labels of every series that was made, by metric."""
        found: dict[str, list[dict[str, str]]] = {}
        for board in self.boards:
            for metric, labels in board.metrics.items():
                found.setdefault(metric, []).extend(labels)
        return found

    # --- one timeline ---------------------------------------------------------------------------------------------

    def board(
        self, segments: Sequence[Segment], volume: float, *, lone: bool = False, move: tuple[int, int] | None = None
    ) -> Board:
        """The series of a timeline."""
        steps = sum(segment.steps for segment in segments)
        if steps > MOST_STEPS:
            raise Unsupported(f"windows and `for` that need {steps} evaluations, which are more than {MOST_STEPS}")
        board = Board(steps, self.step)
        self.boards.append(board)
        second = any(segment.other for segment in segments)
        for group in ("a", "b") if second else ("a",):
            for same in self.alike:
                number_ = self._writer(same)
                q = self.quantities[number_]
                if number_ == self.guard or (q.shape == "absent" and self._shown(q)):
                    continue
                marks = _line(segments, number_, group)
                traffic = self._traffic(segments, group) if q.shape == "ratio" else None
                q.put(board, marks, group=group, volume=traffic or volume, lone=lone)
        for n, q in enumerate(self.quantities):
            if q.shape == "absent":
                board.clear(q.selections[0].metric, [mark in (ABOVE, FAR) for mark in _line(segments, n, "a")])
        if move is not None:
            q = self.quantities[move[0]]
            q.move(board, _line(segments, move[0], "a"), q.excluded[move[1]], volume)
        return board

    def _traffic(self, segments: Sequence[Segment], group: str) -> list[float] | None:
        """Events per second by step, where the meaning says how many there are."""
        if self.guard is None:
            return None
        marks = _line(segments, self.guard, group)
        return [0.0 if mark == NONE else self.quantities[self.guard].at(mark) for mark in marks]

    def _shown(self, absent: Quantity) -> bool:
        """Whether another quantity writes the series that an absence is about."""
        names = {each.metric for q in self.quantities if q.shape != "absent" for each in q.selections}
        return absent.selections[0].metric in names

    def _writer(self, same: list[int]) -> int:
        """Of quantities of the same series: for all, the one that is hardest to reach; for any, the easiest."""
        hardest = max if (self.joint == "all") == self.quantities[same[0]].up else min
        return hardest(same, key=lambda n: self.quantities[n].threshold)

    def ask(
        self,
        told: str,
        segments: Sequence[Segment],
        expected: Sequence[Expected],
        volume: float,
        *,
        lasting: float | None = None,
        lone: bool = False,
        move: tuple[int, int] | None = None,
    ) -> Asked:
        """One scenario."""
        board = self.board(segments, volume, lone=lone, move=move)
        return self._asked(told, board, expected, lasting)

    def _asked(self, told: str, board: Board, expected: Sequence[Expected], lasting: float | None = None) -> Asked:
        at = tuple(dict.fromkeys(each.at for each in expected))
        scenario = Scenario(told, board.written(), self.step, at, self.name)
        return Asked(scenario, Case(told, tuple(expected), NOT_YET, self.step, lasting))

    def _unrelated(self, board: Board) -> list[str]:
        """Documented metrics that the meaning does not name; one of ours where there is none."""
        named = {q.metrics[n].name for q in self.quantities for n in range(len(q.metrics))}
        others = [name for name in self.documents.required if name not in named and name not in board.metrics]
        return others[:3] or ["seatrial_unrelated_total"]

    def end(self, segments: Sequence[Segment], upto: int) -> float:
        """The last moment of a segment."""
        return (sum(segment.steps for segment in segments[: upto + 1]) - 1) * self.step

    def span(self, steps: int) -> str:
        """Some steps as a time."""
        return str(Duration(steps * self.step))

    # --- everything -----------------------------------------------------------------------------------------------

    def all(self) -> list[Asked]:
        """Every scenario."""
        found = list(self.boundaries())
        found.append(self.timing())
        found += self.each()
        found += self.others()
        return found

    def _turns(self) -> list[tuple[int, ...]]:
        """Which quantities are moved together: all of them, or one after the other."""
        if self.joint == "any":
            return [tuple(same) for same in self.alike]
        return [tuple(range(len(self.quantities)))]

    def _marks(self, moved: Sequence[int], mark: str) -> tuple[str, ...]:
        return tuple(mark if n in moved else REST for n in range(len(self.quantities)))

    def _told(self, moved: Sequence[int], mark: str, volume: float) -> str:
        writers = dict.fromkeys(self._writer(same) for same in self.alike if set(same) & set(moved))
        return " and ".join(self.quantities[n].told(mark, volume) for n in writers)

    def boundaries(self) -> list[Asked]:
        """Nothing, just below for long, just above for long enough: with little traffic and with much."""
        found = []
        absent = any(q.shape == "absent" for q in self.quantities)
        for moved in self._turns():
            for volume in self._volumes(moved):
                below, above = self.w + 2 * self.f + 3, self.w + self.f + 4
                segments = [Segment(below, self._marks(moved, BELOW)), Segment(above, self._marks(moved, ABOVE))]
                if not absent:
                    segments.insert(0, Segment(2, self._marks(range(len(self.quantities)), NONE)))
                n = len(segments) - 2
                expected = [
                    Expected(
                        "below",
                        self.end(segments, n),
                        "inactive",
                        told=f"{self._told(moved, BELOW, volume)} for {self.span(below)}",
                    ),
                    Expected(
                        "above",
                        self.end(segments, n + 1),
                        "firing",
                        told=f"{self._told(moved, ABOVE, volume)} for {self.span(above)}",
                    ),
                ]
                if not absent:
                    expected.insert(
                        0, Expected("below", self.end(segments, 0), "inactive", told="there was no data at all")
                    )
                if not self.per and self.spread:
                    expected.append(Expected("each", self.end(segments, n + 1), "firing", ({},), expected[-1].told))
                found.append(self.ask("boundary", segments, expected, volume))
        if self.joint == "all" and len(self.alike) > 1:
            for same in self.alike:
                steps = self.w + 2 * self.f + 3
                marks = tuple(BELOW if n in same else ABOVE for n in range(len(self.quantities)))
                segments = [Segment(steps, marks)]
                volume = self._volume()
                rest = [n for n in range(len(self.quantities)) if n not in same]
                told = f"{self._told(same, BELOW, volume)} although {self._told(rest, ABOVE, volume)} for {self.span(steps)}"
                found.append(
                    self.ask(
                        "one is not so",
                        segments,
                        [Expected("below", self.end(segments, 0), "inactive", told=told)],
                        volume,
                    )
                )
        return found

    def _volumes(self, moved: Sequence[int]) -> list[float]:
        """Little traffic and much: as little as shows the boundary of each quantity."""
        if self.guard is not None:
            return [self.quantities[self.guard].at(ABOVE)]
        shared = [self.quantities[n].volumes for n in moved if len(self.quantities[n].volumes) > 1]
        return [max(each[0] for each in shared), max(each[-1] for each in shared)] if shared else [LOW]

    def _volume(self) -> float:
        if self.guard is not None:
            return self.quantities[self.guard].at(ABOVE)
        return max(q.volumes[0] for q in self.quantities) * 5

    def timing(self) -> Asked:
        """Far below, far above, far below again: how long it waits, and whether it resolves."""
        moved, volume = self._turns()[0], self._volume()
        on, off = self.w + self.f + 6, self.w + math.ceil(self.keep / self.step) + 4
        segments = [
            Segment(self.w + 3, self._marks((), FAR)),
            Segment(on, self._marks(moved, FAR)),
            Segment(off, self._marks((), FAR)),
        ]
        expected = [
            Expected(
                "timing", self.end(segments, 1), "firing", told=f"{self._told(moved, FAR, volume)} for {self.span(on)}"
            ),
            Expected(
                "resolves",
                self.end(segments, 2),
                "inactive",
                told=f"it was over for {self.span(off)}: {self._told(moved, REST, volume)}",
            ),
        ]
        return self.ask("timing", segments, expected, volume, lasting=self.declared)

    def each(self) -> list[Asked]:
        """One thing above and another below; or, where nothing is told apart, a whole that is below while one part of it is not."""
        volume, moved = self._volume(), self._turns()[0]
        on = self.w + self.f + 4
        if self.per:
            q = self.quantities[moved[0]]
            a, b = (
                {k: v for k, v in q.labels_of(q.metrics[0], q.selections[0], group, 0).items() if k in self.per}
                for group in "ab"
            )
            high, low = self._marks(moved, ABOVE), self._marks(moved, BELOW)
            if a == b:
                return []
            segments = [Segment(on, high, low), Segment(on, high, high)]
            first = f"{self._told(moved, ABOVE, volume)} at {_said(a)} for {self.span(on)}, and not at {_said(b)}"
            second = f"{self._told(moved, ABOVE, volume)} at {_said(a)} and at {_said(b)} for {self.span(on)}"
            expected = [
                Expected("each", self.end(segments, 0), "firing", (a,), first),
                Expected("each", self.end(segments, 1), "firing", (a, b), second),
            ]
            return [self.ask("one of two", segments, expected, volume)]
        found = []
        for n in (same[0] for same in self.alike):
            q = self.quantities[n]
            spread = len(q.cells(q.metrics[0], q.selections[0], "a")) > 1
            if q.shape != "ratio" or not spread or not q.up or q.at(BELOW) > 0.5 or len(self.quantities) > 1:
                continue
            steps = self.w + 2 * self.f + 3
            segments = [Segment(steps, self._marks((n,), BELOW))]
            told = f"{q.told(BELOW, volume)}, all of them in one of two parts of the traffic, for {self.span(steps)}"
            found.append(
                self.ask(
                    "one part",
                    segments,
                    [Expected("each", self.end(segments, 0), "inactive", told=told)],
                    volume,
                    lone=True,
                )
            )
        return found

    def others(self) -> list[Asked]:
        """What is not meant, as alarming as it can be."""
        found = []
        steps = self.w + 2 * self.f + 3
        volume = self._volume()
        for same in self.alike:
            n = self._writer(same)
            q = self.quantities[n]
            if q.shape == "absent":
                continue
            for at, (each, label, value) in enumerate(q.excluded[:3]):
                segments = [Segment(steps, self._marks((), REST))]
                if self.joint == "all":
                    segments = [
                        Segment(steps, tuple(REST if m in same else ABOVE for m in range(len(self.quantities))))
                    ]
                told = f"{each.metric} with {label}={value} was as alarming as can be, which it does not mean, for {self.span(steps)}"
                expected = [Expected("other", self.end(segments, 0), "inactive", told=told)]
                found.append(self.ask("what is not meant", segments, expected, volume, move=(n, at)))
        if not found:
            segments = [Segment(steps, self._marks((), REST))]
            board = self.board(segments, volume)
            names = self._unrelated(board)
            for name in names:
                board.counter(name, {"instance": "10.1.0.1:9100"}, [HIGH] * board.steps)
            told = f"nothing but {', '.join(names)} moved, which it does not mean, for {self.span(steps)}"
            expected = [Expected("other", self.end(segments, 0), "inactive", told=told)]
            found.append(self._asked("what is not meant", board, expected))
        return found


def _line(segments: Sequence[Segment], quantity: int, group: str) -> list[str]:
    """Where a quantity is, by step."""
    found: list[str] = []
    for segment in segments:
        marks = segment.other if group == "b" and segment.other else segment.marks
        found += [marks[quantity]] * segment.steps
    return found


def _said(labels: dict[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in labels.items()) or "the one"


def asked(
    name: str,
    meaning: Meaning,
    rules: Sequence[Rule],
    documents: Documents,
    *,
    scrape: float = 0.0,
    spread: bool = True,
) -> list[Asked]:
    """Every scenario for one alert.

    Args:
        name: of the alert.
        meaning: what it is meant to tell.
        rules: its rules, and the recording rules they depend on: their windows say how long one has to look.
        documents: what is documented of the metrics.
        scrape: seconds between samples, at least; 0 where it is not known.
        spread: whether what is meant as a whole is spread over several series. False where it is not known what is told apart.

    Raises:
        Unsupported: the shape of its meaning is not supported, or its expression asks for what is documented nowhere.
    """
    recorded = {rule.name for rule in rules if rule.kind == "record"}
    named = [each.metric for leaf in leaves(meaning) for each in selections(leaf) if each.metric in recorded]
    if named:
        raise Unsupported(f"{named[0]} is made by a recording rule: let the meaning name the metrics it is made of")
    maker = _Maker(name, meaning, rules, documents, scrape, spread)
    found = maker.all()
    if told := gap(rules, maker.world, maker.quantities, documents):
        raise Unsupported(told)
    return found
