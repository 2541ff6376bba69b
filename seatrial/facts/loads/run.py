"""One load run: what was offered, what came back second by second, and whether what made it can be believed. Frozen, saved, replayed.

Histograms are HdrHistograms of microseconds (1 µs to 1 h, 3 significant digits), in the library's own compressed base64
form (V2), so that any reader of that form reads them; an empty text is an empty histogram.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from seatrial.facts.experiment import Timeline
from seatrial.facts.machine import Machine
from seatrial.words import Missing

__all__ = ["Attested", "Generator", "LoadRun", "Planned", "Residents", "Second", "Stream"]


@dataclass(frozen=True, slots=True)
class Second:
    """One second of one stream, by when requests were meant to begin."""

    at: int
    """Seconds since the load began."""
    offered: int
    """Requests that were to begin in it."""
    right: int
    """Of those, answered as declared."""
    failed: int
    latency: str = ""
    """Histogram of those that were right, from their intended begin."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One endpoint, or all of them together."""

    name: str
    """``POST /notes``; empty for all."""
    seconds: tuple[Second, ...]
    latency: str
    """Histogram of what was answered as declared, ramp and warm-up included."""
    failed: str = ""
    """Histogram of how long failures took."""
    errors: dict[str, int] = field(default_factory=dict)
    """Failures by kind: ``HTTP 503``, ``refused``, ``timed out``, ``what was written is not read back``."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What was to be done."""

    loop: str
    """``open`` or ``closed``."""
    rate: float = 0.0
    """Arrivals a second of an open loop, of all processes together."""
    arrivals: str = "constant"
    users: int = 0
    """Of a closed loop."""
    ramp: float = 0.0
    warm_up: float = 0.0
    duration: float = 0.0
    """Seconds that are judged, after ramp and warm-up."""
    timeout: float = 10.0
    processes: int = 1
    what: str = ""
    """``GET /notes/welcome``, ``the canary of api``, ``loadtests/openviking.py``."""
    by_locust: bool = False
    """True where requests were timed by Locust's own clients, from when they were sent."""

    @property
    def judged_from(self) -> float:
        """Seconds after the begin from which on requests count."""
        return self.ramp + self.warm_up


@dataclass(frozen=True, slots=True)
class Generator:
    """The load generator while it ran."""

    version: str
    """``Locust 2.47.0``."""
    busy: tuple[float, ...]
    """Share of one core that each process used, at most, over the judged time."""
    ceiling: float | Missing
    """Requests a second that one process got out of a local server that does nothing, just before."""
    lag: str
    """Histogram of dispatch lag: how long after its intended begin the generator came to each request, ramp and warm-up excluded."""
    waited: int = 0
    """Requests that had to wait because every connection was in use."""
    connections: int = 0
    """Most that were open at once."""
    repeated: int = 0
    """Requests that were sent a second time, as a kept connection was closed before a byte of their answer came."""
    unread: float = 0.0
    """Seconds that 99 of 100 answers lay in the socket at most before they were read: the client's own share in a latency."""
    joined: int = 1
    """Processes or workers whose histograms were merged."""
    lost: int = 0
    """Workers that were lost meanwhile."""


@dataclass(frozen=True, slots=True)
class Attested:
    """The hardware, looked at in the same run, and how quiet it was."""

    machine: Machine | Missing
    """Of the target."""
    same: bool | Missing
    """Whether the load was made on that machine too."""
    reference: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    """Seconds that a fixed piece of work took, several times over, before and after."""
    stolen: float | Missing = Missing("not told")
    """Share of processor time that a hypervisor gave to others meanwhile."""
    class_: str = ""
    """The class of `hardware.classes` that this machine is of."""


@dataclass(frozen=True, slots=True)
class Residents:
    """Memory of one replica's processes through the load, in bytes."""

    replica: str
    samples: tuple[tuple[float, int], ...]
    """Seconds since the load began, and bytes."""


@dataclass(frozen=True, slots=True)
class LoadRun:
    """One load, and everything that was watched while it was made."""

    slo: str
    """``slos.read``."""
    service: str
    began: str
    """RFC 3339, UTC."""
    planned: Planned
    generator: Generator
    attested: Attested
    streams: tuple[Stream, ...]
    """All together first, then each endpoint in the order it was first asked."""
    seconds: float
    """How long requests were begun."""
    stopped: str = ""
    """Why it ended before its time: ``52% of requests failed over ten seconds``."""
    watched: Timeline | Missing = Missing("nothing was watched")
    """Probes, restarts and what was noticed; its clock is that of the load (0 is the first second)."""
    memory: tuple[Residents, ...] | Missing = Missing("not looked at")
    notes: dict[str, str] = field(default_factory=dict)

    def stream(self, endpoint: str = "") -> Stream | Missing:
        """That of an endpoint, or of all together."""
        names = ", ".join(stream.name for stream in self.streams if stream.name)
        none = Missing(f"no request of the load is called {endpoint!r}; it has {names or 'none'}")
        return next((stream for stream in self.streams if stream.name == endpoint), none)
