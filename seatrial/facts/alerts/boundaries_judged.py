"""One alert held against what it is meant to tell: by real evaluation of series that are just so, and just not so."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.facts.alerts.evaluation import Case, Evaluated, Evaluation, Evaluations, Expected, Moment
from seatrial.facts.alerts.rules import Rule, located
from seatrial.words import CouldNotLook, Finding, seen

__all__ = ["JudgedAlert", "JudgedRules"]

_STATES = {"inactive": "silent", "pending": "still pending", "firing": "firing"}


def _time(seconds: float) -> str:
    """Seconds as rules have them: ``7m30s``."""
    whole, told = round(seconds), ""
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        count, whole = divmod(whole, size)
        told += f"{count}{unit}" if count else ""
    return told or "0s"


@dataclass(frozen=True, slots=True)
class _Asked:
    """One moment of one case: what was meant, and what was seen."""

    case: Case
    evaluated: Evaluated
    expected: Expected
    moment: Moment


@dataclass(frozen=True, slots=True)
class _Judged:
    """What both nouns share: an evaluation, and findings about it."""

    evaluation: Evaluation

    @property
    def where(self) -> str:
        """File, line, and the rule."""
        rule = self.evaluation.rules[0] if self.evaluation.rules else None
        if rule is None:
            return self.evaluation.alert
        return located(self.evaluation.file, rule.line, name=rule.id)

    def asked(self, *kinds: str) -> list[_Asked]:
        """Every moment of these kinds.

        Raises:
            CouldNotLook: nothing was evaluated, and why.
        """
        if not self.evaluation.rules:
            raise CouldNotLook(f"there is no alert {self.evaluation.alert} to evaluate")
        if self.evaluation.undecided:
            raise CouldNotLook(f"could not decide {self.evaluation.alert}: {self.evaluation.undecided}")
        found = []
        for case in self.evaluation.cases:
            for expected in case.expected:
                if expected.kind in kinds:
                    evaluated = seen(case.evaluated)
                    moment = next(each for each in evaluated.moments if each.at == expected.at)
                    found.append(_Asked(case, evaluated, expected, moment))
        if not found:
            raise CouldNotLook(f"no series could be made that would show it of {self.evaluation.alert}")
        return found

    def told(self, seen: str, expected: str) -> Finding:
        """A finding about the rule."""
        return Finding(self.where, seen, expected)

    def silent(self) -> Iterator[Finding]:
        """Where it should have fired, and did not."""
        for each in self.asked("above"):
            if each.moment.state != "firing":
                state = _STATES[each.moment.state]
                yield self.told(f"{state} although {each.expected.told}", f"firing by {_time(each.expected.at)}")

    def loud(self, *kinds: str) -> Iterator[Finding]:
        """Where it should have been silent, and fired."""
        for each in self.asked(*kinds):
            if each.expected.state == "inactive" and (fired := self.fired(each)):
                yield self.told(f"{fired} although {each.expected.told}", "silent")

    def fired(self, each: _Asked) -> str:
        """How it fired up to that moment; empty when it did not."""
        first = each.evaluated.first("firing")
        if first is not None and first <= each.expected.at:
            return f"fired after {_time(first)}"
        if each.moment.state == "inactive":
            return ""
        return f"{_STATES[each.moment.state]} at {_time(each.expected.at)}"

    def waits(self, exactly: bool) -> Iterator[Finding]:
        """Where it waited longer or shorter than it should before it fired."""
        for each in self.asked("timing"):
            wanted = each.case.lasting
            first = min((b for b in each.evaluated.began if b.state == "firing"), key=lambda b: b.at, default=None)
            if wanted is None or first is None:
                raise CouldNotLook(f"{self.evaluation.alert} did not fire, so that it is not known how long it waits")
            pending = [b.at for b in each.evaluated.began if b.state == "pending" and b.labels == first.labels]
            waited = first.at - min(pending, default=first.at)
            stated = {rule.lasting for rule in self.evaluation.rules}
            steps = math.ceil(wanted / each.case.interval - 1e-9) * each.case.interval
            if abs(waited - steps) > 1e-6 or (exactly and wanted not in stated):
                written = ", ".join(_time(value) for value in sorted(stated))
                yield self.told(
                    f"fired {_time(waited)} after its expression was first true (`for: {written}`) while {each.expected.told}",
                    f"after {_time(wanted)}",
                )


def _once(found: Iterator[Finding]) -> list[Finding]:
    return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class JudgedAlert:
    """One alert whose meaning is declared."""

    id: str
    evaluation: Evaluation
    severity: str | None = None
    """As declared."""
    differing: tuple[tuple[Rule, str, str], ...] = ()
    """A rule, what its text says, and what is declared instead."""

    @property
    def _judged(self) -> _Judged:
        return _Judged(self.evaluation)

    @property
    def missing(self) -> list[Finding]:
        """That no rule has this name."""
        if self.evaluation.rules:
            return []
        near = difflib.get_close_matches(self.evaluation.alert, self.evaluation.known, n=1, cutoff=0.6)
        others = f"; there is {near[0]}" if near else f"; there are {len(self.evaluation.known)} others"
        return [
            Finding(f"alerts.means.{self.evaluation.alert}", f"no rule of that name{others}", "an alert of that name")
        ]

    @property
    def rings_below(self) -> list[Finding]:
        """Where it fired although what it means was not so."""
        return _once(self._judged.loud("below"))

    @property
    def silent_above(self) -> list[Finding]:
        """Where it did not fire although what it means was so, long enough."""
        return _once(self._judged.silent())

    @property
    def waits_otherwise(self) -> list[Finding]:
        """Where it waited for another time than declared."""
        return _once(self._judged.waits(exactly=True))

    @property
    def rings_on(self) -> list[Finding]:
        """Where it did not resolve once it was over."""
        found = []
        for each in self._judged.asked("resolves"):
            if each.evaluated.first("firing") is None:
                raise CouldNotLook(f"{self.evaluation.alert} did not fire, so that it had nothing to resolve")
            if each.moment.state != "inactive":
                found.append(
                    self._judged.told(f"{_STATES[each.moment.state]} although {each.expected.told}", "resolved")
                )
        return found

    @property
    def mixed_up(self) -> list[Finding]:
        """Where another number of alerts fired than there were things to tell of, or with other labels."""
        return _once(self._mixed())

    def _mixed(self) -> Iterator[Finding]:
        silent = 0
        asked = self._judged.asked("each")
        below = any(self._judged.loud("below"))  # what rings below rings for its parts and for others, too
        for each in asked:
            firing = [i.labels for i in each.moment.instances if i.state == "firing"]
            if each.expected.state == "inactive":
                if not below and (fired := self._judged.fired(each)):
                    yield self._judged.told(f"{fired} although {each.expected.told}", "silent: the whole is meant")
            elif not firing:
                silent += 1
            elif below and len(firing) > len(each.expected.labels or ()):
                continue
            elif told := _labels(firing, each.expected.labels or ()):
                told_of, expected = told
                yield self._judged.told(f"{told_of} when {each.expected.told}", expected)
        if silent == len(asked):
            raise CouldNotLook(
                f"{self.evaluation.alert} did not fire, so that it is not known how many alerts it gives"
            )

    @property
    def rings_for_others(self) -> list[Finding]:
        """Where it fired for what it does not mean."""
        return _once(self._judged.loud("other"))

    @property
    def severities(self) -> list[str]:
        """The severities that its rules state, each once; of several, the declared one when it is among them."""
        if not self.evaluation.rules:
            raise CouldNotLook(f"there is no alert {self.evaluation.alert} to state one")
        stated = list(dict.fromkeys(rule.labels.get("severity", "") for rule in self.evaluation.rules))
        return [self.severity] if self.severity in stated else stated

    @property
    def other_severities(self) -> list[Finding]:
        """Severities that are not the declared one."""
        return [
            self._judged.told(f"severity: {stated}" if stated else "no label severity", f"severity: {self.severity}")
            for stated in self.severities
            if stated != self.severity
        ]

    @property
    def differing_texts(self) -> list[Finding]:
        """Numbers of its texts that are not those that are declared."""
        if not self.evaluation.rules:
            raise CouldNotLook(f"there is no alert {self.evaluation.alert} to have texts")
        return [
            Finding(located(self.evaluation.file, rule.line, name=rule.id), f"its text says {said!r}", declared)
            for rule, said, declared in self.differing
        ]


def _labels(firing: list[dict[str, str]], wanted: tuple[dict[str, str], ...]) -> tuple[str, str] | None:
    """What is wrong with the alerts that fire, and what should be; None when each thing has one of its own."""
    said = [
        ", ".join(f"{k}={v}" for k, v in sorted(labels.items()) if k != "severity") or "no labels" for labels in firing
    ]
    told = f"{len(firing)} {'alert' if len(firing) == 1 else 'alerts'} fired ({'; '.join(sorted(said)[:4])})"
    own = [", ".join(f"{k}={v}" for k, v in labels.items()) for labels in wanted]
    expected = f"{len(wanted)}: {'; '.join(own)}" if any(own) else "one alert"
    if len(firing) != len(wanted):
        return told, expected
    left = list(firing)
    for labels in wanted:
        match = next((each for each in left if labels.items() <= each.items()), None)
        if match is None:
            return told, expected
        left.remove(match)
    return None


@dataclass(frozen=True, slots=True)
class JudgedRules:
    """The alerts of one file whose meaning was read from their own texts."""

    id: str
    evaluations: Evaluations

    @property
    def against_their_texts(self) -> list[Finding]:
        """Alerts that do something else than their texts say, by real evaluation."""
        found: list[Finding] = []
        undecided: list[str] = []
        for evaluation in self.evaluations.evaluations:
            judged = _Judged(evaluation)
            try:
                told = [*judged.silent(), *judged.loud("below")]
                if " for " in evaluation.meaning and not told:
                    told += judged.waits(exactly=True)
            except CouldNotLook as why:
                reason = evaluation.undecided or why.reason
                undecided.append(f"{evaluation.alert} ({reason})")
                continue
            found += [
                Finding(each.where, f"{each.seen}; its texts say: {evaluation.meaning}", each.expected)
                for each in _once(iter(told))
            ]
        if undecided and not found:
            count = len(self.evaluations.evaluations)
            raise CouldNotLook(
                f"could not decide {len(undecided)} of {count} alerts by their texts: {'; '.join(undecided[:20])}"
                + (f"; and {len(undecided) - 20} more" if len(undecided) > 20 else ""),
                right="alerts.means, which says what each tells",
            )
        return found
