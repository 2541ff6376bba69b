"""The sockets of a network namespace, from the tables below /proc/PID/net, and the processes that hold them."""

from __future__ import annotations

import ipaddress
import os
import struct
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial.facts.socket import Socket
from seatrial.words import Missing

__all__ = ["Entry", "held", "listening", "table"]

LISTEN, ESTABLISHED, UDP_BOUND = "0A", "01", "07"
TABLES = (("tcp", "tcp"), ("tcp6", "tcp"), ("udp", "udp"), ("udp6", "udp"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a table: a socket of the namespace."""

    protocol: str
    address: str
    port: int
    peer: str
    peer_port: int
    state: str
    uid: int
    inode: int


def table(pid: int, proc: Path = Path("/proc"), *, serving: bool = False) -> list[Entry]:
    """Every TCP and UDP socket in the network namespace of a process; or only those that listen or are bound.

    Raises:
        OSError: there is no such process, or it can't be looked into.
    """
    found = []
    for name, protocol in TABLES:
        try:
            lines = (proc / f"{pid}/net/{name}").read_text("ascii").splitlines()[1:]
        except FileNotFoundError:
            if name == "tcp" or not (proc / str(pid)).exists():
                raise
            continue  # a kernel without IPv6 has no tcp6
        # After a load there are thousands of closed connections; those that nobody asks for are not read.
        wanted = (LISTEN if protocol == "tcp" else UDP_BOUND) if serving else ""
        found += [_entry(protocol, fields) for fields in map(str.split, lines) if wanted in ("", fields[3])]
    return found


def _entry(protocol: str, fields: list[str]) -> Entry:
    (address, port), (peer, peer_port) = _endpoint(fields[1]), _endpoint(fields[2])
    return Entry(protocol, address, port, peer, peer_port, fields[3], int(fields[7]), int(fields[9]))


def _endpoint(text: str) -> tuple[str, int]:
    """The kernel prints addresses as 32-bit words in the machine's byte order."""
    words, _, port = text.partition(":")
    order = "<" if sys.byteorder == "little" else ">"
    raw = b"".join(struct.pack(f"{order}I", int(words[at : at + 8], 16)) for at in range(0, len(words), 8))
    address = ipaddress.ip_address(raw)
    return str(getattr(address, "ipv4_mapped", None) or address), int(port, 16)


def held(pids: Mapping[int, str], proc: Path = Path("/proc")) -> tuple[dict[int, tuple[int, str]], set[int]]:
    """By inode, the process (of those given, with their names) that holds a socket; and the pids that hide theirs."""
    holders: dict[int, tuple[int, str]] = {}
    hidden: set[int] = set()
    for pid, name in pids.items():
        try:
            for inode in _inodes(pid, proc):
                holders.setdefault(inode, (pid, name))
        except PermissionError:
            hidden.add(pid)
        except OSError:
            continue  # it ended meanwhile
    return holders, hidden


def _inodes(pid: int, proc: Path) -> Iterator[int]:
    with os.scandir(proc / f"{pid}/fd") as entries:
        for entry in entries:
            try:
                target = os.readlink(entry.path)
            except FileNotFoundError:
                continue
            if target.startswith("socket:["):
                yield int(target[8:-1])


def listening(
    pid: int, pids: Mapping[int, str], *, own: bool, proc: Path = Path("/proc")
) -> tuple[Socket, ...] | Missing:
    """The listening TCP and bound UDP sockets in the network namespace of ``pid``, each with the process that holds it.

    Args:
        pid: any process in the namespace.
        pids: the processes that count, with their names.
        own: True to give only sockets that these processes hold (they share the namespace with others); False for all.
        proc: where procfs is.
    """
    try:
        entries = table(pid, proc, serving=True)
    except PermissionError:
        return Missing(f"/proc/{pid}/net can't be read", f"read /proc/{pid}/net")
    except OSError:
        return Missing(f"process {pid} ended while it was looked at")
    holders, hidden = held(pids, proc)
    if own and hidden:
        return Missing(
            f"which sockets process {min(hidden)} holds can't be read",
            "run as the user of the process, or with CAP_SYS_PTRACE",
        )
    found = []
    for entry in entries:
        if not entry.port:
            continue
        holder = holders.get(entry.inode)
        if own and holder is None:
            continue
        holding, name = holder or (None, "")
        found.append(Socket(entry.address, entry.port, entry.protocol, holding, name, entry.uid))
    return tuple(sorted(set(found), key=lambda socket: (socket.port, socket.protocol, socket.address, socket.pid or 0)))
