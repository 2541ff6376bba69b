"""What an HTTP request carries must not come back in what is kept of the answer, as a page that echoes it would do."""

from __future__ import annotations

import binascii
import contextlib
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterator, Mapping
from urllib.parse import quote, unquote, urlsplit

__all__ = ["masking"]

MASKED = "<secret>"
_TELLING = re.compile(r"auth|token|key|secret|cookie|passw|session|signature", re.IGNORECASE)
_SHORTEST = 4
"""Shorter values are in every text, and no secret that would be worth hiding."""
_IN_URL = re.compile(r"(?<=://)[^\s/?#\"'<>@]+(?=@)")


def masking(
    known: Callable[[str], str], url: str, headers: Mapping[str, str], secret: Collection[str]
) -> Callable[[str], str]:
    """A function that takes secrets out of a text: those the run knows, and those this request carries.

    Args:
        known: takes out what the run knows already.
        url: of the request, with a user and password perhaps.
        headers: of the request.
        secret: names of headers whose values are secret although their names don't say so.
    """
    values = set(_of_url(url))
    for name, value in headers.items():
        if name in secret or _TELLING.search(name):
            values.update(_of_header(value))
    forms = {form for value in values if len(value) >= _SHORTEST for form in _forms(value)}
    ordered = sorted(forms, key=len, reverse=True)

    def mask(text: str) -> str:
        for form in ordered:
            text = text.replace(form, MASKED)
        return _IN_URL.sub(MASKED, known(text))

    return mask


def _of_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    if parts.password:
        yield from (parts.password, unquote(parts.password))
        yield b64encode(f"{unquote(parts.username or '')}:{unquote(parts.password)}".encode()).decode()


def _of_header(value: str) -> Iterator[str]:
    """The value, the credential after its scheme, the password in Basic credentials, and each cookie's value."""
    yield value
    scheme, _, credential = value.strip().partition(" ")
    yield credential.strip()
    if scheme.lower() == "basic":
        with contextlib.suppress(binascii.Error, UnicodeDecodeError):
            yield b64decode(credential, validate=True).decode().partition(":")[2]
    for cookie in value.split(";"):
        yield cookie.partition("=")[2].strip()


def _forms(value: str) -> Iterator[str]:
    yield from (value, quote(value, safe=""), json.dumps(value)[1:-1], b64encode(value.encode()).decode())
