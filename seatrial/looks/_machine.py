"""The machine a deployment runs on: looked at in every run, whatever its tests are about."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from seatrial.facts.machine import Disk, Emulated, Machine, Memory
from seatrial.facts.runtime import Runtime
from seatrial.profile.subjects import disks, spelled
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile import model

__all__ = ["machine"]


def machine(session: Session, runtime: Runtime | Missing) -> Machine | Missing:
    """What the kernel says of the hardware, where it is the target's kernel; what the engine says, where it is not."""
    if isinstance(runtime, Missing):
        return Missing(runtime.reason, runtime.right)
    if runtime.engine.local:
        found = _local(session)
    elif runtime.engine.driver == "docker":
        found = _engine(session, runtime)
    else:
        return Missing(
            f"driver {runtime.engine.driver} sees no machine: whatever answers may run anywhere",
            "a target with driver process or docker, on the machine itself",
        )
    from seatrial.looks import _kernel, _limits

    emulated = _limits.emulated(runtime, found.arch)
    whole = _kernel.emulated_system() if runtime.engine.local else ""
    if whole and not isinstance(emulated, Missing):
        emulated = (Emulated("the machine itself", whole), *emulated)
    return replace(
        found,
        disks=tuple(_disks(session, runtime)),
        emulated=emulated,
        limits=_limits.limits(runtime),
    )


def _local(session: Session) -> Machine:
    from seatrial.looks import _gpus, _kernel

    session.call("machine", "GET")
    online = _kernel.online()
    return Machine(
        source="this machine's kernel",
        kernel=_kernel.release(),
        arch=_kernel.arch(),
        cpus=len(online) or os.cpu_count() or Missing("/sys/devices/system/cpu/online can't be read"),
        possible_cpus=_kernel.possible(),
        usable_cpus=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else Missing("no affinity here"),
        model=_kernel.model(),
        memory=_kernel.memory(),
        gpus=_gpus.gpus(),
        clock=_kernel.clock(),
        virtualisation=_kernel.virtualisation(),
    )


def _engine(session: Session, runtime: Runtime) -> Machine:
    """What an engine on another kernel tells of its machine; the rest can be seen there alone."""
    from seatrial.drivers import _docker_endpoint
    from seatrial.drivers._container import FAR, HERE, platform_of
    from seatrial.drivers._docker_api import Api

    api = Api(session, _docker_endpoint.find(session))
    try:
        info = api.get("/info")
    finally:
        api.close()
    unseen = Missing(FAR, HERE)
    arch = platform_of(info).partition("/")[2]
    total = int(info.get("MemTotal") or 0)
    kernel = " ".join(filter(None, (str(info.get("OSType") or "").capitalize(), str(info.get("KernelVersion") or ""))))
    return Machine(
        source=f"{runtime.engine.description}, at {runtime.engine.address}",
        kernel=kernel or Missing("the engine does not tell its kernel"),
        arch=Missing("the engine does not tell its architecture") if arch in ("", "?") else arch,
        cpus=int(info.get("NCPU") or 0) or Missing("the engine does not tell its processors"),
        memory=Memory(total, available=unseen, swap=unseen) if total else Missing("the engine does not tell its memory"),
        possible_cpus=unseen, usable_cpus=unseen, model=unseen, gpus=unseen, clock=unseen, virtualisation=unseen,
    )  # fmt: skip


def _disks(session: Session, runtime: Runtime) -> Iterator[Disk]:
    """The declared paths; where none is declared, what the machine's root lies on."""
    from seatrial.drivers._container import FAR, HERE
    from seatrial.looks import _disks

    declared = disks(session.profile)
    root, process = _disks.root_of()
    if not declared and runtime.engine.local:
        yield _disks.disk("/", spelled="/", where="/", root=root, process=process)
    for node in declared:
        name = spelled(node.path)
        try:
            path = session.resolve(node.path)
        except CouldNotLook as why:
            yield _unseen(name, node.service, name, Missing(why.reason, why.right))
            continue
        if not runtime.engine.local:
            yield _unseen(name, node.service, path, Missing(FAR, HERE))
        elif node.service is None:
            yield _disks.disk(path, spelled=name, where=path, root=root, process=process)
        else:
            yield from _in_service(node, name, path, runtime)


def _in_service(node: model.Disk, name: str, path: str, runtime: Runtime) -> Iterator[Disk]:
    """A path in each container of a service, or as its main process sees it."""
    from seatrial.looks import _disks

    service = node.service or ""
    pids: list[tuple[str, int]] = []
    containers, seen = runtime.containers.get(service), runtime.processes.get(service)
    if isinstance(containers, Missing) or isinstance(seen, Missing):
        yield _unseen(name, service, path, containers if isinstance(containers, Missing) else seen)  # type: ignore[arg-type]
        return
    pids += [(str(one), one.pid) for one in containers or () if one.running]
    if seen is not None and not isinstance(seen.processes, Missing):
        pids += [(str(main), main.pid) for main in seen.processes[:1]]
    if not pids:
        yield _unseen(
            name, service, path, Missing(f"service {service} does not run, so that nothing is seen of {path}")
        )
    for where, pid in pids:
        yield _disks.disk(
            path, spelled=name, where=f"{where}: {path}", service=service, root=f"/proc/{pid}/root", process=str(pid)
        )


def _unseen(name: str, service: str | None, path: str, why: Missing) -> Disk:
    return Disk(name, path, service or "", size=why, free=why, free_inodes=why, medium=why)
