"""A worker with a Redis and a PostgreSQL, all configured as declared, and each way in which one is not."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.defects import _programs as programs
from tests.integration.defects import defect

__all__ = ["Office", "office"]

SCHEMA = {
    "type": "object",
    "properties": {
        "store": {"type": "object"},
        "query": {"type": "object", "properties": {"depth": {"type": "integer"}}},
    },
    "additionalProperties": False,
}
ENVIRONMENT = {
    "MODE": "fast",
    "DB_URL": "postgres://db/notes",
    "BUCKET": "notes",
    "LOG_LEVEL": "info",
    "API_KEY": "q7Rz-41mT-x0Vb-88sK",
}


@dataclass
class Office:
    """What runs, and what its profile declares."""

    folder: Path
    redis: programs.Program
    postgres: programs.Program
    variables: dict[str, str] = field(default_factory=lambda: dict(ENVIRONMENT))
    edited: dict[str, str] = field(default_factory=dict)
    """What the env file says otherwise, since the worker started."""
    text: str = "store: {bucket: notes}\nquery: {depth: 32}\n"
    least: str = "6.0"

    def profile(self, pid: int) -> Path:
        """Write the profile; JSON is YAML."""
        (self.folder / "app.yaml").write_text(self.text)
        lines = {**self.variables, **self.edited}
        (self.folder / "app.env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        (self.folder / "password").write_text(programs.PASSWORD)
        login = {"password": {"file": "password"}}
        services = {
            "worker": {
                "process": {"pid": pid},
                "environment": {
                    "required": ["MODE", "API_KEY"],
                    "one_of": ["DB_URL", "DB_HOST"],
                    "values": {"BUCKET": "notes"},
                    "allowed": {"LOG_LEVEL": ["debug", "info"]},
                    "file": "app.env",
                },
                "configuration": {
                    "files": [{"path": "app.yaml", "json_schema": SCHEMA, "values": {"query.depth": 32}}]
                },
            },
            "redis": {
                "protocol": "redis",
                "port": self.redis.port,
                "process": {"pid": self.redis.pid},
                "configuration": {"reports": {**login, "values": {"maxmemory": "64mb"}}, "min_version": self.least},
            },
            "postgres": {
                "protocol": "postgres",
                "port": self.postgres.port,
                "process": {"pid": self.postgres.pid},
                "configuration": {"reports": {**login, "values": {"shared_buffers": "128MB", "max_connections": 100}}},
            },
        }
        bucket = [
            {"service": "worker", "environment": "BUCKET"},
            {"file": "app.yaml", "at": "store.bucket"},
            {"file": "app.env", "match": "BUCKET=(.*)"},
        ]
        head = {"profile": "office", "environment": "test", "target": {"driver": "process"}}
        file = self.folder / "office.yaml"
        file.write_text(json.dumps({**head, "services": services, "same": {"bucket": bucket}}, indent=1))
        return file

    @contextlib.contextmanager
    def worker(self) -> Iterator[int]:
        """The worker, with its environment and no other."""
        child = subprocess.Popen(["/bin/sleep", "600"], env=self.variables, stdin=subprocess.DEVNULL)
        try:
            # Until its own program has begun, /proc shows the environment of whoever started it.
            while os.readlink(f"/proc/{child.pid}/exe").endswith("python"):
                time.sleep(0.01)
            yield child.pid
        finally:
            child.kill()
            child.wait()

    def set_in_redis(self, name: str, value: str) -> None:
        """Change a setting of the running Redis by hand."""
        words = ["redis-cli", "-p", str(self.redis.port), "--no-auth-warning", "-a", programs.PASSWORD]
        subprocess.run([*words, "CONFIG", "SET", name, value], check=True, capture_output=True)

    def tell_postgres(self, *statements: str) -> None:
        """Run statements as its owner."""
        import psycopg

        login: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.postgres.port,
            "user": "postgres",
            "dbname": "postgres",
        }
        with psycopg.connect(**login, password=programs.PASSWORD, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)
        time.sleep(0.3)  # a reload is asked for, and done a moment later

    def reset(self) -> None:
        """The servers as they were."""
        self.set_in_redis("maxmemory", "64mb")
        self.tell_postgres("ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()")


@contextlib.contextmanager
def office(folder: Path) -> Iterator[Office]:
    """Redis and PostgreSQL, up and as declared."""
    with programs.redis(folder) as redis, programs.postgres(folder) as postgres:
        made = Office(folder, redis, postgres)
        made.reset()
        yield made


@defect(turns_red=("CFG-001",))
def forgotten_variable(office: Office) -> None:
    del office.variables["API_KEY"]


@defect(turns_red=("CFG-002",))
def variable_that_the_shell_did_not_have(office: Office) -> None:
    office.variables["MODE"] = ""


@defect(turns_red=("CFG-003",))
def no_database_at_all(office: Office) -> None:
    del office.variables["DB_URL"]


@defect(turns_red=("CFG-004",))
def value_of_another_deployment(office: Office) -> None:
    office.variables["BUCKET"] = "staging"
    office.text = office.text.replace("notes", "staging")


@defect(turns_red=("CFG-005",))
def misspelt_level(office: Office) -> None:
    office.variables["LOG_LEVEL"] = "infos"


@defect(turns_red=("CFG-006",))
def env_file_edited_after_the_start(office: Office) -> None:
    office.edited["MODE"] = "thorough"


@defect(turns_red=("CFG-006",))
def rotated_key_without_a_restart(office: Office) -> None:
    office.edited["API_KEY"] = "m3Wd-90pL-c5Jh-27nF"


@defect(turns_red=("CFG-008",), hides=("CFG-009", "CFG-010", "CFG-014"))
def unfinished_edit(office: Office) -> None:
    office.text += "query: {depth\n"


@defect(turns_red=("CFG-009",))
def misspelt_key(office: Office) -> None:
    office.text += "qeury: {depth: 32}\n"


@defect(turns_red=("CFG-010",))
def other_depth(office: Office) -> None:
    office.text = office.text.replace("32", "64")


@defect(turns_red=("CFG-011",))
def setting_changed_by_hand(office: Office) -> None:
    office.set_in_redis("maxmemory", "32mb")


@defect(turns_red=("CFG-012",))
def change_that_waits_for_a_restart(office: Office) -> None:
    office.tell_postgres("ALTER SYSTEM SET max_connections = 50", "SELECT pg_reload_conf()")


@defect(turns_red=("CFG-013",))
def later_version_demanded(office: Office) -> None:
    office.least = "99.1"


@defect(turns_red=("CFG-014",))
def bucket_renamed_in_one_place(office: Office) -> None:
    office.text = office.text.replace("bucket: notes", "bucket: archive")
