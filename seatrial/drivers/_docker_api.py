"""The engine's API over a unix socket or TCP with TLS, bounded in time and size. GET alone, but for `Api.send`, which needs its tier."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from seatrial.drivers import _http_wire as wire
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.drivers._docker_endpoint import Endpoint

__all__ = ["Api", "NotThere"]

LARGEST = 64 * 1024 * 1024
OLDEST, KNOWN = (1, 24), (1, 44)
"""Versions of the API: the oldest that tells what is needed here, and the newest whose answers are known."""
CLIENT = "a client certificate: target.tls in the profile, or DOCKER_TLS_VERIFY and DOCKER_CERT_PATH"


class NotThere(CouldNotLook):
    """The engine knows no such thing (404)."""


class Api:
    """One connection to one engine, for one thread.

    The first request names no version; its answer tells the newest that the engine speaks, and from then on that one or
    the newest known here is asked for.
    """

    tier = Tier.disrupt
    """What a run must be granted for what changes something."""

    def __init__(self, session: Session, endpoint: Endpoint) -> None:
        """Nothing is contacted yet."""
        self.address = endpoint.host
        self._session = session
        self._endpoint = endpoint
        self._connection: socket.socket | None = None
        self._version = ""
        self._newest = ""

    def get(self, path: str, **query: object) -> Any:
        """The answer to a GET, as JSON types.

        Raises:
            NotThere: 404.
            CouldNotLook: everything else, with the right that is missing where that is the cause.
        """
        target = f"{path}?{urlencode(query)}" if query else path
        status, data, more = self._twice(target)
        if status == 400 and b"too old" in data and self._version != self._newest:
            self._version = self._newest  # it has given up what is known here; its own is all there is
            status, data, more = self._twice(target)
        if status != 200:
            raise self._error(status, path, data)
        if more:
            raise CouldNotLook(f"the engine's answer to {path} is too large")
        try:
            return json.loads(data)
        except ValueError:
            raise CouldNotLook(f"the engine's answer to {path} is no JSON") from None

    def raw(self, path: str, most: int, /, **query: object) -> tuple[bytes, bool]:
        """The answer to a GET as it is, up to a number of bytes, and whether there was more.

        Raises:
            NotThere: 404.
            CouldNotLook: as `get`.
        """
        status, data, more = self._twice(f"{path}?{urlencode(query)}" if query else path, most)
        if status != 200:
            raise self._error(status, path, data)
        return data, more

    def send(
        self,
        method: str,
        path: str,
        /,
        *,
        body: object = None,
        within: float = 0.0,
        fine: tuple[int, ...] = (),
        **query: object,
    ) -> Any:
        """A request that changes something: the answer as JSON types, None where there is none.

        Args:
            method: POST, PUT or DELETE.
            path: of the API.
            body: sent as JSON.
            within: seconds it may take, when longer than the session's bound: an engine waits for a container to stop.
            fine: statuses beside 2xx and 304 (nothing to do) that are no failure.

        Raises:
            AboveTier: the run was not granted `tier`.
            NotThere: 404.
            CouldNotLook: everything else. What was asked for may have been done all the same.
        """
        if not self._version:
            self.get("/version")
        self.close()  # on a connection of its own: nothing is sent twice because an old one had been closed
        target = f"{path}?{urlencode(query)}" if query else path
        end = time.monotonic() + max(within, self._session.timeout)
        try:
            status, data, _ = self._ask(
                target, end, LARGEST, method, b"" if body is None else json.dumps(body).encode()
            )
        except (OSError, http.client.HTTPException, wire.Unreadable, wire.Unresolved, ValueError) as why:
            raise self._failure(why, path, method) from None
        finally:
            self.close()
        if not (200 <= status < 300 or status == 304 or status in fine):
            raise self._error(status, path, data, method)
        try:
            return json.loads(data) if data else None
        except ValueError:
            return None

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _twice(self, target: str, most: int = LARGEST) -> tuple[int, bytes, bool]:
        """Ask, and once more on a new connection where one that was kept has been closed meanwhile."""
        end = time.monotonic() + self._session.timeout
        kept = self._connection is not None
        try:
            try:
                return self._ask(target, end, most)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.close()
                if not kept:
                    raise
                return self._ask(target, end, most)
        except CouldNotLook:
            self.close()
            raise
        except (OSError, http.client.HTTPException, wire.Unreadable, wire.Unresolved, ValueError) as why:
            self.close()
            raise self._failure(why, target.partition("?")[0]) from None

    def _ask(
        self, target: str, end: float, most: int, method: str = "GET", content: bytes = b""
    ) -> tuple[int, bytes, bool]:
        self._session.call("docker", method, Tier.observe if method == "GET" else self.tier)
        if self._connection is None:
            self._connection = self._connect(end)
        version = f"/v{self._version}" if self._version else ""
        host = urlsplit(self.address).netloc or "docker"
        carried = "" if method == "GET" else f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        request = f"{method} {self._endpoint.prefix}{version}{target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: seatrial\r\n{carried}\r\n"
        self._connection.settimeout(max(0.001, end - time.monotonic()))
        self._connection.sendall(request.encode("ascii") + content)
        source = wire.Source(self._connection, end)
        response = wire.head(source)
        source.allowed = 2 * most + LARGEST
        data, more = wire.body(response, most)
        if not self._version:
            self._negotiate(response.getheader("Api-Version") or "")
        if more or response.will_close:  # what was not read would be taken for the next answer
            self.close()
        return response.status, data, more

    def _negotiate(self, told: str) -> None:
        major, dot, minor = told.partition(".")
        if not (dot and major.isdecimal() and minor.isdecimal()):
            return  # something between us takes the header away; without a version the engine answers in its newest
        newest = (int(major), int(minor))
        if newest < OLDEST:
            raise CouldNotLook(
                f"the engine at {self.address} speaks version {told} of its API; {OLDEST[0]}.{OLDEST[1]} or newer is needed"
            )
        self._newest = told
        self._version = "{}.{}".format(*min(newest, KNOWN))

    def _connect(self, end: float) -> socket.socket:
        where = urlsplit(self.address)
        if where.scheme == "unix":
            return _opened(
                socket.socket(socket.AF_UNIX), lambda connection: connection.connect(where.path), end - time.monotonic()
            )
        port = where.port or (2376 if self._endpoint.tls else 2375)
        context = self._context() if self._endpoint.tls else None
        connection = wire.connect(wire.addresses(where.hostname or "", port, end), end)
        if context is None:
            return connection
        name = self._endpoint.server_name or where.hostname
        return _opened(
            connection, lambda connection: context.wrap_socket(connection, server_hostname=name), end - time.monotonic()
        )

    def _context(self) -> ssl.SSLContext:
        tls = self._endpoint
        try:
            context = ssl.create_default_context(cafile=tls.ca if tls.verify else None)
            if not tls.verify:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if tls.min_version == "1.3":
                context.minimum_version = ssl.TLSVersion.TLSv1_3
            if tls.cert:
                context.load_cert_chain(tls.cert, tls.key, password="")  # nobody is there to be asked for a passphrase
        except ssl.SSLError:
            raise CouldNotLook(
                f"the certificates for {self.address} are none, or their key is another's: {tls.ca}, {tls.cert}, {tls.key}"
            ) from None
        except OSError as why:
            raise CouldNotLook(
                f"the certificates for {self.address} can't be read: {why.strerror}",
                right=f"read {', '.join(file for file in (tls.ca, tls.cert, tls.key) if file)}",
            ) from None
        return context

    def _failure(self, why: Exception, path: str, method: str = "GET") -> CouldNotLook:
        who = f"the engine at {self.address}"
        match why:
            case PermissionError():
                return CouldNotLook(
                    f"{who} may not be asked by this user", right="root, or membership of the group docker"
                )
            case FileNotFoundError() | ConnectionRefusedError() | NotADirectoryError():
                return CouldNotLook(
                    f"no engine answers at {self.address}",
                    right="a running engine, and its address as target.host or DOCKER_HOST",
                )
            case ssl.SSLCertVerificationError():
                return CouldNotLook(
                    f"the certificate of {self.address} is not trusted: {why.verify_message}",
                    right="its authority, as target.tls.ca, or ca.pem in DOCKER_CERT_PATH",
                )
            case ssl.SSLError() if "ALERT" in (why.reason or ""):
                return CouldNotLook(f"{who} refuses what we show it of TLS: {_plain(why)}", right=CLIENT)
            case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
                return CouldNotLook(f"{who} hung up in the middle of TLS", right=CLIENT)
            case ssl.SSLError():
                return CouldNotLook(f"{who} speaks no TLS, and certificates for it are configured: {_plain(why)}")
            case TimeoutError():
                return CouldNotLook(f"{who} did not answer {method} {path} within {self._session.timeout:g} s")
            case wire.Unresolved():
                return CouldNotLook(f"{who} can't be found: {why}")
            case wire.Unreadable():
                return CouldNotLook(f"{who} {why}")
            case http.client.IncompleteRead():
                return CouldNotLook(f"{who} hung up before its answer to {method} {path} was whole")
            case ConnectionError():  # http.client.RemoteDisconnected, too
                perhaps = "" if self._endpoint.tls or self.address.startswith("unix:") else "; it may want TLS"
                return CouldNotLook(f"{who} hung up on {method} {path}{perhaps}", right=CLIENT if perhaps else "")
            case http.client.HTTPException() | ValueError():
                return CouldNotLook(f"what listens at {self.address} is no engine: it speaks no HTTP")
        return CouldNotLook(f"{who} can't be reached: {getattr(why, 'strerror', None) or type(why).__name__}")

    def _error(self, status: int, path: str, data: bytes, method: str = "GET") -> CouldNotLook:
        try:
            message = self._session.mask(" ".join(str(json.loads(data)["message"]).split()))[:200]
        except (ValueError, KeyError, TypeError):
            message = "it wants TLS" if b"to an HTTPS server" in data else "an answer that is not the engine's"
        if status == 404:
            return NotThere(f"the engine has nothing at {path}: {message}")
        right = f"an authorisation for {method} {path}" if status in (401, 403) else CLIENT if "TLS" in message else ""
        return CouldNotLook(f"the engine answered {status} to {method} {path}: {message}", right=right)


def _opened(
    connection: socket.socket, step: Callable[[socket.socket], socket.socket | None], left: float
) -> socket.socket:
    """A connection after one more step of opening it; closed when that fails."""
    try:
        connection.settimeout(max(0.001, left))
        return step(connection) or connection
    except BaseException:
        connection.close()
        raise


def _plain(why: ssl.SSLError) -> str:
    return (why.reason or "the handshake failed").lower().replace("_", " ")
