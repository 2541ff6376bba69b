"""Driver *http*: GET, bounded in time and size whatever the other side does.

Other drivers use it for the endpoints that services declare. A redirect is an answer; it is never followed.
"""

from __future__ import annotations

import http.client
import io
import secrets
import socket
import ssl
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from seatrial.facts.answer import Answer, Answers
from seatrial.facts.runtime import Engine, Runtime
from seatrial.outcomes import Tier
from seatrial.words import Body, CouldNotLook, Duration, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile.model import HttpCheck, Service, Tls

__all__ = ["RIGHTS", "ask", "generations", "identity", "observe", "poll", "ready"]

RIGHTS = {Tier.observe: "GET on the URLs of the services"}
KEPT = 64 * 1024
"""Characters of a body that are kept."""
LARGEST = 1024 * 1024
"""Bytes of a body that are read."""


class _BoundedSocket(io.RawIOBase):
    """The reading half of a connection, on which all reads together end at a deadline: a server that drips is cut."""

    def __init__(self, connection: socket.socket, end: float) -> None:
        self._connection = connection
        self._end = end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Response:
    """What http.client asks of a socket, with every read bounded."""

    def __init__(self, connection: socket.socket, end: float) -> None:
        self._reader = io.BufferedReader(_BoundedSocket(connection, end))

    def makefile(self, _mode: str) -> io.BufferedReader:
        return self._reader


def ask(
    session: Session,
    url: str,
    *,
    headers: dict[str, str] | None = None,
    timeout: float = 5.0,
    tls: Tls | None = None,
) -> Answer | Missing:
    """One GET.

    Args:
        session: counts the call; masks secrets in what is kept of the body.
        url: where.
        headers: of the request; their values are kept nowhere.
        timeout: seconds for all of it: name, connection, request, answer.
        tls: certificate authority and client certificate, for https.
    """
    parts = urlsplit(url)
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return Missing(f"{shown} is no http or https URL")
    session.call("http", "GET")
    answer = Answer(url=shown, status=0, seconds=0.0, at=round(time.time(), 3))
    started = time.monotonic()
    end = started + timeout
    partial: dict[str, Any] = {}
    try:
        with _connect(parts, end, session, tls) as connection:
            _send(connection, parts, headers or {})
            _read(connection, end, session.mask, partial)
        failure = ""
    except socket.gaierror as why:
        return Missing(f"{parts.hostname} does not resolve: {why.strerror}", f"resolve {parts.hostname}")
    except ssl.SSLCertVerificationError as why:
        return Missing(
            f"the certificate of {parts.netloc} is not trusted: {why.verify_message}",
            "its authority, as tls.ca in the profile",
        )
    except TimeoutError:
        failure = f"did not {'finish its answer' if partial else 'answer'} within {Duration(timeout)}"
    except ConnectionRefusedError:
        failure = "refused the connection"
    except (ConnectionError, http.client.IncompleteRead, http.client.RemoteDisconnected):
        failure = "closed the connection before the answer was whole"
    except (http.client.HTTPException, ValueError, zlib.error) as why:
        failure = f"sent something that is no HTTP ({type(why).__name__})"
    except ssl.SSLError as why:
        failure = f"speaks no TLS we know ({why.reason or 'handshake failed'})"
    except OSError as why:
        return Missing(f"{parts.netloc} can't be reached from here: {why.strerror}", f"a way to {parts.netloc}")
    return replace(answer, seconds=round(time.monotonic() - started, 6), failure=failure, **partial)


def _connect(parts: SplitResult, end: float, session: Session, tls: Tls | None) -> socket.socket:
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = socket.create_connection((host, port), timeout=max(0.01, end - time.monotonic()))
    if parts.scheme == "http":
        return connection
    try:
        context = ssl.create_default_context(cafile=str(session.base / tls.ca) if tls and tls.ca else None)
        if tls and tls.cert:
            context.load_cert_chain(session.base / tls.cert, session.base / tls.key if tls.key else None)
        connection.settimeout(max(0.01, end - time.monotonic()))
        return context.wrap_socket(connection, server_hostname=(tls.server_name if tls else None) or host)
    except BaseException:
        connection.close()
        raise


