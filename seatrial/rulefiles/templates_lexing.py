"""Tokens of a Go text/template, as Prometheus has it: text, and what stands between ``{{`` and ``}}``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Generator, Iterator
from dataclasses import dataclass

__all__ = ["Beyond", "Token", "Wrong", "characters", "tokens", "unquoted"]

_SPACES = " \t\r\n"
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?"
    r"|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_HEXFLOAT = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
_INTEGER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|[1-9][0-9]*|0)")
_STRING_ESCAPE = re.compile(
    r"\\(?:[abfnrtv\\]|x[0-9a-fA-F]{2}|[0-3][0-7]{2}|u(?![dD][89abAB])[0-9a-fA-F]{4}|U00(?:0[0-9a-fA-F]|10)(?!(?<=00)[dD][89a-fA-F])[0-9a-fA-F]{4})"
)
KEYWORDS = frozenset(("block", "break", "continue", "define", "else", "end", "if", "range", "nil", "template", "with"))


class Wrong(ValueError):
    """A template that can't be read, and where."""

    def __init__(self, text: str, offset: int) -> None:
        super().__init__(text)
        self.text, self.offset = text, offset


class Beyond(Wrong):
    """A template that is longer or deeper than is read here, and may well be right."""


@dataclass(frozen=True, slots=True)
class Token:
    """``text``, ``{{``, ``}}``, ``space``, ``word``, ``keyword``, ``bool``, ``field``, ``dot``, ``variable``, ``string``, ``raw``,
    ``char``, ``number``, ``complex``, ``mark`` (one other character), ``eof``.
    """

    kind: str
    text: str
    offset: int


def _alphanumeric(char: str) -> bool:
    return char == "_" or unicodedata.category(char)[0] == "L" or unicodedata.category(char) == "Nd"


def _terminated(text: str, at: int) -> bool:
    """Whether a name may end here."""
    return at >= len(text) or text[at] in _SPACES or text[at] in ".,|:)(" or text.startswith("}}", at)


