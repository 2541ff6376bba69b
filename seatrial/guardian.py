"""The guardian: a child of a run that disturbs, which undoes at once what the run can't any more because it was killed.

It is started by `seatrial.safety.guarding` before anything is done, loads what it needs then, and waits. It holds the
target's lock, so that nothing else is disturbed before it is done, and does nothing as long as its run lives.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from seatrial import recovering
from seatrial.safety import guarding
from seatrial.safety import journal as journals
from seatrial.words import CouldNotLook

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Wait for the end of a run; gives an exit code, which nobody reads.

    Args:
        arguments: a name, the journal, the run's pid, the descriptors to hear it by, to tell it we are ready, and of its lock.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    _, name, *numbers = arguments
    file, (parent, hear, tell, lock) = Path(name), map(int, numbers)
    try:
        hands = recovering.hands_of(journals.read(file).head)
    except CouldNotLook:
        return 3  # the run sees that we did not come up, and disturbs nothing
    os.write(tell, b".")
    os.close(tell)
    if guarding.wait_for_end(hear, parent):
        return 0
    if lock >= 0:
        journals.sign(lock, f"the guardian of run {parent}, which was killed")
    try:
        entry = journals.read(file)
        if entry.closed:
            return 0
        left = recovering.recover(entry, hands, by="guardian")
    except CouldNotLook:
        return 3  # the journal stays open
    return 3 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
