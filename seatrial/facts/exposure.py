"""The sockets of one service: what it declares, what the engine publishes, what listens, and what answers a stranger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from seatrial.facts.socket import WELL_KNOWN, Address, Handshake, Published, Socket, is_loopback, is_wildcard
from seatrial.words import CouldNotLook, Finding, Missing, seen

if TYPE_CHECKING:
    from seatrial.facts.runtime import Observations, Runtime

__all__ = ["Door", "Exposure"]

EPHEMERAL = range(32768, 61000)
"""Ports that Linux hands out by itself: a UDP socket bound to one is how a client waits for its answer."""
ENGINE_RESOLVER = "127.0.0.11"
"""Where Docker's own resolver listens inside every container of a network of one's own."""
UNPUBLISHED_STORES = ("data", "control")


@dataclass(frozen=True, slots=True)
class Door:
    """One container or process of the service, with its sockets."""

    name: str
    """``container web-1``, ``process 812 (api)``."""
    listening: tuple[Socket, ...] | Missing
    published: tuple[Published, ...] = ()
    isolated: bool = False
    """True when it has a network namespace of its own, so that its loopback is nobody else's."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """The exposure section of one service, and what was seen of it."""

    service: str
    published: tuple[Address, ...]
    """Declared: addresses on the host that the engine publishes."""
    listening: tuple[Address, ...] | None
    """Declared: what listens; None when the profile leaves it to follow from the rest."""
    needed: tuple[Address, ...]
    """Ports that follow from the rest of the profile: the service's own, and those other services depend on."""
    anonymous: tuple[Address, ...]
    """Declared: what may answer a stranger."""
    opaque: bool
    """Declared: it speaks a protocol of its own (``protocol: tcp``)."""
    doors: tuple[Door, ...] | Missing
    handshakes: tuple[Handshake, ...] | Missing

    @classmethod
    def of(cls, service: str, profile: Any, observations: Observations) -> Exposure:
        """The exposure of one service of a profile."""
        node = profile.services[service]

        def read(entries: Iterable[Any]) -> tuple[Address, ...]:
            return tuple(_read(entry, observations) for entry in entries)

        declared = node.exposure
        return cls(
            service=service,
            published=read(declared.published),
            listening=None if declared.listening is None else read(declared.listening),
            needed=tuple(Address("", port) for port in sorted(_needed(service, profile, observations))),
            anonymous=read(declared.anonymous),
            opaque=node.protocol == "tcp",
            doors=_doors(service, observations.runtime),
            handshakes=observations.strangers.get(service, Missing("what answers a stranger was not looked at")),
        )

    # --- what is published ------------------------------------------------------------------------------------------

    @property
    def undeclared_published(self) -> list[Finding]:
        """Published ports that the profile knows on no interface at all."""
        return [
            Finding(door.name, f"published {port} → {port.inside} inside", self._declared())
            for door, port in self._all_published()
            if not any(address.same_port(port) for address in self.published)
        ]

    @property
    def published_elsewhere(self) -> list[Finding]:
        """Published ports that the profile knows, on an interface that it does not name."""
        return [
            Finding(
                door.name,
                f"published {port} → {port.inside} inside{_reach(port.address)}",
                " or ".join(str(address) for address in self.published if address.same_port(port)),
            )
            for door, port in self._all_published()
            if any(address.same_port(port) for address in self.published)
            and not any(address.allows(port) for address in self.published)
        ]

    @property
    def unpublished(self) -> list[Finding]:
        """Declared addresses that nothing is published on; one that only has the wrong interface is told elsewhere."""
        ports = [port for _, port in self._all_published()]
        strays = [port for port in ports if not any(address.allows(port) for address in self.published)]
        return [
            Finding(self.service, f"nothing is published on {address}", str(address))
            for address in self.published
            if not any(address.allows(port) for port in ports) and not any(address.same_port(port) for port in strays)
        ]

    @property
    def dead_published(self) -> list[Finding]:
        """Published addresses behind which nobody answers."""
        ports = self._all_published()
        if self.published and not ports:
            raise CouldNotLook(f"nothing of {self.service} is published, so that nothing could be dialled")
        told = {shake.published: shake for shake in seen(self.handshakes) if shake.published}
        findings = []
        for door, port in ports:
            inner = (
                []
                if isinstance(door.listening, Missing)
                else [socket for socket in door.listening if _behind(socket, port)]
            )
            behind = "" if isinstance(door.listening, Missing) else _inside(inner, port)
            shake = told.get(str(port)) or (_twin(port, told) if is_wildcard(port.address) else None)
            if shake is not None and not shake.open:
                findings.append(Finding(door.name, f"{port} {shake.seen}{behind}"))
            elif port.protocol == "udp" and not any(not is_loopback(s.address) for s in inner):
                seen(door.listening)
                findings.append(Finding(door.name, f"{port} leads nowhere{behind}"))
            elif shake is None and port.protocol == "tcp":
                raise CouldNotLook(
                    f"{port} of {door.name} can't be dialled from here",
                    right="run on the engine's host, or on a network that reaches it",
                )
        return findings

    @property
    def stores_published_widely(self) -> list[Finding]:
        """Data stores and control interfaces that are published beyond loopback."""
        wide = {
            str(port): port
            for _, port in self._all_published()
            if not is_loopback(port.address) and any(address.allows(port) for address in self.published)
        }
        return [
            Finding(
                shake.where, f"{shake.protocol} published on {shake.published}{_reach(wide[shake.published].address)}"
            )
            for shake in seen(self.handshakes)
            if shake.published in wide and shake.gives in UNPUBLISHED_STORES
        ]

    # --- what listens -----------------------------------------------------------------------------------------------

    @property
    def undeclared_listening(self) -> list[Finding]:
        """Sockets that listen on ports nobody declared."""
        findings = []
        for door, socket in self._all_listening():
            expected = self._expected(door)
            told = self.listening is not None
            if not told and door.isolated and is_loopback(socket.address):
                continue  # nobody else can reach it, and nothing was said of it
            if not any(address.same_port(socket) for address in expected):
                findings.append(Finding(door.name, f"listens on {socket}", _list(expected)))
        return findings

    @property
    def listening_elsewhere(self) -> list[Finding]:
        """Sockets that listen on a declared port, on an interface that was not declared."""
        return [
            Finding(
                door.name,
                f"listens on {socket}{_reach(socket.address)}",
                " or ".join(str(address) for address in self._expected(door) if address.same_port(socket)),
            )
            for door, socket in self._all_listening()
            if any(address.same_port(socket) for address in self._expected(door))
            and not any(address.allows(socket) for address in self._expected(door))
        ]

    @property
    def not_listening(self) -> list[Finding]:
        """Declared sockets that nothing listens on; one that only has the wrong interface is told elsewhere."""
        findings = []
        for door in self._looked():
            sockets = seen(door.listening)
            strays = [
                socket for socket in sockets if not any(address.allows(socket) for address in self._expected(door))
            ]
            findings += [
                Finding(door.name, f"nothing listens on {address}", str(address))
                for address in self.listening or ()
                if not any(address.allows(socket) for socket in sockets)
                and not any(address.same_port(socket) for socket in strays)
            ]
        return findings

    # --- what answers a stranger ------------------------------------------------------------------------------------

    @property
    def open_stores(self) -> list[Finding]:
        """Data stores and control interfaces that serve whoever asks, undeclared."""
        undeclared = self._undeclared_answers()
        unknown = [shake for shake in undeclared if not shake.protocol and self._is_known(shake)]
        if unknown and not self.opaque:
            told = "; ".join(f"{shake.at} {shake.seen}" for shake in unknown)
            raise CouldNotLook(
                f"{told}; whether it serves strangers can't be told (a protocol of its own is `protocol: tcp`)"
            )
        return [_told(shake) for shake in undeclared if shake.anonymous and shake.gives in UNPUBLISHED_STORES]

    @property
    def open_pages(self) -> list[Finding]:
        """Web interfaces that serve whoever asks, undeclared; what should not be there at all is told elsewhere."""
        return [
            _told(shake)
            for shake in self._undeclared_answers()
            if shake.anonymous and shake.gives not in UNPUBLISHED_STORES and not self._is_stray(shake)
        ]

    def _undeclared_answers(self) -> list[Handshake]:
        shakes = seen(self.handshakes)
        if not shakes and self._could_be_dialled():
            raise CouldNotLook(
                f"no socket of {self.service} could be dialled from here", right="run on the target's host"
            )
        return [shake for shake in shakes if shake.open and not self._may_answer(shake)]

    def _is_stray(self, shake: Handshake) -> bool:
        """Whether the socket itself is undeclared, or on an interface that is."""
        if isinstance(self.doors, Missing):
            return False
        dialled = Address.parse(shake.at)
        for door in self.doors:
            if door.name != shake.where:
                continue
            ports = [port for port in door.published if str(port) == shake.published]
            if any(not any(address.allows(port) for address in self.published) for port in ports):
                return True
            inside = shake.inside or dialled.port
            sockets = [] if isinstance(door.listening, Missing) else door.listening
            if any(
                socket.port == inside
                and socket.protocol == "tcp"
                and not any(a.allows(socket) for a in self._expected(door))
                for socket in sockets
            ):
                return True
        return False

    def _may_answer(self, shake: Handshake) -> bool:
        """Whether the profile declares it, by the address that is published, the one that was dialled, or the port inside."""
        dialled = Address.parse(shake.at)
        places = [Published(dialled.address, dialled.port, 0)]
        if shake.published:
            outside = Address.parse(shake.published)
            places.append(Published(outside.address, outside.port, 0))
        return any(
            any(allowed.allows(place) for place in places if allowed.address or not shake.inside)
            or (not allowed.address and allowed.protocol == "tcp" and allowed.port == shake.inside)
            for allowed in self.anonymous
        )

    def _is_known(self, shake: Handshake) -> bool:
        """Whether a socket is one the service is there for, and not one that merely came along."""
        ports = {address.port for address in self.needed}
        return bool(shake.published) or shake.inside in ports or Address.parse(shake.at).port in ports

    def _could_be_dialled(self) -> bool:
        return any(
            socket.protocol == "tcp" and not (door.isolated and is_loopback(socket.address))
            for door, socket in self._all_listening()
        )

    # --- helpers ----------------------------------------------------------------------------------------------------

    def _looked(self) -> tuple[Door, ...]:
        doors = seen(self.doors)
        if not doors:
            raise CouldNotLook(f"nothing of {self.service} runs, so that it has no sockets to look at")
        return doors

    def _all_published(self) -> list[tuple[Door, Published]]:
        return [(door, port) for door in self._looked() for port in door.published]

    def _all_listening(self) -> list[tuple[Door, Socket]]:
        """Every listening socket, but for the engine's resolver and the UDP sockets of clients."""
        return [
            (door, socket)
            for door in self._looked()
            for socket in seen(door.listening)
            if not (socket.address == ENGINE_RESOLVER and socket.pid is None)
            and not (
                socket.protocol == "udp"
                and socket.port in EPHEMERAL
                and not any(address.same_port(socket) for address in self._expected(door))
            )
        ]

    def _expected(self, door: Door) -> tuple[Address, ...]:
        """What may listen: what is declared, else what is published or depended on."""
        if self.listening is not None:
            return self.listening
        inside = tuple(Address("", port.inside, port.protocol) for port in door.published)
        # Without a network of its own there is nothing between the process and the address that is declared.
        return (*self.needed, *(inside if door.isolated else (*inside, *self.published)))

    def _declared(self) -> str:
        return _list(self.published)


