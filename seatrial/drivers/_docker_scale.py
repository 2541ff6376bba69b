"""Further replicas of a service, made from the declaration of one that runs, and removed again by a label of ours."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from seatrial.drivers._docker_declared import NUMBER, Declaration, declaration, make, renumbered
from seatrial.drivers._docker_grip import FOR, MADE, name_of
from seatrial.drivers._docker_recreate import GRACE, _remove, runs
from seatrial.safety.acts import Act
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers._docker_api import Api
    from seatrial.drivers._docker_grip import Grip

__all__ = ["acts", "do", "left", "proof", "undo"]

MOST = 20
"""Replicas that a test may make: more would be a load, not a change of scale."""


def acts(grip: Grip, kind: str, service: str, wanted: dict[str, Any]) -> tuple[Act, ...]:
    """One act for the service."""
    to = int(wanted.get("to", 0))
    there = grip.disturbable(kind, service)
    if not len(there) < to <= MOST:
        raise CouldNotLook(
            f"{service} has {len(there)} replicas: it can be scaled to {len(there) + 1} to {MOST}, not to {to}"
        )
    pattern = there[0]
    for inside, outers in (pattern["HostConfig"].get("PortBindings") or {}).items():
        if any((outer.get("HostPort") or "0") != "0" for outer in outers or ()):
            raise CouldNotLook(
                f"{service} publishes port {inside.partition('/')[0]} as a fixed one, which only one replica can have"
            )
    with grip.api() as api:
        declaration(api, pattern)
    found = {
        "token": secrets.token_hex(8),
        "names": [name_of(one) for one in there],
        "grace": pattern["Config"].get("StopTimeout") or GRACE,
    }
    how = f"scaled by the engine from {len(there)} to {to} replicas"
    return (Act(kind, service, f"service {service}", pattern["Id"], how, found, wanted),)


def do(grip: Grip, act: Act) -> None:
    """Make and start what is missing."""
    with grip.api() as api:
        pattern = api.get(f"/containers/{act.object}/json")
        taken = {name.lstrip("/") for one in api.get("/containers/json", all=1) for name in one.get("Names") or ()}
        labels = pattern["Config"].get("Labels") or {}
        made: list[tuple[str, str]] = []
        number = 1
        while len(act.found["names"]) + len(made) < int(act.wanted["to"]):
            number += 1
            name = renumbered(name_of(pattern), number)
            if name not in taken:
                declared = _copy(declaration(api, pattern), act, name_of(pattern), name)
                if NUMBER in labels:
                    declared.body["Labels"][NUMBER] = str(number)
                made.append((make(api, declared, name), name))
        for id, _ in made:
            api.send("POST", f"/containers/{id}/start", within=30.0)
        for id, name in made:
            runs(api, id, name)


def _copy(declared: Declaration, act: Act, of: str, name: str) -> Declaration:
    """A declaration for one more of the same: what only one can have is left to the engine."""
    declared.body["Labels"] |= {MADE: act.found["token"], FOR: act.service}
    declared.body.pop("MacAddress", None)
    first = (declared.body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    for endpoint in (*first.values(), *declared.networks.values()):
        endpoint.pop("IPAMConfig", None)
        if endpoint.get("Aliases"):
            endpoint["Aliases"] = list(dict.fromkeys(name if alias == of else alias for alias in endpoint["Aliases"]))
    return declared


def _ours(api: Api, act: Act) -> list[dict[str, Any]]:
    """By our own label; a label is compared here, since an engine's filter is not asked to be trusted with a removal."""
    return [
        one
        for one in api.get("/containers/json", all=1)
        if (one.get("Labels") or {}).get(MADE) == act.found["token"] and one["Id"] != act.object
    ]


def undo(grip: Grip, act: Act) -> None:
    """Stop and remove what we made, and the anonymous volumes that were made for it."""
    from concurrent.futures import ThreadPoolExecutor

    with grip.api() as api:
        ours = [one["Id"] for one in _ours(api, act)]
    if ours:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda id: _take(grip, id, int(act.found["grace"])), ours))


def _take(grip: Grip, id: str, grace: int) -> None:
    with grip.api() as api:
        api.send("POST", f"/containers/{id}/stop", within=grace + 20.0, fine=(404, 409), t=grace)
        _remove(api, id, volumes=True)


def left(grip: Grip, act: Act) -> str:
    """What of it is still there."""
    with grip.api() as api:
        ours = [(one.get("Names") or [one["Id"][:12]])[0].lstrip("/") for one in _ours(api, act)]
    return f"still there: {', '.join(ours)}" if ours else ""


def proof(grip: Grip, act: Act) -> str:
    """What shows that there are as many as wanted."""
    with grip.api() as api:
        running = [one["Names"][0].lstrip("/") for one in _ours(api, act) if one.get("State") == "running"]
    missing = int(act.wanted["to"]) - len(act.found["names"]) - len(running)
    if missing:
        raise CouldNotLook(f"{missing} of the further replicas of {act.service} do not run")
    return f"{', '.join(running)} run beside {', '.join(act.found['names'])}"
