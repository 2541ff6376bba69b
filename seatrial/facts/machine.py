"""The machine a deployment runs on, as its kernel tells of it, and what of it the deployment may use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.words import Missing, Size

__all__ = ["Clock", "Disk", "Emulated", "Gpu", "Limit", "Machine", "Memory"]


@dataclass(frozen=True, slots=True)
class Memory:
    """Main memory, in bytes."""

    total: int
    """What the kernel manages: less than what is installed by what firmware and kernel keep for themselves."""
    installed: int | Missing = Missing("not told")
    """What is plugged in, or given to a virtual machine."""
    available: int | Missing = Missing("not told")
    swap: int | Missing = Missing("not told")


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system at one path, on the machine or inside one container."""

    path: str
    """As the profile spells it: a path, or the reference that stands for one."""
    where: str
    """What a reader looks at: ``/var/lib/akidb``, or ``container api-1: /data``."""
    service: str = ""
    """The service in whose container it lies; empty for the machine's own."""
    size: int | Missing = Missing("not told")
    free: int | Missing = Missing("not told")
    """What an ordinary user may still write."""
    free_inodes: int | Missing | None = None
    """None where the file system has no bound of its own on files."""
    kind: str = ""
    """Its type: ext4, xfs, tmpfs."""
    medium: str | Missing = Missing("not told")
    """nvme, ssd, hdd or memory."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One accelerator."""

    name: str
    memory: int | Missing
    """Its own memory, in bytes."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The kernel's clock, as adjtimex tells of it."""

    synchronised: bool
    estimated_error: float = 0.0
    """Seconds, as the time service estimates."""
    maximum_error: float = 0.0
    """Seconds, as the kernel bounds it."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of the machine one container, or one service's main process, may use. None is no limit."""

    service: str
    where: str
    """``container harbor-api-1`` or ``process 412 (api)``."""
    memory: int | Missing | None = None
    """Bytes: the lowest limit of its control group and of those above."""
    memory_groups: tuple[tuple[str, int], ...] = ()
    """Every control group that limits it, its own first: parts that share one share its limit."""
    cpus: float | Missing | None = None
    """Cores, by the lowest quota."""
    cpus_groups: tuple[tuple[str, float], ...] = ()
    cores: tuple[int, ...] | Missing = ()
    """The processors it may run on, by affinity and cpuset."""


@dataclass(frozen=True, slots=True)
class Emulated:
    """Something that runs under the emulation of another processor."""

    where: str
    by: str
    """``qemu-aarch64-static``."""
    platform: str = ""
    """What its image is for, or what is emulated."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Architecture, processors, memory, disks, accelerators, clock; and what the deployment may use of them."""

    source: str
    """Who told: this machine's kernel, or an engine elsewhere."""
    kernel: str | Missing
    arch: str | Missing
    """The kernel's, in OCI's words."""
    cpus: int | Missing
    """Processors that are online."""
    memory: Memory | Missing
    possible_cpus: int | Missing = Missing("not told")
    """Processors that could come online without a reboot."""
    usable_cpus: int | Missing = Missing("not told")
    """Those that this run itself may use."""
    model: str | Missing = Missing("not told")
    """The processor's name."""
    disks: tuple[Disk, ...] | Missing = ()
    gpus: tuple[Gpu, ...] | Missing = ()
    clock: Clock | Missing = Missing("not told")
    virtualisation: str | Missing = Missing("not told")
    """What tells of a virtual machine; empty when nothing does."""
    emulated: tuple[Emulated | Missing, ...] | Missing = ()
    limits: tuple[Limit, ...] | Missing = ()

    def attested(self) -> tuple[tuple[str, str], ...]:
        """Name and value of what a reader of a report must know of the hardware."""
        return (
            ("source", self.source),
            ("kernel", _told(self.kernel)),
            ("architecture", _told(self.arch)),
            ("processors", self._processors()),
            ("memory", _told(self.memory) if isinstance(self.memory, Missing) else _memory(self.memory)),
            ("disks", _listed(self.disks, _disk)),
            ("accelerators", _listed(self.gpus, _gpu)),
            ("clock", _told(self.clock) if isinstance(self.clock, Missing) else _clock(self.clock)),
            ("virtualisation", _told(self.virtualisation) or "no sign of it"),
            ("emulation", _listed(self.emulated, _emulated)),
            ("limits", _told(self.limits) if isinstance(self.limits, Missing) else self._limits(self.limits)),
        )

    def _processors(self) -> str:
        if isinstance(self.cpus, Missing):
            return _told(self.cpus)
        told = [f"{self.cpus} online"]
        if not isinstance(self.possible_cpus, Missing) and self.possible_cpus != self.cpus:
            told.append(f"{self.possible_cpus} possible")
        if not isinstance(self.usable_cpus, Missing) and self.usable_cpus != self.cpus:
            told.append(f"{self.usable_cpus} usable by this run")
        if not isinstance(self.model, Missing):
            told.append(self.model)
        return ", ".join(told)

    def _limits(self, limits: tuple[Limit, ...]) -> str:
        told = ((limit.where, ", ".join(_limit(limit, self.cpus))) for limit in limits)
        return "; ".join(f"{where}: {what}" for where, what in told if what) or "none"


