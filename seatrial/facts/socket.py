"""Sockets that listen, sockets that are published, and what answers a stranger on them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

__all__ = ["Handshake", "Published", "Socket", "is_loopback", "is_wildcard", "spell"]


def spell(address: str, port: int, protocol: str = "tcp") -> str:
    """``127.0.0.1:80``, ``[::1]:80`` or ``0.0.0.0:53/udp``, as profiles write it."""
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{port}" if protocol == "tcp" else f"{host}:{port}/{protocol}"


def is_loopback(address: str) -> bool:
    """True for 127.0.0.0/8 and ::1."""
    return ipaddress.ip_address(address).is_loopback


def is_wildcard(address: str) -> bool:
    """True for 0.0.0.0 and ::, which mean every interface."""
    return ipaddress.ip_address(address).is_unspecified


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
