"""A load for its readers: objectives in words, and the pictures that are drawn of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from seatrial.outcomes import Outcome
from seatrial.writers._plots import (
    Axis,
    Bars,
    Dot,
    Level,
    Line,
    Mark,
    Plot,
    Span,
    count_text,
    latency_text,
    linear,
    logarithmic,
    nines,
    rate_text,
    svg,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.record import LoadTold, ObjectiveTold, SpanTold, StreamTold

__all__ = [
    "CLOSED",
    "DECIDED",
    "lag",
    "line",
    "memory",
    "named",
    "number",
    "pictures",
    "quantile_text",
    "range_text",
    "sign_of",
    "value",
]

CLOSED = "closed loop: stalls hide in it"
DECIDED = {"met": Outcome.passed, "missed": Outcome.violation, "undecided": Outcome.error}
"""The outcome that a decision looks like."""
_UNBOUNDED = 3600.0
"""Seconds at which histograms end: an upper end there is none."""
_SPAN_ROWS = 24


def value(row: ObjectiveTold, told: float | None) -> str:
    """A number of an objective, with its unit."""
    if told is None:
        return "not measured"
    if row.unit == "share":
        return f"{100 * told:.3g}%"
    return rate_text(told) if row.unit == "per second" else latency_text(told)


def range_text(row: ObjectiveTold, ends: tuple[float, float] | None) -> str:
    """``9.02 ms to 9.46 ms``; one without an upper end says so."""
    if ends is None:
        return "not known"
    if row.unit == "seconds" and ends[1] >= _UNBOUNDED:
        return f"{latency_text(ends[0])} or more"
    return f"{value(row, ends[0])} to {value(row, ends[1])}"


def sign_of(row: ObjectiveTold) -> Outcome:
    """The outcome that it looks like; one that is proposed can't fail a gate."""
    return Outcome.advisory if row.proposed and row.decision == "missed" else DECIDED[row.decision]


def number(row: ObjectiveTold) -> str:
    """What was measured, with what must stand beside it."""
    return f"{value(row, row.seen)}{f' ({CLOSED})' if row.loop == 'closed' else ''}"


def line(row: ObjectiveTold) -> str:
    """One objective in one line: ``p95 of all requests 9.24 ms (95%: 9.02 ms to 9.46 ms), at most 50 ms: met``."""
    far = f" (95%: {range_text(row, row.bounds)})" if row.bounds else ""
    closed = f", {CLOSED}" if row.loop == "closed" else ""
    asked = f", {row.expected}" if row.expected else ""
    word = row.decision + (", proposed" if row.proposed else "")
    return f"{row.what} {value(row, row.seen)}{far}{closed}{asked}: {word}"


def quantile_text(share: float) -> str:
    """``p99.9``; the slowest of all is ``max``."""
    return "max" if share >= 1 else f"p{share * 100:.6g}"


def named(stream: StreamTold) -> str:
    """A stream's name."""
    return stream.name or "all requests"


def pictures(
    load: LoadTold, stream: StreamTold, id: str, *, whole: bool
) -> list[tuple[str, str, str, list[tuple[str, ...]]]]:
    """The pictures of one stream, each with a sentence and the rows of the table that stands beside it, headings first.

    Args:
        load: that it is of.
        stream: one of the load's.
        id: of the page, for ids.
        whole: False for an endpoint, of which there may be many: its histogram is in the log.
    """
    made = [_over_time(load, stream, f"{id}-time"), _rates(load, stream, f"{id}-rate")]
    if stream.quantiles:
        made.insert(1, _tail(load, stream, f"{id}-tail"))
        if whole:
            made.insert(2, _histogram(load, stream, f"{id}-bars"))
    return made


def _objectives(load: LoadTold, stream: StreamTold) -> list[ObjectiveTold]:
    return [
        row
        for row in load.objectives
        if row.kind == "latency" and row.endpoint == stream.name and row.objective is not None
    ]


def _headed(rows: Iterable[ObjectiveTold]) -> Iterator[float]:
    """Objectives, and room above each of them for its name."""
    return (4 * row.objective for row in rows if row.objective)


def _label(row: ObjectiveTold) -> str:
    return f"{row.what.partition(' ')[0]} {row.expected or value(row, row.objective)}"


def _time_axis(load: LoadTold) -> Axis:
    end = max(load.seconds, load.judged_until, 1.0)
    return linear((), "seconds since the load began", high=end)


def _not_judged(load: LoadTold) -> list[Span]:
    found = [Span("ramp, not judged", 0.0, load.warm_from)] if load.warm_from > 0 else []
    if load.judged_from > load.warm_from:
        found.append(Span("warm-up, not judged", load.warm_from, load.judged_from))
    if len(found) == 2:
        return [Span("ramp and warm-up, not judged", 0.0, load.judged_from)]
    return found


