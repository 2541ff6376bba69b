"""Signals while a target is disturbed: the first one ends the run, once; every other waits until the target is as it was found.

A signal's handler raises wherever Python happens to be, in the middle of a ``finally`` too, where it would cut short what
undoes a fault. So there is at most one raise as long as a shield is up: after it, and while something is done or undone,
what comes is kept for later. Whoever holds the shield undoes what stands when the exception gets there.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["Shield"]

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)


class Shield:
    """Stands between SIGINT, SIGTERM, SIGHUP and SIGALRM and the handlers that were there before.

    ``up`` and ``down`` put it there and take it away, and may be nested. As a context manager it holds signals back for a
    span: an act and its note in the journal belong together, and so do its undoing and that note. Outside the main
    thread, where Python handles no signal, all of it does nothing.

    A mask would not do: Python runs handlers in the main thread whichever thread the kernel gave the signal to.
    """

    def __init__(self) -> None:
        self._times = 0
        self._held = 0
        self._before: dict[int, Callable[[int, FrameType | None], Any] | signal.Handlers | int] = {}
        self._came: list[int] = []
        self._raised = 0
        self._fatal = 0

    @property
    def raised(self) -> bool:
        """Whether a signal has ended what was going on; it is on its way out."""
        return bool(self._raised)

    def up(self) -> None:
        """From now on signals come through here."""
        self._times += 1
        if self._times > 1 or threading.current_thread() is not threading.main_thread():
            return
        try:
            for number in _NUMBERS:
                handler = signal.getsignal(number)
                if handler not in (signal.SIG_IGN, None, self._came_now):  # what is ignored stays ignored
                    self._before[number] = handler
                    signal.signal(number, self._came_now)
        except BaseException:
            self.down()
            raise

    def down(self, *, last: bool = False) -> None:
        """The last of nested calls gives the handlers back, and hands on what was held back and still matters.

        A signal that has raised already has what it wanted; of those after it only a user's own still matters after the
        deadline's alarm.

        Args:
            last: this is the outermost call, however many of the inner ones were cut short.
        """
        self._times = 0 if last else self._times - 1
        if self._times:
            return
        came, first, fatal = self._came, self._raised, self._fatal
        self._came, self._raised, self._fatal, self._held = [], 0, 0, 0
        # From here on a signal goes right through to the handler before, whether or not that is back in its place.
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._came_now:
                signal.signal(number, handler)
        if fatal:
            signal.raise_signal(fatal)
        elif first in (0, signal.SIGALRM):
            self._hand_on([number for number in came if not first or number != signal.SIGALRM], signal.raise_signal)

    def __enter__(self) -> Shield:
        self._held += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._held -= 1
        if not self._held and not self._raised and self._came and self._times:
            came, self._came = self._came, []
            self._hand_on(came, lambda number: self._came_now(number, None))

    @staticmethod
    def _hand_on(came: list[int], hand: Callable[[int], None]) -> None:
        """One of them: a user's before an alarm."""
        for number in sorted(came, key=lambda number: number == signal.SIGALRM)[:1]:
            hand(number)

    def _came_now(self, number: int, frame: FrameType | None) -> None:
        if self._held or self._raised:
            self._came.append(number)
            return
        handler = self._before[number]
        self._raised = number if self._times else 0
        if callable(handler):
            handler(number, frame)
        else:  # it would have ended the process here and now; that comes when the target is as it was found
            self._fatal = number
            raise KeyboardInterrupt(signal.Signals(number).name)
        self._raised = 0  # it let it pass
