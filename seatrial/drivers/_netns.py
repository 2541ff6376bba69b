"""The network as a process of the target has it: entered, names resolved as they resolve there, and connections tried.

A thread of ours enters the network namespace of the process, and nothing else of it, asks the resolver that its
``/etc/resolv.conf`` names, opens a TCP connection and closes it again without a word. Nothing is started in the target and
nothing in it is written. Namespaces are a matter of threads, so that the rest of the run stays where it is, and the
thread ends with its question.
"""

from __future__ import annotations

import ctypes
import errno
import ipaddress
import os
import secrets
import socket
import stat
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from seatrial.words import CouldNotLook

__all__ = ["NotPermitted", "Resolver", "connect", "inside", "resolver"]

CLONE_NEWNET = 0x40000000
LARGEST = 64 * 1024
CONNECT_WITHIN = 3.0
RESOLVE_WITHIN = 2.0
T = TypeVar("T")


class NotPermitted(Exception):
    """The kernel does not let us into that namespace, or read that process's files."""


def inside(pid: int, started: int, task: Callable[[], T], *, within: float = 30.0) -> T:
    """Run a task in the network namespace of a process.

    Args:
        pid: the process.
        started: its start time in clock ticks, so that no other process of that number is entered; 0 when unknown.
        task: what to do there; must bound its own time.
        within: seconds after which it is given up all the same.

    Raises:
        NotPermitted: entering takes CAP_SYS_ADMIN, and CAP_SYS_PTRACE for processes of others.
        CouldNotLook: the process has ended, or time is up.
    """
    box: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            _enter(pid, started)
            box.append(task())
        except BaseException as why:  # noqa: BLE001 - raised again in the thread that asked
            failure.append(why)

    thread = threading.Thread(target=work, name=f"seatrial-netns-{pid}", daemon=True)
    thread.start()
    thread.join(within)
    if failure:
        raise failure[0]
    if not box:
        raise CouldNotLook(f"looking from inside the network of process {pid} took more than {within:g} s")
    return box[0]


def _enter(pid: int, started: int) -> None:
    try:
        descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:
        raise NotPermitted from None
    except OSError:
        raise CouldNotLook(f"process {pid} ended while it was looked at") from None
    try:
        if started and _started(pid) != started:
            raise CouldNotLook(f"process {pid} ended while it was looked at, and another has its number")
        if os.fstat(descriptor).st_ino == os.stat("/proc/thread-self/ns/net").st_ino:
            return
        # os.setns exists from Python 3.12 on.
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) != 0:
            code = ctypes.get_errno()
            if code == errno.EPERM:
                raise NotPermitted
            raise CouldNotLook(f"could not enter the network namespace of process {pid}: {os.strerror(code)}")
    finally:
        os.close(descriptor)


def _started(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return 0
    return int(text[text.rindex(")") + 2 :].split()[19])


@dataclass(frozen=True, slots=True)
class Resolver:
    """How names resolve in a container: its hosts file, its name servers, its search domains."""

    hosts: dict[str, str]
    servers: tuple[str, ...]
    search: tuple[str, ...] = ()

    def resolve(self, name: str) -> list[str]:
        """The addresses of a name, empty when it has none. Call it inside the namespace."""
        try:
            return [str(ipaddress.ip_address(name))]
        except ValueError:
            pass
        if name.lower() in self.hosts:
            return [self.hosts[name.lower()]]
        for full in (name, *(f"{name}.{domain}" for domain in self.search)):
            for kind in (1, 28):
                for server in self.servers[:3]:
                    if (found := _ask(server, full, kind)) is not None:
                        if found:
                            return found
                        break  # this server says that there is none
        return []


def resolver(pid: int) -> Resolver:
    """What a process's own ``/etc/hosts`` and ``/etc/resolv.conf`` say.

    Raises:
        NotPermitted: they can't be read.
    """
    hosts: dict[str, str] = {}
    for line in _lines(pid, "hosts"):
        words = line.split()
        for name in words[1:]:
            hosts.setdefault(name.lower(), words[0])
    servers, search = [], []
    for line in _lines(pid, "resolv.conf"):
        words = line.split()
        if words[:1] == ["nameserver"]:
            servers += words[1:2]
        elif words[:1] in (["search"], ["domain"]):
            search = words[1:7]
    return Resolver(hosts, tuple(servers), tuple(search))


def _lines(pid: int, name: str) -> Iterator[str]:
    """Lines of a file in a container's /etc. No link in there is followed: an absolute one would lead into our own root."""
    opened: list[int] = []
    try:
        opened.append(os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY))
        opened.append(os.open("etc", os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=opened[0]))
        opened.append(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=opened[1]))
        if not stat.S_ISREG(os.fstat(opened[2]).st_mode):
            return
        text = os.read(opened[2], LARGEST).decode("utf-8", "replace")
    except PermissionError:
        raise NotPermitted from None
    except OSError:
        return  # an image without the file resolves no names
    finally:
        for descriptor in opened:
            os.close(descriptor)
    for line in text.splitlines():
        if stripped := line.partition("#")[0].strip():
            yield stripped


def _ask(server: str, name: str, kind: int) -> list[str] | None:
    """Addresses of a name by one DNS question over UDP; empty when there is no such name, None when nobody answered."""
    try:
        labels = b"".join(bytes([len(label)]) + label for part in name.split(".") if (label := part.encode("idna")))
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        question = (
            secrets.token_bytes(2)
            + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0)
            + labels
            + struct.pack("!BHH", 0, kind, 1)
        )
        with socket.socket(family, socket.SOCK_DGRAM) as connection:
            connection.settimeout(RESOLVE_WITHIN)
            connection.connect((server, 53))
            connection.send(question)
            answer = connection.recv(4096)
        return _addresses(answer, kind) if answer[:2] == question[:2] else None
    except (OSError, ValueError, IndexError, struct.error):
        return None


def _addresses(answer: bytes, kind: int) -> list[str]:
    questions, answers = struct.unpack("!HH", answer[4:8])
    at, found = 12, []
    for _ in range(questions):
        at = _skip(answer, at) + 4
    for _ in range(min(answers, 64)):
        at = _skip(answer, at)
        of, _, _, length = struct.unpack("!HHIH", answer[at : at + 10])
        at += 10
        if of == kind and length in (4, 16):
            found.append(str(ipaddress.ip_address(answer[at : at + length])))
        at += length
    return found


def _skip(message: bytes, at: int) -> int:
    """The position after a name; a pointer ends it."""
    while size := message[at]:
        if size >= 0xC0:
            return at + 2
        at += size + 1
    return at + 1


def connect(address: str, port: int) -> str:
    """Open a TCP connection and close it; what went wrong, empty when nothing did."""
    try:
        socket.create_connection((address, port), CONNECT_WITHIN).close()
    except TimeoutError:
        return f"no answer within {CONNECT_WITHIN:g} s"
    except OSError as why:
        return (why.strerror or str(why)).lower()
    return ""
