"""What a service's `/metrics` told, before and after calls were made."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Exposition"]


@dataclass(frozen=True, slots=True)
class Exposition:
    """One exposition, as it was parsed."""
