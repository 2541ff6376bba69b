"""What the kernel tells of a process in /proc. Every path starts from a root that tests can set."""

from __future__ import annotations

import os
from pathlib import Path

from seatrial.facts.process import Privileges, Process
from seatrial.words import Missing

__all__ = ["PROC", "host_namespaces", "read_process"]

PROC = Path("/proc")
PID_INIT = 0xEFFFFFFC
"""Inode of the first pid namespace: include/linux/proc_ns.h."""
NAMESPACES = ("pid", "ipc", "uts", "net", "mnt", "cgroup")


def _limits(pid: int, proc: Path) -> dict[str, tuple[int | None, int | None]]:
    """Soft and hard limits by their name in /proc/PID/limits; None is unlimited."""
    found = {}
    for line in (proc / f"{pid}/limits").read_text("ascii").splitlines()[1:]:
        name, rest = line[:26].strip(), line[26:].split()
        soft, hard = (None if word == "unlimited" else int(word) for word in rest[:2])
        found[name] = (soft, hard)
    return found


def _privileges(pid: int, status: dict[str, str], proc: Path) -> Privileges | Missing:
    try:
        limits = _limits(pid, proc)
    except PermissionError:
        limits = {}
    except (OSError, ValueError):
        return Missing(f"process {pid} ended while it was looked at")
    none = (None, None)
    return Privileges(
        cap_effective=int(status["CapEff"], 16),
        cap_permitted=int(status["CapPrm"], 16),
        cap_bounding=int(status["CapBnd"], 16),
        cap_ambient=int(status.get("CapAmb", "0"), 16),
        no_new_privs=status.get("NoNewPrivs", "0").strip() == "1",
        seccomp=int(status.get("Seccomp", "0")),
        nofile_soft=limits.get("Max open files", none)[0],
        nofile_hard=limits.get("Max open files", none)[1],
        nproc_soft=limits.get("Max processes", none)[0],
        nproc_hard=limits.get("Max processes", none)[1],
    )


def _own_user_namespace(pid: int, proc: Path) -> bool:
    """Whether uid 0 of the process is somebody else on the host: its first uid is not mapped to itself."""
    try:
        first = (proc / f"{pid}/uid_map").read_text("ascii").split()
    except OSError:
        return False
    return first[:2] != ["0", "0"] if first else False


def read_process(pid: int, proc: Path = PROC) -> Process | None:
    """One process; None when it has ended and only waits to be reaped.

    Raises:
        OSError: there is no such process, or it is hidden from us.
    """
    stat = (proc / f"{pid}/stat").read_text("utf-8", errors="replace")
    name = stat[stat.index("(") + 1 : stat.rindex(")")]
    fields = stat[stat.rindex(")") + 2 :].split()
    if fields[0] in ("Z", "X"):
        return None
    status = dict(
        line.split(":\t", 1)
        for line in (proc / f"{pid}/status").read_text("utf-8", errors="replace").splitlines()
        if ":\t" in line
    )
    try:
        exe = os.path.basename(os.readlink(proc / f"{pid}/exe")).removesuffix(" (deleted)")
    except OSError:
        exe = ""
    return Process(
        pid=pid,
        name=name,
        uid=int(status["Uid"].split()[1]),
        gid=int(status["Gid"].split()[1]),
        groups=tuple(map(int, status["Groups"].split())),
        started=int(fields[19]),
        ppid=int(fields[1]),
        user_namespace=_own_user_namespace(pid, proc),
        privileges=_privileges(pid, status, proc),
        exe=exe,
    )


def host_namespaces(pid: int, proc: Path = PROC) -> tuple[str, ...] | Missing:
    """Which namespaces of a process are those of the host, by inode.

    The host's are those of init; where init may not be looked at, those of the kernel's own threads; where neither may,
    ours, if we are in the host's pid namespace, which the kernel always numbers alike (``PROC_PID_INIT_INO``).
    """
    hidden: set[str] = set()
    try:
        for kind in NAMESPACES:
            os.readlink(proc / f"{pid}/ns/{kind}")
    except PermissionError:
        return Missing(f"the namespaces of process {pid} can't be read", "root, or CAP_SYS_PTRACE")
    except OSError:
        return Missing(f"process {pid} ended while it was looked at")
    found = []
    for kind in NAMESPACES:
        host = _host(kind, proc)
        if host is None:
            hidden.add(kind)
        elif host == os.readlink(proc / f"{pid}/ns/{kind}"):
            found.append(kind)
    if hidden:
        return Missing(
            f"the host's own namespaces ({', '.join(sorted(hidden))}) can't be read", "root, or CAP_SYS_PTRACE"
        )
    return tuple(found)


def _host(kind: str, proc: Path) -> str | None:
    for reference in ("1", "2"):
        try:
            return os.readlink(proc / f"{reference}/ns/{kind}")
        except OSError:
            continue
    try:
        ours = os.readlink(proc / "self/ns/pid")
        return os.readlink(proc / f"self/ns/{kind}") if ours == f"pid:[{PID_INIT}]" else None
    except OSError:
        return None
