"""The client's own share in a latency: how long answers lay in the socket before it came to read them.

The kernel notes when each packet came. Of every few answers one is asked for that note, and the time from then until
the client's clock was read is counted. Where the kernel keeps no notes, what is counted is how long an answer may have lain there at
most: it was not there when the client looked before, so it came since.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from time import perf_counter

__all__ = ["Unread", "note_arrivals"]

SO_TIMESTAMPING = 37
BY_SOFTWARE = 1 << 3 | 1 << 4
"""SOF_TIMESTAMPING_RX_SOFTWARE and SOF_TIMESTAMPING_SOFTWARE."""
NOTE = struct.Struct("qq")
ROOM = 256


def note_arrivals(made: socket.socket) -> None:
    """Let the kernel note when what comes on a connection came."""
    with contextlib.suppress(OSError):
        made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, BY_SOFTWARE)


class Unread:
    """Counts how long answers lay there."""

    __slots__ = ("by_kernel", "counts", "most")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        """By microseconds, rounded down to four binary digits."""
        self.most = 0.0
        """Seconds."""
        self.by_kernel = False
        """Whether that is what the kernel noted, and not only what may have been."""

    def add(self, seconds: float, answers: int = 1) -> None:
        """So many answers lay there so long."""
        value = int(seconds * 1e6) if seconds > 0 else 0
        shift = value.bit_length() - 4
        if shift > 0:
            value = value >> shift << shift
        self.counts[value] = self.counts.get(value, 0) + answers
        if seconds > self.most:
            self.most = seconds

    def received(self, made: socket.socket, size: int, looked: float, answers: int = 1) -> bytes:
        """Receive, and count how long before `looked` it had come, as one of so many that were there."""
        data, notes, _, _ = made.recvmsg(size, ROOM)
        for level, kind, note in notes:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPING and len(note) >= NOTE.size:
                whole, nanoseconds = NOTE.unpack_from(note)
                if not whole:
                    continue
                if not self.by_kernel:
                    self.counts, self.most, self.by_kernel = {}, 0.0, True
                # The kernel's clock is that of the day, ours is not: both are read now.
                self.add(looked - (whole + nanoseconds * 1e-9 - time.time() + perf_counter()), answers)
        return data

    def quantile(self, share: float) -> float:
        """Seconds that this share of answers lay there, or less; 0 when nothing was counted."""
        wanted, seen = share * sum(self.counts.values()), 0
        for value, count in sorted(self.counts.items()):
            seen += count
            if seen >= wanted:
                shift = max(value.bit_length() - 4, 0)
                return min((value + (1 << shift)) * 1e-6, self.most)
        return 0.0
