"""Whether what may fail is told by an alert, and whether an alert tells whoever reads it enough."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from seatrial.facts.alerts.coverage_known import Known, place, readable
from seatrial.facts.alerts.coverage_shapes import burning, looks_of, momentary, windows_told
from seatrial.promql.reading import Unreadable
from seatrial.words import CouldNotLook, Duration, Finding, seen

if TYPE_CHECKING:
    from seatrial.facts.alerts.coverage import JobWatched, Trying, Vanishing
    from seatrial.facts.alerts.rules import Rule, RuleFile
    from seatrial.profile.alerting import Alerts
    from seatrial.words import Missing

__all__ = ["AlertTexts", "CoveredFailure", "NamedBurnAlerts", "ObjectiveAlert", "WatchedJobs"]

_TEMPLATE = re.compile(r"\{\{")
_HOST = re.compile(r"[^\s/?#]+")


def _lacking(id: str, names: Sequence[str], known: Known) -> list[Finding]:
    """Names that are no alert's."""
    if not names:
        return [Finding(id, "it names no alert")]
    found, undecided = [], None
    for name in names:
        try:
            if text := known.lacks(name):
                found.append(Finding(id, text))
        except CouldNotLook as why:
            undecided = why
    if undecided and not found:
        raise undecided
    return found


@dataclass(frozen=True, slots=True)
class CoveredFailure:
    """A failure that must be told, and the alerts that the profile says tell it."""

    id: str
    failure: str
    names: tuple[str, ...]
    known: Known

    @property
    def lacking(self) -> list[Finding]:
        """Named alerts that are not there."""
        return _lacking(self.failure, self.names, self.known)


@dataclass(frozen=True, slots=True)
class NamedBurnAlerts:
    """An entry of `alerts.objectives`."""

    id: str
    objective: str
    names: tuple[str, ...]
    objectives: tuple[str, ...]
    """Those that `slos` declares."""
    known: Known

    @property
    def lacking(self) -> list[Finding]:
        """Named alerts that are not there, and an objective that is none."""
        odd = [] if self.objective in self.objectives else [
            Finding(self.id, f"slos has no objective {self.objective}; it has {', '.join(self.objectives) or 'none'}")
        ]  # fmt: skip
        return odd + _lacking(self.id, self.names, self.known)


@dataclass(frozen=True, slots=True)
class ObjectiveAlert:
    """An objective of `slos`, and the alerts named for it."""

    id: str
    names: tuple[str, ...]
    known: Known

    @property
    def unguarded(self) -> list[Finding]:
        """What keeps it from being watched through two windows; nothing when one of its alerts does."""
        if not self.names:
            return [Finding(self.id, "alerts.objectives names no alert for it")]
        there = [each for name in self.names for each in self.known.named(name)]
        if not there:
            raise CouldNotLook(f"there is no alert {' or '.join(self.names)} to look at")
        records = self.known.records()
        found, unknown = [], []
        for file, rule in there:
            try:
                chains = looks_of(rule.expr, records)
            except Unreadable as why:
                unknown.append(f"{rule.id} can't be read: {why}")
                continue
            told = burning(chains)
            if told:
                return []
            if told is None:
                unknown.append(f"{rule.id} looks at recorded series that do not tell their window")
            else:
                found.append(Finding(place(file, rule, 0), f"{rule.name} looks through {windows_told(chains)}"))
        if unknown:
            raise CouldNotLook(unknown[0])
        return found


