"""How much a container may use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from seatrial.facts.container import Cgroup, Configured, Container
from seatrial.facts.containers.looking import Look, Looking, finds, seen_processes, stopped
from seatrial.facts.process import Process
from seatrial.words import Finding, Missing, Size

__all__ = ["Limits"]

LARGEST_PAGE = 65536
"""The kernel rounds a memory limit down to a page; 64 KiB is the largest in use."""
CPU_PRECISION = 0.005
"""A quota is a whole number of microseconds in a period."""

Key = Literal["memory", "cpus", "pids"]
SPELLED: dict[Key, Callable[[float], str]] = {
    "memory": lambda limit: f"memory limit {Size(int(limit))}",
    "cpus": lambda limit: f"CPU limit {limit:g}",
    "pids": lambda limit: f"pids limit {limit:g}",
}
ABSENT: dict[Key, str] = {"memory": "no memory limit", "cpus": "no CPU limit", "pids": "no pids limit"}


def _main_process(container: Container) -> Process | Missing:
    processes = seen_processes(container)
    if isinstance(processes, Missing):
        return processes
    pids = {process.pid for process in processes}
    named = [process for process in processes if process.pid == container.pid]
    first = [process for process in processes if process.ppid not in pids]
    return (named or first or list(processes))[0]


def _started_with(want: int | None, soft: int | None, asked: int | None) -> bool:
    """Whether a limit is the declared one, or was when the program started, which then raised it: Go's runtime does."""
    return soft == want or (asked == want and (soft is None or (want is not None and soft > want)))


@dataclass(frozen=True, slots=True)
class Limits(Looking):
    """Limits as the kernel enforces them, beside those of the profile."""

    @finds
    def without_memory_limit(self) -> Look:
        """Containers without a memory limit, where the profile declares none."""
        return self._unlimited("memory")

    @finds
    def without_cpu_limit(self) -> Look:
        """Containers without a CPU limit, where the profile declares none."""
        return self._unlimited("cpus")

    @finds
    def without_pids_limit(self) -> Look:
        """Containers without a limit on processes, where the profile declares none."""
        return self._unlimited("pids")

    @finds
    def other_memory_limits(self) -> Look:
        """Containers whose memory limit is not the declared one."""
        want = self.declared.resources.memory if self.declared.resources else None
        return self._other("memory", want.bytes if want else None, LARGEST_PAGE, str(want))

    @finds
    def other_cpu_limits(self) -> Look:
        """Containers whose CPU limit is not the declared one."""
        want = self.declared.resources.cpus if self.declared.resources else None
        return self._other("cpus", float(want) if want else None, CPU_PRECISION, str(want))

    @finds
    def other_pids_limits(self) -> Look:
        """Containers whose limit on processes is not the declared one."""
        want = self.declared.resources.pids if self.declared.resources else None
        return self._other("pids", want, 0, str(want))

    @finds
    def other_open_file_limits(self) -> Look:
        """Main processes that were not started with the declared soft limit on open files, or have less by now."""
        want = self.declared.resources.nofile if self.declared.resources else None
        for container in self.containers:
            if self.ended(container):
                asked = container.configured.nofile
                if asked != want:
                    seen = f"nofile {'not set' if asked is None else asked} {self.unseen(container)}"
                    yield Finding(str(container), seen, f"{want}")
                continue
            main = _main_process(container)
            may = main if isinstance(main, Missing) else main.privileges
            if isinstance(may, Missing):
                yield may
            elif not _started_with(want, may.nofile_soft, container.configured.nofile):
                limit = "unlimited" if may.nofile_soft is None else may.nofile_soft
                yield Finding(f"{container}, {main}", f"nofile {limit}", f"{want}")

    @finds
    def foreign_cgroups(self) -> Look:
        """Containers that the engine was told to put below a cgroup other than its own."""
        return self.each(
            lambda container: f"cgroup_parent {container.cgroup_parent}" if container.cgroup_parent else ""
        )

    def _limits(self, container: Container, key: Key) -> tuple[Cgroup | Missing | Configured, str]:
        """The limits to judge by, and where they were seen; Missing when this one of them was not."""
        if self.ended(container):
            return container.configured, self.unseen(container)
        limits = container.cgroup if container.running else stopped(container)
        one = getattr(limits, key, None)
        return (one if isinstance(one, Missing) else limits), "in the cgroup"

    def _unlimited(self, key: Key) -> Look:
        if self.declared.resources and getattr(self.declared.resources, key) is not None:
            return  # a requirement of its own says what it must be
        for container in self.containers:
            limits, where = self._limits(container, key)
            if not isinstance(limits, Missing):
                if getattr(limits, key) is None:
                    yield Finding(str(container), f"{ABSENT[key]} {where}")
            elif container.running and getattr(container.configured, key) is None:
                yield Finding(str(container), f"{ABSENT[key]} {self.unseen(container)}")
            else:
                yield limits

    def _other(self, key: Key, want: float | None, precision: float, expected: str) -> Look:
        for container in self.containers:
            limits, where = self._limits(container, key)
            missing = limits if isinstance(limits, Missing) else None
            if isinstance(limits, Missing):
                limits, where = container.configured, self.unseen(container)
            has: float | None = getattr(limits, key)
            if has is None or want is None or abs(has - want) > precision:
                seen = ABSENT[key] if has is None else SPELLED[key](has)
                yield Finding(str(container), f"{seen} {where}", expected)
            elif missing:
                yield missing
