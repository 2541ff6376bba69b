"""The few calls to the Docker engine that the lab makes, over the socket, with the standard library alone.

The lab runs before the virtual environment exists, and the command line can't say everything that a defect needs (a
healthcheck in exec form, a platform, an empty list), so containers are made through the API.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode

LABEL = "org.seatrial.lab"
"""Everything that the lab makes carries this label; the lab never touches what does not."""


class EngineError(RuntimeError):
    """The engine refused, or there is none."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}" if status else message)
        self.status = status


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def default_socket() -> str:
    """The socket of the local engine; the lab needs one, since its files are mounted from this machine."""
    host = os.environ.get("DOCKER_HOST", "")
    return host.removeprefix("unix://") if host.startswith("unix://") else "/var/run/docker.sock"


class Engine:
    """A thin client: one connection a call, JSON in and out."""

    def __init__(self, path: str | None = None) -> None:
        self.path = path or default_socket()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        timeout: float = 120,
        accept: Iterable[int] = (),
        **query: Any,
    ) -> Any:
        """Send one request; statuses of 400 and above raise, unless they are in `accept` (then the answer is None)."""
        target = path + ("?" + urlencode({k: _query(v) for k, v in query.items()}) if query else "")
        connection = _UnixConnection(self.path, timeout)
        headers = {"Content-Type": "application/json"}
        payload: bytes | None = None
        if isinstance(body, bytes):
            payload, headers = body, {"Content-Type": "application/x-tar"}
        elif body is not None:
            payload = json.dumps(body).encode()
        try:
            connection.request(method, target, body=payload, headers=headers)
            response = connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(0, f"{method} {path} on {self.path}: {error}") from error
        finally:
            connection.close()
        if response.status in accept:
            return None
        if response.status >= 400:
            try:
                message = json.loads(data)["message"]
            except (ValueError, KeyError, TypeError):
                message = data[:300].decode("utf-8", "replace")
            raise EngineError(response.status, f"{method} {path}: {message}")
        if "json" not in (response.headers.get("Content-Type") or "") or not data:
            return data
        try:
            return json.loads(data)
        except ValueError:  # a progress stream: one JSON document a line
            return [json.loads(line) for line in data.splitlines() if line.strip()]

    def answers(self) -> bool:
        """Whether an engine is there at all."""
        try:
            self.call("GET", "/_ping", timeout=5)
        except EngineError:
            return False
        return True

    def labelled(self, kind: str, *labels: str) -> list[str]:
        """Ids of the containers, names of the networks or volumes, that carry every one of these labels."""
        filters = {"label": list(labels)}
        if kind == "containers":
            return [c["Id"] for c in self.call("GET", "/containers/json", all=True, filters=filters)]
        if kind == "networks":
            return [n["Id"] for n in self.call("GET", "/networks", filters=filters)]
        if kind == "volumes":
            return [v["Name"] for v in self.call("GET", "/volumes", filters=filters)["Volumes"] or []]
        if kind == "images":
            return [i["Id"] for i in self.call("GET", "/images/json", filters=filters)]
        raise ValueError(kind)

    def inspect(self, container: str) -> dict[str, Any]:
        """The engine's own description of a container."""
        found: dict[str, Any] = self.call("GET", f"/containers/{container}/json")
        return found

    def image(self, reference: str) -> dict[str, Any] | None:
        """The description of an image, or None when the engine has none of that name."""
        found: dict[str, Any] | None = self.call("GET", f"/images/{quote(reference, safe='/:@')}/json", accept=(404,))
        return found

    def remove(self, kind: str, ids: Iterable[str]) -> None:
        """Remove by id; what is gone already is fine."""
        for one in ids:
            query = {"containers": {"force": True, "v": True}, "networks": {}}.get(kind, {"force": True})
            # A container whose removal is under way already answers 409.
            self.call("DELETE", f"/{kind}/{one}", accept=(404, 409) if kind == "containers" else (404,), **query)

    def logs(self, container: str, tail: int = 30) -> str:
        """The last lines of a container, for messages."""
        raw = self.call("GET", f"/containers/{container}/logs", stdout=True, stderr=True, tail=tail)
        return demultiplex(raw).decode("utf-8", "replace")


def demultiplex(raw: bytes) -> bytes:
    """Take the engine's 8-byte frame headers out of a log stream."""
    out = bytearray()
    while len(raw) >= 8 and raw[0] in (0, 1, 2) and raw[1:4] == b"\0\0\0":
        size = int.from_bytes(raw[4:8], "big")
        out += raw[8 : 8 + size]
        raw = raw[8 + size :]
    return bytes(out + raw)


def _query(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
