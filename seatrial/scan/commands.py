"""Secrets in headers, commands and directives whose shape is known: `curl -u`, `mysql -p`, `identified by`, ACLs, password files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seatrial.scan.spots import PAIR, WRITTEN, Spot
from seatrial.scan.values import basic, entropy, kind, random_looking
from seatrial.scan.verdict import verdict

__all__ = ["commands", "headers"]

_HEADER = re.compile(r"(?P<scheme>basic|bearer|token)[ \t]{1,4}(?P<value>[A-Za-z0-9+/=_.~%-]{4,4096}+)", re.I)
_COMMAND = re.compile(
    r"""(?:\bcurl\b[^\n|;]{0,400}?[ \t](?:-[a-zA-Z]{0,8}u[ \t]?|--user[ =])["']?(?P<user>[^\s:"']{1,80}):(?P<curl>[^\s"'`]{1,200})
    |\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\n|;]{0,400}?[ \t]-p(?P<mysql>[^\s"'`]{1,200})
    |\bsshpass[ \t]+-p[ \t]?["']?(?P<sshpass>[^\s"']{1,200})
    |\bredis-cli\b[^\n|;]{0,400}?[ \t]-a[ \t]+["']?(?P<redis>[^\s"']{1,200})
    |\bdocker[ \t]+login\b[^\n|;]{0,400}?[ \t]-p[ \t]+["']?(?P<docker>[^\s"']{1,200})
    |\bidentified[ \t]+(?:with[ \t]+\w+[ \t]+)?by[ \t]+'(?P<sql>[^'\n]{1,200})'
    |\bmc[ \t]+(?:alias[ \t]+set|config[ \t]+host[ \t]+add)[ \t]+\S{1,80}[ \t]+\S{1,200}[ \t]+(?P<access>\S{1,100})[ \t]+(?P<mc>[^\s"']{1,200})
    |\bldap(?:search|add|modify|passwd|whoami)\b[^\n|;]{0,400}?[ \t]-w[ \t]+["']?(?P<ldap>[^\s"'`]{1,200})
    |\bhtpasswd[ \t]+-(?:[a-zA-Z]{0,8}n[a-zA-Z]{0,8}|[a-zA-Z]{1,8}[ \t]+\S{1,200})[ \t]+(?P<web>\S{1,80})[ \t]+["']?(?P<htpasswd>[^\s"'`]{1,200})
    |\bauth-pass[ \t]+\S{1,80}[ \t]+(?P<sentinel>[^\s"']{1,200})
    |\bsetuser[ \t]+\S{1,80}[^\n>]{0,200}[ \t]>(?P<setuser>[^\s"']{1,200})
    |\buser[ \t]+\S{1,80}[ \t]+on[ \t][^\n>]{0,200}>(?P<acl>[^\s"']{1,200})
    |\badd_user[ \t]+(?P<rabbit>[^\s"']{1,80})[ \t]+["']?(?P<add_user>[^\s"']{1,200}))""",
    re.X | re.I | re.M,
)
_STATEMENT = re.compile(r"\b(?:user|grant|role|alter|create)\b")
_COOKIE = re.compile(r"""[ \t]*(?P<name>[\w.-]{1,80})=(?P<value>[^\s;,"']{0,2048}+)(?:;|(?=[\s"',]|$))""")
_SESSION = re.compile(r"sess|sid$|auth|token|jwt|remember|login|^SID", re.I)
_COMMANDS = (
    "curl",
    "mysql",
    "mariadb",
    "sshpass",
    "redis-cli",
    "docker login",
    "identified",
    "ldap",
    "htpasswd",
    "mc alias",
    "mc config",
    "auth-pass",
    "setuser",
    "add_user",
    "user ",
)
_PGPASS = re.compile(
    r"(?m)^[\w.*-]{1,100}:(?:5432|6432|\*|\d{4,5}):[\w.*-]{1,64}:(?P<user>[\w.*-]{1,64}):(?P<value>[^\s:]{1,200})$"
)


def headers(text: str, low: str) -> Iterator[Spot]:
    """Credentials after `Basic` and `Bearer`."""
    for literal in ("basic ", "bearer "):
        at = low.find(literal)
        while at >= 0:
            found = _HEADER.match(text, at)
            if found and not (at and text[at - 1].isalnum()):
                value = found["value"].rstrip(".")
                what = _basic(value) if literal == "basic " else _bearer(value)
                if what:
                    yield Spot(
                        found.start("value"),
                        found.start("value") + len(value),
                        PAIR,
                        what[0],
                        what[1],
                        "Authorization",
                        what[2],
                    )
            at = low.find(literal, at + len(literal))
    yield from _cookies(text, low)


def _basic(value: str) -> tuple[str, str, tuple[str, ...]] | None:
    found = basic(value)
    return ("credentials in a header", found[1], (found[0],)) if found else None


def _cookies(text: str, low: str) -> Iterator[Spot]:
    at = low.find("cookie:")
    while at >= 0:
        end = at + 7
        for found in _COOKIE.finditer(text, end, min(len(text), end + 4096)):
            if found.start() != end:
                break
            end = found.end()
            if _SESSION.search(found["name"]) and len(found["value"]) >= 16 and _drawn(found["value"]):
                yield Spot(*found.span("value"), WRITTEN, "session cookie", found["value"], found["name"])
        at = low.find("cookie:", at + 7)


def _drawn(value: str) -> bool:
    return random_looking(value) or (any(map(str.isdigit, value)) and entropy(value) >= 3.3 and kind(value) == "opaque")


def _bearer(value: str) -> tuple[str, str, tuple[str, ...]] | None:
    if random_looking(value) and kind(value, quoted=True) not in ("placeholder", "reference"):
        return "credentials in a header", value, ()
    return None


def commands(text: str, low: str, effective: bool) -> Iterator[Spot]:
    """Passwords of commands, statements, directives and password files."""
    for literal in _COMMANDS:
        at = low.find(literal)
        while at >= 0:
            found = _COMMAND.match(text, at)
            if found and not (at and text[at - 1].isalnum()):
                group = found.lastgroup or ""
                value = found[group]
                if group == "sql" and not _STATEMENT.search(low, max(0, at - 200), at):
                    at = low.find(literal, at + len(literal))
                    continue
                if verdict("password", value, quoted=True, effective=effective):
                    names = tuple(
                        name for name in (found["user"], found["access"], found["rabbit"], found["web"]) if name
                    )
                    yield Spot(*found.span(group), WRITTEN, "password in a command", value, literal.split()[0], names)
            at = low.find(literal, at + len(literal))
    if ":5432:" in text or ":*:" in text or ":6432:" in text:
        for found in _PGPASS.finditer(text):
            if verdict("password", found["value"], quoted=True, effective=effective):
                yield Spot(
                    *found.span("value"),
                    WRITTEN,
                    "password in a password file",
                    found["value"],
                    found["user"],
                    (found["user"],),
                )
