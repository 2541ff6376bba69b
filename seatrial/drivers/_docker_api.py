"""The engine's API: GET alone, over a unix socket or TCP with TLS, bounded in time and size."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.drivers._docker_endpoint import Endpoint

__all__ = ["Api", "NotThere"]

LARGEST = 64 * 1024 * 1024


class NotThere(CouldNotLook):
    """The engine knows no such thing (404)."""


class _Unix(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Api:
    """One connection to one engine. Paths carry no version, so that the engine answers in its own newest."""

    def __init__(self, session: Session, endpoint: Endpoint) -> None:
        """Nothing is contacted yet."""
        self.address = endpoint.host
        self._session = session
        self._endpoint = endpoint
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, **query: object) -> Any:
        """The answer to a GET, as JSON types.

        Raises:
            NotThere: 404.
            CouldNotLook: everything else, with the right that is missing where that is the cause.
        """
        target = f"{path}?{urlencode(query)}" if query else path
        for fresh in (False, True):  # a kept connection may have been closed meanwhile
            reused = self._connection is not None and not fresh
            self._session.call("docker", "GET")
            try:
                return self._ask(target)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as why:
                self.close()
                if not reused:
                    raise CouldNotLook(f"the engine at {self.address} hung up: {why}") from None
        raise AssertionError("the second turn returns or raises")

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, target: str) -> Any:
        end = time.monotonic() + self._session.timeout
        try:
            if self._connection is None:
                self._connection = self._connect()
            self._connection.request("GET", target, headers={"Host": "docker", "User-Agent": "seatrial"})
            response = self._connection.getresponse()
            data = bytearray()
            while chunk := response.read(262144):
                data += chunk
                if len(data) > LARGEST or time.monotonic() > end:
                    self.close()
                    raise CouldNotLook(f"the engine's answer to {target.partition('?')[0]} is too large or too slow")
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            raise
        except TimeoutError:
            self.close()
            raise CouldNotLook(
                f"the engine at {self.address} did not answer within {self._session.timeout:g} s"
            ) from None
        except (OSError, http.client.HTTPException) as why:
            self.close()
            raise self._refused(why) from None
        if response.status >= 400:
            raise self._error(response.status, target, bytes(data))
        try:
            return json.loads(data)
        except ValueError:
            raise CouldNotLook(f"the engine's answer to {target.partition('?')[0]} is no JSON") from None

    def _connect(self) -> http.client.HTTPConnection:
        where = urlsplit(self.address)
        if where.scheme == "unix":
            return _Unix(where.path, self._session.timeout)
        port = where.port or (2376 if self._endpoint.tls else 2375)
        if not self._endpoint.tls:
            return http.client.HTTPConnection(where.hostname or "", port, timeout=self._session.timeout)
        tls = self._endpoint
        try:
            context = ssl.create_default_context(cafile=tls.ca)
            if not tls.verify:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if tls.cert:
                context.load_cert_chain(tls.cert, tls.key)
        except OSError as why:
            raise CouldNotLook(
                f"the certificates for {self.address} can't be read: {why.strerror or why}", right="read them"
            ) from None
        return http.client.HTTPSConnection(where.hostname or "", port, timeout=self._session.timeout, context=context)

    def _refused(self, why: Exception) -> CouldNotLook:
        if isinstance(why, PermissionError):
            return CouldNotLook(
                f"the engine at {self.address} may not be asked by this user",
                right="root, or membership of the group docker",
            )
        if isinstance(why, FileNotFoundError | ConnectionRefusedError):
            return CouldNotLook(
                f"no engine answers at {self.address}",
                right="a running engine, and its address as target.host or DOCKER_HOST",
            )
        if isinstance(why, ssl.SSLCertVerificationError):
            return CouldNotLook(
                f"the certificate of {self.address} is not trusted: {why.verify_message}",
                right="its authority, as target.tls.ca",
            )
        if isinstance(why, ssl.SSLError):
            return CouldNotLook(
                f"{self.address} accepts no TLS from us: {why.reason or why}",
                right="a client certificate, as target.tls.cert and key",
            )
        return CouldNotLook(f"the engine at {self.address} can't be reached: {type(why).__name__}: {why}")

    def _error(self, status: int, target: str, data: bytes) -> CouldNotLook:
        try:
            message = str(json.loads(data)["message"])[:200]
        except (ValueError, KeyError, TypeError):
            message = "an answer that is not the engine's"
            if b"HTTPS" in data:
                message = "it wants TLS"
        path = target.partition("?")[0]
        if status == 404:
            return NotThere(f"the engine has nothing at {path}: {message}")
        right = (
            "an authorisation for GET"
            if status in (401, 403)
            else "TLS with a client certificate"
            if "TLS" in message
            else ""
        )
        return CouldNotLook(f"the engine answered {status} to GET {path}: {message}", right=right)
