"""A place where procedures are run and data lies: the deployment itself, or a scratch folder or container of the run's own."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from seatrial.facts.backups.drill import Ran

if TYPE_CHECKING:
    from seatrial.drivers import Session

__all__ = ["Entry", "Place", "Result"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one command of ours (not a documented procedure) gave."""

    status: int
    output: bytes
    error: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing of a place's file system."""

    path: str
    """As the place knows it, absolute."""
    kind: str
    """file, folder, link, fifo, socket, device."""
    size: int
    mode: int
    uid: int
    gid: int
    modified: float
    link: str = ""
    """Where a link points to."""


class Place(Protocol):
    """What a drill does anything in. Every method raises `CouldNotLook` when it can't be done, and is bounded in time and size."""

    name: str
    """In words, for reports: ``container seatrial-drill-3f2a``, ``scratch folder``, ``the deployment``."""
    scratch: bool
    """Whether it is the run's own, and nothing of the deployment."""
    session: Session

    def resolve(self, value: Any) -> str:
        """The text of a value or reference of the profile, as this place has it: what it announced goes first."""

    def procedure(
        self, node: Any, *, what: str, environment: Mapping[str, str] | None = None, within: float | None = None
    ) -> Ran:
        """Run a procedure of the profile (a `Script`, or a program with arguments) as it is written.

        Args:
            node: of the profile.
            what: it is called in reports.
            environment: variables beside those of the place: BACKUP_DIR, BACKUP_FILE.
            within: seconds, when not its own.
        """

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        within: float = 60.0,
    ) -> Result:
        """Run a command of ours in it: what a store needs to read or write. At most 256 MiB of output."""

    def connect(self, port: int, *, timeout: float = 10.0) -> socket.socket:
        """A connection to a port that something in it listens on."""

    def entries(self, path: str, *, most: int = 100_000) -> tuple[Entry, ...]:
        """All that is at and below a path, without following links, sorted by path; empty when there is nothing."""

    def read(self, path: str, *, most: int = 2 * 1024**3) -> bytes:
        """The content of a regular file."""

    def fetch(self, path: str, to: Path, *, most: int = 8 * 1024**3) -> None:
        """Copy a file or a folder out of it to ``to`` (which is not there yet), with modes and times; never through links."""

    def put(self, source: Path, path: str, *, mode: int | None = None) -> None:
        """Copy a file or a folder into it, replacing what is there; parents are made."""

    def remove(self, path: str) -> None:
        """Remove a file or folder, if it is there."""

    @property
    def processes(self) -> str:
        """What tells its processes from those of any other place: a container's id, a process group, the engine's identity."""
