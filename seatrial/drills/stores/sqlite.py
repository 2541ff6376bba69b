"""A file of SQLite, read through a copy: the file itself is never opened by us where it is the deployment's.

What is not yet in the file but in its write-ahead log belongs to it, and is copied with it. Sentinels are written into scratch
places alone, by a program of the place, which ends like one that is killed: the log stays as a running program leaves it.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.drills.stores import Content
from seatrial.drills.stores import _sqlite_reading as reading
from seatrial.drills.stores import _sqlite_seeds as seeds
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drills.place import Entry, Place
    from seatrial.profile.backing import SqliteStore

__all__ = ["KEY", "SECONDS", "open"]

KEY = "sqlite"
SECONDS = 6.0
LARGEST = 8 * 1024**3
TRIES = 8
"""How often a file is copied anew that was written to meanwhile."""
WRITE_WITHIN = 60.0
STARTS_WITHIN = 15.0
STAYS = 900.0
"""Seconds after which a writer is ended whatever becomes of its run."""

WRITER = """
import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1], timeout=10)
try:
    c.executescript(sys.stdin.buffer.read().decode())
    for row in c.execute("PRAGMA schema_version"): pass
except Exception as why:
    print(f"{type(why).__name__}: {why}", file=sys.stderr, flush=True)
    os._exit(1)
os._exit(0)
"""
"""It does not close the file, which would move all of the log into it: a program that runs all the time does not either."""
STAYING = """
import json, os, socket, sqlite3, sys
door = socket.create_server(("127.0.0.1", int(sys.argv[2])), backlog=1)
door.settimeout(30)
try:
    peer = door.accept()[0]
    peer.settimeout(None)
    c = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
    for line in peer.makefile("rb"):
        try:
            c.executescript(json.loads(line))
            peer.sendall(b"ok\\n")
        except sqlite3.Error as why:
            if c.in_transaction:
                c.rollback()
            peer.sendall(f"{type(why).__name__}: {why}".replace("\\n", " ").encode() + b"\\n")
finally:
    os._exit(0)
"""
"""The same for many writes: it takes them by a port of the place, which is the run's own, until whoever sends them is gone."""
UNCLOSED = ".bail on\n.timeout 10000\n.dbconfig no_ckpt_on_close on\n"


def open(place: Place, node: SqliteStore) -> Sqlite:
    """The file of that node, in a place. It need not be there yet."""
    return Sqlite(place, place.resolve(node.path))


