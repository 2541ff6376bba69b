"""`python -m seatrial.demo stop PART` and `start PART`: what an operator does with a service manager, from outside of the stack.

What is to stay down is a file in the data directory, so that it is known however often the supervisor is woken; SIGUSR1 is
what wakes it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from seatrial.demo import datadir, procfs
from seatrial.demo.settings import read_env_file

WITHIN = 15.0
PARTS = ("api", "redis")


def held(folder: Path, name: str) -> Path:
    """The file whose presence keeps a part down."""
    return folder / "run" / f"{name}.down"


def _wake(supervisor: int, started: int) -> None:
    """Signal the supervisor, and nobody who was given its pid since."""
    descriptor = os.pidfd_open(supervisor)
    try:
        if procfs.alive(supervisor, started):
            signal.pidfd_send_signal(descriptor, signal.SIGUSR1)
    finally:
        os.close(descriptor)


def _is(folder: Path, name: str, *, up: bool) -> bool:
    """Whether a part listens, or nothing of it is left."""
    try:
        pid = int((folder / "run" / f"{name}.pid").read_text(encoding="ascii"))
        port = int(read_env_file(folder / datadir.ANNOUNCED)[f"DEMO_{name.upper()}_PORT"])
    except (OSError, ValueError, KeyError):
        return not up
    return procfs.listens(pid, port) if up else procfs.start_time(pid) is None


def main(part: str, argv: list[str]) -> int:
    """Stop or start a part of the running stack; 0 when it is so."""
    if len(argv) != 1 or argv[0] not in PARTS:
        print(f"usage: python -m seatrial.demo {part} {'|'.join(PARTS)}", file=sys.stderr)
        return 4
    (name,) = argv
    try:
        folder = datadir.chosen()
        marker = datadir.maker(folder)
    except (datadir.NoStack, OSError, ValueError) as error:
        print(f"seatrial demo {part}: {error}", file=sys.stderr)
        return 1
    if part == "stop":
        held(folder, name).touch()
    else:
        held(folder, name).unlink(missing_ok=True)
    end = time.monotonic() + WITHIN
    while not _is(folder, name, up=part == "start"):
        if time.monotonic() > end or not procfs.alive(marker["pid"], marker["start_time"]):
            print(f"seatrial demo {part}: {name} did not {part} within {WITHIN:g} s", file=sys.stderr)
            return 1
        _wake(marker["pid"], marker["start_time"])
        time.sleep(0.05)
    return 0
