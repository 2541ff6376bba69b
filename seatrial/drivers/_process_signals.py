"""Signals to processes, each of whose start times was checked, and how a process that is not our child ended."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.drivers import Session
from seatrial.drivers._procfs import PROC, read_process
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook

__all__ = ["Ending", "alive", "descendants", "send", "started", "stopped"]

STATE, PPID, STARTED, EXIT_CODE = 0, 1, 19, 49
"""Fields of /proc/PID/stat after the name, as proc(5) orders them."""
PIDFD_GET_INFO = 3 << 30 | 64 << 16 | 0xFF << 8 | 11
"""include/uapi/linux/pidfd.h: _IOWR(0xFF, 11, struct pidfd_info), of its first published size."""
PIDFD_INFO_EXIT = 1 << 3


def _stat(pid: int) -> list[str]:
    """What /proc/PID/stat says after the name; empty when there is no such process."""
    try:
        text = (PROC / f"{pid}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def started(pid: int) -> int | None:
    """When a process was started, in clock ticks since boot; None when it has ended."""
    try:
        process = read_process(pid)
    except (OSError, ValueError):
        return None
    return process.started if process else None


def alive(pid: int, since: int) -> bool:
    """Whether just this process still runs."""
    return started(pid) == since


def stopped(pid: int, since: int, *, settle: float = 0.0) -> bool:
    """Whether just this process is stopped by a signal; after SIGCONT it may seem so until it is next scheduled."""
    end = time.monotonic() + settle
    while (fields := _stat(pid)) and int(fields[STARTED]) == since and fields[STATE] in "Tt":
        if time.monotonic() >= end:
            return True
        time.sleep(0.005)
    return False


def descendants(known: list[list[int]]) -> list[list[int]]:
    """Processes with their start times, those of them that still run, and whatever descends from them now; parents first."""
    children: dict[int, list[int]] = {}
    begun: dict[int, int] = {}
    for entry in Path(PROC).iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name))) and fields[STATE] not in "ZX":
            begun[int(entry.name)] = int(fields[STARTED])
            children.setdefault(int(fields[PPID]), []).append(int(entry.name))
    found = [pid for pid, since in known if begun.get(pid) == since]
    for pid in found:
        found += [child for child in sorted(children.get(pid, ())) if child not in found]
    return [[pid, begun[pid]] for pid in found]


@contextlib.contextmanager
def _held(pid: int, since: int) -> Iterator[int]:
    """A descriptor of just this process: whatever is done with it is done to no other, though its pid be given anew.

    Raises:
        CouldNotLook: it has ended, or the pid is another's by now.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except OSError as why:
        raise CouldNotLook(f"pid {pid} can't be signalled: {why.strerror}") from None
    try:
        if started(pid) != since:
            raise CouldNotLook(f"pid {pid} is another process by now")
        yield descriptor
    finally:
        os.close(descriptor)


def _to(session: Session, pid: int, descriptor: int, number: signal.Signals) -> None:
    session.call("process", number.name, Tier.disrupt)
    try:
        signal.pidfd_send_signal(descriptor, number)
    except PermissionError:
        raise CouldNotLook(f"pid {pid} may not be signalled by this user", right="its user, or CAP_KILL") from None
    except ProcessLookupError:
        raise CouldNotLook(f"pid {pid} has ended") from None


def send(session: Session, pid: int, since: int, number: signal.Signals) -> None:
    """Send a signal to just this process: a pid that is another's by now is left alone.

    Raises:
        CouldNotLook: it has ended, or may not be signalled.
    """
    with _held(pid, since) as descriptor:
        _to(session, pid, descriptor, number)


@dataclass(slots=True)
class Ending:
    """Ends a process, and learns how it ended."""

    session: Session
    pid: int
    since: int
    code: int | None = field(default=None, init=False)
    """Its exit code, 128 and the signal's number where a signal ended it; None where the kernel does not tell."""

    def by(self, number: signal.Signals, grace: float) -> bool:
        """Send a signal; whether it ended in time.

        Raises:
            CouldNotLook: it has ended before, or may not be signalled.
        """
        with _held(self.pid, self.since) as descriptor:
            _to(self.session, self.pid, descriptor, number)
            waiting = select.poll()
            waiting.register(descriptor, select.POLLIN)
            if not waiting.poll(grace * 1000):
                return False
            status = self._unreaped()
            self.code = _code(_reaped(descriptor) if status is None else status)
            return True

    def _unreaped(self) -> int | None:
        """Its wait status while its parent has not asked for it."""
        fields = _stat(self.pid)
        if len(fields) > EXIT_CODE and fields[STATE] == "Z" and int(fields[STARTED]) == self.since:
            return int(fields[EXIT_CODE])
        return None


def _reaped(descriptor: int) -> int | None:
    """The wait status of a process that is no more, which Linux keeps for who holds a pidfd since 6.15."""
    told = bytearray(64)
    struct.pack_into("=Q", told, 0, PIDFD_INFO_EXIT)
    try:
        fcntl.ioctl(descriptor, PIDFD_GET_INFO, told)
    except OSError:
        return None
    return struct.unpack_from("=i", told, 60)[0] if struct.unpack_from("=Q", told, 0)[0] & PIDFD_INFO_EXIT else None


def _code(status: int | None) -> int | None:
    """As shells and container engines number it."""
    if status is None:
        return None
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code
