"""What can be done to a target, as data: so that it is written down before it is done, and undone by whoever reads that."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from seatrial.words import CouldNotLook

__all__ = ["Act", "Checked", "Hands", "NotRecovered", "Replica"]


class NotRecovered(CouldNotLook):
    """A disturbance could not be undone: its journal stays open, and nothing more is disturbed."""


@dataclass(frozen=True, slots=True)
class Replica:
    """One container or process of a service, as it is now."""

    service: str
    name: str
    """What people call it: the container's name, ``pid 4711``."""
    id: str
    """Container id, or pid."""
    started: str
    """When it was started, in the engine's or the kernel's words: with the id it names one life."""
    running: bool = True
    restarts: int = 0
    """How often its engine has started it again; 0 where nobody counts."""
    exit_code: int | None = None
    url: str = ""
    """Its own address, ``http://172.18.0.5:8080``, where it has one; else that of the service."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One run of a HEALTHCHECK, as the engine remembers it."""

    replica: str
    at: float
    """Seconds since the epoch, when it began."""
    seconds: float
    exit_code: int
    reason: str = ""
    """Why its command was not executed, or how it ended otherwise than by itself; empty when it ran."""


@dataclass(frozen=True, slots=True)
class Act:
    """One disturbance of one thing. Everything that is needed to undo it is in it: no secrets, no live objects."""

    kind: str
    """stop, hang, slow, terminate, kill, restart, recreate, scale, command: each driver says which it knows; alert, stage, seed."""
    service: str
    name: str
    """The thing in people's words: ``container sea-redis-1``, ``pid 4711 (redis-server)``."""
    object: str
    """The thing in the driver's words: a container's id, a pid."""
    how: str
    """What is done to it, for reports: ``paused by the engine``."""
    found: dict[str, Any] = field(default_factory=dict)
    """Its state before, as far as undoing needs it. JSON types alone."""
    wanted: dict[str, Any] = field(default_factory=dict)
    """Parameters of the act. JSON types alone."""

    def told(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)


class Hands(Protocol):
    """What a driver can do to its target. The same for every driver: an experiment knows no other names.

    Every method may raise `CouldNotLook`: the act is refused, impossible here, or the engine is gone.
    """

    def replicas(self, service: str) -> tuple[Replica, ...]:
        """The containers or processes of a service, ended ones included where they are still known."""

    def checks(self, service: str) -> tuple[Checked, ...]:
        """The runs of the HEALTHCHECKs of a service that are still remembered; none where there is no such thing."""

    def acts(self, kind: str, service: str, **wanted: Any) -> tuple[Act, ...]:
        """What an act of this kind on a service comes to, one for each thing; nothing is done yet.

        Raises:
            CouldNotLook: the service does not run, or must not be disturbed, or this driver can't do that.
        """

    def do(self, act: Act) -> None:
        """Do it."""

    def undo(self, act: Act) -> None:
        """Undo it, as often as one likes: what is already as found is left alone, and what is no more ours too."""

    def left(self, act: Act) -> str:
        """What of the act is still there, in words (``paused``); empty when all is as found."""

    def proof(self, act: Act) -> str:
        """What shows from outside of the tested service that the fault is there now.

        Raises:
            CouldNotLook: it is not there.
        """

    def inventory(self) -> dict[str, str]:
        """Everything of the target that a disturbance might leave changed, by name: compared before and after."""

    def told(self) -> dict[str, Any]:
        """What is needed to have these hands again in another process: JSON types, no secrets."""