def _send(connection: socket.socket, parts: SplitResult, headers: dict[str, str]) -> None:
    path = parts.path or "/"
    lines = {
        "Host": parts.netloc.rpartition("@")[2],
        "User-Agent": "seatrial",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **headers,
    }
    request = f"GET {path}{'?' + parts.query if parts.query else ''} HTTP/1.1\r\n"
    request += "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    connection.sendall(request.encode("latin-1"))


def _read(connection: socket.socket, end: float, mask: Callable[[str], str], partial: dict[str, Any]) -> None:
    """Read an answer into ``partial``, which holds what had arrived when it breaks off."""
    response = http.client.HTTPResponse(_Response(connection, end), method="GET")  # type: ignore[arg-type]
    response.begin()
    partial.update(
        status=response.status,
        content_type=response.headers.get_content_type() if "content-type" in response.headers else "",
        location=mask(response.getheader("location") or ""),
    )
    data = bytearray()
    while len(data) <= LARGEST and (chunk := response.read1(16384) if not response.chunked else response.read(16384)):
        data += chunk
    raw, cut = bytes(data[:LARGEST]), len(data) > LARGEST
    if (response.getheader("content-encoding") or "").lower() in ("gzip", "deflate"):
        inflate = zlib.decompressobj(wbits=47)
        raw = inflate.decompress(raw, LARGEST)
        cut = cut or bool(inflate.unconsumed_tail)
    text = raw.decode(response.headers.get_content_charset() or "utf-8", "replace")
    partial["body"] = Body(mask(text[:KEPT]), partial["content_type"], truncated=cut or len(text) > KEPT)


def _base(session: Session, service: Service, port: int | None = None) -> str:
    """Where a service is reached, without its path.

    Raises:
        CouldNotLook: the profile gives no URL.
    """
    if service.url is None:
        raise CouldNotLook("the profile gives this service no url")
    parts = urlsplit(session.resolve(service.url))
    netloc = parts.netloc
    if port is not None:
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        netloc = f"{netloc.rpartition('@')[0]}@{host}:{port}".lstrip("@")
    return f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}"


def _headers(session: Session, check: HttpCheck) -> dict[str, str]:
    return {name: session.resolve(value) for name, value in (check.headers or {}).items()}


def poll(session: Session, service: Service, check: HttpCheck) -> Answers:
    """Ask an endpoint as often as the profile says, and a path beside it that nobody can have declared.

    Raises:
        CouldNotLook: there is no URL to ask, or a reference of it can't be resolved.
    """
    port = int(session.resolve(check.port)) if check.port is not None else None
    url = _base(session, service, port) + check.path
    given = {"headers": _headers(session, check), "timeout": check.timeout.seconds, "tls": service.tls}
    answers = tuple(ask(session, url, **given) for _ in range(check.polls))
    unknown = check.path.rstrip("/").rpartition("/")[0] + f"/{secrets.token_hex(12)}"
    random_path = ask(session, _base(session, service, port) + unknown, **given)
    shown = next((answer.url for answer in answers if isinstance(answer, Answer)), check.path)
    return Answers(url=shown, answers=answers, random_path=random_path)


def ready(session: Session, service: Service, check: HttpCheck) -> bool:
    """Whether an endpoint answers with a status that the profile declares, now."""
    try:
        port = int(session.resolve(check.port)) if check.port is not None else None
        url = _base(session, service, port) + check.path
        answer = ask(session, url, headers=_headers(session, check), timeout=check.timeout.seconds, tls=service.tls)
    except CouldNotLook:
        return False
    return isinstance(answer, Answer) and not answer.failure and answer.status in statuses(check)


def statuses(check: HttpCheck) -> tuple[int, ...]:
    """The statuses an endpoint may answer with."""
    declared = check.expect.status if check.expect else 200
    return tuple(declared) if isinstance(declared, list) else (declared,)


def identity(session: Session) -> str:
    """A target that is known by its URLs alone is identified by them."""
    origins = {_base(session, service) for service in session.profile.services.values() if service.url is not None}
    return " ".join(sorted(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" for parts in map(urlsplit, origins)))


def observe(session: Session) -> Runtime:
    """Nothing is seen of what runs behind the URLs."""
    seen = identity(session)
    return Runtime(
        engine=Engine(driver="http", identity=seen, description="known by its URLs alone", local=False, address=seen)
    )


def generations(_session: Session) -> dict[str, tuple[str, ...]]:
    """Over HTTP one incarnation can't be told from the next."""
    return {}
