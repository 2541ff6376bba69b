"""Processes that are held by SIGSTOP: all the while, or by turns with moments in which they run."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any

from seatrial.drivers._process_signals import descendants, send
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session

__all__ = ["Pauses", "resume", "slowed"]

ROUNDS = 10
"""How often we look for processes that were started while the others were being stopped."""


def slowed(wanted: dict[str, Any]) -> tuple[float, float]:
    """Seconds that a slow service is held, and seconds that it runs, by turns: short, yet enough for an answer."""
    delay = float(wanted.get("delay") or 1.0)
    return delay, min(0.1, max(0.02, delay / 20))


def resume(session: Session, known: list[list[int]], *, except_for: list[int]) -> None:
    """Let processes and their descendants run on, the youngest first, so that none finds those it looks after still stopped.

    Those that seem to run are told, too: a SIGSTOP that was sent just now may take effect later, unless SIGCONT takes it back.
    """
    for pid, since in reversed(descendants(known)):
        if pid not in except_for:
            with contextlib.suppress(CouldNotLook):  # it has ended, which is no more ours
                send(session, pid, since, signal.SIGCONT)


class Pauses:
    """Threads of this run that hold processes by turns, and what they hold. What stands when the run dies, SIGCONT heals."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._turns: dict[str, tuple[threading.Thread, threading.Event]] = {}

    def stop(self, known: list[list[int]]) -> None:
        """Stop processes and all that descend from them, those included that they start meanwhile.

        Raises:
            CouldNotLook: the first of them has ended, or may not be signalled.
        """
        done: set[int] = set()
        for _ in range(ROUNDS):
            family = descendants(known)
            fresh = [(pid, since) for pid, since in family if pid not in done]
            if not fresh:
                break
            for pid, since in fresh:
                done.add(pid)
                try:
                    send(self.session, pid, since, signal.SIGSTOP)
                except CouldNotLook:
                    if [pid, since] == known[0]:
                        raise
        if not done:
            raise CouldNotLook(f"pid {known[0][0]} has ended")

    def begin(self, key: str, known: list[list[int]], held: float, running: float) -> None:
        """Hold processes by turns from now on; when this returns they are held for the first time."""
        self.stop(known)
        over = threading.Event()
        turns = threading.Thread(
            target=self._turn, args=(over, known, held, running), daemon=True, name="seatrial-slow"
        )
        self._turns[key] = turns, over
        turns.start()

    def _turn(self, over: threading.Event, known: list[list[int]], held: float, running: float) -> None:
        while not over.wait(held):
            resume(self.session, known, except_for=[])
            if over.wait(running):
                return
            try:
                self.stop(known)
            except CouldNotLook:  # it has ended: whoever watches it sees that
                return

    def end(self, key: str) -> None:
        """Hold them no more. They may be stopped still: `resume` is the caller's."""
        turns, over = self._turns.pop(key, (None, None))
        if turns and over:
            over.set()
            turns.join()
