"""Driver *http*: GET, bounded in time and size whatever the other side does. Any other method needs its tier.

Other drivers use it for the endpoints that services declare. A redirect is an answer; it is never followed. No proxy is
asked: its answers would be taken for the service's.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import re
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from seatrial.drivers import _http_wire as wire
from seatrial.drivers._http_secrets import masking
from seatrial.facts.answer import Answer, Answers, declared_statuses
from seatrial.facts.runtime import Engine, Runtime
from seatrial.outcomes import Tier
from seatrial.words import Body, CouldNotLook, Duration, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile.model import HttpCheck, Metrics, Service, Tls

__all__ = [
    "RIGHTS",
    "ask",
    "asking",
    "base_of",
    "generations",
    "identity",
    "observe",
    "poll",
    "prepared",
    "ready",
    "stripped",
]

RIGHTS = {
    Tier.observe: "GET on the URLs of the services, asked directly and never through a proxy",
    Tier.write: "the calls that the profile declares, those that write included",
    Tier.load: "many of the calls that the profile declares, in a short time",
}

_FORBIDDEN = frozenset({"content-length", "transfer-encoding", "expect", "upgrade", "connection"})
"""Headers that would make a GET something else."""
_EXPIRED = 10
"""OpenSSL's code of the one fault of a certificate that is never ours."""
_UNWELCOME = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "BAD_CERTIFICATE", "ALERT_UNKNOWN_CA")
"""Alerts with which a server asks for a client certificate, or for another one."""


class _NotAsked(Exception):
    """We could not ask, for a reason of ours."""

    def __init__(self, reason: str, right: str = "") -> None:
        self.missing = Missing(reason, right)


@dataclass(frozen=True, slots=True)
class _Request:
    """One request, ready to be sent."""

    origin: SplitResult
    host: str
    shown: str
    """Its URL, free of secrets."""
    text: bytes
    mask: Callable[[str], str]
    server_name: str
    trust: ssl.SSLContext | None
    method: str = "GET"
    tier: Tier = Tier.observe
    kept: int = wire.KEPT
    connect: Callable[[int], socket.socket] | None = None

    @property
    def where(self) -> str:
        """Host and port, for messages."""
        return self.origin.netloc.rpartition("@")[2]


def ask(
    session: Session,
    url: str,
    *,
    headers: dict[str, str] | None = None,
    timeout: float = 5.0,
    limit: int = wire.LARGEST,
    tls: Tls | None = None,
    secret: Collection[str] = (),
    kept: int = wire.KEPT,
    method: str = "GET",
    body: bytes = b"",
    tier: Tier = Tier.observe,
    whole: Callable[[str], object] | None = None,
    connect: Callable[[int], socket.socket] | None = None,
) -> Answer | Missing:
    """One GET, or one request of another method where the run was granted its tier.

    Args:
        session: counts the call; masks secrets in what is kept.
        url: where; a user and password in it are sent, and kept nowhere.
        headers: of the request; their values are kept nowhere.
        timeout: seconds for all of it: connection, request, answer.
        limit: bytes of the body after which reading stops.
        tls: certificate authority and client certificate, for https.
        secret: names of headers whose values are to be masked where the server repeats them; names such as
            Authorization need no mention.
        kept: characters of the body that are kept.
        method: GET, or what a call of the profile declares.
        body: of the request.
        tier: what a call of that method needs.
        whole: is given the body, and where it redirects to, as they came; nothing of them is to be kept.
        connect: gives a connection to the URL's port, where the host is one that can't be reached from here; raises
            `CouldNotLook`.

    Raises:
        AboveTier: the run was not granted that tier; nothing was sent.
    """
    try:
        request = _request(session, url, headers or {}, tls, masking(session.mask, url, headers or {}, secret))
    except _NotAsked as why:
        return why.missing
    if method != "GET":
        request = replace(request, text=_with_body(request.text, method, body))
    request = replace(request, method=method, tier=tier, kept=kept, connect=connect)
    if whole is not None:
        request = replace(request, mask=_telling(whole, request.mask))
    return _exchange(session, request, timeout, limit)


def prepared(
    session: Session, url: str, headers: dict[str, str], tls: Tls | None, *, method: str = "GET"
) -> _Request | Missing:
    """A GET or HEAD for whoever sends it from another process; nothing is sent."""
    try:
        request = _request(session, url, headers, tls, session.mask)
    except _NotAsked as why:
        return why.missing
    return replace(request, text=method.encode() + request.text.removeprefix(b"GET"), method=method)


