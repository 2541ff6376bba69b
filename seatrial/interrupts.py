"""What cuts a run short: signals and its deadline; and where an error came from, for its report."""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import seatrial

__all__ = ["LATE", "Late", "handled", "trace"]


class Late(BaseException):
    """The deadline passed. Not an Exception, so that no look takes it for trouble of its own and the next one begins."""


LATE = "the deadline passed before this was looked at; give a longer --deadline"


@contextmanager
def handled(handlers: dict[signal.Signals, Callable[[int, Any], None]]) -> Iterator[None]:
    """Signal handlers, as they were before afterwards. Nothing outside the main thread, where there are none."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def trace(error: BaseException) -> tuple[str, ...]:
    """Where an error came from, without locals and without machine paths."""
    home = Path(seatrial.__file__).parent.parent
    frames = traceback.extract_tb(error.__traceback__)
    return tuple(
        f"{Path(frame.filename).relative_to(home) if Path(frame.filename).is_relative_to(home) else Path(frame.filename).name}"
        f":{frame.lineno} in {frame.name}"
        for frame in frames
        if "_pytest" not in frame.filename and "pluggy" not in frame.filename
    )
