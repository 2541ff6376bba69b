"""How much of a container's log is kept."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.facts.container import Container
from seatrial.facts.containers.looking import Look, Looking, finds
from seatrial.words import Finding, Missing, Size

__all__ = ["Logs", "kept"]

LOCAL_SIZE, LOCAL_FILES = Size(20_000_000), 5
"""What driver local keeps when nothing is said."""
UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3}


def kept(container: Container) -> Size | Missing | None:
    """How much log the engine keeps; None when there is no bound, Missing when another program keeps it."""
    if container.log_driver == "none":
        return Size(0)
    if container.log_driver not in ("json-file", "local"):
        return Missing(f"{container}: what log driver {container.log_driver} hands on is bounded where it is kept")
    local = container.log_driver == "local"
    options = dict(container.log_options)
    size = _size(options["max-size"]) if "max-size" in options else LOCAL_SIZE if local else None
    return Size(size.bytes * int(options.get("max-file") or (LOCAL_FILES if local else 1))) if size else None


def _size(text: str) -> Size | None:
    """A size as log options have it: ``10m``, ``1g``; None for ``-1``, which is unlimited."""
    text = text.lower().removesuffix("b")
    number = text.rstrip("kmg")
    try:
        size = int(float(number) * UNITS[text[len(number) :]])
    except (ValueError, KeyError):
        return None
    return Size(size) if size > 0 else None


@dataclass(frozen=True, slots=True)
class Logs(Looking):
    """The engine's copy of what a container writes."""

    @finds
    def unbounded_logs(self) -> Look:
        """Containers whose log grows until the disk is full, where the profile declares no bound."""
        if self.declared.logs and self.declared.logs.max_size:
            return  # a requirement of its own says how large it may be
        for container in self.containers:
            if kept(container) is None:
                yield Finding(str(container), f"log driver {container.log_driver} without max-size")

    @finds
    def larger_logs(self) -> Look:
        """Containers that may keep more log than declared."""
        most = self.declared.logs.max_size if self.declared.logs else None
        for container in self.containers:
            bound = kept(container)
            if isinstance(bound, Missing):
                yield bound
            elif most and (bound is None or bound > most):
                seen = "keeps an unbounded log" if bound is None else f"keeps up to {bound} of its log"
                yield Finding(str(container), seen, f"at most {most}")
