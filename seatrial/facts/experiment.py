"""What one experiment saw: every probe against time, with the fault's begin and end. Frozen, saved and replayed like any fact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from seatrial.words import Duration, Missing

__all__ = ["Bound", "Fault", "Incarnation", "Moment", "Sample", "Timeline"]


@dataclass(frozen=True, slots=True)
class Bound:
    """A time that something must happen within, and who says so."""

    seconds: float
    source: str
    """``services.api.readiness.unready_within``, ``HEALTHCHECK of container api-1``, ``default of Kubernetes``."""

    def __str__(self) -> str:
        return f"{Duration(round(self.seconds, 3))} ({self.source})"


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer of one probe, or of one call."""

    at: float
    """Seconds since the experiment began, when it was asked."""
    probe: str
    """liveness, readiness, startup, health, canary, HEALTHCHECK, or the name of a call."""
    who: str
    """Who was asked: a replica by its name, or ``front`` for the service's own URL."""
    ok: bool
    """Whether the answer was as declared; for HEALTHCHECK whether it ran and ended with 0."""
    status: int = 0
    """Of HTTP; 0 when no answer came. For HEALTHCHECK its exit code."""
    seconds: float = 0.0
    failure: str = ""
    """What came instead of an answer (``did not answer within 2s``), or how it differed from what is declared."""
    overall: str = ""
    """For health: the overall status that the document gives."""
    unhealthy: tuple[str, ...] = ()
    """For health: the components it calls anything but healthy."""

    @property
    def end(self) -> float:
        """When the answer was there."""
        return self.at + self.seconds

    def __str__(self) -> str:
        said = ", but ".join(filter(None, (f"HTTP {self.status}" if self.status else "", self.failure)))
        return f"{self.probe} of {self.who} at {self.at:.2f} s: {said or ('as declared' if self.ok else 'no answer')}"


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, and when: ours (``redis hangs``) or the target's (``api-1 was started again``)."""

    at: float
    what: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What was done to the target, from outside of the service that is tested."""

    kind: str
    """stopped, hung, slow, terminated, killed, overloaded, recreated …"""
    of: str
    """The service it was done to."""
    how: str
    """``paused by the engine``, ``SIGSTOP to 2 processes``."""
    proof: str
    """What showed from outside that it was there: ``accepts a connection and says nothing for 1s``."""
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Incarnation:
    """One life of one replica: when any of this changes, it was started anew."""

    replica: str
    id: str
    """Container id, or pid."""
    started: str
    restarts: int = 0
    """As the engine counts them; 0 where nobody does."""
    running: bool = True
    exit_code: int | None = None
    """Of a life that is over, where it can be known."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """One experiment."""

    experiment: str
    """``api while redis hangs``."""
    service: str
    seconds: float
    """How long it took."""
    samples: tuple[Sample, ...] = ()
    """In the order they were asked."""
    faults: tuple[Fault, ...] = ()
    moments: tuple[Moment, ...] = ()
    bounds: dict[str, Bound] = field(default_factory=dict)
    """By name (``unready_within``, ``timeout of readiness``): what was asked of it, and who asks."""
    numbers: dict[str, float] = field(default_factory=dict)
    """What was measured, by name and unit (``exit_seconds``)."""
    notes: dict[str, str] = field(default_factory=dict)
    """What was seen that is no number, by name."""
    before: tuple[Incarnation, ...] = ()
    after: tuple[Incarnation, ...] = ()
    unsteady: str = ""
    """What was not as declared before anything was done; then nothing was done."""
    interval: float = 0.0
    """Seconds between two samples of one probe, as planned."""

    def of(self, probe: str, *, who: str = "", since: float = 0.0, until: float = float("inf")) -> tuple[Sample, ...]:
        """The samples of a probe that were asked in a span of time."""
        return tuple(
            sample
            for sample in self.samples
            if sample.probe == probe and (not who or sample.who == who) and since <= sample.at < until
        )

    def asked(self, probe: str) -> tuple[str, ...]:
        """Who was asked, each once, in the order they were first asked."""
        return tuple(dict.fromkeys(sample.who for sample in self.samples if sample.probe == probe))

    def ended(self) -> Iterator[tuple[str, str]]:
        """Replicas that are not in the same life after as before, and what became of each."""
        after = {life.replica: life for life in self.after}
        for was in self.before:
            now = after.get(was.replica)
            if now is None:
                text = "it ended"
            elif not now.running:
                text = "it ended" + ("" if now.exit_code is None else f" with exit code {now.exit_code}")
            elif (now.id, now.started) != (was.id, was.started):
                text = "it was started anew"
            elif now.restarts != was.restarts:
                text = f"it was restarted {now.restarts - was.restarts} times"
            else:
                continue
            yield was.replica, text

    @property
    def fault(self) -> Fault | Missing:
        """The one fault of an experiment that has one."""
        return self.faults[0] if self.faults else Missing(self.unsteady or "nothing was done to the target")
