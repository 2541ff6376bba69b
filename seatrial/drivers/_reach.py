"""Whether a service reaches what it depends on, from inside its own network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from seatrial.drivers import _netns, _sockets
from seatrial.facts.process import Process
from seatrial.facts.reach import Reach
from seatrial.facts.runtime import Runtime
from seatrial.facts.socket import WELL_KNOWN, Address, is_loopback, is_wildcard, spell
from seatrial.words import CouldNotLook, Missing, seen

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.container import Container
    from seatrial.profile.model import Dependency

__all__ = ["reach"]

CONNECTED = "TCP connect from its network namespace"
ESTABLISHED = "established connection in its table"
RIGHT = "CAP_SYS_ADMIN and CAP_SYS_PTRACE (root), to connect from its network namespace"
EMBEDDED = "127.0.0.11"


@dataclass(frozen=True, slots=True)
class Source:
    """Where an attempt starts: one container or process of the service."""

    name: str
    process: Process
    networks: frozenset[str] = frozenset()
    contained: bool = False


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to be reached: by names, or by addresses where there is nobody who knows names."""

    name: str
    names: tuple[str, ...]
    port: int
    places: tuple[tuple[str, str, int], ...] = ()
    """Network (empty for the host's), address and port."""


def reach(
    session: Session, service: str, other: str, node: Dependency, runtime: Runtime | Missing
) -> tuple[Reach, ...]:
    """One attempt from each container or process of a service; none when nothing of it runs.

    Raises:
        CouldNotLook: it can't be tried from here, or it is not declared where the dependency listens.
    """
    runtime = seen(runtime)
    if not runtime.engine.local:
        raise CouldNotLook(
            f"what {service} reaches can't be seen from another machine", right="run on the engine's host"
        )
    sources = list(_sources(service, runtime))
    goal = _goal(session, other, node, runtime)
    found = []
    for source in sources:
        session.call("reach", "CONNECT")
        try:
            task = partial(_attempt, source, goal)
            found.append(_netns.inside(source.process.pid, source.process.started, task))
        except _netns.NotPermitted:
            found.append(_known(source, goal))
    return tuple(found)


def _sources(service: str, runtime: Runtime) -> list[Source]:
    if service in runtime.processes:
        main = seen(seen(runtime.processes[service]).processes)[0]
        return [Source(str(main), main)]
    if service not in runtime.containers:
        raise CouldNotLook(f"driver {runtime.engine.driver} can't look from inside {service}")
    found = []
    for container in seen(runtime.containers[service]):
        if container.running:
            processes = seen(container.processes)
            if not processes:
                raise CouldNotLook(f"{container} runs and shows no process")
            main = next((process for process in processes if process.pid == container.pid), processes[0])
            networks = frozenset(network for network, _ in container.networks)
            found.append(Source(str(container), main, networks, contained=container.network_mode != "host"))
    return found


def _goal(session: Session, other: str, node: Dependency, runtime: Runtime) -> Goal:
    declared = session.profile.services[other]
    url = urlsplit(session.resolve(declared.url) if declared.url else "")
    outside = url.port or {"http": 80, "https": 443}.get(url.scheme)
    port = int(session.resolve(node.port) or session.resolve(declared.port) or 0)
    usual = WELL_KNOWN.get(declared.protocol or "", 0)
    containers = () if declared.external else runtime.containers.get(other, ())
    if isinstance(containers, Missing):
        containers = ()
    if other in runtime.containers and not declared.external:
        port = port or _port_inside(containers, outside) or usual
        names = (declared.compose_service or other, *(declared.containers or ()), *(one.name for one in containers))
        if port:
            return Goal(other, tuple(dict.fromkeys(names)), port, tuple(_places(containers, port)))
    elif url.hostname:
        return Goal(other, (url.hostname,), port or outside or 80, (("", url.hostname, port or outside or 80),))
    elif other in runtime.processes:
        at = _listens(session, other, port, runtime) or (("127.0.0.1", port or usual) if port or usual else None)
        if at:
            return Goal(other, (at[0],), at[1])
        raise CouldNotLook(f"{other} listens on no TCP port, and its profile declares none")
    raise CouldNotLook(f"which port of {other} is depended on can't be told; declare services.{other}.port")


