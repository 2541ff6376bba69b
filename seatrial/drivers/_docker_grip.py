"""What driver docker's hands hold on to: the engine, the containers of a service, how each is reached, and what of them is ours."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from seatrial.drivers import _docker_kernel as kernel
from seatrial.drivers import _faults
from seatrial.drivers._docker_api import Api, NotThere
from seatrial.safety.acts import Act
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from seatrial.drivers import Session
    from seatrial.drivers._docker_endpoint import Endpoint

__all__ = ["FOR", "MADE", "NEW", "OLD", "PROJECT", "Grip", "name_of", "there"]

MADE = "org.seatrial.made"
"""Label of what we made to be removed again; its value is the act's token."""
FOR = "org.seatrial.for"
"""Label on the same: the service it is a replica of."""
OLD, NEW = "-seatrial-old", "-seatrial-new"
"""What follows the name of a container while it is made anew."""
PROJECT = "com.docker.compose.project"
HELLO_WITHIN = 1.0


def name_of(one: dict[str, Any]) -> str:
    """A container's name, from its inspection."""
    return str(one["Name"]).lstrip("/")


def there(api: Api, known: str) -> dict[str, Any] | None:
    """The container of that id or name; None when there is none."""
    try:
        one: dict[str, Any] = api.get(f"/containers/{known}/json")
    except NotThere:
        return None
    return one if known in (one["Id"], name_of(one)) else None  # the engine takes the beginning of an id for one, too


