"""A load in a process of its own, from its plan to its result: told how far it is, ended early where it must be, and never left running.

The process gets its plan by its standard input, as it may hold secrets, and ends when that is closed, so that a run that is
killed leaves nothing behind. It is out of reach of Ctrl-C: it is told to stop, and gives what it has seen.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from seatrial.experiments._planning_load import plan_of
from seatrial.experiments._progress import Progress
from seatrial.load.plan import LoadPlan
from seatrial.words import CouldNotLook

__all__ = ["Launched", "launched", "plan_of"]

CHILD = (sys.executable, "-P", "-m", "seatrial.load")
READY_WITHIN = 30.0
"""Seconds until it begins; Locust takes one or two to be imported."""
SLACK = 20.0
"""Seconds that it may take longer than its load and the last answer."""
STOPS_WITHIN = 10.0
"""Seconds in which it gives its result once it is told to stop."""
ENDS_WITHIN = 5.0
TICK = 0.25
LARGEST = 256 * 1024 * 1024
"""Bytes that it may tell altogether."""
KEPT = 8 * 1024
"""Bytes of its error output that are kept, for the case that it says nothing else."""


@dataclass(slots=True)
class Launched:
    """What is heard from a load's process."""

    child: subprocess.Popen[bytes]
    ready: dict[str, Any] = field(default_factory=dict)
    seconds: list[dict[str, Any]] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    trouble: str = ""
    first: float = 0.0
    """When the first second was told, on the monotonic clock."""
    ended: bool = False
    _text: list[bytes] = field(default_factory=list)
    _errors: bytes = b""
    _heard: int = 0

    def order(self, **order: Any) -> None:
        """Tell it something; whether it hears is another matter."""
        with contextlib.suppress(OSError, ValueError):
            assert self.child.stdin is not None
            self.child.stdin.write(json.dumps(order).encode() + b"\n")
            self.child.stdin.flush()

    def hear(self, within: float) -> list[dict[str, Any]]:
        """What it tells in a while: the seconds among it."""
        out, errors = self.child.stdout, self.child.stderr
        assert out is not None
        assert errors is not None
        told: list[dict[str, Any]] = []
        try:
            found = select.select([out, errors], [], [], within)[0]
        except ValueError:  # one of them is closed
            self.ended = True
            return told
        if errors in found:
            self._errors = (self._errors + os.read(errors.fileno(), 1 << 16))[-KEPT:]
        if out in found:
            piece = os.read(out.fileno(), 1 << 20)
            self._heard += len(piece)
            if not piece or self._heard > LARGEST:
                self.ended = True
                self.trouble = self.trouble or ("the load generator tells too much" if piece else "")
                return told
            self._text.append(piece)
            if b"\n" in piece:  # the result of a long load comes in many pieces
                *lines, rest = b"".join(self._text).split(b"\n")
                self._text = [rest]
                for line in lines:
                    told += self._event(line)
        return told

    def _event(self, line: bytes) -> Iterator[dict[str, Any]]:
        """One line; what is no event of ours was printed by a Locust file."""
        try:
            told = json.loads(line)
            kind = told.get("event")
        except (ValueError, AttributeError, RecursionError):
            return
        if kind == "second":
            if not self.seconds:
                self.first = time.monotonic()
            self.seconds.append(told)
            yield told
        elif kind == "ready":
            self.ready = told
        elif kind == "result":
            self.result = told
        elif kind == "trouble":
            self.trouble = str(told.get("reason") or "the load generator gave up")

    def last_words(self) -> str:
        """The last line of its error output."""
        lines = [line for line in self._errors.decode("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1].strip()[:300] if lines else ""

    def zero(self) -> float:
        """When the load began, on the monotonic clock: as it says itself, or a second before its first second was told."""
        for told in (self.result, self.ready):
            if isinstance(began := told.get("began"), int | float):
                return float(began)
        return self.first - 1.0 - (int(self.seconds[0].get("at", 0)) if self.seconds else 0)


@contextmanager
def _child(plan: LoadPlan) -> Iterator[Launched]:
    """The process, which ends with the block however that ends."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    child = subprocess.Popen(
        CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, env=environment
    )  # fmt: skip
    try:
        assert child.stdin is not None
        with contextlib.suppress(OSError):
            child.stdin.write(plan.dumped().encode() + b"\n")
            child.stdin.flush()
        yield Launched(child)
    finally:
        with contextlib.suppress(OSError):
            child.stdin.close()  # type: ignore[union-attr]
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(ENDS_WITHIN if sys.exc_info()[0] is None else 1.0)
        # Its own processes are in its group, which is named by its pid: nobody else has that before it is waited for.
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for pipe in (child.stdout, child.stderr):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]


def launched(
    plan: LoadPlan,
    say: Callable[[str], None],
    *,
    guard: Callable[[dict[str, Any]], str] = lambda _: "",
    look: Callable[[], str] = lambda: "",
    mask: Callable[[str], str] = str,
) -> dict[str, Any]:
    """Make a load, and give its result: that of its process, with ``zero``, its begin on this process's monotonic clock.

    Args:
        plan: the load.
        say: is told how far it is.
        guard: is given each second of it, and says why the load is to end; empty when it may go on.
        look: is asked four times a second, for the same.
        mask: takes secrets out of what is told of trouble.

    Raises:
        CouldNotLook: the load could not be made; nothing is left running.
        KeyboardInterrupt, Late: whatever cut it short; what was seen until then is its attribute ``load``.
    """
    progress = Progress(plan, say)
    with _child(plan) as heard:
        try:
            stopped = _followed(heard, plan, progress, guard, look)
        except BaseException as cut:
            if not isinstance(cut, Exception):  # a signal or the deadline: what was seen is kept
                late = type(cut).__name__ == "Late"
                cut.load = _stopped(heard, "the deadline passed" if late else "the run was cut short")  # type: ignore[attr-defined]
            raise
        finally:
            progress.done()
        if not heard.result:
            raise CouldNotLook(mask(heard.trouble or _silent(heard)))
    return heard.result | {"stopped": heard.result.get("stopped") or stopped, "zero": heard.zero()}


def _followed(
    heard: Launched,
    plan: LoadPlan,
    progress: Progress,
    guard: Callable[[dict[str, Any]], str],
    look: Callable[[], str],
) -> str:
    """Hear it to its end; gives why it was stopped, if it was."""
    stopped = ""
    end = time.monotonic() + READY_WITHIN + float(plan.hosts.get("within", 0.0))
    begun = False
    while not (heard.ended or heard.result or heard.trouble):
        if time.monotonic() > end:
            heard.trouble = "" if begun else "the load did not begin in time"
            return stopped
        for second in heard.hear(TICK):
            progress.second(second)
            stopped = stopped or guard(second)
        if (heard.ready or heard.seconds) and not begun:
            begun, end = True, time.monotonic() + plan.lasts + plan.timeout + SLACK
        if begun and (stopped := stopped or look()) and end < float("inf"):
            heard.order(order="stop", why=stopped)
            _finish(heard, time.monotonic() + STOPS_WITHIN)
            return stopped
    return stopped


def _finish(heard: Launched, end: float) -> None:
    while not (heard.ended or heard.result or heard.trouble) and time.monotonic() < end:
        heard.hear(TICK)


def _stopped(heard: Launched, why: str) -> dict[str, Any]:
    """What there is of a load that is cut short: its result where it still gives one in time."""
    heard.order(order="stop", why=why)
    _finish(heard, time.monotonic() + STOPS_WITHIN / 2)
    if not heard.result:
        return {}
    return heard.result | {"stopped": heard.result.get("stopped") or why, "zero": heard.zero()}


def _silent(heard: Launched) -> str:
    """What is said of a generator that ended, or hangs, without a result."""
    code = heard.child.poll()
    if code is None and not heard.ended:
        return "the load generator did not end in time"
    with contextlib.suppress(subprocess.TimeoutExpired):
        code = heard.child.wait(1.0)
    how = f"ended by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
    said = heard.last_words()
    return f"the load generator {how} and gave no result{f': {said}' if said else ''}"
