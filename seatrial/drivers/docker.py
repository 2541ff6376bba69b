"""Driver *docker*: containers of an engine, by their compose project or by name; what the engine says and what the kernel shows.

Where the engine's kernel is ours, every fact that /proc and the control groups can tell is taken from there. Where it is
not, the engine is asked for what it knows, and the rest is missing, with the right that would show it. Nothing is
executed anywhere, and GET is all that is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seatrial.drivers import _container, _docker_endpoint
from seatrial.drivers._docker_api import Api, NotThere
from seatrial.facts.container import Container
from seatrial.facts.runtime import Engine, Runtime
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile.model import Service
    from seatrial.safety.acts import Hands

__all__ = ["RIGHTS", "generations", "hands", "hands_again", "identity", "identity_again", "observe"]

RIGHTS = {
    Tier.observe: (
        "GET on the engine's API: root, membership of the group docker, or a TLS client certificate; "
        "on the engine's own host also root, to read /proc and /sys/fs/cgroup"
    ),
    Tier.disrupt: (
        "POST and DELETE on the same API: pause, stop, start, restart, create and remove containers; "
        "on the engine's own host also root, to kill a main process, to make a container slow and to count attempts at it"
    ),
}
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"


def _api(session: Session) -> Api:
    return Api(session, _docker_endpoint.find(session))


def identity(session: Session) -> str:
    """The id the engine gave itself when it was first started."""
    api = _api(session)
    try:
        return str(api.get("/info")["ID"])
    finally:
        api.close()


def identity_again(session: Session, told: dict[str, Any]) -> str:
    """The same of the engine that a journal tells of."""
    from contextlib import closing

    from seatrial.drivers._docker_endpoint import Endpoint

    with closing(Api(session, Endpoint(**told["endpoint"]))) as api:
        return str(api.get("/info")["ID"])


def _listed(api: Api) -> list[dict[str, Any]]:
    """Every container, running or not."""
    found: list[dict[str, Any]] = api.get("/containers/json", all=1)
    return sorted(found, key=lambda one: _name(one))


def _name(listed: dict[str, Any]) -> str:
    # A link gives a container further names, such as /other/alias; its own has one slash.
    names: list[str] = [name.lstrip("/") for name in listed.get("Names") or [listed["Id"][:12]]]
    return next((name for name in names if "/" not in name), names[0])


def _claims(session: Session, listed: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """By service, the containers that the profile says are its own."""
    project = session.profile.target.compose_project
    found: dict[str, list[dict[str, Any]]] = {}
    for name, service in session.profile.services.items():
        if not service.external:
            found[name] = [one for one in listed if _belongs(one, name, service, project)]
    return found


def _belongs(listed: dict[str, Any], name: str, service: Service, project: str | None) -> bool:
    if service.containers is not None:
        return _name(listed) in service.containers
    labels = listed.get("Labels") or {}
    return (
        project is not None
        and labels.get(PROJECT) == project
        and labels.get(SERVICE) == (service.compose_service or name)
        and labels.get(ONE_OFF, "False").lower() != "true"
    )


def _strangers(session: Session, listed: list[dict[str, Any]], claimed: set[str]) -> Iterator[dict[str, Any]]:
    """Containers of the deployment that no service claims: of its project, or, without one, on a network of its own."""
    project = session.profile.target.compose_project
    common = {"bridge", "host", "none"}
    networks = {
        network
        for one in listed
        if one["Id"] in claimed
        for network in (one.get("NetworkSettings") or {}).get("Networks") or {}
        if network not in common
    }
    for one in listed:
        if one["Id"] in claimed:
            continue
        mine = set((one.get("NetworkSettings") or {}).get("Networks") or {})
        if (one.get("Labels") or {}).get(PROJECT) == project if project else mine & networks:
            yield one


def observe(session: Session) -> Runtime:
    """What runs: every container of every service, and those of the deployment that no service claims."""
    api = _api(session)
    try:
        return _observe(session, api)
    finally:
        api.close()


def _observe(session: Session, api: Api) -> Runtime:
    info = api.get("/info")
    listed = _listed(api)
    claims = _claims(session, listed)
    claimed = {one["Id"] for group in claims.values() for one in group}
    look = _container.Look(session, api, info)
    containers: dict[str, tuple[Container, ...] | Missing] = {}
    for name, group in claims.items():
        containers[name] = _looked(look, group, name)
    unknown = _looked(look, list(_strangers(session, listed, claimed)), "")
    return Runtime(
        engine=Engine(
            driver="docker",
            identity=str(info.get("ID", "")),
            description=(
                f"Docker Engine {info.get('ServerVersion', '?')}, {_container.platform_of(info)}, "
                f"cgroup v{info.get('CgroupVersion', '1')}"
            ),
            local=look.local(),
            address=api.address,
        ),
        containers=containers,
        unknown=unknown,
    )


def _looked(look: _container.Look, group: list[dict[str, Any]], service: str) -> tuple[Container, ...] | Missing:
    try:
        return tuple(look.at(one["Id"], service) for one in group)
    except NotThere as why:
        return Missing(f"a container of {service or 'the deployment'} went away while it was looked at: {why.reason}")
    except CouldNotLook as why:
        return Missing(why.reason, why.right)


def generations(session: Session) -> dict[str, tuple[str, ...]]:
    """By service, the id and start time of each of its containers."""
    api = _api(session)
    try:
        found = {}
        for service, group in _claims(session, _listed(api)).items():
            seen = []
            for one in group:
                try:
                    state = api.get(f"/containers/{one['Id']}/json")["State"]
                except NotThere:
                    continue
                seen.append(f"{_name(one)} {one['Id'][:12]} started {state['StartedAt']}")
            found[service] = tuple(seen)
        return found
    finally:
        api.close()


def hands(session: Session) -> Hands:
    """What this driver can do to its target."""
    from seatrial.drivers._docker_hands import DockerHands

    return DockerHands(session)


def hands_again(session: Session, told: dict[str, Any]) -> Hands:
    """The hands that a journal tells of, in another process; the session needs no profile of the target."""
    from seatrial.drivers._docker_endpoint import Endpoint
    from seatrial.drivers._docker_hands import DockerHands

    return DockerHands(session, Endpoint(**told["endpoint"]))
