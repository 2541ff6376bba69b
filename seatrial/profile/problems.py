"""What is wrong with a profile, told like a compiler would: place, sentence, the line itself, what to write instead."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seatrial import data

__all__ = ["Problem", "ProfileError", "Where", "dotted", "shown"]

Where = tuple[str | int, ...]
"""Path of a value: ``("waivers", 0, "owner")``."""

_WIDEST = 160
_MOST = 200
_BESIDE = 80
"""Characters of a hint that stands beside the mark; a longer one is folded below it."""
_FOLDED = 120
_PAINT = {
    "place": "\x1b[1m", "message": "\x1b[1;31m", "gutter": "\x1b[34m", "mark": "\x1b[1;31m", "hint": "\x1b[36m", "end": "\x1b[0m",
}  # fmt: skip
_PLAIN = dict.fromkeys(_PAINT, "")


def shown(file: Path) -> str:
    """A path as a reader of this terminal would type it: relative below the working directory, absolute elsewhere.

    A shipped profile is told by its place in the package, wherever that is installed.
    """
    try:
        relative = os.path.relpath(file)
    except (OSError, ValueError):  # the working directory is gone, or there is a NUL in the path
        relative = os.pardir
    if not relative.startswith(os.pardir):
        return _printable(relative)
    shipped = data("profiles")
    return _printable(f"seatrial/profiles/{file.relative_to(shipped)}" if file.is_relative_to(shipped) else str(file))


def _printable(text: str) -> str:
    """Text of a profile in a message: a terminal must not obey it."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def dotted(path: Where) -> str:
    """``services.api.readiness``, ``waivers[0]``; empty for the whole profile. Odd keys are quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if part and all(char.isalnum() or char in "-_/$*" for char in part) else _quoted(part)
            text += f".{name}" if text else name
    return text


def _quoted(text: str) -> str:
    safe = _printable(text).replace('"', "'")
    return f'"{safe if len(safe) <= 40 else safe[:39] + "…"}"'


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where."""

    file: Path
    line: int
    """From 1; 0 when the problem has no place in a file."""
    column: int
    path: Where
    message: str
    hint: str = ""
    source_line: str = ""
    width: int = 1
    """How many columns of the line are meant."""
    secret: bool = False
    """True when the whole line is the value of a key that names a secret, begun on a line before."""
    caret: int = 0
    """Where the place is in the line as it is shown, from 1: what names a secret is covered in it, and in the message."""

    def __post_init__(self) -> None:
        from seatrial.profile.secrecy import COVER, cover

        if self.caret:
            return
        line, start = self.source_line, max(self.column - 1, 0)
        if self.secret:
            indent = line[: len(line) - len(line.lstrip())]
            shown, caret, width = f"{indent}{COVER}", len(indent), len(COVER)
            values: tuple[str, ...] = (line.strip(),)
        else:
            covered = cover(line)
            caret = covered.column(start)
            width = max(covered.column(start + self.width) - caret, 1)
            if any(begin <= start < end for begin, end in covered.spans):
                width = len(COVER)
            shown, values = covered.text, covered.values
        changes = {
            "source_line": shown,
            "caret": caret + 1,
            "width": width,
            "message": _without(self.message, values),
            "hint": _without(self.hint, values),
        }
        for name, value in changes.items():
            object.__setattr__(self, name, value)

    def __str__(self) -> str:
        return self.told(colour=False)

    def told(self, *, colour: bool) -> str:
        """The place and the sentence, the line with what is meant in it, and what to write instead."""
        paint = _PAINT if colour else _PLAIN
        place = f"{shown(self.file)}:{self.line}:{self.column}: " if self.line else ""
        head = f"{paint['place']}{place}{paint['message']}{_printable(self.message)}{paint['end']}"
        hint = _printable(self.hint)
        apart = textwrap.wrap(hint, _FOLDED, initial_indent=" " * 8, subsequent_indent=" " * 10, break_on_hyphens=False)
        below = "".join(f"\n{paint['hint']}{line}{paint['end']}" for line in apart)
        if not self.source_line.strip():
            return f"{head}{below}"
        text, column = self._window()
        gutter = f"{self.line:>5} | "
        before = sum(_columns(char) for char in text[: column - 1])
        under = sum(_columns(char) for char in text[column - 1 : column - 1 + max(self.width, 1)]) or 1
        line = f"{paint['gutter']}{gutter}{paint['end']}{text}\n{' ' * (len(gutter) + before)}"
        mark = f"{paint['mark']}{'^' * under}{paint['end']}"
        if len(hint) <= _BESIDE:
            below = f" {paint['hint']}{hint}{paint['end']}" if hint else ""
        return f"{head}\n{line}{mark}{below}"

    def _window(self) -> tuple[str, int]:
        """The part of a long line that the problem is in, safe to print, and the column in it."""
        line, column = self.source_line, self.caret
        if len(line) > _WIDEST:
            start = max(0, column - 1 - _WIDEST // 2)
            cut = line[start : start + _WIDEST]
            line = ("…" if start else "") + cut + ("…" if start + _WIDEST < len(self.source_line) else "")
            column = column - start + (1 if start else 0)
        return "".join(char if char.isprintable() else " " for char in line), column


def _without(text: str, values: Iterable[str]) -> str:
    """A message without the values that are covered in its line."""
    from seatrial.profile.secrecy import COVER

    for value in sorted(filter(None, values), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", COVER, text)
    return text


def _columns(char: str) -> int:
    """How wide a terminal draws it."""
    import unicodedata

    return 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1


class ProfileError(Exception):
    """Everything that is wrong with a profile, at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        order: dict[Path, int] = {}
        unique = dict.fromkeys(problems)
        for problem in unique:
            order.setdefault(problem.file, len(order))
        self.problems = tuple(sorted(unique, key=lambda p: (order[p.file], p.line, p.column)))
        super().__init__(self.problems)

    def __str__(self) -> str:
        return self.told(colour=False)

    def told(self, *, colour: bool | None = None) -> str:
        """Every problem, and how many there are; in colours where the terminal has them, unless told."""
        colour = _coloured() if colour is None else colour
        told = [problem.told(colour=colour) for problem in self.problems[:_MOST]]
        if more := len(self.problems) - _MOST:
            told += [f"… and {more} more"] if more > 0 else []
        if len(self.problems) > 1:
            told.append(f"{len(self.problems)} problems")
        # Whoever prints this may have begun a colour of its own.
        return (_PAINT["end"] if colour else "") + "\n".join(told)


def _coloured() -> bool:
    """Whether a message to whoever started this may have colours: what pytest goes by, for both streams it may go to."""
    if (said := os.environ.get("PY_COLORS")) in ("0", "1"):
        return said == "1"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    streams = (sys.stdout, sys.stderr)
    return os.environ.get("TERM") != "dumb" and all(stream is not None and stream.isatty() for stream in streams)
