"""What driver docker can do to its target, through the engine's API alone."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from seatrial.drivers import _docker_endpoint, _faults
from seatrial.drivers._docker_api import Api, NotThere
from seatrial.drivers._docker_endpoint import Endpoint
from seatrial.safety.acts import Act, Checked, Replica
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session

__all__ = ["DockerHands"]


class DockerHands:
    """Containers stopped, paused and brought back."""

    def __init__(self, session: Session, endpoint: Endpoint | None = None) -> None:
        self.session = session
        self.endpoint = endpoint or _docker_endpoint.find(session)

    def _api(self) -> contextlib.closing[Api]:
        return contextlib.closing(Api(self.session, self.endpoint))

    # --- what there is ------------------------------------------------------------------------------------------------

    def _inspected(self, service: str) -> list[dict[str, Any]]:
        from seatrial.drivers import docker

        with self._api() as api:
            claimed = docker._claims(self.session, docker._listed(api)).get(service, [])
            return [api.get(f"/containers/{one['Id']}/json") for one in claimed]

    def replicas(self, service: str) -> tuple[Replica, ...]:
        """Its containers."""
        return tuple(self._replica(service, one) for one in self._inspected(service))

    def _replica(self, service: str, one: dict[str, Any]) -> Replica:
        state = one["State"]
        address, port = self._address(service, one)
        return Replica(
            service,
            one["Name"].lstrip("/"),
            one["Id"],
            state["StartedAt"],
            running=bool(state["Running"]),
            restarts=int(one.get("RestartCount") or 0),
            exit_code=None if state["Running"] else int(state["ExitCode"]),
            url=f"http://{address}:{port}" if address and port else "",
        )

    def _address(self, service: str, one: dict[str, Any]) -> tuple[str, int | None]:
        """A container's own address, and the port it serves on inside."""
        node = self.session.profile.services[service]
        networks = (one.get("NetworkSettings") or {}).get("Networks") or {}
        address = next((n["IPAddress"] for n in networks.values() if n.get("IPAddress")), "")
        if node.port is not None:
            return address, int(self.session.resolve(node.port))
        ports = (one.get("NetworkSettings") or {}).get("Ports") or {}
        inside = {
            int(outer["HostPort"]): int(inner.partition("/")[0])
            for inner, outers in ports.items()
            for outer in outers or ()
        }
        if node.url is not None:
            parts = urlsplit(self.session.resolve(node.url))
            published = parts.port or (443 if parts.scheme == "https" else 80)
            if published in inside:
                return address, inside[published]
        exposed = [int(port.partition("/")[0]) for port in ports if port.endswith("/tcp")]
        return address, exposed[0] if len(exposed) == 1 else None

    def checks(self, service: str) -> tuple[Checked, ...]:
        """The runs of HEALTHCHECKs that the engine remembers."""
        from seatrial.drivers._healthcheck import healthlog

        found = []
        for one in self._inspected(service):
            test = tuple((one["Config"].get("Healthcheck") or {}).get("Test") or ())
            for entry in (one["State"].get("Health") or {}).get("Log") or ():
                told = healthlog(entry, test)
                at = _epoch(told.started)
                found.append(Checked(one["Name"].lstrip("/"), at, told.seconds, told.exit_code, told.reason))
        return tuple(found)

    # --- acts ---------------------------------------------------------------------------------------------------------

    def acts(self, kind: str, service: str, **wanted: Any) -> tuple[Act, ...]:
        """What an act comes to; nothing is done yet."""
        node = self.session.profile.services.get(service)
        if node is None:
            raise CouldNotLook(f"the profile has no service {service}")
        if node.protected or node.external:
            key = "protected" if node.protected else "external"
            raise CouldNotLook(f"{service} must not be disturbed: services.{service}.{key} is declared")
        how = {"stop": "stopped by the engine", "hang": "paused by the engine"}.get(kind)
        if how is None:
            raise CouldNotLook(f"driver docker does not know how to {kind} a service")
        found = []
        for one in self._inspected(service):
            if one["State"]["Running"]:
                address, port = self._address(service, one)
                found.append(
                    Act(
                        kind,
                        service,
                        f"container {one['Name'].lstrip('/')}",
                        one["Id"],
                        how,
                        {
                            "running": True,
                            "paused": bool(one["State"].get("Paused")),
                            "address": [address, port] if address and port else None,
                            "protocol": node.protocol,
                        },
                        wanted,
                    )
                )
        if not found:
            raise CouldNotLook(f"no container of {service} runs, so that there is nothing to {kind}")
        return tuple(found)

    def do(self, act: Act) -> None:
        """Do it."""
        with self._api() as api:
            if act.kind == "hang":
                api.send("POST", f"/containers/{act.object}/pause")
            elif act.kind == "stop":
                api.send("POST", f"/containers/{act.object}/stop", within=60.0, t=10)
            else:
                raise CouldNotLook(f"driver docker does not know how to {act.kind}")

    def undo(self, act: Act) -> None:
        """Undo it."""
        with self._api() as api:
            state = self._state(api, act)
            if state is None:
                return
            if state.get("Paused") and not act.found["paused"]:
                api.send("POST", f"/containers/{act.object}/unpause")
            elif not state["Running"] and act.found["running"]:
                api.send("POST", f"/containers/{act.object}/start", within=30.0)

    def left(self, act: Act) -> str:
        """What of it is still there."""
        with self._api() as api:
            state = self._state(api, act)
        if state is None:
            return "the container is gone"
        if state.get("Paused") and not act.found["paused"]:
            return "paused"
        return "" if state["Running"] else f"not running (status {state.get('Status')})"

    def _state(self, api: Api, act: Act) -> dict[str, Any] | None:
        try:
            state: dict[str, Any] = api.get(f"/containers/{act.object}/json")["State"]
        except NotThere:
            return None
        return state

    def proof(self, act: Act) -> str:
        """What shows from outside that it is there."""
        if not act.found["address"]:
            raise CouldNotLook(f"{act.name} has no address of its own, so that nothing shows that the fault is there")
        host, port = act.found["address"]
        if act.kind == "hang":
            return _faults.is_hung(host, port, act.found["protocol"])
        return _faults.is_stopped(host, port)

    def inventory(self) -> dict[str, str]:
        """Containers of the target: id, state, restarts."""
        found = {}
        for name, service in self.session.profile.services.items():
            if not service.external:
                for one in self._inspected(name):
                    state = one["State"]
                    found[f"container {one['Name'].lstrip('/')}"] = f"{one['Id'][:12]} {state['Status']}"
        return found

    def told(self) -> dict[str, Any]:
        """The engine's address, and where its certificates lie."""
        from dataclasses import asdict

        return {"endpoint": asdict(self.endpoint)}


def _epoch(stamp: str) -> float:
    """Seconds since the epoch of an RFC 3339 time with nanoseconds."""
    import datetime as dt
    import re

    return dt.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", stamp)).timestamp()
