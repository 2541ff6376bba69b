"""What the alerts make of it when the targets of a job go down, or vanish: the rules are evaluated over just that.

Nothing is done to a target. Its series are made from what the running Prometheus says of it: while all is well `up` is 1; then it
is 0 and everything else of the target is gone, as after a failed scrape; or all of it is gone, as when it left the discovery.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.outcomes import Tier
from seatrial.words import Duration, Missing, seen

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.alerts.coverage import Trying, Vanishing
    from seatrial.facts.alerts.evaluation import Evaluated, Scenario
    from seatrial.facts.alerts.monitoring import ScrapeTarget
    from seatrial.facts.alerts.rules import Rule
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.subjects import Subject
    from seatrial.promql.selecting import Selector

__all__ = ["NOUNS", "PART", "RIGHTS", "look", "tried"]

PART = "vanishing"
NOUNS = ("watched_jobs",)
RIGHTS = {Tier.observe: "run promtool on files of our own, without a network"}
MOST_JOBS = 100
MOST_TARGETS = 5
"""Of one job; a hundred that are down together are told no differently from five."""
MOST_ALERTS = 20
"""That are tried for one job, those first whose expression is shortest."""
LONGEST = 26 * 3600.0
"""Seconds that are evaluated before and after; what takes longer to tell is not decided."""
MOST_RECORDS = 200
"""Recording rules that are followed for one alert."""
STEP = 60.0
LEAST = 600.0


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An alert that looks at the health of targets, or at what is absent."""

    rule: Rule
    selectors: tuple[Selector, ...]
    longest: float
    """Seconds of its longest range."""

    @property
    def takes(self) -> float:
        """Seconds after which it has surely told, if it tells at all."""
        return self.rule.lasting + self.longest + 2 * LEAST


def look(session: Session, _runtime: Runtime | Missing, _subject: Subject) -> Vanishing:
    """Every job of the running Prometheus."""
    from seatrial.looks.monitoring import monitoring
    from seatrial.looks.rules import rule_files

    targets = seen(seen(monitoring(session)).targets)
    rules = [rule for file in rule_files(session).values() for rule in seen(file).rules]
    return tried(session, rules, targets, _exposed(session))


def _exposed(session: Session) -> dict[str, frozenset[str]]:
    """By the name of a series, the jobs that expose it."""
    from seatrial.looks.catalogs import catalog

    found = catalog(session)
    exposed: dict[str, frozenset[str]] = {}
    for metric in () if isinstance(found, Missing) else found.metrics:
        label = metric.label("job")
        for name in (metric.name, *metric.samples):
            exposed[name] = exposed.get(name, frozenset()) | frozenset(label.values if label else ())
    return exposed


def tried(
    session: Session, rules: Sequence[Rule], targets: Sequence[ScrapeTarget], exposed: Mapping[str, frozenset[str]]
) -> Vanishing:
    """What these rules make of these targets' end; `exposed` tells which jobs have which series."""
    from seatrial.drivers._promtool_tests import evaluate
    from seatrial.facts.alerts.coverage import JobWatched, Vanishing

    by_job: dict[str, list[ScrapeTarget]] = {}
    for target in targets:
        by_job.setdefault(target.job, []).append(target)
    found = list(_candidates(rules))
    late = [each for each in found if each.takes > LONGEST]
    candidates = [each for each in found if each.takes <= LONGEST]
    made: list[tuple[str, bool, _Candidate, Scenario, float]] = []
    within: dict[str, float] = {}
    for job, its in list(by_job.items())[:MOST_JOBS]:
        chosen = [each for each in candidates if _about(each, its)][:MOST_ALERTS]
        before = min(LONGEST, max([each.longest for each in chosen], default=0.0) + LEAST)
        after = max([each.rule.lasting + each.longest for each in chosen], default=0.0) + LEAST + 300.0
        within[job] = min(LONGEST, after)
        for gone in (False, True):
            made += [
                (job, gone, each, _scenario(job, by_job, each, gone, before, within[job], exposed), before)
                for each in chosen
            ]
    results = evaluate(session, rules, [scenario for _, _, _, scenario, _ in made]) if made else []
    told: dict[tuple[str, bool], list[Trying | Missing]] = {}
    for job, its in by_job.items():
        for each in (each for each in late if job in within and _about(each, its)):
            too_late = Missing(f"{each.rule.id} takes longer than {Duration(LONGEST)} to tell")
            told.setdefault((job, False), []).append(too_late)
            told.setdefault((job, True), []).append(too_late)
    for (job, gone, candidate, _, before), result in zip(made, results, strict=True):
        told.setdefault((job, gone), []).append(_trying(candidate, result, before))
    return Vanishing(
        tuple(
            JobWatched(job, len(by_job[job]), within[job], _all(told.get((job, False))), _all(told.get((job, True))))
            for job in within
        ),
        max(0, len(by_job) - MOST_JOBS),
    )


