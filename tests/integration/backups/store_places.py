"""A place that is a folder of this machine, and servers that run in one: what tests of stores read and write."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from seatrial.drills.place import Entry, Result
from seatrial.drivers import Session
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook

POSTGRES = Path("/usr/lib/postgresql/15/bin")
KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo"}


def session(tier: Tier = Tier.write) -> Session:
    """A run that was granted that, of a profile with nothing in it."""
    nothing: Any = SimpleNamespace(services={})
    return Session(nothing, Path("/"), lambda value: "" if value is None else str(value), granted=tier)


class Folder:
    """A place of this machine, as little of one as a store needs."""

    def __init__(self, path: Path, tier: Tier = Tier.write, *, scratch: bool = True) -> None:
        self.path, self.name, self.scratch = path, f"folder {path.name}", scratch
        self.session = session(tier)
        self.processes = str(path)

    def resolve(self, value: Any) -> str:
        return self.session.resolve(value)

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        within: float = 60.0,
    ) -> Result:
        try:
            ran = subprocess.run(command, input=stdin, capture_output=True, timeout=within, check=False)
        except FileNotFoundError:
            return Result(127, b"", b"not found")
        return Result(ran.returncode, ran.stdout, ran.stderr)

    def connect(self, port: int, *, timeout: float = 10.0) -> socket.socket:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout)
        except OSError as why:
            raise CouldNotLook(f"port {port} of {self.name}: {type(why).__name__}") from None

    def entries(self, path: str, *, most: int = 100_000) -> tuple[Entry, ...]:
        top = Path(path)
        found = [top, *top.rglob("*")] if os.path.lexists(top) else []
        return tuple(map(_entry, sorted(found)))

    def read(self, path: str, *, most: int = 2 * 1024**3) -> bytes:
        return Path(path).read_bytes()

    def fetch(self, path: str, to: Path, *, most: int = 8 * 1024**3) -> None:
        try:
            shutil.copy2(path, to)
        except FileNotFoundError:
            raise CouldNotLook(f"{path} is not there") from None

    def put(self, source: Path, path: str, *, mode: int | None = None) -> None:
        shutil.copy2(source, path)

    def remove(self, path: str) -> None:
        Path(path).unlink(missing_ok=True)

    def procedure(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError


def _entry(path: Path) -> Entry:
    told = path.lstat()
    kind = KINDS.get(stat.S_IFMT(told.st_mode), "device")
    return Entry(
        str(path), kind, told.st_size, stat.S_IMODE(told.st_mode), told.st_uid, told.st_gid, told.st_mtime_ns / 1e9
    )


def free() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(done: Callable[[], object], what: str, within: float = 20.0) -> None:
    """Wait for something."""
    end = time.monotonic() + within
    while not done():
        assert time.monotonic() < end, f"{what}: not within {within} s"
        time.sleep(0.02)


class RedisServer:
    """A Redis of our own in a folder; started and stopped like a program of a machine."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.options, self.port = folder, options, free()
        folder.mkdir(parents=True, exist_ok=True)
        self.child: subprocess.Popen[bytes] | None = None

    def start(self, *, ready: bool = True) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        self.child = subprocess.Popen(
            [*command, "--loglevel", "warning", *self.options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        if ready:
            until(lambda: self.ask("PING").startswith(("PONG", "NOAUTH")), "Redis", within=60)

    def ask(self, *command: str) -> str:
        """What redis-cli prints."""
        return subprocess.run(
            ["redis-cli", "-h", "127.0.0.1", "-p", str(self.port), *command],
            capture_output=True, check=False, text=True, errors="replace", timeout=30,
        ).stdout  # fmt: skip

    def stop(self, *, kill: bool = False) -> None:
        if self.child is not None:
            (self.child.kill if kill else self.child.terminate)()
            self.child.wait(20)
            self.child = None


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[RedisServer]:
    server = RedisServer(folder, *options)
    try:
        server.start()
        yield server
    finally:
        server.stop(kill=True)


class PostgresServer:
    """A PostgreSQL of our own, run as the user that it wants to be run as."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data, self.port = folder, folder / "data", free()
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name

    def command(self, program: str, *arguments: str, check: bool = True, stdin: bytes = b"") -> str:
        """What one of its programs prints."""
        as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        ran = subprocess.run(
            [*as_user, str(POSTGRES / program), *arguments], input=stdin, capture_output=True, timeout=120, check=False,
            cwd="/", env={**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres"},
        )  # fmt: skip
        assert ran.returncode == 0 or not check, ran.stderr.decode()[-2000:]
        return ran.stdout.decode("utf-8", "replace")

    def make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self.command(
            "initdb",
            "-D",
            str(self.data),
            "-U",
            "postgres",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        )

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c max_connections=20"
        self.command(
            "pg_ctl", "-D", str(self.data), "-w", "-t", "30", "-l", str(self.folder / "log"), "-o", options, "start"
        )

    def stop(self) -> None:
        self.command("pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "stop", check=False)

    def sql(self, *statements: str, database: str = "postgres") -> str:
        return self.command(
            "psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", database, stdin="\n".join(statements).encode()
        )


@contextmanager
def postgres_server(folder: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(folder)
    server.make()
    try:
        server.start()
        yield server
    finally:
        server.stop()