def _telling(whole: Callable[[str], object], mask: Callable[[str], str]) -> Callable[[str], str]:
    """A mask that tells somebody first what there was."""

    def tell(text: str) -> str:
        whole(text)
        return mask(text)

    return tell


def _redacted(session: Session, body: Body) -> Body:
    """A body as it may be kept: it may hold secrets that nobody has told us of. The last word of one that was cut off
    may be the beginning of one, and goes.
    """
    text = re.sub(r"(?<=[\s\"',;=:])[^\s\"',;]{1,512}\Z", "", body.text) if body.truncated else body.text
    return replace(body, text=session.redact(text))


def _request(
    session: Session, url: str, headers: dict[str, str], tls: Tls | None, mask: Callable[[str], str]
) -> _Request:
    """A request, once everything that can be wrong with it on our side has been looked at."""
    shown = mask(stripped(url))
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        host = host if host.isascii() else host.encode("idna").decode()
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if parts.scheme not in ("http", "https") or not host or parts.port == 0 or not re.fullmatch("[!-~]+", target):
            raise ValueError
    except ValueError:
        raise _NotAsked(f"{shown} is no http or https URL", "the service's url in the profile") from None
    lines = _headers(parts, host, headers)
    return _Request(
        origin=parts,
        host=host,
        shown=shown,
        text=f"GET {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"),
        mask=mask,
        server_name=(tls.server_name if tls else None) or host,
        trust=_trust(session, tls) if parts.scheme == "https" else None,
    )


def _with_body(text: bytes, method: str, body: bytes) -> bytes:
    """The text of a GET as that of another method."""
    head = text.removeprefix(b"GET").removesuffix(b"\r\n")
    return method.encode() + head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def _headers(parts: SplitResult, host: str, given: dict[str, str]) -> str:
    """The header lines; what is given goes before what we would send."""
    from base64 import b64encode
    from urllib.parse import unquote

    lines = {
        "host": (f"[{host}]" if ":" in host else host) + (f":{parts.port}" if parts.port else ""),
        "user-agent": "seatrial",
        "accept": "*/*",
        "accept-encoding": "identity",
    }
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        lines["authorization"] = f"Basic {b64encode(user.encode()).decode()}"
    for name, value in given.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or name.lower() in _FORBIDDEN:
            raise _NotAsked(f"{name} can't be a header of a GET", "other headers in the profile")
        if not re.fullmatch(r"[\t -~\x80-\xff]*", value):
            raise _NotAsked(f"the value of header {name} holds characters that no header may", f"a sound {name}")
        lines[name.lower()] = value
    return "".join(f"{name.title()}: {value}\r\n" for name, value in {**lines, "connection": "close"}.items())


def stripped(url: str) -> str:
    """A URL without the user and password in it."""
    return re.sub(r"(?<=//)[^/?#]*@", "", url)


def _trust(session: Session, tls: Tls | None) -> ssl.SSLContext:
    files = (tls.ca, tls.cert, tls.key) if tls else (None, None, None)
    try:
        return wire.context(*(str(session.base / file) if file else "" for file in files))
    except (OSError, ValueError) as why:
        reason = why.reason if isinstance(why, ssl.SSLError) else getattr(why, "strerror", None)
        raise _NotAsked(
            f"the certificates under tls of the profile can't be used: {reason or 'not PEM'}",
            "PEM files under tls of the profile, the key without a passphrase",
        ) from None


