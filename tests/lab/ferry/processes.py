"""Ferry as plain processes: the service and a real redis-server on loopback, under a small supervisor, with a profile.

    from tests.lab.ferry.processes import ferry

    with ferry(tmp_path) as running:                                    # right in everything
        Run(running.profile, tmp_path, mode="drill", SEATRIAL_STATE=…)

    with ferry(tmp_path, wrong="readiness-blind", env={"FERRY_TIMEOUT": "1"},
               services={"api": {"readiness": {"unready_within": "3s"}, "work": None}}) as running: ...

`wrong` and `env` make the program (see `service.py`), `redis="optional"` makes Redis optional to it and to the profile,
`services` and `target` are merged deeply into the profile (None takes a key away). What it gives: `running.profile` (a file),
`running.folder`, `running.port` and `running.redis_port`, `running.pid("api")`, and `running.tell("stop", "redis")` for the
supervisor's commands (stop, start, restart, replace). The profile declares `process.pid` by a file, `process.stop` and
`.start`, the probes with short bounds, a canary with sentinel, read-back and removal, work, limits, a rate limit, retries and
breaker, and a lifecycle with an upgrade, its rollback and the rotation of a key; every command works from anywhere.

The supervisor ends with the block, and when whoever holds it is killed (its standard input closes); it takes the services
with it. Needs redis-server on the path.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.ports import free_port

__all__ = ["HERE", "Processes", "behaviour", "ferry", "merged"]

HERE = Path(__file__).parent
PYTHON = [sys.executable, "-I", "-S"]
KEY, NEXT_KEY = "a-key-of-the-lab", "the-next-key-of-the-lab"


def merged(base: Any, change: Any) -> Any:
    """A mapping with another merged into it, key by key; None takes a key away."""
    if not isinstance(base, Mapping) or not isinstance(change, Mapping):
        return change
    result = dict(base)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


@dataclass(frozen=True)
class Processes:
    """Ferry, running."""

    folder: Path
    profile: Path
    port: int
    redis_port: int

    @property
    def url(self) -> str:
        """Of the service."""
        return f"http://127.0.0.1:{self.port}"

    def pid(self, service: str) -> int:
        """Of the process that runs now."""
        return int((self.folder / f"{service}.pid").read_text())

    def tell(self, verb: str, service: str, *changes: str) -> None:
        """Tell the supervisor to stop, start, restart or replace a service, and wait until it has."""
        subprocess.run([*_command(self.folder, verb), service, *changes], check=True, timeout=60)

    def log(self, service: str) -> str:
        """What a service has printed."""
        return (self.folder / f"{service}.log").read_text(errors="replace")


def _command(folder: Path, verb: str) -> list[str]:
    return [*PYTHON, str(HERE / "supervisor.py"), verb, str(folder)]


def behaviour(*, optional: bool = False) -> dict[str, Any]:
    """What ferry's service declares of its behaviour, whatever it runs as, with short bounds."""
    sentinel = "sentinel"
    note = {"id": sentinel, "text": f"kept for {sentinel}"}
    breaker = {"failures": 3, "open_for": "2s", "fails_within": "400ms"}
    return {
        "liveness": {"path": "/health/live", "timeout": "2s", "period": "1s", "failure_threshold": 3},
        "readiness": {
            "path": "/health/ready", "timeout": "2s", "period": "1s", "failure_threshold": 1,
            "unready_within": "3s", "ready_within": "5s", "polls": 3,
        },
        "startup": {"path": "/health/started", "timeout": "2s", "period": "1s", "failure_threshold": 10},
        "health": {
            "path": "/health", "timeout": "3s", "version": "version", "status": "status", "components": "components",
            "expect": {"status": [200, 503]},
        },
        "canary": {
            "post": "/notes", "sentinel": sentinel, "body": note, "expect": {"status": 201}, "timeout": "5s",
            "read_back": {"get": f"/notes/{sentinel}", "expect": {"match": {"text": f"kept for {sentinel}"}}},
            "remove": {"delete": f"/notes/{sentinel}", "expect": {"status": 204}},
        },
        "work": {
            "post": "/work", "sentinel": sentinel, "body": {"id": sentinel}, "expect": {"status": 202}, "timeout": "5s",
            "read_back": {"get": f"/work/{sentinel}", "expect": {"match": {"state": "done"}}},
        },
        "slowest": {"get": "/slow?seconds=2", "timeout": "6s", "only_reads": True},
        "depends_on": {"redis": {"optional": True} if optional else {"timeout": "3s", "retries": 2, "breaker": breaker}},
        "limits": [
            {"name": "text", "post": "/notes", "sentinel": sentinel, "body": note, "field": "text", "at": 1000,
             "status": 422, "expect": {"status": 201}},
            {"name": "top_k", "post": "/search", "body": {"q": "x", "top_k": 1}, "field": "top_k", "at": 100,
             "status": 422, "only_reads": True},
        ],
        "rate_limits": [{"name": "reports", "get": "/report", "allowed": 5, "per": "2s"}],
        "persistence": {"survives": ["restart", "kill"]},
        "grace_period": "8s",
        "restart_within": "4s",
        "cold_start_within": "15s",
    }  # fmt: skip


