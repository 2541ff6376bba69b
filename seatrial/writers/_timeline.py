"""An experiment as a picture: each probe a lane against time, the fault a band across them. Plain numbers for the page's SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.record import Experiment, Lane

__all__ = ["Band", "Drawing", "Row", "drawing"]

WIDTH, LEFT, RIGHT = 960, 264, 14
ROW, TOP, BOTTOM = 26, 30, 34
"""Pixels of the picture's own coordinates."""
LONGEST = 42
"""Characters of a lane's name that have room beside it; of a longer one the middle is left out."""
NARROWEST = 2.0
APART = 22
"""What two marks of moments must be apart to be read."""


@dataclass(frozen=True, slots=True)
class Row:
    """One lane."""

    name: str
    y: float
    well: str
    """Path of the answers that were as declared: low and narrow."""
    ill: str
    """Path of those that were not: over the lane's whole height, so that it is not the colour alone that tells."""
    told: str
    """The lane in words, with its whole name."""


@dataclass(frozen=True, slots=True)
class Band:
    """A fault, from its beginning to its end."""

    x: float
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything that the template draws."""

    height: float
    rows: tuple[Row, ...]
    bands: tuple[Band, ...]
    ticks: tuple[tuple[float, str], ...]
    moments: tuple[tuple[float, str], ...]
    """Where, and the number of the moment in the list below the picture; those that stand too close share a mark."""
    width: int = WIDTH
    left: int = LEFT
    top: int = TOP
    row: int = ROW
    foot: float = 0.0


def drawing(made: Experiment) -> Drawing:
    """The picture of an experiment."""
    whole = max([made.seconds, *(at + took for lane in made.lanes for at, took, _ in lane.samples)], default=1.0) or 1.0
    scale = (WIDTH - LEFT - RIGHT) / whole

    def x(at: float) -> float:
        return round(LEFT + max(0.0, at) * scale, 1)

    rows = []
    for number, lane in enumerate(made.lanes):
        y = TOP + number * ROW
        well = _path(((x(at), max(NARROWEST, took * scale)) for at, took, ok in lane.samples if ok), y + ROW * 0.55, 4)
        ill = _path(((x(at), max(NARROWEST, took * scale)) for at, took, ok in lane.samples if not ok), y + 4, ROW - 8)
        rows.append(Row(_named(lane), y, well, ill, f"{_whole(lane)}: {_told(lane)}"))
    foot = TOP + len(rows) * ROW
    return Drawing(
        height=foot + BOTTOM,
        rows=tuple(rows),
        bands=tuple(
            Band(x(f.began), max(NARROWEST, round((f.ended - f.began) * scale, 1)), f"{f.of} {f.kind}")
            for f in made.disturbances
        ),
        ticks=tuple((x(at), f"{at:g} s") for at in _ticks(whole)),
        moments=tuple(_marks([x(at) for at, _ in made.moments])),
        foot=foot,
    )


def _whole(lane: Lane) -> str:
    return f"{lane.probe} of {lane.who}" if lane.who else lane.probe


def _named(lane: Lane) -> str:
    name = _whole(lane)
    half = (LONGEST - 1) // 2
    return name if len(name) <= LONGEST else f"{name[:half]}…{name[-half:]}"


def _path(bars: Iterator[tuple[float, float]], y: float, height: float) -> str:
    """Rectangles as one path."""
    return "".join(f"M{at:g} {y:g}h{round(width, 1):g}v{height:g}h-{round(width, 1):g}z" for at, width in bars)


def _told(lane: Lane) -> str:
    """A lane in words: how many, and when it was not as declared."""
    ill = [at for at, _, ok in lane.samples if not ok]
    if not lane.who:  # steps, and no answers
        taken = sum(took for _, took, _ in lane.samples)
        return f"{len(lane.samples)} in {taken:.1f} s, {f'{len(ill)} not as they should be' if ill else 'all as they should be'}"
    if not ill:
        return f"{len(lane.samples)} answers, all as declared"
    return f"{len(lane.samples)} answers, {len(ill)} not as declared, the first at {ill[0]:.1f} s, the last at {ill[-1]:.1f} s"


def _marks(places: list[float]) -> Iterator[tuple[float, str]]:
    """Moments as marks: ``3``, or ``3–5`` for several in nearly the same place."""
    first = 0
    for number in range(1, len(places) + 1):
        if number == len(places) or places[number] - places[first] >= APART:
            yield places[first], f"{first + 1}" if number == first + 1 else f"{first + 1}\u2013{number}"
            first = number


def _ticks(whole: float) -> Iterator[float]:
    """Round times along the axis, about eight of them."""
    raw = whole / 8
    power = 10 ** math.floor(math.log10(raw)) if raw > 0 else 1
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    at = 0.0
    while at <= whole:
        yield round(at, 3)
        at += step