def _told(value: object) -> str:
    return f"unknown: {value.reason}" if isinstance(value, Missing) else str(value)


def _listed(values: tuple[object, ...] | Missing, told: object) -> str:
    if isinstance(values, Missing):
        return _told(values)
    return "; ".join(_told(one) if isinstance(one, Missing) else told(one) for one in values) or "none"  # type: ignore[operator]


def _memory(memory: Memory) -> str:
    told = [f"{Size(memory.total)}"]
    if not isinstance(memory.installed, Missing) and memory.installed != memory.total:
        told[0] = f"{Size(memory.installed)} installed, {Size(memory.total)} managed by the kernel"
    if not isinstance(memory.available, Missing):
        told.append(f"{Size(memory.available)} available")
    if not isinstance(memory.swap, Missing):
        told.append(f"{Size(memory.swap)} swap" if memory.swap else "no swap")
    return ", ".join(told)


def _disk(disk: Disk) -> str:
    if isinstance(disk.size, Missing):
        return f"{disk.where}: {_told(disk.size)}"
    inodes = "no bound on inodes" if disk.free_inodes is None else f"{_told(disk.free_inodes)} inodes free"
    medium = "medium unknown" if isinstance(disk.medium, Missing) else disk.medium
    free = _told(disk.free) if isinstance(disk.free, Missing) else f"{Size(disk.free)} free"
    return f"{disk.where}: {Size(disk.size)} {disk.kind}, {free}, {inodes}, {medium}"


def _gpu(gpu: Gpu) -> str:
    memory = "memory unknown" if isinstance(gpu.memory, Missing) else f"{Size(gpu.memory)}"
    return f"{gpu.name}, {memory}"


def _clock(clock: Clock) -> str:
    if not clock.synchronised:
        return "not synchronised"
    return f"synchronised, estimated error {clock.estimated_error * 1000:.3g} ms"


def _emulated(one: Emulated) -> str:
    return f"{one.where} in {one.by}{f' ({one.platform})' if one.platform else ''}"


def _limit(limit: Limit, cpus: int | Missing) -> Iterator[str]:
    """What keeps one part of the deployment from the whole machine."""
    if isinstance(limit.memory, int):
        yield f"{Size(limit.memory)} of memory"
    if isinstance(limit.cpus, float | int):
        yield f"{limit.cpus:g} cores"
    if not isinstance(limit.cores, Missing) and not isinstance(cpus, Missing) and 0 < len(limit.cores) < cpus:
        yield f"{len(limit.cores)} of {cpus} processors"
    if any(isinstance(each, Missing) for each in (limit.memory, limit.cpus, limit.cores)):
        yield "more is unknown"
