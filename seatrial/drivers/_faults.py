"""What shows from outside that a fault is there: how a dependency answers on its socket, dialled from here."""

from __future__ import annotations

import socket
import time

from seatrial.words import CouldNotLook

__all__ = ["accepts", "answers_within", "is_hung", "is_slow", "is_stopped"]

# What a server of each protocol answers to: harmless, without credentials, and answered even when it is an error.
_HELLO = {
    "redis": b"PING\r\n",
    "postgres": b"\x00\x00\x00\x08\x04\xd2\x16\x2f",  # SSLRequest, PostgreSQL documentation 55.7
    "memcached": b"version\r\n",
}
_HTTP = b"GET / HTTP/1.0\r\n\r\n"
TRIES = 4
"""Hellos that may fall into a moment in which something slow runs."""


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


def is_slow(host: str, port: int, protocol: str | None, delay: float, before: float = 0.0) -> str:
    """Proof that what listens there answers late, and later than before. Where it is held and let go in turn, a hello may
    fall into a moment in which it runs; the next one does not.

    Raises:
        CouldNotLook: it answers as fast as ever, or not at all.
    """
    took: list[float] = []
    bound = 5 * delay + 1.0
    while len(took) < TRIES:
        seconds = answers_within(host, port, protocol, bound)
        if seconds is None:
            raise CouldNotLook(f"{host}:{port} says nothing for {bound:g} s: it is not slow, it hangs")
        took.append(seconds)
        if seconds >= 0.45 * delay + before:
            return f"{host}:{port} takes {seconds:.2f} s to answer a hello; {before:.2f} s before"
        time.sleep(min(0.25, max(0.05, delay)))  # out of that moment
    raise CouldNotLook(f"{host}:{port} answers in {max(took) * 1000:.0f} ms though it was made slow by {delay:g} s")
