"""Secrets that were seen where they don't belong. No value is in here: key, place, kind, length class and a keyed fingerprint are."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Leaks"]


@dataclass(frozen=True, slots=True)
class Leaks:
    """What was searched on one subject, and what was found."""
