"""What of the host is mounted into a container."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seatrial.facts.container import Mount
from seatrial.facts.containers._hostpaths import exposes_engine, sensitive
from seatrial.facts.containers.looking import Look, Looking, finds
from seatrial.words import Finding, Missing

__all__ = ["Mounts"]


def _how(mount: Mount) -> str:
    return f"{mount.source} of the host, {'writable' if mount.writable else 'read-only'}"


@dataclass(frozen=True, slots=True)
class Mounts(Looking):
    """Bind mounts of the host's files."""

    @finds
    def engine_sockets(self) -> Look:
        """Mounts of a container engine's control socket, or of a folder that holds it."""
        return self._mounted(lambda mount: _how(mount) if exposes_engine(mount.source) else "")

    @finds
    def writable_host_paths(self) -> Look:
        """Mounts of the host's own files, to write."""
        return self._mounted(
            lambda mount: _how(mount) if mount.writable and sensitive(mount.source, writable=True) else ""
        )

    @finds
    def readable_host_paths(self) -> Look:
        """Mounts of the host's own files, to read."""
        return self._mounted(
            lambda mount: _how(mount) if not mount.writable and sensitive(mount.source, writable=False) else ""
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
                if mount.type == "bind" and (told := judge(mount)):
                    yield Finding(f"{container}, {mount.destination}", told)