def _lifecycle(folder: Path) -> dict[str, Any]:
    """Upgrade, rollback and rotation as operators would type them."""
    replace = [*_command(folder, "replace"), "api"]
    return {
        "errors": "5%",
        "upgrade": {"command": [*replace, "FERRY_VERSION=1.1.0"], "version": "1.1.0", "within": "30s"},
        "rollback": {"command": [*replace, "FERRY_VERSION=1.0.0"], "version": "1.0.0", "within": "30s"},
        "rotate": {
            "admin": {
                "command": ["cp", str(folder / "next"), str(folder / "key")],
                "back": ["cp", str(folder / "before"), str(folder / "key")],
                "call": {"get": "/admin", "headers": {"X-Key": {"file": str(folder / "before")}}, "only_reads": True},
                "renewed": {"get": "/admin", "headers": {"X-Key": {"file": str(folder / "next")}}, "only_reads": True},
            }
        },
    }


@contextlib.contextmanager
def ferry(
    folder: Path,
    *,
    wrong: str = "",
    redis: str = "required",
    env: Mapping[str, str] | None = None,
    services: Mapping[str, Any] | None = None,
    target: Mapping[str, Any] | None = None,
    supervised: Mapping[str, Any] | None = None,
    wait: bool = True,
) -> Iterator[Processes]:
    """Ferry, up and ready, until the end of the block.

    Args:
        folder: where everything of it lies; a folder below it is made.
        wrong: what is wrong with the service, as FERRY_WRONG.
        redis: required or optional.
        env: more of the service's environment.
        services: merged into the profile's services.
        target: merged into the profile's target.
        supervised: merged into what the supervisor is told, by service (`delay`, `restart`).
        wait: whether it must be ready before the block begins.
    """
    made = folder / f"ferry-{free_port()}"
    made.mkdir(parents=True, mode=0o700)
    port, redis_port = free_port(), free_port()
    for name, key in (("before", KEY), ("key", KEY), ("next", NEXT_KEY)):
        (made / name).write_text(key)
    optional = redis == "optional"
    environment = {
        "FERRY_PORT": str(port), "FERRY_REDIS": f"127.0.0.1:{redis_port}", "FERRY_DATA": str(made / "data"),
        "FERRY_REDIS_OPTIONAL": "1" if optional else "", "FERRY_KEY_FILE": str(made / "key"), "FERRY_VERSION": "1.0.0",
        "FERRY_WRONG": wrong, **(env or {}),
    }  # fmt: skip
    store = ["redis-server", "--bind", "127.0.0.1", "--port", str(redis_port), "--save", "", "--dir", str(made)]
    store[0] = shutil.which("redis-server") or store[0]
    told = {
        "redis": {"command": store, "port": redis_port, "delay": 0.3},
        "api": {"command": [*PYTHON, "-u", str(HERE / "service.py")], "port": port, "env": environment, "delay": 0.5,
                "grace": 10},
    }  # fmt: skip
    (made / "services.json").write_text(json.dumps(merged(told, supervised or {})))

    def process(name: str) -> dict[str, Any]:
        return {
            "pid": {"file": str(made / f"{name}.pid")},
            "stop": [*_command(made, "stop"), name],
            "start": [*_command(made, "start"), name],
        }

    declared = {
        "api": {
            "url": f"http://127.0.0.1:{port}", "process": process("api"), **behaviour(optional=optional),
            "lifecycle": _lifecycle(made),
        },
        "redis": {"process": process("redis"), "protocol": "redis", "port": redis_port},
    }  # fmt: skip
    profile = made / "ferry.yaml"
    head = {"profile": "ferry", "summary": "Ferry as plain processes.", "environment": "test"}
    # JSON is YAML.
    profile.write_text(
        json.dumps(
            {
                **head,
                "target": merged({"driver": "process"}, target or {}),
                "services": merged(declared, services or {}),
            },
            indent=1,
        )
    )
    supervisor = subprocess.Popen(
        [*PYTHON, str(HERE / "supervisor.py"), "run", str(made)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0,
    )  # fmt: skip
    assert supervisor.stdout is not None
    assert supervisor.stdin is not None
    running = Processes(made, profile, port, redis_port)
    try:
        if supervisor.stdout.readline() != b"up\n":
            raise RuntimeError(f"ferry did not start: {running.log('api')[-2000:] if wait else ''}")
        if wait:
            _await_ready(running)
        yield running
    finally:
        supervisor.stdin.close()
        try:
            supervisor.wait(15)
        except subprocess.TimeoutExpired:
            supervisor.kill()  # its children die with it
            supervisor.wait()
        supervisor.stdout.close()


def _await_ready(running: Processes) -> None:
    end = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{running.url}/health/ready", timeout=2):
            return
        if time.monotonic() > end:
            raise RuntimeError(f"ferry is not ready: {running.log('api')[-2000:]}")
        time.sleep(0.05)
