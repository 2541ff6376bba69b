"""Starting the stack as its callers do: a child process that announces itself, and ends with the pipe we hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import seatrial
from seatrial.demo.settings import PREFIX


class NotLaunched(Exception):
    """The stack did not come up; it has said why on standard error. ``status`` is what it exited with."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"the demo deployment exited with {status} before it was up")


class Launched:
    """A running stack, for as long as the block lasts. ``names`` is what it announced."""

    def __init__(self, defect: str = "", *, keep: bool = False, stderr: int | None = None) -> None:
        # -P, and our own place in PYTHONPATH: the folder we are called from may hold modules of any name.
        command = [sys.executable, "-P", "-m", "seatrial.demo"]
        command += ["--defect", defect] if defect else []
        command += ["--keep"] if keep else []
        # What this shell knows of another stack, or wants of one, does not count here.
        ignored = ("SEATRIAL_DEMO_ATTACH", "SEATRIAL_DEMO_DEFECT")
        environ = {k: v for k, v in os.environ.items() if k not in ignored and not k.startswith(PREFIX)}
        environ["PYTHONPATH"] = str(Path(seatrial.__file__).parent.parent)
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=environ,
            start_new_session=True,  # Ctrl-C is ours; the stack stops when we let it go
        )
        self.names: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            up = self._read()
        except BaseException:  # nobody would stop it after us: a block that was not entered is not left, either
            self.stop()
            raise
        if up:
            return self
        self.stop()
        raise NotLaunched(self.process.returncode)

    def _read(self) -> bool:
        """Read what it announces; False when it ends before the empty line."""
        assert self.process.stdout is not None  # it is a pipe, as asked
        for line in self.process.stdout:
            name, equals, value = line.rstrip("\n").partition("=")
            if not equals:
                return True
            self.names[name] = value
        return False

    def wait(self) -> int:
        """Wait until it ends by itself."""
        return self.process.wait()

    def stop(self, within: float = 20.0) -> None:
        """Let go of it: everything it started stops, and it is waited for."""
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
