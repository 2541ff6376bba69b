"""Which service needs which: as compose says, else by the connections that are open or were a moment ago."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.draft.found import Dependency, Found, Probe, Seen, Service, decide, fact, guess
from seatrial.draft.services import serves
from seatrial.words import Missing

if TYPE_CHECKING:
    from seatrial.draft.project import Group
    from seatrial.facts.container import Container
    from seatrial.facts.runtime import Runtime

__all__ = ["PASSING", "behind_proxies", "dependencies", "told_by_variables", "wire"]

PROXY = re.compile(r"^(nginx|haproxy|traefik|envoy|caddy|httpd|apache2) in ")
CONNECTED = frozenset({"01", "04", "05", "06", "08", "09"})
"""States of a connection that is open, or was a moment ago: asking for health has just made services talk to each other."""
ADDRESS = re.compile(
    r"(?:^|(?P<scheme>://)(?:[^\s/@]*@)?|,)(?P<host>[A-Za-z0-9][\w.-]*)(?::(?P<port>\d{1,5}))?(?=[/,?]|$)"
)
"""A host as the values of variables have it: `http://minio:9000`, `redis`, `a:1,b:2`."""
LONGEST = 2000
HOST = re.compile(r"HOST|ADDR|SERVER|ENDPOINT|URL|URI|NODE|BROKER", re.IGNORECASE)
"""Variables whose value is an address, also where it is no more than a word."""
PASSING = "a connection to port"
"""How a dependency is told of which only a connection was seen, that may not be there the next time."""
LABEL = "com.docker.compose.depends_on"
Said = dict[str, tuple[str, str]]
"""By the other's compose name: its condition, and where that is said."""


def dependencies(found: Found, runtime: Runtime, groups: list[Group]) -> None:
    """Fill in what each service depends on.

    Args:
        found: whose services are complete but for this.
        runtime: what the driver saw.
        groups: the containers by service.
    """
    by_compose = {group.name: group.key for group in groups}
    files = _from_files(found)
    for group, service in zip(groups, found.services, strict=True):
        said = _from_label(group) or files.get(group.name, {})
        near = _networks(runtime, group.key)
        wire(found, service, {by_compose[name]: told for name, told in said.items() if name in by_compose})
        for at, each in enumerate(service.depends_on):
            if not near & _networks(runtime, each.name) and not (_job(found, each.name)):
                source = guess("", f"{each.source.source}, but they share no network: a matter of order only?")
                service.depends_on[at] = Dependency(each.name, source, each.port, optional=True)
        given = (
            entry.partition("=")[::2] for inspect in group.inspected for entry in inspect["Config"].get("Env") or ()
        )
        told_by_variables(found, service, dict(given), by_compose)
        known = {each.name for each in service.depends_on}
        for other, port in sorted(_connected(runtime, group.key)):
            if other not in known and other != service.name:
                known.add(other)
                service.depends_on.append(_to(found, other, guess("", f"{PASSING} {port} was seen"), port))


def told_by_variables(found: Found, service: Service, variables: Mapping[str, str], names: Mapping[str, str]) -> None:
    """A variable whose value is the address of another service tells of a dependency; whether it is needed, it does not.

    Args:
        found: the deployment.
        service: which is given the variables.
        variables: names and values; of a value, no more than the other's name and port is taken.
        names: of services, by their names in compose.
    """
    known = {each.name for each in service.depends_on}
    for variable, value in variables.items():
        for match in ADDRESS.finditer(value[:LONGEST]):
            other, port = names.get(match["host"], ""), match["port"]
            if not (port or match["scheme"]) and not HOST.search(variable):
                continue  # a user, a database or a password may have a service's name
            if other and other != service.name and other not in known and variable.isidentifier():
                known.add(other)
                source = guess("", f"variable {variable} names it; is it needed?")
                each = _to(found, other, source, int(port) if port and 0 < int(port) < 65536 else None)
                service.depends_on.append(replace(each, optional=True))


def behind_proxies(found: Found) -> None:
    """What a proxy answers may be one's of several replicas, each with counters of its own: a person says who is asked."""
    for service in found.services:
        if service.metrics and any(PROXY.search(one.source) for one in service.listening or ()):
            told = f"{service.name} is a proxy: whose metrics are these, and are there several?"
            service.metrics = Probe(decide(service.metrics.path.value, told), service.metrics.port)


def wire(found: Found, service: Service, said: Said) -> None:
    """Turn what compose says of one service into its dependencies; what one needs is no job that has ended."""
    names = {each.name: each for each in found.services}
    for other, (condition, source) in said.items():
        if other not in names or other == service.name:
            continue
        if condition == "service_completed_successfully":
            names[other].values["one_shot"] = fact("true", f"{service.name} waits for its end ({source})")
        service.depends_on.append(_to(found, other, fact("", source)))


def _to(found: Found, other: str, source: Seen, port: int | None = None) -> Dependency:
    target = next(each for each in found.services if each.name == other)
    own = serves(target)
    return Dependency(other, source, port if port and own and port != own[0] else None)


def _job(found: Found, name: str) -> bool:
    return any(each.name == name and "one_shot" in each.values for each in found.services)


def _from_label(group: Group) -> Said:
    """``redis:service_healthy:false,migrate:service_completed_successfully:false``, as compose 2 writes it."""
    said: Said = {}
    for entry in filter(None, group.labels().get(LABEL, "").split(",")):
        name, _, rest = entry.partition(":")
        said[name] = (rest.partition(":")[0], f"label {LABEL}")
    return said


def _from_files(found: Found) -> dict[str, Said]:
    """What the compose files say, where they can be read: compose 1 has no label for it."""
    from seatrial.draft import composing

    said: dict[str, Said] = {}
    for file in found.files:
        for name, others in composing.depends_on(Path(file.value)).items():
            for other, condition in others.items():
                said.setdefault(name, {})[other] = (condition, Path(file.value).name)
    return said


def _containers(runtime: Runtime, name: str) -> tuple[Container, ...]:
    containers = runtime.containers.get(name, ())
    return () if isinstance(containers, Missing) else containers


def _networks(runtime: Runtime, name: str) -> set[str]:
    return {network for one in _containers(runtime, name) for network, _ in one.networks}


def _connected(runtime: Runtime, name: str) -> Iterator[tuple[str, int]]:
    """Other services, and the port of each, to which a container of this one has a connection, or had a moment ago."""
    from seatrial.drivers import _sockets

    listening = {
        (address, socket.port): other
        for other in runtime.containers
        for one in _containers(runtime, other)
        for _, address in one.networks
        if address and not isinstance(one.listening, Missing)
        for socket in one.listening
    }
    found = set()
    for one in _containers(runtime, name):
        if not one.running or not runtime.engine.local or one.network_mode == "host":
            continue
        try:
            entries = _sockets.table(one.pid)
        except OSError:
            continue
        found |= {
            (listening[entry.peer, entry.peer_port], entry.peer_port)
            for entry in entries
            if entry.state in CONNECTED and (entry.peer, entry.peer_port) in listening
        }
    yield from found
