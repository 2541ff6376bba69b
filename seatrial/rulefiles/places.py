"""Where each character of a YAML text value stands in its file: plain, quoted over several lines, literal or folded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seatrial.rulefiles.tree import Scalar

__all__ = ["starts"]

Starts = tuple[tuple[int, int, int], ...]
_DOUBLED = re.compile("''")
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)


def starts(scalar: Scalar, lines: list[str]) -> Starts:
    """Offsets in the value with line and column of that character: at each line, and after whatever is written longer than it is."""
    found = _block(scalar, lines) if scalar.style in ("|", ">") else _flow(scalar, lines)
    if not found or found[0][0] > 0:
        found.insert(0, (0, scalar.line, scalar.column))
    return tuple(found)


def _block(scalar: Scalar, lines: list[str]) -> list[tuple[int, int, int]]:
    """A literal or folded value: each of its lines is in the file, indented."""
    first = next((text for text in scalar.value.split("\n") if text.strip()), None)
    if first is None:
        return []
    found: list[tuple[int, int, int]] = []
    at, indent = 0, -1
    for number in range(scalar.line, min(scalar.end[0] + 1, len(lines))):
        source = lines[number]
        if not source.strip(" "):
            continue
        if indent < 0:
            indent = len(source) - len(source.lstrip(" ")) - (len(first) - len(first.lstrip(" ")))
        text = source[indent:].rstrip("\n")
        position = scalar.value.find(text, at)
        if position < 0:
            break
        found.append((position, number + 1, indent + 1))
        at = position + len(text)
    return found


def _flow(scalar: Scalar, lines: list[str]) -> list[tuple[int, int, int]]:
    """A plain or quoted value, walked through as YAML folds it; nothing where that does not give the value's length."""
    quote = scalar.style
    line, column = _begin(scalar, lines)
    last, end = scalar.end[0], scalar.end[1] - len(quote)
    if last >= len(lines) or line > last or (quote and lines[line][column : column + 1] != quote):
        return []
    column += len(quote)
    found: list[tuple[int, int, int]] = []
    at = 0
    while line <= last:
        content, joined = _content(lines[line][column : end if line == last else None], quote, last=line == last)
        found.append((at, line + 1, column + 1))
        for length, given in _pieces(content, quote):
            at, column = at + given, column + length
            if length != given:
                found.append((at, line + 1, column + 1))
        empty, line = 0, line + 1
        while line < last and not lines[line].strip(" \t"):
            empty, line = empty + 1, line + 1
        if line <= last:
            at += empty or (0 if joined else 1)
            column = len(lines[line]) - len(lines[line].lstrip(" \t"))
            column = min(column, end) if line == last else column
    return found if at == len(scalar.value) else []


def _begin(scalar: Scalar, lines: list[str]) -> tuple[int, int]:
    """Where the value itself starts, after a tag and an anchor."""
    line, column = scalar.line - 1, scalar.column - 1
    while line < len(lines):
        rest = lines[line][column:]
        if rest.startswith(("!", "&")) and (scalar.tag or scalar.anchor):
            column += len(rest.split(" ", 1)[0].split("\t", 1)[0])
        elif rest.startswith((" ", "\t")):
            column += len(rest) - len(rest.lstrip(" \t"))
        elif rest and not rest.startswith("#"):
            break
        else:
            line, column = line + 1, 0
    return line, column


def _content(text: str, quote: str, *, last: bool) -> tuple[str, bool]:
    """What of a line counts, and whether it is joined to the next without a space."""
    if last:
        return text, False
    short = text.rstrip(" \t")
    if quote == '"' and (len(short) - len(short.rstrip("\\"))) % 2:
        # The backslash is one of the line's end, or of the space that follows it.
        return (short[:-1], True) if short == text else (text[: len(short) + 1], False)
    return short, False


def _pieces(text: str, quote: str) -> Iterator[tuple[int, int]]:
    """Lengths of what stands in a line, as written and as meant."""
    if quote not in ("'", '"'):
        yield len(text), len(text)
        return
    at = 0
    for escape in (_ESCAPE if quote == '"' else _DOUBLED).finditer(text):
        if escape.start() > at:
            yield escape.start() - at, escape.start() - at
        yield escape.end() - escape.start(), 1
        at = escape.end()
    if at < len(text):
        yield len(text) - at, len(text) - at
