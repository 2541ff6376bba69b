"""Keeps a few processes running, as an init system would, and takes commands. Standard library only.

    python supervisor.py run FOLDER                      reads FOLDER/services.json; ends when its standard input does
    python supervisor.py stop FOLDER NAME                stops a service and keeps it stopped (services.X.process.stop)
    python supervisor.py start FOLDER NAME               starts it again, and waits until it listens (…process.start)
    python supervisor.py restart FOLDER NAME [KEY=VALUE …]   stops and starts it, with other variables from now on
    python supervisor.py replace FOLDER NAME [KEY=VALUE …]   starts the next one beside it, waits until that is ready, then
                                                         stops the old one: nobody is refused (they share the port)

services.json: {NAME: {command, env, port, ready (path or null), delay, restart (bool), grace, cwd}}. What ends without being told
to is started again after `delay`. FOLDER/NAME.pid always holds the pid of the one that runs.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIBC = ctypes.CDLL(None)
ORDERS: queue.Queue[Callable[[], None]] = queue.Queue()


def _die_with_parent() -> None:
    LIBC.prctl(1, signal.SIGKILL)


class Service:
    """One service, of which one process runs, or two while it is replaced."""

    def __init__(self, name: str, told: dict[str, Any], folder: Path) -> None:
        self.name, self.told, self.folder = name, told, folder
        self.wanted = True
        self.process: subprocess.Popen[bytes] | None = None
        self.due = 0.0
        self.starts = 0

    def spawn(self) -> subprocess.Popen[bytes]:
        """A new process, made by the main thread: a child dies with the thread that made it."""
        if threading.current_thread() is threading.main_thread():
            return self._spawn()
        made: queue.Queue[subprocess.Popen[bytes]] = queue.Queue()
        ORDERS.put(lambda: made.put(self._spawn()))
        return made.get(timeout=10)

    def _spawn(self) -> subprocess.Popen[bytes]:
        with (self.folder / f"{self.name}.log").open("ab") as log:
            process = subprocess.Popen(
                self.told["command"], env=dict(os.environ) | self.told.get("env", {}), cwd=self.told.get("cwd"),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent, process_group=0,
            )  # fmt: skip
        self.starts += 1
        return process

    def use(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        half = self.folder / f"{self.name}.pid.half"
        half.write_text(f"{process.pid}\n")
        half.replace(self.folder / f"{self.name}.pid")

    def end(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
        try:
            process.wait(self.told.get("grace", 10))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop(self) -> None:
        self.wanted = False
        if self.process is not None:
            self.end(self.process)

    def start(self) -> None:
        if self.process is None or self.process.poll() is not None:
            self.use(self.spawn())
        self.wanted = True
        self.await_port()

    def await_port(self) -> None:
        end = time.monotonic() + 15
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.told["port"]), 1).close()
                return
            time.sleep(0.02)
        raise TimeoutError(f"{self.name} does not listen")

    def replace(self) -> None:
        old, new = self.process, self.spawn()
        end = time.monotonic() + 15
        url = f"http://127.0.0.1:{self.told['port']}/health"
        version = self.told.get("env", {}).get("FERRY_VERSION", "")
        while time.monotonic() < end:  # connections go to either: the new one is up once it has answered
            with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(url, timeout=2) as answer:
                if json.load(answer).get("version") == version:
                    break
            time.sleep(0.05)
        self.use(new)
        if old is not None:
            self.end(old)

    def look(self) -> None:
        """Start again what ended by itself."""
        if self.process is None or self.process.poll() is None or not self.wanted:
            self.due = 0.0
        elif not self.due:
            self.due = time.monotonic() + self.told.get("delay", 0.3)
        elif time.monotonic() >= self.due and self.told.get("restart", True):
            self.due = 0.0
            self.use(self.spawn())


def run(folder: Path) -> None:
    """Run the services until standard input ends."""
    told = json.loads((folder / "services.json").read_text())
    services = {name: Service(name, each, folder) for name, each in told.items()}
    lock = threading.Lock()
    ended = threading.Event()

    def obey(line: socket.socket) -> None:
        with line:
            try:
                verb, name, *changes = json.loads(line.makefile().readline())
                service = services[name]
                with lock:
                    env = service.told.setdefault("env", {})
                    env.update(change.split("=", 1) for change in changes)
                    if verb == "restart":
                        service.stop()
                        service.start()
                    else:
                        getattr(service, verb)()
                line.sendall(b"ok\n")
            except Exception as why:  # noqa: BLE001 - told to who commands
                line.sendall(f"{type(why).__name__}: {why}\n".encode())

    def listen() -> None:
        while True:
            line, _ = control.accept()
            threading.Thread(target=obey, args=(line,), daemon=True).start()

    def until_end() -> None:
        sys.stdin.buffer.read()
        ended.set()

    for service in services.values():
        service.start()
    control = socket.socket(socket.AF_UNIX)
    control.bind(str(folder / "control"))
    control.listen(8)
    threading.Thread(target=listen, daemon=True).start()
    threading.Thread(target=until_end, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    print("up", flush=True)
    while not ended.is_set():
        with contextlib.suppress(queue.Empty):
            ORDERS.get(timeout=0.05)()
        if lock.acquire(blocking=False):  # else somebody stops or starts something
            try:
                for service in services.values():
                    service.look()
            finally:
                lock.release()
    for service in services.values():
        if service.process is not None:
            service.process.kill()
            service.process.wait()


def command(words: list[str]) -> int:
    """Tell the supervisor of a folder to do something, and wait until it is done."""
    verb, folder, *rest = words
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(40)
        line.connect(str(Path(folder) / "control"))
        line.sendall((json.dumps([verb, *rest]) + "\n").encode())
        answer = line.makefile().readline().strip()
    if answer != "ok":
        print(answer, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(Path(sys.argv[2]))
    else:
        sys.exit(command(sys.argv[1:]))