def _list(addresses: tuple[Address, ...]) -> str:
    return ", ".join(dict.fromkeys(str(address) for address in addresses)) or "none"


def _told(shake: Handshake) -> Finding:
    through = f" (published as {shake.published})" if shake.published and shake.published != shake.at else ""
    inside = f", port {shake.inside} inside" if shake.inside and not shake.at.endswith(f":{shake.inside}") else ""
    return Finding(shake.where or shake.at, f"{shake.protocol} on {shake.at}{through}{inside}: {shake.seen}")


def _reach(address: str) -> str:
    return ", which is every interface" if is_wildcard(address) else ""


def _behind(socket: Socket, port: Published) -> bool:
    return (socket.port, socket.protocol) == (port.inside, port.protocol)


def _inside(sockets: list[Socket], port: Published) -> str:
    if not sockets:
        return f"; no process inside listens on {port.inside}"
    if all(is_loopback(socket.address) for socket in sockets):
        return f"; inside it listens on {sockets[0]} only, where the engine does not forward to"
    return ""


def _twin(port: Published, told: dict[str, Handshake]) -> Handshake | None:
    """The hello at the other family's wildcard of the same port: the two are dialled once."""
    return next(
        (
            shake
            for at, shake in told.items()
            if (other := Address.parse(at)).port == port.port and is_wildcard(other.address)
        ),
        None,
    )


