"""When a load is ended before its time: the target is clearly dying, and what more is asked of it would only do harm. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seatrial.facts.experiment import Sample
from seatrial.words import Rate, Ratio

__all__ = ["OVER", "Guards", "dead"]

OVER = 10
"""Seconds over which failures are counted."""
LEAST = 20
"""Failures that are clearly more than bad luck."""
BURNING = 10.0
"""How many times faster than allowed failures come when an error budget burns, and is not just used up in the end."""
DEAD_FOR = 5.0
"""Seconds for which liveness must have failed, however often it is asked."""


@dataclass(slots=True)
class Guards:
    """Hears each second of a load, and says why it is to end."""

    stop_at: float
    """Share of failed requests over `OVER` seconds."""
    errors: float | None = None
    """Share of requests that may fail, where that is promised."""
    planned: float = 0.0
    """Requests that the whole load is to make."""
    max_rate: float = 0.0
    """Requests a second that are never exceeded; 0 is no bound. An open loop keeps it by its rate; this is for a closed one."""
    failed: int = 0
    _last: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=OVER))
    _fast: int = 0

    def second(self, told: Mapping[str, Any]) -> str:
        """Why the load is to end, after one more second of it; empty when it may go on."""
        right, failed = int(told.get("right", 0)), int(told.get("failed", 0))
        self.failed += failed
        self._last.append((right + failed, failed))
        sent = int(told.get("sent", 0))
        self._fast = self._fast + 1 if self.max_rate and sent > 1.05 * self.max_rate + 1 else 0
        if self._fast >= 2:
            return f"{sent} requests were made in a second, and max_rate is {Rate(self.max_rate)}"
        if len(self._last) < OVER:
            return ""
        answered, wrong = sum(each[0] for each in self._last), sum(each[1] for each in self._last)
        share = wrong / answered if answered else 0.0
        told_share = f"{100 * share:.0f}% of requests failed over {OVER} s"
        if wrong >= min(LEAST, max(1, answered)) and share >= self.stop_at:
            return f"{told_share}, and stop_at is {Ratio(self.stop_at)}"
        if self.errors is not None and self.failed >= max(LEAST, self.errors * self.planned) and (
            share >= min(self.stop_at, max(0.1, BURNING * self.errors))
        ):  # fmt: skip
            return f"the error budget of {Ratio(self.errors)} is burnt: {self.failed} requests failed, and {told_share}"
        return ""


def dead(samples: Sequence[Sample], failures: int) -> str:
    """Why a target counts as dying, by its liveness probe: it failed so often in a row, and for long enough; else empty.

    Args:
        samples: of all probes, in the order they were asked.
        failures: how many in a row make an orchestrator act.
    """
    row: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.probe == "liveness":
            row[sample.who] = [] if sample.ok else [*row.get(sample.who, []), sample]
    for who, wrong in row.items():
        if len(wrong) >= failures and wrong[-1].end - wrong[0].at >= DEAD_FOR:
            said = wrong[-1].failure or f"HTTP {wrong[-1].status}"
            return f"liveness of {who} failed {len(wrong)} times in a row: {said}"
    return ""
