"""Calls that a profile declares, made as declared: their method, headers, body and sentinel."""

from __future__ import annotations

import itertools
import json
import secrets
from typing import TYPE_CHECKING, Any

from seatrial.drivers import http
from seatrial.facts.answer import Answer
from seatrial.outcomes import Tier
from seatrial.words import Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile.model import Canary, Service

__all__ = ["call", "differs", "method_of", "renamed", "spoken", "unique"]


def method_of(node: Canary) -> tuple[str, str]:
    """Method and path of a call."""
    for method in ("get", "post", "put", "delete"):
        if path := getattr(node, method):
            return method.upper(), path
    return "GET", "/"


def spoken(node: Canary) -> str:
    """``POST /notes``."""
    return " ".join(method_of(node))


_RUN = secrets.token_hex(3)
_NUMBERS = itertools.count(1)


def unique(sentinel: str) -> str:
    """A sentinel's text for one call: no other call of this run, nor of another, has it."""
    return f"{sentinel}-{_RUN}-{next(_NUMBERS)}"


def renamed(node: Canary, sentinel: str, own: str) -> Canary:
    """A call with its sentinel replaced wherever it stands, in its second calls too."""
    from seatrial.profile.model import Canary

    def replaced(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(sentinel, own)
        if isinstance(value, dict):
            return {replaced(key): replaced(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [replaced(inner) for inner in value]
        if isinstance(value, Canary):
            return renamed(value, sentinel, own)
        return value

    changes = {
        name: replaced(getattr(node, name)) for name in ("get", "post", "put", "delete", "body", "read_back", "remove")
    }
    if node.expect is not None and node.expect.match:
        changes["expect"] = node.expect.model_copy(update={"match": replaced(node.expect.match)})
    return node.model_copy(update=changes)


def call(
    session: Session, service: Service, node: Canary, *, base: str = "", timeout: float | None = None, **given: Any
) -> Answer | Missing:
    """Make a declared call once.

    Args:
        session: counts it, and refuses one that is above the granted tier.
        service: whose call it is.
        node: the call; its `read_back` and `remove` are calls of their own.
        base: scheme, host and port, when not those of the service's URL.
        timeout: seconds, when not those that the call declares.
        given: more for `http.ask`.

    Raises:
        AboveTier: a call that may write, in a run that may not.
        CouldNotLook: there is no URL to ask.
    """
    method, path = method_of(node)
    declared = node.headers or {}
    headers = {name: session.resolve(value) for name, value in declared.items()}
    if method != "GET":
        given["method"] = method
        given["tier"] = Tier.observe if node.only_reads else Tier.write
        if node.body is not None:
            given.setdefault("body", json.dumps(node.body).encode())
            headers = {"Content-Type": "application/json", **headers}
    return http.ask(
        session,
        (base or http.base_of(session, service)) + path,
        headers=headers,
        secret=[name for name, value in declared.items() if not isinstance(value, str)],
        timeout=node.timeout.seconds if timeout is None else timeout,
        tls=service.tls,
        **given,
    )


def differs(node: Canary, answer: Answer) -> str:
    """How an answer differs from what its call declares; empty when it does not."""
    from seatrial.facts import document

    expect = node.expect
    status = expect.status if expect else 200
    right = tuple(status) if isinstance(status, list) else (status,)
    if not answer.whole or answer.status not in right:
        return str(answer) or "no answer"
    if expect is None:
        return ""
    if expect.content_type and answer.content_type != expect.content_type.strip().lower():
        return f"HTTP {answer.status} of type {document.plain(answer.content_type) or 'none'}"
    body = document.parse(answer.body.text) if expect.match else None
    for expression, want in (expect.match or {}).items():
        if not document.same(document.search(expression, body), want):
            return f"HTTP {answer.status} without {expression} as declared"
    return ""
