"""Secrets as they are written into any text: ``name=value``, ``"name": "value"``, options, directives, headers, statements.

Nothing here walks over a text line by line. Each search starts at a literal that is cheap to find, and every shape is bounded
in length and never takes back what it took, so that no input makes it slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from seatrial.scan.commands import commands, headers
from seatrial.scan.names import NONE, PASSWORD, SURE, level
from seatrial.scan.spots import WRITTEN, Spot
from seatrial.scan.values import default_of, random_looking
from seatrial.scan.verdict import verdict
from seatrial.scan.weak import common

__all__ = ["lowered", "written"]

_LITERALS = ("pass", "secret", "token", "key", "pwd", "auth", "cred", "salt", "jwt", "psk", "psw", "_pw", "cookie")
_NAME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
_REST = re.compile(r"[A-Za-z0-9_.\-]{0,64}+")
_LONGEST = 2048
_QUOTED = rf"""(?:\\{{0,3}}"(?P<double>(?:[^"\\\n]|\\[^"\n]){{0,{_LONGEST}}}+)(?=\\{{0,3}}"|\n|$)|\\?'(?P<single>[^'\n]{{0,{_LONGEST}}}+)(?=')|`(?P<tick>[^`\n]{{0,{_LONGEST}}}+)(?=`))"""
_BARE = rf"""(?P<bare>(?:\$\{{[^}}\n]{{0,200}}+\}}|\$\([^)\n]{{0,200}}+\)|\{{\{{[^}}\n]{{0,200}}+\}}\}}|<[^<>\n]{{1,80}}+>|[^\s"'`,;&<>|]){{1,{_LONGEST}}}+)"""
_AFTER = re.compile(
    rf"""(?P<sep>\\{{0,3}}["'`]?\]?\)?[ \t]{{0,40}}+(?:=>|:=|\?=|=(?!=)|:(?!:|//)|->)[ \t]{{0,80}}+(?:[rbfu]{{1,2}}(?=["']))?)(?:{_QUOTED}|{_BARE})""",
    re.X,
)
_SPACED = re.compile(rf"""(?P<sep>(?:["'],|["'])?[ \t]{{1,8}}+["']?)(?:{_BARE})""", re.X)
_SAID = re.compile(rf"""(?P<sep>[ \t]+(?:(?:is|was|to)[ \t]*:?[ \t]+)?)(?:{_QUOTED})""", re.X)
_IS = re.compile(rf"""(?P<sep>[ \t]+(?:is|was)[ \t]*:?[ \t]+)(?:{_BARE})""", re.X)
_ELEMENT = re.compile(r"(?:\s[^<>]{0,80})?>(?P<bare>[^<>\n]{1,1024}+)</")
_CELL = re.compile(r"(?:</t[dh]>\s{0,20}<t[dh][^<>]{0,80}>|[\"'][^<>]{0,80}>)(?P<bare>[^<>\n]{1,1024}+)</")
_VALUE = re.compile(
    r"""[\"']\s{1,8}+value=(?:"(?P<double>[^"\n<>]{0,1024}+)(?=")|'(?P<single>[^'\n<>]{0,1024}+)(?='))"""
)
_SET = re.compile(rf"""(?P<sep>\([ \t]{{0,8}}+){_QUOTED}""", re.X)
_PLIST = re.compile(r"\s{0,4}</key>\s{0,200}<string>(?P<bare>[^<>\n]{1,1024}+)</")
_CALL = re.compile(rf"""(?P<sep>["'],[ \t]{{0,8}}+){_QUOTED}""", re.X)
_TOLD = re.compile(
    r"""(?P<sep>(?:[ \t]+[^\s:=][^\n:=]{0,100}+)?:[ \t]+)["']?(?P<bare>[^\s"'`:<>]{8,256}+)["']?[ \t.]*+$""",
    re.X | re.M,
)
_LAST = re.compile(r"""(?P<sep>[ \t]{1,8}+["']?)(?P<bare>[^\s"';]{4,256}+)["']?[ \t;]*+$""", re.M)
_DIRECTIVES = {"requirepass", "masterauth", "masterpass", "primaryauth", "insecure-password"}
_SCHEMES = re.compile(r"(?:basic|bearer|token|apikey|digest|negotiate|aws4-hmac-sha256)[ \t]+", re.I)


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
    yield from headers(text, low)
    yield from commands(text, low, effective)


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
        if sure == NONE or text[max(0, start - 2) : start] in ("${", "$(") or text[max(0, start - 1) : start] == "$":
            continue
        if start > 1 and text[start - 1] == ":" and text[start - 2].isalnum():
            # A part of a name with colons, as `arn:…:secret:prod/db`.
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
        if prose and (
            (key.lower() == "key" and _HEX.fullmatch(value)) or (not quoted and _just_a_word(value, match, key))
        ):
            continue
        if prose and quoted and sure == SURE and _SPOKEN.match(value) and not common(value):
            continue
        what = verdict(key, value, quoted=quoted, effective=effective, loose=loose or prose)
        if what:
            done = max(done, close)
            yield Spot(begin, close, WRITTEN, what, _inner(value), key)


def _inner(value: str) -> str:
    return default_of(value) or value


def _value(text: str, low: str, start: int, end: int, sure: int) -> tuple[re.Match[str], str, bool] | None:
    """The value after a name, which of the ways it is written in, and whether that way is a loose one."""
    found = _AFTER.match(text, end)
    if not found and start and text[start - 1] == "<":
        found = _ELEMENT.match(text, end)
    if not found and text.startswith(("</t", '"', "'"), end):
        found = _CELL.match(text, end) or _VALUE.match(text, end)
    if not found and text.startswith("(", end) and text[start:end].rpartition(".")[2].startswith(("set", "with")):
        found = _SET.match(text, end)
    if not found and text.startswith("</key>", end):
        found = _PLIST.match(text, end)
    if not found and (text.startswith("--", start) or low[start:end] in _DIRECTIVES):
        found = _SPACED.match(text, end)
        if found and (found["bare"].startswith("-") or ("," in found["sep"] and not text.startswith("--", start))):
            return None
    if not found and text[max(0, start - 2) : start] in ("('", '("') and text[max(0, start - 3)].isalnum():
        found = _CALL.match(text, end)
    if not found and sure == PASSWORD and low[start:end] not in ("pass", "passes", "pw"):
        found = _SAID.match(text, end) or _IS.match(text, end)
        if found and not (found.re is _IS and found["bare"].isalpha() and not common(found["bare"])):
            return found, found.lastgroup or "bare", True
        found = None
        if (
            low.rfind("login ", max(0, start - 80), start) >= 0
            or low.rfind("machine ", max(0, start - 200), start) >= 0
        ):
            found = _SPACED.match(text, end)
        elif _first(text, start):
            found = _LAST.match(text, end)
            if found and not _mixed(found["bare"]):
                found = None
    if not found:
        found = _TOLD.match(text, end)
        if found and not (
            (random_looking(found["bare"]) and not _HEX.fullmatch(found["bare"]))
            or (sure == PASSWORD and _mixed(found["bare"]))
        ):
            found = None
    return (found, found.lastgroup or "bare", False) if found else None


def _first(text: str, start: int) -> bool:
    """Whether a name is the first word of its line."""
    before = text[max(0, start - 40) : start].rpartition("\n")
    return not before[2].strip() and (bool(before[1]) or start <= 40)


_WORDS = re.compile(r"[A-Za-z_][A-Za-z_.\[\](){}]*[,:]?$")
_SPOKEN = re.compile(r"[A-Za-z]?[a-z]+(?:[ _][a-z]+){0,2}$")
_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]+")


def _mixed(value: str) -> bool:
    """Whether a word is of more kinds of characters than words have."""
    kinds = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum())
    return sum(any(map(kind, value)) for kind in kinds) >= 3


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
    if value.startswith(("(", "[", "{", "<", "%", "\\")):
        return not value.startswith("<!")
    if not _WORDS.match(value) or random_looking(value):
        return False
    # A word, or a name out of a program: only as `password=word` may it be a value.
    tight = "=" in sep and " " not in sep and level(key) == PASSWORD
    return not (common(value) or (tight and value.isalpha() and value.islower() and len(value) > 3))
