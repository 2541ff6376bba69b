"""Whether a service can reach what it depends on, tried from inside its own network."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Reach"]


@dataclass(frozen=True, slots=True)
class Reach:
    """One attempt, or one connection that was already there, from one container or process of a service."""

    source: str
    """``container web-1``."""
    target: str
    """``redis (172.18.0.2:6379)``."""
    connected: bool
    how: str
    """How it is known: ``TCP connect from its network namespace``, ``established connection in its table``."""
    seen: str = ""
    """What happened instead: ``connection refused``, ``name redis does not resolve``."""
