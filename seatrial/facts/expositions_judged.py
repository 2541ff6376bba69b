"""A service's declared metrics, and what is not as it should be about its exposition.

Whether it answers at all is one question (`failed_scrapes`), whether the answer is an exposition another
(`mislabelled_scrapes`). What it holds is judged where there is one to read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.facts import expositions_naming as naming
from seatrial.facts.exposition import Counting, Exposition, Family, Growth, Scrape
from seatrial.words import CouldNotLook, Finding, Missing, seen

if TYPE_CHECKING:
    from seatrial.profile.model import Counted, MetricFamily, Metrics

__all__ = ["MANY_VALUES", "ServiceMetrics"]

MANY_VALUES = 100
"""Values of one label beyond which nobody looks at each of them any more, where the profile declares no bound."""
LEAST_ALIKE = 3
"""So many different ids in one label look like there will be more."""
_PARAMETERS = re.compile(r"(?:[\w.+-]+=(?:[\w.+/:-]+|\"[^\"\\]*\")\s*(?:;\s*|$))*", re.ASCII)
_VERSIONS = {"text/plain": ("0.0.4", "1.0.0"), "application/openmetrics-text": ("0.0.1", "1.0.0")}
# What a type is called in the text format, which knows fewer.
_AS_TEXT = {"info": "gauge", "stateset": "gauge", "gaugehistogram": "histogram"}


@dataclass(frozen=True, slots=True)
class ServiceMetrics:
    """The metrics of one service, as declared and as exposed."""

    id: str
    service: str
    declared: Metrics
    exposition: Exposition

    # --- which scrapes --------------------------------------------------------------------------------------------

    def _scrapes(self) -> list[Scrape]:
        """Every scrape, when none was kept from looking."""
        for scrape in self.exposition.scrapes or (Missing("it was not scraped"),):
            seen(scrape)
        return [scrape for scrape in self.exposition.scrapes if isinstance(scrape, Scrape)]

    def _answered(self) -> list[Scrape]:
        """The scrapes that came whole, with status 200."""
        answered = [scrape for scrape in self._scrapes() if scrape.status == 200 and not scrape.failure]
        if not answered:
            raise CouldNotLook(f"{self.id} gave no answer with status 200, so there was none to look at")
        return answered

    def _readable(self) -> list[Scrape]:
        """The scrapes that are an exposition, right or wrong."""
        readable = [scrape for scrape in self._answered() if scrape.readable]
        if not readable:
            raise CouldNotLook(f"{self.id} gave no exposition to read")
        return readable

    def _filled(self) -> list[Family]:
        """The metrics of the last scrape that could be read, of which there are series."""
        self._readable()
        return [family for family in seen(self.exposition.families) if family.series]

    def _families(self) -> list[Family]:
        """The metrics, when there are any to look at."""
        families = self._filled()
        if not families:
            raise CouldNotLook(f"the exposition of {self.id} holds no series to look at")
        return families

    def _each(self, told: Iterable[str], expected: str = "") -> list[Finding]:
        """Findings about scrapes, each told once."""
        return [Finding(f"GET {self.exposition.url}", text, expected) for text in dict.fromkeys(filter(None, told))]

    def _of_families(self, rule: Callable[[Family], Iterator[str]]) -> list[Finding]:
        """What a rule says of the metrics."""
        return [Finding(family.name, text) for family in self._families() for text in rule(family)]

    def _faults(self, *kinds: str) -> list[Finding]:
        """Faults of these kinds, each told once however many scrapes have it."""
        return self._each(
            (f"line {fault.line}: " if fault.line else "") + fault.text
            for scrape in self._readable()
            for fault in scrape.faults
            if fault.kind in kinds
        )

    # --- whether there is one -------------------------------------------------------------------------------------

    @property
    def failed_scrapes(self) -> list[Finding]:
        """Scrapes without a whole answer of status 200."""
        wrong = [scrape for scrape in self._scrapes() if scrape.status != 200 or scrape.failure]
        return self._each((_outcome(scrape) for scrape in wrong), "HTTP 200")

    @property
    def mislabelled_scrapes(self) -> list[Finding]:
        """Answers that are no exposition, or that don't say of which format they are."""
        return self._each(map(_mislabelled, self._answered()))

    @property
    def endless(self) -> list[Finding]:
        """Expositions that had not ended where reading stops."""
        return self._each("more than 16 MiB" for scrape in self._answered() if scrape.endless)

    @property
    def same_elsewhere(self) -> list[Finding]:
        """A path that nobody can have declared, when it answers with the same metrics."""
        self._readable()
        same = seen(self.exposition.beside)
        return self._each(["a path that does not exist beside it answers with the same metrics"] if same else [])

    # --- whether it can be read -----------------------------------------------------------------------------------

    @property
    def unreadable_lines(self) -> list[Finding]:
        """Lines that can't be read in the format that the content type states."""
        return self._faults("syntax")

    @property
    def repeated_series(self) -> list[Finding]:
        """Series that are there twice."""
        return self._faults("twice")

    @property
    def beside_the_standard(self) -> list[Finding]:
        """What the standard of OpenMetrics does not allow, although Prometheus reads it."""
        if not any(scrape.format == "openmetrics" for scrape in self._readable()):
            return []
        return self._faults("standard")

    @property
    def wrong_sums(self) -> list[Finding]:
        """Histograms and summaries that do not add up, in every scrape: one that is taken while they change may be off."""
        told: list[str] = []
        for format in ("text", "openmetrics"):
            scrapes = [scrape for scrape in self._readable() if scrape.format == format]
            faults = [[fault.text for fault in scrape.faults if fault.kind == "sums"] for scrape in scrapes]
            told += [text for text in (faults[0] if faults else ()) if all(text in others for others in faults)]
        return self._each(told)

    @property
    def falling_counters(self) -> list[Finding]:
        """Counters below zero, or lower than a scrape before."""
        told = self._faults("negative")
        if len(self._readable()) < 2:
            raise CouldNotLook(f"one scrape of {self.id} has no other to compare counters with")
        unknown = [drop.name for drop in self.exposition.drops if not drop.known]
        if unknown and not told:
            raise CouldNotLook(
                f"{unknown[0]} went down, and without process_start_time_seconds it is not known whether one process answered"
            )
        return told + self._each(
            f"{drop.name} went down between two scrapes of the same process ({drop.series} series)"
            for drop in self.exposition.drops
            if drop.known
        )

    @property
    def alternating_processes(self) -> list[Finding]:
        """Processes that take turns behind one address: told by when they started, else by counters that fall."""
        starts = [scrape.started for scrape in self._readable() if scrape.started is not None]
        if not starts:
            return self._each(
                f"{drop.name} went down between two scrapes, as when processes take turns to answer"
                for drop in self.exposition.drops
            )
        turns = [start for n, start in enumerate(starts) if n == 0 or start != starts[n - 1]]
        if len(turns) > 1 and turns == sorted(turns):
            raise CouldNotLook("the process was replaced while it was scraped, by process_start_time_seconds")
        return self._each([f"{len(set(turns))} processes take turns to answer"] if len(turns) > 1 else [])

    # --- what is in it --------------------------------------------------------------------------------------------

    def _required(self) -> dict[str, MetricFamily | None]:
        required = self.declared.required
        return dict(required) if isinstance(required, dict) else dict.fromkeys(required)

    def _find(self, name: str) -> Family | None:
        """The metric of that name, or the one that has a series of that name."""
        families = self._filled()
        exact = [family for family in families if family.name == name]
        return next(iter(exact or [family for family in families if name in family.samples]), None)

    @property
    def missing_metrics(self) -> list[Finding]:
        """Required metrics of which there is no series, once the service was called."""
        self._readable()
        missing = [name for name in self._required() if self._find(name) is None]
        canary = self.exposition.canary
        if missing and isinstance(canary, Missing):
            raise CouldNotLook(f"there is no {missing[0]} yet, and {canary.reason}", right=canary.right)
        after = f" after the canary, which was answered {canary}" if canary else ""
        return self._each(f"no series of {name}{after}" for name in missing)

    @property
    def wrong_types(self) -> list[Finding]:
        """Required metrics of another type than declared."""
        self._readable()
        found = []
        for name, wanted in self._required().items():
            family = self._find(name)
            if family is None or wanted is None or wanted.type is None:
                continue
            allowed = {wanted.type, _AS_TEXT.get(wanted.type, "") if self._format() == "text" else ""}
            if family.type not in allowed:
                found.append(Finding(name, f"TYPE {family.type}", wanted.type))
        return self._of_what_is_there(found, lambda wanted: wanted.type is not None)

    @property
    def missing_labels(self) -> list[Finding]:
        """Required metrics with series that lack a declared label."""
        self._readable()
        found = []
        for name, wanted in self._required().items():
            family = self._find(name)
            if family is None or wanted is None:
                continue
            have = {label.name: label.series for label in family.labels}
            found += [
                Finding(name, f"{family.series - have.get(label, 0)} of {family.series} series have no label {label}")
                for label in wanted.labels
                if have.get(label, 0) < family.series
            ]
        return self._of_what_is_there(found, lambda wanted: bool(wanted.labels))

    def _of_what_is_there(self, found: list[Finding], asked: Callable[[MetricFamily], bool]) -> list[Finding]:
        """The findings, when at least one metric of which something was asked is there to look at."""
        asking = [name for name, wanted in self._required().items() if wanted is not None and asked(wanted)]
        if not any(self._find(name) for name in asking):
            raise CouldNotLook(f"none of {', '.join(asking)} is there to look at")
        return found

    def _format(self) -> str:
        return self._readable()[-1].format

    # --- whether it counts ----------------------------------------------------------------------------------------

    @property
    def miscounted_calls(self) -> list[Finding]:
        """Counters that grew by another number than there were calls."""
        self._readable()
        counts = self.exposition.counts or (Counting(Missing(f"no calls were counted on {self.id}")),)
        told = [
            self._miscounted(counted, list(seen(counting.attempts)))
            for counted, counting in zip(self.declared.counts, counts, strict=True)
        ]
        return [finding for finding in told if finding is not None]

    def _miscounted(self, counted: Counted, attempts: list[Growth]) -> Finding | None:
        last, wanted = attempts[-1], f"grow by {counted.times}"
        calls = f"{counted.times} GET {counted.get} ({', '.join(last.answers)})"
        if not last.found:
            return Finding(counted.metric, f"no series with these labels after {calls}", wanted)
        if last.grown < counted.times:
            return Finding(counted.metric, f"grew by {last.grown:g} over {calls}", wanted)
        if last.net == counted.times:
            return None
        if len({(attempt.idle, attempt.grown, attempt.scrapes) for attempt in attempts}) > 1:
            raise CouldNotLook(
                f"{counted.metric} also moves while nothing of ours is called: others call too",
                right="labels in counts: that only these calls have, or a quiet moment",
            )
        idle = f", each of {len(attempts)} times, and by {last.idle:g} from scrape to scrape without any"
        return Finding(counted.metric, f"grew by {last.grown:g} over {calls}{idle}", wanted)

    # --- how much there is of it ----------------------------------------------------------------------------------

    @property
    def crowded_labels(self) -> list[Finding]:
        """Labels with more values than declared."""
        return self._labels_over(self.declared.max_label_values or 0)

    @property
    def large_labels(self) -> list[Finding]:
        """Labels with more values than anybody looks at, where the profile does not say that so many are meant."""
        return self._labels_over(max(MANY_VALUES, self.declared.max_label_values or 0))

    def _labels_over(self, bound: int) -> list[Finding]:
        return [
            Finding(family.name, f"label {label.name} has {label.values} values", f"at most {bound}")
            for family in self._families()
            for label in family.labels
            if label.values > bound
        ]

    @property
    def crowded_metrics(self) -> list[Finding]:
        """Metrics with more series than declared."""
        bound = self.declared.max_series or 0
        return [
            Finding(family.name, f"{family.series} series", f"at most {bound}")
            for family in self._families()
            if family.series > bound
        ]

    @property
    def endless_labels(self) -> list[Finding]:
        """Labels whose values look like something of which there is no end."""
        return [
            Finding(family.name, f"label {label.name} has {count} values that look like {kind}")
            for family in self._families()
            for label in family.labels
            for kind, count in label.alike
            if count >= LEAST_ALIKE or kind == "a mail address"
        ]

    # --- what it is called ----------------------------------------------------------------------------------------

    @property
    def unexplained(self) -> list[Finding]:
        """Metrics without a HELP."""
        return self._of_families(lambda family: iter([] if family.help else ["no HELP"]))

    @property
    def wrong_totals(self) -> list[Finding]:
        """Counters that do not end in ``_total``, and others that do."""
        return self._of_families(naming.wrong_totals)

    @property
    def odd_units(self) -> list[Finding]:
        """Units that are no base units, or abbreviated."""
        return self._of_families(naming.odd_units)

    @property
    def odd_names(self) -> list[Finding]:
        """Names that are not written as names of metrics are."""
        return self._of_families(naming.odd_names)

    @property
    def reserved_names(self) -> list[Finding]:
        """Endings and labels that mean something else."""
        return self._of_families(naming.reserved)


def _outcome(scrape: Scrape) -> str:
    said = f"HTTP {scrape.status}" if scrape.status else ""
    return ", but ".join(filter(None, (said, scrape.failure)))


def _mislabelled(scrape: Scrape) -> str:
    """What is wrong with what a scrape says that it is."""
    stated = "; ".join(filter(None, (scrape.content_type, scrape.parameters)))
    if scrape.looks:
        return f"{scrape.looks}, sent as {stated or 'no content type'}"
    if scrape.content_type not in _VERSIONS:
        return f"content type {stated}" if stated else "no content type"
    if not _PARAMETERS.fullmatch(scrape.parameters):
        return f"content type {stated}, which can't be read"
    given = dict(re.findall(r'([\w.+-]+)="?([^";\s]+)', scrape.parameters.lower()))
    if given.get("version", "1.0.0") not in _VERSIONS[scrape.content_type]:
        return f"content type {stated}, a version that was not asked for"
    if given.get("charset", "utf-8") != "utf-8":
        return f"content type {stated}, and an exposition is UTF-8"
    return ""
