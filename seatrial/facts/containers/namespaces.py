"""What a container shares with its host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seatrial.facts.container import Container
from seatrial.facts.containers.looking import Look, Looking, finds, stopped
from seatrial.words import Finding, Missing

__all__ = ["Namespaces"]


@dataclass(frozen=True, slots=True)
class Namespaces(Looking):
    """Namespaces: those asked for, and those the kernel shows by their inodes."""

    @finds
    def in_host_network(self) -> Look:
        """Containers in the host's network namespace."""
        return self._shared("net", "network", lambda container: container.network_mode)

    @finds
    def in_host_pid(self) -> Look:
        """Containers in the host's process namespace."""
        return self._shared("pid", "process", lambda container: container.pid_mode)

    @finds
    def in_host_ipc(self) -> Look:
        """Containers in the host's IPC namespace."""
        return self._shared("ipc", "IPC", lambda container: container.ipc_mode)

    @finds
    def in_host_uts(self) -> Look:
        """Containers in the host's UTS namespace."""
        return self._shared("uts", "UTS", lambda container: container.uts_mode)

    @finds
    def out_of_user_mapping(self) -> Look:
        """Containers that were taken out of the engine's mapping of user ids."""
        return self.each(
            lambda container: "userns_mode host: its uids are the host's" if container.userns_mode == "host" else ""
        )

    @finds
    def on_default_bridge(self) -> Look:
        """Containers on the network that every container without one of its own is put on."""
        return self.each(
            lambda container: (
                "on the default network bridge"
                if container.network_mode in ("default", "bridge") or "bridge" in dict(container.networks)
                else ""
            )
        )

    def _shared(self, kind: str, name: str, mode: Callable[[Container], str]) -> Look:
        for container in self.containers:
            if mode(container) == "host":
                yield Finding(str(container), f"in the host's {name} namespace")
            elif self.ended(container):
                continue
            elif not container.running:
                yield stopped(container)
            elif isinstance(container.host_namespaces, Missing):
                yield container.host_namespaces
            elif kind in container.host_namespaces:
                yield Finding(str(container), f"in the host's {name} namespace, though it was not asked for")
