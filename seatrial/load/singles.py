"""One call at every arrival, the same each time or with a token of its own: the loop without visits, as fast as it can be, with
every answer still looked at.
"""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any

from seatrial.load import calls
from seatrial.load.plan import Call
from seatrial.load.recording import Track
from seatrial.load.visits import DRAIN, NO_END, Loop

__all__ = ["Single"]

MOST_KNOWN = 256
KNOWN_BYTES = 65536


class Single(Loop):
    """Makes one call at every arrival.

    Args:
        call: what is asked.
        sentinel: the text in it that each request has a token of its own for; none where it is always the same.
    """

    def __init__(self, *args: Any, call: Call, sentinel: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        # Written once, with a token as long as all others: then only its bytes are changed, and every length still holds.
        blank = self._named(0)
        made = calls.maker(call, sentinel)(blank.decode())
        self._data = self._encode(made.method, made.path, made.headers, made.body, self._origin)
        self._blank = blank if sentinel and blank in self._data else b""
        self._right = frozenset(call.right)
        self._needing = calls.needing(call, sentinel)
        self._own = bool(sentinel) and sentinel in call.needs
        self._check = self._needing("")
        self._known: dict[bytes, str] = {}
        self._track: Track = self.recorder.track(call.name or f"{call.method} {call.path}", call.method)
        self._asked = 0
        self._told = 0

    def _named(self, number: int) -> bytes:
        return b"%b%09d" % (self._token.encode(), number)

    def _arrive(self, number: int, intended: float) -> None:
        if self._left < 1:
            self._spent()
            return
        self._left -= 1
        self._asked += 1
        recorder = self.recorder
        recorder.lags.append(intended)
        recorder.lags.append(perf_counter())
        self._track.begun.append(intended)
        data = self._data
        if self._blank:
            data = data.replace(self._blank, self._named(number))
        self._client(self._origin).send(data, intended, number)

    def _answered(self, done: Any) -> None:
        self._told += 1
        track = self._track
        if done.status in self._right and not done.failure:
            body = done.body
            wrong = self._needing(self._named(done.token).decode())(body) if self._own else self._known.get(body)
            if wrong is None:
                wrong = self._check(body)
                if len(body) <= KNOWN_BYTES:
                    if len(self._known) >= MOST_KNOWN:
                        self._known.clear()
                    self._known[body] = wrong
            if not wrong:
                track.intended.append(done.intended)
                track.ended.append(done.ended)
                track.sizes += len(body)
                return
            track.lost.append((done.intended, done.ended, wrong))
            return
        track.lost.append((done.intended, done.ended, done.failure or f"HTTP {done.status}"))

    def _drained(self, now: float, due: float) -> bool:
        if due == math.inf and self._told < self._asked and now < self._drained_by:
            if self._drained_by == math.inf and now >= self.ends:
                self._drained_by = self.ends + self._timeout + DRAIN
            return False
        return super()._drained(now, due)

    def _finish(self) -> None:
        # What is still out is told by the client alone: its count is known, and when each was meant to begin is not.
        for _ in range(self._asked - self._told):
            self._track.lost.append((self.ends - 1e-6, perf_counter(), NO_END))
        super()._finish()
