"""Zstandard by its own program, where Python has no library for it: it is fed, and what it unpacks is read."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import threading
from contextlib import suppress

from seatrial.archives._feed import Broken, Feed, Undecided

__all__ = ["Program", "available"]

_PIECE = 256 * 1024
_WINDOW = "--memory=512MB"


def available() -> bool:
    """Whether the program is there."""
    return shutil.which("zstd") is not None


class Program:
    """One run of it. It ends when all is read, or with the reading."""

    def __init__(self, feed: Feed) -> None:
        """Start it; ``feed`` is read from a thread of its own from now on."""
        self.feed, self.trouble = feed, ""
        self.child = subprocess.Popen(
            ["zstd", "-dcq", "--no-progress", _WINDOW],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        )  # fmt: skip
        feed.budget.closing.append(self.close)
        self.feeder = threading.Thread(target=self._give, daemon=True)
        self.feeder.start()

    def _give(self) -> None:
        assert self.child.stdin is not None
        try:
            while piece := self.feed.some(_PIECE):
                self.child.stdin.write(piece)
        except BrokenPipeError:
            pass  # it has given up, and says why
        except (OSError, ValueError, Undecided) as why:
            self.trouble = str(why)
        with suppress(OSError):
            self.child.stdin.close()

    def more(self, _size: int) -> bytes:
        """Some of what it unpacked; none at the end.

        Raises:
            Broken: it says that the stream is none, or cut off.
        """
        assert self.child.stdout is not None
        assert self.child.stderr is not None
        while not select.select([self.child.stdout], [], [], 0.5)[0]:
            self.feed.budget.spend(0)
        if found := os.read(self.child.stdout.fileno(), _PIECE):
            return found
        said = self.child.stderr.read(4096).decode("utf-8", "replace")
        self.feeder.join(5)
        if self.trouble:
            raise Undecided(self.trouble)
        if self.child.wait(5):
            told = said.strip().splitlines()[-1].rpartition(": ")[2].strip() if said.strip() else "it is damaged"
            raise Broken(f"the zstd stream can't be unpacked: {told[:100].lower()}")
        return b""

    def close(self) -> None:
        """End it."""
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait(5)
        self.feeder.join(5)
        for stream in (self.child.stdin, self.child.stdout, self.child.stderr):
            with suppress(OSError):
                if stream is not None:
                    stream.close()