@dataclass(frozen=True, slots=True)
class AlertTexts:
    """The alerts of one rule file, as whoever is woken by them reads them."""

    id: str
    file: RuleFile
    declared: Alerts

    def _each(self, rule: Callable[[Rule], Iterator[tuple[str, str, str]]]) -> list[Finding]:
        """Findings about alerts: key, what was seen, what was expected."""
        file = readable(self.file)
        return [
            Finding(place(file, alert, key=key), text, expected)
            for alert in file.alerts
            for key, text, expected in rule(alert)
        ]

    @property
    def odd_severities(self) -> list[Finding]:
        """Alerts without one of the declared severities; what a template makes is not known."""
        allowed = self.declared.severities

        def told(alert: Rule) -> Iterator[tuple[str, str, str]]:
            severity = alert.labels.get("severity", "")
            if severity not in allowed and not _TEMPLATE.search(severity):
                said = f"severity is {severity}" if severity else "no label severity"
                yield "labels.severity", said, " or ".join(allowed)

        return self._each(told)

    @property
    def untold(self) -> list[Finding]:
        """Alerts that don't say how bad it is, what has happened, or what that means."""

        def told(alert: Rule) -> Iterator[tuple[str, str, str]]:
            lacking = [
                f"no annotation {name}"
                for name in ("summary", "description")
                if not alert.annotations.get(name, "").strip()
            ]
            if not self.declared.severities and not alert.labels.get("severity", "").strip():
                lacking.insert(0, "no label severity")
            if lacking:
                yield "", ", ".join(lacking), ""

        return self._each(told)

    @property
    def without_runbook(self) -> list[Finding]:
        """Alerts without the address of what to do."""

        def told(alert: Rule) -> Iterator[tuple[str, str, str]]:
            url = alert.annotations.get("runbook_url", "").strip()
            if not url:
                near = next((name for name in alert.annotations if "runbook" in name.lower()), "")
                yield "annotations.runbook_url", "no annotation runbook_url" + (f", but {near}" if near else ""), ""
            elif not _absolute(url):
                yield "annotations.runbook_url", f"runbook_url is `{url[:200]}`", "an absolute http or https URL"

        return self._each(told)

    @property
    def hasty(self) -> list[Finding]:
        """Alerts that one odd scrape is enough for, unless their declared meaning says that it is."""
        found = []
        for alert in readable(self.file).alerts:
            # One that can't be read is told where the file is read.
            waits = alert.lasting or any(wrong.line == alert.lines.get("for") for wrong in self.file.problems)
            span = None if waits or alert.name in self.declared.means else momentary(alert.expr)
            if span:
                text = " ".join(alert.expr[span[0] : span[1]].split())
                found.append(
                    Finding(
                        place(self.file, alert, span[0]),
                        f"`{text[:200]}` is about one scrape, and there is no `for`",
                        "a `for` of some scrapes",
                    )
                )
        return found


def _absolute(url: str) -> bool:
    """Whether a text is a URL that can be opened from a phone; a template may be part of it, or all of its host."""
    if url.startswith("{{"):
        return True
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https") and bool(_HOST.match(parts.netloc)) and not re.search(r"\s(?![^{]*\}\})", url)
    )


@dataclass(frozen=True, slots=True)
class WatchedJobs:
    """What the alerts make of it when the targets of each job go down, or vanish."""

    id: str
    vanishing: Vanishing

    def _unwatched(self, which: Callable[[JobWatched], tuple[Trying, ...] | Missing], what: str) -> list[Finding]:
        found, undecided = [], None
        if not self.vanishing.jobs:
            raise CouldNotLook("the running Prometheus has no scrape target, so that none could go down")
        for job in self.vanishing.jobs:
            try:
                tried = seen(which(job))
            except CouldNotLook as why:
                undecided = CouldNotLook(f"job {job.job}: {why.reason}", right=why.right)
                continue
            if not any(each.tells for each in tried):
                found.append(Finding(f"job {job.job}", f"{what} for {Duration(job.within)}, and {_silence(tried)}"))
        if undecided and not found:
            raise undecided
        if self.vanishing.left_out and not found:
            raise CouldNotLook(f"{self.vanishing.left_out} jobs are more than are tried in one run")
        return found

    @property
    def unwatched_down(self) -> list[Finding]:
        """Jobs of which no alert tells that their targets are down."""
        return self._unwatched(lambda job: job.down, "its targets are down")

    @property
    def unwatched_vanished(self) -> list[Finding]:
        """Jobs of which no alert tells that their targets are gone."""
        return self._unwatched(lambda job: job.vanished, "its targets are gone")


def _silence(tried: tuple[Trying, ...]) -> str:
    """``no alert looks at it``, or what those that do made of it."""
    if not tried:
        return "no alert looks at it"
    told = [
        f"{each.alert} {'stays silent' if each.fired is None and each.before == 'inactive' else f'was {each.before} before'}"
        for each in tried[:3]
    ]
    return ", ".join(told) + (f", as do {len(tried) - 3} more" if len(tried) > 3 else "")
