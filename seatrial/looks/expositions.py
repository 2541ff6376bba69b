"""What an exposition tells: scraped as Prometheus does, called, scraped again.

It is the last look of a run, one service at a time: counters are read before and after calls, and our other looks call too.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from seatrial.facts.exposition import Counting, Drop, Exposition, Family, Growth, Scrape
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.answer import Answer
    from seatrial.facts.expositions_parsing import Parsed
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.model import Counted, Metrics, Service
    from seatrial.profile.subjects import Subject

__all__ = ["LARGEST", "LAST", "NOUNS", "PART", "look"]

PART = "expositions"
NOUNS = ("metrics",)
LAST = True

ANY = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
"""What Prometheus accepts, OpenMetrics first."""
TEXT = "text/plain;version=0.0.4,*/*;q=0.1"
LARGEST = 16 * 1024 * 1024
"""Bytes of an exposition that are read."""
ATTEMPTS = 3
"""How often calls are made until a counter grew by just as many; others may call meanwhile."""
BUDGET = 60.0
"""Seconds after which no more calls are counted; a slow service is not to hold the run."""
MOST_FAMILIES = 10_000
"""Metrics that are kept, those that are required first."""
SETTLING = (0.05, 0.2, 0.5, 1.0)
"""Seconds that are waited for a counter that lags behind: some count after they have answered."""


def look(session: Session, _runtime: Runtime | Missing, subject: Subject) -> Exposition:
    """The exposition of one service, and what its counters make of calls."""
    service = session.profile.services[subject.service]
    return _Look(session, service, subject.node).all()


class _Look:
    """One look at one exposition."""

    def __init__(self, session: Session, service: Service, declared: Metrics) -> None:
        from seatrial.drivers import http

        # Nothing of the text is kept, so that what looks like a secret need not be looked for in it.
        self.session, self.service, self.declared = replace(session, redact=str), service, declared
        self.base, self.given = http.asking(session, service, declared)
        self.headers = {name: text for name, text in self.given.pop("headers").items() if name.lower() != "accept"}
        self.url = self.base + declared.path
        self.accept = "any"
        self.scrapes: list[Scrape | Missing] = []
        self.drops: dict[str, Drop] = {}
        self.latest: Parsed | None = None
        self.end = time.monotonic() + BUDGET

    def all(self) -> Exposition:
        """Everything, in the order in which it must be looked at."""
        from seatrial.drivers.http import stripped
        from seatrial.facts.expositions_reading import families

        first = self.scrape()
        if first is not None and first.format == "openmetrics":
            self._ask_for_text(first)
        beside: bool | Missing = Missing("there was no exposition to compare with")
        canary: str | Missing = Missing("there was no exposition to look at afterwards")
        counts: list[Counting] = []
        if self.latest is not None:
            beside = self._beside(self.latest)
            canary = self._canary()
            self.scrape()
            counts = [Counting(self._count(counted)) for counted in self.declared.counts]
            self.scrape()
        return Exposition(
            url=self.session.mask(stripped(self.url)),
            scrapes=tuple(self.scrapes),
            families=self._kept(families(self.latest)) if self.latest else Missing("there was no exposition to read"),
            drops=tuple(self.drops.values()),
            counts=tuple(counts),
            canary=canary,
            beside=beside,
        )

    def _kept(self, families: tuple[Family, ...]) -> tuple[Family, ...]:
        """The metrics, or as many of them as are kept."""
        required = set(self.declared.required)
        return tuple(sorted(families, key=lambda f: not required & {f.name, *f.samples}))[:MOST_FAMILIES]

    # --- scraping -------------------------------------------------------------------------------------------------

    def _ask(self, path_or_url: str, accept: str) -> Answer | Missing:
        from seatrial.drivers import http

        headers = {**self.headers, "Accept": accept}
        return http.ask(self.session, path_or_url, headers=headers, limit=LARGEST, kept=LARGEST, **self.given)

    def scrape(self) -> Parsed | None:
        """One scrape; None when it gave nothing to read, after which the one before it stays the latest."""
        from seatrial.facts import expositions_reading as reading

        answer = self._ask(self.url, ANY if self.accept == "any" else TEXT)
        if isinstance(answer, Missing):
            self.scrapes.append(answer)
            return None
        parsed = _read(answer)
        first = not any(isinstance(each, Scrape) and each.format == "openmetrics" for each in self.scrapes)
        self.scrapes.append(_told(answer, self.accept, parsed, strictly=first))
        if parsed is None:
            return None
        if self.latest is not None and self.latest.format == parsed.format:
            for drop in reading.drops(self.latest, parsed):
                self.drops.setdefault(drop.name, drop)
        self.latest = parsed
        return parsed

    def _ask_for_text(self, first: Parsed) -> None:
        """Where the service speaks both formats, the older one must hold as well, and is the one that is read from then on."""
        self.accept = "text"
        parsed = self.scrape()
        if parsed is None or parsed.format != "text":
            self.accept, self.latest = "any", first

    def _beside(self, latest: Parsed) -> bool | Missing:
        """Whether a path that nobody can have declared answers with the same metrics."""
        parent = self.declared.path.partition("?")[0].rstrip("/").rpartition("/")[0]
        answer = self._ask(f"{self.base}{parent}/{secrets.token_hex(12)}", ANY if self.accept == "any" else TEXT)
        if isinstance(answer, Missing):
            return answer
        if not answer.whole:
            return Missing(f"a random path beside it gave no answer: it {answer}")
        parsed = _read(answer) if answer.status == 200 else None
        ours = {series.name for series in latest.series}
        return parsed is not None and len(ours & {series.name for series in parsed.series}) * 2 > len(ours)

    # --- calling --------------------------------------------------------------------------------------------------

    def _call(self, path: str) -> Answer | Missing:
        from seatrial.drivers import http

        url = http.base_of(self.session, self.service) + path
        return http.ask(self.session, url, timeout=self.session.timeout, tls=self.service.tls)

    def _canary(self) -> str | Missing:
        """Make the service's real call once, where this run may."""
        from seatrial.drivers._http_calls import call

        if self.service.canary is None:
            return ""
        try:
            answer = call(self.session, self.service, self.service.canary)
        except CouldNotLook as why:
            return Missing(
                f"the canary was not run: {why.reason}", why.right or "the tier it needs, or `only_reads: true`"
            )
        return answer if isinstance(answer, Missing) else str(answer)

    def _count(self, counted: Counted) -> tuple[Growth, ...] | Missing:
        """Call, until the counter grew by just as many, at most a few times."""
        attempts: list[Growth] = []
        while len(attempts) < ATTEMPTS:
            try:
                growth = self._growth(counted)
            except CouldNotLook as why:
                return Missing(why.reason, why.right)
            attempts.append(growth)
            if growth.net == counted.times or growth.grown < counted.times:
                break
        return tuple(attempts)

    def _growth(self, counted: Counted) -> Growth:
        from seatrial.facts.expositions_reading import started, total

        def value() -> tuple[float, bool, float | None]:
            if time.monotonic() > self.end:
                raise CouldNotLook(f"counting calls was given up after {BUDGET:g} s", right="an answer in less time")
            parsed = self.scrape()
            if parsed is None:
                raise CouldNotLook("a scrape beside the calls gave nothing to read")
            found = total(parsed, counted.metric, counted.labels)
            return found or 0.0, found is not None, started(parsed)

        idle, _, birth = value()
        before, _, again = value()
        answers: set[str] = set()
        for _ in range(counted.times):
            if time.monotonic() > self.end:
                break
            answers.add(_kind(self._call(counted.get)))
        after, found, last = value()
        scrapes = 1
        for pause in SETTLING:
            if after - before >= counted.times or last != birth:
                break
            time.sleep(pause)
            after, found, last = value()
            scrapes += 1
        if not birth == again == last or any(not drop.known for drop in self.drops.values()):
            how = "process_start_time_seconds" if birth or last else "counters that fall"
            raise CouldNotLook(
                f"several processes answered while calls were counted, by {how}",
                right="the address of one process, or a moment without restarts",
            )
        return Growth(before - idle, after - before, scrapes, found, tuple(sorted(answers)))


