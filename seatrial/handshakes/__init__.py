"""What a stranger without credentials is told: a harmless hello in the protocol of each socket, that only reads.

One module a protocol, found by scanning this package. A module has

``PROTOCOL``
    its name, as profiles write it in ``protocol:``;
``GIVES``
    what a server of this protocol holds for whoever may speak to it: ``data``, ``control`` or ``pages``;
``PORTS``, ``PROCESSES``
    ports and program names by which such a server is guessed first;
``hello(line) -> Told | None``
    says hello; None when the other side speaks something else;
``hints(page) -> bool``, for protocols over HTTP
    whether the answer to ``GET /`` looks like one of these, so that nothing else is asked of a server that is not;
``fits(answer) -> bool``, for all others
    whether this is how such a server answers a bare ``GET / HTTP/1.0``. Servers that say nothing to it have none.

Nothing here writes, knows a password, or sends more than a few bytes; `_line` bounds every answer in time and size. A server
may note in its log that somebody called.
"""

from __future__ import annotations

import importlib
import ipaddress
import pkgutil
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from seatrial.facts.runtime import Runtime
from seatrial.facts.socket import Address, Handshake, Socket, is_loopback, is_wildcard, spell
from seatrial.handshakes._line import Line, NoAnswer, Told
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.container import Container

__all__ = ["Door", "Told", "doors", "greet", "protocols", "strangers"]

PARALLEL = 8


@dataclass(frozen=True, slots=True)
class Door:
    """An address to dial, and what is known of the socket behind it."""

    address: str
    port: int
    inside: int | None = None
    process: str = ""
    """Name of the program that holds the socket, where it is known."""
    published: str = ""
    where: str = ""


