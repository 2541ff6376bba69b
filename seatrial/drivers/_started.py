"""A stack that the run starts as a child process, and stops on any exit: also when the run itself is killed.

What keeps it from outliving us: its standard input is a pipe whose other end only we hold, so that the kernel closes it
with us; and it asks the kernel for SIGTERM when we die (`PR_SET_PDEATHSIG`).
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.profile.backing import Start

__all__ = ["start"]

STOP_WITHIN = 5.0
"""Seconds a stack has to stop by itself after its standard input closed, and again after SIGTERM."""
ANNOUNCEMENT_LIMIT = 64 * 1024
TAIL = 4096
PR_SET_PDEATHSIG = 1


@contextmanager
def start(spec: Start, *, cwd: Path | None = None) -> Iterator[dict[str, str]]:
    """Start the stack and give what it announced: ``NAME=value`` lines up to an empty line. Stop it at the end.

    Args:
        spec: ``target.start`` of the profile. A leading ``python`` is the interpreter that runs us.
        cwd: folder it is started in; ours when absent.

    Raises:
        CouldNotLook: it could not be started, ended before it was up, or was not up in time.
    """
    command = [sys.executable if spec.command[0] == "python" else spec.command[0], *spec.command[1:]]
    try:
        with warnings.catch_warnings():
            # Python 3.12 warns of forking beside other threads. What runs before the exec takes no lock.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                process_group=0,  # a Ctrl-C of the terminal is ours to handle
                preexec_fn=_die_with(os.getpid()) if sys.platform == "linux" else None,
            )
    except OSError as why:
        raise CouldNotLook(f"could not start {spec.command[0]}: {why.strerror}") from None
    output = _Output(child)
    try:
        yield output.announcement(spec.command[0], spec.within.seconds)
    finally:
        _stop(child)
        output.close()


def _die_with(parent: int):  # type: ignore[no-untyped-def]
    """What the child runs before it becomes the command. Everything it needs is looked up here, before the fork."""
    import ctypes

    prctl = ctypes.CDLL(None).prctl

    def prepare() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # we died before the child could ask
            os._exit(1)

    return prepare


class _Output:
    """Reads what the child writes for as long as it lives, so that it never blocks on a full pipe; keeps little of it."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._announced = bytearray()
        self._tail = bytearray()
        self._changed = threading.Condition()
        self._silent = False  # it closed its standard output, so that no more is announced
        streams = [(child.stdout, self._told), (child.stderr, self._complained)]
        self._reader = threading.Thread(target=self._read, args=(streams,), name="seatrial-started", daemon=True)
        self._reader.start()

    def _read(self, streams: list[tuple[IO[bytes], object]]) -> None:
        with selectors.DefaultSelector() as selector:
            for stream, keep in streams:
                selector.register(stream, selectors.EVENT_READ, keep)
            while selector.get_map():
                for key, _ in selector.select():
                    data = os.read(key.fd, 16384)
                    with self._changed:
                        if data:
                            key.data(data)
                        else:
                            selector.unregister(key.fileobj)
                            self._silent = self._silent or key.fileobj is self._child.stdout
                        self._changed.notify_all()

    def _told(self, data: bytes) -> None:
        if not self._complete and len(self._announced) <= ANNOUNCEMENT_LIMIT:
            self._announced += data

    def _complained(self, data: bytes) -> None:
        self._tail += data
        del self._tail[:-TAIL]

    @property
    def _complete(self) -> bool:
        return self._announced.startswith(b"\n") or b"\n\n" in self._announced

    def announcement(self, name: str, within: float) -> dict[str, str]:
        end = time.monotonic() + within
        with self._changed:
            while not self._complete:
                left = end - time.monotonic()
                if len(self._announced) > ANNOUNCEMENT_LIMIT:
                    raise CouldNotLook(
                        f"{name} printed more than {ANNOUNCEMENT_LIMIT} bytes and no empty line{self._said()}"
                    )
                if self._silent:
                    break
                if left <= 0:
                    raise CouldNotLook(f"{name} was not up within {within:g} s: it printed no empty line{self._said()}")
                self._changed.wait(left)
            complete = self._complete
        if not complete:
            how = _status(self._child.pid) if _ended(self._child.pid, max(0.1, end - time.monotonic())) else ""
            ended = f"ended with {how}" if how else "closed its output"
            raise CouldNotLook(f"{name} {ended} before it was up{self._said()}")
        text = bytes(self._announced).decode("utf-8", "replace").partition("\n\n")[0]
        pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
        bad = [before for before, sign, _ in pairs if not sign or not before.isidentifier()]
        if bad:
            raise CouldNotLook(f"{name} printed a line that is no NAME=value, before its empty line{self._said()}")
        return {before: after for before, _, after in pairs}

    def _said(self) -> str:
        lines = bytes(self._tail).decode("utf-8", "replace").strip().splitlines()[-5:]
        return f"; its last words: {' | '.join(line.strip() for line in lines)}" if lines else ""

    def close(self) -> None:
        """Stop reading. A grandchild may still hold the pipes: then the thread ends with it."""
        self._reader.join(1.0)
        if not self._reader.is_alive():
            for stream in (self._child.stdout, self._child.stderr):
                if stream:
                    stream.close()


def _status(pid: int) -> str:
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if ended is None or ended.si_code == os.CLD_EXITED:
        return f"status {ended.si_status}" if ended else ""
    return signal.Signals(ended.si_status).name


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Close its standard input, then SIGTERM, then SIGKILL, waiting between.

    The child is not reaped before the last signal was sent, so its pid and its process group can be nobody else's: that
    is what comparing start times would prove.
    """
    try:
        if child.stdin:
            with contextlib.suppress(OSError):
                child.stdin.close()
        if child.returncode is None and not _ended(child.pid, STOP_WITHIN):
            os.kill(child.pid, signal.SIGTERM)
            _ended(child.pid, STOP_WITHIN)
    finally:  # an impatient second Ctrl-C must not leave it behind
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _ended(pid: int, within: float) -> bool:
    """Wait for the child to end without reaping it."""
    end = time.monotonic() + within
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() >= end:
            return False
        time.sleep(0.01)
    return True
