"""Where a container can write, and whether what it writes is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.facts.container import Container, Mount
from seatrial.facts.containers.looking import Look, Looking, finds
from seatrial.words import Finding, Missing

__all__ = ["Filesystem", "lost"]


def _mount_of(path: str, mounts: Iterable[Mount]) -> Mount | None:
    """The mount a path lies on: the one with the longest destination that holds it."""
    below = [m for m in mounts if path == m.destination or path.startswith(m.destination.rstrip("/") + "/")]
    return max(below, key=lambda mount: len(mount.destination), default=None)


def lost(container: Container, path: str) -> str | Missing:
    """How a new container would not find again what lies below a path."""
    if isinstance(container.writable_layer_paths, Missing):
        return container.writable_layer_paths
    if path in container.writable_layer_paths:
        return "on the container's writable layer"
    if isinstance(container.mounts, Missing):
        return container.mounts
    mount = _mount_of(path, container.mounts)
    if mount is None:
        return Missing(f"{container}: which mount holds {path} was not seen")
    if mount.type == "tmpfs":
        return f"on the tmpfs {mount.destination}"
    return f"on the anonymous volume {mount.volume[:12]} at {mount.destination}" if mount.anonymous else ""


@dataclass(frozen=True, slots=True)
class Filesystem(Looking):
    """The root file system and the declared data paths."""

    @finds
    def writable_roots(self) -> Look:
        """Containers whose root file system can be written."""
        for container in self.containers:
            if isinstance(container.read_only_root, Missing):
                yield container.read_only_root
            elif not container.read_only_root:
                yield Finding(str(container), "its root file system is writable")

    @finds
    def unsafe_data_paths(self) -> Look:
        """Declared data paths that a new container would not find again."""
        paths = self.declared.persistence.paths if self.declared.persistence else []
        for container in self.containers:
            for path in paths:
                if not isinstance(path, str):  # only what a run starts itself announces its paths
                    yield Missing(f"{container}: a data path that is a reference ({path}) is not known here")
                    continue
                how = lost(container, path)
                if isinstance(how, Missing):
                    yield how
                elif how:
                    yield Finding(f"{container}, {path}", how)
