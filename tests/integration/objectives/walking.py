"""`python walking.py LOCUSTFILE HOST…`: some visits of every journey of a Locust file, one after the other, without a load.

Tells as JSON, host by host and journey by journey, how many visits went wrong and how. In a process of its own, as Locust is.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections import Counter
from typing import Any

from seatrial.load import Pause, Visit, Wrong
from seatrial.load.seeding import Door

VISITS = 6


def walk(journey: Any, data: dict[str, Any], host: str, number: int) -> str:
    """One visit; what is wrong with it."""
    visit = Visit(number, f"w{os.getpid()}x{number}", random.Random(number), data)
    steps, door = journey(visit), Door(host)
    try:
        step = next(steps)
        while True:
            try:
                answer = None if isinstance(step, Pause) else door.ask(step)
            except Wrong as wrong:
                step = steps.throw(wrong)
            else:
                step = next(steps) if answer is None else steps.send(answer)
    except StopIteration:
        return ""
    except Wrong as wrong:
        return str(wrong)


def main() -> None:
    """Walk through all of them."""
    import locust  # noqa: F401 - patches what it must first
    from locust.util.load_locustfile import load_locustfile

    users = load_locustfile(sys.argv[1])[0]
    (kind,) = users.values()
    told: dict[str, Any] = {}
    for host in sys.argv[2:]:
        kind.host = host
        data, told[host] = kind.prepare(), {}
        for journey in kind.journeys:
            ends = [walk(journey, data, host, number) for number in range(VISITS)]
            told[host][journey.__name__] = dict(Counter(end for end in ends if end))
        kind.tidy(data)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
