"""What a running Prometheus told about itself: the rules it has loaded, its targets, and whom it tells."""

from __future__ import annotations

from dataclasses import dataclass, field

from seatrial.words import Missing

__all__ = ["LoadedRule", "Monitoring", "ScrapeTarget"]


@dataclass(frozen=True, slots=True)
class LoadedRule:
    """One rule as the server has it."""

    kind: str
    """``alert`` or ``record``."""
    name: str
    group: str
    file: str
    query: str
    """In the server's own spelling, which differs from the file's in spaces, order of matchers and durations."""
    lasting: float = 0.0
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    health: str = "unknown"
    """``ok``, ``err`` or ``unknown``."""
    error: str = ""
    evaluated: float | None = None
    """Seconds between its last evaluation and our look, by the server's clock; None when it never was."""
    took: float = 0.0
    """Seconds of the last evaluation."""
    interval: float = 0.0
    """Seconds between evaluations of its group."""
    state: str = ""
    """Of an alert: ``inactive``, ``pending``, ``firing``."""
    keep_firing: float | None = None
    """Seconds of ``keep_firing_for``; None from a server that does not tell."""
    group_took: float = 0.0
    """Seconds of the last evaluation of its whole group."""


@dataclass(frozen=True, slots=True)
class ScrapeTarget:
    """One active scrape target."""

    job: str
    instance: str
    url: str
    health: str
    """``up``, ``down`` or ``unknown``."""
    error: str = ""
    scraped: float | None = None
    """Seconds since its last scrape; None when it never was."""
    took: float = 0.0
    interval: float = 0.0
    timeout: float = 0.0
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Monitoring:
    """A running Prometheus."""

    url: str
    version: str | Missing = ""
    rules: tuple[LoadedRule, ...] | Missing = ()
    targets: tuple[ScrapeTarget, ...] | Missing = ()
    alertmanagers: tuple[str, ...] | Missing = ()
    """URLs of the Alertmanagers it sends to."""
    interval: float | Missing = Missing("its configuration was not read")
    """Seconds between scrapes, where a job says nothing else."""
    evaluation: float | Missing = Missing("its configuration was not read")
    """Seconds between evaluations, where a group says nothing else."""
    started: str = ""
    config_ok: bool | Missing = True
    """Whether its last reload of its configuration was a success."""
    loaded: float | None = None
    """Seconds since it loaded its configuration, by its own clock; None where it does not tell."""
    exposed: dict[str, str | Missing] = field(default_factory=dict)
    """By service with declared metrics: the URL they are at, as we reach it."""
    awaits: tuple[str, ...] | Missing = Missing("its configuration was not read")
    """What its configuration makes it look for: ``alertmanagers``, ``targets``. What is not there is not still to come."""
    receiver: str | Missing = ""
    """URL of the declared Alertmanager, as we reach it; empty when none is declared."""
    hosts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What the names in these URLs stand for from here; ``127.0.0.1`` is this machine by any of its addresses. Nothing where a
    name is known elsewhere only."""
