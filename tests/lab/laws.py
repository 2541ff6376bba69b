"""Servers whose latency follows a known law, each a process of its own on a core of its own, which log what they really took.

``python -m tests.lab.laws LAW --port 0 [--core N] --log FILE`` prints its port, and ends when its standard input closes. One thread,
one epoll, a heap of deadlines and nothing else, so that an answer leaves within a fraction of a millisecond of when it is
due. The log has a line for each request: when it was read, by the monotonic clock, and how many seconds later its answer
was written (`-` when it broke off); and ``frozen BEGIN END`` for a time in which the whole process stood still.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import heapq
import math
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

END = b"\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n"
PR_SET_PDEATHSIG, PR_SET_TIMERSLACK = 1, 29
ROOT = Path(__file__).parents[2]

Law = Callable[[int, float, random.Random], float]
"""Seconds that an answer takes, by the number of the request and the time since the first; below 0 its answer breaks off."""

LAWS: dict[str, Law] = {
    "constant": lambda number, at, chance: 0.100,
    "lognormal": lambda number, at, chance: chance.lognormvariate(math.log(0.100), 0.5),
    "stall": lambda number, at, chance: 0.005,  # and it stands still for a while, see FREEZES
    "slow": lambda number, at, chance: 0.600 if number % 100 == 50 else 0.060,
    "drops": lambda number, at, chance: -1.0 if number % 5 == 4 else 0.020,
    "drift": lambda number, at, chance: 0.020 * 1.05**at,
    "warms": lambda number, at, chance: 0.020 * (1 + 4 * math.exp(-at / 2)),
}
FREEZES = {"stall": (3.0, 2.0)}
"""Seconds after the first request at which the process stands still, and for how long."""


class _Serving:
    def __init__(self, law: str, listener: socket.socket, log: Path) -> None:
        self.law, self.listener = LAWS[law], listener
        self.freeze = FREEZES.get(law)
        self.log = log.open("w", encoding="ascii")
        self.chance = random.Random(7)
        self.first = 0.0
        self.number = 0
        self.links: dict[int, socket.socket] = {}
        self.partial: dict[int, bytes] = {}
        self.due: list[tuple[float, int, int, float]] = []
        self.epoll = select.epoll()

    def run(self) -> None:
        self.epoll.register(self.listener, select.EPOLLIN)
        self.epoll.register(0, select.EPOLLIN | select.EPOLLHUP)
        while True:
            now = time.monotonic()
            if self.freeze and self.first and now >= self.first + self.freeze[0]:
                time.sleep(self.freeze[1])
                self.log.write(f"frozen {now:.6f} {time.monotonic():.6f}\n")
                self.freeze = None
            while self.due and self.due[0][0] <= now:
                self.answer(*heapq.heappop(self.due))
            waits = [self.due[0][0]] if self.due else []
            waits += [self.first + self.freeze[0]] if self.freeze and self.first else []
            left = max(0.0, min(waits) - time.monotonic()) if waits else None
            if not select.select([self.epoll], [], [], left)[0]:
                continue
            for descriptor, _ in self.epoll.poll(0):
                if descriptor == self.listener.fileno():
                    self.accept()
                elif descriptor == 0:
                    if not os.read(0, 4096):
                        return
                else:
                    self.read(descriptor)

    def accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            link, _ = self.listener.accept()
            link.setblocking(False)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.links[link.fileno()], self.partial[link.fileno()] = link, b""
            self.epoll.register(link, select.EPOLLIN)

    def read(self, descriptor: int) -> None:
        data = b""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            data = self.links[descriptor].recv(65536)
        if not data:
            self.close(descriptor)
            return
        data = self.partial[descriptor] + data
        while END in data:
            _, _, data = data.partition(END)
            now = time.monotonic()
            self.first = self.first or now
            takes = self.law(self.number, now - self.first, self.chance)
            self.number += 1
            if (
                takes < 0
            ):  # half an answer: a connection closed before any of it may have been closed before the request came
                with contextlib.suppress(OSError):
                    self.links[descriptor].send(ANSWER[:20])
                self.log.write(f"{now:.6f} -\n")
                self.close(descriptor)
                return
            heapq.heappush(self.due, (now + takes, self.number, descriptor, now))
        self.partial[descriptor] = data

    def answer(self, _: float, number: int, descriptor: int, read: float) -> None:
        if link := self.links.get(descriptor):
            with contextlib.suppress(OSError):
                link.send(ANSWER)
            self.log.write(f"{read:.6f} {time.monotonic() - read:.6f}\n")

    def close(self, descriptor: int) -> None:
        self.links.pop(descriptor).close()
        self.due = [each for each in self.due if each[2] != descriptor]
        heapq.heapify(self.due)


def _ended(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("law", choices=LAWS)
    reader.add_argument("--port", type=int, default=0)
    reader.add_argument("--core", type=int)
    reader.add_argument("--log", type=Path, required=True)
    told = reader.parse_args()
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, _ended)
    if told.core is not None:
        os.sched_setaffinity(0, {told.core})
    with socket.create_server(("127.0.0.1", told.port), backlog=512) as listener:
        listener.setblocking(False)
        print(listener.getsockname()[1], flush=True)
        serving = _Serving(told.law, listener, told.log)
        try:
            serving.run()
        finally:
            serving.log.close()


@dataclass
class Lawful:
    """A server while it runs, and its log when it is over."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def over(self) -> None:
        """Let it end, and its log be written."""
        if self.process.poll() is None:
            assert self.process.stdin
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def truth(self) -> list[tuple[float, float]]:
        """When each request was read, and how many seconds it took to be answered; NaN for one that was dropped."""
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return [
            (float(line[0]), math.nan if line[1] == "-" else float(line[1])) for line in lines if line[0] != "frozen"
        ]

    def frozen(self) -> tuple[float, float]:
        """When it stood still."""
        lines = [line.split() for line in self.log.read_text().splitlines()]
        begin, end = next(line[1:] for line in lines if line[0] == "frozen")
        return float(begin), float(end)


@contextlib.contextmanager
def serving(law: str, log: Path, *, core: int | None = None) -> Iterator[Lawful]:
    """Such a server, for as long as it is needed."""
    pinned = [] if core is None else ["--core", str(core)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.lab.laws", law, "--log", str(log), *pinned],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    assert process.stdin
    try:
        yield Lawful(process, int(process.stdout.readline()), log)
    finally:
        if process.poll() is None:
            Lawful(process, 0, log).over()
        process.stdout.close()
        process.stdin.close()


if __name__ == "__main__":
    main()
