"""What the alerts make of synthetic series, by real evaluation: all of them at once, in one or two processes of promtool."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seatrial.facts.alerts.evaluation import Case, Evaluated, Evaluation, Evaluations, Moment
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.alerts.rules import Rule, RuleFile
    from seatrial.facts.runtime import Runtime
    from seatrial.meanings.documented import Documents
    from seatrial.meanings.scenarios import Asked
    from seatrial.profile.alerting import Alerts, Meaning
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "PART", "RIGHTS", "look"]

PART = "evaluations"
NOUNS = ("alert", "evaluated_rules")
RIGHTS = {Tier.observe: "run promtool on files of our own, without a network"}
MOST_ALERTS = 2_000
"""Alerts of all files together that are evaluated."""
OF_TEXTS = ("below", "above", "timing")
"""What is asked where a meaning was read from texts: they don't say what is told apart."""


def look(session: Session, _runtime: Runtime | Missing, subject: Subject) -> Evaluations:
    """What was evaluated for one alert, or for one rule file."""
    everything = session.once("evaluations", lambda: _everything(session))
    found = everything.get(subject.id)
    if found is None:
        raise CouldNotLook(f"nothing was evaluated for {subject.id}")
    if isinstance(found, Missing):
        raise CouldNotLook(found.reason, right=found.right)
    return found


@dataclass(slots=True)
class _Task:
    """One alert, and what is asked of it."""

    subject: str
    evaluation: Evaluation
    asked: list[Asked]


def _everything(session: Session) -> dict[str, Evaluations | Missing]:
    from seatrial.drivers._promtool_tests import evaluate
    from seatrial.looks.rules import rule_files
    from seatrial.profile.nouns.alerts import alerts_of

    alerts = alerts_of(session.profile)
    if alerts is None:
        return {}
    files = rule_files(session)
    found: dict[str, Evaluations | Missing] = {}
    unread = [file for file in files.values() if isinstance(file, Missing)]
    read = {id: file for id, file in files.items() if not isinstance(file, Missing)}
    rules = [rule for file in read.values() for rule in file.rules]
    if len(rules) > MOST_ALERTS * 5 or sum(rule.kind == "alert" for rule in rules) > MOST_ALERTS:
        raise CouldNotLook(f"{len(rules)} rules are more than are evaluated in one run")
    documents, scrape = _documents(session, alerts), _scrape(session, alerts)
    tasks: list[_Task] = []
    for name, meaning in alerts.means.items():
        task = _declared(name, meaning, read, rules, documents, scrape)
        if unread and not task.evaluation.rules:
            found[f"alerts.{name}"] = unread[0]
        else:
            tasks.append(task)
    for id, file in files.items():
        if isinstance(file, Missing):
            found[id] = file
        else:
            tasks += _of_texts(id, file, alerts, rules, documents, scrape)
            left = tuple(dict.fromkeys(rule.name for rule in file.alerts if rule.name in alerts.means))
            found[id] = Evaluations((), left)
    asked = [each for task in tasks for each in task.asked]
    results = evaluate(session, rules, [each.scenario for each in asked])
    turn = iter(results)
    for task in tasks:
        cases = tuple(_case(each, next(turn), task.evaluation, alerts) for each in task.asked)
        evaluation = replace(task.evaluation, cases=cases)
        before = found.get(task.subject)
        if isinstance(before, Evaluations):
            found[task.subject] = replace(before, evaluations=(*before.evaluations, evaluation))
        else:
            found[task.subject] = Evaluations((evaluation,))
    return found


def _declared(
    name: str,
    meaning: Meaning,
    files: dict[str, RuleFile],
    rules: list[Rule],
    documents: Documents,
    scrape: float,
) -> _Task:
    """One alert whose meaning is declared."""
    from seatrial.meanings.telling import in_words

    file = next((file for file in files.values() if any(rule.name == name for rule in file.alerts)), None)
    own = tuple(rule for rule in rules if rule.kind == "alert" and rule.name == name)
    known = () if own else tuple(sorted({rule.name for rule in rules if rule.kind == "alert"}))
    evaluation = Evaluation(name, in_words(meaning), "declared", own, file.path if file else "", known)
    return _task(f"alerts.{name}", evaluation, meaning, rules, documents, scrape)


def _of_texts(
    id: str, file: RuleFile, alerts: Alerts, rules: list[Rule], documents: Documents, scrape: float
) -> list[_Task]:
    """The alerts of a file whose meaning is not declared, by what their texts say."""
    from seatrial.meanings.telling import in_words
    from seatrial.meanings.texts import Doubtful, read

    found: list[_Task] = []
    for rule in file.alerts:
        if rule.name in alerts.means:
            continue
        evaluation = Evaluation(rule.name, "", "texts", (rule,), file.path)
        if sum(other.name == rule.name and other.kind == "alert" for other in rules) > 1:
            found.append(_Task(id, replace(evaluation, undecided="several alerts have its name"), []))
            continue
        try:
            meaning = read(rule, documents)
        except Doubtful as why:
            found.append(_Task(id, replace(evaluation, undecided=str(why)), []))
            continue
        told = replace(evaluation, meaning=in_words(meaning))
        found.append(_task(id, told, meaning, rules, documents, scrape, spread=False))
    return found


def _task(
    subject: str,
    evaluation: Evaluation,
    meaning: Meaning,
    rules: list[Rule],
    documents: Documents,
    scrape: float,
    *,
    spread: bool = True,
) -> _Task:
    from seatrial.drivers._promtool_tests import needed
    from seatrial.meanings.quantities import Unsupported
    from seatrial.meanings.scenarios import asked

    if not evaluation.rules:
        return _Task(subject, evaluation, [])
    try:
        found = asked(
            evaluation.alert, meaning, needed(rules, evaluation.alert), documents, scrape=scrape, spread=spread
        )
    except Unsupported as why:
        return _Task(subject, replace(evaluation, undecided=str(why)), [])
    if not spread:
        found = [each for each in found if any(e.kind in OF_TEXTS for e in each.case.expected)]
    return _Task(subject, evaluation, found)


def _case(each: Asked, result: Evaluated | Missing, evaluation: Evaluation, alerts: Alerts) -> Case:
    """A case with what came of it. Of several alerts with one name, the one of the declared severity is meant."""
    meaning = alerts.means.get(evaluation.alert)
    severity = meaning.severity if meaning is not None else None
    same = [rule for rule in evaluation.rules if severity and rule.labels.get("severity") == severity]
    if len(evaluation.rules) > 1 and same and not isinstance(result, Missing):
        result = Evaluated(
            tuple(
                Moment(m.at, tuple(i for i in m.instances if i.labels.get("severity") == severity))
                for m in result.moments
            ),
            tuple(b for b in result.began if b.labels.get("severity") == severity),
        )
    return replace(each.case, evaluated=result)


def _documents(session: Session, alerts: Alerts) -> Documents:
    from seatrial.looks.catalogs import catalog
    from seatrial.meanings.documented import Documents

    found = None
    if alerts.prometheus is not None or any(service.metrics for service in session.profile.services.values()):
        found = catalog(session)
    return Documents(session.profile, alerts.means, None if isinstance(found, Missing) else found)


def _scrape(session: Session, alerts: Alerts) -> float:
    """Seconds between two samples; 0 where nobody says."""
    if alerts.scrape_interval is not None:
        return alerts.scrape_interval.seconds
    if alerts.prometheus is None:
        return 0.0
    from seatrial.looks.monitoring import monitoring

    seen = monitoring(session)
    if isinstance(seen, Missing) or isinstance(seen.interval, Missing):
        return 0.0
    return seen.interval
