"""A place in a container: one of the run's own, or one of the deployment's services. All of it by the engine's API."""

from __future__ import annotations

import contextlib
import io
import os
import posixpath
import signal
import socket
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from seatrial.drills import procedures
from seatrial.drills.place import Entry
from seatrial.drills.places import tars
from seatrial.drills.places._common import Common, Ended, Kept
from seatrial.drivers import _docker_kernel as kernel
from seatrial.drivers import _netns
from seatrial.drivers._docker_api import NotThere
from seatrial.drivers._docker_streams import Streams
from seatrial.words import CouldNotLook, Size

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.drivers._docker_endpoint import Endpoint

__all__ = ["ContainerPlace"]

STREAM_WITHIN = 600.0
LISTED = 64 * 1024**3
"""Bytes that are passed over when files are listed: an engine lists them with their contents."""


class ContainerPlace(Common):
    """A running container."""

    def __init__(
        self, session: Session, endpoint: Endpoint, id: str, name: str, *, scratch: bool, folder: str, own: str
    ) -> None:
        """A place in a container that runs.

        Args:
            session: of the run.
            endpoint: of the engine.
            id: of the container.
            name: in words.
            scratch: whether it is the run's own.
            folder: SCRATCH_DIR in it.
            own: folder of ours in it, for scripts and notes, which is no part of what is compared.
        """
        super().__init__(session, Path(session.base).absolute())
        self.endpoint, self.id, self.name, self.scratch, self.own = endpoint, id, name, scratch, own
        self.full: Callable[[], str] = str
        """What it has written too much of, for a message."""
        if folder:
            self.announced["SCRATCH_DIR"] = folder
        self._laid: dict[Path, str] = {}

    @property
    def processes(self) -> str:
        """The container's id."""
        return f"container {self.id}"

    @contextmanager
    def api(self) -> Iterator[Streams]:
        """A connection to the engine."""
        api = Streams(self.session, self.endpoint)
        try:
            yield api
        finally:
            api.close()

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
        begun: list[str] = []

        def take(number: int, data: bytes) -> None:
            (error if number == 2 else output).add(data)

        with self.api() as api:
            try:
                status = api.execute(
                    self.id, argv, take, within=within, stdin=stdin or None, environment=environment,
                    directory=posixpath.join("/", directory), user=user, begun=begun.append,
                )  # fmt: skip
            except TimeoutError:
                self._end(api, begun)
                return Ended(None, output, error, why=self.full())
            except NotThere:
                raise CouldNotLook(f"{self.name} is gone{_because(self.full())}") from None
            except CouldNotLook as why:
                if full := self.full():
                    return Ended(None, output, error, why=full)
                if not_there(why.reason):
                    return Ended(None, output, error, absent=True)
                raise
        if full := self.full():
            return Ended(None, output, error, why=full)
        said = output.bytes()[:4096].decode("utf-8", "replace")
        if status in (126, 127) and said.startswith("OCI runtime exec failed"):
            output.data.clear()  # these are the engine's words, not the command's
            return Ended(None, output, error, absent=not_there(said), why=" ".join(said.split())[:300])
        return Ended(status, output, error)

    def _end(self, api: Streams, begun: list[str]) -> None:
        """End what did not end in time, where we can: by the engine's kernel, else by a command in there."""
        with contextlib.suppress(CouldNotLook):
            running = api.running(begun[0]) if begun else None
            if running is None or not running.pid:
                return
            one = api.get(f"/containers/{self.id}/json")
            if kernel.near(one) and os.geteuid() == 0:
                kill_tree(running.pid)
            elif self.scratch:  # with all that runs in it: nothing of it is needed any more
                api.send("POST", f"/containers/{self.id}/kill", fine=(409,))

    def lay(self, file: Path) -> str:
        """Put a script into it, once."""
        if file not in self._laid:
            path = f"{self.own}/{file.name}"
            if path in self._laid.values():
                path = f"{self.own}/{len(self._laid)}/{file.name}"
            self._write(path, file.read_bytes(), 0o755)
            self._laid[file] = path
        return self._laid[file]

    def note(self, text: str) -> tuple[str, str]:
        """In a folder of ours, that everybody may write to: a script may be run by any user."""
        told, notes = f"{self.own}/{text}.sh", f"{self.own}/{text}"
        self._write(told, procedures.watching(notes).encode(), 0o644)
        self._write(notes, b"", 0o666)
        return told, notes

    def noted(self, path: str) -> bytes:
        """Read notes; they go with the container, or with our folder."""
        with contextlib.suppress(CouldNotLook):
            return self.read(path, most=1024 * 1024)
        return b""

    def _write(self, path: str, data: bytes, mode: int) -> None:
        def write(out: IO[bytes]) -> None:
            with tarfile.open(fileobj=out, mode="w|") as tar:
                for folder in missing:
                    tar.addfile(_member(folder, 0o755, folder=True))
                member = _member(path.lstrip("/"), mode)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))

        with self.api() as api:
            missing = [folder for folder in _parents(path) if not _there(api, self.id, f"/{folder}")]
            api.upload(self.id, "/", write, within=STREAM_WITHIN)

    # --- servers ------------------------------------------------------------------------------------------------------

    def connect(self, port: int, *, timeout: float = 10.0) -> socket.socket:
        """A connection to a server in it, also to one that listens on loopback alone."""
        with self.api() as api:
            one = api.get(f"/containers/{self.id}/json")
        pid = int(one["State"].get("Pid") or 0)
        if not pid:
            raise CouldNotLook(f"{self.name} does not run")
        if not kernel.near(one):
            raise CouldNotLook(
                f"servers in {self.name} can't be reached: its engine is on another machine",
                right="Seatrial on that machine",
            )
        try:
            return _netns.inside(pid, 0, lambda: _connected(port, timeout), within=timeout + 5.0)
        except _netns.NotPermitted:
            raise CouldNotLook(
                f"the network of {self.name} may not be entered by this user", right="root on the engine's own host"
            ) from None
        except OSError as why:
            raise CouldNotLook(
                f"nothing answers at port {port} in {self.name}: {(why.strerror or str(why)).lower()}"
            ) from None

    # --- files --------------------------------------------------------------------------------------------------------

    def _absolute(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self.announced.get("SCRATCH_DIR") or "/", path))

    def entries(self, path: str, *, most: int = 100_000) -> tuple[Entry, ...]:
        """All that is at and below a path."""
        path = self._absolute(path)
        with self.api() as api:
            try:
                with api.archive(self.id, path, most=LISTED, within=STREAM_WITHIN) as stream:
                    found = tars.entries(stream, posixpath.dirname(path), most=most)
            except NotThere:
                return ()
        return tuple(found)

    def read(self, path: str, *, most: int = 2 * 1024**3) -> bytes:
        """The content of a regular file."""
        path = self._absolute(path)
        with self.api() as api, api.archive(self.id, path, most=most, within=STREAM_WITHIN) as stream:
            try:
                with tarfile.open(fileobj=stream, mode="r|") as tar:
                    member = tar.next()
                    if member is None or not member.isreg():
                        raise CouldNotLook(f"{path} in {self.name} is no regular file")
                    if member.size > most:
                        raise CouldNotLook(f"{path} in {self.name} is larger than {Size(most)}")
                    content = tar.extractfile(member)
                    return content.read() if content else b""
            except tarfile.TarError as why:
                raise CouldNotLook(f"what the engine gave of {path} is no tar: {type(why).__name__}") from None

    def fetch(self, path: str, to: Path, *, most: int = 8 * 1024**3) -> None:
        """Copy a file or a folder out of it."""
        path = self._absolute(path)
        with self.api() as api, api.archive(self.id, path, most=most, within=STREAM_WITHIN) as stream:
            tars.unpack(stream, to, most=most)

    def put(self, source: Path, path: str, *, mode: int | None = None) -> None:
        """Copy a file or a folder into it, replacing what is there."""
        path = self._absolute(path)
        if source.is_dir():
            self.remove(path)
        lay_into(self.api, self.id, source, path, mode)

    def remove(self, path: str) -> None:
        """Remove a file or folder, if it is there."""
        path = self._absolute(path)
        with self.api() as api:
            there = _there(api, self.id, path)
        if there:
            output, error = Kept(4096, end_only=True), Kept(4096, end_only=True)
            command = ["rm", "-rf", "--", path]
            ended = self.execute(command, environment={}, output=output, error=error, within=120.0, user="0")
            if ended.status != 0:
                why = ended.why or error.bytes().decode("utf-8", "replace").strip()[-200:] or "it has no rm"
                raise CouldNotLook(f"{path} in {self.name} could not be removed: {self.session.mask(why)}")


