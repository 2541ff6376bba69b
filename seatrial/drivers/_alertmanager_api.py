"""The HTTP API of a running Alertmanager: GET, and one POST, of a test alert, where a run may write."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from seatrial.drivers import http
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.answer import Answer
    from seatrial.profile.alerting import Monitor

__all__ = ["Server", "get", "page", "post", "server"]

LARGEST = 8 * 1024 * 1024
"""Bytes of an answer that are read."""
MOST_PARTS = 1_000_000
"""Commas, colons and brackets of an answer that are read."""
KEY = "alerts.alertmanager"


@dataclass(frozen=True, slots=True)
class Server:
    """An Alertmanager as it is asked: its address and headers may hold secrets, and are never shown."""

    base: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: tuple[str, ...] = ()
    """Names of headers whose values are."""
    timeout: float = 10.0

    @property
    def shown(self) -> str:
        """Its address as it may be told."""
        return http.stripped(re.split("[?#]", self.base)[0])


def server(session: Session, monitor: Monitor) -> Server:
    """The server that a profile declares.

    Raises:
        CouldNotLook: a reference of it can't be resolved, or it is no such address.
    """
    headers = monitor.headers or {}
    base = session.resolve(monitor.url).strip()
    if re.search("[?#]", base):
        raise CouldNotLook(
            f"{KEY}.url goes on with a query, and paths come after it", right=f"{KEY}.url without a query"
        )
    return Server(
        re.sub(r"(?:/api/v[12])?/*$", "", base),
        {name: session.resolve(value) for name, value in headers.items()},
        tuple(name for name, value in headers.items() if not isinstance(value, str)),
        monitor.timeout.seconds,
    )


def _ask(session: Session, to: Server, path: str, limit: int, **given: Any) -> Answer:
    """One request, answered with whatever status."""
    headers = {**to.headers, **given.pop("headers", {})}
    answer = http.ask(
        # What is parsed would be no JSON any more once something was cut out of it; nothing of it is kept as it is.
        replace(session, redact=str),
        f"{to.base}{path}",
        headers=headers,
        secret=to.secret,
        timeout=to.timeout,
        limit=limit,
        kept=limit,
        **given,
    )
    told = f"Alertmanager at {session.mask(to.shown)}"
    if isinstance(answer, Missing):
        raise CouldNotLook(f"{told} was not asked: {answer.reason}", right=answer.right)
    if not answer.status or answer.failure:
        raise CouldNotLook(
            f"{told}: {path.partition('?')[0]} {answer.failure}", right=f"{KEY}.url of a server that runs"
        )
    if answer.endless:
        raise CouldNotLook(f"{told}: {path.partition('?')[0]} answered more than {limit // 1024**2 or 1} MiB")
    return answer


def page(session: Session, to: Server, path: str, *, limit: int = LARGEST) -> Answer:
    """The answer to one GET, whatever its status.

    Raises:
        CouldNotLook: there was none.
    """
    return _ask(session, to, path, limit)


def get(
    session: Session,
    to: Server,
    path: str,
    params: Mapping[str, str | Sequence[str]] | None = None,
    *,
    limit: int = LARGEST,
) -> Any:
    """The JSON that one GET is answered with, the secrets we know masked in it.

    Raises:
        CouldNotLook: there was no such answer, and why.
    """
    query = f"?{urlencode(params, doseq=True)}" if params else ""
    answer = _ask(session, to, path + query, limit)
    told = f"Alertmanager at {session.mask(to.shown)}: GET {path}"
    if answer.status in (401, 403, 407):
        raise CouldNotLook(f"{told} answered HTTP {answer.status}", right=f"credentials under {KEY}.headers")
    if answer.status != 200:
        raise CouldNotLook(f"{told} answered HTTP {answer.status}", right=f"{KEY}.url with the server's path prefix")
    if sum(answer.body.text.count(part) for part in ",:[{") > MOST_PARTS:
        raise CouldNotLook(f"{told} answered with more than {MOST_PARTS:,} parts, and was not read")
    try:
        return json.loads(answer.body.text)
    except (ValueError, RecursionError):
        raise CouldNotLook(
            f"{told} answered something that is no JSON", right=f"{KEY}.url of an Alertmanager"
        ) from None


def post(session: Session, to: Server, alert: Mapping[str, Any]) -> None:
    """Tell the server of one alert, or of its end.

    Raises:
        AboveTier: the run may not write; nothing was sent.
        CouldNotLook: it did not take it.
    """
    body = json.dumps([alert]).encode()
    given = {"method": "POST", "body": body, "tier": Tier.write, "headers": {"Content-Type": "application/json"}}
    answer = _ask(session, to, "/api/v2/alerts", 1024 * 1024, **given)
    if answer.status != 200:
        raise CouldNotLook(
            f"Alertmanager at {session.mask(to.shown)} did not take an alert: it answered HTTP {answer.status}",
            right=f"credentials under {KEY}.headers that may post alerts" if answer.status in (401, 403) else "",
        )
