"""What a deployment is really told: environment, configuration files, and what servers report."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What was read for one subject."""
