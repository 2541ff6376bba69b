"""What this machine has of the things that integration tests need, and which of them a run must not do without."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

from . import browser, compose, emulation
from .engine import Engine
from .images import LabError


def _docker() -> str | None:
    engine = Engine()
    if not engine.answers():
        return f"no Docker engine answers on {engine.path}"
    return None if shutil.which("docker") else "an engine answers, but there is no docker command"


def _redis() -> str | None:
    return None if shutil.which("redis-server") else "no redis-server on PATH"


def _rclone() -> str | None:
    return None if shutil.which("rclone") else "no rclone on PATH"


def _prometheus() -> str | None:
    programs = ("prometheus", "promtool", "prometheus-alertmanager", "amtool")
    lacking = [program for program in programs if not shutil.which(program)]
    return f"no {' and no '.join(lacking)} on PATH" if lacking else None


def _allure() -> str | None:
    return None if shutil.which("allure") else "no allure command: npm install -g allure"


def _yaml_language_server() -> str | None:
    found = shutil.which("yaml-language-server")
    return None if found else "no yaml-language-server on PATH: npm install -g yaml-language-server"


def _compose(kind: str) -> Callable[[], str | None]:
    return lambda: _docker() or (None if compose.find(kind) else f"no {kind} here: see `python -m tests.lab status`")


def _arm64() -> str | None:
    if reason := _docker():
        return reason
    if not shutil.which("go"):
        return "no go on PATH, with which a program for arm64 is built"
    try:
        emulation.arm64()
    except LabError as why:
        return str(why)
    return None


def _chromium() -> str | None:
    if browser.find() is None:
        return "no chromium on PATH"
    return None if browser.axe() else "no axe-core: see tests/lab/axe.txt"


def _systems() -> str | None:
    if reason := _docker():
        return reason
    if not (compose.find("compose2") or compose.find("compose1")):
        return "no compose here: see `python -m tests.lab status`"
    if not shutil.which("go"):
        return "no go on PATH, with which MinIO and the stand-ins are built"
    try:
        emulation.arm64()
    except LabError as why:
        return str(why)
    return None


def _procedures() -> str | None:
    if reason := _docker():
        return reason
    if not (compose.find("compose2") or compose.find("compose1")):
        return "no compose here: see `python -m tests.lab status`"
    lacking = [
        f"host-{name}" for name in ("redis", "site", "viking") if not Engine().image(f"seatrial-systems/host-{name}")
    ]
    return f"no {' and no '.join(lacking)}: run `python -m tests.systems hosts`" if lacking else None


NEEDS: dict[str, Callable[[], str | None]] = {
    "docker": _docker,
    "redis": _redis,
    "rclone": _rclone,
    "prometheus": _prometheus,
    "compose1": _compose("compose1"),
    "compose2": _compose("compose2"),
    "procedures": _procedures,
    "systems": _systems,
    "arm64": _arm64,
    "allure": _allure,
    "yaml-language-server": _yaml_language_server,
    "chromium": _chromium,
}
"""Each thing that a test can need, and why it is not here (None when it is)."""


def missing(name: str) -> str | None:
    """Why this thing is not here; None when it is."""
    if name not in NEEDS:
        raise ValueError(f"nothing of that name can be required: {name}; known: {', '.join(NEEDS)}")
    return NEEDS[name]()


def required() -> set[str]:
    """What SEATRIAL_REQUIRE names: without these a test fails, where it would be skipped otherwise."""
    names = {name.strip() for name in os.environ.get("SEATRIAL_REQUIRE", "").split(",")} - {""}
    if unknown := names - set(NEEDS):
        # A misspelt name would quietly let every test of it be skipped.
        raise ValueError(f"SEATRIAL_REQUIRE names {', '.join(sorted(unknown))}; known: {', '.join(NEEDS)}")
    return names
