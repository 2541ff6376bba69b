"""The stack's temporary directory: made, marked, locked, and removed; those of killed supervisors are tidied up.

The marker names the supervisor that made the directory, and is locked for as long as it lives. A lock holds across
pid namespaces that share one /tmp, where a pid alone would say "gone" about a stack that lives next door.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from seatrial.demo import procfs

PREFIX = "seatrial-demo-"
MARKER = ".seatrial-demo"
ANNOUNCED = "announced.env"
"""What a running stack announced, kept in its directory."""


class NoStack(Exception):
    """Which stack is meant can't be told: one line that says why."""


class DataDir:
    """A directory of our own, 0700, for as long as the block lasts."""

    def __init__(self, *, keep: bool = False) -> None:
        self.keep = keep
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        unlocked = self.path / f"{MARKER}.new"
        self._lock = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        maker = {"pid": os.getpid(), "start_time": procfs.start_time(os.getpid()), "boot_id": procfs.boot_id()}
        os.write(self._lock, json.dumps(maker).encode())
        # Named only now, so that nobody ever sees a marker without its lock.
        unlocked.rename(self.path / MARKER)

    def folder(self, name: str) -> Path:
        """A folder inside, for us only."""
        path = self.path / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.keep:
            # Without its marker it is the user's: the next start must not take it away.
            (self.path / MARKER).unlink(missing_ok=True)
        else:
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _ours() -> Iterator[Path]:
    """Directories that carry a marker and belong to this user; links are never followed."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if (
                    entry.name.startswith(PREFIX)
                    and entry.is_dir(follow_symlinks=False)
                    and entry.stat(follow_symlinks=False).st_uid == os.getuid()
                    and Path(entry.path, MARKER).is_file()
                ):
                    yield Path(entry.path)


@contextlib.contextmanager
def _abandoned(path: Path) -> Iterator[bool]:
    """Whether the supervisor that made the directory is gone; nobody else can tidy it inside the block."""
    lock = os.open(path / MARKER, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        made = json.loads(os.read(lock, 4096))
        here = made["boot_id"] == procfs.boot_id()
        yield not (here and procfs.alive(made["pid"], made["start_time"]))
    finally:
        os.close(lock)


def reap() -> list[Path]:
    """Remove what killed supervisors left behind; return what was removed."""
    removed = []
    for path in _ours():
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError), _abandoned(path) as abandoned:
            if abandoned:
                shutil.rmtree(path, ignore_errors=True)
                removed.append(path)
    return removed


def living() -> list[Path]:
    """Directories of stacks that run now."""
    found = []
    for path in _ours():
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError), _abandoned(path) as abandoned:
            if not abandoned:
                found.append(path)
    return sorted(found)


def maker(path: Path) -> dict[str, Any]:
    """Process id and start time of the supervisor that made a directory."""
    found: dict[str, Any] = json.loads((path / MARKER).read_bytes())
    return found


def chosen() -> Path:
    """The running stack that a command is about: the one that the environment names, else the only one there is, else the
    one that was started by who also runs this command.

    Raises:
        NoStack: it can't be told.
    """
    if named := os.environ.get("DEMO_DATA_DIR") or os.environ.get("SEATRIAL_DEMO_ATTACH"):
        return Path(named)
    running = living()
    if len(running) > 1:
        above = set(procfs.ancestors(os.getpid()))
        running = [path for path in running if procfs.parent(maker(path)["pid"]) in above] or running
    if len(running) != 1:
        raise NoStack(f"{len(running)} demo deployments run: set DEMO_DATA_DIR to the data directory of one")
    return running[0]
