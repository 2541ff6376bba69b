"""Regular expressions as Go reads them: RE2, without looking ahead or back. promql-parser has those of another language."""

from __future__ import annotations

import re
import sys
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Irregular", "check", "takes_nothing"]

MOST_REPEATS = 1000
DEEPEST = 1000
_PUNCTUATION = re.compile(r"[\x00-\x7f](?<![0-9a-zA-Z])")
_REPEAT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}", re.ASCII)
_HEX = re.compile(r"\\x(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{2}))")
_OCTAL = re.compile(r"\\(?:0[0-7]{0,2}|[1-7][0-7]{1,2})")
_UNICODE = re.compile(r"\\[pP](?:\{(\^?)([^}]*)\}|(.))", re.DOTALL)
_NAMED = re.compile(r"\(\?P?<([^>]*)>")
_FLAGS = re.compile(r"\(\?([imsU]*)(?:(-)([imsU]+))?([:)])")
_POSIX = re.compile(r"\[:\^?(\w+):\]", re.ASCII)
_CLASSES = frozenset(
    ("alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word", "xdigit")
)  # fmt: skip
_SIMPLE = frozenset("afnrtv")
_GROUPS = frozenset("dDsSwW")
_SCRIPTS = frozenset(
    ("Any", "Arabic", "Armenian", "Bengali", "Bopomofo", "Braille", "Cherokee", "Common", "Coptic", "Cyrillic", "Devanagari",
     "Ethiopic", "Georgian", "Gothic", "Greek", "Gujarati", "Gurmukhi", "Han", "Hangul", "Hebrew", "Hiragana", "Inherited",
     "Kannada", "Katakana", "Khmer", "Lao", "Latin", "Malayalam", "Mongolian", "Myanmar", "Ogham", "Oriya", "Runic", "Sinhala",
     "Syriac", "Tamil", "Telugu", "Thaana", "Thai", "Tibetan", "Tifinagh", "Yi")
)  # fmt: skip


class Irregular(ValueError):
    """A text that is no regular expression of Go, and where."""

    def __init__(self, text: str, offset: int) -> None:
        super().__init__(text)
        self.text, self.offset = text, offset


@dataclass(slots=True)
class _Group:
    """An open parenthesis."""

    start: int
    atom: int = -1
    """How often the last atom repeats within itself; -1 where there is none to repeat."""
    most: int = 1
    required: int = 0
    """Atoms of this branch that take at least one character."""
    empty: bool = True
    """Whether the last atom may take none."""
    other: bool = False
    """Whether a branch before may take none."""

    def push(self, most: int, *, empty: bool) -> None:
        """One more atom."""
        self.atom, self.empty = most, empty
        self.most = max(self.most, most)
        self.required += not empty

    def branch(self) -> None:
        """Another branch."""
        self.other = self.nothing
        self.atom, self.required, self.empty = -1, 0, True

    @property
    def nothing(self) -> bool:
        """Whether it may match an empty text."""
        return self.other or self.required == 0


@lru_cache(maxsize=1)
def _categories() -> frozenset[str]:
    """The general categories of Unicode, and their first letters. One that this Python has no letter of is a rare one."""
    found = {unicodedata.category(chr(code)) for code in range(0, min(sys.maxunicode, 0x30000), 1)} | {"Co"}
    return frozenset(found | {each[0] for each in found}) - {"Cn"}


def check(text: str, *, newer: bool = True) -> Irregular | None:
    """What is wrong with a regular expression, if anything is; ``newer`` where `(?<name>…)` is known, as it is since Go 1.22."""
    try:
        _Reader(text, newer=newer).read()
    except Irregular as wrong:
        return wrong
    return None


def takes_nothing(text: str) -> bool:
    """Whether an expression also matches an empty text; not where it is wrong."""
    try:
        return _Reader(text, newer=True).read()
    except Irregular:
        return False


