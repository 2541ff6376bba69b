"""Ports on loopback: a free one, and whose listener is behind one."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path


def free_port() -> int:
    """A TCP port of loopback that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listener_of(port: int) -> int | None:
    """The process that listens on this TCP port of this machine, where `/proc` lets us see it.

    Loopback is shared: something may have taken a port between our choosing it and our child's binding it.
    """
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            held = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for descriptor in held:
            with contextlib.suppress(OSError):  # it was closed meanwhile
                if os.readlink(f"/proc/{pid}/fd/{descriptor}") in inodes:
                    return int(pid)
    return None
