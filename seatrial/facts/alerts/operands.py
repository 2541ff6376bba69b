"""What the selectors and operands of rules gave a running Prometheus, each asked on its own: now, and over a time."""

from __future__ import annotations

from dataclasses import dataclass, field

from seatrial.words import Missing

__all__ = ["Given", "Operands"]


@dataclass(frozen=True, slots=True)
class Given:
    """What one expression gave."""

    series: tuple[int, ...] = ()
    """How many series at each moment, the latest last."""
    lowest: float | None = None
    highest: float | None = None
    """Over all moments and series; None where there was none, none that is a number, or where it was not asked for."""
    error: str = ""
    """Why there is no answer."""

    @property
    def now(self) -> int:
        """How many series it gives at the last moment."""
        return self.series[-1] if self.series else 0

    @property
    def moments(self) -> int:
        """At how many moments it gave anything."""
        return sum(1 for count in self.series if count)

    @property
    def ever(self) -> bool:
        """Whether it ever gave anything."""
        return self.moments > 0


@dataclass(frozen=True, slots=True)
class Operands:
    """What was asked on behalf of one rule file."""

    origin: str = ""
    """``Prometheus at http://127.0.0.1:9090``; empty where none is declared, so that nothing was asked."""
    over: float = 0.0
    """Seconds back to the first moment that was asked for: an hour, or what the server knows of."""
    step: float = 0.0
    """Seconds from one moment to the next."""
    interval: float = 0.0
    """Seconds between scrapes by the server's configuration; 0 where it does not tell."""
    given: dict[str, Given] = field(default_factory=dict)
    """By expression."""
    shapes: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    """By expression, for those whose labels matter: the names of labels that its series have together, each once."""
    announced: dict[str, str] = field(default_factory=dict)
    """Metrics without series of which a target tells what they are: their type."""
    recorded: tuple[str, ...] | Missing = ()
    """Names that recording rules of all files, and those the server has loaded, give their results."""
    down: tuple[str, ...] | Missing = ()
    """Targets that can't be scraped now: what is not found may be theirs."""
    unasked: int = 0
    """How many expressions were not asked, because there were too many or it took too long."""

    def of(self, expression: str) -> Given | None:
        """What an expression gave; None when it was not asked, or gave no answer."""
        found = self.given.get(expression)
        return None if found is None or found.error else found
