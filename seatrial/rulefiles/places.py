"""Where each character of a YAML text value stands in its file: plain, quoted over several lines, literal or folded."""

from __future__ import annotations

import re

from seatrial.rulefiles.tree import Scalar

__all__ = ["starts"]

Starts = tuple[tuple[int, int, int], ...]
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)


def starts(scalar: Scalar, lines: list[str]) -> Starts:
    """Offsets in the value with line and column of that character: at each line, and after whatever is written longer than it is."""
    found = _block(scalar, lines) if scalar.style in ("|", ">") else _flow(scalar, lines)
    return tuple(found) or ((0, scalar.line, scalar.column),)


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
    """A plain or quoted value, walked through as YAML folds it."""
    quote = scalar.style
    line, column = scalar.line - 1, scalar.column - 1 + len(quote)
    if line >= len(lines) or scalar.end[0] >= len(lines):
        return []
    if not quote or lines[line][column - 1 : column] == quote:
        pass
    else:  # a tag or an anchor stands before it
        column = lines[line].find(quote, column - 1) + 1
    found: list[tuple[int, int, int]] = []
    at = 0
    last = scalar.end[0]
    for number in range(line, last + 1):
        source = lines[number]
        source = source[: scalar.end[1] - len(quote)] if number == last else source
        begin = column if number == line else len(source) - len(source.lstrip(" \t"))
        text = source[begin:]
        if number < last and not (quote == '"' and text.rstrip(" \t").endswith("\\")):
            text = text.rstrip(" \t")
        for piece, given, where in _pieces(text, quote):
            position = scalar.value.find(piece, at) if piece else at
            if position < 0:
                return found
            if given == "text" or not found:
                found.append((position, number + 1, begin + where + 1))
            at = position + len(piece) + (given == "escape")
    return found


def _pieces(text: str, quote: str) -> list[tuple[str, str, int]]:
    """What a line of a flow value holds: text as it is, and escapes, with their columns."""
    if quote == "'":
        parts = text.split("''")
        found, column = [], 0
        for n, part in enumerate(parts):
            piece = part + ("'" if n < len(parts) - 1 else "")
            found.append((piece, "text", column))
            column += len(part) + 2
        return found
    if quote == '"':
        found, column = [], 0
        for escape in _ESCAPE.finditer(text):
            if escape.start() > column:
                found.append((text[column : escape.start()], "text", column))
            found.append(("", "escape", escape.start()))
            column = escape.end()
        return [*found, (text[column:], "text", column)] if column < len(text) or not found else found
    return [(text, "text", 0)]
