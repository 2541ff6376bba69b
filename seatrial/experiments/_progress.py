"""How far a load is, told while it is made: one line that is written anew on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.load.plan import LoadPlan
from seatrial.words import Duration, Rate

__all__ = ["EVERY", "Progress"]

EVERY = 10
"""Seconds between two lines where they stay."""


@dataclass(slots=True)
class Progress:
    """Tells of one load."""

    plan: LoadPlan
    say: Callable[[str], None]
    offered: int = 0
    failed: int = 0
    _written: bool = False
    _terminal: Any = field(init=False, default=None)

    def __post_init__(self) -> None:
        # pytest's reporter, whose `write_line` we are given: on a terminal it can write a line again.
        reporter = getattr(self.say, "__self__", None)
        if getattr(reporter, "isatty", False) and hasattr(reporter, "rewrite"):
            self._terminal = reporter

    def second(self, told: Mapping[str, Any]) -> None:
        """One more second of it."""
        self.offered += int(told.get("offered", 0))
        self.failed += int(told.get("failed", 0))
        line = self.line(told)
        if self._terminal is not None:
            self._terminal.rewrite(f"  {line}", erase=True)
            self._written = True
        elif (int(told.get("at", 0)) + 1) % EVERY == 0:
            self.say(f"  {line}")

    def line(self, told: Mapping[str, Any]) -> str:
        """``slos.read: 100/s of 100/s, p95 12ms, 3 failed, 48s left``."""
        plan = self.plan
        passed = int(told.get("at", 0)) + 1
        sent = Rate(int(told.get("sent", told.get("offered", 0))))
        rate = f"{sent} of {Rate(round(plan.rate, 3))}" if plan.rate else f"{sent} by {plan.users} users"
        p95 = told.get("p95")
        slow = (
            f"p95 {Duration(round(float(p95), 4))} so far" if isinstance(p95, int | float) and p95 > 0 else "no p95 yet"
        )
        phase = ""
        if passed <= plan.ramp + plan.warm_up:
            phase = " (ramp)" if passed <= plan.ramp else " (warm-up)"
        left = Duration(max(0, round(plan.lasts - passed)))
        return f"{plan.name}{phase}: {rate}, {slow}, {self.failed} failed, {left} left"

    def done(self) -> None:
        """Take the line away that was written anew."""
        if self._written:
            self._terminal.rewrite("", erase=True)
            self._terminal.write("\r", flush=True)
            self._written = False
