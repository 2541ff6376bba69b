"""The run's side of its guardian: a child that waits for the run to end, and undoes what is left of it when that was too early.

The child is `seatrial.guardian`. It learns of the end by a pipe whose other end only the run holds: a word through it is a
good end, and a pipe that closes without one is a run that was killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

from seatrial.words import CouldNotLook

__all__ = ["Guarding", "wait_for_end"]

GOOD_END = b"."
READY_WITHIN = 30.0
"""Seconds it has to begin; it takes a tenth of one, unless the machine is busy."""
ENDS_WITHIN = 5.0
LOOKS_EVERY = 0.5
# By the paths this process found us on: a folder that it happens to be called in must not give it other modules.
_CODE = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from seatrial.guardian import main; sys.exit(main(sys.argv[2:]))"


class Guarding:
    """The guardian of one journal, from before the first act to after the last."""

    def __init__(self, journal: Path, lock: int = -1) -> None:
        """Start it.

        Args:
            journal: that it reads when the run is gone.
            lock: descriptor of the target's lock, which it holds as long as it lives; -1 for none.

        Raises:
            CouldNotLook: it does not come up.
        """
        self._journal = journal
        self._lock = lock
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe = -1
        self._start()

    @property
    def pid(self) -> int:
        """Of the guardian."""
        return self._child.pid if self._child else 0

    def ensure(self) -> None:
        """Start another one where somebody has ended it.

        Raises:
            CouldNotLook: none comes up.
        """
        if self._child is None or self._child.poll() is not None:
            self.end()
            self._start()

    def _start(self) -> None:
        hear, self._pipe = os.pipe()
        up, tell = os.pipe()
        try:
            self._child = subprocess.Popen(
                [
                    sys.executable, "-c", _CODE, json.dumps(sys.path), "seatrial-guardian", str(self._journal),
                    str(os.getpid()), str(hear), str(tell), str(self._lock),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(hear, tell, *([self._lock] if self._lock >= 0 else [])),
                start_new_session=True,  # what the terminal sends to the run is not for it
            )  # fmt: skip
            os.close(tell)
            tell = -1
            self._await(up)
        except OSError as why:
            self.end()
            raise CouldNotLook(f"no guardian could be started: {why.strerror}; nothing was disturbed") from None
        except BaseException:
            self.end()
            raise
        finally:
            for descriptor in (hear, up, tell):
                if descriptor >= 0:
                    os.close(descriptor)

    def _await(self, up: int) -> None:
        """Until it has read the journal, loaded what it needs, and ignores signals."""
        ready, _, _ = select.select([up], [], [], READY_WITHIN)
        if not ready or not os.read(up, 1):
            raise CouldNotLook("the guardian did not come up; nothing was disturbed")

    def end(self) -> None:
        """Let it go: nothing is left to undo, or what is left is told and waits for `seatrial recover`."""
        if self._pipe >= 0:
            with contextlib.suppress(OSError):  # it has gone already
                os.write(self._pipe, GOOD_END)
            os.close(self._pipe)
            self._pipe = -1
        if self._child is not None:
            try:
                self._child.wait(ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
            self._child = None


def wait_for_end(hear: int, parent: int) -> bool:
    """For the guardian: until the run has let it go, or is gone altogether; whether it was a good end.

    A killed run's pipe is closed a little earlier than its last thread has ended, and not at all where a child that it forked
    has it too: so its being there counts as well.
    """
    while os.getppid() == parent:
        heard, _, _ = select.select([hear], [], [], LOOKS_EVERY)
        if heard:
            if os.read(hear, 1) == GOOD_END:
                return True
            while os.getppid() == parent:
                time.sleep(0.005)
    heard, _, _ = select.select([hear], [], [], 0)
    return bool(heard) and os.read(hear, 1) == GOOD_END
