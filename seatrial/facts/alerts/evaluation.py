"""What alert rules made of synthetic series: scenarios, and the state of the alert at each moment that was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from seatrial.facts.alerts.rules import Rule
from seatrial.words import Missing

__all__ = ["Began", "Case", "Evaluated", "Evaluation", "Evaluations", "Expected", "Instance", "Moment", "Scenario"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Series over a time, and when the state of one alert is asked for."""

    name: str
    series: tuple[tuple[str, str], ...]
    """Series and its values, as promtool reads them: ``up{job="api"}`` and ``1x20 0x20``."""
    interval: float
    """Seconds between two samples, and between two evaluations; whole milliseconds."""
    at: tuple[float, ...]
    """Seconds from the start; each a multiple of the interval, or it is told as of the last evaluation before."""
    alert: str


@dataclass(frozen=True, slots=True)
class Instance:
    """One alert at one moment."""

    state: str
    """``pending`` or ``firing``."""
    labels: dict[str, str] = field(default_factory=dict)
    """Without ``alertname`` and ``alertstate``."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What an alert came to at one moment."""

    at: float
    instances: tuple[Instance, ...] = ()

    @property
    def state(self) -> str:
        """``firing`` when any instance fires, else ``pending``, else ``inactive``."""
        states = {instance.state for instance in self.instances}
        return "firing" if "firing" in states else "pending" if states else "inactive"


@dataclass(frozen=True, slots=True)
class Began:
    """When an instance was first seen in a state."""

    at: float
    state: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What one scenario came to."""

    moments: tuple[Moment, ...]
    """One for each moment that was asked for, in that order."""
    began: tuple[Began, ...] = ()
    """First time of each state of each instance, up to the last of these moments."""

    def first(self, state: str) -> float | None:
        """When any instance was first in that state."""
        return min((each.at for each in self.began if each.state == state), default=None)


@dataclass(frozen=True, slots=True)
class Expected:
    """What an alert is meant to be at one moment."""

    kind: str
    """What is asked: ``below``, ``above``, ``timing``, ``resolves``, ``each``, ``other``."""
    at: float
    state: str
    """``inactive`` or ``firing``; what is meant to be inactive must not have fired before, either."""
    labels: tuple[dict[str, str], ...] | None = None
    """Labels that exactly these firing alerts must have, one each; None where any number may fire."""
    told: str = ""
    """The traffic in words, with its numbers: ``6% of 10/s were errors_total for 12m``."""


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario, what is meant to come of it, and what came."""

    name: str
    expected: tuple[Expected, ...]
    evaluated: Evaluated | Missing
    interval: float = 15.0
    lasting: float | None = None
    """Seconds that it is meant to wait, where that is asked."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one alert is meant to tell, and what real evaluation made of its rules."""

    alert: str
    meaning: str
    """In words, as it was declared or read."""
    source: str = "declared"
    """``declared`` in the profile, or read from the rule's ``texts``."""
    rules: tuple[Rule, ...] = ()
    """Rules of that name; none when there is no such alert."""
    file: str = ""
    """The file that holds the first of them."""
    known: tuple[str, ...] = ()
    """Names of all alerts, where there is none of that name."""
    cases: tuple[Case, ...] = ()
    undecided: str = ""
    """Why nothing could be decided: a shape that is not supported, or what is not documented."""


@dataclass(frozen=True, slots=True)
class Evaluations:
    """Everything that was evaluated for one subject."""

    evaluations: tuple[Evaluation, ...]
    left: tuple[str, ...] = ()
    """Alerts of a file whose meaning is declared, so that they are judged by that."""
