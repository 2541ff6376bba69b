"""Loads: arrivals that do not wait for answers, made inside Locust, and timed from when they were meant to begin.

What a Locust file of a load test needs is here, and nothing else is imported with it until it is used: `JourneyUser`,
`Request`, `Pause`, `Wrong`. Locust itself is only ever imported in a process of its own, never in that of pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seatrial.load.journeys import Answer, Pause, Request, Steps, Visit, Wrong

if TYPE_CHECKING:
    from seatrial.load.users import JourneyUser

__all__ = ["Answer", "JourneyUser", "Pause", "Request", "Steps", "Visit", "Wrong"]


def __getattr__(name: str) -> Any:
    if name == "JourneyUser":
        from seatrial.load.users import JourneyUser

        return JourneyUser
    raise AttributeError(name)
