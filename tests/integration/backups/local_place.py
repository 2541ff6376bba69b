"""The machine itself as a place, for tests of stores: what `Place` asks, by child processes and nothing else."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from seatrial.drills.place import Entry, Result
from seatrial.words import CouldNotLook

KINDS = {
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFREG: "file",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


class LocalPlace:
    """A folder of this machine."""

    name = "a folder of the test"
    scratch = True

    def __init__(self, session: Any, values: dict[str, str] | None = None, *, most: int = 1024**2) -> None:
        self.session = session
        self.values = values or {}
        self.most = most

    @property
    def processes(self) -> str:
        return f"local {os.getpid()}"

    def resolve(self, value: Any) -> str:
        if getattr(value, "env", None) in self.values:
            return self.values[value.env]
        return value if isinstance(value, str) else str(self.session.resolve(value))

    def run(self, command, *, stdin=b"", environment=None, within=60.0) -> Result:
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as error:
            try:
                child = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=output, stderr=error, start_new_session=True,
                    env={**os.environ, **self.values, **(environment or {})},
                )  # fmt: skip
            except OSError as why:
                raise CouldNotLook(f"{command[0]} could not be run: {why.strerror}") from None
            try:
                child.communicate(stdin, timeout=within)
            except subprocess.TimeoutExpired:
                raise CouldNotLook(f"{command[0]} was not done within {within:g} s") from None
            except BrokenPipeError:
                child.wait(within)
            finally:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
            if output.tell() > self.most * 256 or output.seek(0, 2) > self.most * 256:
                raise CouldNotLook(f"{command[0]} prints more than is read")
            output.seek(0), error.seek(0)
            return Result(child.returncode, output.read(), error.read())

    def connect(self, port: int, *, timeout: float = 10.0) -> socket.socket:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout)
        except OSError as why:
            raise CouldNotLook(f"port {port}: {why}") from None

    def entries(self, path: str, *, most: int = 100_000) -> tuple[Entry, ...]:
        if not os.path.lexists(path):
            return ()
        found = [path]
        if os.path.isdir(path) and not os.path.islink(path):
            for root, folders, files in os.walk(path):
                found += [f"{root}/{name}" for name in (*folders, *files)]
        return tuple(self._entry(one) for one in sorted(found))

    def _entry(self, path: str) -> Entry:
        seen = os.lstat(path)
        kind = KINDS[stat.S_IFMT(seen.st_mode)]
        return Entry(
            path, kind, seen.st_size, stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid, seen.st_mtime,
            os.readlink(path) if kind == "link" else "",
        )  # fmt: skip

    def read(self, path: str, *, most: int = 2 * 1024**3) -> bytes:
        try:
            return Path(path).read_bytes()
        except OSError as why:
            raise CouldNotLook(f"{path}: {why.strerror}") from None

    def fetch(self, path: str, to: Path, *, most: int = 8 * 1024**3) -> None:
        if os.path.isdir(path):
            special = lambda root, names: [  # noqa: E731 - sockets and pipes are not copied
                name for name in names if self._entry(f"{root}/{name}").kind in ("socket", "fifo")
            ]
            shutil.copytree(path, to, symlinks=True, ignore=special)
        else:
            shutil.copy2(path, to)

    def put(self, source: Path, path: str, *, mode: int | None = None) -> None:
        self.remove(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copytree(source, path, symlinks=True) if source.is_dir() else shutil.copy2(source, path)
        if mode is not None:
            os.chmod(path, mode)

    def remove(self, path: str) -> None:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)