def _marks(load: LoadTold) -> list[Mark]:
    """Restarts, and where it was stopped."""
    lives = [
        (at, what)
        for at, what in (load.watched.moments if load.watched else ())
        if "started" in what or "ended" in what
    ]
    marks = [Mark("restart", at) for at, _ in lives[:6] if 0 <= at <= load.seconds]
    return [*marks, *([Mark("stopped", load.seconds)] if load.stopped else [])]


def _each(stream: StreamTold, of: Callable[[SpanTold], float | None]) -> list[tuple[float, float | None]]:
    """Points, each in the middle of its stretch; a stretch that is missing leaves a gap."""
    points: list[tuple[float, float | None]] = []
    for span in stream.spans:
        middle = span.at + span.seconds / 2
        if points and middle - points[-1][0] > span.seconds * 1.5:
            points.append((middle - span.seconds, None))
        points.append((middle, of(span)))
    return points


def _over_time(load: LoadTold, stream: StreamTold, id: str) -> tuple[str, str, str, list[tuple[str, ...]]]:
    lines = [
        Line("max", _each(stream, lambda span: span.most), "high"),
        Line("p95", _each(stream, lambda span: span.p95), "main"),
        Line("p50", _each(stream, lambda span: span.p50), "low"),
    ]
    values = [at for each in lines for _, at in each.points if at]
    wanted = _objectives(load, stream)
    step = stream.spans[0].seconds if stream.spans else 1.0
    every = "second" if step == 1 else f"{step:g} seconds"
    worst = max((span for span in stream.spans if span.p95), key=lambda span: span.p95 or 0, default=None)
    said = f"p50, p95 and slowest of the requests that began in each {every}." + (
        f" The worst p95 is {latency_text(worst.p95 or 0)}, at {worst.at:g} s." if worst else ""
    )
    rows: list[tuple[str, ...]] = [("From", "p50", "p95", "Max", "Offered", "Right", "Failed")]
    for group in _grouped(stream.spans):
        top = max(group, key=lambda span: span.p95 or 0)
        texts = [latency_text(one) if one else "none" for one in (top.p50, top.p95, max(s.most or 0 for s in group))]
        sums = [count_text(sum(n)) for n in zip(*((s.offered, s.right, s.failed) for s in group), strict=True)]
        rows.append((f"{group[0].at:g} s", *texts, *sums))
    many = len(stream.spans) > _SPAN_ROWS
    plot = Plot(
        id=id,
        title=f"Latency over time, {named(stream)}",
        says=said,
        x=_time_axis(load),
        y=logarithmic([*values, *_headed(wanted)], "latency, log scale"),
        lines=lines,
        spans=_not_judged(load),
        marks=_marks(load),
        levels=[Level(_label(row), row.objective or 0) for row in wanted[:2]],
    )
    told = said + (" Each row of the table is the worst second of several." if many else "")
    return plot.title.partition(",")[0], svg(plot), told, rows


