"""The supervisor: starts the stack, announces it, keeps it up, and takes it along when it ends.

What the caller holds is its standard input: at the end of that pipe, whoever closed it and however, everything stops.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import selectors
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from seatrial.demo import datadir, defects, redis_server
from seatrial.demo.settings import read_env_file
from seatrial.demo.stack import NotUp, Stack

_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stopped(Exception):
    """Somebody asked us to stop: ``why``."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


class Wake:
    """Waits for a signal, the end of standard input, or a while. Signals only ever interrupt us here."""

    def __init__(self) -> None:
        self._asked = ""
        if sys.stdin is None:  # closed, not only at its end: number 0 must not become something else of ours
            os.open(os.devnull, os.O_RDONLY)
        self._reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in _STOPPING:
            signal.signal(number, self._stop)
        for number in (
            signal.SIGCHLD,
            signal.SIGUSR1,
        ):  # so that the death of a child wakes us, and an operator's command
            signal.signal(number, lambda *_: None)
        # Not epoll, which refuses /dev/null: its end counts as well, or a caller that passes it is outlived.
        self._selector = selectors.PollSelector()
        self._selector.register(self._reader, selectors.EVENT_READ)
        self._selector.register(0, selectors.EVENT_READ)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self._asked = signal.Signals(number).name

    def wait(self, seconds: float | None = None) -> None:
        """Wait; raise `Stopped` once somebody wants us to stop."""
        for key, _ in self._selector.select(seconds):
            data = os.read(key.fd, 4096)
            if key.fd == 0 and not data:
                self._asked = "its standard input ended"
        if self._asked:
            raise Stopped(self._asked)


def _announce(values: Mapping[str, str]) -> None:
    """NAME=value lines and an empty one: up. Nobody may be listening any more; that is told by standard input."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write("".join(f"{name}={value}\n" for name, value in values.items()) + "\n")
        sys.stdout.flush()


def _run(program: str, defect: str, *, keep: bool) -> int:
    wake = Wake()
    os.umask(0o077)
    datadir.reap()
    up = False
    with datadir.DataDir(keep=keep) as data:
        stack = Stack(data, program, defect, wake.wait)
        try:
            stack.start()
            up = True
            _announce(stack.announcement())
            while True:
                wake.wait()
                stack.obey()
                if any(child.ended() and child.restarts for child in stack.children.values()):
                    wake.wait(0.1)
                    stack.mend()
        except Stopped as asked:
            if up:
                return 0
            # Who forgot to hold the pipe would otherwise see nothing at all.
            print(f"seatrial demo: stopped before it was up: {asked.why}", file=sys.stderr)
            return 1
        except NotUp as reason:
            print(f"seatrial demo: {reason}", file=sys.stderr)
            return 1
        finally:
            stack.stop()


def _attach(folder: Path) -> int:
    """Announce a stack that somebody else runs, and wait; it is left as it is."""
    if folder not in datadir.living():
        print(f"seatrial demo: no demo runs in {folder}", file=sys.stderr)
        return 4
    wake = Wake()
    _announce(read_env_file(folder / datadir.ANNOUNCED))
    with contextlib.suppress(Stopped):
        while folder in datadir.living():
            wake.wait(0.5)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run a stack until standard input ends, or SIGTERM, SIGINT or SIGHUP."""
    parser = argparse.ArgumentParser(prog="python -m seatrial.demo", description="The demo deployment.")
    parser.add_argument(
        "--defect", default=os.environ.get("SEATRIAL_DEMO_DEFECT", ""), help="start it with this defect"
    )
    parser.add_argument("--keep", action="store_true", help="keep its data directory")
    options = parser.parse_args(argv)
    if not sys.platform.startswith("linux"):
        print("seatrial demo: the demo deployment needs Linux", file=sys.stderr)
        return 3
    if options.defect and options.defect not in defects.DEFECTS:
        print(f"seatrial demo: {defects.unknown(options.defect)}", file=sys.stderr)
        return 4
    if running := os.environ.get("SEATRIAL_DEMO_ATTACH"):
        return _attach(Path(running))
    program = redis_server.find()
    if program is None:
        print(f"seatrial demo: {redis_server.MISSING}", file=sys.stderr)
        return 3
    return _run(program, options.defect, keep=options.keep)