def _read(entry: Any, observations: Observations) -> Address:
    """A declared address; a reference was resolved while the target was observed."""
    text = (
        entry
        if isinstance(entry, str)
        else seen(observations.addresses.get(_name(entry), Missing(f"{_name(entry)} was not resolved")))
    )
    try:
        return Address.parse(text)
    except ValueError as bad:
        raise CouldNotLook(f"{_name(entry)}: {bad}" if not isinstance(entry, str) else str(bad)) from None


def _name(entry: Any) -> str:
    return f"env {entry.env}" if hasattr(entry, "env") else f"file {entry.file}"


def _needed(service: str, profile: Any, observations: Observations) -> set[int]:
    """Ports that the rest of the profile says this service serves on, inside."""
    node = profile.services[service]
    probes = (getattr(node, probe) for probe in ("liveness", "readiness", "startup", "health", "metrics"))
    ports = {node.port or WELL_KNOWN.get(node.protocol), *(getattr(probe, "port", None) for probe in probes)}
    for other in profile.services.values():
        if dependency := (other.depends_on or {}).get(service):
            ports.add(dependency.port)
    if isinstance(node.url, str) and profile.target.driver != "docker":  # a container's URL has the port outside
        ports.add(urlsplit(node.url).port)
    return {port if isinstance(port, int) else _read(port, observations).port for port in ports if port}


def _doors(service: str, runtime: Runtime | Missing) -> tuple[Door, ...] | Missing:
    if isinstance(runtime, Missing):
        return runtime
    if service in runtime.processes:
        processes = runtime.processes[service]
        if isinstance(processes, Missing):
            return processes
        name = (
            f"service {service}"
            if isinstance(processes.processes, Missing) or not processes.processes
            else str(processes.processes[0])
        )
        return (Door(name, processes.listening),)
    containers = runtime.containers.get(
        service, Missing(f"driver {runtime.engine.driver} can't see the sockets of {service}")
    )
    if isinstance(containers, Missing):
        return containers
    return tuple(
        Door(str(container), container.listening, container.published, isolated=container.network_mode != "host")
        for container in containers
        if container.running
    )
