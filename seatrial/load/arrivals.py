"""When requests are meant to begin: a schedule that knows nothing of answers, and is the same for the same seed.

Arrival k of a load begins when as many as k were due by the rate. While it ramps up, the rate grows in a straight line from
nothing; then it stays. *constant* puts one arrival after the other at equal distances of that measure, *poisson* at random
ones, as independent visitors come. Each of n processes makes every n-th arrival of the one schedule, so that all of them
together make exactly that schedule.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["KINDS", "Schedule", "portion"]

KINDS = ("constant", "poisson")


def portion(whole: int, index: int, of: int) -> int:
    """What falls to one of several when a number is divided among them."""
    return whole // of + (1 if index < whole % of else 0)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Arrivals of one load."""

    rate: float
    """A second, once the ramp is over."""
    lasts: float = math.inf
    """Seconds in which there are any, the ramp included."""
    ramp: float = 0.0
    kind: str = "constant"
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.rate < math.inf:
            raise ValueError(f"a rate of {self.rate} arrivals a second can't be made")
        if not (self.ramp >= 0 and self.lasts >= 0):
            raise ValueError("a load can't last less than no time")
        if self.kind not in KINDS:
            raise ValueError(f"arrivals are {' or '.join(KINDS)}, not {self.kind!r}")

    def due(self, seconds: float) -> float:
        """How many are due by then, on average."""
        if seconds < self.ramp:
            return self.rate * seconds * seconds / (2 * self.ramp)
        return self.rate * (seconds - self.ramp / 2)

    def when(self, due: float) -> float:
        """The time at which so many are due: what `due` turns round."""
        in_ramp = self.rate * self.ramp / 2
        if due < in_ramp:
            return math.sqrt(2 * self.ramp * due / self.rate)
        return due / self.rate + self.ramp / 2

    def times(self, index: int = 0, of: int = 1) -> Iterator[tuple[int, float]]:
        """Number and second of each arrival that falls to one of several processes, in order."""
        if self.kind == "constant":
            yield from self._constant(index, of)
        else:
            yield from self._poisson(index, of)

    def _constant(self, index: int, of: int) -> Iterator[tuple[int, float]]:
        # One at the very end would belong to the next second; rounding must not let it in.
        last = self.due(self.lasts) - 1e-6
        number = index
        while number < last:
            yield number, self.when(number)
            number += of

    def _poisson(self, index: int, of: int) -> Iterator[tuple[int, float]]:
        # Every process draws the whole stream, and takes its part of it: that is what makes the parts one stream.
        draw, last = random.Random(self.seed).random, self.due(self.lasts)
        due, number = 0.0, 0
        log = math.log
        while True:
            due -= log(1.0 - draw())
            if due >= last:
                return
            if number % of == index:
                yield number, self.when(due)
            number += 1
