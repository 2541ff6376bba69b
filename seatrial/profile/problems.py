"""What is wrong with a profile, told like a compiler would: place, sentence, the line itself, what to write instead."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seatrial import data

__all__ = ["Problem", "ProfileError", "Where", "dotted", "shown"]

Where = tuple[str | int, ...]
"""Path of a value: ``("waivers", 0, "owner")``."""

_WIDEST = 160
_MOST = 200


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

    def __str__(self) -> str:
        place = f"{shown(self.file)}:{self.line}:{self.column}: " if self.line else ""
        head = f"{place}{_printable(self.message)}"
        if not self.source_line.strip():
            return f"{head}\n        {_printable(self.hint)}" if self.hint else head
        text, column = self._window()
        gutter = f"{self.line:>5} | "
        before = sum(_columns(char) for char in text[: column - 1])
        under = sum(_columns(char) for char in text[column - 1 : column - 1 + max(self.width, 1)]) or 1
        hint = f" {_printable(self.hint)}" if self.hint else ""
        return f"{head}\n{gutter}{text}\n{' ' * (len(gutter) + before)}{'^' * under}{hint}"

    def _window(self) -> tuple[str, int]:
        """The part of a long line that the problem is in, safe to print, and the column in it."""
        line, column = self.source_line, self.column
        if len(line) > _WIDEST:
            start = max(0, column - 1 - _WIDEST // 2)
            cut = line[start : start + _WIDEST]
            line = ("…" if start else "") + cut + ("…" if start + _WIDEST < len(self.source_line) else "")
            column = column - start + (1 if start else 0)
        return "".join(char if char.isprintable() else " " for char in line), column


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
        told = [str(problem) for problem in self.problems[:_MOST]]
        if more := len(self.problems) - _MOST:
            told += [f"… and {more} more"] if more > 0 else []
        if len(self.problems) > 1:
            told.append(f"{len(self.problems)} problems")
        return "\n".join(told)
