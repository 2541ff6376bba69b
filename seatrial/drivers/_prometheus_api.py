"""The HTTP API of a running Prometheus, with GET alone, and whatever answers in its place.

A proxy's page, a login form, a server that is still starting or one that never ends: each is told for what it is, and
none of them is taken for an answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from seatrial.drivers import http
from seatrial.facts.answer import Answer
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile.alerting import Monitor

__all__ = ["LARGEST", "RIGHTS", "NoServer", "address", "get", "plain", "shown"]

RIGHTS = {Tier.observe: "GET on the HTTP API of the declared Prometheus, with the headers that the profile gives"}
LARGEST = 32 * 1024 * 1024
"""Bytes of an answer that are read."""
MOST_PARTS = 4_000_000
"""Commas, colons and brackets of an answer that are read: each may become an object a hundred times its size."""
LONGEST_QUERY = 64 * 1024
"""Characters of the parameters of a GET; servers and proxies take no more."""
KEY = "alerts.prometheus"


class NoServer(CouldNotLook):
    """Nothing there is a Prometheus that lets us ask, so that nothing else need be asked."""


Parameters = Mapping[str, str | Sequence[str]]


def address(session: Session, monitor: Monitor) -> str:
    """Where the server is reached, with its path prefix and without a slash at the end; it may hold a password.

    Raises:
        CouldNotLook: a reference of it can't be resolved, or it is no such address.
    """
    url = session.resolve(monitor.url).strip()
    if re.search(r"[?#]", url):
        raise CouldNotLook(
            f"{session.mask(http.stripped(re.split('[?#]', url)[0]))} goes on with a query, and paths come after it",
            right=f"{KEY}.url without a query",
        )
    return re.sub(r"(?:/api/v1)?/*$", "", url)


def shown(session: Session, monitor: Monitor) -> str:
    """The address as it may be told."""
    return session.mask(http.stripped(address(session, monitor)))


def get(
    session: Session, monitor: Monitor, path: str, params: Parameters | None = None, *, limit: int = LARGEST
) -> Any:
    """What the server answers to one GET: the ``data`` of its JSON, with the secrets we know masked.

    What else looks like a secret in it is the caller's to redact, in what is kept of it.

    Args:
        session: counts the call.
        monitor: the server.
        path: below its address: ``/api/v1/rules``.
        params: of the query; several values are sent one after the other.
        limit: bytes of the answer.

    Raises:
        CouldNotLook: there was no such answer, and why.
    """
    base = address(session, monitor)
    headers = monitor.headers or {}
    query = urlencode(dict(params or {}), doseq=True)
    if len(query) > LONGEST_QUERY:
        raise CouldNotLook(f"GET {path} would be asked with {len(query)} characters, more than a server takes")
    # The text is parsed, and would not be JSON any more once something was cut out of it.
    answer = http.ask(
        replace(session, redact=str),
        f"{base}{path}" + (f"?{query}" if query else ""),
        headers={name: session.resolve(value) for name, value in headers.items()},
        secret=[name for name, value in headers.items() if not isinstance(value, str)],
        timeout=monitor.timeout.seconds,
        limit=limit,
        kept=limit,
    )
    told = f"Prometheus at {session.mask(http.stripped(base))}"
    if isinstance(answer, Missing):
        raise NoServer(f"{told} was not asked: {answer.reason}", right=answer.right)
    return _data(session, answer, f"{told}: GET {path}", limit)


def _data(session: Session, answer: Answer, asked: str, limit: int) -> Any:
    """The data in an answer."""
    if not answer.status:
        raise NoServer(f"{asked} {answer.failure}", right=f"{KEY}.url of a server that runs")
    if 300 <= answer.status < 400:
        raise NoServer(
            f"{asked} redirects to {session.redact(answer.location) or 'nowhere'}, and redirects are not followed",
            right=f"the address behind it as {KEY}.url",
        )
    if answer.failure:
        raise CouldNotLook(f"{asked} answered {answer}")
    if answer.endless:
        raise CouldNotLook(f"{asked} answered more than {limit // 1024**2 or 1} MiB, and the rest was not read")
    body = _json(answer.body.text)
    said = body if isinstance(body, dict) else {}
    if answer.status == 200 and said.get("status") == "success" and "data" in said:
        return said["data"]
    refused = answer.status in (401, 403, 407, 503) or not said
    raise (NoServer if refused else CouldNotLook)(
        f"{asked} {_instead(session, answer, body)}", right=_remedy(answer, said)
    )


def _json(text: str) -> Any:
    """The value in a text; None where there is none, or more of it than is read."""
    if sum(text.count(part) for part in ",:[{") > MOST_PARTS:
        raise CouldNotLook(f"an answer of a Prometheus has more than {MOST_PARTS:,} parts, and was not read")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _instead(session: Session, answer: Answer, body: Any) -> str:
    """What came in place of data."""
    if isinstance(body, dict) and isinstance(error := body.get("error"), str):
        return f"answered HTTP {answer.status}: {plain(session, error)}"
    if answer.status == 503:
        return "answered HTTP 503: it is still starting, or it is overloaded"
    if answer.status != 200:
        return f"answered HTTP {answer.status}"
    if body is not None:
        return "answered JSON that is not of a Prometheus"
    if re.match(r"\s*<", answer.body.text):
        return "answered a page and no JSON, as a proxy, a login form or the user interface does"
    return f"answered {answer.content_type or 'no content type'} that is no JSON"


def _remedy(answer: Answer, said: Mapping[str, Any]) -> str:
    if answer.status in (401, 403, 407):
        return f"credentials under {KEY}.headers"
    if answer.status == 503:
        return "a moment to start"
    if "error" in said:
        return ""
    return f"{KEY}.url with the path prefix that the server has (--web.external-url, --web.route-prefix)"


def plain(session: Session, text: str) -> str:
    """A server's own words as they may be kept: one line, bounded, without what looks like a secret."""
    return session.redact(" ".join(re.sub(r"[^\S ]|[\x00-\x1f\x7f]", " ", text[:600]).split()))[:400]
