"""What of the host is mounted into a container."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from seatrial.facts.container import Mount
from seatrial.facts.containers._hostpaths import exposes_engine, sensitive
from seatrial.facts.containers.looking import Look, Looking, finds
from seatrial.words import Finding, Missing

__all__ = ["Mounts"]


def _host_path(mount: Mount, judge: Callable[[str], bool]) -> str:
    """What of the host is mounted, if the judge minds it: as it was asked for, and as the kernel shows it.

    The two differ for a symbolic link, and for a volume whose driver options make it a bind mount.
    """
    asked = [mount.source] if mount.type == "bind" else []
    real = [mount.real] if mount.real and mount.real != mount.source else []
    minded = next((path for path in asked + real if judge(path)), "")
    if not minded:
        return ""
    alias = "" if minded == mount.source else f", asked for as {mount.volume or mount.source}"
    return f"{minded} of the host, {'writable' if mount.writable else 'read-only'}{alias}"


@dataclass(frozen=True, slots=True)
class Mounts(Looking):
    """Mounts of the host's files, under whatever name."""

    @finds
    def engine_sockets(self) -> Look:
        """Mounts of a container engine's control socket, or of a folder that holds it."""
        return self._mounted(lambda mount: _host_path(mount, exposes_engine))

    @finds
    def writable_host_paths(self) -> Look:
        """Mounts of the host's own files, to write."""
        return self._mounted(
            lambda mount: _host_path(mount, partial(sensitive, writable=True)) if mount.writable else ""
        )

    @finds
    def readable_host_paths(self) -> Look:
        """Mounts of the host's own files, to read."""
        return self._mounted(
            lambda mount: "" if mount.writable else _host_path(mount, partial(sensitive, writable=False))
        )

    @finds
    def shared_propagation(self) -> Look:
        """Mounts through which a container's own mounts appear on the host."""
        return self._mounted(
            lambda mount: f"propagation {mount.propagation}" if mount.propagation in ("shared", "rshared") else ""
        )

    def _mounted(self, judge: Callable[[Mount], str]) -> Look:
        for container in self.containers:
            if isinstance(container.mounts, Missing):
                yield container.mounts
                continue
            for mount in container.mounts:
                if told := judge(mount):
                    yield Finding(f"{container}, {mount.destination}", told)
