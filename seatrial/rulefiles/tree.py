"""The first document of a YAML text as a tree whose every node knows its place, read as Prometheus' own YAML reader does.

Bounded before anything is built: a text of 200,000 brackets is no reason to end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from seatrial.yaml_events import events

__all__ = ["LARGEST", "Alias", "Mapping", "Node", "Scalar", "Sequence", "TooMuch", "Unreadable", "lines_of", "tree"]

LARGEST = 16 * 1024 * 1024
"""Characters of a rule file that are read."""
DEEPEST = 64
"""Levels of nesting; a rule file has six."""
MOST = 2_000_000
"""Parts of one file."""
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LATE_MARK = re.compile("(?<=[\n\r])\ufeff")
"""libyaml passes over it at the start of any line, Prometheus' reader only at the start of the file."""
_NULL = ("", "~", "null", "Null", "NULL")


class Unreadable(ValueError):
    """A text that is no YAML."""

    def __init__(self, text: str, line: int = 0, column: int = 0) -> None:
        super().__init__(text)
        self.text, self.line, self.column = text, line, column


class TooMuch(Unreadable):
    """A text that is larger or deeper than any rule file, whatever it holds."""


@dataclass(slots=True)
class Node:
    """Anything, and where it starts, from 1."""

    line: int
    column: int
    tag: str = ""
    anchor: str = ""


@dataclass(slots=True)
class Scalar(Node):
    """A text, a number, or nothing."""

    value: str = ""
    style: str = ""
    """Empty where it is plain; else ``'``, ``"``, ``|`` or ``>``."""
    end: tuple[int, int] = (0, 0)

    @property
    def untyped(self) -> bool:
        """Whether its characters alone say what it is."""
        return not self.style and self.tag in ("", "!")

    @property
    def null(self) -> bool:
        """Whether it is nothing."""
        return (self.untyped or self.tag.endswith(":null")) and self.value in _NULL


@dataclass(slots=True)
class Sequence(Node):
    """A list."""

    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Mapping(Node):
    """Keys and values in order; a key may be there twice."""

    pairs: list[tuple[Node, Node]] = field(default_factory=list)


@dataclass(slots=True)
class Alias(Node):
    """``*name``."""

    name: str = ""
    target: Node | None = None


def lines_of(text: str) -> list[str]:
    """The lines of a text, by what YAML takes for the end of one."""
    return _BREAK.split(text)


def tree(text: str) -> tuple[Node | None, int]:
    """The first document, None where there is none; and the line on which a second one starts, else 0.

    What comes after the first document is not read by Prometheus, so that it may be anything.

    Raises:
        Unreadable: the text is no YAML, or `TooMuch` of it.
    """
    if len(text) > LARGEST:
        raise TooMuch(f"more than {LARGEST // 1024**2} MiB, which no rule file is")
    if odd := _SURROGATE.search(text):
        before = lines_of(text[: odd.start()])
        raise Unreadable("not YAML: half of a character", len(before), len(before[-1]) + 1)
    if late := _LATE_MARK.search(text):
        raise Unreadable(
            "a byte order mark in the middle of the file: take it out", len(lines_of(text[: late.start()])), 1
        )
    from yaml import MarkedYAMLError, YAMLError
    from yaml.scanner import ScannerError

    builder = _Builder()
    try:
        for event in events(text):
            if builder.take(event):
                break
    except YAMLError as wrong:
        # What follows the first document is not read, but for one word: the one that is looked at to see that it has ended.
        if builder.complete and not isinstance(wrong, ScannerError):
            return builder.root, 0
        mark = (wrong.problem_mark or wrong.context_mark) if isinstance(wrong, MarkedYAMLError) else None
        said = str(getattr(wrong, "problem", None) or getattr(wrong, "reason", None) or "unreadable")
        context = getattr(wrong, "context", None)
        start = getattr(wrong, "context_mark", None)
        since = f", {context} that starts on line {start.line + 1}" if context and start else ""
        place = (mark.line + 1, mark.column + 1) if mark else _place(text, wrong)
        raise Unreadable(f"not YAML: {said}{since}", *place) from None
    return builder.root, builder.second


def _place(text: str, wrong: Any) -> tuple[int, int]:
    """Where the reader stumbled over a character."""
    position = getattr(wrong, "position", None)
    if not isinstance(position, int):
        return 1, 1
    before = lines_of(text[:position])
    return len(before), len(before[-1]) + 1


class _Builder:
    """Makes nodes of events."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.second = 0
        self.complete = False
        self.open: list[tuple[Mapping | Sequence, list[Node]]] = []
        self.anchors: dict[str, Node] = {}
        self.count = 0

    def take(self, event: Any) -> bool:
        """One event; True when what is wanted has been read."""
        import yaml

        kind = type(event)
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        self.count += 1
        if self.count > MOST:
            raise TooMuch(f"more than {MOST:,} parts, which no rule file has", line, column)
        if kind is yaml.ScalarEvent:
            ends = event.end_mark
            style = event.style or ""
            self._put(
                Scalar(line, column, event.tag or "", event.anchor or "", event.value, style, (ends.line, ends.column))
            )
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            if len(self.open) >= DEEPEST:
                raise TooMuch(f"nested deeper than {DEEPEST} levels, which no rule file is", line, column)
            made = (Mapping if kind is yaml.MappingStartEvent else Sequence)(
                line, column, event.tag or "", event.anchor or ""
            )
            if made.anchor:
                self.anchors[made.anchor] = made
            self.open.append((made, []))
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            ended, inside = self.open.pop()
            if isinstance(ended, Mapping):
                ended.pairs = list(zip(inside[::2], inside[1::2], strict=True))
            else:
                ended.items = inside
            self._put(ended)
        elif kind is yaml.AliasEvent:
            if event.anchor not in self.anchors:
                raise Unreadable(
                    f"an alias `*{event.anchor}` without an anchor `&{event.anchor}` before it", line, column
                )
            self._put(Alias(line, column, name=event.anchor, target=self.anchors[event.anchor]))
        elif kind is yaml.DocumentEndEvent:
            self.complete = True
        elif kind is yaml.DocumentStartEvent and self.complete:
            self.second = line
            return True
        return False

    def _put(self, node: Node) -> None:
        if node.anchor:
            self.anchors[node.anchor] = node
        if self.open:
            self.open[-1][1].append(node)
        else:
            self.root = node
