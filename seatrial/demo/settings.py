"""The service's settings: read from its environment, which the supervisor fills from the env file, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

from seatrial.words import Duration, Size

PREFIX = "DEMO_"


class BadSetting(ValueError):
    """A setting that is missing, unknown or unreadable."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One field a setting: `listen` is read from `DEMO_LISTEN`. Unknown `DEMO_` names are refused, never ignored."""

    listen: str
    """address:port of the service."""
    release: str
    """Version that was deployed."""
    store: str
    """The SQLite file."""
    redis_address: str
    """address:port of Redis."""
    redis_password: str = ""
    """Password of Redis; empty when it asks for none."""
    admin_token: str = ""
    """Bearer token of /admin/stats; it refuses everyone when empty."""
    readiness_asks: str = "store,cache"
    """What readiness asks, by name of component."""
    probe_timeout: str = "500ms"
    """How long a component may take to answer a probe."""
    request_timeout: str = "5s"
    """How long a request may take, from its first byte to its answer."""
    idle_timeout: str = "30s"
    """How long a connection may be idle."""
    max_body: str = "64KiB"
    """Largest request body."""
    max_connections: str = "512"
    """Connections served at once."""
    max_requests: str = "48"
    """Notes written and read at once; who comes on top is told to come back, before it costs anything."""
    drain: str = "200ms"
    """How long the service says "not ready" before it stops to listen."""
    grace: str = "2s"
    """How long requests in flight may take to finish."""
    log: str = "/dev/stderr"
    """Log file, JSON lines."""
    log_size: str = "1MiB"
    """Bound on what is kept of the log."""
    defect: str = ""
    """Name of the defect this build has."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Take the settings from an environment; raise `BadSetting` on the first one that is wrong."""
        known = {PREFIX + field.name.upper(): field.name for field in fields(cls)}
        given = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
        for name in sorted(given.keys() - known.keys()):
            raise BadSetting(f"{name} is not a setting of this service")
        for name in ("DEMO_LISTEN", "DEMO_RELEASE", "DEMO_STORE", "DEMO_REDIS_ADDRESS"):
            if not given.get(name):
                raise BadSetting(f"{name} is not set")
        settings = cls(**{known[name]: value for name, value in given.items()})
        for name in ("probe_timeout", "request_timeout", "idle_timeout", "drain", "grace", "max_body", "log_size"):
            try:
                (Size if name in ("max_body", "log_size") else Duration).parse(getattr(settings, name))
            except ValueError as error:
                raise BadSetting(f"{PREFIX}{name.upper()}: {error}") from None
        return settings

    def seconds(self, name: str) -> float:
        """A duration, in seconds."""
        return float(Duration.parse(getattr(self, name)).seconds)

    def bytes(self, name: str) -> int:
        """A size, in bytes."""
        return Size.parse(getattr(self, name)).bytes


def address(text: str) -> tuple[str, int]:
    """`127.0.0.1:8080` as host and port."""
    host, _, port = text.rpartition(":")
    return host, int(port)


def write_env_file(path: Path, values: Mapping[str, str]) -> None:
    """Write an env file that only its owner can read: it holds the passwords."""
    for name, value in values.items():
        if "\n" in value:
            raise ValueError(f"{name} holds a newline, which an env file can't carry")
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")


def read_env_file(path: Path) -> dict[str, str]:
    """Read NAME=value lines; comments and empty lines are skipped."""
    values = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not name.startswith("#"):
            values[name.strip()] = value
    return values
