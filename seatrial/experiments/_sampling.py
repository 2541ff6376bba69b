"""Asking again and again, on a schedule that does not wait for answers, and keeping every answer with its time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from seatrial.facts.experiment import Moment, Sample
from seatrial.words import CouldNotLook

__all__ = ["Asker", "Watch"]

MOST_WAITING = 32
"""Answers of one probe that are waited for at the same time. More would be a load of its own."""


@dataclass(frozen=True, slots=True)
class Asker:
    """One thing that is asked, of one replica."""

    probe: str
    who: str
    ask: Callable[[], Sample]
    """Asks once, in bounded time; its time is filled in by the watch."""
    every: float
    """Seconds between two questions."""
    waiting: int = MOST_WAITING
    """How many answers may be outstanding; 1 for a call that must not overtake itself."""


@dataclass(slots=True)
class Watch:
    """Samples of several askers against one clock, while it is open."""

    askers: tuple[Asker, ...]
    followers: tuple[Callable[[Watch], None], ...] = ()
    """Called twice a second: what is not asked but read from somewhere, and added with `add` or `mark`."""
    began: float = field(default_factory=time.monotonic)
    moments: list[Moment] = field(default_factory=list)
    _samples: list[Sample] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _stop: threading.Event = field(default_factory=threading.Event)
    _trouble: list[BaseException] = field(default_factory=list)

    @property
    def now(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.began

    def samples(self) -> tuple[Sample, ...]:
        """What has come so far, in the order it was asked."""
        with self._changed:
            return tuple(sorted(self._samples, key=lambda sample: sample.at))

    def mark(self, what: str) -> float:
        """Note that something happens now; gives the time."""
        at = self.now
        self.moments.append(Moment(round(at, 3), what))
        return at

    def until(self, condition: Callable[[tuple[Sample, ...]], object], within: float) -> bool:
        """Wait until a condition on the samples so far holds; whether it did before time was up.

        Raises:
            CouldNotLook: asking itself failed, for a reason of ours.
        """
        end = time.monotonic() + within
        while True:
            if self._trouble:
                raise self._trouble[0]
            if condition(self.samples()):
                return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            with self._changed:
                self._changed.wait(min(left, 0.25))

    def hold(self, seconds: float) -> None:
        """Go on watching for a while."""
        self.until(lambda _: False, seconds)

    def add(self, sample: Sample) -> None:
        """Keep a sample that was taken beside the askers."""
        with self._changed:
            self._samples.append(sample)
            self._changed.notify_all()

    def taken(self, ask: Callable[[], Sample], probe: str, who: str) -> Sample:
        """Ask once, and keep the answer with its time and name."""
        at = self.now
        answered = ask()
        took = answered.seconds or self.now - at
        sample = replace(answered, at=round(at, 4), probe=probe, who=who, seconds=round(took, 4))
        self.add(sample)
        return sample

    @contextmanager
    def open(self) -> Iterator[Watch]:
        """Ask while the block runs; at its end every answer that is still out is waited for."""
        with ThreadPoolExecutor(max(1, min(256, sum(one.waiting for one in self.askers)))) as pool:
            threads = [threading.Thread(target=self._ask, args=(asker, pool), daemon=True) for asker in self.askers]
            threads += [threading.Thread(target=self._follow, args=(one,), daemon=True) for one in self.followers]
            for thread in threads:
                thread.start()
            try:
                yield self
            finally:
                self._stop.set()
                for thread in threads:
                    thread.join()

    def _ask(self, asker: Asker, pool: ThreadPoolExecutor) -> None:
        """Questions of one asker, at their times whether or not the last one was answered."""
        waiting = threading.Semaphore(asker.waiting)
        due = time.monotonic()
        while not self._stop.is_set():
            if waiting.acquire(blocking=False):
                pool.submit(self._one, asker, waiting)
            due += asker.every
            self._stop.wait(max(0.0, due - time.monotonic()))

    def _follow(self, follower: Callable[[Watch], None]) -> None:
        while True:
            last = self._stop.is_set()  # once more at the end, for what came since
            try:
                follower(self)
            except CouldNotLook:
                pass  # an engine that does not answer now is asked again
            except Exception as trouble:  # noqa: BLE001 - raised where somebody waits for samples
                self._trouble.append(trouble)
                return
            if last:
                return
            self._stop.wait(0.5)

    def _one(self, asker: Asker, waiting: threading.Semaphore) -> None:
        try:
            self.taken(asker.ask, asker.probe, asker.who)
        except CouldNotLook as why:
            self._trouble.append(why)
        except Exception as trouble:  # noqa: BLE001 - raised where somebody waits for samples
            self._trouble.append(trouble)
        finally:
            waiting.release()
