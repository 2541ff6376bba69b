"""Who makes visits: which journey each makes, by what chance, and how far a visit is."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import urlsplit

from seatrial.load.journeys import Journey, Request, Steps, Visit, Wrong
from seatrial.load.recording import Track

__all__ = ["Chanced", "Going", "Seat", "Wheel", "kind_of", "split"]


class Wheel:
    """Which journey a visit makes: in proportion to their weights, by the visit's number alone."""

    def __init__(self, journeys: list[tuple[Journey, float, dict[str, Any]]], seed: int) -> None:
        if not journeys:
            raise ValueError("there is no journey to be made")
        self._journeys = [(journey, data) for journey, _, data in journeys]
        self._until: list[float] = []
        whole = sum(weight for _, weight, _ in journeys)
        reached = 0.0
        for _, weight, _ in journeys:
            reached += weight / whole
            self._until.append(reached)
        self._seed = seed

    def pick(self, number: int) -> tuple[Journey, dict[str, Any]]:
        """That of a visit, and what was prepared for it."""
        if len(self._journeys) == 1:
            return self._journeys[0]
        # The golden ratio's multiples are spread as evenly as can be, so that few visits have the mix already.
        at = ((number + 1) * 0.6180339887498949 + self._seed * 0.7548776662466927) % 1.0
        for until, journey in zip(self._until, self._journeys, strict=True):
            if at < until:
                return journey
        return self._journeys[-1]


class Chanced(Visit):
    """A visit whose chance is made when it is asked for: most ask for none, and it is dear."""

    __slots__ = ("_chance", "_seed")

    def __init__(self, number: int, token: str, seed: int, data: dict[str, Any]) -> None:
        self.number = number
        self.token = token
        self.data = data
        self._seed = seed
        self._chance: random.Random | None = None

    @property
    def random(self) -> random.Random:  # type: ignore[override]
        """Chance that is the same in every run with the same seed."""
        if self._chance is None:
            self._chance = random.Random(f"{self._seed}/{self.number}")
        return self._chance


class Seat:
    """One user of a closed loop, who makes one visit after the other."""

    __slots__ = ("gone", "wheel")

    def __init__(self, wheel: Wheel) -> None:
        self.wheel = wheel
        self.gone = False


class Going:
    """A visit that is being made."""

    __slots__ = ("ask", "held", "kept", "made", "name", "request", "seat", "steps", "track", "visit")

    def __init__(self, steps: Steps, visit: Visit, name: str, seat: Seat | None) -> None:
        self.steps = steps
        self.visit = visit
        self.name = name
        self.seat = seat
        self.track: Track | None = None
        self.request: Request | None = None
        self.held: tuple[Track, float, float, int] | None = None
        """An answer that is not counted yet: track, intended, ended, bytes."""
        self.ask = 0.0
        """When the request that is out was meant to begin."""
        self.made = 0
        """Requests so far."""
        self.kept = 0
        """Requests of the budget that are kept for it."""


def kind_of(error: BaseException) -> str:
    """What a failure is counted as: short, and on one line."""
    text = str(error) if isinstance(error, Wrong) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:160] or type(error).__name__


def split(address: str, origin: str) -> tuple[str, str]:
    """Origin and path of a whole address; a path without its slash is given one."""
    parts = urlsplit(address)
    if parts.scheme and parts.netloc:
        return f"{parts.scheme}://{parts.netloc}", (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return origin, f"/{address}"
