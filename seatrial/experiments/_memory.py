"""Memory of a service's replicas while something is done to them: what is their own and could leak, not what the kernel caches for them.

That is anonymous memory, and what of it is swapped out: of a container by its control group, or by what its engine tells; of
a process by /proc, with its children.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.drivers import _cgroup
from seatrial.drivers._procfs import PROC
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.runtime import Runtime

__all__ = ["Reader", "reader"]

Reader = Callable[[], dict[str, int]]
"""Bytes by replica, now. May raise `CouldNotLook`."""
RENEWED = 5.0
"""Seconds after which the children of a process are looked for again."""
OF_GROUP = ("total_rss", "total_swap", "anon")
"""Lines of memory.stat: of version 1 with the groups below it, of version 2, which always counts these."""


def reader(session: Session, runtime: Runtime | Missing, service: str) -> Reader | Missing:
    """How the memory of a service's replicas is read here."""
    if isinstance(runtime, Missing):
        return runtime
    if service in runtime.containers:
        return _of_containers(session, runtime, service)
    if runtime.engine.driver == "process":
        return _of_processes(session, service)
    return Missing(f"driver {runtime.engine.driver} does not see the memory of {service}")


# --- containers -------------------------------------------------------------------------------------------------------


def _of_containers(session: Session, runtime: Runtime, service: str) -> Reader | Missing:
    found = runtime.containers[service]
    if isinstance(found, Missing):
        return found
    running = [one for one in found if one.running]
    if not running:
        return Missing(f"no container of {service} runs")
    groups = {one.name: _group(one.pid) for one in running} if runtime.engine.local else {}
    if groups and all(groups.values()):
        return lambda: {name: _of_group(group) for name, group in groups.items() if group is not None}
    return lambda: _told(session, {one.name: one.id for one in running})


def _group(pid: int) -> Path | None:
    """The directory of a process's control group that counts memory."""
    group = _cgroup.find(pid, PROC) if pid else Missing("")
    if isinstance(group, Missing):
        return None
    place = group.places.get("memory") or group.places.get("")
    return place[0] if place and (place[0] / "memory.stat").is_file() else None


def _of_group(folder: Path) -> int:
    try:
        told = dict(line.split() for line in (folder / "memory.stat").read_text("ascii").splitlines())
        swap = folder / "memory.swap.current"
        swapped = int(swap.read_text("ascii")) if swap.is_file() else 0
    except (OSError, ValueError):
        raise CouldNotLook(f"{folder} can't be read: the container has ended") from None
    return sum(int(told.get(name, 0)) for name in OF_GROUP) + swapped


def _told(session: Session, ids: dict[str, str]) -> dict[str, int]:
    """What an engine elsewhere tells of its containers."""
    from seatrial.drivers import _docker_endpoint
    from seatrial.drivers._docker_api import Api

    api = Api(session, _docker_endpoint.find(session))
    found: dict[str, int] = {}
    try:
        for name, id in ids.items():
            told: Any = api.get(f"/containers/{id}/stats", stream="false", **{"one-shot": "true"})
            numbers = (told.get("memory_stats") or {}).get("stats") or {}
            if not any(key in numbers for key in OF_GROUP):
                raise CouldNotLook(f"the engine does not tell the memory of {name}")
            found[name] = sum(int(numbers.get(key) or 0) for key in OF_GROUP)
    finally:
        api.close()
    return found


# --- processes --------------------------------------------------------------------------------------------------------


def _of_processes(session: Session, service: str) -> Reader:
    from seatrial.drivers import process as processes

    node = session.profile.services[service]
    known: dict[str, Any] = {"at": float("-inf"), "name": "", "pids": ()}

    def read() -> dict[str, int]:
        now = time.monotonic()
        if now - known["at"] > RENEWED:
            session.call("process", "GET")
            table = processes._processes()
            main = processes._main(session, service, node, table)
            family = processes._family(main, table)
            known.update(at=now, name=f"pid {main.pid}", pids=tuple(one.pid for one in family))
        each = [_of_process(pid) for pid in known["pids"]]
        if each[0] is None:
            known["at"] = float("-inf")
            raise CouldNotLook(f"{known['name']} has ended")
        return {known["name"]: sum(one or 0 for one in each)}

    return read


def _of_process(pid: int, proc: Path = PROC) -> int | None:
    """Anonymous memory of one process, and what of it is swapped out; None when it has ended."""
    try:
        text = (proc / f"{pid}/status").read_text("utf-8", errors="replace")
    except OSError:
        return None
    found = re.findall(r"^(?:RssAnon|VmSwap):\s+(\d+) kB$", text, re.MULTILINE)
    return sum(int(kib) * 1024 for kib in found)
