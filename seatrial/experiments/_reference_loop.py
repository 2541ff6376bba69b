"""A fixed piece of work, timed several times over: what it takes before and after a load tells how quiet the machine was.

In a process of its own, so that threads of the run do not count as noise. Its arguments are the processors it is to be done on,
one after the other; it prints a line of JSON: seconds of each time. Standard library alone.
"""

from __future__ import annotations

import json
import os
import sys
import time

ROUNDS = 7
WORK = 60_000
"""Additions of one time: some milliseconds, longer than a slice that another process gets, shorter than what anybody waits for."""


def work() -> float:
    """Seconds that it took once."""
    began = time.perf_counter()
    total = 0
    for number in range(WORK):
        total += number * number & 0xFF
    return time.perf_counter() - began


def main(cpus: list[int]) -> list[float]:
    """Every time, on each processor; the first on each only warms up."""
    found = []
    for cpu in cpus or [-1]:
        if cpu >= 0:
            os.sched_setaffinity(0, {cpu})
        work()
        found += [work() for _ in range(ROUNDS)]
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main([int(word) for word in sys.argv[1:]])) + "\n")
