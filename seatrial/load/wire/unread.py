"""The client's own share in a latency: how long an answer may have lain in the socket before it was read.

An answer that was found at once came after the look before that, and was timed by this one: it lay there for at most the
time between the two. One that was waited for was read when it came. So the bound costs nothing for a single request.
"""

from __future__ import annotations

__all__ = ["Unread"]


class Unread:
    """Counts by powers of two of a microsecond."""

    __slots__ = ("counts", "most")

    def __init__(self) -> None:
        self.counts = [0] * 40
        """How many answers lay there for less than 2**index microseconds."""
        self.most = 0.0

    def add(self, seconds: float, answers: int) -> None:
        """So many answers may have lain there so long."""
        self.counts[min(int(seconds * 1e6).bit_length(), 39)] += answers
        self.most = max(self.most, seconds)

    def quantile(self, share: float) -> float:
        """Seconds below which that share of answers lay there, at most; 0 when there were none."""
        wanted, seen = share * sum(self.counts), 0
        for index, count in enumerate(self.counts):
            seen += count
            if count and seen >= wanted:
                return min(2**index * 1e-6, self.most) if self.most else 0.0
        return 0.0
