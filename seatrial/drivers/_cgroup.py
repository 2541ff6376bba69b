"""The control group of a process, version 1 and 2: the limits that hold, its members, and whom the kernel killed in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seatrial.facts.container import Cgroup
from seatrial.words import Missing

__all__ = ["Group", "find"]

# Version 1 writes "no limit" as the largest page-aligned number.
NO_MEMORY_LIMIT = 1 << 60


@dataclass(frozen=True, slots=True)
class Group:
    """A control group: where its files are, by controller (version 1), or under the empty name (version 2)."""

    version: int
    places: dict[str, tuple[Path, Path]]
    """The group's directory, and the mount it lies below."""

    def _up(self, controller: str) -> Iterator[Path]:
        """The group's directory and those above it: a limit of any of them holds."""
        directory, top = self.places.get(controller) or self.places.get("") or (None, None)
        while directory is not None:
            yield directory
            if directory == top or directory == directory.parent:
                return
            directory = directory.parent

    def _lowest(self, controller: str, name: str) -> float | None:
        found = [value for directory in self._up(controller) if (value := _number(directory / name)) is not None]
        return min(found, default=None)

    def limits(self) -> Cgroup | Missing:
        """The limits that the kernel enforces."""
        directory = next(self._up("memory"), None)
        if directory is None or not directory.is_dir():
            return Missing("its control group can't be found below /sys/fs/cgroup", "read /sys/fs/cgroup of the host")
        two = self.version == 2
        memory = self._lowest("memory", "memory.max" if two else "memory.limit_in_bytes")
        pids = self._lowest("pids", "pids.max")
        cores = [c for d in self._up("" if two else "cpu") if (c := _cores(d)) is not None]
        return Cgroup(
            version=self.version,
            memory=None if memory is None or memory >= NO_MEMORY_LIMIT else int(memory),
            cpus=min(cores, default=None),
            pids=None if pids is None else int(pids),
        )

    def oom_kills(self) -> int | Missing:
        """How many processes the kernel killed in the group for want of memory."""
        directory = next(self._up("memory"), None)
        try:
            if directory is None:
                raise FileNotFoundError
            text = (directory / ("memory.events" if self.version == 2 else "memory.oom_control")).read_text("ascii")
        except OSError:
            return Missing("the memory events of its control group can't be read", "read /sys/fs/cgroup of the host")
        counts = dict(line.split() for line in text.splitlines() if len(line.split()) == 2)
        return int(counts.get("oom_kill", "0"))

    def members(self) -> list[int]:
        """The pids in the group and the groups below it."""
        directory = next(self._up("pids"), None) or next(self._up("memory"), None)
        if directory is None:
            return []
        pids: set[int] = set()
        for file in (directory / "cgroup.procs", *directory.glob("**/cgroup.procs")):
            try:
                pids.update(map(int, file.read_text("ascii").split()))
            except OSError:
                continue
        return sorted(pids)


def _number(file: Path) -> float | None:
    try:
        text = file.read_text("ascii").strip()
    except OSError:
        return None
    return None if text in ("max", "-1") else float(text)


def _cores(directory: Path) -> float | None:
    """Cores by quota and period, None when there is no quota."""
    try:
        quota, period = (directory / "cpu.max").read_text("ascii").split()
    except (OSError, ValueError):
        asked, every = _number(directory / "cpu.cfs_quota_us"), _number(directory / "cpu.cfs_period_us")
        return asked / every if asked and every and asked > 0 else None
    return None if quota == "max" else int(quota) / int(period)


def _mounts(proc: Path) -> Iterator[tuple[str, Path, str, list[str]]]:
    """Mounted control group file systems: root, mount point, type, options."""
    for line in (proc / "self/mountinfo").read_text("utf-8", errors="replace").splitlines():
        fields, _, rest = line.partition(" - ")
        parts, (kind, _, options) = fields.split(), rest.split()[:3]
        if kind in ("cgroup", "cgroup2"):
            yield parts[3], Path(parts[4]), kind, options.split(",")


def find(pid: int, proc: Path = Path("/proc")) -> Group | Missing:
    """The control group of a process."""
    try:
        lines = [line.split(":", 2) for line in (proc / f"{pid}/cgroup").read_text("utf-8").splitlines()]
        mounts = list(_mounts(proc))
    except PermissionError:
        return Missing(f"/proc/{pid}/cgroup can't be read", f"read /proc/{pid}/cgroup")
    except OSError:
        return Missing(f"process {pid} ended while it was looked at")
    places: dict[str, tuple[Path, Path]] = {}
    for number, controllers, path in lines:
        for root, mount, kind, options in mounts:
            unified = number == "0" and kind == "cgroup2"
            mine = controllers.split(",") if kind == "cgroup" and controllers else []
            if unified or any(controller in options for controller in mine):
                below = path.removeprefix(root.rstrip("/")).lstrip("/")
                for controller in mine or [""]:
                    places.setdefault(controller, (mount / below, mount))
    version = 1 if "memory" in places else 2
    return (
        Group(version, places)
        if places
        else Missing("no control group file system is mounted here", "read /sys/fs/cgroup")
    )