def _listens(session: Session, other: str, port: int, runtime: Runtime) -> tuple[str, int] | None:
    """Where a process listens or, when it does not run, where it is declared to; on any port when ``port`` is 0."""
    processes = runtime.processes[other]
    if not isinstance(processes, Missing) and not isinstance(processes.listening, Missing):
        for socket in processes.listening:
            if socket.protocol == "tcp" and port in (0, socket.port):
                return _dialled(socket.address), socket.port
    exposure = session.profile.services[other].exposure
    for entry in (exposure.listening or ()) if exposure else ():
        address = Address.parse(session.resolve(entry))
        if address.protocol == "tcp" and port in (0, address.port):
            return _dialled(address.address or "127.0.0.1"), address.port
    return None


def _port_inside(containers: tuple[Container, ...], outside: int | None) -> int:
    """The port inside that a URL's port leads to, or the only one there is."""
    published = {port.inside for one in containers for port in one.published if port.port == outside}
    listening = {
        socket.port
        for one in containers
        if not isinstance(one.listening, Missing)
        for socket in one.listening
        if socket.protocol == "tcp" and not is_loopback(socket.address)
    }
    for ports in (published, listening):
        if len(ports) == 1:
            return ports.pop()
    return 0


def _places(containers: tuple[Container, ...], port: int) -> list[tuple[str, str, int]]:
    found = [(network, address, port) for one in containers for network, address in one.networks if address]
    found += [
        ("", _dialled(at.address), at.port)
        for one in containers
        for at in one.published
        if at.inside == port and at.protocol == "tcp"
    ]
    return found


def _dialled(address: str) -> str:
    if not is_wildcard(address):
        return address
    return "::1" if ":" in address else "127.0.0.1"


def _attempt(source: Source, goal: Goal) -> Reach:
    """Try names as they resolve there, else addresses; runs inside the namespace."""
    resolver = _netns.resolver(source.process.pid)
    places = [(name, address, goal.port) for name in goal.names for address in resolver.resolve(name)[:4]]
    if (
        not places and EMBEDDED not in resolver.servers
    ):  # this network knows no names: addresses are all a service can have
        places = [
            ("", address, port)
            for network, address, port in goal.places
            if not source.contained or network in source.networks
        ]
    tried = None
    for name, address, port in places:
        wrong = _netns.connect(address, port)
        known = "" if name in ("", address) else f"{name}, "
        tried = Reach(source.name, f"{goal.name} ({known}{spell(address, port)})", not wrong, CONNECTED, wrong)
        if tried.connected:
            break
    if tried is None:
        missing = f"{' and '.join(goal.names)} {'does' if len(goal.names) == 1 else 'do'} not resolve"
        tried = Reach(source.name, f"{goal.name} (port {goal.port})", False, CONNECTED, missing)
    return tried


def _known(source: Source, goal: Goal) -> Reach:
    """Without the right to enter: a connection that is there already proves as much. That there is none proves nothing."""
    peers = {(address, port) for _, address, port in goal.places} | {(name, goal.port) for name in goal.names}
    try:
        entries = _sockets.table(source.process.pid)
    except OSError:
        entries = []
    for entry in entries:
        if entry.state == _sockets.ESTABLISHED and (entry.peer, entry.peer_port) in peers:
            return Reach(source.name, f"{goal.name} ({spell(entry.peer, entry.peer_port)})", True, ESTABLISHED)
    raise CouldNotLook(
        f"whether {source.name} reaches {goal.name} can't be tried: its network can't be entered", right=RIGHT
    )
