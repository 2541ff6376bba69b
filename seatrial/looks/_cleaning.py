"""What a server told, as it may be kept: without what looks like a secret, by its key or by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seatrial.drivers import Session

__all__ = ["SECRET", "cleaned"]

SECRET = "<secret>"
"""What stands in the place of a secret; a text with it can't be compared any more."""


def cleaned(session: Session, node: Any) -> Any:
    """A value of JSON without the secrets in its texts.

    All texts are looked at together first: looking at each takes ten times as long, and hardly ever is there a secret.
    """
    together = "\n".join(_texts(node, ""))
    return node if session.redact(together) == together else _each(session, node, "")


def _pair(key: str, text: str) -> str:
    return f'{key}="{text}"' if key else text


def _texts(node: Any, key: str) -> Iterator[str]:
    if isinstance(node, str):
        yield _pair(key, node)
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from _texts(value, name)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _texts(value, key)


def _each(session: Session, node: Any, key: str) -> Any:
    if isinstance(node, str):
        pair = _pair(key, node)
        if session.redact(pair) == pair:
            return node
        kept = session.redact(node)
        return SECRET if kept == node else kept
    if isinstance(node, dict):
        return {name: _each(session, value, name) for name, value in node.items()}
    if isinstance(node, list | tuple):
        return [_each(session, value, key) for value in node]
    return node