def _closing(text: str, at: int) -> tuple[bool, bool]:
    """Whether an action ends here, and whether it takes the space after it along."""
    if text[at : at + 1] in _SPACES and text[at : at + 1] and text.startswith("-}}", at + 1):
        return True, True
    return text.startswith("}}", at), False


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a template.

    Raises:
        Wrong: where there is none.
    """
    at = 0
    while at <= len(text):
        start = text.find("{{", at)
        if start < 0:
            if at < len(text):
                yield Token("text", text[at:], at)
            break
        trims = text[start + 2 : start + 3] == "-" and text[start + 3 : start + 4] in tuple(_SPACES)
        before = text[at:start].rstrip(_SPACES) if trims else text[at:start]
        if before:
            yield Token("text", before, at)
        inside = start + (3 if trims else 2)
        # What may be trimmed is a dash and one space; a comment starts after both.
        comment = inside + (1 if trims and text.startswith("/*", inside + 1) else 0)
        if text.startswith("/*", comment):
            at = _comment(text, comment, start)
        else:
            yield Token("{{", "{{", start)
            at = yield from _action(text, inside, start)
    yield Token("eof", "", len(text))


def _after(text: str, at: int, trims: bool) -> int:
    while trims and at < len(text) and text[at] in _SPACES:
        at += 1
    return at


def _comment(text: str, at: int, start: int) -> int:
    end = text.find("*/", at + 2)
    if end < 0:
        raise Wrong("a comment that does not end: write `*/}}`", start)
    closes, trims = _closing(text, end + 2)
    if not closes:
        raise Wrong("a comment ends before its action does: write `*/}}`", end)
    return _after(text, end + 2 + (2 if trims else 0) + 2, trims)


def _action(text: str, at: int, start: int) -> Generator[Token, None, int]:
    depth = 0
    while True:
        closes, trims = _closing(text, at)
        if closes:
            if depth:
                raise Wrong("a `(` is not closed", start)
            end = at + (4 if trims else 2)
            yield Token("}}", "}}", at)
            return _after(text, end, trims)
        if at >= len(text):
            raise Wrong("an action that does not end: write `}}`", start)
        char = text[at]
        if char in _SPACES:
            end = at
            while end < len(text) and text[end] in _SPACES:
                end += 1
            if _closing(text, end - 1) == (True, True):
                end -= 1
            if end > at:
                yield Token("space", text[at:end], at)
            at = end
            continue
        token = _token(text, at)
        depth += (token.text == "(") - (token.text == ")") if token.kind == "mark" else 0
        if depth < 0:
            raise Wrong("a `)` without a `(`", at)
        yield token
        at += len(token.text)


def _token(text: str, at: int) -> Token:
    char = text[at]
    if char == ":":
        if text[at : at + 2] != ":=":
            raise Wrong("a `:` where only `:=` can be", at)
        return Token("mark", ":=", at)
    if char in "\"'":
        return _quoted(text, at, char)
    if char == "`":
        end = text.find("`", at + 1)
        if end < 0:
            raise Wrong("a text in backquotes that does not end", at)
        return Token("raw", text[at : end + 1], at)
    if char == "$" or (char == "." and not text[at + 1 : at + 2].isdecimal()):
        return _named(text, at, "variable" if char == "$" else "field")
    if char in "+-.0123456789":
        return _number(text, at)
    if _alphanumeric(char):
        return _word(text, at)
    if " " < char <= "~":
        return Token("mark", char, at)
    raise Wrong(f"a character that can't be in an action: U+{ord(char):04X}", at)


def _name(text: str, at: int) -> int:
    end = at
    while end < len(text) and _alphanumeric(text[end]):
        end += 1
    if not _terminated(text, end):
        raise Wrong(
            f"`{text[end]}` can't follow `{text[max(0, at - 1) : end]}`: operators are functions, such as `eq` or `gt`",
            end,
        )
    return end


def _named(text: str, at: int, kind: str) -> Token:
    if _terminated(text, at + 1):
        return Token("dot" if kind == "field" else kind, text[at], at)
    return Token(kind, text[at : _name(text, at + 1)], at)


def _word(text: str, at: int) -> Token:
    word = text[at : _name(text, at)]
    kind = "keyword" if word in KEYWORDS else "bool" if word in ("true", "false") else "word"
    return Token(kind, word, at)


def _quoted(text: str, at: int, quote: str) -> Token:
    end = at + 1
    while end < len(text) and text[end] not in (quote, "\n"):
        end += 2 if text[end] == "\\" and text[end + 1 : end + 2] not in ("", "\n") else 1
        if text[end - 1 : end] == "\\" and text[end : end + 1] in ("", "\n"):
            break
    if end >= len(text) or text[end] != quote:
        raise Wrong(f"a text in {quote} that does not end in its line", at)
    return Token("string" if quote == '"' else "char", text[at : end + 1], at)


def _number(text: str, at: int) -> Token:
    match = _NUMBER.match(text, at)
    end = match.end() if match else at
    kind = "number"
    if text[end : end + 1] in ("+", "-"):
        again = _NUMBER.match(text, end)
        end = again.end() if again else end
        kind = "complex"
        if text[end - 1] != "i":
            raise Wrong(f"`{text[at:end]}` is no number", at)
    if end < len(text) and _alphanumeric(text[end]):
        raise Wrong(f"`{text[at : end + 1]}` is no number", at)
    token = Token(kind, text[at:end], at)
    if not _numeric(token.text):
        raise Wrong(f"`{token.text or text[at]}` is no number", at)
    return token


def _numeric(text: str) -> bool:
    """Whether Go takes a text for a number."""
    if text.endswith("i"):
        body = text[:-1]
        second = max(body.rfind("+", 1), body.rfind("-", 1))
        if second > 0 and body[second - 1] not in "eEpP":
            return _numeric(body[:second]) and _numeric(body[second:])
        return _numeric(body) or re.fullmatch(r"[+-]?[0-9]+", body) is not None
    if "_" in text:
        if not _separated(text):
            return False
        text = text.replace("_", "")
    return any(pattern.fullmatch(text) for pattern in (_INTEGER, _FLOAT, _HEXFLOAT))


def _separated(text: str) -> bool:
    """Whether each underscore stands between digits, or between them and what tells their base."""
    match = re.match(r"[+-]?0[xXoObB]", text)
    digits = "0123456789abcdefABCDEF" if match and match[0][-1] in "xX" else "0123456789"
    before = "0" if match else "^"
    for char in text[match.end() if match else 0 :]:
        if char == "_":
            if before != "0":
                return False
            before = "_"
        elif char in digits:
            before = "0"
        elif before == "_":
            return False
        else:
            before = "!"
    return before != "_"


def unquoted(token: Token) -> bool:
    """Whether what is written in quotes is a text, or a character, of Go."""
    if token.kind == "raw":
        return True
    count = characters(token.text[1:-1], token.text[0])
    return count == 1 if token.text[0] == "'" else count >= 0


def characters(inside: str, quote: str) -> int:
    """How many characters stand between two quotes; -1 where an escape is wrong."""
    count, at = 0, 0
    while at < len(inside):
        if inside[at] == "\\":
            if inside[at + 1 : at + 2] == quote:
                at += 2
            elif match := _STRING_ESCAPE.match(inside, at):
                at = match.end()
            else:
                return -1
        else:
            at += 1
        count += 1
    return count
