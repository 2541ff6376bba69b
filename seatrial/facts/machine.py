"""The machine a deployment runs on, as its kernel tells of it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Machine"]


@dataclass(frozen=True, slots=True)
class Machine:
    """Architecture, processors, memory, disks, accelerators, clock."""

    def attested(self) -> tuple[tuple[str, str], ...]:
        """Name and value of what a reader of a report must know of the hardware."""
        return ()
