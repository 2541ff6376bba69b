"""Loads and what came of their objectives, as a reader sees them: drawn from the profile and the facts of a run.

Verdicts are those of the judged facts; here numbers are only put in order, so that they can be drawn and written down. Quantiles
are of whole histograms; what is made coarser for a picture is not told as a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from seatrial.record import LoadTold, ObjectiveTold, SpanTold, StreamTold
from seatrial.words import CouldNotLook, Duration, Missing

if TYPE_CHECKING:
    from seatrial.facts.experiment import Timeline
    from seatrial.facts.loads.run import Generator, LoadRun, Planned, Second, Stream
    from seatrial.record import Experiment
    from seatrial.trial import Trial

__all__ = ["QUANTILES", "load_told", "objectives_told"]

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999, 1.0)
MOST_SPANS = 240
"""Points of a series that are drawn; of a longer load several seconds are one point, with quantiles of their joined requests."""
A_DECADE = 12
"""Bars of a histogram to each power of ten."""
MOST_REPLICAS = 8
NOUNS = ("latency_objective", "error_objective", "throughput_objective", "growth_objective")
_ROW = tuple(field.name for field in fields(ObjectiveTold))


def objectives_told(trial: Trial, experiment: Callable[[Timeline], Experiment]) -> tuple[LoadTold, ...]:
    """The loads of a run, in the order the profile declares them; none where none was to be made.

    Args:
        trial: the run.
        experiment: how a timeline is told.
    """
    loads = trial.observations.loads if trial.observations else {}
    found = []
    for name, made in loads.items():
        if isinstance(made, Missing):
            slo = trial.profile.slos.get(name.partition(".")[2]) if isinstance(trial.profile.slos, dict) else None
            found.append(LoadTold(name, slo.service if slo else "", missing=trial.mask(made.reason)))
            continue
        try:
            found.append(load_told(made, tuple(_rows(trial, made)), trial.mask, experiment))
        except (CouldNotLook, ImportError, ValueError) as why:
            reason = why.reason if isinstance(why, CouldNotLook) else f"its numbers can't be read: {why}"
            found.append(LoadTold(name, made.service, missing=trial.mask(reason)))
    return tuple(found)


def _rows(trial: Trial, made: LoadRun) -> Iterator[ObjectiveTold]:
    """What is promised under a load, and what came of it."""
    from seatrial.facts.loads.judging import judged
    from seatrial.profile.nouns.objectives import NOUNS as OBJECTIVES

    for noun in NOUNS:
        for subject in OBJECTIVES[noun].find(trial.profile):
            if f"slos.{subject.path[1]}" != made.slo:
                continue
            try:
                told = judged(subject, made, trial.profile).told
            except CouldNotLook as why:
                yield _unseen(subject.id, subject.path, noun, made, trial.mask(why.reason), subject.proposed)
                continue
            row: dict[str, Any] = {name: getattr(told, name) for name in _ROW}
            yield ObjectiveTold(**{**row, "why": trial.mask(told.why), "what": trial.mask(told.what)})


def _unseen(id: str, path: tuple[str | int, ...], noun: str, made: LoadRun, why: str, proposed: bool) -> ObjectiveTold:
    from seatrial.facts.loads.judged import hardware_line

    endpoint = str(path[3]) if len(path) > 3 and path[2] == "endpoints" else ""
    kind = {"latency_objective": "latency", "error_objective": "errors", "throughput_objective": "throughput"}.get(
        noun, "growth"
    )
    name = str(path[-1]) if kind == "latency" else kind
    return ObjectiveTold(
        id, f"{name} of {endpoint or 'all requests'}", kind, endpoint, 0.0, "seconds", None, None, None, None, "", 0,
        made.planned.loop, made.planned.by_locust, hardware_line(made), "undecided", why, proposed,
    )  # fmt: skip


def load_told(
    made: LoadRun,
    rows: tuple[ObjectiveTold, ...],
    mask: Callable[[str], str],
    experiment: Callable[[Timeline], Experiment],
) -> LoadTold:
    """One load.

    Raises:
        CouldNotLook: what reads histograms is not installed.
        ValueError: a histogram is none.
    """
    from seatrial.facts.loads.judged import hardware_line

    planned = made.planned
    begin, end = planned.judged_from, planned.judged_from + planned.duration
    memory = () if isinstance(made.memory, Missing) else made.memory[:MOST_REPLICAS]
    return LoadTold(
        name=made.slo,
        service=made.service,
        what=mask(planned.what),
        loop=planned.loop,
        by_locust=planned.by_locust,
        asked=tuple(_asked(planned)),
        began=made.began,
        warm_from=planned.ramp,
        judged_from=begin,
        judged_until=min(end, made.seconds) if made.stopped else end,
        seconds=made.seconds,
        stopped=mask(made.stopped),
        hardware=hardware_line(made),
        objectives=rows,
        streams=tuple(_stream(each, begin, end, mask) for each in made.streams),
        generator=tuple(_generator(made)),
        lag=_bars(_decoded([made.generator.lag])),
        memory=tuple((mask(each.replica), _thinned(each.samples)) for each in memory),
        watched=None if isinstance(made.watched, Missing) else experiment(made.watched),
        notes=tuple(_notes(made, mask)),
        log=tuple(
            (float(second.at), 1.0, mask(stream.name), second.latency)
            for stream in made.streams
            for second in stream.seconds
            if second.latency
        ),
    )


def _asked(planned: Planned) -> Iterator[tuple[str, str]]:
    """What was asked of the load, in words."""
    if planned.loop == "open":
        yield "rate", f"{planned.rate:g}/s, {planned.arrivals} arrivals"
        yield "loop", "open: requests begin when they are due, whether or not earlier ones were answered"
    else:
        yield "users", f"{planned.users}"
        yield "loop", "closed: each user waits for its answer before it asks again, and stalls hide in it"
    yield "ramp", _span(planned.ramp)
    yield "warm up", _span(planned.warm_up)
    yield "judged", _span(planned.duration)
    yield "given up after", _span(planned.timeout)
    yield "processes", f"{planned.processes}"
    if planned.by_locust:
        yield "timed by", "Locust's own client, from when each request was sent"


def _span(seconds: float) -> str:
    return str(Duration(round(seconds, 3))) if seconds else "none"


def _decoded(texts: Iterable[str]) -> tuple[Any, Any]:
    """Values in microseconds, rising, and how often each was seen, of all these histograms together."""
    import numpy as np

    from seatrial.latency.histograms import sparse

    pairs = [sparse(text) for text in texts if text]
    if not pairs:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    if len(pairs) == 1:
        return pairs[0]
    values, places = np.unique(np.concatenate([values for values, _ in pairs]), return_inverse=True)
    counted = np.bincount(places, weights=np.concatenate([counts for _, counts in pairs]), minlength=len(values))
    return values, np.rint(counted).astype(np.int64)


def _quantiles(of: tuple[Any, Any], wanted: Iterable[float]) -> list[float]:
    """Each in seconds; none of nothing."""
    import numpy as np

    from seatrial.latency.histograms import rank

    values, counts = of
    if not len(values):
        return []
    reached = np.cumsum(counts)
    return [float(values[int(np.searchsorted(reached, rank(int(reached[-1]), q)))]) / 1e6 for q in wanted]


def _bars(of: tuple[Any, Any]) -> tuple[tuple[float, float, int], ...]:
    """As bars that are equally wide on a log scale."""
    import numpy as np

    values, counts = of
    if not len(values):
        return ()
    places = np.floor(np.log10(np.maximum(values, 1)) * A_DECADE + 1e-9).astype(np.int64)
    first = int(places[0])
    sums = np.bincount(places - first, weights=counts)
    return tuple(
        (10 ** ((first + n) / A_DECADE) / 1e6, 10 ** ((first + n + 1) / A_DECADE) / 1e6, round(float(count)))
        for n, count in enumerate(sums)
        if count
    )


def _stream(stream: Stream, begin: float, end: float, mask: Callable[[str], str]) -> StreamTold:
    counted = [one for one in stream.seconds if one.at >= begin - 1e-6 and one.at + 1 <= end + 0.5]
    whole = _decoded(one.latency for one in counted)
    total = int(whole[1].sum())
    # A quantile beyond the last request but one is that of one request, and says nothing.
    wanted = [q for q in QUANTILES if q == 1.0 or total * (1 - q) >= 1 - 1e-9]
    return StreamTold(
        name=mask(stream.name),
        right=sum(one.right for one in counted),
        failed=sum(one.failed for one in counted),
        offered=sum(one.offered for one in counted),
        quantiles=tuple(zip(wanted, _quantiles(whole, wanted), strict=False)),
        bars=_bars(whole),
        spans=tuple(_spans(stream.seconds)),
        errors=tuple((mask(kind), count) for kind, count in sorted(stream.errors.items(), key=lambda one: -one[1])),
    )


def _spans(seconds: tuple[Second, ...]) -> Iterator[SpanTold]:
    """The series: each second a point, or so many that there are not too many points."""
    if not seconds:
        return
    step = max(1, math.ceil((seconds[-1].at + 1 - seconds[0].at) / MOST_SPANS))
    groups: dict[int, list[Second]] = {}
    for second in seconds:
        groups.setdefault(second.at // step, []).append(second)
    for number, group in groups.items():
        p50, p95, most = _quantiles(_decoded(one.latency for one in group), (0.5, 0.95, 1.0)) or (None, None, None)
        yield SpanTold(
            at=float(number * step),
            seconds=float(step),
            offered=sum(one.offered for one in group),
            right=sum(one.right for one in group),
            failed=sum(one.failed for one in group),
            p50=p50,
            p95=p95,
            most=most,
        )


def _thinned(samples: tuple[tuple[float, int], ...]) -> tuple[tuple[float, int], ...]:
    """As many as can be drawn; of each stretch the largest, and the last of all."""
    step = math.ceil(len(samples) / MOST_SPANS) or 1
    groups = [samples[at : at + step] for at in range(0, len(samples), step)]
    thinned = [max(group, key=lambda one: one[1]) for group in groups]
    return (*thinned[:-1], samples[-1]) if thinned and step > 1 else tuple(samples)


def _generator(made: LoadRun) -> Iterator[tuple[str, str]]:
    """What is known of what made the load, and of the machine meanwhile."""
    from seatrial.facts.loads.judged import time_text
    from seatrial.latency.verdicts import noise

    generator: Generator = made.generator
    attested = made.attested
    yield "made by", f"{generator.version}, {generator.joined} process{'es' if generator.joined != 1 else ''}"
    if lag := _quantiles(_decoded([generator.lag]), (0.5, 0.99, 1.0)):
        yield "dispatch lag", f"p50 {time_text(lag[0])}, p99 {time_text(lag[1])}, most {time_text(lag[2])}"
    if generator.busy:
        yield "busy", f"{', '.join(f'{100 * share:.0f}%' for share in generator.busy)} of a core"
    ceiling = generator.ceiling
    yield (
        "ceiling",
        f"not calibrated: {ceiling.reason}" if isinstance(ceiling, Missing) else f"{ceiling:,.0f}/s of each process",
    )
    yield "connections", f"{generator.connections:,} at most; {generator.waited:,} requests waited for one"
    if generator.unread:
        yield "answers lay unread", f"p99 {time_text(generator.unread)}"
    if generator.repeated:
        yield "sent again", f"{generator.repeated:,} requests, whose kept connection the target had closed"
    if generator.lost:
        yield "lost", f"{generator.lost} workers"
    same = attested.same
    where = f"not known: {same.reason}" if isinstance(same, Missing) else "the same" if same else "another"
    yield "target's machine", where
    if any(attested.reference):
        yield "quiet", f"the same work took up to {noise(*attested.reference):.2f} times as long as at best"
    if not isinstance(attested.stolen, Missing):
        yield "stolen by a hypervisor", f"{100 * attested.stolen:.2g}% of processor time"


def _notes(made: LoadRun, mask: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """What could not be seen, and what else was noted."""
    if isinstance(made.watched, Missing):
        yield "probes", f"not watched: {mask(made.watched.reason)}"
    if isinstance(made.memory, Missing):
        yield "memory", f"not watched: {mask(made.memory.reason)}"
    elif len(made.memory) > MOST_REPLICAS:
        yield "memory", f"{len(made.memory) - MOST_REPLICAS} more replicas are in facts.json alone"
    yield from ((name, mask(text)) for name, text in list(made.notes.items())[:20])
