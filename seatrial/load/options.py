"""Options of a load for plain `locust -f FILE`, on its command line and in its web form, and the plan they give."""

from __future__ import annotations

import argparse
import math
import os
import re
from typing import Any

from seatrial.load.arrivals import KINDS
from seatrial.load.plan import LoadPlan

__all__ = ["add", "plan_of", "seconds"]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


def seconds(text: str) -> float:
    """A time such as ``30``, ``30s``, ``500ms`` or ``2m``, in seconds."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|)\s*", str(text))
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 30s")
    return float(match[1]) * _UNITS[match[2]]


def _rate(text: str) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:/s)?\s*", str(text))
    if not match or not 0 < float(match[1]) < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate such as 20 or 20/s")
    return float(match[1])


def _whole(text: str) -> int:
    if not re.fullmatch(r"\s*\d{1,12}\s*", str(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def add(parser: Any, **_: Any) -> None:
    """Add the options; a listener of Locust's `init_command_line_parser`."""
    group = parser.add_argument_group("Loads", "Of journeys, whose arrivals do not wait for answers")
    group.add_argument(
        "--rate", type=_rate, default=1.0, help="Arrivals a second, of all processes together (open loop)"
    )
    group.add_argument("--arrivals", choices=KINDS, default="constant", help="How arrivals are spread in time")
    group.add_argument("--ramp", type=seconds, default=0.0, help="Time in which the load grows to its rate: 30s")
    group.add_argument("--warm-up", type=seconds, default=0.0, help="Time after that whose dispatch lag is not told")
    group.add_argument(
        "--seed", type=_whole, default=0, help="The same seed gives the same arrivals and the same chance"
    )
    group.add_argument("--max-requests", type=_whole, default=0, help="Never more requests than this; 0 is no bound")
    group.add_argument("--timeout", type=seconds, default=10.0, help="When a request is given up: 10s")
    group.add_argument("--connections", type=_whole, default=256, help="How many are open at once, of each process")
    group.add_argument(
        "--closed", action="store_true", default=False, help="Users (-u) that wait for answers: stalls hide in it"
    )
    group.add_argument(
        "--pause", type=seconds, default=0.0, help="Time that a user of a closed loop thinks between two visits"
    )
    group.add_argument("--ca", default="", help="Certificates that the target's is verified by")


def plan_of(options: Any, host: str) -> LoadPlan:
    """The load that a command line or the web form asks for; it lasts until Locust ends it."""

    def told(name: str, read: Any, otherwise: Any) -> Any:
        value = getattr(options, name, None)
        # The web form gives texts, and an empty one for what was left out.
        return otherwise if value in (None, "") else read(value) if isinstance(value, str) else value

    closed = told("closed", lambda text: str(text).lower() in ("true", "1", "on", "yes"), False)
    ca = told("ca", str, "")
    return LoadPlan(
        name="locust",
        host=host,
        locustfile="locust",
        rate=0.0 if closed else told("rate", _rate, 1.0),
        arrivals=told("arrivals", str, "constant"),
        users=(told("num_users", int, 1) or 1) if closed else 0,
        pause=told("pause", seconds, 0.0),
        ramp=told("ramp", seconds, 0.0),
        warm_up=told("warm_up", seconds, 0.0),
        duration=math.inf,
        timeout=told("timeout", seconds, 10.0),
        connections=told("connections", int, 256),
        max_requests=told("max_requests", int, 0),
        seed=told("seed", int, 0),
        tls={"ca": os.path.abspath(ca)} if ca else {},
    )
