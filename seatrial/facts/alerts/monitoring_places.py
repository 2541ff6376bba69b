"""Whether two addresses are of the same thing, as far as it can be told from here.

We and the Prometheus may stand in different networks: what we reach at a published port of this machine, it reaches by the
name of a container. So an address is the same by its host and port, or by a name that the service is known by.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from seatrial.facts.alerts.monitoring import Monitoring, ScrapeTarget

__all__ = ["elsewhere", "same_place", "targets_of"]

_PORTS = {"http": 80, "https": 443}


def _split(url: str) -> tuple[SplitResult, int] | None:
    try:
        parts = urlsplit(url)
        return parts, parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None


def same_place(
    told: Monitoring, ours: str, theirs: str, names: Collection[str] = (), others: Collection[str] = ()
) -> bool:
    """Whether two URLs are of the same server.

    Args:
        told: what the names in them stand for.
        ours: as we reach it.
        theirs: as the Prometheus reaches it.
        names: by which it is known in its own network, whatever the port.
        others: names of what else there is.
    """
    mine, other = _split(ours), _split(theirs)
    if mine is None or other is None:
        return False
    host, their_host = mine[0].hostname or "", other[0].hostname or ""
    if their_host in names:
        return True
    if mine[1] != other[1] or their_host in others:
        return False
    here, there = told.hosts.get(host, ()), told.hosts.get(their_host, ())
    if host == their_host or set(here) & set(there):
        return True
    # At the port that we know: a name that only they know, or the loopback of the machine that both are on.
    server = told.hosts.get(urlsplit(told.url).hostname or "", ())
    return not there or ("127.0.0.1" in there and bool(set(here) & set(server)))


def elsewhere(told: Monitoring, urls: Iterable[str]) -> list[str]:
    """Hosts of these URLs that mean nothing from here."""
    hosts = (split[0].hostname or "" for url in urls if (split := _split(url)) is not None)
    return sorted({host for host in hosts if host and not told.hosts.get(host)})


def targets_of(
    told: Monitoring, url: str, names: Collection[str] = (), others: Collection[str] = ()
) -> list[ScrapeTarget]:
    """The targets that are at this URL; ``names`` and ``others`` as above."""
    mine = _split(url)
    targets = () if not isinstance(told.targets, tuple) else told.targets
    if mine is None:
        return []
    path = mine[0].path or "/"
    return [
        target
        for target in targets
        if (split := _split(target.url)) is not None
        and (split[0].path or "/") == path
        and (same_place(told, url, target.url, names, others) or target.instance in names)
    ]
