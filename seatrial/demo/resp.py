"""As much of Redis' protocol (RESP2) as the stack needs: a command out, a reply in."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import BinaryIO, Self

Reply = bytes | int | list["Reply"] | None
"""A reply: a string, a number, a list of replies, or nothing."""


class RedisError(Exception):
    """Redis refused a command, or answered something that is not its protocol."""


def encode(*words: str | bytes | int) -> bytes:
    """A command as Redis reads it."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"".join([b"*%d\r\n" % len(parts), *(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)])


class Connection:
    """A plain blocking connection, for tools that run beside the service."""

    def __init__(self, host: str, port: int, password: str = "", timeout: float = 2.0) -> None:
        self._socket = socket.create_connection((host, port), timeout=timeout)
        self._file: BinaryIO = self._socket.makefile("rb")
        try:
            if password:
                self.call("AUTH", "default", password)
        except BaseException:
            self.close()
            raise

    def call(self, *words: str | bytes | int) -> Reply:
        """Send a command and return its reply; an error reply is raised."""
        self._socket.sendall(encode(*words))
        return self._reply()

    def _reply(self) -> Reply:
        line = self._file.readline(65536)
        if not line.endswith(b"\r\n"):
            raise RedisError("the connection ended inside a reply")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            raise RedisError(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            size = int(rest)
            return None if size < 0 else self._file.read(size + 2)[:size]
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        raise RedisError("not a reply of Redis")

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
