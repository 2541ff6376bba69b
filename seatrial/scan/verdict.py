"""Whether a value under a name is a secret: the name's word and the value's together."""

from __future__ import annotations

import re

from seatrial.scan.names import LIKELY, NONE, PASSWORD, benign, level, words
from seatrial.scan.values import basic, default_of, entropy, kind, random_looking
from seatrial.scan.weak import common, shipped

__all__ = ["NAMED", "SPREAD_OUT", "signed_in", "verdict"]

NAMED = "value of a secret's name"
SPREAD_OUT = "value of high entropy"
_REFERS = re.compile(r"(?:^|[._-])(?:secret|existing_?secret|\w*secret_?ref|secret_?name|credentials?|\w*Secret)$")
_DASHED = re.compile(r"[a-z][a-z0-9]*(?:[-.][a-z0-9]{1,20}){1,2}$")
_SIGNED_IN = (("auth",), ("authorization",), ("credentials",))
_SENTENCE = re.compile(r"(?:\S+\s+){7,}|[A-Z]\S*(?:\s+\S+){2,}[.?!:…]$")


def verdict(
    key: str, value: str, *, quoted: bool = False, effective: bool = False, loose: bool = False, spread: bool = False
) -> str:
    """The kind of secret that a value under a name is, or nothing.

    Args:
        key: what the value is called; dotted in a nested document.
        value: the value, without quotes.
        quoted: whether it stood in quotes.
        effective: whether it is in use, so that a placeholder is a value like any other.
        loose: whether name and value were found in a text for people, where a number after a colon is most often none.
        spread: whether a value without such a name counts when it looks random.
    """
    sure = level(key)
    if sure == NONE:
        return SPREAD_OUT if spread and not benign(key) and _spread(value) else ""
    default = default_of(value)
    if default is not None:
        # `${DB_PASSWORD:-postgres}` is a password for everyone who sets nothing.
        return verdict(key, default, quoted=True, effective=effective) if kind(default, quoted=True) != "flag" else ""
    if sure == LIKELY and len(value) < 16 and words(key)[-1:] not in _SIGNED_IN:
        # Too short to look random, whatever else it is: most of the keys of a log.
        return ""
    if sure > LIKELY and shipped(value):
        return NAMED
    what = kind(value, quoted=quoted)
    if what == "placeholder":
        return NAMED if effective and sure > LIKELY else ""
    if what == "uuid":
        return NAMED if sure > LIKELY else ""
    if what == "number":
        digits = value.strip()
        return NAMED if sure == PASSWORD and digits.isdigit() and len(digits) >= (6 if loose else 4) else ""
    if what == "flag":
        # A flag in a password's place is a mode (`auth: basic`), except where it is one of the passwords people use.
        return (
            NAMED
            if effective and sure == PASSWORD and value.lower() in ("password", "token", "user", "username")
            else ""
        )
    if what == "path" and re.fullmatch(r"[A-Za-z0-9+/]{30,}={0,2}", value) and random_looking(value):
        what = "opaque"
    if what == "path" and words(key)[:1] == ("neo4j",) and not value.startswith(("/", ".", "~")):
        what = "opaque"
    if what != "opaque":
        return ""
    if sure == LIKELY and words(key)[-1:] in _SIGNED_IN and signed_in(value):
        return NAMED
    if sure == LIKELY:
        return NAMED if random_looking(value.removeprefix("base64:")) else ""
    if _REFERS.search(key) and _DASHED.match(value) and not random_looking(value):
        # `secret: app-tls` names an object that holds one.
        return ""
    if _SENTENCE.match(value.strip()):
        return ""
    return NAMED


def signed_in(value: str) -> tuple[str, str] | None:
    """User and password, where a value is both: in base64, or with a colon or (as Neo4j has it) a slash between."""
    found = basic(value)
    if found:
        return found
    pair = re.fullmatch(r"([\w.@-]{1,64})[:/](\S{4,128})", value)
    if pair and kind(pair[2], quoted=True) == "opaque" and (any(not c.isalpha() for c in pair[2]) or common(pair[2])):
        return pair[1], pair[2]
    return None


def _spread(value: str) -> bool:
    """Whether a value without a telling name looks like a key all the same: base64 of some length, evenly spread."""
    if not 32 <= len(value) <= 256 or not re.fullmatch(r"[A-Za-z0-9+/_-]+={0,2}", value) or kind(value) != "opaque":
        return False
    if not (any(c.isupper() for c in value) and any(c.islower() for c in value) and any(c.isdigit() for c in value)):
        return False
    return random_looking(value) and entropy(value) >= 4.2