class _Reader:
    """One reading of one expression."""

    def __init__(self, text: str, *, newer: bool) -> None:
        self.text, self.newer = text, newer
        self.groups = [_Group(0)]
        self.names: set[str] = set()
        self.repeated = -1

    def read(self) -> bool:
        """Read all of it; whether it matches an empty text."""
        text, at = self.text, 0
        while at < len(text):
            char = text[at]
            if char in "*+?" or (char == "{" and _REPEAT.match(text, at)):
                at = self._repeat(at)
            elif char == "(":
                at = self._opened(at)
            elif char == ")":
                at = self._closed(at)
            elif char == "|":
                self.groups[-1].branch()
                at += 1
            elif text.startswith("\\Q", at):
                at = self._quoted(at)
            else:
                end = _class(text, at) if char == "[" else _escape(text, at, alone=True) if char == "\\" else at + 1
                self.groups[-1].push(1, empty=char in "^$" or text[at:end] in ("\\A", "\\z", "\\B"))
                at = end
        if len(self.groups) > 1:
            raise Irregular("a `(` is not closed", self.groups[-1].start)
        return self.groups[0].nothing

    def _repeat(self, at: int) -> int:
        text, group = self.text, self.groups[-1]
        end, least, most = at + 1, int(text[at] == "+"), 1
        if found := _REPEAT.match(text, at):
            end = found.end()
            least, most = _bounds(found, at)
        if group.atom < 0:
            raise Irregular(f"`{text[at:end]}` has nothing to repeat", at)
        end += text[end : end + 1] == "?"
        if self.repeated == at:
            raise Irregular(f"`{text[at:end]}` repeats what is a repetition already", at)
        times = most if most >= 0 else least
        if (least >= 2 or most >= 2) and group.atom * times > MOST_REPEATS:
            raise Irregular(f"more than {MOST_REPEATS} repetitions within each other", at)
        group.atom *= max(times, 1)
        group.most = max(group.most, group.atom)
        if least == 0 and not group.empty:
            group.required -= 1
            group.empty = True
        self.repeated = end
        return end

    def _closed(self, at: int) -> int:
        if len(self.groups) == 1:
            raise Irregular("a `)` without a `(`", at)
        inner = self.groups.pop()
        self.groups[-1].push(inner.most, empty=inner.nothing)
        return at + 1

    def _quoted(self, at: int) -> int:
        """Text that is taken as it is."""
        end = self.text.find("\\E", at + 2)
        if end < 0:
            raise Irregular("a `\\Q` without its `\\E`", at)
        for _ in range(end - at - 2):
            self.groups[-1].push(1, empty=False)
        return end + 2

    def _opened(self, at: int) -> int:
        text = self.text
        if len(self.groups) > DEEPEST:
            raise Irregular(f"nested deeper than {DEEPEST} levels", at)
        if not text.startswith("(?", at):
            self.groups.append(_Group(at))
            return at + 1
        named = _NAMED.match(text, at)
        if named and (self.newer or text.startswith("(?P", at)):
            name = named[1]
            if not re.fullmatch(r"\w+", name, re.ASCII) or name in self.names:
                raise Irregular(f"`{named[0]}` is no name of a group, or one that is there already", at)
            self.names.add(name)
            self.groups.append(_Group(at))
            return named.end()
        flags = _FLAGS.match(text, at)
        if flags is None:
            raise Irregular(f"`{text[at : at + 4]}` is of no use in Go, which does not look ahead or back", at)
        if flags[4] == ":":
            self.groups.append(_Group(at))
        return flags.end()


def _bounds(found: re.Match[str], at: int) -> tuple[int, int]:
    """How often, at least and at most; -1 where there is no bound."""
    if any(len(digits or "") > 8 for digits in found.groups()):
        raise Irregular(f"`{found[0][:20]}` repeats more than {MOST_REPEATS} times", at)
    least = int(found[1])
    most = least if not found[2] else int(found[3]) if found[3] else -1
    if least > MOST_REPEATS or most > MOST_REPEATS or 0 <= most < least:
        raise Irregular(f"`{found[0]}` repeats more than {MOST_REPEATS} times, or at least more often than at most", at)
    return least, most


def _escape(text: str, at: int, *, alone: bool) -> int:
    """The end of what follows a backslash; ``alone`` outside of brackets."""
    char = text[at + 1 : at + 2]
    if not char:
        raise Irregular("a backslash at the end", at)
    if char in "pP":
        return _property(text, at)
    if char in _GROUPS or char in _SIMPLE or _PUNCTUATION.fullmatch(char) or (alone and char in "AbBz"):
        return at + 2
    for pattern in (_HEX, _OCTAL):
        if found := pattern.match(text, at):
            if pattern is _HEX and int(found[1] or found[2], 16) > 0x10FFFF:
                break
            return found.end()
    raise Irregular(f"`\\{char}` is no escape", at)


def _property(text: str, at: int) -> int:
    found = _UNICODE.match(text, at)
    if found is None:
        raise Irregular(f"`{text[at : at + 8]}` names no class of characters", at)
    name = found[2] if found[3] is None else found[3]
    if name not in _SCRIPTS and name not in _categories():
        raise Irregular(f"`{found[0][:20]}` names no class of characters", at)
    return found.end()


def _class(text: str, at: int) -> int:
    """The end of what stands in brackets."""
    start = at
    at += 2 if text.startswith("[^", at) else 1
    first = True
    while first or text[at : at + 1] != "]":
        if at >= len(text):
            raise Irregular("a `[` is not closed", start)
        first = False
        if text.startswith("[:", at) and (end := text.find(":]", at + 2)) >= 0:
            named = _POSIX.match(text, at)
            if named is None or named.end() != end + 2 or named[1] not in _CLASSES:
                raise Irregular(f"`{text[at : end + 2][:20]}` names no class of characters", at)
            at = end + 2
            continue
        if text[at] == "\\" and text[at + 1 : at + 2] in ("p", "P", *_GROUPS):
            at = _escape(text, at, alone=False)
            continue
        low, end = _char(text, at, start)
        if text[end : end + 1] == "-" and text[end + 1 : end + 2] not in ("", "]"):
            high, end = _char(text, end + 1, start)
            if high < low:
                raise Irregular(f"the range `{text[at:end]}` goes backwards", at)
        at = end
    return at + 1


def _char(text: str, at: int, start: int) -> tuple[int, int]:
    """One character in brackets, and where it ends."""
    if at >= len(text):
        raise Irregular("a `[` is not closed", start)
    if text[at] != "\\":
        return ord(text[at]), at + 1
    if text[at + 1 : at + 2] in (*_GROUPS, "p", "P"):
        raise Irregular(f"`{text[at : at + 2]}` can't be the end of a range", at)
    end = _escape(text, at, alone=False)
    said = text[at + 1 : end]
    if said[0] == "x":
        return int(said[1:].strip("{}"), 16), end
    if said[0].isdigit():
        return int(said, 8), end
    return ord({"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}.get(said, said)), end
