"""What the kernel of the engine's host shows and does, where it is ours: main processes, the freezer, signals."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from seatrial.drivers import _cgroup
from seatrial.drivers._procfs import PROC, read_process
from seatrial.words import CouldNotLook, Missing

__all__ = ["ended", "freeze", "freezer", "frozen", "kill", "main", "near"]

STATE, FREEZE = "freezer.state", "cgroup.freeze"
"""Of version 1 and of version 2."""
TRIES = 100


def near(one: dict[str, Any]) -> bool:
    """Whether a container runs on this machine: its main process is in our /proc, in a control group of its name."""
    pid = int(one["State"].get("Pid") or 0)
    try:
        return pid > 0 and one["Id"] in (PROC / f"{pid}/cgroup").read_text("utf-8")
    except OSError:
        return False


def main(one: dict[str, Any]) -> tuple[int, int] | None:
    """Pid and start time of a container's main process; None where it can't be seen."""
    if not near(one):
        return None
    pid = int(one["State"]["Pid"])
    started = _started(pid)
    return None if started is None else (pid, started)


def _started(pid: int) -> int | None:
    try:
        process = read_process(pid)
    except OSError:
        return None
    return process.started if process else None


def ended(pid: int, started: int) -> bool:
    """Whether just this process has ended."""
    return _started(pid) != started


def kill(pid: int, started: int) -> None:
    """SIGKILL to just this process.

    Raises:
        CouldNotLook: it has ended, or is another by now, or may not be signalled.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        raise CouldNotLook(f"pid {pid} has ended") from None
    try:
        if ended(pid, started):  # read while we hold it: the number can't be given to another meanwhile
            raise CouldNotLook(f"pid {pid} is another process by now")
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except PermissionError:
        raise CouldNotLook(f"pid {pid} may not be signalled by this user", right="root, or CAP_KILL") from None
    except ProcessLookupError:
        raise CouldNotLook(f"pid {pid} has ended") from None
    finally:
        os.close(descriptor)


def freezer(id: str, pid: int) -> str:
    """The file that freezes a container's processes; empty where there is none that is its own."""
    group = _cgroup.find(pid)
    if isinstance(group, Missing):
        return ""
    for controller, name in (("freezer", STATE), ("", FREEZE)):
        directory, _ = group.places.get(controller) or (None, None)
        if directory is not None and id in str(directory) and (directory / name).exists():
            return str(directory / name)
    return ""


def freeze(file: str, *, on: bool) -> None:
    """Freeze the processes of a control group, or let them go on.

    Raises:
        CouldNotLook: it is gone, or may not be written.
    """
    words = (b"FROZEN", b"THAWED") if Path(file).name == STATE else (b"1", b"0")
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.write(descriptor, words[0 if on else 1])
            for _ in range(TRIES):
                # A process that was just being made keeps version 1 at FREEZING until it is told again.
                if not on or os.pread(descriptor, 20, 0).strip() != b"FREEZING":
                    break
                time.sleep(0.005)
                os.write(descriptor, words[0])
        finally:
            os.close(descriptor)
    except PermissionError:
        raise CouldNotLook(f"{file} may not be written", right="root on the engine's host") from None
    except OSError as why:
        raise CouldNotLook(f"{file} could not be written: {why.strerror}") from None


def frozen(file: str, within: float = 0.2) -> bool:
    """Whether the processes of a control group are held; what is gone holds nothing. Going on takes the kernel a moment."""
    end = time.monotonic() + within
    while True:
        try:
            held = Path(file).read_text("ascii").strip() in ("FROZEN", "FREEZING", "1")
        except OSError:
            return False
        if not held or time.monotonic() >= end:
            return held
        time.sleep(0.01)
