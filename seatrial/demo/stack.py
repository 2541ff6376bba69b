"""The stack: what is started, with which configuration, and what is announced about it."""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import seatrial
from seatrial.demo import VERSION, backup, control, defects, redis_server, settings
from seatrial.demo.children import Child, reserve_port
from seatrial.demo.datadir import ANNOUNCED, DataDir
from seatrial.demo.resp import Connection, RedisError

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")


class NotUp(Exception):
    """The stack did not come up: one line that says why."""


@dataclass(slots=True)
class Plan:
    """What a defect may change before anything is started."""

    settings: dict[str, str]
    """The service's env file."""
    env_file_mode: int
    """Its mode."""
    redis: dict[str, str]
    """redis.conf."""
    free_address: str
    """An address of loopback where nothing listens."""
    backups: str = ""
    """How the store is copied for a backup, when not as it should be: a name of `unsaved.HOWS`."""
    after_up: list[Callable[[Stack], None]] = field(default_factory=list)
    """What is done to the running stack before it is announced."""


class Stack:
    """Redis and the service, below one data directory."""

    def __init__(self, data: DataDir, program: str, defect: str, pause: Callable[[float], None]) -> None:
        self._data, self._defect, self._pause = data, defect, pause
        # Kept open as long as the stack lives: its ports are the same after a restart.
        self._reserved = {name: reserve_port() for name in ("api", "redis", "nobody")}
        ports = {name: int(held.getsockname()[1]) for name, held in self._reserved.items()}
        self._run, self._store, self._redis = data.folder("run"), data.folder("store"), data.folder("redis")
        self.backups = data.folder("backups")
        self._password, self._token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self._ports = ports
        self._down: set[str] = set()
        self.plan = self._make_plan()
        if defect:
            defects.apply(defect, self.plan)

        self.env_file = data.path / "api.env"
        settings.write_env_file(self.env_file, self.plan.settings)
        self.env_file.chmod(self.plan.env_file_mode)
        self._run.joinpath(backup.HOW).write_text(self.plan.backups)
        redis_conf = data.path / "redis.conf"
        redis_server.write(redis_conf, self.plan.redis)

        environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        # The service is the same code as this supervisor, from wherever that was imported.
        environ["PYTHONPATH"] = str(Path(seatrial.__file__).parent.parent)
        environ |= settings.read_env_file(self.env_file)
        self.children = {
            "redis": Child(
                "redis", [program, str(redis_conf)], {"LANG": "C.UTF-8"}, self._run, int(self.plan.redis["port"])
            ),
            "api": Child("api", [sys.executable, "-P", "-m", "seatrial.demo", "api"], environ, self._run, ports["api"]),
        }

    def _make_plan(self) -> Plan:
        address = {name: f"127.0.0.1:{port}" for name, port in self._ports.items()}
        return Plan(
            settings={
                "DEMO_LISTEN": address["api"],
                "DEMO_RELEASE": VERSION,
                "DEMO_STORE": str(self._store / "notes.db"),
                "DEMO_REDIS_ADDRESS": address["redis"],
                "DEMO_REDIS_PASSWORD": self._password,
                "DEMO_ADMIN_TOKEN": self._token,
                "DEMO_READINESS_ASKS": "store,cache",
                "DEMO_PROBE_TIMEOUT": "500ms",
                "DEMO_REQUEST_TIMEOUT": "5s",
                "DEMO_MAX_BODY": "64KiB",
                "DEMO_DRAIN": "200ms",
                "DEMO_GRACE": "2s",
                "DEMO_LOG": str(self._run / "api.log"),
                "DEMO_LOG_SIZE": "1MiB",
            },
            env_file_mode=0o600,
            redis=redis_server.directives(self._ports["redis"], self._redis, self._password),
            free_address=address["nobody"],
        )

    def start(self, within: float = 20.0) -> None:
        """Start everything, and wait until it listens; a stack without a defect must also say that it is ready."""
        deadline = time.monotonic() + within
        for child in self.children.values():
            child.start()
        for child in self.children.values():
            while not child.listens():
                self._still_waiting(deadline, f"{child.name} does not listen on 127.0.0.1:{child.port}", child)
        while not self._defect and not self._ready():
            self._still_waiting(deadline, "the service does not become ready", self.children["api"])
        self._back_up()
        for action in self.plan.after_up:
            action(self)
        self.write_announcement()

    def _back_up(self) -> None:
        """The backup that was made last night, as it were; there is one of a defective stack, too."""
        for password in (self.plan.redis.get("requirepass", ""), ""):
            with contextlib.suppress(OSError, RedisError), self._redis_as(password) as redis:
                backup.take(self.backups, Path(self.plan.settings["DEMO_STORE"]), redis)
                return

    def _redis_as(self, password: str) -> Connection:
        return Connection("127.0.0.1", int(self.plan.redis["port"]), password.strip('"'), timeout=2)

    def _still_waiting(self, deadline: float, what: str, child: Child) -> None:
        if child.ended():
            raise NotUp(f"{child.name} ended while it started: {child.last_words() or 'it said nothing'}")
        if time.monotonic() > deadline:
            raise NotUp(f"{what}: {child.last_words() or 'it said nothing'}")
        self._pause(0.005)

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._ports["api"], timeout=2)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        return False

    def announcement(self) -> dict[str, str]:
        """What the profile refers to, by name."""
        api, redis = self.children["api"], self.children["redis"]
        return {
            "DEMO_API_URL": f"http://127.0.0.1:{api.port}",
            "DEMO_API_ADDRESS": f"127.0.0.1:{api.port}",
            "DEMO_API_PORT": str(api.port),
            "DEMO_API_PID": str(api.pid),
            "DEMO_API_PIDFILE": str(api.pidfile),
            "DEMO_API_LOG": self.plan.settings["DEMO_LOG"],
            "DEMO_REDIS_ADDRESS": f"127.0.0.1:{self._ports['redis']}",
            "DEMO_REDIS_PORT": str(self._ports["redis"]),
            "DEMO_REDIS_PID": str(redis.pid),
            "DEMO_REDIS_PIDFILE": str(redis.pidfile),
            "DEMO_REDIS_PASSWORD": self._password,
            "DEMO_ADMIN_TOKEN": self._token,
            "DEMO_DATA_DIR": str(self._data.path),
            "DEMO_STORE_DIR": str(self._store),
            "DEMO_REDIS_DIR": str(self._redis),
            "DEMO_BACKUP_DIR": str(self.backups),
            "DEMO_ENV_FILE": str(self.env_file),
            "DEMO_SUPERVISOR_PID": str(os.getpid()),
        }

    def write_announcement(self) -> None:
        """Keep the announcement in the data directory: backups and a second audit find the stack by it."""
        new = self._data.path / f"{ANNOUNCED}.new"
        settings.write_env_file(new, self.announcement())
        new.replace(self._data.path / ANNOUNCED)

    def mend(self) -> None:
        """Start again what died, as a service manager would."""
        for child in self.children.values():
            if not child.ended() or not child.restarts:
                continue
            if not child.may_restart():
                raise NotUp(f"{child.name} keeps ending: {child.last_words() or 'it said nothing'}")
            child.start()
            self.write_announcement()

    def obey(self) -> None:
        """Stop what an operator wants down, and start what nobody wants down any more."""
        for name, child in self.children.items():
            down = control.held(self._data.path, name).exists()
            if down and name not in self._down and child.restarts:
                self._down.add(name)
                self.take_down(name)
            elif not down and name in self._down:
                self._down.discard(name)
                child.restarts = True
                child.start()
                self.write_announcement()

    def take_down(self, name: str) -> None:
        """Stop a part for good."""
        self.children[name].restarts = False
        self.children[name].stop()

    def stop(self) -> None:
        """Stop everything, the service before what it needs, before anyone who waits for it loses patience."""
        self.children["api"].stop(within=3.0)
        self.children["redis"].stop(within=1.5)
        for held in self._reserved.values():
            held.close()
