"""Packets delayed in a container's own network namespace, by the kernel's netem and the host's `tc`."""

from __future__ import annotations

import ctypes
import json
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

from seatrial.drivers import _docker_kernel as kernel
from seatrial.drivers import _netns
from seatrial.words import CouldNotLook

__all__ = ["delay", "delayed", "devices", "possible", "undelay"]

HANDLE = "5ea7:"
"""Handle of our queueing discipline: by it alone it is known as ours."""
LIMIT = 100_000
"""Packets that may wait; those above it are lost, which would be another fault."""
WITHIN = 10.0


def _words(seconds: float) -> list[str]:
    return ["netem", "delay", f"{round(seconds * 1000)}ms", "limit", str(LIMIT)]


def _tc(*words: str) -> tuple[int, str]:
    """One command of `tc` in the network namespace of this thread: a child has that of the thread that made it."""
    try:
        done = subprocess.run(
            ["tc", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WITHIN, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as why:
        raise CouldNotLook(f"tc could not be run: {type(why).__name__}") from None
    return done.returncode, done.stdout if done.returncode == 0 else done.stderr.strip()


def possible() -> bool:
    """Whether this kernel delays packets for us: tried on the loopback of a namespace that nobody else has."""
    if not shutil.which("tc"):
        return False
    found: list[bool] = []

    def work() -> None:
        if ctypes.CDLL(None, use_errno=True).unshare(_netns.CLONE_NEWNET) == 0:
            found.append(_tc("qdisc", "add", "dev", "lo", "root", "handle", HANDLE, *_words(0.001))[0] == 0)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(2 * WITHIN)
    return bool(found) and found[0]


def devices(one: dict[str, Any], main: list[int]) -> list[str]:
    """The interfaces of a container that can be delayed; none where that would touch others or what is there already."""
    mode = str(one["HostConfig"].get("NetworkMode") or "")
    if mode in ("host", "none") or mode.startswith("container:") or not possible():
        return []
    try:
        if Path(f"/proc/{main[0]}/ns/net").stat().st_ino == Path("/proc/thread-self/ns/net").stat().st_ino:
            return []
        return _netns.inside(main[0], main[1], _free, within=WITHIN)
    except (CouldNotLook, _netns.NotPermitted, OSError):
        return []


def _roots() -> dict[str, dict[str, Any]]:
    """By interface, the queueing discipline at its root. Loopback is nobody's way in."""
    status, text = _tc("-j", "qdisc", "show")
    if status:
        raise CouldNotLook(f"tc does not tell of queueing disciplines: {text[:200]}")
    return {one["dev"]: one for one in json.loads(text) if one.get("root") and one["dev"] != "lo"}


def _free() -> list[str]:
    found = _roots()
    return sorted(found) if all(one.get("handle") == "0:" for one in found.values()) else []


def delay(main: list[int], names: list[str], seconds: float) -> None:
    """Delay every packet that leaves by these interfaces.

    Raises:
        CouldNotLook: the kernel refuses; some may be delayed all the same.
    """

    def work() -> None:
        for name in names:
            status, said = _tc("qdisc", "add", "dev", name, "root", "handle", HANDLE, *_words(seconds))
            if status:
                raise CouldNotLook(f"tc could not delay the packets of {name}: {said[:200]}")

    _inside(main, work)


def delayed(main: list[int], names: list[str]) -> list[str]:
    """Those that still are, by us. A namespace goes with its container's main process."""
    if kernel.ended(*main):
        return []
    found: list[str] = []

    def work() -> None:
        found.extend(name for name, one in _roots().items() if name in names and one.get("handle") == HANDLE)

    _inside(main, work)
    return found


def undelay(main: list[int], names: list[str]) -> None:
    """Take our queueing discipline away, and nothing else."""
    still = delayed(main, names)

    def work() -> None:
        for name in still:
            status, said = _tc("qdisc", "del", "dev", name, "root", "handle", HANDLE)
            if status:
                raise CouldNotLook(f"tc could not let the packets of {name} go: {said[:200]}")

    if still:
        _inside(main, work)


def _inside(main: list[int], work: Any) -> None:
    def task() -> bool:
        work()
        return True

    try:
        _netns.inside(main[0], main[1], task, within=2 * WITHIN)
    except _netns.NotPermitted:
        raise CouldNotLook(
            "the network namespace of the container may not be entered", right="root on the engine's host"
        ) from None