class Sqlite:
    """The store."""

    places = seeds.PLACES

    def __init__(self, place: Place, path: str) -> None:
        self.place, self.path = place, path
        self._by: list[str] | None = None
        self._writer: socket.socket | None = None
        self._answers: Any = None
        self._tried = False

    def __del__(self) -> None:
        self._rest()

    @property
    def _where(self) -> str:
        return f"{self.path} in {self.place.name}"

    # What it is

    def identity(self) -> str:
        """By the numbers of the file system, which two containers with one volume have in common."""
        with contextlib.suppress(CouldNotLook):
            told = self.place.run(["stat", "-L", "-c", "%d:%i", self.path])
            if told.status == 0 and told.output.strip():
                boot = self.place.run(["cat", "/proc/sys/kernel/random/boot_id"])
                return f"sqlite {boot.output.decode().strip()}:{told.output.decode().strip()}"
        return f"sqlite {self.place.processes}:{self.path}"

    def _entry(self, path: str) -> Entry | None:
        return next((each for each in self.place.entries(path, most=2) if each.path == path), None)

    def ready(self) -> None:
        """A file that is not there yet holds nothing; one that is no file can't be read."""
        entry = self._entry(self.path)
        if entry is not None and entry.kind not in ("file", "link"):
            raise CouldNotLook(f"{self._where} is a {entry.kind} and no file")

    def usable(self) -> str:
        """Whether it is whole, and takes a write where it is ours to write to."""
        try:
            content = self.content()
            whole = content.items.get(reading.WHOLE)
            if whole is None:
                return f"{self._where} is not there, or is no database"
            if problem := dict(whole.attributes)["integrity_check"].removeprefix("ok"):
                return f"{self._where}: {problem}"
            if self.place.scratch:
                self._write(seeds.TRIED)
        except CouldNotLook as why:
            return why.reason
        return ""

    # What it holds

    def content(self) -> Content:
        """Rows of sentinels one by one; of every other table all rows in one. Nothing, where there is no file."""
        with self._copied() as copy:
            return Content(reading.items(copy)) if copy is not None else Content()

    @contextmanager
    def _copied(self) -> Iterator[Path | None]:
        """A copy of one state of it, with what belongs to it; None where there is no file."""
        self.place.session.call("sqlite", "copy")
        with tempfile.TemporaryDirectory(prefix="seatrial-") as folder:
            copy = Path(folder) / "copy"
            for _ in range(TRIES):
                was = self._state()
                if was[""] is None:
                    yield None
                    return
                if self._taken(copy, was) and _one_state(was, self._state(), copy):
                    yield copy
                    return
                for suffix in reading.SUFFIXES:
                    copy.with_name(copy.name + suffix).unlink(missing_ok=True)
            raise CouldNotLook(f"{self._where} was written to each time it was copied ({TRIES} times)")

    def _state(self) -> dict[str, Entry | None]:
        return {suffix: self._entry(self.path + suffix) for suffix in reading.SUFFIXES}

    def _taken(self, copy: Path, was: dict[str, Entry | None]) -> bool:
        """Copy all there is; False when some of it went away meanwhile."""
        for suffix, entry in was.items():
            if entry is None:
                continue
            to = copy.with_name(copy.name + suffix)
            if entry.kind == "link":
                # Followed by a program of the place: what it leads to is there and nowhere else.
                ran = self.place.run(["readlink", "-f", self.path + suffix])
                if ran.status:
                    raise CouldNotLook(f"{self._where} is a link that leads nowhere")
                self.path = ran.output.decode("utf-8", "surrogateescape").rstrip("\n").removesuffix(suffix)
                return False
            if entry.kind != "file":
                raise CouldNotLook(f"{self.path}{suffix} in {self.place.name} is a {entry.kind} and no file")
            try:
                self.place.fetch(self.path + suffix, to, most=LARGEST)
            except CouldNotLook:
                if self._entry(self.path + suffix) is None:
                    return False
                raise
            to.chmod(0o600)
        return True

    # What is written to it

    def _write(self, script: str) -> None:
        """Run statements by a program of the place.

        Raises:
            CouldNotLook: the place is not the run's own, or has no such program, or it fails.
        """
        self.place.session.call("sqlite", "write", Tier.write)
        if not self.place.scratch:
            raise CouldNotLook(
                f"nothing is written into {self._where}, which a program of the deployment has open",
                right="drill.source a stage of its own, or a store that is written to through the service",
            )
        for command, begin in self._writers():
            ran = self.place.run(command, stdin=(begin + script).encode(), within=WRITE_WITHIN)
            if ran.status == 0:
                self._by = command
                return
            said = ran.error.decode("utf-8", "replace").strip().splitlines()
            if self._by is not None or (ran.status not in (126, 127) and "No module named" not in "".join(said)):
                told = self.place.session.redact(said[-1][:200]) if said else f"status {ran.status}"
                raise CouldNotLook(f"{self._where}: could not write: {told}")
        raise CouldNotLook(
            f"{self.place.name} has nothing that writes a file of SQLite", right="python3 or sqlite3 in that place"
        )

    def _writers(self) -> list[tuple[list[str], str]]:
        """Programs that can write it, and what they are told before."""
        found = [([python, "-c", WRITER, self.path], "") for python in _pythons()]
        # Its own options come by standard input, and a path that begins with a minus is still a path.
        found.append((["sqlite3", "-batch", f"./{self.path}" if self.path.startswith("-") else self.path], UNCLOSED))
        return [each for each in found if self._by in (None, each[0])]

    def seed(self, size: int) -> dict[str, str]:
        """Tables that refer to each other, values of every type and length, numbers that are never given twice."""
        self._write(seeds.unplanted() + seeds.planted(size))
        return dict(seeds.TOLD)

    def removed(self) -> tuple[str, ...]:
        """A row and a table that are taken away again."""
        self._write(seeds.REMOVED)
        return seeds.GONE

    def aged(self, seconds: float) -> dict[str, str]:  # noqa: ARG002 - as every store takes it
        """Rows have no age of their own."""
        return {}

    def step(self, number: int) -> None:
        """One table for each place, by a program that has the file open all the time, where the place can run one."""
        if not self._tried:
            self._tried = True
            self._stay()
        if self._writer is None:
            self._write(seeds.step(number))
            return
        try:
            self._writer.sendall(json.dumps(seeds.step(number)).encode() + b"\n")
            answer = self._answers.readline(1000).decode("utf-8", "replace").strip()
        except OSError as why:
            answer = type(why).__name__
        if answer != "ok":
            if not answer or "Error" not in answer:
                self._rest()
            raise CouldNotLook(
                f"{self._where}: could not write: {self.place.session.redact(answer[:200]) or 'its writer is gone'}"
            )

    def _stay(self) -> None:
        """Start the program that stays, if there is one."""
        self.place.session.call("sqlite", "write", Tier.write)
        if not self.place.scratch:
            return
        for python in _pythons():
            port = 20_000 + secrets.randbelow(10_000)
            command = [python, "-c", STAYING, self.path, str(port)]
            ended = threading.Event()
            threading.Thread(target=_stays, args=(self.place, command, ended), daemon=True, name="writer").start()
            end = time.monotonic() + STARTS_WITHIN
            while not ended.wait(0.05) and time.monotonic() < end:
                with contextlib.suppress(CouldNotLook, OSError):
                    self._writer = self.place.connect(port)
                    self._writer.settimeout(WRITE_WITHIN)
                    self._answers = self._writer.makefile("rb")
                    return

    def _rest(self) -> None:
        """Let the program that stays go."""
        writer, self._writer = self._writer, None
        if writer is not None:
            self._answers.close()
            writer.close()

    def steps(self) -> tuple[int, ...]:
        """What these tables hold."""
        with self._copied() as copy:
            return reading.steps(copy) if copy is not None else (0,) * self.places

    def unseed(self) -> None:
        """Drop what is named as ours is, where it is ours to write to; elsewhere nothing was written."""
        self._rest()
        if self.place.scratch and self._entry(self.path) is not None:
            self._write(seeds.unplanted())


def _pythons() -> tuple[str, ...]:
    """What may run Python in a place."""
    return ("python3", *([sys.executable] if sys.executable else ()))


def _stays(place: Place, command: list[str], ended: threading.Event) -> None:
    """Run the program that stays, until it ends."""
    with contextlib.suppress(CouldNotLook):
        place.run(command, within=STAYS)
    ended.set()


def _one_state(was: dict[str, Entry | None], now: dict[str, Entry | None], copy: Path) -> bool:
    """Whether what was copied is one state: nothing changed meanwhile, but for a log that only grew."""

    def same(suffix: str) -> bool:
        before, after = was[suffix], now[suffix]
        return (before and (before.size, before.modified)) == (after and (after.size, after.modified))

    if all(map(same, reading.SUFFIXES)):
        return True
    log = copy.with_name(copy.name + "-wal")
    # What is added at the end of a log is whole up to a commit, which its reader checks. One of the same size may have begun
    # anew, and the file itself must be as it was.
    before, after = was["-wal"], now["-wal"]
    grew = before is not None and after is not None and after.size > before.size > 0
    return bool(grew and same("") and same("-journal") and before and log.stat().st_size >= before.size)
