"""PromQL cut into words, each with its place in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["MAX_LENGTH", "MAX_TOKENS", "Token", "Unreadable", "seconds", "tokens", "unquoted"]

MAX_LENGTH = 64 * 1024
"""Characters of one expression; the longest that people write have a few thousand."""
MAX_TOKENS = 10_000

_WORD = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<duration>(?:[0-9]+(?:ms|[smhdwy]))+(?![\w.]))
    |(?P<number>0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
    |(?P<sign>==|!=|>=|<=|=~|!~|[-+*/%^<>=(){}\[\],@:])
    """,
    re.VERBOSE | re.ASCII,
)
_COLON = re.compile(r"(?P<sign>:)")
_DURATION = re.compile(r"([0-9]+)(ms|[smhdwy])", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


class Unreadable(ValueError):
    """An expression that is not read: it is no PromQL, or it is beyond the bounds."""

    def __init__(self, reason: str, offset: int = 0) -> None:
        self.reason = reason
        self.offset = offset
        """Where in the text."""
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Token:
    """One word."""

    kind: str
    """``string``, ``duration``, ``number``, ``name``, ``sign``, or ``end``."""
    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The words of an expression, and one ``end``.

    Raises:
        Unreadable: it is too long, or holds what is no word.
    """
    if len(text) > MAX_LENGTH:
        raise Unreadable(f"it has {len(text):,} characters, and more than {MAX_LENGTH:,} are not read")
    found: list[Token] = []
    at = 0
    inside = False  # between brackets a colon is no part of a name: [5m:1m]
    while at < len(text):
        match = (_COLON.match(text, at) if inside else None) or _WORD.match(text, at)
        if match is None:
            raise Unreadable(f"`{text[at : at + 1]}` does not belong into PromQL", at)
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match[0], at, match.end()))
            if len(found) > MAX_TOKENS:
                raise Unreadable(f"it has more than {MAX_TOKENS:,} words", at)
        at = match.end()
        inside = match[0] == "[" or (inside and match[0] != "]")
    found.append(Token("end", "", len(text), len(text)))
    return found


def seconds(text: str) -> float:
    """Seconds of ``1h30m``, or of a plain number.

    Raises:
        Unreadable: it has more digits than any number or time has.
    """
    if len(text) > 60:
        raise Unreadable(f"`{text[:20]}…` is no number that anybody means")
    parts = _DURATION.findall(text)
    if not parts:
        return float(int(text, 16) if text[:2].lower() == "0x" else float(text))
    return float(sum(int(number) * _SECONDS[unit] for number, unit in parts))


def unquoted(text: str) -> str:
    """What a string literal stands for."""
    if text[:1] == "`":
        return text[1:-1]
    return _ESCAPE.sub(_escaped, text[1:-1])


def _escaped(match: re.Match[str]) -> str:
    said = match[1]
    if len(said) == 1:
        return _ESCAPES.get(said, said)
    code = int(said, 8) if said.isdigit() else int(said[1:], 16)
    return chr(code) if code < 0x110000 else ""
