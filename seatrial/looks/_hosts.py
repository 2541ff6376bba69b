"""What the host names in URLs stand for from here, so that two addresses of one thing are known to be the same."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from seatrial.drivers import _http_wire as wire

__all__ = ["hosts", "resolved"]

HERE = "127.0.0.1"
MOST = 200
"""Names that are looked up."""
WITHIN = 5.0
"""Seconds for all of them."""
EACH = 2.0


def hosts(urls: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """By host of these URLs, its addresses from here."""
    names: dict[str, None] = {}
    for url in urls:
        try:
            names.setdefault(urlsplit(url).hostname or "")
        except ValueError:
            continue
    end = time.monotonic() + WITHIN
    known: dict[str, str] = {}
    return {name: resolved(name, end, known) for name in list(names)[:MOST] if name}


def resolved(name: str, end: float, known: dict[str, str]) -> tuple[str, ...]:
    """The addresses of one host, in order; nothing where it has none from here, or where time is up."""
    try:
        found = [str(ipaddress.ip_address(name))]
    except ValueError:
        left = min(end, time.monotonic() + EACH)
        if left <= time.monotonic():
            return ()
        try:
            found = [address[0] for _, address in wire.addresses(name, 80, left)]
        except wire.Unresolved:
            return ()
    return tuple(sorted({known.setdefault(address, _told(address)) for address in found}))


def _told(address: str) -> str:
    """An address; one of this machine is told as that of its loopback, since what listens on all has every one of them."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.is_loopback or ip.is_unspecified:
        return HERE
    family = socket.AF_INET6 if ip.version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return address
    return HERE
