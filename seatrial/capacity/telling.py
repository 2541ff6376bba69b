"""What a search for the capacity found: as lines for a terminal, as a document for programs, and as a page with its plots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from seatrial.words import Duration, Rate, Ratio

if TYPE_CHECKING:
    from seatrial.capacity.searching import Found
    from seatrial.capacity.stepping import Step

__all__ = ["Outcome", "code", "document", "lines", "page", "pictures", "step_line"]

VERSION = 1
_STYLE = """
* { box-sizing: border-box; }
body { margin: 2rem auto; max-width: 62rem; padding: 0 1rem; background: var(--sheet); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; } dt { color: var(--quiet); } dd { margin: 0; }
.big { font-size: 1.6rem; font-weight: 600; } figure { margin: 1rem 0; max-width: 46rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
.met { color: var(--passed); } .missed { color: var(--violation); } .undecided { color: var(--error); }
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole search."""

    profile: str
    slo: str
    """``slos.read``."""
    what: str
    """What is asked: ``GET /notes``."""
    declared: float | None
    """Requests a second that the profile declares; None for a closed loop."""
    within: float
    duration: float
    ended: str
    """Why it ended."""
    found: Found
    steps: tuple[Step, ...]
    hardware: str = ""
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    residue: tuple[str, ...] = ()
    """What of the target is not as it was found."""


def rate(value: float | None) -> str:
    """A rate, or that there is none."""
    return "none" if value is None else str(Rate(round(value, 2 if value < 100 else 1)))


def code(outcome: Outcome) -> int:
    """The exit code: 0 found, 1 the declared rate is not met, 2 interrupted, 3 it can't be told."""
    found, declared = outcome.found, outcome.declared
    if outcome.interrupted:
        return 2
    if found.missed is not None and (found.missed <= (declared or 0.0) or (declared is None and found.met is None)):
        return 1
    if found.met is None or (declared is not None and found.met < declared):
        return 3
    return 3 if outcome.residue else 0


def _declared(outcome: Outcome) -> str:
    found, declared = outcome.found, outcome.declared
    if declared is None:
        return "no rate is declared"
    if found.missed is not None and found.missed <= declared:
        return f"{rate(declared)}: not met"
    if found.met is not None and found.met >= declared:
        return f"{rate(declared)}: met"
    return f"{rate(declared)}: whether it is met can't be told"


def _answer(outcome: Outcome) -> str:
    """The interval in which the capacity lies."""
    found = outcome.found
    if found.met is None:
        return f"below {rate(found.above)}" if found.missed is not None else "not told"
    if found.above is None:
        return f"{rate(found.met)} or more"
    if found.edge is not None and (found.missed is None or found.edge < found.missed):
        above = f"{rate(found.missed)}" if found.missed is not None else "what can be told"
        return f"{rate(found.met)} to {above}; from {rate(found.edge)} on it can't be told"
    return f"{rate(found.met)} to {rate(found.missed)}"


def _rows(outcome: Outcome) -> Iterator[tuple[str, str]]:
    yield "highest rate met", rate(outcome.found.met)
    yield "lowest rate missed", rate(outcome.found.missed)
    yield "it lies in", _answer(outcome)
    if outcome.found.edge is not None:
        yield "can't be told at", f"{rate(outcome.found.edge)}: {outcome.found.why_edge}"
    yield "declared", _declared(outcome)
    yield "why it ended", outcome.ended
    for text in outcome.found.uneven:
        yield "uneven", f"{text}: the edge is not as sharp as these numbers look"
    yield "hardware", outcome.hardware or "not looked at"
    yield (
        "steps",
        (
            f"{len(outcome.steps)} of {Duration(outcome.duration)} or longer, {sum(step.requests for step in outcome.steps):,} requests; "
            f"to within {Ratio(outcome.within)}"
        ),
    )
    for note in (*outcome.notes, *outcome.residue):
        yield "note", note


def step_line(step: Step) -> str:
    """``step 3: 80/s for 10s: met; p95 of all requests 12.3 ms …``."""
    told = f"step {step.number}: {rate(step.rate)} for {Duration(step.seconds)}: {step.word}"
    row = step.row
    if step.why:
        told += f": {step.why}"
    elif row is not None:
        told += f": {row.what} {row.text} ({row.expected})"
    return told


def lines(outcome: Outcome) -> list[str]:
    """For a terminal."""
    rows = list(_rows(outcome))
    width = max(len(name) for name, _ in rows)
    return [f"{outcome.slo}, {outcome.what}", *(f"  {name:{width}}  {text}" for name, text in rows)]


def document(outcome: Outcome) -> dict[str, Any]:
    """For programs."""
    found = outcome.found
    return {
        "capacity": VERSION,
        "profile": outcome.profile,
        "slo": outcome.slo,
        "what": outcome.what,
        "declared": outcome.declared,
        "met": found.met,
        "missed": found.missed,
        "edge": found.edge,
        "why_edge": found.why_edge,
        "uneven": list(found.uneven),
        "ended": outcome.ended,
        "interrupted": outcome.interrupted,
        "exit": code(outcome),
        "within": outcome.within,
        "seconds_a_step": outcome.duration,
        "hardware": outcome.hardware,
        "notes": [*outcome.notes, *outcome.residue],
        "steps": [asdict(step) for step in outcome.steps],
    }


def pictures(outcome: Outcome) -> dict[str, str]:
    """A plot for each quantile that is promised, by what it is: ``p95 of all requests``."""
    from seatrial.writers import _plots

    by_what: dict[str, list[tuple[float, float, float, float, str]]] = {}
    objectives: dict[str, float] = {}
    for step in outcome.steps:
        for row in step.rows:
            if (
                row.kind == "latency"
                and row.seen is not None
                and row.interval is not None
                and row.objective is not None
            ):
                low, high = row.interval
                high = high if high < 3600 else row.seen
                by_what.setdefault(row.what, []).append((step.rate, row.seen, low, high, row.decision))
                objectives[row.what] = row.objective
    return {
        what: _plots.capacity(
            f"plot{number}", points, objective=objectives[what], quantile=what, best=outcome.found.met
        )
        for number, (what, points) in enumerate(by_what.items(), 1)
    }


def page(outcome: Outcome, plots: Sequence[str]) -> str:
    """One page that needs no other file."""
    from seatrial.writers import _plots

    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in _rows(outcome))
    steps = "".join(
        f"<tr><td>{step.number}</td><td>{escape(rate(step.rate))}</td><td class={step.word}>{step.word}</td>"
        f"<td>{'<br>'.join(escape(f'{row.what}: {row.text}; {row.expected}: {row.decision}') for row in step.rows)}"
        f"{f'<br>{escape(step.why)}' if step.why else ''}</td></tr>"
        for step in outcome.steps
    )
    title = escape(f"Capacity of {outcome.slo}: {outcome.profile}")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_plots._ALONE}{_plots.STYLE}{_STYLE}</style></head><body><h1>{title}</h1>"
        f'<p class="big">{escape(_answer(outcome))}</p><p>{escape(outcome.what)}</p><dl>{rows}</dl>'
        f"{''.join(f'<figure>{plot}</figure>' for plot in plots)}"
        '<h2>Steps</h2><div class="wide"><table><thead><tr><th>step</th><th>rate</th><th>decision</th><th>seen</th></tr></thead>'
        f"<tbody>{steps}</tbody></table></div></body></html>\n"
    )
