"""Found by a URL: what a web server tells of itself, where nothing else of the deployment can be seen."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from seatrial.draft import NothingFound, web
from seatrial.draft.found import Found, Probe, Service, fact, guess
from seatrial.draft.guessing import name_of
from seatrial.draft.parts import quoted
from seatrial.draft.project import session_of
from seatrial.words import CouldNotLook

__all__ = ["find"]


def find(url: str, *, say: Callable[[str], None] = lambda _: None) -> Found:
    """What a URL tells.

    Raises:
        NothingFound: it is no URL to ask.
        CouldNotLook: nothing answers there.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise NothingFound("that is no URL") from None
    if not host:
        raise NothingFound("that URL names no host")
    if parts.username or parts.password or parts.query:
        raise NothingFound("a URL with a password or a query would have to be written down: give it without")
    shown = f"[{host}]" if ":" in host else host
    base = f"{parts.scheme}://{shown}{f':{port}' if port else ''}{parts.path.rstrip('/')}"
    name = name_of(host if not host.replace(".", "").isdecimal() else f"site-{port or parts.scheme}")
    say(f"asking {base} for the usual paths")
    services = f"services:\n  site:\n    url: {quoted(base)}\n"
    with session_of("{driver: http}", services) as session:
        told = web.ask(session, base)
        if not told.answers:
            raise CouldNotLook(told.remark, right=f"a way to {base}")
        from seatrial.drivers import http

        try:
            identity = fact(http.identity(session), "scheme, host and port; with https also the certificate")
        except CouldNotLook:
            identity = None
    service = Service("site", base)
    service.values["url"] = fact(base, "as given")
    service.values["protocol"] = fact("http", "it answered GET")
    service.probes, service.metrics = told.probes, told.metrics
    if told.version:
        service.values["version"] = told.version
    if told.remark:
        service.remarks.append(told.remark)
    service.remarks.append("driver http sees no containers, no sockets and no processes: only what is answered")
    found = Found(name=name, what=base, command=base, driver="http", identity=identity, services=[service])
    if not (told.probes or told.metrics):
        service.probes["health"] = Probe(
            guess(parts.path or "/", "no health endpoint was found: this is no more than a page")
        )
    return found