def _grouped(spans: tuple[SpanTold, ...]) -> list[tuple[SpanTold, ...]]:
    step = max(1, -(-len(spans) // _SPAN_ROWS))
    return [spans[at : at + step] for at in range(0, len(spans), step)]


def _tail(load: LoadTold, stream: StreamTold, id: str) -> tuple[str, str, str, list[tuple[str, ...]]]:
    """How many took no longer than how long, with as much room for each further nine as for the one before."""
    known = [(share, took) for share, took in stream.quantiles if share < 1]
    wanted = _objectives(load, stream)
    most = stream.quantiles[-1][1]
    end = max([*(share for share, _ in known), *(row.quantile for row in wanted)])
    points: list[tuple[float, float | None]] = _steps(stream)
    dots = [
        Dot(
            row.quantile,
            row.seen,
            row.interval[0] if row.interval else None,
            min(row.interval[1], most * 10) if row.interval else None,
            (row.bounds[0], min(row.bounds[1], most * 10)) if row.bounds else None,
            hollow=row.decision != "met",
        )
        for row in wanted
        if row.seen is not None
    ]
    ends = [value for dot in dots for value in (dot.low, dot.high) if value]
    y = logarithmic([*(took or most for _, took in points), *ends, *_headed(wanted)], "latency, log scale")
    said = (
        "How long the fastest share of requests took at most: "
        + ", ".join(f"{quantile_text(share)} {latency_text(took)}" for share, took in stream.quantiles)
        + "."
        + "".join(f" {row.what}: {_label(row)}, {row.decision}." for row in wanted)
    )
    plot = Plot(
        id=id,
        title=f"Share answered in time, {named(stream)}",
        says=said,
        x=nines(end),
        y=y,
        lines=[Line("all that count", points, "main")],
        levels=[
            Level(_label(row), row.objective or 0, since=max(0.0, row.quantile - (1 - row.quantile)))
            for row in wanted[:3]
        ],
        dots=dots,
        legend=[("95 %", "bounds"), ("99.999 %", "whisker")] if dots else [],
    )
    rows: list[tuple[str, ...]] = [("Quantile", "Latency")]
    rows += [(quantile_text(share), latency_text(took)) for share, took in stream.quantiles]
    words = "Each further nine takes as much room as the one before." + (
        " A dot is what was seen, filled where the objective is met; the thick line is the 95 % interval by which that is decided, the thin one how far the truth may lie."
        if dots
        else ""
    )
    return plot.title.partition(",")[0], svg(plot), words, rows


def _steps(stream: StreamTold) -> list[tuple[float, float | None]]:
    """The curve: the end of each bar of the histogram, and every quantile that is told."""
    total = sum(count for _, _, count in stream.bars)
    reached, points = 0, list(stream.quantiles)
    points.append((0.0, stream.bars[0][0]))
    for _, until, count in stream.bars:
        reached += count
        points.append((reached / total, until))
    most = stream.quantiles[-1][1]
    curve: list[tuple[float, float | None]] = []
    highest = 0.0
    for share, took in sorted(points):
        if share < 1:
            highest = max(highest, min(took, most))
            curve.append((share, highest))
    return curve


def _histogram(load: LoadTold, stream: StreamTold, id: str) -> tuple[str, str, str, list[tuple[str, ...]]]:
    wanted = _objectives(load, stream)
    ends = [end for bar in stream.bars for end in bar[:2]]
    total = sum(count for _, _, count in stream.bars)
    said = f"How long {count_text(total)} requests took that were answered as declared; every bar is equally wide on the log scale."
    plot = Plot(
        id=id,
        title=f"Histogram, {named(stream)}",
        says=said,
        x=logarithmic([*ends, *(row.objective or 0 for row in wanted)], "latency, log scale"),
        y=linear([count for _, _, count in stream.bars], "requests"),
        bars=[Bars("", stream.bars)],
        levels=[Level(_label(row), row.objective or 0, upright=True) for row in wanted[:1]],
    )
    rows: list[tuple[str, ...]] = [("From", "To", "Requests")]
    rows += [(latency_text(low), latency_text(high), count_text(count)) for low, high, count in stream.bars]
    small = " The smallest bars are drawn a little taller than they are, so that a single slow request can be seen."
    return "Histogram", svg(plot), said + small, rows


def _rates(load: LoadTold, stream: StreamTold, id: str) -> tuple[str, str, str, list[tuple[str, ...]]]:
    lines = [
        Line("offered", _each(stream, lambda span: span.offered / span.seconds), "high", stairs=True),
        Line("right", _each(stream, lambda span: span.right / span.seconds), "main"),
    ]
    if any(span.failed for span in stream.spans):
        lines.append(Line("failed", _each(stream, lambda span: span.failed / span.seconds), "bad"))
    lasted = max(1.0, load.judged_until - load.judged_from)
    said = (
        f"While it counted, {rate_text(stream.offered / lasted)} were offered, {rate_text(stream.right / lasted)} answered as "
        f"declared, {rate_text(stream.failed / lasted)} failed."
    )
    plot = Plot(
        id=id,
        title=f"Rate offered and achieved, {named(stream)}",
        says=said,
        x=_time_axis(load),
        y=linear([1.05 * (at or 0) for each in lines for _, at in each.points], "requests a second"),
        lines=lines,
        spans=_not_judged(load),
        marks=_marks(load),
    )
    return plot.title.partition(",")[0], svg(plot), said, []


def lag(load: LoadTold, id: str) -> str:
    """How late the generator itself came to requests; empty where that is not known."""
    if not load.lag:
        return ""
    tightest = min((row.objective for row in load.objectives if row.kind == "latency" and row.objective), default=None)
    tenth = tightest / 10 if tightest else None
    ends = [end for bar in load.lag for end in bar[:2]]
    return svg(
        Plot(
            id=id,
            title="Dispatch lag",
            says="How long after its intended begin the generator came to each request. "
            + (
                f"Above {latency_text(tenth)}, a tenth of the tightest objective, at p99 nothing can be decided."
                if tenth
                else ""
            ),
            x=logarithmic([*ends, *([tenth] if tenth else [])], "lateness of the generator, log scale"),
            y=linear([count for _, _, count in load.lag], "requests"),
            bars=[Bars("", load.lag)],
            levels=[Level(f"a tenth of the objective, {latency_text(tenth)}", tenth, upright=True)] if tenth else [],
        )
    )


def memory(load: LoadTold, id: str) -> str:
    """Memory of each replica over time; empty where it was not watched."""
    if not any(samples for _, samples in load.memory):
        return ""
    looks = ("main", "low", "other", "bad", "high")
    said = "; ".join(
        f"{who} {samples[0][1] / 2**20:,.0f} MiB at first, {samples[-1][1] / 2**20:,.0f} MiB at last"
        for who, samples in load.memory
        if samples
    )
    lines = [
        Line(who, [(at, size / 2**20) for at, size in samples], looks[number % len(looks)])
        for number, (who, samples) in enumerate(load.memory)
        if samples
    ]
    return svg(
        Plot(
            id=id,
            title="Memory over time",
            says=said + ".",
            x=_time_axis(load),
            y=linear([at or 0 for each in lines for _, at in each.points], "MiB"),
            lines=lines,
            spans=_not_judged(load),
            marks=_marks(load),
        )
    )
