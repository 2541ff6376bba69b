"""What a service's `/metrics` told, before and after calls were made.

The text itself is not kept, and of the labels only their names: what is counted is counted while it is read.
"""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.words import Missing

__all__ = ["Counting", "Drop", "Exposition", "Family", "Fault", "Growth", "Label", "Scrape"]


@dataclass(frozen=True, slots=True)
class Label:
    """One label of one metric."""

    name: str
    series: int
    """How many series of the metric have it."""
    values: int
    """How many different values it has."""
    alike: tuple[tuple[str, int], ...] = ()
    """How many of the values look like something of which there is no end: ``("an id", 12)``."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: all series under one TYPE, by the name its series have.

    A counter that OpenMetrics calls ``calls`` and whose series is ``calls_total`` is ``calls_total`` here, as it is in the
    text format and in every query.
    """

    name: str
    type: str
    """As stated; ``untyped`` where nothing is."""
    help: bool
    series: int
    """How many lines it has: each bucket is one, as it is for Prometheus."""
    labels: tuple[Label, ...] = ()
    samples: tuple[str, ...] = ()
    """Names of its series: those with ``_bucket``, ``_sum`` and ``_count`` too."""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in an exposition that should not be as it is."""

    kind: str
    """``syntax``: it can't be read; ``twice``: a series that was there already; ``sums``: a histogram or summary that does
    not add up; ``negative``: a counter below zero; ``standard``: OpenMetrics says otherwise, Prometheus reads it all the same."""
    line: int
    """From 1; 0 where it is about no single line."""
    text: str
    """Without label values."""


@dataclass(frozen=True, slots=True)
class Scrape:
    """One answer to one GET of the exposition."""

    accept: str
    """``any`` format, as Prometheus asks, or ``text``."""
    status: int
    failure: str
    seconds: float
    content_type: str
    parameters: str
    """Of the content type, as they came."""
    looks: str = ""
    """What the body is when it is no exposition: ``an HTML page``; empty when it may be one."""
    format: str = ""
    """``text`` or ``openmetrics``; empty when there was nothing to read."""
    endless: bool = False
    """True when it had not ended at the bound where reading stops."""
    faults: tuple[Fault, ...] = ()
    series: int = 0
    started: float | None = None
    """The process's ``process_start_time_seconds``, where there is one."""

    @property
    def readable(self) -> bool:
        """Whether there is an exposition to judge, right or wrong."""
        return bool(self.format) and not self.endless


@dataclass(frozen=True, slots=True)
class Drop:
    """Series of a counter that were lower than a scrape before, of what says to be the same process."""

    name: str
    series: int
    known: bool
    """Whether the process told when it was started, so that it is known to be the same."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How much a counter grew over some calls."""

    idle: float
    """Growth from one scrape to the next right before, with no call between."""
    grown: float
    """Growth from before the calls to the scrape that decided."""
    scrapes: int
    """How many scrapes lie between: more than one where it was waited for."""
    found: bool
    """Whether there was a series to read at all."""
    answers: tuple[str, ...]
    """What the calls were answered, each kind once."""

    @property
    def net(self) -> float:
        """Growth less what scraping alone makes of it."""
        return self.grown - self.idle * self.scrapes


@dataclass(frozen=True, slots=True)
class Counting:
    """The calls made for one entry of ``counts``, in the profile's order."""

    attempts: tuple[Growth, ...] | Missing


@dataclass(frozen=True, slots=True)
class Exposition:
    """An exposition over one look: scraped, called, scraped again."""

    url: str
    scrapes: tuple[Scrape | Missing, ...]
    """In order."""
    families: tuple[Family, ...] | Missing = Missing("there was no exposition to read")
    """Of the last scrape."""
    drops: tuple[Drop, ...] = ()
    counts: tuple[Counting, ...] = ()
    canary: str | Missing = ""
    """What the canary was answered; empty when none is declared."""
    beside: bool | Missing = Missing("not asked")
    """Whether a random path beside it answers with the same metrics."""
