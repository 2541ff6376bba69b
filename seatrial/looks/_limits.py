"""What of the machine each part of the deployment may use, and which part runs under the emulation of another processor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seatrial.drivers import _cgroup
from seatrial.drivers._container import FAR, HERE
from seatrial.facts.container import Container
from seatrial.facts.machine import Emulated, Limit
from seatrial.facts.process import Process
from seatrial.facts.runtime import Runtime
from seatrial.looks._kernel import cpu_list, online, text
from seatrial.words import Missing

__all__ = ["emulated", "limits"]

PROC, SYS = Path("/proc"), Path("/sys")
NO_LIMIT = 1 << 60
"""Version 1 writes "no limit" as the largest page-aligned number."""
EMULATORS = ("qemu-", "rosetta", "box64", "box86", "FEXInterpreter", "FEXLoader")
NO_EMULATORS = ("qemu-system", "qemu-img", "qemu-nbd", "qemu-ga", "qemu-io", "qemu-storage", "qemu-bridge", "qemu-pr")
"""Whole machines and tools of QEMU: they emulate nothing of the deployment."""
NATIVE = {("amd64", "386"), ("arm64", "arm")}
"""Kernel and image that run without emulation, although they differ."""


def limits(runtime: Runtime, proc: Path = PROC, sys: Path = SYS) -> tuple[Limit, ...] | Missing:
    """The limits of every container that runs, and of the main process of every service without one."""
    found: list[Limit] = []
    for service, containers in runtime.containers.items():
        if isinstance(containers, Missing):
            found.append(_unseen(service, f"service {service}", containers))
            continue
        for container in containers:
            if container.running:
                where = str(container)
                found.append(
                    _local(service, where, container.pid, proc, sys)
                    if runtime.engine.local
                    else _far(service, where, container)
                )
    for service, seen in runtime.processes.items():
        processes = seen if isinstance(seen, Missing) else seen.processes
        if isinstance(processes, Missing):
            found.append(_unseen(service, f"service {service}", processes))
            continue
        found += [_local(service, str(main), main.pid, proc, sys) for main in processes[:1]]
    return tuple(found) or Missing("nothing of the deployment runs, so that no limit holds")


def _unseen(service: str, where: str, why: Missing, cores: tuple[int, ...] | Missing | None = None) -> Limit:
    why = Missing(why.reason, why.right)
    return Limit(service, where, memory=why, cpus=why, cores=why if cores is None else cores)


def _local(service: str, where: str, pid: int, proc: Path, sys: Path) -> Limit:
    group = _cgroup.find(pid, proc)
    cores = _cores(pid, where, proc, sys)
    whole = group if isinstance(group, Missing) else group.limits()
    if isinstance(whole, Missing) or isinstance(group, Missing):
        return _unseen(service, where, whole if isinstance(whole, Missing) else Missing("no control group"), cores)
    memory = tuple(_memory(group))
    cpus = tuple(_quotas(group))
    return Limit(
        service,
        where,
        memory=min((limit for _, limit in memory), default=None),
        memory_groups=memory,
        cpus=min((limit for _, limit in cpus), default=None),
        cpus_groups=cpus,
        cores=cores,
    )


def _cores(pid: int, where: str, proc: Path, sys: Path) -> tuple[int, ...] | Missing:
    for line in text(proc / f"{pid}/status").splitlines():
        if line.startswith("Cpus_allowed_list:"):
            allowed = cpu_list(line.partition(":")[2])
            there = online(sys) or allowed  # the list names processors that could come online too
            return tuple(core for core in allowed if core in there)
    return Missing(f"/proc/{pid}/status of {where} can't be read", f"read /proc/{pid}/status")


def _up(group: _cgroup.Group, controller: str) -> Iterator[Path]:
    """The directory of a controller and those above it: a limit of any of them holds."""
    directory, top = group.places.get(controller) or group.places.get("") or (None, None)
    while directory is not None:
        yield directory
        if directory == top or directory == directory.parent:
            return
        directory = directory.parent


def _memory(group: _cgroup.Group) -> Iterator[tuple[str, int]]:
    """Every group that limits memory, the innermost first, and how much it leaves."""
    name = "memory.max" if group.version == 2 else "memory.limit_in_bytes"
    for directory in _up(group, "memory"):
        told = text(directory / name)
        if told.isdecimal() and int(told) < NO_LIMIT:
            yield str(directory), int(told)


def _quotas(group: _cgroup.Group) -> Iterator[tuple[str, float]]:
    """Every group with a quota of processor time, the innermost first, in cores."""
    for directory in _up(group, "" if group.version == 2 else "cpu"):
        quota, _, period = text(directory / "cpu.max").partition(" ")
        quota = quota or text(directory / "cpu.cfs_quota_us")
        period = period or text(directory / "cpu.cfs_period_us")
        if quota.isdecimal() and period.isdecimal() and int(period):
            yield str(directory), int(quota) / int(period)


def _far(service: str, where: str, container: Container) -> Limit:
    """What an engine elsewhere tells of the control group."""
    told = container.cgroup
    memory, cpus = (told, told) if isinstance(told, Missing) else (told.memory, told.cpus)
    return Limit(
        service,
        where,
        memory=memory,
        memory_groups=((where, memory),) if isinstance(memory, int) else (),
        cpus=cpus,
        cpus_groups=((where, float(cpus)),) if isinstance(cpus, float | int) else (),
        cores=Missing(FAR, HERE),
    )


def emulated(runtime: Runtime, kernel: str | Missing) -> tuple[Emulated | Missing, ...] | Missing:
    """Everything of the deployment that another processor's emulator runs, and what could not be looked at."""
    found: list[Emulated | Missing] = []
    looked = 0
    for containers in runtime.containers.values():
        if isinstance(containers, Missing):
            found.append(Missing(containers.reason, containers.right))
            continue
        for container in containers:
            if container.running:
                looked += 1
                found += _in_container(container, kernel)
    for seen in runtime.processes.values():
        processes = seen if isinstance(seen, Missing) else seen.processes
        if isinstance(processes, Missing):
            found.append(Missing(processes.reason, processes.right))
            continue
        for process in processes:
            looked += 1
            found += _process(str(process), process, "")
    if not looked and not found:
        return Missing("nothing of the deployment runs, so that nothing tells of emulation")
    return tuple(found)


def _in_container(container: Container, kernel: str | Missing) -> Iterator[Emulated | Missing]:
    processes = container.processes
    if not isinstance(processes, Missing) and any(process.exe for process in processes):
        # What really executes is known, whatever the image says of itself.
        for process in processes:
            if process.exe:
                yield from _process(f"{container}, {process}", process, container.platform)
        return
    image = container.platform.split("/")[1] if "/" in container.platform else ""
    if isinstance(kernel, Missing) or not image:
        yield Missing(f"{container}: neither what executes nor the platform of its image can be seen", HERE)
    elif image != kernel and (kernel, image) not in NATIVE:
        yield Emulated(str(container), "an emulator that can't be seen from here", container.platform)


def _process(where: str, process: Process, platform: str) -> Iterator[Emulated | Missing]:
    if not process.exe:
        yield Missing(f"/proc/{process.pid}/exe of {where} can't be read", "root, or the user of the process")
    elif process.exe.startswith(EMULATORS) and not process.exe.startswith(NO_EMULATORS):
        yield Emulated(where, process.exe, platform)
