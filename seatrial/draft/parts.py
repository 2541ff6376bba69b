"""The text of a drafted profile: parts with comments, printed so that a person likes to read them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

__all__ = ["Part", "flow", "flowed", "item", "lines", "mapping", "off", "quoted", "scalar"]

WIDTH = 120
ALIGNED = 48
"""Comments of a block stand in one column, unless a line is longer than this."""
_PLAIN = re.compile(r"(?:\.{1,2}/)*[A-Za-z_/][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*")
_NUMBER = re.compile(r"0|[1-9][0-9]*")
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"])


@dataclass(frozen=True, slots=True)
class Part:
    """A key with its value or its parts; without a key, an item of a list; with ``#`` for a key, a remark of its own line."""

    key: str
    value: str = ""
    """YAML, on one line or on several."""
    parts: tuple[Part, ...] = ()
    note: str = ""
    """The comment behind it."""
    off: bool = False
    """Written as a comment: for a person to turn on."""


def quoted(text: str) -> str:
    """Text in double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


def scalar(text: str) -> str:
    """Text as YAML, quoted where a reader could take it for something else."""
    if _NUMBER.fullmatch(text):
        return text
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and not text.endswith(":"):
        return text
    if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?(?:[A-Za-z]+[0-9.]*)+", text) and not re.match(
        r"0[xob]|[0-9.]+[eE][0-9]", text
    ):
        return text  # 15s, 8GiB
    return quoted(text)


def mapping(key: str, parts: Iterable[Part | None], note: str = "") -> Part | None:
    """A key with what is below it; None when nothing is, or nothing that is turned on."""
    present = tuple(part for part in parts if part is not None)
    if not present:
        return None
    return Part(key, parts=present, note=note, off=all(part.off for part in present))


def item(value: str, note: str = "", *, off: bool = False) -> Part:
    """An item of a list."""
    return Part("", scalar(value), note=note, off=off)


def off(part: Part | None) -> Part | None:
    """The same as a comment."""
    return part and replace(part, off=True, parts=tuple(replace(each, off=True) for each in part.parts))


def flow(values: Iterable[str], indent: int) -> str:
    """A list on one line, or on as many as it takes, each within the width."""
    rows: list[str] = []
    row = ""
    for value in (scalar(value) for value in values):
        if row and indent + len(row) + len(value) + 3 > WIDTH:
            rows.append(row + ",")
            row = value
        else:
            row = f"{row}, {value}" if row else value
    rows.append(row)
    return "[" + "\n ".join(rows) + "]"


def lines(parts: Iterable[Part], indent: int = 0) -> list[str]:
    """The lines of some parts, their comments in one column."""
    rows = list(_rows(parts, indent))
    short = [len(code) for code, note in rows if note and len(code) <= ALIGNED]
    column = max(short, default=0) + 2
    return [_commented(code, note, max(column, len(code) + 2)) if note else code for code, note in rows]


def _commented(code: str, note: str, column: int) -> str:
    line = f"{code:{column}}# {' '.join(note.split())}"
    return line if len(line) <= WIDTH or column > WIDTH - 20 else line[: WIDTH - 1].rstrip() + "…"


def _rows(parts: Iterable[Part], indent: int, hidden: int | None = None) -> Iterator[tuple[str, str]]:
    """Code and comment of each line; ``hidden`` is the column at which what is turned off has its #."""
    for part in parts:
        at = indent if part.off and hidden is None else hidden
        start = " " * indent if at is None else f"{' ' * at}# {' ' * (indent - at)}"
        if part.key == "#":
            for row in textwrap.wrap(part.note, WIDTH - indent - 2, break_long_words=False):
                yield f"{' ' * indent}# {row}", ""
            continue
        first, *rest = part.value.split("\n") if part.value else [""]
        name = f"{part.key}:" if part.key else "-"
        if rest:  # a list that takes several lines stands below its key
            yield f"{start}{name}", part.note
            for row in (first, *rest):
                yield f"{start}  {row}", ""
            continue
        yield f"{start}{name}{' ' if first else ''}{first}", part.note
        yield from _rows(part.parts, indent + 2, at)


def flowed(part: Part) -> str:
    """A part on one line, for a mapping or a list in brackets; what is turned off is left out."""
    inner = [flowed(each) for each in part.parts if not each.off and each.key != "#"]
    if part.parts:
        listed = any(not each.key for each in part.parts)
        value = f"[{', '.join(inner)}]" if listed else f"{{{', '.join(inner)}}}"
    else:
        value = " ".join(part.value.split("\n "))
    return f"{part.key}: {value}" if part.key else value