def _exchange(session: Session, request: _Request, timeout: float, limit: int) -> Answer | Missing:
    """Send it and read what comes. What the service does is an answer; what keeps us from asking it is `Missing`."""
    session.call("http", request.method, request.tier)
    where, bound = request.where, Duration(timeout)
    at, clock = round(time.time(), 3), time.monotonic()
    heard: dict[str, Any] = {}
    connected, failure = False, ""
    try:
        port = request.origin.port or (443 if request.trust else 80)
        addresses = [] if request.connect else wire.addresses(request.host, port, clock + timeout)
        clock = time.monotonic()  # what our resolver takes is no part of the service's latency
        end = clock + timeout
        with request.connect(port) if request.connect else wire.connect(addresses, end) as plain:
            connected = True
            with _secured(plain, request, end) as connection:
                connection.settimeout(max(0.001, end - time.monotonic()))
                with contextlib.suppress(
                    BrokenPipeError, ConnectionResetError
                ):  # who refuses a body early may answer yet
                    connection.sendall(request.text)
                wire.read(connection, end, limit, request.mask, heard, request.kept)
    except CouldNotLook as why:
        return Missing(why.reason, why.right)
    except wire.Unresolved as why:
        return Missing(f"{request.host} does not resolve: {why}", f"resolve {request.host}")
    except ssl.SSLCertVerificationError as why:
        if why.verify_code != _EXPIRED:
            return Missing(
                f"the certificate of {where} is not trusted: {why.verify_message}",
                "its authority as tls.ca, or its name as tls.server_name, in the profile",
            )
        failure = "shows a certificate that has expired"
    except TimeoutError:
        if not connected and _behind_a_proxy(request):
            return Missing(f"{where} can't be asked directly, and a proxy is not used", f"a direct way to {where}")
        did = "finish its answer" if heard else "answer" if connected else "accept a connection"
        failure = f"did not {did} within {bound}"
    except ConnectionRefusedError:
        failure = "refused the connection"
    except (ConnectionError, ssl.SSLEOFError, http.client.IncompleteRead, http.client.RemoteDisconnected):
        if request.trust and addresses and not heard and (alert := _refusal(session, request, addresses, end)):
            return _unwelcome(where, alert)
        failure = f"closed the connection {'before its answer was whole' if heard else 'without an answer'}"
    except wire.Unreadable as why:
        failure = str(why)
    except ssl.SSLError as why:
        if any(alert in (why.reason or "") for alert in _UNWELCOME):
            return _unwelcome(where, why.reason)
        failure = f"speaks no TLS that we know ({why.reason or 'handshake failed'})"
    except (http.client.HTTPException, ValueError):
        failure = "sent something that is no HTTP"
    except OSError as why:
        return Missing(f"{where} can't be reached from here: {why.strerror or why}", f"a way to {where}")
    seconds = round(time.monotonic() - clock, 6)
    if "body" in heard:  # what it takes is no part of the service's latency
        heard["body"] = _redacted(session, heard["body"])
        heard["location"] = session.redact(heard["location"])
    return replace(Answer(url=request.shown, status=0, seconds=seconds, failure=failure, at=at), **heard)


def _secured(connection: socket.socket, request: _Request, end: float) -> socket.socket:
    """The connection, with TLS where the URL says https."""
    if request.trust is None:
        return connection
    connection.settimeout(max(0.001, end - time.monotonic()))  # of the whole handshake, however it drips
    return request.trust.wrap_socket(connection, server_hostname=request.server_name)


def _unwelcome(where: str, alert: str) -> Missing:
    return Missing(f"{where} does not accept us: {alert}", "a client certificate, as tls.cert and tls.key")


def _refusal(session: Session, request: _Request, addresses: list[wire.Address], end: float) -> str:
    """The alert with which a server closes that wants a client certificate; empty when it was something else.

    In TLS 1.3 it comes after our handshake is done, and is lost when our request is under way by then. So the handshake
    is made again, with nothing after it.
    """
    session.call("http", "HELLO")
    try:
        with wire.connect(addresses, end) as plain, _secured(plain, request, end) as connection:
            connection.settimeout(max(0.001, min(1.0, end - time.monotonic())))
            connection.recv(1)
    except ssl.SSLError as why:
        return next((why.reason for alert in _UNWELCOME if alert in (why.reason or "")), "")
    except OSError:
        pass
    return ""


def _behind_a_proxy(request: _Request) -> bool:
    """Whether the environment says that this host is reached through a proxy."""
    from urllib.request import getproxies, proxy_bypass

    return request.origin.scheme in getproxies() and not proxy_bypass(request.host)


# --- the endpoints of a profile ---------------------------------------------------------------------------------------


def base_of(session: Session, service: Service, port: int | None = None) -> str:
    """Where a service is reached, without its path.

    Raises:
        CouldNotLook: the profile gives no URL.
    """
    if service.url is None:
        raise CouldNotLook("the profile gives this service no url", right="url of the service in the profile")
    url = session.resolve(service.url).strip()
    try:
        parts = urlsplit(url)
        netloc = parts.netloc
        if port is not None and parts.port != port:
            user, at, _ = netloc.rpartition("@")
            host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
            netloc = f"{user}{at}{host}:{port}"
    except ValueError:
        raise CouldNotLook(f"{session.mask(stripped(url))} is no http or https URL", right="another url") from None
    return f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}"