def _kind(answer: Answer | Missing) -> str:
    """What a call was answered.

    Raises:
        CouldNotLook: it could not be made, so that there was nothing to count.
    """
    if isinstance(answer, Missing):
        raise CouldNotLook(f"a call that is to be counted could not be made: {answer.reason}", right=answer.right)
    if not answer.status:
        raise CouldNotLook(f"a call that is to be counted got no answer: {answer.url} {answer}")
    return str(answer)


def _read(answer: Answer) -> Parsed | None:
    """The exposition in an answer; None when it holds none."""
    from seatrial.facts import expositions_reading as reading
    from seatrial.facts.expositions_parsing import parse

    if answer.status != 200 or not answer.whole or answer.endless or reading.looks_like(answer.body.text):
        return None
    parsed = parse(answer.body.text, reading.format_of(answer.content_type, answer.body.text))
    reading.check_sums(parsed)
    return parsed


def _told(answer: Answer, accept: str, parsed: Parsed | None, *, strictly: bool = True) -> Scrape:
    """What is kept of a scrape; ``strictly`` for the standard too, which takes long, so that one scrape is enough."""
    from seatrial.facts import expositions_reading as reading
    from seatrial.facts.expositions_parsing import standard

    said = answer.status == 200 and answer.whole and not answer.endless
    faults = parsed.told() if parsed else ()
    if (
        strictly and parsed and parsed.format == "openmetrics" and not faults
    ):  # it tells one thing only, which would be one of these
        faults += standard(answer.body.text)
    return Scrape(
        accept=accept,
        status=answer.status,
        failure=answer.failure,
        seconds=answer.seconds,
        content_type=answer.content_type,
        parameters=answer.parameters,
        looks=reading.looks_like(answer.body.text) if said else "",
        format=parsed.format if parsed else "",
        endless=answer.endless,
        faults=faults,
        series=sum(len(series.samples) for series in parsed.series) if parsed else 0,
        started=reading.started(parsed) if parsed else None,
    )
