"""What a profile demands of the hardware, beside what the machine has and what the deployment may use of it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from seatrial.facts.machine import Disk, Limit, Machine, Memory
from seatrial.words import CouldNotLook, Finding, Missing, Size, seen

if TYPE_CHECKING:
    from seatrial.profile import model

__all__ = ["DiskSpace", "Hardware"]

Look = Iterator[Finding | Missing]
T = TypeVar("T")
KEPT = 16
"""One part in so many that firmware, kernel or file system keep for themselves, and that counts as had."""
AS_GOOD = {"ssd": ("ssd", "nvme"), "nvme": ("nvme",), "hdd": ("hdd",)}


def _finds(look: Callable[[T], Look]) -> Any:
    """A property that lists what ``look`` finds; where it finds nothing, what it could not see is an error."""

    @functools.wraps(look)
    def decided(self: T) -> list[Finding]:
        each = list(look(self))
        found = [one for one in each if isinstance(one, Finding)]
        missing = [one for one in each if isinstance(one, Missing)]
        if missing and not found:
            raise CouldNotLook(missing[0].reason, right=missing[0].right)
        return found

    return property(decided)


def _least(bounds: Any, key: str) -> Any:
    return getattr(bounds, key, None)


@dataclass(frozen=True, slots=True)
class Hardware:
    """The machine, and the ``hardware`` of the profile."""

    declared: model.Hardware
    machine: Machine

    @_finds
    def other_architecture(self) -> Look:
        """A kernel for another processor than declared."""
        arch = seen(self.machine.arch)
        if arch != self.declared.arch:
            yield Finding("kernel", arch, f"{self.declared.arch}")

    @_finds
    def emulation(self) -> Look:
        """Everything of the deployment that runs in another processor's emulator."""
        for one in seen(self.machine.emulated):
            if isinstance(one, Missing):
                yield one
            else:
                platform = f", image {one.platform}" if one.platform else ""
                yield Finding(one.where, f"runs in {one.by}{platform}, on a kernel of {self._arch()}")

    def _arch(self) -> str:
        return "an architecture that can't be seen" if isinstance(self.machine.arch, Missing) else self.machine.arch

    @_finds
    def too_few_cpus(self) -> Look:
        """Fewer processors than the deployment is supported with."""
        yield from self._cpus("min")

    @_finds
    def fewer_cpus_than_recommended(self) -> Look:
        """Fewer processors than recommended."""
        yield from self._cpus("recommended")

    def _cpus(self, key: str) -> Look:
        want, have = _least(self.declared.cpus, key), seen(self.machine.cpus)
        if want is not None and have < want:
            yield Finding("kernel", f"{have} processor{'s' if have != 1 else ''} online", f"at least {want}")

    @_finds
    def too_little_memory(self) -> Look:
        """Less memory than the deployment is supported with."""
        yield from self._memory("min")

    @_finds
    def less_memory_than_recommended(self) -> Look:
        """Less memory than recommended."""
        yield from self._memory("recommended")

    def _memory(self, key: str) -> Look:
        want, memory = _least(self.declared.memory, key), seen(self.machine.memory)
        if want is not None and _installed(memory) < want.bytes:
            installed = f", {Size(memory.installed)} installed" if isinstance(memory.installed, int) else ""
            yield Finding("kernel", f"{Size(memory.total)} of memory{installed}", f"at least {want}")

    @_finds
    def too_small_gpus(self) -> Look:
        """No accelerator with the memory that the deployment is supported with."""
        yield from self._gpus("min")

    @_finds
    def smaller_gpus_than_recommended(self) -> Look:
        """No accelerator with the recommended memory."""
        yield from self._gpus("recommended")

    def _gpus(self, key: str) -> Look:
        want, gpus = _least(self.declared.gpu, key), seen(self.machine.gpus)
        if want is None or any(isinstance(gpu.memory, int) and gpu.memory >= want.bytes for gpu in gpus):
            return
        if unknown := [gpu.memory for gpu in gpus if isinstance(gpu.memory, Missing)]:
            yield unknown[0]
            return
        expected = f"one with at least {want}"
        for gpu in gpus:
            if isinstance(gpu.memory, int):
                yield Finding(gpu.name, f"{Size(gpu.memory)} of memory", expected)
        if not gpus:
            yield Finding("kernel", "no accelerator", expected)

    @_finds
    def unsynchronised_clock(self) -> Look:
        """A clock that no time service keeps."""
        clock = seen(self.machine.clock)
        if self.declared.clock_synchronised and not clock.synchronised:
            yield Finding("kernel", "its clock is not synchronised", "synchronised")

    @_finds
    def limits_below_the_minimum(self) -> Look:
        """Containers and processes whose limits keep the deployment below what it is supported with."""
        yield from self._limits("min")

    @_finds
    def limits_below_the_recommended(self) -> Look:
        """Containers and processes whose limits keep the deployment below what is recommended."""
        yield from self._limits("recommended")

    def _limits(self, key: str) -> Look:
        limits = seen(self.machine.limits)
        memory, cpus = _least(self.declared.memory, key), _least(self.declared.cpus, key)
        if memory is not None:
            yield from _capped_memory(limits, min(memory.bytes, _installed(seen(self.machine.memory))), f"{memory}")
        if cpus is not None:
            yield from _capped_cpus(limits, min(cpus, seen(self.machine.cpus)), f"{cpus}")


