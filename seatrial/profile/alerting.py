"""The grammar of alerting: rule files, the servers that load and deliver them, and what each alert is meant to tell."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Tag

from seatrial.profile.nodes import Absent, AddressOrReference, Node, PathOrReference, TextOrReference
from seatrial.profile.scalars import (
    OR_MAPPING,
    OR_NONE,
    OR_SEVERAL,
    DurationField,
    ExistingPath,
    Name,
    RatioField,
    Text,
    ThresholdField,
)
from seatrial.words import Duration

__all__ = ["Alerts", "Meaning", "Monitor", "Quantile", "Selection", "Share", "TestReceiver"]


Several = Annotated[Annotated[Text, Tag("|one")] | Annotated[list[Text], Tag("|list")], OR_SEVERAL]


class Selection(Node):
    """Series of one metric."""

    metric: Text
    """Name of the metric, as its samples have it: with `_total`, and a histogram without `_bucket`."""
    labels: dict[Text, Several] = {}
    """Values that labels must have; several mean any of them."""
    without: dict[Text, Several] = {}
    """Values that labels must not have."""


Selected = Annotated[Annotated[Text, Tag("|one")] | Annotated[Selection, Tag("|mapping")], OR_MAPPING]
"""A metric's name alone, or a mapping."""


class Share(Node):
    """One rate of events as a share of another."""

    of: Selected
    """What is counted."""
    to: Selected
    """All there is, what is counted included."""


class Quantile(Node):
    """A quantile of a histogram's observations."""

    quantile: RatioField
    """Which: 0.95 or 95%."""
    of: Selected
    """The histogram."""


class Meaning(Node):
    """What an alert tells, in the operator's words and not in those of its expression: one quantity, and its boundary."""

    value: Selected | None = None
    """The value of a gauge."""
    rate: Selected | None = None
    """Events per second of a counter."""
    increase: Selected | None = None
    """Events of a counter within `window`."""
    ratio: Share | None = None
    """Share of events, as rates."""
    quantile: Quantile | None = None
    """A quantile of a histogram."""
    changes: Selected | None = None
    """How often the value of a gauge changed within `window`."""
    absent: Selected | None = None
    """No such series is there any more; it has no boundary."""
    all: list[Meaning] | None = None
    """Each of these holds at the same time."""
    any: list[Meaning] | None = None
    """At least one of these holds."""
    above: ThresholdField | None = None
    """It tells when the quantity is above: `5%`, `2s`, `10/s`, `1GiB`, `3`."""
    below: ThresholdField | None = None
    """It tells when the quantity is below."""
    equals: ThresholdField | None = Field(default=None, alias="is")
    """It tells when the quantity is just that: a state."""
    lasting: DurationField | None = Field(default=None, alias="for")
    """How long it must have been so; at once when absent."""
    window: DurationField | None = None
    """Time over which events are counted; the expression's own when absent."""
    per: list[Text] = []
    """Labels by which it tells one thing from the next: one alert for each of their values."""
    severity: Text | None = None
    """Severity that its label must state."""


class Monitor(Node):
    """A server of the monitoring, asked over HTTP."""

    url: TextOrReference
    """Where it is reached, with its path prefix."""
    headers: dict[Text, TextOrReference] | None = None
    """Request headers; a secret belongs in a reference."""
    timeout: DurationField = Duration(10)
    """When a request is given up."""


class TestReceiver(Node):
    """A receiver of the Alertmanager that sends to a listener of ours, and to nobody else."""

    receiver: Text
    """Its name in the Alertmanager's configuration."""
    listen: AddressOrReference
    """Address its webhook sends to, where this run listens: `127.0.0.1:9099`."""
    path: Text = "/"
    """Path of the webhook."""
    labels: dict[Text, Text]
    """Labels by which the routing tree sends the test alert there."""
    within: DurationField = Duration(60)
    """How long it may take beyond the route's own `group_wait`."""


class Promtool(Node):
    """The program that evaluates rules."""

    path: PathOrReference
    """Where it lies."""


class Alerts(Node):
    """Alert rules."""

    files: list[ExistingPath] = []
    """Rule files, relative to the profile."""
    prometheus: Monitor | None = None
    """The Prometheus that loaded them."""
    alertmanager: Monitor | None = None
    """The Alertmanager that it sends to."""
    promtool: Annotated[Annotated[Promtool, Tag("|mapping")] | Absent, OR_NONE] | None = None
    """What evaluates rules; the promtool of PATH when absent. `{none: reason, owner: who}` where there is none on purpose, so that no rule
    is evaluated."""
    scrape_interval: DurationField | None = None
    """How often the targets are scraped; what the running Prometheus says when absent."""
    severities: list[Text] = []
    """Values that the label `severity` may have."""
    undelivered: list[Text] = []
    """Alerts that nobody is told of on purpose, by their names or their severity: `Watchdog`, `info`."""
    means: dict[Text, Meaning] = {}
    """What each alert tells, by its name."""
    covers: dict[Text, Several] = {}
    """Failures that must be told, and the alert, or several, that tells each."""
    objectives: dict[Name, Several] = {}
    """Objectives of `slos`, by name, and the burn-rate alerts that tell when their budget is spent too fast."""
    dashboards: list[ExistingPath] = []
    """Grafana dashboards as JSON, relative to the profile."""
    test_receiver: TestReceiver | None = None
    """Where a test alert is sent to; nothing is sent when absent."""
