"""What `/proc` says about a process: whether it is still the one we know, and which sockets it listens on."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_LISTEN = "0A"


def start_time(pid: int) -> int | None:
    """Clock ticks since boot at which the process started; None when there is no such process, or only its zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name may hold spaces and parentheses, so fields count from the last one.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def parent(pid: int) -> int:
    """The process id of who started it, or of who took it over since; 0 when there is nobody."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def ancestors(pid: int) -> list[int]:
    """Who started a process, who started that one, and so on; without the first process of the machine, which is everybody's."""
    found = []
    while (pid := parent(pid)) > 1:
        found.append(pid)
    return found


def alive(pid: int, started: int) -> bool:
    """Whether this very process runs: a pid alone may have been given to another one since."""
    return start_time(pid) == started


def boot_id() -> str:
    """The boot that start times are relative to."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def listeners(port: int) -> set[str]:
    """Inodes of the TCP sockets of this network namespace that listen on a port, on whatever address."""
    wanted = f":{port:04X}"
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN and fields[1].endswith(wanted):
                    inodes.add(fields[9])
    return inodes


def sockets(pid: int) -> set[str]:
    """Inodes of the sockets a process holds."""
    inodes = set()
    with contextlib.suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):  # closed meanwhile
                target = os.readlink(entry.path)
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
    return inodes


def listens(pid: int, port: int) -> bool:
    """Whether the listener on a port is this process. Loopback is shared: a port that answers may be a stranger's."""
    return bool(listeners(port) & sockets(pid))
