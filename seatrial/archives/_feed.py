"""Bytes that come in order, within a budget of time and of what is unpacked."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["HEAD", "Broken", "Budget", "Feed", "Undecided"]

HEAD = 4096
"""Bytes that a form is told by."""
PIECE = 1024 * 1024


class Broken(Exception):
    """It can't be read to its end, and why."""


class Undecided(Exception):
    """It was not read to its end, and why."""


class Budget:
    """What reading may cost."""

    def __init__(self, end: float, within: float, unpacked: int) -> None:
        self.end, self.within, self.left, self.unpacked = end, within, unpacked, unpacked
        self.closing: list[Callable[[], None]] = []
        """Called once reading is over, however it ends."""

    def close(self) -> None:
        """End what reading has started."""
        while self.closing:
            self.closing.pop()()

    def spend(self, size: int) -> None:
        """Count bytes.

        Raises:
            Undecided: it is used up.
        """
        self.left -= size
        if time.monotonic() > self.end:
            done = (self.unpacked - self.left) // 1024**2
            raise Undecided(f"it was not read to its end within {self.within:g} s; {done:,} MiB were, unpacked")
        if self.left < 0:
            raise Undecided(f"it unpacks to more than {self.unpacked // 1024**3} GiB")


class Feed:
    """A stream that is read once, from front to back, and knows where it is."""

    def __init__(self, more: Callable[[int], bytes | None], budget: Budget) -> None:
        """``more(n)`` gives some bytes, none at the end."""
        self._more, self.budget = more, budget
        self._have = b""
        self._from = 0
        self.at = 0
        """How many bytes were taken."""

    def _fill(self) -> bool:
        piece = self._more(PIECE) or b""
        self.budget.spend(len(piece))
        self._have = self._have[self._from :] + piece
        self._from = 0
        return bool(piece)

    def peek(self, size: int) -> bytes:
        """The next bytes, which stay; fewer at the end."""
        while len(self._have) - self._from < size and self._fill():
            pass
        return self._have[self._from : self._from + size]

    def some(self, size: int = PIECE) -> bytes:
        """What comes next, at most so many bytes; none at the end."""
        if self._from >= len(self._have) and not self._fill():
            return b""
        found = self._have[self._from : self._from + size]
        self._from += len(found)
        self.at += len(found)
        return found

    def back(self, data: bytes) -> None:
        """Give back the last bytes that were taken."""
        self._have = data + self._have[self._from :]
        self._from = 0
        self.at -= len(data)

    def take(self, size: int, what: str) -> bytes:
        """Exactly so many bytes.

        Raises:
            Broken: there are fewer.
        """
        end = self._from + size
        if end <= len(self._have):  # the common case, without a call
            found = self._have[self._from : end]
            self._from = end
            self.at += size
            return found
        if size > 64 * 1024**2:
            raise Undecided(f"{what} at byte {self.at:,} would take {size:,} bytes of memory")
        found = self.peek(size)
        if len(found) < size:
            raise Broken(f"it ends at byte {self.at + len(found):,}, within {what}")
        self._from += size
        self.at += size
        return found

    def skip(self, size: int, what: str) -> None:
        """Pass over so many bytes.

        Raises:
            Broken: there are fewer.
        """
        while size:
            piece = self.some(min(size, PIECE))
            if not piece:
                raise Broken(f"it ends at byte {self.at:,}, within {what}")
            size -= len(piece)

    def line(self, what: str, most: int = 4096) -> bytes:
        """The bytes up to the next line feed, without it."""
        found = self.peek(most)
        end = found.find(b"\n")
        if end < 0:
            if len(found) < most:
                raise Broken(f"it ends at byte {self.at + len(found):,}, within {what}")
            raise Broken(f"{what} at byte {self.at:,} is no line of fewer than {most:,} bytes")
        self._from += end + 1
        self.at += end + 1
        return found[:end]

    def drain(self) -> None:
        """Read to the end."""
        while self.some():
            pass

    def ended(self) -> bool:
        """Whether nothing comes any more."""
        return not self.peek(1)
