"""How often somebody turns to a dependency, counted where it lives: packets to its port, read from a copy that the kernel gives.

Nothing is put in between and nothing is changed. On one machine the loopback interface is read; for a container its own
network namespace is entered by a thread of ours. An attempt is a new connection, or bytes that were not sent before on a
connection that had been silent: what is sent again by TCP itself is no attempt of the service.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seatrial.drivers import _netns
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile.model import Dependency
    from seatrial.safety.acts import Hands

__all__ = ["Meter", "Tally", "counting"]

RIGHT = "CAP_NET_RAW, and for containers CAP_SYS_ADMIN and CAP_SYS_PTRACE (root), to read packets beside the dependency"
SILENCE = 0.05
"""Seconds; bytes that follow each other faster belong to one request."""
IPV4, IPV6 = 0x0800, 0x86DD
SO_ATTACH_FILTER, SO_TIMESTAMPNS, SOL_PACKET, PACKET_STATISTICS = 26, 35, 263, 6
SYN, ACK = 0x02, 0x10
TCP = 6
LOOPBACK = "lo"
KEPT = 96
"""Bytes of a packet that are looked at: its headers. What is said is not read."""


@dataclass(slots=True)
class Tally:
    """Attempts that were seen so far, from the packets of one interface or namespace."""

    attempts: list[tuple[float, str]] = field(default_factory=list)
    """When, and from which address."""
    _sent: dict[tuple[str, int], tuple[int, float, bool]] = field(default_factory=dict)
    """By connection: the next byte that would be new, when the last new one was sent, and whether it is just open."""

    def packet(self, at: float, raw: bytes) -> None:
        """Take one IP packet; what can't be read as TCP is passed over."""
        try:
            source, tcp, length = _ip(raw)
            port, sequence, offset, flags = struct.unpack("!H2xI4xBB", tcp[:14])
        except (struct.error, IndexError, ValueError):
            return
        key, size = (source, port), length - (offset >> 4) * 4
        known = self._sent.get(key)
        if flags & SYN and not flags & ACK:
            if known is None or not known[2] or known[0] != (sequence + 1) % 2**32:
                self.attempts.append((at, source))
                self._sent[key] = ((sequence + 1) % 2**32, at, True)
        elif size > 0:
            end = (sequence + size) % 2**32
            if known is None:
                self.attempts.append((at, source))
            elif 0 < (end - known[0]) % 2**32 < 2**31:
                if not known[2] and at - known[1] > SILENCE:
                    self.attempts.append((at, source))
            else:
                return  # sent again
            self._sent[key] = (end, at, False)

    def between(self, begin: float, end: float) -> int:
        """Attempts in a span of time. Who tries both families of addresses, one after the other, makes one attempt."""
        families = [":" in source for at, source in list(self.attempts) if begin <= at < end]
        return max(families.count(True), families.count(False))


def _ip(raw: bytes) -> tuple[str, bytes, int]:
    """Source address, TCP segment as far as it is kept, and the segment's whole length."""
    if raw[0] >> 4 == 4:
        head = (raw[0] & 15) * 4
        if raw[9] != TCP:
            raise ValueError
        return socket.inet_ntop(socket.AF_INET, raw[12:16]), raw[head:], struct.unpack("!H", raw[2:4])[0] - head
    if raw[6] != TCP:
        raise ValueError
    return socket.inet_ntop(socket.AF_INET6, raw[8:24]), raw[40:], struct.unpack("!H", raw[4:6])[0]


