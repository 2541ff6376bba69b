"""Programs that a test starts: their own process group, ended by id, and gone when the test's process is."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..ports import listener_of

__all__ = ["WatchError", "get", "process", "until"]

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class WatchError(Exception):
    """The lab's monitoring could not be had."""


def _dies_with_us() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def process(log: Path, *command: str | Path, port: int, within: float = 20.0) -> Iterator[subprocess.Popen[bytes]]:
    """A program that listens on a port of loopback, up; what it prints goes to a file."""
    program = shutil.which(str(command[0]))
    if program is None:
        raise WatchError(f"no {command[0]} on PATH")
    with log.open("ab") as out:
        child = subprocess.Popen(
            [program, *map(str, command[1:])], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True, preexec_fn=_dies_with_us,
        )  # fmt: skip
    try:
        # Loopback is shared: the listener must be our child, or we would talk to a stranger.
        until(lambda: listener_of(port) == child.pid, within, f"{command[0]} to listen", child, log)
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait(20)


def until(
    holds: Callable[[], bool],
    within: float,
    what: str,
    child: subprocess.Popen[bytes] | None = None,
    log: Path | None = None,
) -> None:
    """Wait until something holds; a program that ended meanwhile is told with the end of its log."""
    end = time.monotonic() + within
    while not holds():
        if child is not None and child.poll() is not None:
            raise WatchError(f"waited for {what}, but it ended with {child.returncode}: {_end(log)}")
        if time.monotonic() > end:
            raise WatchError(f"waited {within:g} s for {what}: {_end(log)}")
        time.sleep(0.05)


def _end(log: Path | None) -> str:
    return log.read_text(errors="replace")[-2000:] if log else "it did not come"


def get(url: str) -> Any:
    """The JSON at a URL; None when there is none yet."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None
