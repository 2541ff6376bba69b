"""What goes into a container and comes out of it as a stream: files as a tar, and commands with their input and output.

Of tier write: it is for containers that a run made for itself, and for documented procedures in those of a deployment.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast
from urllib.parse import urlencode, urlsplit

from seatrial.drivers import _http_wire as wire
from seatrial.drivers._docker_api import Api
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook

__all__ = ["Executed", "Streams"]

TROUBLE = (OSError, http.client.HTTPException, wire.Unreadable, wire.Unresolved, ValueError)
BLOCK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Executed:
    """A command that is under way in a container."""

    id: str
    pid: int


class _Chunks:
    """A body of unknown length."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def write(self, data: bytes) -> int:
        for start in range(0, len(data), BLOCK):
            part = data[start : start + BLOCK]
            self._connection.sendall(b"%x\r\n%b\r\n" % (len(part), bytes(part)))
        return len(data)

    def end(self) -> None:
        self._connection.sendall(b"0\r\n\r\n")


class Streams(Api):
    """An `Api` that can stream. Each stream has a connection of its own."""

    tier = Tier.write

    def _begin(
        self, method: str, path: str, query: Mapping[str, object], headers: str, within: float
    ) -> tuple[socket.socket, float]:
        """Send the head of a request on a connection of its own."""
        if not self._version:
            self.get("/version")
        self._session.call("docker", method, Tier.observe if method == "GET" else self.tier)
        end = time.monotonic() + within
        connection = self._connect(end)
        target = f"{path}?{urlencode(query)}" if query else path
        host = urlsplit(self.address).netloc or "docker"
        head = (
            f"{method} {self._endpoint.prefix}/v{self._version}{target} HTTP/1.1\r\nHost: {host}\r\n"
            f"User-Agent: seatrial\r\n{headers}\r\n"
        )
        connection.settimeout(max(0.001, end - time.monotonic()))
        connection.sendall(head.encode("ascii"))
        return connection, end

    def _refused(self, response: http.client.HTTPResponse, method: str, path: str) -> None:
        if not (200 <= response.status < 300 or response.status == 101):
            data, _ = wire.body(response, BLOCK)
            raise self._error(response.status, path, data, method)

    @contextmanager
    def archive(self, container: str, path: str, *, most: int, within: float) -> Iterator[IO[bytes]]:
        """A file or folder of a container as a tar, to be read once.

        Raises:
            NotThere: there is none.
            CouldNotLook: everything else; while it is read too.
        """
        place = f"/containers/{container}/archive"
        connection: socket.socket | None = None
        try:
            connection, end = self._begin("GET", place, {"path": path}, "Connection: close\r\n", within)
            source = wire.Source(connection, end)
            response = wire.head(source)
            source.allowed = most + most // 8 + 256 * 1024 * 1024  # heads of members, and of chunks
            self._refused(response, "GET", place)
            yield cast("IO[bytes]", response)
        except CouldNotLook:
            raise
        except TROUBLE as why:
            raise self._failure(why, place) from None
        finally:
            if connection is not None:
                connection.close()

    def upload(self, container: str, folder: str, write: Callable[[IO[bytes]], None], *, within: float) -> None:
        """Put what ``write`` writes, a tar, into a folder of a container.

        Raises:
            NotThere: there is no such folder.
            CouldNotLook: everything else.
        """
        place = f"/containers/{container}/archive"
        headers = "Content-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
        connection: socket.socket | None = None
        try:
            connection, end = self._begin("PUT", place, {"path": folder}, headers, within)
            body = _Chunks(connection)
            # An engine that has enough says so and hangs up; what it said is still to be read.
            with contextlib.suppress(ConnectionError):
                write(cast("IO[bytes]", body))
                body.end()
            response = wire.head(wire.Source(connection, end))
            self._refused(response, "PUT", place)
        except CouldNotLook:
            raise
        except TROUBLE as why:
            raise self._failure(why, place, "PUT") from None
        finally:
            if connection is not None:
                connection.close()

    def execute(
        self,
        container: str,
        command: Sequence[str],
        take: Callable[[int, bytes], None],
        *,
        within: float,
        stdin: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        directory: str = "",
        user: str = "",
        begun: Callable[[str], None] = lambda _: None,
    ) -> int:
        """Run a command in a container to its end.

        Args:
            container: id of it.
            command: program and arguments.
            take: is given what it writes as it comes: 1 or 2, and bytes.
            within: seconds it may take.
            stdin: what it is given, nothing when None.
            environment: beside the container's own.
            directory: it is run in.
            user: who runs it.
            begun: is told the id of it.

        Returns:
            Its exit status.

        Raises:
            TimeoutError: it is not done within that time, and goes on.
            CouldNotLook: the engine did not do it.
        """
        body: dict[str, Any] = {
            "Cmd": list(command), "AttachStdin": stdin is not None, "AttachStdout": True, "AttachStderr": True,
            "Env": [f"{name}={value}" for name, value in (environment or {}).items()],
        }  # fmt: skip
        if directory:
            body["WorkingDir"] = directory
        if user:
            body["User"] = user
        made = self.send("POST", f"/containers/{container}/exec", body=body)["Id"]
        begun(made)
        self._stream(made, take, stdin, within)
        return int(self.get(f"/exec/{made}/json").get("ExitCode") or 0)

    def _stream(self, made: str, take: Callable[[int, bytes], None], stdin: bytes | None, within: float) -> None:
        place, content = f"/exec/{made}/start", json.dumps({"Detach": False, "Tty": False})
        headers = (
            "Content-Type: application/json\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
            f"Content-Length: {len(content)}\r\n"
        )
        connection: socket.socket | None = None
        try:
            connection, end = self._begin("POST", place, {}, headers, within)
            connection.sendall(content.encode())
            source = wire.Source(connection, end)
            response = wire.head(source)
            self._refused(response, "POST", place)
            if stdin is not None:
                threading.Thread(target=_given, args=(connection, stdin), daemon=True).start()
            stream = response.fp
            while True:
                source.allowed = 16 * BLOCK
                head = stream.read(8)
                if len(head) < 8:
                    return
                number, left = head[0], struct.unpack(">I", head[4:])[0]
                while left:
                    source.allowed = 16 * BLOCK
                    data = stream.read1(min(left, BLOCK))
                    if not data:
                        return
                    left -= len(data)
                    take(number, data)
        except (CouldNotLook, TimeoutError):
            raise
        except TROUBLE as why:
            raise self._failure(why, place, "POST") from None
        finally:
            if connection is not None:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()

    def running(self, made: str) -> Executed | None:
        """A command that is still under way, with its pid as the engine's kernel has it; None when it has ended."""
        told = self.get(f"/exec/{made}/json")
        return Executed(made, int(told.get("Pid") or 0)) if told.get("Running") else None


def _given(connection: socket.socket, stdin: bytes) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(stdin)
        connection.shutdown(socket.SHUT_WR)