def _all(tried: list[Trying | Missing] | None) -> tuple[Trying, ...] | Missing:
    """What was tried. What could not be evaluated is only of weight where nothing else tells."""
    found = tuple(each for each in tried or () if not isinstance(each, Missing))
    missing = [each for each in tried or () if isinstance(each, Missing)]
    return missing[0] if missing and not any(each.tells for each in found) else found


def _trying(candidate: _Candidate, result: Evaluated | Missing, before: float) -> Trying | Missing:
    from seatrial.facts.alerts.coverage import Trying

    if isinstance(result, Missing):
        return Missing(f"{candidate.rule.id}: {result.reason}", result.right)
    fired = [each.at - before for each in result.began if each.state == "firing" and each.at >= before]
    return Trying(candidate.rule.id, result.moments[0].state, min(fired, default=None))


def _candidates(rules: Sequence[Rule]) -> Iterator[_Candidate]:
    """The alerts that may tell of a target's end, by what they and their recording rules read, the shortest first."""
    records: dict[str, list[str]] = {}
    for rule in rules:
        if rule.kind == "record":
            records.setdefault(rule.name, []).append(rule.expr)
    for rule in sorted((rule for rule in rules if rule.kind == "alert"), key=lambda rule: len(rule.expr)):
        found, longest = _read(rule.expr, records)
        if any(each.metric in ("up", "") or _absent(each) for each in found):
            yield _Candidate(rule, tuple(found), longest)


def _read(text: str, records: Mapping[str, Sequence[str]]) -> tuple[list[Selector], float]:
    """The selectors of an expression and of what was recorded for it, and the longest range in them."""
    from seatrial.promql.nodes import Series, Subquery, walk
    from seatrial.promql.reading import Unreadable, parse, selectors

    found: list[Selector] = []
    longest = 0.0
    waiting, done = [text], {text}
    while waiting and len(done) < MOST_RECORDS:
        try:
            expression = parse(waiting.pop())
        except Unreadable:
            continue
        own = selectors(expression)
        found += own
        spans = [node.range or 0.0 for node in walk(expression.root) if isinstance(node, Series | Subquery)]
        longest = max([longest, *spans])
        more = {expr for each in own for expr in records.get(each.metric, ())} - done
        done |= more
        waiting += sorted(more)
    return found, longest


def _absent(selector: Selector) -> bool:
    return not {"absent", "absent_over_time"}.isdisjoint(selector.calls)


def _about(candidate: _Candidate, targets: Sequence[ScrapeTarget]) -> bool:
    """Whether an alert may be about some of these targets."""
    from seatrial.facts.alerts.coverage_services import matches

    return any(
        (each.metric in ("up", "") or _absent(each))
        and any(matches(each.matchers, target.labels) for target in targets)
        for each in candidate.selectors
    )


def _scenario(
    job: str,
    by_job: dict[str, list[ScrapeTarget]],
    candidate: _Candidate,
    gone: bool,
    before: float,
    after: float,
    exposed: Mapping[str, frozenset[str]],
) -> Scenario:
    """All is well for a time; then the targets of one job are down or gone."""
    from seatrial.facts.alerts.evaluation import Scenario

    well, ill = int(before / STEP), int(after / STEP)
    series: dict[str, str] = {}
    # An alert that names its job is not moved by the others; one that counts over all of them is.
    named = all(any(name == "job" and op == "=" for name, op, _ in each.matchers) for each in candidate.selectors)
    for other, targets in [(job, by_job[job])] if named else by_job.items():
        for target in targets[:MOST_TARGETS] if other == job else targets[:1]:
            ends = "stale" if gone else f"0x{ill}"
            series[_series("up", target.labels)] = f"1x{well - 1} {ends}" if other == job else f"1x{well + ill}"
    for target in by_job[job][:MOST_TARGETS]:
        for selector in candidate.selectors:
            if made := _made(selector, target, exposed):
                series.setdefault(made, f"1x{well - 1} stale")
    return Scenario(
        f"{job} {'gone' if gone else 'down'}",
        tuple(series.items()),
        STEP,
        ((well - 1) * STEP, (well + ill) * STEP),
        candidate.rule.name,
    )


def _made(selector: Selector, target: ScrapeTarget, exposed: Mapping[str, frozenset[str]]) -> str:
    """A series of the target that a selector would find; nothing where it can't be one of this target."""
    from seatrial.facts.alerts.coverage_services import matches

    if not selector.metric or selector.metric == "up" or not matches(selector.matchers, target.labels):
        return ""
    if ("job", "=", target.job) not in selector.matchers and target.job not in exposed.get(selector.metric, ()):
        return ""  # another job may well have it
    own = {name: value for name, op, value in selector.matchers if op == "=" and name not in target.labels}
    if any(op != "=" and name not in target.labels for name, op, _ in selector.matchers):
        return ""
    return _series(selector.metric, {**own, **target.labels})


def _series(metric: str, labels: dict[str, str]) -> str:
    pairs = ",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in sorted(labels.items()))
    return f"{metric}{{{pairs}}}"
