"""What a running Alertmanager told about itself: its routing tree, its receivers, its silences; of its secrets, nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from seatrial.words import Missing

__all__ = ["Alertmanager", "Inhibition", "Integration", "Matcher", "Receiver", "Route", "Silence", "Span"]


@dataclass(frozen=True, slots=True)
class Matcher:
    """What a label must be, or must not be."""

    name: str
    op: str
    """``=``, ``!=``, ``=~``, ``!~``; ``?`` where its value looked like a secret and was not kept."""
    value: str = ""

    def __str__(self) -> str:
        return f'{self.name}{self.op}"{self.value}"'


@dataclass(frozen=True, slots=True)
class Route:
    """One node of the routing tree, with what it inherits from those above it."""

    receiver: str
    place: str = "route"
    """``route.routes[2]``."""
    matchers: tuple[Matcher, ...] = ()
    continues: bool = False
    group_by: tuple[str, ...] = ()
    """``...`` alone means every label."""
    group_wait: float = 30.0
    group_interval: float = 300.0
    mute: tuple[str, ...] = ()
    """Names of the time intervals in which it tells nobody."""
    active: tuple[str, ...] = ()
    """Names of those in which alone it tells anybody."""
    routes: tuple[Route, ...] = ()

    def __str__(self) -> str:
        return f"{self.place} {{{', '.join(map(str, self.matchers))}}}" if self.matchers else self.place


@dataclass(frozen=True, slots=True)
class Integration:
    """One way by which a receiver tells somebody."""

    kind: str
    """``webhook``, ``email``, ``slack`` …"""
    resolved: bool = True
    """Whether it also tells that an alert is over."""
    host: str = ""
    """Of a webhook, where that is not kept back: host and port."""
    path: str | Missing = Missing("it is kept back")
    """Of the webhook of the test receiver alone: its path, or a dash for any other than the declared one."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver and its integrations; without any it tells nobody."""

    name: str
    integrations: tuple[Integration, ...] = ()


@dataclass(frozen=True, slots=True)
class Inhibition:
    """A rule by which one alert keeps others from being told."""

    place: str
    """``inhibit_rules[2]``."""
    sources: tuple[Matcher, ...] = ()
    targets: tuple[Matcher, ...] = ()
    equal: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.place} (source {{{', '.join(map(str, self.sources))}}}, target {{{', '.join(map(str, self.targets))}}})"


@dataclass(frozen=True, slots=True)
class Span:
    """One part of a time interval: where something is empty, any will do. First and last of each range belong to it."""

    times: tuple[tuple[int, int], ...] = ()
    """Minutes of the day; the last is not within."""
    weekdays: tuple[tuple[int, int], ...] = ()
    """From 0, Sunday."""
    days: tuple[tuple[int, int], ...] = ()
    """Of the month; negative ones from its end."""
    months: tuple[tuple[int, int], ...] = ()
    years: tuple[tuple[int, int], ...] = ()
    location: str = "UTC"


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence that is in force or will be."""

    id: str
    matchers: tuple[Matcher, ...]
    lasts: float
    """Seconds until its end, from our look."""
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """A running Alertmanager."""

    url: str
    version: str = ""
    ready: str | Missing = "ready"
    """What `/-/ready` came to: ``ready``, or with what it said that it is not."""
    cluster: str = "disabled"
    """``ready``, ``settling`` or ``disabled``."""
    peers: int = 0
    reloaded: bool | Missing = True
    """Whether the last reload of its configuration was a success."""
    at: float = 0.0
    """Seconds since the epoch, when we looked."""
    route: Route | Missing = Missing("its configuration was not read")
    receivers: tuple[Receiver, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    intervals: dict[str, tuple[Span, ...] | Missing] = field(default_factory=dict)
    silences: tuple[Silence, ...] | Missing = ()
    added: tuple[str, ...] | Missing = Missing("no Prometheus is declared")
    """Labels that the running Prometheus adds to every alert; not known where it rewrites them."""
    carried: tuple[str, ...] | Missing = Missing("no Prometheus is declared")
    """Labels that any series of the running Prometheus has."""
    labels: dict[str, str] = field(default_factory=dict)
    """Of the test alert, where a test receiver is declared."""

    def receiver(self, name: str) -> Receiver | None:
        """One receiver by its name."""
        return next((each for each in self.receivers if each.name == name), None)
