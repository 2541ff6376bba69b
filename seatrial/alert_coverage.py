"""What is told by alerts, and how far each alert has come: drawn from the profile, the facts and the checks of a run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from seatrial.outcomes import Outcome
from seatrial.record import AlertCoverage, AlertTold, FailureTold, Rung
from seatrial.words import Missing

if TYPE_CHECKING:
    from seatrial.facts.alerts.rules import Rule, RuleFile
    from seatrial.profile.alerting import Alerts
    from seatrial.record import Check
    from seatrial.trial import Trial

__all__ = ["alert_coverage"]

# Which requirements are about how far an alert has come, by their numbers.
RUNGS = {"loads": range(1, 15), "refers": range(20, 40), "fires": range(40, 50), "arrives": (18, *range(60, 70))}
# Without which the others say nothing of it: that a server is well configured is no alert that came through it.
NEEDS = {"arrives": "ALR-061"}
UNWATCHED = "ALR-059"
_WORD = re.compile(r"[\w:]*\w")


def alert_coverage(trial: Trial, checks: Iterable[Check]) -> AlertCoverage | None:
    """The alerts of a run; None where the profile declares none."""
    from seatrial.profile.nouns.alerts import alerts_of

    declared = alerts_of(trial.profile)
    if declared is None:
        return None
    ours = [check for check in checks if check.area == "alerts"]
    if not ours:
        return None
    files = trial.observations.rules if trial.observations else {}
    read = [(id, file) for id, file in files.items() if not isinstance(file, Missing)]
    there = [(id, file, rule) for id, file in read for rule in file.alerts]
    failures = {failure: _several(names) for failure, names in declared.covers.items()}
    names = _by_name(rule for _, file in read for rule in file.rules)
    named = {rung: [check for check in ours if int(check.id[4:]) in numbers] for rung, numbers in RUNGS.items()}
    odd = [name for name in names if not _WORD.fullmatch(name)]
    broken = {id(check): _named(check, names, odd) for check in ours if check.raw is Outcome.violation}
    known = {*(rule.name for _, _, rule in there), *_loaded(trial)}
    unread = tuple(_unread(trial, files)) or (() if files or known else ("no rule was looked at",))
    told = tuple(_told(trial, declared, failures, each, named, broken) for each in there)
    return AlertCoverage(
        failures=tuple(
            FailureTold(name, alerts, _state(alerts, known, told, unread)) for name, alerts in failures.items()
        ),
        alerts=told,
        unread=unread,
        missing=() if unread else tuple(name for name in _asked(declared, failures) if name not in known),
        silent_services=tuple(
            check.subject.removesuffix(".metrics")
            for check in ours
            if check.id == UNWATCHED and check.raw in (Outcome.violation, Outcome.advisory)
        ),
    )


def _several(names: str | list[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _by_name(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        found.setdefault(rule.name, []).append(rule)
    return found


def _loaded(trial: Trial) -> list[str]:
    """Names of the alerts that a running Prometheus has."""
    servers = trial.observations.monitoring.values() if trial.observations else ()
    rules = [each.rules for each in servers if not isinstance(each, Missing)]
    return [rule.name for each in rules if not isinstance(each, Missing) for rule in each if rule.kind == "alert"]


def _unread(trial: Trial, files: Mapping[str, RuleFile | Missing]) -> Iterator[str]:
    """What could not be read of the rules, and why."""
    for id, file in files.items():
        if isinstance(file, Missing):
            yield f"{id}: {trial.mask(file.reason)}"
        elif file.problems and not file.groups:
            yield f"{id}: {trial.mask(file.problems[0].text)}"


def _asked(declared: Alerts, failures: Mapping[str, tuple[str, ...]]) -> dict[str, None]:
    """The alerts that the profile names for failures and objectives."""
    named = (*failures.values(), *map(_several, declared.objectives.values()))
    return dict.fromkeys(name for each in named for name in each)


def _state(alerts: Iterable[str], known: set[str], told: Iterable[AlertTold], unread: tuple[str, ...]) -> str:
    """Whether one of the alerts tells: it is there, and gets as far as was looked."""
    there = known.intersection(alerts)
    ways = [{rung.state for rung in each.rungs} for each in told if each.name in there]
    ways += [set() for name in there if not any(each.name == name for each in told)]  # the server alone has it
    open_ = [way for way in ways if "no" not in way]
    if any("unknown" not in way for way in open_):
        return "yes"
    return "unknown" if open_ or unread else "no"


def _told(
    trial: Trial,
    declared: Alerts,
    failures: Mapping[str, tuple[str, ...]],
    alert: tuple[str, RuleFile, Rule],
    named: Mapping[str, list[Check]],
    broken: Mapping[int, tuple[frozenset[str], bool]],
) -> AlertTold:
    subject, file, rule = alert
    texts = _evaluated(trial, subject, rule.name)
    return AlertTold(
        name=trial.mask(rule.name),
        group=trial.mask(rule.group),
        file=file.path,
        failures=tuple(failure for failure, names in failures.items() if rule.name in names),
        objectives=tuple(name for name, names in declared.objectives.items() if rule.name in _several(names)),
        rungs=tuple(_rung(name, [c for c in checks if _about(c, subject, rule)], rule, broken, texts) for name, checks in named.items()),
    )  # fmt: skip


def _about(check: Check, subject: str, rule: Rule) -> bool:
    """Whether a check looked at this alert: at its file, at it by name, or at a server that all alerts pass."""
    if check.subject.startswith("alerts."):
        meant = check.subject.removeprefix("alerts.")
        return meant in ("prometheus", "alertmanager", "test_receiver", "delivery", rule.name)
    return check.subject == subject


def _named(check: Check, names: Mapping[str, list[Rule]], odd: list[str]) -> tuple[frozenset[str], bool]:
    """The ids of the rules that were seen to be wrong (``group/name``, or the name alone), and whether a line names none."""
    found: set[str] = set()
    whole = not check.seen
    for line in check.seen:
        words = set(_WORD.findall(line)) & names.keys() | {name for name in odd if name in line}
        rules = [rule for word in words for rule in names[word]]
        found |= {rule.id for rule in rules if rule.id in line} or {rule.id for rule in rules}
        whole = whole or not rules
    return frozenset(found), whole


def _evaluated(trial: Trial, subject: str, name: str) -> str:
    """What came of the evaluation of one alert by what its own texts say: ``yes``, ``unknown``, or nothing."""
    facts = trial.observations.evaluations.get(subject) if trial.observations else None
    if facts is None or isinstance(facts, Missing):
        return ""
    own = next((each for each in facts.evaluations if each.alert == name), None)
    return "" if own is None or name in facts.left else "unknown" if own.undecided else "yes"


def _rung(
    name: str, checks: list[Check], rule: Rule, broken: Mapping[int, tuple[frozenset[str], bool]], texts: str
) -> Rung:
    """How far it has come: a MUST that is broken, of it or of no alert in particular, keeps it from there.

    Args:
        texts: what came of its evaluation by its own texts, of which one check tells for all alerts of a file.
    """
    states: dict[str, list[str]] = {"no": [], "unknown": [], "yes": []}
    for check in checks:
        if name == "fires" and not check.subject.startswith("alerts."):
            if not texts:
                continue
            if check.raw is Outcome.error or texts == "unknown":
                states[texts].append(check.id)
                continue
        if check.raw is Outcome.violation:
            ids, whole = broken[id(check)]
            mine = whole or rule.id in ids or check.subject == f"alerts.{rule.name}"
            states["no" if mine else "yes"].append(check.id)
        elif check.raw is Outcome.error:
            states["unknown"].append(check.id)
        elif check.raw in (Outcome.passed, Outcome.advisory):
            states["yes"].append(check.id)
    state = next((state for state, ids in states.items() if ids), "unasked")
    if state == "yes" and NEEDS.get(name, states["yes"][0]) not in states["yes"]:
        state = "unasked"
    return Rung(name, state, tuple(dict.fromkeys(states.get(state, ()))))