@dataclass(slots=True)
class Grip:
    """One target of one engine. Undoing needs no profile: what it takes is in the act."""

    session: Session
    endpoint: Endpoint
    renewed: dict[str, str] = field(default_factory=dict)
    """Ids of containers that we made anew, and the id that each had when it was first seen."""
    restarts: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By id: the restart count that was found, and the one that what we did comes to."""
    held: dict[str, Callable[[], None]] = field(default_factory=dict)
    """By token: what ends something of ours that goes on until it is undone."""
    over: set[str] = field(default_factory=set)
    """Tokens of acts that were undone by something that must not be done twice."""
    said: dict[str, str] = field(default_factory=dict)
    """By token: how something ended that can't be seen afterwards."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def api(self) -> Iterator[Api]:
        """A connection to the engine."""
        api = Api(self.session, self.endpoint)
        try:
            yield api
        finally:
            api.close()

    # --- containers ---------------------------------------------------------------------------------------------------

    def inspected(self, service: str) -> list[dict[str, Any]]:
        """The containers of a service, and copies of them that we made; not those that are just being made anew."""
        from seatrial.drivers import docker

        found = []
        with self.api() as api:
            listed = docker._listed(api)
            claimed = {one["Id"] for one in docker._claims(self.session, listed).get(service, [])}
            for one in listed:
                if one["Id"] in claimed or (one.get("Labels") or {}).get(FOR) == service:
                    with contextlib.suppress(NotThere):
                        whole = api.get(f"/containers/{one['Id']}/json")
                        if not name_of(whole).endswith((OLD, NEW)):
                            found.append(whole)
        return found

    def disturbable(self, kind: str, service: str) -> list[dict[str, Any]]:
        """The running containers of a service that may be disturbed.

        Raises:
            CouldNotLook: there are none, or it must not be.
        """
        self.session.disturbable(service)
        project = self.session.profile.target.compose_project
        found = []
        for one in self.inspected(service):
            theirs = (one["Config"].get("Labels") or {}).get(PROJECT)
            if project and theirs and theirs != project:
                raise CouldNotLook(
                    f"container {name_of(one)} must not be disturbed: it belongs to compose project {theirs}, not {project}"
                )
            if one["State"].get("Restarting"):
                raise CouldNotLook(f"container {name_of(one)} is just being restarted by the engine")
            if one["State"]["Running"]:
                found.append(one)
        if not found:
            raise CouldNotLook(f"no container of {service} runs, so that there is nothing to {kind}")
        return found

    def refuse_end(self, kind: str, one: dict[str, Any]) -> None:
        """Refuse what ends a container where that could not be undone."""
        name = name_of(one)
        if one["State"].get("Paused"):
            raise CouldNotLook(f"container {name} is paused: the engine can't {kind} it")
        if one["HostConfig"].get("AutoRemove"):
            raise CouldNotLook(f"container {name} was started with --rm: the engine would remove it for good")
        with self.api() as api:
            for other in api.get("/containers/json"):
                if (other.get("HostConfig") or {}).get("NetworkMode") == f"container:{one['Id']}":
                    raise CouldNotLook(
                        f"container {name} lends its network to {other['Names'][0].lstrip('/')}, which would lose it for good"
                    )

    def now(self, api: Api, act: Act) -> dict[str, Any] | None:
        """The container of an act as it is now: the same one, else another of its name; None when there is neither."""
        return there(api, act.object) or there(api, str(act.found["name"]))

    # --- how it is reached --------------------------------------------------------------------------------------------

    def address(self, service: str, one: dict[str, Any]) -> tuple[str, int] | None:
        """A container's own address as it is reached from here, and the port it serves on there; None when it has none.

        The address that the engine's bridge gave is used where the engine is on this machine. Elsewhere the same
        number may be somebody else's, so that only a published port counts.
        """
        port, published = self._port(service, one)
        if port is None:
            return None
        here = kernel.near(one)
        if one["HostConfig"].get("NetworkMode") == "host":
            host = "127.0.0.1" if here else self._engine()
            return (host, port) if host else None
        if here:
            networks = ((one.get("NetworkSettings") or {}).get("Networks") or {}).values()
            found = [n.get("IPAddress") or n.get("GlobalIPv6Address") for n in networks if n]
            address = next(filter(None, found), "")
            return (address, port) if address else None
        for outer in published.get(port, ()):
            if self._engine() and not outer.get("HostIp", "").startswith(("127.", "::1")):
                return self._engine(), int(outer["HostPort"])
        return None

    def _engine(self) -> str:
        return urlsplit(self.endpoint.host).hostname or ""

    def _port(self, service: str, one: dict[str, Any]) -> tuple[int | None, dict[int, list[dict[str, str]]]]:
        """The port it serves on inside, as far as that is known, and what is published of which port."""
        node = self.session.profile.services[service]
        ports = (one.get("NetworkSettings") or {}).get("Ports") or {}
        published = {int(p.partition("/")[0]): outers for p, outers in ports.items() if outers and p.endswith("/tcp")}
        if node.port is not None:
            return int(self.session.resolve(node.port)), published
        names = {*ports, *(one["Config"].get("ExposedPorts") or {})}
        exposed = sorted(int(p.partition("/")[0]) for p in names if p.endswith("/tcp"))
        if node.url is not None:
            parts = urlsplit(self.session.resolve(node.url))
            outer = parts.port or (443 if parts.scheme == "https" else 80)
            for inside, bindings in published.items():
                if any(int(binding["HostPort"]) == outer for binding in bindings):
                    return inside, published
            if outer in exposed or one["HostConfig"].get("NetworkMode") == "host":
                return outer, published
        return (exposed[0] if len(exposed) == 1 else None), published

    # --- what an act needs to know ------------------------------------------------------------------------------------

    def found(self, service: str, one: dict[str, Any]) -> dict[str, Any]:
        """A container before an act: what undoing and proving need. No environment, no command: there may be secrets in them."""
        state = one["State"]
        address = self.address(service, one)
        protocol = self.session.profile.services[service].protocol
        hello = (
            _faults.answers_within(*address, protocol, HELLO_WITHIN) if address and not state.get("Paused") else None
        )
        main = kernel.main(one)
        return {
            "name": name_of(one),
            "running": True,
            "paused": bool(state.get("Paused")),
            "started": state["StartedAt"],
            "restarts": int(one.get("RestartCount") or 0),
            "shown": self.shown(one),
            "address": list(address) if address else None,
            "protocol": protocol,
            "accepted": bool(address) and _faults.accepts(*address),  # type: ignore[misc]
            "hello": None if hello is None else round(hello, 3),
            "main": list(main) if main else None,
            "freezer": kernel.freezer(one["Id"], main[0]) if main else "",
        }

    def count_restarts(self, api: Api, act: Act) -> None:
        """Note what the engine's count of restarts comes to by what we did: a start by hand sets it to 0."""
        one = self.now(api, act)
        if one is not None:
            now = int(one.get("RestartCount") or 0)
            ours = min(now, int(act.found["restarts"]) + 1) if act.kind == "kill" else now
            self.restarts[one["Id"]] = (int(act.found["shown"]), ours)

    def shown(self, one: dict[str, Any]) -> int:
        """The count of restarts without what we did to it."""
        now = int(one.get("RestartCount") or 0)
        first, ours = self.restarts.get(one["Id"], (0, 0))
        return first + now - ours
