"""A backup while a writer runs, with no quiet time before, during or after: what comes back must be a state that was.

The writer numbers its writes and makes them in several places in turn, each acknowledged before the next, so that the state at
any moment is known from one number. It goes on without a pause while the documented procedure saves what it writes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.drills.stores import declared, open_store
from seatrial.facts.backups.drill import Ran, Wrote
from seatrial.facts.backups.writing_judged import state
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drills.stores import Store
    from seatrial.drills.trip import Trip

__all__ = ["wrote"]

TRIES = 3
"""How often it is tried where a backup is over before anything was written beside it."""
BEFORE = 0.5
"""Seconds for which the writer runs before the backup begins."""
FIRST_WITHIN = 30.0
"""Seconds within which its first write must be acknowledged: a program may have to be started for it."""
MOST = 50_000
"""Writes at most, in one try."""
LONGEST = 660.0
"""Seconds for which it writes at most: a procedure has less."""
PAUSE = 0.0005
"""Seconds between two writes, so that what is saved has its turn too."""
REFUSED = 0.02
"""Seconds before a write that was refused is tried again: the store may be locked."""


@dataclass(slots=True)
class _Writer:
    """Writes until it is told to stop. What it says of each write is when it was asked and when it was acknowledged."""

    store: Store
    first: int
    """Number of its first write."""
    done: list[tuple[float, float]] = field(default_factory=list)
    trouble: str = ""
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Write while the block runs."""
        thread = threading.Thread(target=self._write, name="seatrial-writer", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(60.0)
        if thread.is_alive():
            raise CouldNotLook("a write was neither acknowledged nor refused within 60 s")

    def _write(self) -> None:
        end = time.monotonic() + LONGEST
        while not self._stop.is_set() and len(self.done) < MOST and time.monotonic() < end:
            asked = time.time()
            while not self._stop.is_set():
                try:
                    self.store.step(self.first + len(self.done))
                except CouldNotLook as why:
                    self.trouble = why.reason
                    time.sleep(REFUSED)
                    continue
                self.done.append((asked, time.time()))
                break
            time.sleep(PAUSE)

    def until(self, at: float) -> int:
        """The number of the last write that was acknowledged by a moment."""
        return self.first - 1 + sum(acknowledged <= at for _, acknowledged in self.done)

    def longest(self, since: float, until: float) -> float:
        """Seconds that the slowest write took, of those that were under way between two moments."""
        return max((end - begin for begin, end in self.done if end >= since and begin <= until), default=0.0)


def wrote(trip: Trip) -> Wrote:
    """Make the backup while a writer runs, restore it into a fresh target, and read what each place of the writer holds there.

    Raises:
        CouldNotLook: nothing could be written, or there is no target to restore into.
    """
    kept = declared(trip.backup, trip.drill.source)
    found: Wrote | None = None
    for number in range(1, TRIES + 1):
        found = _once(trip, open_store(trip.source, kept), number)
        places = found.places
        torn = not isinstance(found.restored, Missing) and found.restored != state(
            places, max(found.restored, default=0)
        )
        failed = not (found.ran and found.ran.ok and found.restore and found.restore.ok)
        if torn or failed or found.steps >= places:
            break
    assert found is not None
    return found


def _once(trip: Trip, store: Store, number: int) -> Wrote:
    """One try. The writer goes on where the one before it has ended: its numbers only grow."""
    writer = _Writer(store, max(store.steps(), default=0) + 1)
    with trip.step(f"backup under writes: try {number}") as doing:
        with writer.running():
            end = time.monotonic() + FIRST_WITHIN
            time.sleep(BEFORE)
            while not writer.done and time.monotonic() < end:
                time.sleep(REFUSED)
            if not writer.done:
                raise CouldNotLook(
                    f"nothing could be written beside the backup: {writer.trouble or 'no write was acknowledged'}"
                )
            ran, artifact = trip.back_up()
            time.sleep(PAUSE)
        began = trip.started(artifact)
        ended = began + ran.seconds
        before, last = writer.until(began), writer.until(ended)
        doing.said = f"{last - before} writes while it was made, {before} before"
        doing.ok = ran.ok
    size = trip.taken(artifact).size if artifact.exists() else 0
    restored, restore = _restored(trip, ran, artifact)
    trip.take_away()
    return Wrote(
        steps=last - before,
        before=before,
        places=store.places,
        restored=restored,
        ran=ran,
        restore=restore,
        longest=round(writer.longest(began, ended), 4),
        longest_before=round(writer.longest(0.0, began), 4),
        seconds=round(ran.seconds, 4),
        size=size,
        tries=number,
    )


def _restored(trip: Trip, ran: Ran, artifact: Path) -> tuple[tuple[int, ...] | Missing, Ran | None]:
    """What each place of the writer holds after a restore into a fresh target."""
    if not artifact.exists():
        return Missing(f"the backup left nothing that could be restored; it {ran.ending}"), None
    with trip.target() as (place, _), trip.step("restore of what was written meanwhile") as doing:
        restore = trip.restore(place, artifact)
        settled = trip.settled(place)
        doing.ok = restore.ok and not settled.why
        if settled.why:
            return Missing(f"the target could not be used after the restore: {settled.why}"), restore
        numbers = settled.store.steps()
        doing.said = f"the newest write that is there is {max(numbers, default=0)}"
        return numbers, restore
