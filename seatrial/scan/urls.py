"""Passwords inside URLs: ``scheme://user:password@host``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from seatrial.scan.spots import URL, Spot
from seatrial.scan.values import default_of, kind, random_looking
from seatrial.scan.verdict import verdict

__all__ = ["urls"]

_AFTER = re.compile(
    r"""://(?P<user>[^\s:/?\#@"'<>`,]{0,256}+):(?P<password>(?:\$\{[^}\s]{1,200}\}|[^\s/?\#"'<>`]){1,512})@(?P<host>[^\s/?\#"'<>`,;)]{1,255})""",
    re.X,
)
_TOKEN = re.compile(r"""://(?P<user>[A-Za-z0-9_.%-]{16,256}+)@(?P<host>[^\s/?#"'<>`,;)]{1,255})""")
_SCHEME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-"
_GENERIC_USERS = {
    "user",
    "username",
    "usr",
    "login",
    "me",
    "name",
    "your_user",
    "youruser",
    "db_user",
    "dbuser",
    "myuser",
}
_GENERIC_PASSWORDS = {
    "password",
    "pass",
    "passwd",
    "pwd",
    "secret",
    "pw",
    "token",
    "db_password",
    "mypassword",
    "mypass",
}
_GENERIC_HOSTS = re.compile(
    r"(?:db_?)?host(?:name)?$|server$|example|your|domain|proxy$|my[-.]?(?:host|server|db)|.*\bexample\.(?:com|org|net)$|db$|\.\.\.",
    re.I,
)
_PUBLIC = re.compile(r"(?:.*\.)?sentry\.io$|.*sentry", re.I)


def urls(text: str, *, effective: bool) -> Iterator[Spot]:
    """The passwords, and tokens in a password's place, of all URLs in a text."""
    at = text.find("://")
    while at >= 0:
        found = _AFTER.match(text, at)
        before = text[max(0, at - 32) : at]
        scheme = before[len(before.rstrip(_SCHEME)) :].lower()
        if found:
            spot = _password(found, scheme, effective)
        else:
            found = _TOKEN.match(text, at)
            spot = _token(found) if found and scheme in ("http", "https", "git+https") else None
        if spot:
            yield spot
        at = text.find("://", found.end() if found else at + 3)
    yield from _data_sources(text, effective)


def _data_sources(text: str, effective: bool) -> Iterator[Spot]:
    """As Go's MySQL driver writes them: ``user:password@tcp(host:3306)/name``."""
    at = text.find("@tcp(")
    while at >= 0:
        before = max(0, at - 300)
        found = re.search(r"(?P<user>[^\s:@\"'=`]{1,80}):(?P<password>[^\s@\"'`]{1,200})$", text[before:at])
        if found and verdict("password", found["password"], quoted=True, effective=effective):
            start, end = found.span("password")
            yield Spot(
                before + start,
                before + end,
                URL,
                "password in a URL",
                found["password"],
                names=(found["user"], "mysql"),
            )
        at = text.find("@tcp(", at + 5)


def _password(found: re.Match[str], scheme: str, effective: bool) -> Spot | None:
    raw, user, host = found["password"], unquote(found["user"]), found["host"].split(":")[0]
    start, end = found.span("password")
    value = unquote(raw)
    inner = default_of(raw)
    if inner is not None:
        value = inner
    what = kind(value, quoted=True)
    if what in ("empty", "reference", "hash"):
        return None
    if re.fullmatch(r"[${\[][\w{}\[\]%$.-]*|%\w+%|%[sdvq]|\{{1,2}[\w.()\[\] ]*\}{1,2}", raw) or (
        raw.isupper() and "_" in raw
    ):
        return None
    if not effective:
        if what == "placeholder" or value == "..." or set(value) <= set("*x"):
            return None
        if user.lower() in _GENERIC_USERS and value.lower() in _GENERIC_PASSWORDS and _GENERIC_HOSTS.match(host):
            return None
    return Spot(start, end, URL, "password in a URL", value, names=tuple(n for n in (user, scheme, host) if n))


def _token(found: re.Match[str]) -> Spot | None:
    value = unquote(found["user"])
    if not random_looking(value) or _PUBLIC.match(found["host"]):
        return None
    return Spot(*found.span("user"), URL, "token in a URL", value)
