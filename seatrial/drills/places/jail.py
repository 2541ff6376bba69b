"""The run's side of a scratch folder's own namespaces: what `_jail_init` is asked for, and what it gives."""

from __future__ import annotations

import array
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.words import CouldNotLook

__all__ = ["Child", "Jail", "answer"]

PROGRAM = Path(__file__).with_name("_jail_init.py")
UP_WITHIN = 30.0
MEMORY = 4 * 1024**3
"""Bytes that its processes may hold together."""
PROCESSES = 1000
RIGHT = (
    "root, or namespaces for ordinary users (kernel.unprivileged_userns_clone=1, "
    "kernel.apparmor_restrict_unprivileged_userns=0, Linux 5.11 or newer); or declare an image for the stage"
)


def memory_left() -> int:
    """Bytes of memory that are available on this machine."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 1024**3


@dataclass(slots=True)
class Child:
    """A program that was started in there."""

    door: socket.socket
    stdin: int
    stdout: int
    stderr: int
    errno: int = 0
    """Why it could not be started."""
    status: int | None = None

    def wait(self, within: float) -> int | None:
        """Its exit status; None when it has not ended by then, or was ended from outside (`gone`)."""
        if self.status is None and not self.errno:
            told = answer(self.door, within)
            if told is not None:
                self.status = told.get("status")
        return self.status

    def end(self) -> None:
        """End it with all that it started, if it still runs."""
        self.door.close()


def answer(door: socket.socket, within: float) -> dict[str, Any] | None:
    """One line of JSON; None when time is up, empty when the other side is gone."""
    end, data = time.monotonic() + within, b""
    while not data.endswith(b"\n"):
        ready, _, _ = select.select([door], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return None
        try:
            part = door.recv(1)  # one answer, and nothing of the next
        except OSError:
            part = b""
        if not part:
            return {}
        data += part
    found: dict[str, Any] = json.loads(data)
    return found


@dataclass(slots=True)
class Jail:
    """One scratch folder's namespaces, from `up` to `down`."""

    size: int
    folders: list[str] = field(default_factory=list)
    """Made when it begins."""
    token: str = ""
    """By which it is found when we are gone."""
    hidden: list[str] = field(default_factory=list)
    """Files and folders of the machine that are not to be seen in it; the folders are empty there."""
    pid: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _door: socket.socket | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def up(self) -> None:
        """Begin.

        Raises:
            CouldNotLook: this machine does not allow it.
        """
        if sys.platform != "linux":
            raise CouldNotLook("a scratch folder needs Linux", right="an image for the stage")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        given = {
            "door": theirs.fileno(), "size": max(1024**2, min(self.size, memory_left() // 2)), "folders": self.folders, "token": self.token, "hidden": self.hidden,
            "processes": PROCESSES, "memory": max(256 * 1024**2, min(MEMORY, memory_left() // 2)),
        }  # fmt: skip
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", str(PROGRAM), json.dumps(given)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),), start_new_session=True, cwd="/",
            )  # fmt: skip
        self._door, self.pid = ours, self._process.pid
        told = answer(ours, UP_WITHIN)
        if not told or "ready" not in told:
            self.down()
            why = told.get("why") if told else "it ended" if told == {} else f"not within {UP_WITHIN:g} s"
            raise CouldNotLook(f"no scratch folder can be kept apart from this machine's files: {why}", right=RIGHT)

    def down(self) -> None:
        """End all that runs in there; what was written is gone."""
        if self._door is not None:
            self._door.close()
            self._door = None
        if self._process is not None:
            try:
                self._process.wait(5.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def ask(self, request: Mapping[str, Any], *fds: int) -> None:
        """Ask for something, which is answered on one of the descriptors.

        Raises:
            CouldNotLook: it has ended.
        """
        if self._door is None:
            raise CouldNotLook("the scratch folder is gone")
        memory = os.memfd_create("request")
        try:
            with os.fdopen(os.dup(memory), "wb") as file:
                file.write(json.dumps(request).encode())
            with self._lock:
                rights = array.array("i", [memory, *fds])
                self._door.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        except OSError:
            raise CouldNotLook(f"the scratch folder has ended{self.why()}") from None
        finally:
            os.close(memory)

    def why(self) -> str:
        """What was ended in there because it was too much, for a message."""
        if self._door is None:
            return ""
        with self._lock:
            told = answer(self._door, 0.3)
        return f": {told['ended']}" if told and "ended" in told else ""

    def spawn(self, argv: Sequence[str], env: Mapping[str, str], cwd: str) -> Child:
        """Start a program in there, with pipes.

        Raises:
            CouldNotLook: the scratch folder has ended.
        """
        pairs = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        theirs = [pairs[0][0], pairs[1][1], pairs[2][1]]
        ours = [pairs[0][1], pairs[1][0], pairs[2][0]]
        door, other = socket.socketpair()
        try:
            with other:
                request = {"ask": "spawn", "argv": list(argv), "env": dict(env), "cwd": cwd}
                self.ask(request, *theirs, other.fileno())
            told = answer(door, UP_WITHIN)
        except BaseException:
            door.close()
            for number in ours:
                os.close(number)
            raise
        finally:
            for number in theirs:
                os.close(number)
        child = Child(door, *ours)
        if not told:
            child.end()
            raise CouldNotLook(f"{argv[0]} could not be started in the scratch folder{self.why()}")
        child.errno = int(told.get("errno") or 0)
        if child.errno and told.get("cwd"):
            child.end()
            for number in ours:
                os.close(number)
            raise CouldNotLook(f"{cwd}, where {argv[0]} is to be run: {os.strerror(child.errno).lower()}")
        return child

    def connect(self, port: int, timeout: float) -> socket.socket:
        """A connection to a server in there.

        Raises:
            OSError: as the kernel says.
            CouldNotLook: the scratch folder has ended.
        """
        door, other = socket.socketpair()
        with door:
            with other:
                self.ask({"ask": "connect", "port": port, "timeout": timeout}, other.fileno())
            door.settimeout(2 * timeout + 5.0)
            data, extra, _, _ = door.recvmsg(256, socket.CMSG_LEN(4))
            for _, _, part in extra:
                made = socket.socket(fileno=array.array("i", part[:4])[0])
                made.settimeout(timeout)
                return made
        code = int(json.loads(data)["errno"]) if data else 104
        raise OSError(code, os.strerror(code))
