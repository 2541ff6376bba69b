"""What shows from outside that a fault is there: how a dependency answers on its socket, dialled from here."""

from __future__ import annotations

import socket
import time

from seatrial.words import CouldNotLook

__all__ = ["accepts", "answers_within", "is_hung", "is_stopped"]

# What a server of each protocol answers to: harmless, without credentials, and answered even when it is an error.
_HELLO = {
    "redis": b"PING\r\n",
    "postgres": b"\x00\x00\x00\x08\x04\xd2\x16\x2f",  # SSLRequest, PostgreSQL documentation 55.7
    "memcached": b"version\r\n",
}
_HTTP = b"GET / HTTP/1.0\r\n\r\n"


def accepts(host: str, port: int, within: float = 1.0) -> bool:
    """Whether a connection is accepted there."""
    try:
        socket.create_connection((host, port), within).close()
    except OSError:
        return False
    return True


def answers_within(host: str, port: int, protocol: str | None, within: float) -> float | None:
    """Seconds until the first byte of an answer to a hello; None when none came in time."""
    began = time.monotonic()
    try:
        with socket.create_connection((host, port), within) as line:
            line.settimeout(max(0.01, within - (time.monotonic() - began)))
            line.sendall(_HELLO.get(protocol or "", _HTTP))
            line.recv(1)
    except OSError:
        return None
    return time.monotonic() - began


def is_stopped(host: str, port: int) -> str:
    """Proof that nothing listens there.

    Raises:
        CouldNotLook: a connection is accepted.
    """
    if accepts(host, port):
        raise CouldNotLook(f"{host}:{port} still accepts connections after it was stopped")
    return f"{host}:{port} accepts no connection"


def is_hung(host: str, port: int, protocol: str | None, within: float = 0.5) -> str:
    """Proof that what listens there accepts connections and says nothing.

    Raises:
        CouldNotLook: it answers, or accepts nothing.
    """
    if not accepts(host, port):
        raise CouldNotLook(f"{host}:{port} accepts no connection: it does not hang, it is gone")
    took = answers_within(host, port, protocol, within)
    if took is not None:
        raise CouldNotLook(f"{host}:{port} answers in {took * 1000:.0f} ms though it was made to hang")
    return f"{host}:{port} accepts a connection and says nothing for {within:g} s"