def _installed(memory: Memory) -> int:
    """What counts as had: what is installed, or, where only the kernel's part is told, with what it keeps for itself."""
    if isinstance(memory.installed, int):
        return max(memory.installed, memory.total)
    return memory.total * KEPT // (KEPT - 1)


def _capped(limits: tuple[Limit, ...], field: str, want: float) -> float | Missing | None:
    """All limits together, each control group's once, where they are below what is wanted and there; else None."""
    each = [getattr(limit, field) for limit in limits]
    if None in each:
        return None  # one part without limit may use the whole machine
    if unknown := [one for one in each if isinstance(one, Missing)]:
        return unknown[0]
    together = _together([getattr(limit, f"{field}_groups")[::-1] for limit in limits])
    return together if together < want else None


def _together(chains: list[tuple[tuple[str, float], ...]]) -> float:
    """What parts may use together, each told by the groups that limit it, outermost first: no group gives more than it has."""
    inner: dict[tuple[str, float], list[tuple[tuple[str, float], ...]]] = {}
    for chain in chains:
        if not chain:
            return math.inf
        inner.setdefault(chain[0], []).append(chain[1:])
    return sum(min(limit, _together(parts)) for (_, limit), parts in inner.items())


def _others(limits: tuple[Limit, ...], field: str, together: str) -> str:
    groups = {getattr(limit, f"{field}_groups") for limit in limits}
    return f", {together} with all others" if len(groups) > 1 else ""


def _capped_memory(limits: tuple[Limit, ...], want: float, declared: str) -> Look:
    """Where every part is limited, and all limits together are below what is wanted and there."""
    whole = _capped(limits, "memory", want)
    if isinstance(whole, Missing):
        yield whole
    elif whole is not None:
        more = _others(limits, "memory", f"{Size(int(whole))}")
        for limit in limits:
            size = Size(limit.memory) if isinstance(limit.memory, int) else ""
            yield Finding(limit.where, f"limited to {size} of memory{more}", f"at least {declared}")


def _capped_cpus(limits: tuple[Limit, ...], want: float, declared: str) -> Look:
    """Where every part is limited by quota, or all of them to the same few processors."""
    together: set[int] = set()
    for limit in limits:
        together |= set() if isinstance(limit.cores, Missing) else set(limit.cores)
    unknown = [limit.cores for limit in limits if isinstance(limit.cores, Missing)]
    if unknown and len(together) < want:
        yield unknown[0]
    elif len(together) < want:
        for limit in limits:
            cores = ", ".join(map(str, limit.cores)) if not isinstance(limit.cores, Missing) else ""
            some = f"processors {cores}" if "," in cores else f"processor {cores}"
            yield Finding(limit.where, f"may run on {some} alone", f"at least {declared}")
    whole = _capped(limits, "cpus", want)
    if isinstance(whole, Missing):
        yield whole
    elif whole is not None:
        more = _others(limits, "cpus", f"{whole:g}")
        for limit in limits:
            cores = f"{limit.cpus:g}" if isinstance(limit.cpus, float | int) else ""
            yield Finding(limit.where, f"limited to {cores} cores{more}", f"at least {declared}")


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """One declared path, on the machine or in every container of a service."""

    id: str
    declared: model.Disk
    disks: tuple[Disk, ...]

    @_finds
    def too_small(self) -> Look:
        """File systems smaller than the deployment is supported with."""
        yield from self._size("min")

    @_finds
    def smaller_than_recommended(self) -> Look:
        """File systems smaller than recommended."""
        yield from self._size("recommended")

    def _size(self, key: str) -> Look:
        want = _least(self.declared, key)
        yield from self._each("size", lambda size: want and size * KEPT // (KEPT - 1) < want.bytes, f"at least {want}")

    @_finds
    def too_full(self) -> Look:
        """File systems with less free space than declared."""
        want = self.declared.free
        yield from self._each("free", lambda free: want and free < want.bytes, f"at least {want} free", " free")

    @_finds
    def short_of_inodes(self) -> Look:
        """File systems with fewer free inodes than declared."""
        want = self.declared.free_inodes or 0
        for disk in self._looked():
            if isinstance(disk.free_inodes, Missing):
                yield disk.free_inodes
            elif disk.free_inodes is not None and disk.free_inodes < want:
                yield Finding(disk.where, f"{disk.free_inodes} inodes free", f"at least {want}")

    @_finds
    def other_medium(self) -> Look:
        """File systems on something else than declared."""
        want = self.declared.medium or ""
        for disk in self._looked():
            if isinstance(disk.medium, Missing):
                yield disk.medium
            elif disk.medium not in AS_GOOD.get(want, ()):
                yield Finding(disk.where, f"{disk.medium} ({disk.kind})", want)

    def _each(self, field: str, wrong: Callable[[int], Any], expected: str, more: str = "") -> Look:
        for disk in self._looked():
            have = getattr(disk, field)
            if isinstance(have, Missing):
                yield have
            elif wrong(have):
                yield Finding(disk.where, f"{Size(have)}{more} ({disk.kind})", expected)

    def _looked(self) -> tuple[Disk, ...]:
        if not self.disks:
            raise CouldNotLook(f"nothing was observed of {self.id}")
        return self.disks
