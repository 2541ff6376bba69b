"""Child processes that end with their supervisor, whichever way it ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from seatrial.demo import procfs

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def reserve_port() -> socket.socket:
    """A free loopback port that nobody else is given while the socket is open.

    The socket is bound but does not listen. Linux lets a child with SO_REUSEADDR (ours has it, and so has Redis) bind
    the same port, again after each restart, and hands it to no other process that asks for just any port.
    """
    reservation = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation.bind(("127.0.0.1", 0))
    return reservation


def _die_with(parent: int) -> Callable[[], None]:
    """What a child does before its program starts: ask the kernel to kill it when its parent is gone."""

    def before_exec() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it was gone before we asked
            os._exit(1)

    return before_exec


class Child:
    """One process of the stack: started, watched, started again when it dies, stopped."""

    def __init__(self, name: str, command: list[str], env: Mapping[str, str], folder: Path, port: int) -> None:
        self.name, self.port = name, port
        self.restarts = True
        self._command, self._env, self._folder = command, dict(env), folder
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths: list[float] = []

    @property
    def pid(self) -> int:
        """Process id of the one that was started last."""
        assert self._process is not None  # nobody asks before start()
        return self._process.pid

    @property
    def pidfile(self) -> Path:
        """Where the process id is written, anew after each start."""
        return self._folder / f"{self.name}.pid"

    @property
    def output(self) -> Path:
        """What it says on its standard streams."""
        return self._folder / f"{self.name}.out"

    def start(self) -> None:
        """Start it. Its standard input is a pipe that ends with us."""
        if self._process:
            self._process.wait()
            if self._process.stdin:
                self._process.stdin.close()
        with open(self.output, "ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd=self._folder,
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops its children in order
                preexec_fn=_die_with(os.getpid()),  # safe: the supervisor has one thread
            )
        new = self.pidfile.with_suffix(".new")
        new.write_text(f"{self.pid}\n", encoding="ascii")
        new.replace(self.pidfile)  # whoever reads it finds a number

    def listens(self) -> bool:
        """Whether its port answers, and is its own."""
        return procfs.listens(self.pid, self.port)

    def ended(self) -> bool:
        """Whether it is gone. It is not reaped yet: until it is started again, anyone can see how it ended."""
        if self._process is None or self._process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def may_restart(self) -> bool:
        """Whether one more start makes sense: five deaths in ten seconds are not an accident."""
        now = time.monotonic()
        self._deaths = [*(at for at in self._deaths if now - at < 10), now]
        return self.restarts and len(self._deaths) <= 5

    def last_words(self) -> str:
        """The last line it said, for a message."""
        with contextlib.suppress(OSError):
            lines = self.output.read_text(encoding="utf-8", errors="replace").split("\n")
            return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")
        return ""

    def signal(self, number: int) -> None:
        """Send a signal, if it still runs. The pid can't be another one's: nobody but us reaps it."""
        if self._process and not self.ended():
            self._process.send_signal(number)

    def stop(self, within: float = 3.0) -> None:
        """End it: politely, then not."""
        if not self._process:
            return
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)  # one that was paused could not hear the other
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
