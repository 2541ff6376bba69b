"""What driver docker can do to its target: through the engine's API, and, on the engine's own host, through the kernel."""

from __future__ import annotations

import datetime as dt
import re
from types import ModuleType
from typing import TYPE_CHECKING, Any

from seatrial.drivers import (
    _docker_command,
    _docker_endpoint,
    _docker_inventory,
    _docker_power,
    _docker_recreate,
    _docker_scale,
    _docker_slow,
)
from seatrial.drivers._docker_endpoint import Endpoint
from seatrial.drivers._docker_grip import Grip, name_of
from seatrial.safety.acts import Act, Checked, Replica
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session

__all__ = ["DockerHands"]

KINDS: dict[str, ModuleType] = {
    **dict.fromkeys(("stop", "hang", "terminate", "kill", "restart"), _docker_power),
    "slow": _docker_slow,
    "recreate": _docker_recreate,
    "scale": _docker_scale,
    "command": _docker_command,
}
"""Who knows how: each module has acts, do, undo, left, proof."""


class DockerHands:
    """The hands of one run on one engine. Undoing asks nothing of the profile: all of it is in the act."""

    def __init__(self, session: Session, endpoint: Endpoint | None = None) -> None:
        """Nothing is contacted yet."""
        self.session = session
        self.endpoint = endpoint or _docker_endpoint.find(session)
        self.grip = Grip(session, self.endpoint)

    # --- what there is ------------------------------------------------------------------------------------------------

    def replicas(self, service: str) -> tuple[Replica, ...]:
        """Its containers."""
        return tuple(self._replica(service, one) for one in self.grip.inspected(service))

    def _replica(self, service: str, one: dict[str, Any]) -> Replica:
        state = one["State"]
        running = bool(state["Running"]) and not state.get("Restarting")
        return Replica(
            service,
            name_of(one),
            one["Id"],
            state["StartedAt"],
            running=running,
            restarts=int(one.get("RestartCount") or 0),
            exit_code=None if running else int(state["ExitCode"]),
            url=self._url(service, one) if running else "",
        )

    def _url(self, service: str, one: dict[str, Any]) -> str:
        address = self.grip.address(service, one)
        if address is None:
            return ""
        host, port = address
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def checks(self, service: str) -> tuple[Checked, ...]:
        """The runs of HEALTHCHECKs that the engine remembers."""
        from seatrial.drivers._healthcheck import healthlog

        found = []
        for one in self.grip.inspected(service):
            test = tuple((one["Config"].get("Healthcheck") or {}).get("Test") or ())
            for entry in (one["State"].get("Health") or {}).get("Log") or ():
                told = healthlog(entry, test)
                found.append(Checked(name_of(one), _epoch(told.started), told.seconds, told.exit_code, told.reason))
        return tuple(found)

    # --- acts ---------------------------------------------------------------------------------------------------------

    def acts(self, kind: str, service: str, **wanted: Any) -> tuple[Act, ...]:
        """What an act comes to; nothing is done yet."""
        made: tuple[Act, ...] = _knows(kind).acts(self.grip, kind, service, wanted)
        return made

    def do(self, act: Act) -> None:
        """Do it."""
        _knows(act.kind).do(self.grip, act)

    def undo(self, act: Act) -> None:
        """Undo it."""
        _knows(act.kind).undo(self.grip, act)

    def left(self, act: Act) -> str:
        """What of it is still there."""
        return str(_knows(act.kind).left(self.grip, act))

    def proof(self, act: Act) -> str:
        """What shows from outside that it is there."""
        return str(_knows(act.kind).proof(self.grip, act))

    def inventory(self) -> dict[str, str]:
        """Containers, networks and volumes of the target, and what there is in its network namespaces."""
        return _docker_inventory.inventory(self.grip)

    def told(self) -> dict[str, Any]:
        """The engine's address, and where its certificates lie."""
        from dataclasses import asdict

        return {"endpoint": asdict(self.endpoint)}


def _knows(kind: str) -> ModuleType:
    if kind not in KINDS:
        raise CouldNotLook(f"driver docker does not know how to {kind} a service")
    return KINDS[kind]


def _epoch(stamp: str) -> float:
    """Seconds since the epoch of an RFC 3339 time with nanoseconds."""
    return dt.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", stamp)).timestamp()
