"""A span that no signal cuts short: what came meanwhile is raised again when it is over."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["shielded"]

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)


@contextmanager
def shielded() -> Iterator[None]:
    """Hold back SIGINT, SIGTERM, SIGHUP and SIGALRM: an act and its note in the journal belong together, and so do its undoing
    and that note. Outside the main thread, where Python handles no signal, there is nothing to hold back.

    A mask would not do: Python runs handlers in the main thread whichever thread the kernel gave the signal to.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def later(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before: dict[signal.Signals, Any] = {}
    for number in _NUMBERS:
        handler = signal.getsignal(number)
        if handler not in (signal.SIG_IGN, None):  # what is ignored stays ignored
            before[number] = signal.signal(number, later)
    try:
        yield
    finally:
        for known, handler in before.items():
            signal.signal(known, handler)
        for late in dict.fromkeys(came):
            signal.raise_signal(late)
