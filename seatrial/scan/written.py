"""Secrets as they are written into any text: ``name=value``, ``"name": "value"``, options, directives, headers, statements.

Nothing here walks over a text line by line. Each search starts at a literal that is cheap to find, and every shape is bounded
in length and never takes back what it took, so that no input makes it slow.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from seatrial.scan.names import NONE, PASSWORD, level
from seatrial.scan.spots import PAIR, WRITTEN, Spot
from seatrial.scan.values import kind, random_looking
from seatrial.scan.verdict import verdict

__all__ = ["lowered", "written"]

_LITERALS = ("pass", "secret", "token", "key", "pwd", "auth", "cred", "salt", "jwt", "psk", "psw", "_pw", "cookie")
_NAME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
_REST = re.compile(r"[A-Za-z0-9_.\-]{0,64}+")
_LONGEST = 2048
_QUOTED = rf"""(?:\\{{0,3}}"(?P<double>(?:[^"\\\n]|\\[^"\n]){{0,{_LONGEST}}}+)(?=\\{{0,3}}"|\n|$)|\\?'(?P<single>[^'\n]{{0,{_LONGEST}}}+)(?=')|`(?P<tick>[^`\n]{{0,{_LONGEST}}}+)(?=`))"""
_BARE = rf"""(?P<bare>(?:\$\{{[^}}\n]{{0,200}}+\}}|\$\([^)\n]{{0,200}}+\)|\{{\{{[^}}\n]{{0,200}}+\}}\}}|<[^<>\n]{{1,80}}+>|[^\s"'`,;&<>|]){{1,{_LONGEST}}}+)"""
_AFTER = re.compile(
    rf"""(?P<sep>\\{{0,3}}["'`]?\]?\)?[ \t]{{0,40}}+(?:=>|:=|\?=|==?(?!=)|:(?!:|//)|->)[ \t]{{0,80}}+[rbfu]?)(?:{_QUOTED}|{_BARE})""",
    re.X,
)
_SPACED = re.compile(rf"""(?P<sep>["']?,?[ \t]{{1,8}}+["']?)(?:{_BARE})""", re.X)
_SAID = re.compile(rf"""(?P<sep>[ \t]+(?:(?:is|was|to)[ \t]*:?[ \t]+)?)(?:{_QUOTED})""", re.X)
_IS = re.compile(rf"""(?P<sep>[ \t]+(?:is|was)[ \t]*:?[ \t]+)(?:{_BARE})""", re.X)
_ELEMENT = re.compile(r"(?:\s[^<>]{0,80})?>(?P<bare>[^<>\n]{1,1024}+)</")
_PLIST = re.compile(r"\s{0,4}</key>\s{0,200}<string>(?P<bare>[^<>\n]{1,1024}+)</")
_DIRECTIVES = {"requirepass", "masterauth", "masterpass", "primaryauth"}
_SCHEMES = re.compile(r"(?:basic|bearer|token|apikey|digest|negotiate|aws4-hmac-sha256)[ \t]+", re.I)
_HEADER = re.compile(r"(?P<scheme>basic|bearer|token)[ \t]{1,4}(?P<value>[A-Za-z0-9+/=_.~%-]{4,4096}+)", re.I)
_COMMAND = re.compile(
    r"""(?:\bcurl\b[^\n|;]{0,400}?[ \t](?:-u[ \t]?|--user[ =])["']?(?P<user>[^\s:"']{1,80}):(?P<curl>[^\s"']{1,200})
    |\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\n|;]{0,400}?[ \t]-p(?P<mysql>[^\s"']{1,200})
    |\bsshpass[ \t]+-p[ \t]?["']?(?P<sshpass>[^\s"']{1,200})
    |\bredis-cli\b[^\n|;]{0,400}?[ \t]-a[ \t]+["']?(?P<redis>[^\s"']{1,200})
    |\bdocker[ \t]+login\b[^\n|;]{0,400}?[ \t]-p[ \t]+["']?(?P<docker>[^\s"']{1,200})
    |\bidentified[ \t]+(?:with[ \t]+\w+[ \t]+)?by[ \t]+'(?P<sql>[^'\n]{1,200})'
    |\bauth[ \t]+(?:default[ \t]+)?(?P<acl>(?!\w+[ \t]+\w)[^\s"']{6,200})$)""",
    re.X | re.I | re.M,
)
_COMMANDS = ("curl", "mysql", "mariadb", "sshpass", "redis-cli", "docker login", "identified")
_PGPASS = re.compile(
    r"(?m)^[\w.*-]{1,100}:(?:5432|6432|\*|\d{4,5}):[\w.*-]{1,64}:(?P<user>[\w.*-]{1,64}):(?P<value>[^\s:]{1,200})$"
)


def lowered(text: str) -> str:
    """In lower case, each character in its place: only one letter of Unicode grows when it is lowered."""
    low = text.lower()
    return low if len(low) == len(text) else text.replace("\u0130", "i").lower()


def written(text: str, *, effective: bool, prose: bool = True) -> Iterator[Spot]:
    """Every secret that is written in a text.

    Args:
        text: what to search.
        effective: whether the values are in use: placeholders then are values like any other.
        prose: whether the text is written for people, a log say: a word after a colon then is most often just a word.
    """
    low = lowered(text)
    yield from _assigned(text, low, effective, prose)
    yield from _headers(text, low)
    yield from _commands(text, low, effective)


def _places(low: str) -> list[int]:
    places: list[int] = []
    for literal in _LITERALS:
        at = low.find(literal)
        while at >= 0:
            places.append(at)
            at = low.find(literal, at + len(literal))
    places.sort()
    return places


def _assigned(text: str, low: str, effective: bool, prose: bool) -> Iterator[Spot]:
    done = 0
    for at in _places(low):
        if at < done:
            continue
        before = text[max(0, at - 64) : at]
        start = at - (len(before) - len(before.rstrip(_NAME)))
        rest = _REST.match(text, at)
        end = rest.end() if rest else at
        done = end
        key = text[start:end].strip("-.")
        sure = level(key)
        if sure == NONE:
            continue
        found = _value(text, low, start, end, sure)
        if found is None:
            continue
        match, group, loose = found
        value = match[group]
        begin, close = match.span(group)
        if group == "bare":
            value = _trimmed(value)
            close = begin + len(value)
        scheme = _SCHEMES.match(value)
        if scheme or low[start:end].endswith("authorization"):
            # What follows `Authorization:` is the header's own affair.
            continue
        quoted = group != "bare"
        if not quoted and value.startswith(("[", "{")) and not value.startswith("{{"):
            continue
        if prose and not quoted and _just_a_word(value, match, key):
            continue
        what = verdict(key, value, quoted=quoted, effective=effective, loose=loose or prose)
        if what:
            done = max(done, close)
            yield Spot(begin, close, WRITTEN, what, _inner(value), key)


def _inner(value: str) -> str:
    from seatrial.scan.values import default_of

    return default_of(value) or value


def _value(text: str, low: str, start: int, end: int, sure: int) -> tuple[re.Match[str], str, bool] | None:
    """The value after a name, which of the ways it is written in, and whether that way is a loose one."""
    found = _AFTER.match(text, end)
    if not found and start and text[start - 1] == "<":
        found = _ELEMENT.match(text, end)
    if not found and text.startswith("</key>", end):
        found = _PLIST.match(text, end)
    if not found and (text.startswith("--", start) or low[start:end] in _DIRECTIVES):
        found = _SPACED.match(text, end)
        if found and found["bare"].startswith("-"):
            return None
    if not found and sure == PASSWORD:
        found = _SAID.match(text, end) or _IS.match(text, end)
        if found:
            return found, found.lastgroup or "bare", True
        if (
            low.rfind("login ", max(0, start - 80), start) >= 0
            or low.rfind("machine ", max(0, start - 200), start) >= 0
        ):
            found = _SPACED.match(text, end)
    return (found, found.lastgroup or "bare", False) if found else None


def _trimmed(value: str) -> str:
    """Without the punctuation that belongs to the text around it."""
    for opening, closing in ("()", "[]", "{}"):
        while value.endswith((closing, closing + ".", closing + ":")) and value.count(closing) > value.count(opening):
            value = value[: value.rindex(closing)]
    return (
        value.rstrip(".:!")
        if value[-1:] in ".:!" and len(value) > 1 and value[-2:-1].isalnum() and value[-1:] != "!"
        else value
    )


def _just_a_word(value: str, match: re.Match[str], key: str) -> bool:
    """In a log, `password: rejected` and `pass: 12` tell something; `password: hunter2` gives it away."""
    sep = match["sep"] if "sep" in match.re.groupindex else "="
    if value.isdigit() and key.lower() in ("pass", "passes", "pw"):
        return True
    if value.isalpha() and (value.islower() or value.istitle()):
        from seatrial.scan.weak import common

        spaced = "=" not in sep
        return (spaced and not common(value)) or len(value) < 4
    return value.startswith(("(", "[", "{", "<", "%", "\\")) and not value.startswith("<!")


def _headers(text: str, low: str) -> Iterator[Spot]:
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


def _basic(value: str) -> tuple[str, str, tuple[str, ...]] | None:
    try:
        plain = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, colon, password = plain.partition(":")
    if not colon or not plain.isprintable() or kind(password, quoted=True) in ("empty", "reference", "placeholder"):
        return None
    return "credentials in a header", password, (user,)


def _bearer(value: str) -> tuple[str, str, tuple[str, ...]] | None:
    if random_looking(value) and kind(value, quoted=True) not in ("placeholder", "reference"):
        return "credentials in a header", value, ()
    return None


def _commands(text: str, low: str, effective: bool) -> Iterator[Spot]:
    for literal in _COMMANDS:
        at = low.find(literal)
        while at >= 0:
            found = _COMMAND.match(text, at)
            if found and not (at and text[at - 1].isalnum()):
                group = found.lastgroup or ""
                value = found[group]
                if verdict("password", value, quoted=True, effective=effective):
                    names = (found["user"],) if found["user"] else ()
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
