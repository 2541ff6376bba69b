"""A scratch folder: a place of the run's own on this machine, in which programs see its files and change none of them."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import select
import socket
import stat
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.drills import procedures
from seatrial.drills.place import Entry
from seatrial.drills.places import tars
from seatrial.drills.places._common import Common, Ended, Kept, Pipes
from seatrial.drills.places.jail import Child, Jail, answer
from seatrial.words import CouldNotLook, Size

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile.backing import Start

__all__ = ["ScratchFolder", "surroundings"]

ANNOUNCED = 64 * 1024
STOP_WITHIN = 5.0


def surroundings() -> dict[str, str]:
    """What a program is given of our own environment: nothing that might be a secret."""
    me = None
    with contextlib.suppress(KeyError):
        me = pwd.getpwuid(os.getuid())
    found = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME") or (me.pw_dir if me else "/"),
        "USER": me.pw_name if me else str(os.getuid()),
        "LOGNAME": me.pw_name if me else str(os.getuid()),
        "SHELL": "/bin/sh",
    }
    return found | {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ") if name in os.environ}


class ScratchFolder(Common):
    """A folder and the namespaces it lies in. Absolute paths can be written too: nothing of that reaches the machine."""

    scratch = True

    def __init__(self, session: Session, jail: Jail, folder: str, *, name: str = "scratch folder") -> None:
        super().__init__(session, Path(session.base).absolute())
        self.name = name
        self.jail = jail
        self.announced["SCRATCH_DIR"] = folder
        self._stack: Child | None = None

    @property
    def processes(self) -> str:
        """Its own first process."""
        return f"scratch folder {self.jail.pid}"

    # --- commands -----------------------------------------------------------------------------------------------------

    def execute(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        output: Kept,
        error: Kept,
        within: float,
        stdin: bytes = b"",
        directory: str = "",
        user: str = "",
    ) -> Ended:
        """Run a program in it."""
        if user:
            raise CouldNotLook(f"a user ({user}) is declared for what is run in a folder; that is for containers")
        child = self.jail.spawn(
            [sys.executable if argv[0] == "python" else argv[0], *argv[1:]],
            surroundings() | dict(environment),
            os.path.join(self.base, directory),
        )
        try:
            if child.errno:
                for number in (child.stdin, child.stdout, child.stderr):
                    os.close(number)
                absent = child.errno == 2
                return Ended(None, output, error, absent=absent, why=f"{argv[0]}: {os.strerror(child.errno).lower()}")
            pipes = Pipes(child.stdin, child.stdout, child.stderr, stdin, output, error)
            status = child.wait(within)
            pipes.rest()
            return Ended(status, output, error, why="" if status is not None else self.jail.why().removeprefix(": "))
        finally:
            child.end()

    def note(self, text: str) -> tuple[str, str]:
        """In /run, which is its own and no part of what is compared."""
        told, notes = f"/run/seatrial-{text}.sh", f"/run/seatrial-{text}"
        self._write(told, procedures.watching(notes).encode())
        return told, notes

    def noted(self, path: str) -> bytes:
        """Read notes and take them away."""
        try:
            found = self.read(path, most=1024 * 1024) if self.entries(path) else b""
        except CouldNotLook:
            found = b""
        for each in (path, f"{path}.sh"):
            self.remove(each)
        return found

    def _write(self, path: str, data: bytes) -> None:
        import io
        import tarfile

        member = tarfile.TarInfo("it")
        member.size, member.mode, member.mtime = len(data), 0o644, int(time.time())

        def write(out: Any) -> None:
            with tarfile.open(fileobj=out, mode="w|") as tar:
                tar.addfile(member, io.BytesIO(data))

        self._send(path, write)

    # --- a stack ------------------------------------------------------------------------------------------------------

    def start(self, spec: Start) -> None:
        """Start a stack and have what it announces. It runs as long as the folder is there.

        Raises:
            CouldNotLook: it does not come up.
        """
        name = spec.command[0]
        child = self.jail.spawn(
            [sys.executable if name == "python" else name, *spec.command[1:]],
            surroundings() | self.variables(whole=False),
            str(self.base),
        )
        if child.errno:
            raise CouldNotLook(f"could not start {name}: {os.strerror(child.errno)}")
        error = Kept(4096, end_only=True)
        try:
            data = self._announcement(child, spec, error)
        except CouldNotLook:
            child.end()
            raise
        self._stack = child
        pairs = [line.partition("=") for line in data.splitlines() if line.strip()]
        if any(not sign or not before.isidentifier() for before, sign, _ in pairs):
            raise CouldNotLook(f"{name} printed a line that is no NAME=value, before its empty line")
        self.announced.update({before: after for before, _, after in pairs})

    def _announcement(self, child: Child, spec: Start, error: Kept) -> str:
        data, end, why = b"", time.monotonic() + spec.within.seconds, ""
        while not (data.startswith(b"\n") or b"\n\n" in data):
            ready, _, _ = select.select([child.stdout, child.stderr], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                why = f"was not up within {spec.within.seconds:g} s: it printed no empty line"
            for number in ready:
                part = os.read(number, 16384)
                if number == child.stderr and part:
                    error.add(part)
                    continue
                data += part
                if not part:
                    why = "closed its output, or ended, before it was up"
            if len(data) > ANNOUNCED:
                why = f"printed more than {ANNOUNCED} bytes and no empty line"
            if why:
                said = error.bytes().decode("utf-8", "replace").strip().splitlines()[-5:]
                last = f"; its last words: {' | '.join(line.strip() for line in said)}" if said else ""
                raise CouldNotLook(self.session.redact(self.session.mask(f"{spec.command[0]} {why}{last}")))
        # Read on, so that it never blocks; its input stays open, since it stops when that is closed.
        Pipes(os.open(os.devnull, os.O_WRONLY), child.stdout, child.stderr, b"", Kept(1, end_only=True), error)
        return data.decode("utf-8", "replace").partition("\n\n")[0]

    # --- servers ------------------------------------------------------------------------------------------------------

    def connect(self, port: int, *, timeout: float = 10.0) -> socket.socket:
        """A connection to a server in it."""
        try:
            return self.jail.connect(port, timeout)
        except OSError as why:
            raise CouldNotLook(
                f"nothing answers at port {port} in {self.name}: {(why.strerror or str(why)).lower()}"
            ) from None

    # --- files --------------------------------------------------------------------------------------------------------

    def _asked(self, do: str, path: str, *fds: int, **more: Any) -> socket.socket:
        """Ask for something about files; the answer comes through the socket."""
        door, other = socket.socketpair()
        try:
            with other:
                self.jail.ask({"ask": "files", "do": do, "path": self._absolute(path), **more}, *fds, other.fileno())
        except BaseException:
            door.close()
            raise
        return door

    def _absolute(self, path: str) -> str:
        return os.path.normpath(os.path.join(self.announced["SCRATCH_DIR"], path))

    def _done(self, door: socket.socket, path: str, within: float = 300.0) -> dict[str, Any]:
        with door:
            told = answer(door, within)
        if not told:
            raise CouldNotLook(f"{path} in {self.name} could not be worked on{self.jail.why()}")
        if "errno" in told:
            raise CouldNotLook(f"{told.get('at') or path} in {self.name}: {os.strerror(int(told['errno'])).lower()}")
        return told

    def entries(self, path: str, *, most: int = 100_000) -> tuple[Entry, ...]:
        """All that is at and below a path."""
        hear, tell = os.pipe2(os.O_CLOEXEC)
        try:
            door = self._asked("entries", path, tell, most=most)
        except BaseException:
            os.close(hear)
            raise
        finally:
            os.close(tell)
        found = []
        with os.fdopen(hear, encoding="ascii") as lines:
            for line in lines:
                name, mode, size, uid, gid, modified, link = json.loads(line)
                found.append(Entry(name, tars.kind_of(mode), size, stat.S_IMODE(mode), uid, gid, modified, link))
        if self._done(door, path).get("more"):
            raise CouldNotLook(f"there are more than {most:,} files at and below {path} in {self.name}")
        return tuple(sorted(found, key=lambda entry: entry.path))

    def read(self, path: str, *, most: int = 2 * 1024**3) -> bytes:
        """The content of a regular file."""
        found = b""
        hear, tell = os.pipe2(os.O_CLOEXEC)
        try:
            door = self._asked("read", path, tell, most=most)
        except BaseException:
            os.close(hear)
            raise
        finally:
            os.close(tell)
        with os.fdopen(hear, "rb") as stream:
            found = stream.read(most + 1)
        self._done(door, path)
        if len(found) > most:
            raise CouldNotLook(f"{path} in {self.name} is larger than {Size(most)}")
        return found

    def fetch(self, path: str, to: Path, *, most: int = 8 * 1024**3) -> None:
        """Copy a file or a folder out of it."""
        hear, tell = os.pipe2(os.O_CLOEXEC)
        try:
            door = self._asked("fetch", path, tell)
        except BaseException:
            os.close(hear)
            raise
        finally:
            os.close(tell)
        wrong: CouldNotLook | None = None
        with os.fdopen(hear, "rb") as stream:
            try:
                tars.unpack(stream, to, most=most)
                while stream.read(65536):  # whoever sends it fills up its last block
                    pass
            except CouldNotLook as why:
                wrong = why
        try:
            self._done(door, path)
        except CouldNotLook:
            # That nobody read on is what we did; that it could not be read is why there was no whole tar.
            if wrong is None or "tar" in wrong.reason:
                raise
        if wrong:
            raise wrong

    def _send(self, path: str, write: Callable[[Any], None]) -> None:
        hear, tell = os.pipe2(os.O_CLOEXEC)
        try:
            door = self._asked("put", path, hear)
        except BaseException:
            os.close(tell)
            raise
        finally:
            os.close(hear)
        with contextlib.suppress(BrokenPipeError), os.fdopen(tell, "wb") as out:
            write(out)
        self._done(door, path)

    def put(self, source: Path, path: str, *, mode: int | None = None) -> None:
        """Copy a file or a folder into it."""
        try:
            self._send(path, lambda out: tars.pack(source, "it", out, mode=mode))
        except OSError as why:
            raise CouldNotLook(f"{source} can't be read: {why.strerror}") from None

    def remove(self, path: str) -> None:
        """Remove a file or folder, if it is there."""
        self._done(self._asked("remove", path), path)

    def end(self) -> None:
        """Stop the stack in it, and let go of it."""
        if self._stack is not None:
            with contextlib.suppress(OSError):
                os.close(self._stack.stdin)
            self._stack.wait(STOP_WITHIN)
            self._stack.end()
            self._stack = None
        self.jail.down()
