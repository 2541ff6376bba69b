"""Commands that a profile declares for its operators, run to their end where Seatrial runs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session

__all__ = ["resolved", "run"]

WITHIN = 30.0


def resolved(command: list[str]) -> list[str]:
    """A command as it is run and journalled: a leading ``python`` is the interpreter that runs us, as in ``target.start``."""
    return [sys.executable if command[0] == "python" else command[0], *command[1:]]


def run(session: Session, command: list[str], cwd: str, *, within: float = WITHIN) -> None:
    """Run a declared command to its end. What it starts and leaves running is the target's, and stays.

    Raises:
        CouldNotLook: it could not be run, took too long, or did not end with 0.
    """
    session.call("process", "RUN", Tier.disrupt)
    name = os.path.basename(command[0])
    # A file, not a pipe: a service that the command leaves running would hold a pipe open, and us with it.
    with tempfile.TemporaryFile() as output:
        try:
            child = subprocess.Popen(
                command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        except OSError as why:
            raise CouldNotLook(f"{name} could not be run: {why.strerror}") from None
        try:
            child.wait(within)
        except subprocess.TimeoutExpired:
            raise CouldNotLook(f"{name} was not done within {within:g} s") from None
        finally:
            if child.returncode is None:  # our child, not reaped yet: the group is nobody else's
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        if child.returncode:
            output.seek(max(0, output.seek(0, os.SEEK_END) - 4096))
            said = output.read().decode("utf-8", "replace").strip().splitlines()
            last = session.redact(session.mask(said[-1].strip()))[:300] if said else ""
            raise CouldNotLook(
                f"{name} ended with status {child.returncode}" + (f"; its last words: {last}" if last else "")
            )