@cache
def protocols() -> dict[str, ModuleType]:
    """The protocols there are, by name; plain HTTP last, as every other one that is spoken over it is also HTTP."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return {module.PROTOCOL: module for module in sorted(modules, key=lambda module: module.PROTOCOL == "http")}


def greet(line: Line, *, protocol: str | None = None, process: str = "", inside: int | None = None) -> tuple[str, Told]:
    """Say hello until one is understood: first what is likely, then what the answer to a bare GET looks like.

    Args:
        line: the socket.
        protocol: what the profile says is spoken here.
        process: name of the program that holds the socket.
        inside: the port it listens on, when the one that is dialled is another.

    Returns:
        The protocol, empty when none was recognized, and what it told.
    """
    known = protocols()
    likely = [
        module
        for name, module in known.items()
        if name != "http"
        and (name == protocol or process in module.PROCESSES or {line.port, inside} & set(module.PORTS))
    ]
    likely.sort(key=lambda module: (protocol != module.PROTOCOL, process not in module.PROCESSES))
    if told := _first(likely, line):
        return told
    if protocol in known and protocol != "http" and not line.heard:
        return "", Told(
            anonymous=False, seen=f"accepts connections and does not answer in the {protocol} protocol, nor at all"
        )
    rest = [module for module in known.values() if module not in likely]
    answer = b"" if protocol == "http" else line.probe()
    web = protocol == "http" or answer.startswith((b"HTTP/", b"\x15\x03"))
    if not web and answer:
        rest = [module for module in rest if hasattr(module, "fits") and module.fits(answer)]
    elif not web:
        rest = [module for module in rest if not hasattr(module, "hints") and not hasattr(module, "fits")]
    else:
        page = line.get("/")
        rest = [module for module in rest if page and hasattr(module, "hints") and module.hints(page)]
    if told := _first(rest, line):
        return told
    if not answer and protocol != "http":  # nothing in plain text: perhaps it speaks TLS only
        page = line.get("/")
        web_modules = [module for module in known.values() if page and hasattr(module, "hints") and module.hints(page)]
        if told := _first(web_modules, line):
            return told
    if line.wants_certificate:
        return "tls", Told(anonymous=False, seen="TLS that asks for a client certificate")
    said = "speaks no protocol that is known here" if line.heard else "says nothing"
    return "", Told(anonymous=False, seen=f"accepts connections and {said}")


def _first(modules: list[ModuleType], line: Line) -> tuple[str, Told] | None:
    """The first of these protocols that is understood."""
    for module in modules:
        if told := _hello(module, line):
            return module.PROTOCOL, told
    return None


def _hello(module: ModuleType, line: Line) -> Told | None:
    try:
        told: Told | None = module.hello(line)
    except (NoAnswer, ValueError, IndexError, KeyError, TypeError, AttributeError, struct.error):
        return None  # whatever a stranger's server sent, it was not this protocol
    return told


def dial(door: Door, protocol: str | None, *, timeout: float = 2.0, within: float = 6.0) -> Handshake:
    """Say hello at one door."""
    line = Line(door.address, door.port, timeout=timeout, within=within)
    told = Handshake(
        at=spell(door.address, door.port),
        protocol="",
        anonymous=False,
        seen="",
        inside=door.inside,
        published=door.published,
        where=door.where,
    )
    if shut := line.knock():
        return replace(told, open=False, seen=shut)
    name, answer = greet(line, protocol=protocol, process=door.process, inside=door.inside)
    if not name and not line.heard and (shut := line.knock(listen=0.3)):
        return replace(told, open=False, seen=shut)
    gives = getattr(protocols().get(name), "GIVES", "")
    return replace(told, protocol=name, anonymous=answer.anonymous, seen=answer.seen, gives=gives)


def strangers(session: Session, service: str, runtime: Runtime | Missing) -> tuple[Handshake, ...]:
    """What each TCP socket of a service tells a stranger, who dials from where this run is.

    Raises:
        CouldNotLook: it has sockets, or may have, and none could be dialled from here.
    """
    found = list(doors(session, service, runtime))
    if not found:
        return ()
    declared = session.profile.services[service]
    protocol = declared.protocol or ("http" if declared.url else None)
    for _ in found:
        session.call("stranger", "HELLO")
    with ThreadPoolExecutor(min(PARALLEL, len(found))) as pool:
        return tuple(pool.map(lambda door: dial(door, protocol, timeout=min(2.0, session.timeout)), found))


def doors(session: Session, service: str, runtime: Runtime | Missing) -> Iterator[Door]:
    """The addresses at which a stranger could dial a service, each socket once.

    Raises:
        CouldNotLook: what listens could not be seen, so that it is not known what to dial.
    """
    node = session.profile.services[service]
    if isinstance(runtime, Missing) and not node.external:
        raise CouldNotLook(runtime.reason, right=runtime.right)
    if isinstance(runtime, Runtime) and service in runtime.processes:
        processes = runtime.processes[service]
        if isinstance(processes, Missing):
            raise CouldNotLook(processes.reason, right=processes.right)
        if isinstance(processes.listening, Missing):
            raise CouldNotLook(processes.listening.reason, right=processes.listening.right)
        yield from _of_sockets(processes.listening, here=True)
    elif isinstance(runtime, Runtime) and service in runtime.containers:
        containers = runtime.containers[service]
        if isinstance(containers, Missing):
            raise CouldNotLook(containers.reason, right=containers.right)
        for container in containers:
            if container.running:
                yield from _of_container(container, runtime)
    else:
        yield from _of_profile(session, service)


def _of_sockets(sockets: tuple[Socket, ...], *, here: bool, where: str = "") -> Iterator[Door]:
    """Sockets of this machine; the same port of IPv4 and IPv6 is dialled once."""
    seen: set[tuple[str, int]] = set()
    for socket in sorted(sockets, key=lambda socket: ":" in socket.address):
        address = _dialled(socket.address)
        once = ("*" if is_wildcard(socket.address) else address, socket.port)
        if socket.protocol == "tcp" and once not in seen and here:
            seen.add(once)
            yield Door(
                address, socket.port, process=socket.process, where=where or f"process {socket.pid} ({socket.process})"
            )


def _of_container(container: Container, runtime: Runtime) -> Iterator[Door]:
    """What the engine publishes, and what else listens at the container's own address when we can get there."""
    listening = () if isinstance(container.listening, Missing) else container.listening
    programs = {socket.port: socket.process for socket in listening if socket.protocol == "tcp"}
    inside: set[int] = set()
    wildcards: set[int] = set()
    engine = urlsplit(runtime.engine.address).hostname or ""
    for published in sorted(container.published, key=lambda published: ":" in published.address):
        if published.protocol != "tcp" or (is_wildcard(published.address) and published.port in wildcards):
            continue
        address = _dialled(published.address)
        if not runtime.engine.local:
            if is_loopback(published.address) or not engine:
                continue  # nobody can dial it from here
            address = engine if is_wildcard(published.address) else published.address
        if is_wildcard(published.address):
            wildcards.add(published.port)
        inside.add(published.inside)
        yield Door(
            address,
            published.port,
            published.inside,
            programs.get(published.inside, ""),
            str(published),
            str(container),
        )
    if not runtime.engine.local:
        return
    if container.network_mode == "host":
        yield from _of_sockets(listening, here=True, where=str(container))
        return
    own = next((address for _, address in container.networks if address), "")
    for port, program in programs.items():
        reachable = any(not is_loopback(socket.address) for socket in listening if socket.port == port)
        if own and reachable and port not in inside:
            yield Door(own, port, port, program, where=str(container))


def _of_profile(session: Session, service: str) -> Iterator[Door]:
    """Where a service that we do not run is said to be."""
    node = session.profile.services[service]
    told: set[tuple[str, int]] = set()
    if node.url is not None:
        url = urlsplit(session.resolve(node.url) or "")
        if url.hostname:
            told.add((url.hostname, url.port or (443 if url.scheme == "https" else 80)))
    for text in node.exposure.published if node.exposure else ():
        address = Address.parse(session.resolve(text) or "")
        if address.protocol == "tcp":
            told.add((_dialled(address.address), address.port))
    for address_, port in sorted(told):
        yield Door(address_, port, where=service)


def _dialled(address: str) -> str:
    """The address at which this machine reaches a socket bound to that one."""
    if not is_wildcard(address):
        return address
    return "::1" if ipaddress.ip_address(address).version == 6 else "127.0.0.1"
