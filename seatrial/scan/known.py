"""Secrets that exist: the very value, as it is and in every clothing a log or a header may give it."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from urllib.parse import quote, quote_plus

from seatrial.scan.spots import KNOWN, Spot
from seatrial.words import Secret

__all__ = ["SHORTEST", "known_spots", "known_values", "needles"]

SHORTEST = 4
"""Shorter values are in every text; they count only where they are the whole value."""
_CORE = 6
"""Characters of base64 below which a piece of it is chance."""


def known_spots(text: str, known: Sequence[tuple[str, Secret]]) -> Iterator[Spot]:
    """Everywhere a known value stands, in any clothing."""
    for name, secret in known:
        value = secret.reveal()
        for needle in needles(value):
            at = text.find(needle)
            while at >= 0:
                yield Spot(at, at + len(needle), KNOWN, f"known secret {name}", value)
                at = text.find(needle, at + len(needle))


def known_values(known: Sequence[tuple[str, Secret]]) -> dict[str, str]:
    """The names of known secrets by their whole value."""
    return {value: name for name, secret in known if (value := secret.reveal())}


@lru_cache(maxsize=256)
def needles(value: str) -> tuple[str, ...]:
    """Every text that a value may look like, the longest first."""
    if len(value) < SHORTEST:
        return ()
    found = {value, *_written(value)}
    try:
        raw = value.encode()
    except UnicodeEncodeError:
        return tuple(sorted(found, key=len, reverse=True))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            found.add(_core(raw, shift, encode(bytes(shift) + raw).decode()))
    found.discard("")
    return tuple(sorted(found, key=len, reverse=True))


def _written(value: str) -> Iterator[str]:
    """As URLs, JSON, HTML and XML write it."""
    try:
        for quoted in (quote(value, safe=""), quote(value), quote_plus(value)):
            yield quoted
            yield _lower_hex(quoted)
    except UnicodeEncodeError:
        pass
    for ascii_only in (True, False):
        inner = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield inner
        yield inner.replace("/", "\\/")
        # A JSON text inside a JSON text, as structured logs hold a request's body.
        yield json.dumps(inner, ensure_ascii=ascii_only)[1:-1]
        # Go and Rails write <, > and & in JSON as escapes.
        yield inner.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    escaped = html.escape(value, quote=True)
    yield html.escape(value, quote=False)
    yield escaped
    yield escaped.replace("&#x27;", "&#39;")
    yield escaped.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    yield escaped.replace("&#x27;", "&apos;")


def _lower_hex(quoted: str) -> str:
    first, *rest = quoted.split("%")
    return first + "".join("%" + part[:2].lower() + part[2:] for part in rest)


def _core(raw: bytes, shift: int, encoded: str) -> str:
    """The characters of base64 that depend on the value alone, whatever stands before and after it."""
    begin = (0, 2, 3)[shift]
    end = (shift + len(raw)) * 8 // 6
    core = encoded[begin:end]
    return core if len(core) >= _CORE else ""
