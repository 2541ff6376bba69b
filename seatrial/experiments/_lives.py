"""The lives of a service's replicas, one after the other: when each was first seen, when it was over, and how it ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from seatrial.experiments._sampling import Watch
from seatrial.safety.acts import Hands, Replica
from seatrial.words import CouldNotLook

__all__ = ["EVERY", "Life", "Lives"]

EVERY = 0.1
"""Seconds between two looks: how exactly a start is timed."""


@dataclass(slots=True)
class Life:
    """One life of one replica."""

    name: str
    key: tuple[str, str]
    """Id and start, as the driver tells them."""
    first: float
    """When it was first seen, on the clock of the watch: it began at most one look before."""
    over: float | None = None
    exit_code: int | None = None


@dataclass(slots=True)
class Lives:
    """Looks at the replicas of a service again and again, faster than a watch's followers do."""

    hands: Hands
    service: str
    watch: Watch
    lives: dict[tuple[str, str], Life] = field(default_factory=dict)
    unseen: int = 0
    """Lives between two looks that only the engine's own count tells of."""
    _restarts: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def open(self) -> Iterator[Lives]:
        """Look while the block runs."""
        self.look()
        thread = threading.Thread(target=self._follow, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    def _follow(self) -> None:
        while not self._stop.wait(EVERY):
            try:
                self.look()
            except CouldNotLook:  # an engine that does not answer now is asked again
                continue

    def look(self) -> tuple[Replica, ...]:
        """Look now; gives what is there."""
        at = self.watch.now
        found = self.hands.replicas(self.service)
        with self._lock:
            running = {(one.id, one.started) for one in found if one.running}
            for one in found:
                key = (one.id, one.started)
                if one.running and key not in self.lives:
                    self.lives[key] = Life(one.name, key, at)
                life = self.lives.get(key)
                if life and not one.running and life.exit_code is None:
                    life.exit_code = one.exit_code
                before = self._restarts.get(one.id, one.restarts)
                self.unseen += max(0, one.restarts - before - 1)
                self._restarts[one.id] = one.restarts
            for key, life in self.lives.items():
                if life.over is None and key not in running:
                    life.over = at
        return found

    def begun(self, since: float) -> list[Life]:
        """Lives that were first seen since then, the first one first."""
        with self._lock:
            return sorted((life for life in self.lives.values() if life.first >= since), key=lambda life: life.first)

    def ended(self, since: float) -> list[Life]:
        """Lives that were over since then."""
        with self._lock:
            over = [life for life in self.lives.values() if life.over is not None and life.over >= since]
        return sorted(over, key=lambda life: life.over or 0.0)