def lay_into(
    engine: Callable[[], contextlib.AbstractContextManager[Streams]],
    id: str,
    source: Path,
    path: str,
    mode: int | None = None,
) -> None:
    """Put a file or folder into a container, which need not run. Folders above it are made where there are none."""
    above = posixpath.dirname(path)

    def write(out: IO[bytes]) -> None:
        tars.pack(source, posixpath.basename(path), out, mode=mode)

    def above_it(out: IO[bytes]) -> None:
        with tarfile.open(fileobj=out, mode="w|") as tar:
            for folder in missing:
                tar.addfile(_member(folder, 0o755, folder=True))

    with engine() as api:
        missing = [folder for folder in _parents(path) if not _there(api, id, f"/{folder}")]
        if missing:
            api.upload(id, "/", above_it, within=STREAM_WITHIN)
        try:
            api.upload(id, above, write, within=STREAM_WITHIN)
        except OSError as why:
            raise CouldNotLook(f"{source} can't be read: {why.strerror}") from None


def folders(out: IO[bytes], *paths: str) -> None:
    """A tar that makes folders which everybody may write to."""
    with tarfile.open(fileobj=out, mode="w|") as tar:
        for path in paths:
            tar.addfile(_member(path.lstrip("/"), 0o1777, folder=True))


def _there(api: Streams, id: str, path: str) -> bool:
    try:
        with api.archive(id, path, most=LISTED, within=STREAM_WITHIN):
            return True
    except NotThere:
        return False


def _parents(path: str) -> list[str]:
    parts = path.strip("/").split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def _member(name: str, mode: int, *, folder: bool = False) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode, member.mtime = mode, int(time.time())
    if folder:
        member.type = tarfile.DIRTYPE
    return member


def not_there(said: str) -> bool:
    """Whether an engine says that a program is not there."""
    return "executable file not found" in said or ('exec: "' in said and "no such file or directory" in said)


def _because(why: str) -> str:
    return f": {why}" if why else ""


def _connected(port: int, timeout: float) -> socket.socket:
    first: OSError | None = None
    for host in ("127.0.0.1", "::1"):
        try:
            return socket.create_connection((host, port), timeout)
        except OSError as why:
            first = first or why
    assert first is not None
    raise first


def kill_tree(top: int) -> None:
    """End a process of this machine with all its descendants; those that left its tree are left."""
    from seatrial.drivers.process import _processes

    table = _processes()
    below = {top}
    while more := {pid for pid, one in table.items() if one.ppid in below and pid not in below}:
        below |= more
    for pid in below:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
