"""The Locust user of a load: visits by arrival in an open loop, or one after the other in a closed one."""

from __future__ import annotations

__all__ = ["JourneyUser"]


class JourneyUser:
    """Makes visits."""
