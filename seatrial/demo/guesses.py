"""A bound on how often a wrong token may be tried."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field

from seatrial.demo.messages import Refused


@dataclass(slots=True)
class Guesses:
    """Wrong guesses of the last while; above the bound nobody's token is even looked at."""

    allowed: int = 10
    seconds: float = 2.0
    _at: deque[float] = field(default_factory=deque)

    def admit(self) -> None:
        """Refuse, with the time to come back, when there were too many."""
        now = time.monotonic()
        while self._at and now - self._at[0] >= self.seconds:
            self._at.popleft()
        if len(self._at) >= self.allowed:
            wait = math.ceil(self._at[0] + self.seconds - now)
            raise Refused(429, "too many wrong tokens", Retry_After=str(wait))

    def wrong(self) -> None:
        """Note one."""
        self._at.append(time.monotonic())
