"""Real programs on loopback, each its own child, with a conforming configuration but for what is said."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.ports import free_port, listener_of
from tests.lab.relay import make_certificates

__all__ = ["Program", "engine_relay", "missing", "nginx", "postgres", "profile", "prometheus", "redis", "worker"]

PASSWORD = "a-password-of-the-lab"
Made = contextlib.AbstractContextManager["Program"]


@dataclass(frozen=True)
class Program:
    """A program that runs."""

    pid: int
    port: int = 0
    extra: int = 0
    """A second port."""

    @property
    def at(self) -> str:
        """Where it listens when it conforms."""
        return f"127.0.0.1:{self.port}"


@contextlib.contextmanager
def _running(
    command: list[str], port: int, *, extra: int = 0, up: Callable[[int], bool] | None = None, **words: Any
) -> Iterator[Program]:
    """Run a command until the end of the block; it is up when it, or a child of its, listens."""
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0, **words
    )
    try:
        end = time.monotonic() + 20
        while not (up(child.pid) if up else not port or _is_ours(listener_of(port), child.pid)):
            if child.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{command[0]} did not start: {(child.stdout.read() if child.stdout else b'')!r}")
            time.sleep(0.02)
        yield Program(child.pid, port, extra)
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout:
            child.stdout.close()


def _status(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 503


def _is_ours(holder: int | None, pid: int) -> bool:
    """Loopback is shared: whoever listens there must be our child or one of its children."""
    while holder and holder != pid:
        try:
            holder = int(Path(f"/proc/{holder}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            return False
    return bool(holder)


def redis(folder: Path, *, bind: str = "127.0.0.1", password: str = PASSWORD) -> Made:
    """A Redis with a password and no data."""
    port = free_port()
    config = folder / f"redis-{port}.conf"
    lines = [f"bind {bind}", f"port {port}", 'save ""', f"dir {folder}", "protected-mode no"]
    config.write_text("\n".join([*lines, f"requirepass {password}" if password else "", ""]))
    return _running([shutil.which("redis-server") or "redis-server", str(config)], port)


def nginx(
    folder: Path,
    *,
    bind: str = "127.0.0.1",
    private: bool = True,
    second: bool = True,
    third: bool = False,
    tls: bool = False,
) -> Made:
    """An nginx on two ports, that asks for a password."""
    folder = folder / f"nginx-{free_port()}"
    folder.mkdir()
    folder.chmod(0o755)
    port, extra = free_port(), free_port()
    (folder / "index.html").write_text("hello\n")
    (folder / "users").write_text("harbor:{PLAIN}" + PASSWORD + "\n")
    secure = ""
    if tls:
        make_certificates(folder)
        secure = f"ssl_certificate {folder}/server/cert.pem; ssl_certificate_key {folder}/server/key.pem;"
    auth = f"auth_basic harbor; auth_basic_user_file {folder}/users;" if private else ""
    listens = [
        f"{bind}:{port}",
        *([f"127.0.0.1:{extra}"] if second else []),
        *([f"127.0.0.1:{free_port()}"] if third else []),
    ]
    temporary = " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    listening = " ".join(f"listen {at}{' ssl' if tls else ''};" for at in listens)
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; worker_processes 1; user root;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\n"
        f"server {{ {listening} {secure} root {folder}; {auth} }} }}\n"
    )
    return _running(["nginx", "-c", str(config), "-p", str(folder), "-e", "stderr"], port, extra=extra)


def prometheus(folder: Path, *, private: bool = True) -> Made:
    """A Prometheus that scrapes nothing and asks for a password."""
    folder = folder / f"prometheus-{free_port()}"
    folder.mkdir()
    port = free_port()
    (folder / "prometheus.yml").write_text("global: {}\n")
    # The hash of a password that nobody knows; bcrypt, as Prometheus wants it.
    (folder / "web.yml").write_text(
        "basic_auth_users: {harbor: $2y$05$abcdefghijklmnopqrstuuvz2yDOMoMWPnDKd2LmbPd9HPVv5hmSm}\n"
        if private
        else "{}\n"
    )
    words = ["--config.file", "--storage.tsdb.path", "--web.config.file", "--web.listen-address"]
    values = [f"{folder}/prometheus.yml", f"{folder}/data", f"{folder}/web.yml", f"127.0.0.1:{port}"]
    command = ["prometheus", *(f"{word}={value}" for word, value in zip(words, values, strict=True))]
    # It listens first, and answers 503 to everything until it has read its data.
    return _running(command, port, up=lambda pid: _is_ours(listener_of(port), pid) and _status(port, "/-/ready") != 503)


@contextlib.contextmanager
def postgres(folder: Path, *, method: str = "scram-sha-256", superuser: str = "postgres") -> Iterator[Program]:
    """A PostgreSQL of its own, run by nobody special."""
    bin_ = Path(_postgres())
    who = pwd.getpwnam("nobody")
    user = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    port = free_port()
    # Not below a folder of pytest's, which nobody else may enter.
    data = Path("/tmp") / f"lab-postgres-{os.getpid()}-{port}"
    data.mkdir(mode=0o700)
    try:
        if user:
            os.chown(data, who.pw_uid, who.pw_gid)
        secret = data / "password"
        secret.write_text(PASSWORD)
        if user:
            os.chown(secret, who.pw_uid, who.pw_gid)
        made = subprocess.run(
            [bin_ / "initdb", "-D", data / "db", "-U", superuser, "-A", method, f"--pwfile={secret}", "--no-sync"],
            cwd="/", capture_output=True, text=True, check=False, **user,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"initdb: {made.stderr}")
        command = [bin_ / "postgres", "-D", data / "db", "-p", str(port), "-c", "listen_addresses=127.0.0.1"]
        command += ["-c", f"unix_socket_directories={data}", "-c", "fsync=off"]
        ready = [bin_ / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        with _running(
            list(map(str, command)), port, cwd="/", **user,
            up=lambda _: subprocess.run(ready, check=False, stdout=subprocess.DEVNULL).returncode == 0,
        ) as running:  # fmt: skip
            yield running
    finally:
        shutil.rmtree(data)


def engine_relay(upstream: str) -> Made:
    """The engine's socket, on loopback for everybody: what `-H tcp://…` without TLS does."""
    port = free_port()
    code = (
        "import socket, sys, time; from tests.lab.relay import Relay\n"
        "relay = Relay(socket.create_server(('127.0.0.1', int(sys.argv[1]))), sys.argv[2])\n"
        "relay.start(); time.sleep(3600)"
    )
    return _running([sys.executable, "-c", code, str(port), upstream], port, cwd=Path(__file__).parents[3])


def worker(*, isolated: bool = False) -> Made:
    """A program that serves nothing; ``isolated`` in a network of its own, in which there is nobody."""
    ours = os.readlink("/proc/self/ns/net")
    command = [*(["unshare", "-n"] if isolated else []), "sleep", "3600"]
    return _running(command, 0, up=lambda pid: (os.readlink(f"/proc/{pid}/ns/net") != ours) is isolated)


def missing(*programs: Any) -> str:
    """What is not on this machine of the programs that these need."""
    needs = {redis: "redis-server", nginx: "nginx", prometheus: "prometheus", postgres: "initdb"}
    lacking = [
        needs[one] for one in programs if not shutil.which(needs[one], path=f"{os.environ['PATH']}:{_postgres()}")
    ]
    return f"not on this machine: {', '.join(lacking)}" if lacking else ""


def _postgres() -> str:
    """Where Debian keeps the programs of PostgreSQL."""
    return str(next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), ""))


def profile(folder: Path, services: dict[str, Any]) -> Path:
    """Write the profile of programs that run already; JSON is YAML."""
    path = folder / "programs.yaml"
    head = {"profile": "programs", "environment": "test", "target": {"driver": "process"}}
    path.write_text(json.dumps({**head, "services": services}, indent=1))
    return path
