"""Sockets that listen, sockets that are published, and what answers a stranger on them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Self

__all__ = ["WELL_KNOWN", "Address", "Handshake", "Published", "Socket", "is_loopback", "is_wildcard", "spell"]

WELL_KNOWN = {"redis": 6379, "postgres": 5432, "s3": 9000}
"""Port of a protocol, where the profile names the protocol and no port."""


def spell(address: str, port: int, protocol: str = "tcp") -> str:
    """``127.0.0.1:80``, ``[::1]:80`` or ``0.0.0.0:53/udp``, as profiles write it."""
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{port}" if protocol == "tcp" else f"{host}:{port}/{protocol}"


def is_loopback(address: str) -> bool:
    """True for 127.0.0.0/8 and ::1, also as IPv4 inside IPv6."""
    known = ipaddress.ip_address(address)
    return (getattr(known, "ipv4_mapped", None) or known).is_loopback


def is_wildcard(address: str) -> bool:
    """True for 0.0.0.0 and ::, which mean every interface."""
    return ipaddress.ip_address(address).is_unspecified


@dataclass(frozen=True, slots=True)
class Address:
    """A socket as a profile writes it: a port, or an address and a port. Without an address, any interface is meant."""

    address: str
    port: int
    protocol: str = "tcp"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``8080``, ``127.0.0.1:8080`` or ``[::]:53/udp``; raise ``ValueError`` when it is none of these."""
        front, _, protocol = text.strip().partition("/")
        host, colon, port = front.rpartition(":")
        host = host.strip("[]")
        if (
            (colon and not host)
            or protocol not in ("", "tcp", "udp")
            or not port.isdecimal()
            or not 0 < int(port) < 65536
        ):
            raise ValueError(f"{text!r} is neither a port nor address:port")
        return cls(str(ipaddress.ip_address(host)) if host else "", int(port), protocol or "tcp")

    def __str__(self) -> str:
        if self.address:
            return spell(self.address, self.port, self.protocol)
        return f"{self.port}" if self.protocol == "tcp" else f"{self.port}/{self.protocol}"

    def same_port(self, other: Socket | Published | Address) -> bool:
        """Whether both mean one port of one protocol, on whatever interface."""
        return (self.port, self.protocol) == (other.port, other.protocol)

    def allows(self, other: Socket | Published) -> bool:
        """Whether a socket seen at ``other`` is this one: the same port, on the interface that is named.

        0.0.0.0 and :: both say *every interface*: whether IPv6 is among them is a matter of the host, so each stands for
        both of them.
        """
        if not self.same_port(other):
            return False
        return (
            not self.address
            or self.address == other.address
            or (is_wildcard(self.address) and is_wildcard(other.address))
        )


@dataclass(frozen=True, slots=True)
class Socket:
    """One listening socket (or bound UDP socket), in the network namespace it was seen in."""

    address: str
    port: int
    protocol: str = "tcp"
    pid: int | None = None
    """Process that holds it, as the host numbers it; None when the kernel does not let us see."""
    process: str = ""
    uid: int | None = None

    def __str__(self) -> str:
        held = f" held by process {self.pid} ({self.process})" if self.pid else ""
        return f"{spell(self.address, self.port, self.protocol)}{held}"


@dataclass(frozen=True, slots=True)
class Published:
    """A port of a container that the engine forwards from an address of the host."""

    address: str
    port: int
    inside: int
    protocol: str = "tcp"

    def __str__(self) -> str:
        return spell(self.address, self.port, self.protocol)


@dataclass(frozen=True, slots=True)
class Handshake:
    """What happened when a stranger without credentials said hello on a socket, in a protocol that reads only."""

    at: str
    """Address as it was dialled."""
    protocol: str
    """http, redis, postgres, s3, docker, prometheus, ollama, …; empty when nothing known answered."""
    anonymous: bool
    """True when it gave a stranger what needs no credentials: data, a listing, an API."""
    seen: str
    """What it answered, one line, free of content: ``+PONG without AUTH``, ``HTTP 200 on GET /v1.41/info``."""
    inside: int | None = None
    """Port inside the container, when it was dialled from outside."""
    gives: str = ""
    """What a server of this protocol holds for whoever may speak to it: ``data``, ``control`` or ``pages``."""
    open: bool = True
    """False when nothing was behind the address: refused, reset or closed before anything was said."""
    published: str = ""
    """The published address this was dialled for; empty when it is the container's own address, or a process's."""
    where: str = ""
    """Container or process that holds the socket."""