def asking(session: Session, service: Service, check: HttpCheck | Metrics) -> tuple[str, dict[str, Any]]:
    """Where an endpoint is asked, and how."""
    headers = check.headers or {}
    return base_of(session, service, check.port), {
        "headers": {name: session.resolve(value) for name, value in headers.items()},
        "secret": [name for name, value in headers.items() if not isinstance(value, str)],
        "timeout": check.timeout.seconds,
        "tls": service.tls,
    }


def poll(session: Session, service: Service, check: HttpCheck) -> Answers:
    """Ask an endpoint as often as the profile says, and a path beside it that nobody can have declared.

    What keeps us from asking keeps us from asking again, and where nothing answers there is nothing to compare with a
    random path: neither is waited for a second time.

    Raises:
        CouldNotLook: there is no URL to ask, or a reference of it can't be resolved.
    """
    base, given = asking(session, service, check)
    url = base + check.path
    answers: list[Answer | Missing] = []
    while len(answers) < check.polls and not (answers and isinstance(answers[-1], Missing)):
        answers.append(ask(session, url, **given))
    random_path: Answer | Missing = Missing("not asked, as the endpoint itself gave no answer")
    if any(isinstance(answer, Answer) and answer.whole for answer in answers):
        beside = check.path.partition("?")[0].rstrip("/").rpartition("/")[0]
        random_path = ask(session, f"{base}{beside}/{secrets.token_hex(12)}", **given)
    shown = next((answer.url for answer in answers if isinstance(answer, Answer)), session.mask(stripped(url)))
    return Answers(url=shown, answers=tuple(answers), random_path=random_path)


def ready(session: Session, service: Service, check: HttpCheck) -> bool:
    """Whether an endpoint answers with a status that the profile declares, now."""
    try:
        base, given = asking(session, service, check)
        answer = ask(session, base + check.path, **given)
    except CouldNotLook:
        return False
    return isinstance(answer, Answer) and answer.whole and answer.status in declared_statuses(check)


# --- a target that is known by its URLs alone -------------------------------------------------------------------------


def identity(session: Session) -> str:
    """Scheme, host and port of each service's URL; for https, also a fingerprint of the certificate it shows.

    Raises:
        CouldNotLook: no service has a URL, or one shows no certificate.
    """
    origins: dict[str, SplitResult] = {}
    for service in session.profile.services.values():
        if service.url is not None:
            parts = urlsplit(base_of(session, service))
            port = parts.port or (443 if parts.scheme == "https" else 80)
            name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
            origins.setdefault(f"{parts.scheme}://{name}:{port}", parts._replace(netloc=f"{name}:{port}"))
    if not origins:
        raise CouldNotLook("no service has a url, by which alone this target is known", right="url of a service")
    return " ".join(
        f"{origin} {_fingerprint(session, parts)}" if parts.scheme == "https" else origin
        for origin, parts in sorted(origins.items())
    )


def _fingerprint(session: Session, parts: SplitResult) -> str:
    """Of the certificate that is shown there, trusted or not."""
    session.call("http", "HELLO")
    end = time.monotonic() + session.timeout
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE
    try:
        with wire.connect(wire.addresses(parts.hostname or "", parts.port or 443, end), end) as plain:
            plain.settimeout(max(0.001, end - time.monotonic()))
            with anyone.wrap_socket(plain, server_hostname=parts.hostname) as connection:
                shown = connection.getpeercert(binary_form=True)
    except (OSError, ValueError, wire.Unresolved):
        shown = None
    if not shown:
        raise CouldNotLook(f"{parts.netloc} shows no certificate to know it by", right=f"a way to {parts.netloc}")
    return f"sha256:{hashlib.sha256(shown).hexdigest()}"


def observe(session: Session) -> Runtime:
    """Nothing is seen of what runs behind the URLs."""
    seen = identity(session)
    return Runtime(
        engine=Engine(driver="http", identity=seen, description="known by its URLs alone", local=False, address=seen)
    )


def generations(_session: Session) -> dict[str, tuple[str, ...]]:
    """Over HTTP one incarnation can't be told from the next."""
    return {}
