"""Prometheus' own promtool: found, asked for its version, and given rule files to check. It runs bounded, and without a network."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.profile.nodes import None_
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seatrial.drivers import Session

__all__ = ["Done", "check", "program", "refusals", "run", "version"]

WITHIN = 30.0
"""Seconds after which it is given up."""
LARGEST = 4 * 1024 * 1024
"""Bytes of its output that are read."""
MOST = 500
"""Lines of what it has against a file that are kept."""


@dataclass(frozen=True, slots=True)
class Done:
    """What one run of it came to."""

    status: int
    out: str
    err: str
    cut: bool = False
    """Its output was longer than is read."""


def program(session: Session) -> str | Missing:
    """The path of the promtool to be used."""
    return session.once(("promtool", "program"), lambda: _program(session))


def _program(session: Session) -> str | Missing:
    alerts = session.profile.alerts
    declared = None if alerts is None or isinstance(alerts, None_) else alerts.promtool
    if isinstance(declared, None_):
        return Missing(f"alerts.promtool declares none: {declared.none}")
    if declared is None:
        found = shutil.which("promtool")
        return found or Missing("promtool is not installed", "promtool on PATH, or alerts.promtool.path")
    try:
        given = session.resolve(declared.path)
    except CouldNotLook as why:
        return Missing(why.reason, why.right)
    path = os.path.join(session.base, given)
    if os.path.isfile(path) and os.access(path, os.X_OK):
        return path
    return Missing(f"alerts.promtool.path: {given} is no program that may be run", "a promtool there")


def version(session: Session) -> str | Missing:
    """Its version: ``2.42.0``."""
    return session.once(("promtool", "version"), lambda: _version(session))


def _version(session: Session) -> str | Missing:
    done = run(session, "--version")
    if isinstance(done, Missing):
        return done
    match = re.search(r"promtool, version (\d+\.\d+\.\d+)", done.out + done.err)
    return match[1] if match else Missing("what is called promtool does not say that it is one")


def check(session: Session, path: str) -> tuple[str, ...] | Missing:
    """What it has against a rule file; nothing where Prometheus would load it."""
    whole = os.path.abspath(os.path.join(session.base, path))
    done = run(session, "check", "rules", "--lint=none", whole)
    if isinstance(done, Missing):
        return done
    told = refusals(done, whole)
    if done.status == 0:
        return ()
    if done.status != 1 or not told:
        return Missing(f"promtool ended with {done.status} and without a verdict on the file")
    return tuple(session.mask(line) for line in told)


def refusals(done: Done, path: str) -> list[str]:
    """The lines of its output that say what is wrong, each once, without the path before them."""
    lines = [line.strip().removeprefix(f"{path}: ") for line in done.err.splitlines()]
    told = [line for line in lines if line and line not in ("FAILED:", "yaml: unmarshal errors:")]
    return list(dict.fromkeys(line[:1000] for line in told))[:MOST]


def run(session: Session, *arguments: str, within: float = WITHIN, largest: int = LARGEST) -> Done | Missing:
    """Run it to its end, in a folder of its own, without a network where the kernel lets us, and bounded in time and output."""
    path = program(session)
    if isinstance(path, Missing):
        return path
    session.call("promtool", " ".join(arguments[:2]))
    alone = session.once(("promtool", "alone"), _alone)
    with tempfile.TemporaryDirectory(prefix="seatrial-promtool-") as folder:
        return _run([*alone, path, *arguments], folder, within, largest)


def _alone() -> list[str]:
    """The command before another by which that has no network, where there is one that works."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return []
    command = [unshare, "--user", "--net", "--map-root-user"]
    try:
        tried = subprocess.run(
            [*command, "true"], stdin=subprocess.DEVNULL, capture_output=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [] if tried.returncode else command


def _run(command: Sequence[str], folder: str, within: float, largest: int) -> Done | Missing:
    names = [Path(folder, name) for name in ("out", "err")]
    with names[0].open("w+b") as out, names[1].open("w+b") as err:
        try:
            child = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": folder, "TMPDIR": folder},
                start_new_session=True,
            )
        except OSError as why:
            return Missing(f"promtool can't be run: {why.strerror}")
        try:
            status = child.wait(within)
        except subprocess.TimeoutExpired:
            return Missing(f"promtool had not ended after {within:g} s")
        finally:
            if child.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        told = []
        for stream in (out, err):
            stream.seek(0)
            told.append(stream.read(largest + 1))
    cut = any(len(each) > largest for each in told)
    texts = [each[:largest].decode("utf-8", "replace") for each in told]
    return Done(status, texts[0], texts[1], cut)
