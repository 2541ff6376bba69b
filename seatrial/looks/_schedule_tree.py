"""The files of the machine, or container, that makes a backup by itself: what its crontab and its units are, and the programs there are."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.looks import _secrets_beneath as beneath
from seatrial.words import CouldNotLook, Missing, seen

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.runtime import Runtime

__all__ = ["Tree", "trees"]

LARGEST = 1024 * 1024
"""Bytes of a crontab, a unit or the end of a log that are read."""
_CRONS = frozenset(
    ("cron", "crond", "fcron", "dcron", "bcron-sched", "supercronic", "yacron", "anacron", "cronie", "jobber", "ofelia")
)
_GENERATOR = "/usr/lib/systemd/system-generators/systemd-crontab-generator"
MOST_PROCESSES = 100_000


@dataclass(frozen=True, slots=True)
class Tree:
    """One file system, as what runs there sees it."""

    root: str
    """``/``, or ``/proc/PID/root``."""
    name: str
    """``container shop-backup-1``; empty for this machine."""
    processes: frozenset[str] | Missing
    """Names of what runs there."""
    whole: bool = True
    """Whether those are all that run there."""

    def where(self, path: str) -> str:
        """A path in words."""
        return f"{self.name}: {path}" if self.name else path

    def find(self, path: str, most: int = LARGEST, *, end: bool = False) -> beneath.Found | None:
        """A regular file; None when there is something else, or nothing.

        Raises:
            CouldNotLook: it is hidden from us.
        """
        try:
            found = beneath.find(self.root, path, most, end=end)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as why:
            raise CouldNotLook(
                f"{self.where(path)} can't be read: {why.strerror or 'no access'}", right=f"read {self.where(path)}"
            ) from None
        if found is not None and found.unread and most:
            raise CouldNotLook(f"{self.where(path)} can't be read: no access", right=f"read {self.where(path)}")
        return found

    def text(self, path: str) -> str | None:
        """The text of a file; None when it is not there."""
        found = self.find(path)
        if found is None:
            return None
        if found.size > LARGEST:
            raise CouldNotLook(f"{self.where(path)} is larger than {LARGEST // 1024**2} MiB")
        return found.data.decode("utf-8", "replace")

    def listed(self, folder: str) -> list[str]:
        """Regular files right below a folder, by name; none when it is not there."""
        try:
            names = (found.path for found in beneath.walk(self.root, folder, 0))
            return sorted({os.path.basename(path) for path, _ in zip(names, range(1000), strict=False)})
        except OSError:
            return []

    def users(self, prefix: str) -> frozenset[str]:
        """Names of the users there; empty where that is not known."""
        try:
            text = self.text(f"{prefix}/etc/passwd") or self.text("/etc/passwd")
        except CouldNotLook:
            return frozenset()
        return frozenset(line.partition(":")[0] for line in (text or "").splitlines()) - {""}

    def program(self, name: str, path: str) -> str | None:
        """Where a program lies that can be run; None when nowhere.

        Args:
            name: absolute, or looked for.
            path: folders it is looked for in, with colons.
        """
        folders = [""] if name.startswith("/") else [folder for folder in path.split(":") if folder.startswith("/")]
        for folder in folders:
            try:
                found = self.find(f"{folder}/{name}" if folder else name, 0)
            except CouldNotLook:
                return ""  # hidden: it may be there
            if found is not None and found.mode & 0o111:
                return found.path
        return None

    def cron(self) -> str | Missing:
        """Empty when cron runs there; else why not."""
        if isinstance(self.processes, Missing):
            return self.processes
        if self.processes & _CRONS or ("systemd" in self.processes and self.find(_GENERATOR, 0)):
            return ""
        return self._idle("no cron runs")

    def systemd(self) -> str | Missing:
        """Empty when systemd runs there; else why not."""
        if isinstance(self.processes, Missing):
            return self.processes
        return "" if "systemd" in self.processes else self._idle("no systemd runs")

    def _idle(self, said: str) -> str | Missing:
        place = f"in {self.name}" if self.name else "on this machine"
        if not self.whole:
            return Missing(f"{said} {place} among the processes that are seen from here, which are not all of them")
        return f"{said} {place}"


def trees(session: Session, runtime: Runtime | Missing, service: str | None) -> list[Tree]:
    """The machine that makes a backup; of a service that runs in containers, each of these.

    Raises:
        CouldNotLook: its files can't be seen from here.
    """
    known = seen(runtime)
    if service and session.profile.target.driver == "docker":
        running = [one for one in seen(known.containers.get(service, ())) if one.running]
        if not running:
            raise CouldNotLook(f"no container of {service} runs, which is to make the backup")
        if not known.engine.local:
            raise CouldNotLook("the containers' files are another machine's", right="to run on the engine's own host")
        return [
            Tree(
                f"/proc/{one.pid}/root",
                str(one),
                one.processes
                if isinstance(one.processes, Missing)
                else frozenset(process.name for process in one.processes),
            )
            for one in running
        ]
    if not known.engine.local:
        raise CouldNotLook("what is installed on the machine of the target is not seen from here", right="to run on it")
    names, whole = _processes()
    return [Tree("/", "", names, whole)]


def _processes() -> tuple[frozenset[str] | Missing, bool]:
    """Names of what runs on this machine, and whether those are all: a namespace of its own shows no kernel threads."""
    found = set()
    hidden = False
    try:
        pids = [name for name in os.listdir("/proc") if re.fullmatch(r"[0-9]+", name)][:MOST_PROCESSES]
    except OSError:
        return Missing("the processes of this machine can't be listed", "read /proc"), False
    for pid in pids:
        try:
            found.add(Path("/proc", pid, "comm").read_text(encoding="utf-8", errors="replace").strip())
        except FileNotFoundError:
            continue
        except OSError:
            hidden = True
    return frozenset(found), "kthreadd" in found and not hidden