class Meter:
    """Counts while it is open."""

    def __init__(self, sockets: list[socket.socket]) -> None:
        """Begin to count on what `_opened` gives, which comes in pairs: one for each family of addresses."""
        self._sockets = sockets
        self._tallies = {one: Tally() for one in sockets}
        self._stop = threading.Event()
        self._lost = 0
        self._thread = threading.Thread(target=self._read, name="seatrial-counting", daemon=True)
        self._thread.start()

    def between(self, begin: float, end: float) -> int:
        """Attempts between two times of `time.monotonic`.

        Raises:
            CouldNotLook: the kernel could not give us every packet.
        """
        time.sleep(0.1)  # for what is on its way to us
        for one in self._sockets:
            self._lost += struct.unpack("II", one.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
        if self._lost:
            raise CouldNotLook(f"{self._lost} packets were lost while they were counted: this machine was too busy")
        tallies = list(self._tallies.values())
        return sum(
            max(one.between(begin, end), other.between(begin, end))
            for one, other in zip(tallies[::2], tallies[1::2], strict=True)
        )

    def close(self) -> None:
        """Count no more."""
        self._stop.set()
        self._thread.join()
        for one in self._sockets:
            one.close()

    def _read(self) -> None:
        while not self._stop.is_set():
            ready, _, _ = select.select(self._sockets, [], [], 0.1)
            for one in ready:
                with contextlib.suppress(BlockingIOError):
                    raw, beside, _, _ = one.recvmsg(KEPT, 64, socket.MSG_DONTWAIT)
                    self._tallies[one].packet(_clock(beside), raw)


def _clock(beside: list[tuple[int, int, bytes]]) -> float:
    """When a packet came, on our clock: the kernel's stamp, however late we read it."""
    for level, kind, data in beside:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("qq", data[:16])
            return time.monotonic() - time.time() + float(seconds + nanoseconds / 1e9)
    return time.monotonic()


def _filter(family: int, port: int) -> bytes:
    """What the kernel keeps for us (Linux, Documentation/networking/filter.rst): TCP to that port, its headers."""
    if family == IPV4:
        program = [
            (0x30, 0, 0, 9), (0x15, 0, 4, TCP),  # protocol
            (0xB1, 0, 0, 0), (0x48, 0, 0, 2), (0x15, 0, 1, port),  # port, behind a head of any length
            (0x06, 0, 0, KEPT), (0x06, 0, 0, 0),
        ]  # fmt: skip
    else:
        program = [
            (0x30, 0, 0, 6), (0x15, 0, 3, TCP), (0x28, 0, 0, 42), (0x15, 0, 1, port),
            (0x06, 0, 0, KEPT), (0x06, 0, 0, 0),
        ]  # fmt: skip
    return b"".join(struct.pack("HBBI", *line) for line in program)


def _interfaces() -> list[str]:
    """Where others reach a container whose network namespace this thread is in: not what it says to itself, its
    HEALTHCHECK for example. One with the host's network is reached as a process is.
    """
    if os.stat("/proc/thread-self/ns/net").st_ino == os.stat("/proc/self/ns/net").st_ino:
        return [LOOPBACK]
    return [name for _, name in socket.if_nameindex() if name != LOOPBACK]


def _opened(port: int, interfaces: list[str]) -> list[socket.socket]:
    """A socket for each family on each interface.

    Raises:
        PermissionError: it is not allowed.
    """
    found: list[socket.socket] = []
    try:
        for interface, family in itertools.product(interfaces, (IPV4, IPV6)):
            one = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
            found.append(one)
            code = _filter(family, port)
            buffer = ctypes.create_string_buffer(code)
            one.setsockopt(
                socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(code) // 8, ctypes.addressof(buffer))
            )
            one.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024**2)
            one.bind((interface, family))  # of one protocol: so that only what comes in is given, and that once
    except BaseException:
        for one in found:
            one.close()
        raise
    return found


@contextlib.contextmanager
def counting(session: Session, hands: Hands, service: str, node: Dependency) -> Iterator[Meter]:
    """Count who turns to a service of this machine, while the block runs.

    Args:
        session: counts the look.
        hands: know its processes or containers.
        service: the dependency.
        node: how another one depends on it.

    Raises:
        CouldNotLook: it does not run, its port can't be told, or packets may not be read; with the right that is missing.
    """
    session.call("counting", "READ")
    replicas = [one for one in hands.replicas(service) if one.running]
    if not replicas:
        raise CouldNotLook(f"nothing of {service} runs, so that nobody who turns to it can be counted")
    sockets: list[socket.socket] = []
    try:
        try:
            if session.profile.target.driver == "process":
                sockets += _opened(_port(session, service, node, int(replicas[0].id)), [LOOPBACK])
            else:
                port = _port(session, service, node, 0)
                for pid in _pids(session, [one.id for one in replicas]):
                    sockets += _netns.inside(pid, 0, lambda: _opened(port, _interfaces()))
        except (PermissionError, _netns.NotPermitted):
            raise CouldNotLook(f"how often {service} is turned to can't be counted", right=RIGHT) from None
        except OSError as why:
            raise CouldNotLook(f"how often {service} is turned to can't be counted: {why.strerror}") from None
    except BaseException:
        for one in sockets:
            one.close()
        raise
    if not sockets:
        raise CouldNotLook(f"{service} has no network, so that nobody who turns to it can be counted")
    meter = Meter(sockets)
    try:
        yield meter
    finally:
        meter.close()


def _port(session: Session, service: str, node: Dependency, pid: int) -> int:
    """The port the dependency is reached on: declared, or the only one that its process listens on."""
    declared = node.port if node.port is not None else session.profile.services[service].port
    if declared is not None:
        return int(session.resolve(declared))
    from seatrial.drivers import _sockets
    from seatrial.words import seen

    ports = set()
    if pid:
        ports = {one.port for one in seen(_sockets.listening(pid, {pid: service}, own=True)) if one.protocol == "tcp"}
    if len(ports) != 1:
        raise CouldNotLook(f"which port of {service} is depended on can't be told", right=f"services.{service}.port")
    return ports.pop()


def _pids(session: Session, containers: list[str]) -> Iterator[int]:
    """The main process of each container, as this machine numbers it.

    Raises:
        CouldNotLook: the engine is on another machine.
    """
    from seatrial.drivers import _docker_endpoint
    from seatrial.drivers._docker_api import Api

    endpoint = _docker_endpoint.find(session)
    if not endpoint.host.startswith("unix:"):
        raise CouldNotLook("packets can't be counted from another machine", right="run on the engine's host")
    with contextlib.closing(Api(session, endpoint)) as api:
        for one in containers:
            yield int(api.get(f"/containers/{one}/json")["State"]["Pid"])
