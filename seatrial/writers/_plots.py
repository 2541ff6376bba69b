"""Numbers as pictures: plain SVG without scripts, which reads in black and white, in the dark, on paper and on a phone.

Each function takes numbers and gives the text of one ``<svg>``. Lines differ by their dashes and not by colour alone, spans are
hatched, and every picture has a title and a sentence that says what it shows. `STYLE` is what they look like: the report has it
once, and a picture that stands alone carries it (`alone`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from seatrial.writers._text import harmless

__all__ = [
    "STYLE",
    "Axis",
    "Bars",
    "Dot",
    "Level",
    "Line",
    "Mark",
    "Plot",
    "Span",
    "alone",
    "capacity",
    "count_text",
    "latency_text",
    "linear",
    "logarithmic",
    "nines",
    "rate_text",
    "svg",
]

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, FOOT = 74, 14, 46
LETTER = 8.6
"""What one letter takes where letters are largest, on a phone."""
ROW = 20
MOST_TICKS = 6
NARROWEST = 1.5
"""Of a bar: one that stands for a single request can still be seen."""

STYLE = """
.plot { display: block; width: 100%; height: auto; font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: var(--ink); }
.plot .tick { fill: var(--quiet); font-variant-numeric: tabular-nums; }
.plot .end { text-anchor: end; }
.plot .mid { text-anchor: middle; }
.plot .grid { stroke: var(--line); fill: none; }
.plot .frame { stroke: var(--quiet); fill: none; }
.plot .main { stroke: var(--link); stroke-width: 2.25; fill: none; stroke-linejoin: round; }
.plot .low { stroke: var(--passed); stroke-width: 1.75; stroke-dasharray: 1.5 3; stroke-linecap: round; fill: none; }
.plot .high { stroke: var(--quiet); stroke-width: 1; fill: none; stroke-linejoin: round; }
.plot .other { stroke: var(--waived); stroke-width: 1.75; stroke-dasharray: 7 3 1.5 3; fill: none; }
.plot .bad { stroke: var(--violation); stroke-width: 1.75; stroke-dasharray: 3 2; fill: none; }
.plot .objective { stroke: var(--violation); stroke-width: 2; stroke-dasharray: 9 4; fill: none; }
.plot .told { fill: var(--violation); font-weight: 600; paint-order: stroke; stroke: var(--sheet); stroke-width: 4px; stroke-linejoin: round; }
.plot .whisker { stroke: var(--ink); stroke-width: 1.5; fill: none; }
.plot .bounds { stroke: var(--ink); stroke-width: 5; fill: none; }
.plot .bar { fill: var(--link); }
.plot .dot { fill: var(--ink); stroke: var(--sheet); }
.plot .open { fill: var(--sheet); stroke: var(--ink); stroke-width: 1.75; }
.plot .hatch { stroke: var(--quiet); stroke-width: 1; opacity: .55; }
.plot .mark { stroke: var(--error); stroke-width: 1.5; stroke-dasharray: 2 2; fill: none; }
.plot .noted { fill: var(--error); font-weight: 600; paint-order: stroke; stroke: var(--sheet); stroke-width: 4px; stroke-linejoin: round; }
@media (max-width: 36rem) { .plot { font-size: 16px; } }
@media print { .plot { break-inside: avoid; } }
"""
_ALONE = """
:root { color-scheme: light dark; --sheet: #fffefc; --line: #dcd9d2; --ink: #1d2226; --quiet: #575e64; --link: #0b557f;
  --passed: #1c6b40; --violation: #ad2219; --error: #8c4300; --waived: #6a479c; }
@media (prefers-color-scheme: dark) { :root { --sheet: #1b2024; --line: #363d43; --ink: #e6e4df; --quiet: #a7aeb4; --link: #86c5ea;
  --passed: #7bcf9b; --violation: #ff9a8f; --error: #f3b27a; --waived: #c9aef0; } }
svg { background: var(--sheet); }
"""


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of a plot."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    name: str = ""
    place: Callable[[float], float] = float
    """What a value becomes before it is measured off: its logarithm, say."""

    def share(self, value: float) -> float:
        """Where a value lies between the ends of the axis: 0 to 1, and never beyond."""
        low, high = self.place(self.low), self.place(self.high)
        if high <= low:
            return 0.0
        return min(1.0, max(0.0, (self.place(min(max(value, self.low), self.high)) - low) / (high - low)))


@dataclass(frozen=True, slots=True)
class Line:
    """Points that are joined; None leaves a gap."""

    name: str
    points: Sequence[tuple[float, float | None]]
    look: str = "main"
    """main, low, high, other or bad."""
    stairs: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars from the foot of the plot: from, to, how high."""

    name: str
    bars: Sequence[tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class Level:
    """A line across the plot at one value: an objective. Upright when it is one of the other axis."""

    name: str
    at: float
    upright: bool = False
    since: float | None = None
    """Where it begins on the other axis; at its low end when absent."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the axis at the foot that is hatched: the warm-up."""

    name: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment on the axis at the foot."""

    name: str
    at: float


@dataclass(frozen=True, slots=True)
class Dot:
    """A value, and how far the truth may lie."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    bounds: tuple[float, float] | None = None
    """The narrower ones that decide; drawn thick."""
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """One picture."""

    id: str
    """Of the page: no other element has it."""
    title: str
    says: str
    """What it shows, in a sentence with its numbers, for whoever can't see it."""
    x: Axis
    y: Axis
    lines: Sequence[Line] = ()
    bars: Sequence[Bars] = ()
    levels: Sequence[Level] = ()
    spans: Sequence[Span] = ()
    marks: Sequence[Mark] = ()
    dots: Sequence[Dot] = ()
    legend: Sequence[tuple[str, str]] = field(default=())
    """Further entries of the legend: name and look."""


def latency_text(seconds: float) -> str:
    """``412 µs``, ``9.24 ms``, ``1.04 s``: three digits, as many as the histograms keep."""
    if seconds <= 0:
        return "0 s"
    for unit, scale, until in (("µs", 1e6, 0.9995e-3), ("ms", 1e3, 0.9995)):
        if seconds < until:
            return f"{_digits(seconds * scale)} {unit}"
    return f"{_digits(seconds)} s"


def rate_text(rate: float) -> str:
    """``99.8/s``, ``1,240/s``."""
    return f"{_digits(rate)}/s"


def count_text(count: float) -> str:
    """``5,612``."""
    return f"{count:,.0f}"


def _digits(value: float) -> str:
    """Three digits, and no more than there are; whole numbers in full."""
    if value >= 999.5:
        return f"{value:,.0f}"
    if value <= 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(value)))
    text = f"{value:.{places}f}"
    return text.partition(".")[0] if float(text).is_integer() else text


def _short(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"


def _tick_latency(seconds: float) -> str:
    for unit, scale, until in (("µs", 1e6, 0.9e-3), ("ms", 1e3, 0.9)):
        if seconds < until:
            return f"{seconds * scale:,.4g} {unit}"
    return f"{seconds:,.4g} s"


def linear(
    values: Iterable[float], name: str, *, tell: Callable[[float], str] = _short, high: float | None = None
) -> Axis:
    """An axis from zero to above the largest value, or just to `high`, with round ticks."""
    top = high if high is not None else max(values, default=1.0) or 1.0
    raw = top / (MOST_TICKS - 1)
    power = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    end = top if high is not None else math.ceil(top / step - 1e-9) * step
    ticks = [round(number * step, 9) for number in range(int(end / step + 1e-9) + 1)]
    return Axis(0.0, end, tuple((tick, tell(tick)) for tick in ticks), name)


def logarithmic(values: Iterable[float], name: str, *, tell: Callable[[float], str] = _tick_latency) -> Axis:
    """An axis on a log scale, from a round number below the smallest value to one above the largest."""
    wanted = [value for value in values if value > 0] or [0.001, 1.0]
    low, high = _round(min(wanted), math.floor), _round(max(wanted), math.ceil)
    if high / low < 9.9:
        low, high = (low, low * 10) if high <= low * 10 else (low, high)
    decades = math.log10(high / low)
    every = (1, 2, 5) if decades <= 2.1 else (1,)
    first = math.floor(math.log10(low) + 1e-9)
    ticks = [factor * 10.0**power for power in range(first, first + math.ceil(decades) + 2) for factor in every]
    ticks = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
    skip = math.ceil(len(ticks) / MOST_TICKS) if every == (1,) else 1
    return Axis(low, high, tuple((tick, tell(tick)) for tick in ticks[::skip]), name, _log)


def nines(highest: float, name: str = "share of requests that took no longer") -> Axis:
    """An axis of quantiles, on which each further nine takes as much room as the one before."""
    end = min(0.99999, max(0.99, highest))
    ticks = [quantile for quantile in (0.0, 0.9, 0.99, 0.999, 0.9999, 0.99999) if quantile <= end + 1e-12]
    ticks.insert(1, 0.5)
    return Axis(0.0, end, tuple((tick, f"{tick * 100:.6g}%") for tick in ticks), name, _nine)


def _nine(quantile: float) -> float:
    return -math.log10(1 - quantile)


def _log(value: float) -> float:
    return math.log10(max(value, 1e-12))


def _round(value: float, how: Callable[[float], int]) -> float:
    """The next 1, 2 or 5 of a decade."""
    power = math.floor(math.log10(value))
    steps = [factor * 10.0 ** (power + up) for up in (-1, 0, 1) for factor in (1, 2, 5)]
    if how is math.floor:
        return max(step for step in steps if step <= value * 1.0001)
    return min(step for step in steps if step >= value * 0.9999)


def svg(plot: Plot) -> str:
    """The picture."""
    entries = _legend(plot)
    top = 24 + ROW * (entries[-1][1] + 1 if entries else 0)
    height = HEIGHT + ROW * max(0, (entries[-1][1] if entries else 0))
    foot = height - FOOT

    def x(value: float) -> float:
        return round(LEFT + plot.x.share(value) * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(foot - plot.y.share(value) * (foot - top), 1)

    id = plot.id
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{id}-t" aria-describedby="{id}-d">',
        f'<title id="{id}-t">{_text(plot.title)}</title><desc id="{id}-d">{_text(plot.says)}</desc>',
    ]
    if plot.spans:
        parts.append(
            f'<defs><pattern id="{id}-h" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            '<path class="hatch" d="M0 0V7"/></pattern></defs>'
        )
    for span in plot.spans:
        left, right = x(span.since), x(span.until)
        parts.append(
            f'<rect fill="url(#{id}-h)" x="{left}" y="{top}" width="{round(max(NARROWEST, right - left), 1)}" height="{round(foot - top, 1)}"/>'
        )
    parts += [
        f'<path class="grid" d="M{LEFT} {y(at)}H{WIDTH - RIGHT}"/><text class="tick end" x="{LEFT - 6}" y="{round(y(at) + 4.5, 1)}">{_text(text)}</text>'
        for at, text in _apart(plot.y.ticks, y, 17)
    ]
    parts += [
        f'<path class="grid" d="M{x(at)} {top}V{foot}"/><text class="tick {_anchor(x(at), text)}" x="{x(at)}" y="{foot + 18}">{_text(text)}</text>'
        for at, text in _beside(plot.x.ticks, x)
    ]
    parts.append(f'<text class="tick" x="0" y="14">{_text(plot.y.name)}</text>')
    parts.append(f'<text class="tick end" x="{WIDTH - RIGHT}" y="{foot + 38}">{_text(plot.x.name)}</text>')
    for group in plot.bars:
        parts.append(f'<path class="bar" d="{_bars(group, x, y, foot)}"/>')
    parts += [f'<path class="{line.look}" d="{_line(line, x, y)}"/>' for line in plot.lines if line.points]
    taken: list[float] = []
    for level in plot.levels:
        parts.append(_level(level, x, y, (top, foot), taken))
    parts += [_dot(dot, x, y) for dot in plot.dots]
    for mark in plot.marks:
        parts.append(
            f'<path class="mark" d="M{x(mark.at)} {top}V{foot}"/>'
            f'<text class="noted {_anchor(x(mark.at) + 16, mark.name)}" x="{x(mark.at)}" y="{round(top + 13, 1)}">{_text(mark.name)}</text>'
        )
    parts.append(f'<path class="frame" d="M{LEFT} {top}V{foot}H{WIDTH - RIGHT}"/>')
    parts += [_entry(at, row, name, look, id) for at, row, name, look in entries]
    return "".join(parts) + "</svg>"


def alone(picture: str) -> str:
    """A picture as a file of its own, which looks the same light, dark and printed."""
    head, _, rest = picture.partition(">")
    return f"{head}><style>{_ALONE}{STYLE}</style>{rest}\n"


def capacity(
    id: str,
    points: Sequence[tuple[float, float, float, float, str]],
    *,
    objective: float,
    quantile: str = "p95",
    best: float | None = None,
) -> str:
    """Latency against rate: each rate that was tried, its interval, and the objective.

    Args:
        id: of the page.
        points: rate, latency seen, lowest and highest that the truth may be (seconds), and ``met``, ``missed`` or ``undecided``.
        objective: seconds.
        quantile: which one it is.
        best: the highest rate that still meets it, when there is one.
    """
    tried = sorted(points)
    met = [rate for rate, *_, word in tried if word == "met"]
    said = "; ".join(
        f"{rate_text(rate)}: {latency_text(seen)} ({latency_text(low)} to {latency_text(high)}), {word}"
        for rate, seen, low, high, word in tried
    )
    return svg(
        Plot(
            id=id,
            title=f"{quantile} against rate",
            says=f"The objective is {latency_text(objective)}. {said or 'No rate was tried'}.",
            x=linear([1.05 * max([*(point[0] for point in tried), best or 0.0])], "requests a second")
            if tried
            else linear((), ""),
            y=logarithmic([4 * objective, *(each for point in tried for each in point[1:4])], f"{quantile}, log scale"),
            lines=[Line(quantile, [(rate, seen) for rate, seen, *_ in tried], "high")],
            dots=[Dot(rate, seen, low, high, hollow=word != "met") for rate, seen, low, high, word in tried],
            levels=[Level(f"objective {latency_text(objective)}", objective)],
            marks=[Mark(rate_text(best), best)] if best else [],
            legend=[
                *([("met", "dot")] if met else []),
                *([("missed or undecided", "open")] if len(met) < len(tried) else []),
                ("interval", "whisker"),
            ],
        )
    )


def _text(text: str) -> str:
    return escape(harmless(text).replace("\n", " "))


def _apart(ticks: Sequence[tuple[float, str]], place: Callable[[float], float], room: float) -> list[tuple[float, str]]:
    """Ticks that do not stand on one another; the first and then as many as have room."""
    kept: list[tuple[float, str]] = []
    for tick in ticks:
        if not kept or abs(place(tick[0]) - place(kept[-1][0])) >= room:
            kept.append(tick)
    return kept


def _beside(ticks: Sequence[tuple[float, str]], x: Callable[[float], float]) -> list[tuple[float, str]]:
    """Ticks along the foot whose texts do not touch."""
    kept: list[tuple[float, str]] = []
    end = -1e9
    for at, text in ticks:
        width = len(text) * LETTER
        begin = x(at) - (width if _anchor(x(at), text) == "end" else width / 2)
        if begin >= end + 4:
            kept.append((at, text))
            end = begin + width
    return kept


def _anchor(x: float, text: str) -> str:
    """A text that would stand out to the right ends where its tick is."""
    return "end" if x + len(text) * LETTER / 2 > WIDTH else "mid"


def _line(line: Line, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    parts: list[str] = []
    drawn = False
    for at, value in line.points:
        if value is None:
            drawn = False
            continue
        if drawn:
            parts.append(f"H{x(at):g}V{y(value):g}" if line.stairs else f"L{x(at):g} {y(value):g}")
        else:
            # A point without a neighbour is a dot as long as the line is wide.
            parts.append(f"M{x(at):g} {y(value):g}h.01")
        drawn = True
    return "".join(parts)


def _bars(group: Bars, x: Callable[[float], float], y: Callable[[float], float], foot: float) -> str:
    parts = []
    for since, until, value in group.bars:
        if value > 0:
            left, tall = x(since), max(NARROWEST, foot - y(value))
            width = max(NARROWEST, x(until) - left - 0.5)
            parts.append(f"M{left:g} {foot:g}v-{round(tall, 1):g}h{round(width, 1):g}V{foot:g}z")
    return "".join(parts)


def _level(
    level: Level,
    x: Callable[[float], float],
    y: Callable[[float], float],
    room: tuple[float, float],
    taken: list[float],
) -> str:
    """The line with its name: above it, or wherever near it there is room and no other name."""
    top, foot = room
    if level.upright:
        at = x(level.at)
        end = at > (LEFT + WIDTH) / 2
        words = f'<text class="told{" end" if end else ""}" x="{at - 5 if end else at + 5:g}" y="{top + 14:g}">{_text(level.name)}</text>'
        return f'<path class="objective" d="M{at:g} {top:g}V{foot:g}"/>{words}'
    at = y(level.at)
    since = LEFT if level.since is None else x(level.since)
    places = (at - 6, at + 16, at - 22, at + 32, at - 38)
    free = [place for place in places if top + 12 <= place <= foot - 4 and all(abs(place - one) > 15 for one in taken)]
    words_at = free[0] if free else at - 6
    taken.append(words_at)
    words = f'<text class="told end" x="{WIDTH - RIGHT - 4}" y="{words_at:g}">{_text(level.name)}</text>'
    return f'<path class="objective" d="M{since:g} {at:g}H{WIDTH - RIGHT}"/>{words}'


def _dot(dot: Dot, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    at, parts = x(dot.x), []
    if dot.low is not None and dot.high is not None:
        low, high = y(dot.low), y(dot.high)
        parts.append(
            f'<path class="whisker" d="M{at:g} {low:g}V{high:g}M{at - 5:g} {low:g}h10M{at - 5:g} {high:g}h10"/>'
        )
    if dot.bounds:
        parts.append(f'<path class="bounds" d="M{at:g} {y(dot.bounds[0]):g}V{y(dot.bounds[1]):g}"/>')
    parts.append(f'<circle class="{"open" if dot.hollow else "dot"}" cx="{at:g}" cy="{y(dot.y):g}" r="4"/>')
    return "".join(parts)


def _legend(plot: Plot) -> list[tuple[float, int, str, str]]:
    """Entries, each where it stands and in which row; as many in a row as fit it."""
    entries = [*((line.name, line.look) for line in plot.lines if line.name), *plot.legend]
    entries += [("not judged" if len(plot.spans) > 1 else plot.spans[0].name, "span")] if plot.spans else []
    placed: list[tuple[float, int, str, str]] = []
    at, row = 0.0, 0
    for name, look in entries:
        width = 34 + len(name) * LETTER + 8
        if at and at + width > WIDTH:
            at, row = 0.0, row + 1
        placed.append((at, row, name, look))
        at += width
    return placed


def _entry(at: float, row: int, name: str, look: str, id: str) -> str:
    y = 24 + ROW * row + 6
    words = f'<text x="{at + 34:g}" y="{y + 4.5:g}">{_text(name)}</text>'
    if look in ("dot", "open"):
        return f'<circle class="{look}" cx="{at + 16:g}" cy="{y}" r="4"/>{words}'
    if look == "span":
        return f'<rect fill="url(#{id}-h)" x="{at:g}" y="{y - 6}" width="28" height="12"/>{words}'
    if look == "bar":
        return f'<rect class="bar" x="{at + 10:g}" y="{y - 5}" width="10" height="10"/>{words}'
    return f'<path class="{look}" d="M{at:g} {y}h28"/>{words}'
