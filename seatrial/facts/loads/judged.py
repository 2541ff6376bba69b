"""One number that is promised of a load, beside what was measured: what it is called, what holds here, and how it is told.

Whoever prints an objective prints its `Told`; nothing of a verdict is worked out anywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Told"]


@dataclass(frozen=True, slots=True)
class Told:
    """One objective as a reader sees it: plain numbers, in seconds, shares or requests a second, and the verdict in words."""

    id: str
    """The subject: ``slos.search.latency.p95``."""
    slo: str
    """The load it was judged by: ``slos.search``."""
    kind: str
    """``latency``, ``errors``, ``throughput`` or ``growth``."""
    what: str
    """``p95 of POST /search``, ``errors of all requests``."""
    endpoint: str = ""
    """Name of the stream; empty for all together."""
    quantile: float = 0.0
    """0.95; 0 where there is none."""
    unit: str = "seconds"
    """Of the numbers below: ``seconds``, ``share`` or ``per second``."""
    seen: float | None = None
    bounds: tuple[float, float] | None = None
    """The 95 % interval, by which it is decided."""
    interval: tuple[float, float] | None = None
    """The 99.99 % interval: how far the truth may lie."""
    objective: float | None = None
    """None where nothing is promised of this machine."""
    samples: int = 0
    """Requests it was judged by."""
    seconds: float = 0.0
    """How long these were begun."""
    offered: float = 0.0
    """Requests a second that were to begin."""
    achieved: float = 0.0
    """Requests a second that did."""
    loop: str = "open"
    """``open`` or ``closed``."""
    by_locust: bool = False
    """True where Locust's own clients took the times."""
    hardware: str = ""
    """``amd64, 2 cores, Intel Xeon …``, as looked at in the same run; or why that is not known."""
    class_: str = ""
    """The class of `hardware.classes` that this is."""
    decision: str = "undecided"
    """``met``, ``missed`` or ``undecided``."""
    why: str = ""
    """Why it is undecided."""
    proposed: bool = False
    """True when no document states it."""
    text: str = ""
    """All of it in one line, without the objective: what a failure prints as seen."""
    expected: str = ""
    """``at most 200 ms``."""
