"""Lines put into a YAML text that a person has written, every other byte of it as it was."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from seatrial.draft.parts import Part, flowed, lines

__all__ = ["Text"]


@dataclass(slots=True)
class _Edits:
    """What is to be put in, by position, in the order in which it was asked for."""

    before: dict[int, list[str]] = field(default_factory=dict)
    """Text by the index it goes before."""
    blocks: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    """Whole lines, with how far they are indented: where several go to one place, what is deeper goes first."""
    replaced: dict[tuple[int, int], str] = field(default_factory=dict)


class Text:
    """A YAML text, the nodes in it, and what is to be put in."""

    def __init__(self, text: str) -> None:
        """The text must be sound YAML already: the profile was loaded from it."""
        import yaml

        self.text = text
        self.break_ = "\r\n" if "\r\n" in text else "\n"
        self._lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self._root: Any = yaml.compose(text, Loader=yaml.BaseLoader)
        self._edits = _Edits()
        self._notes: dict[int, list[str]] = {}
        self._stamps: dict[int, str] = {}
        self._made: dict[tuple[tuple[str, ...], str], Part] = {}
        self._filled: set[int] = set()

    # --- looking --------------------------------------------------------------------------------------------------

    def node(self, path: tuple[str, ...]) -> Any:
        """The node at a path; None when this text has none."""
        node = self._root
        for key in path:
            pairs = node.value if _is(node, "Mapping") else ()
            node = next((value for name, value in pairs if name.value == key), None)
            if node is None:
                return None
        return node

    def declined(self, path: tuple[str, ...], part: Part) -> bool:
        """Whether a person has turned this into a comment, among the keys or items that a path is about."""
        node = self.node(path)
        if node is None:
            return False
        indent = 0 if node is self._root else node.start_mark.column
        first = max(0, node.start_mark.line - 1)
        last = _end(node) + 1
        while last < len(self._lines) and re.match(r"\s*(#|$)", self._lines[last]):
            last += 1
        lines = self._lines[first:last]
        if not part.key:  # any word of a comment will do: a list in brackets has no line for each item
            word = re.compile(rf"#.*(?<![\w./-]){re.escape(part.value.strip(chr(34)))}(?![\w/-])")
            return any(word.search(line) for line in lines)
        return any(_turned_off(line, indent, part.key) for line in lines)

    # --- putting in -----------------------------------------------------------------------------------------------

    def add(self, path: tuple[str, ...], part: Part, *, apart: bool = False) -> None:
        """Put a part into the mapping or list at a path, behind what is there. What does not exist of the path is made.

        Args:
            path: of a mapping, or of a list when the part is an item.
            part: with its comments.
            apart: True to leave an empty line before it.
        """
        there = path
        while (node := self.node(there)) is None or not (_is(node, "Mapping") or _is(node, "Sequence")):
            there = there[:-1]
            part = Part(path[len(there)], parts=(part,))
        if there != path:  # several may need the same part to be made
            made = self._made.get((there, part.key))
            self._made[there, part.key] = part if made is None else _merged(made, part)
            return
        self._put(node, part, apart=apart)

    def _put(self, node: Any, part: Part, *, apart: bool) -> None:
        if node.flow_style:
            self._into_flow(node, part)
            return
        indent = node.start_mark.column
        after = self._starts[min(self._last_line(node, inside=indent) + 1, len(self._lines))]
        rows = lines([part], indent)
        block = self.break_.join(([""] if apart else []) + rows) + self.break_
        if after and not self.text[:after].endswith(("\n", "\r")):
            block = self.break_ + block.removesuffix(self.break_)
        self._edits.blocks.setdefault(after, []).append((indent, block))

    def replace(self, path: tuple[str, ...], value: str) -> None:
        """Put another scalar in the place of one."""
        node = self.node(path)
        self._edits.replaced[node.start_mark.index, node.end_mark.index] = value

    def _into_flow(self, node: Any, part: Part) -> None:
        end = node.end_mark.index - 1
        inside = self.text[node.start_mark.index + 1 : end]
        at = node.start_mark.index + 1 + len(inside.rstrip())
        comma = inside.rstrip().endswith(",")
        first = not inside.strip() and end not in self._filled
        self._filled.add(end)
        if "#" in inside.rsplit("\n", 1)[-1]:
            at = end  # a comment ends the line, and would swallow what is put behind it
        text = ("" if first else " " if comma else ", ") + flowed(part)
        self._edits.before.setdefault(at, []).append(text)
        if part.note:
            line = node.end_mark.line
            self._stamps[line] = part.note.partition(":")[0].partition(" #")[0]
            self._notes.setdefault(line, []).append(part.key or part.value.strip('"'))

    def _last_line(self, node: Any, *, inside: int) -> int:
        """The last line of a node, with the comments right below that are indented as far as its own keys."""
        last = _end(node)
        indent = max(inside, 1)
        at = last
        while at + 1 < len(self._lines):
            line = self._lines[at + 1]
            stripped = line.lstrip(" ")
            if stripped.startswith("#") and len(line) - len(stripped) >= indent:
                at += 1
            else:
                break
        return at

    def result(self) -> str:
        """The text with everything put in."""
        for (path, _), part in self._made.items():
            self._put(self.node(path), part, apart=not path)
        self._made.clear()
        for line, notes in self._notes.items():
            raw = self._lines[line]
            code = raw.rstrip("\r\n")
            end = self._starts[line] + len(code)
            said = f"{self._stamps[line]}: {', '.join(dict.fromkeys(notes))}"
            self._edits.before.setdefault(end, []).append(f"; {said}" if _commented(code) else f"  # {said}")
        for index, blocks in self._edits.blocks.items():
            deepest = sorted(blocks, key=lambda block: -block[0])
            self._edits.before.setdefault(index, []).extend(text for _, text in deepest)
        pieces, at = [], 0
        edits = [(index, index, "".join(texts)) for index, texts in self._edits.before.items()]
        edits += [(start, end, text) for (start, end), text in self._edits.replaced.items()]
        for start, end, text in sorted(edits):
            pieces += [self.text[at:start], text]
            at = end
        return "".join([*pieces, self.text[at:]])


def _merged(one: Part, other: Part) -> Part:
    """Two parts of the same key as one."""
    parts = list(one.parts)
    for part in other.parts:
        at = next((at for at, known in enumerate(parts) if part.key and known.key == part.key), None)
        if at is None:
            parts.append(part)
        else:
            parts[at] = _merged(parts[at], part)
    return replace(one, parts=tuple(parts))


def _turned_off(line: str, indent: int, key: str) -> bool:
    """Whether a line is this key as a comment, with the # at the key's column or at the start of the line."""
    match = re.match(rf"( *)#( *){re.escape(key)}:", line)
    if not match:
        return False
    at, column = len(match[1]), len(match[1]) + 1 + len(match[2])
    return at == indent or (at == 0 and column in (indent, indent + 1, indent + 2))


def _commented(line: str) -> bool:
    """Whether a line has a comment: a # at its start or after a space, outside quotes."""
    bare = re.sub(r"\"(?:\\.|[^\"\\])*\"|'(?:''|[^'])*'", "", line)
    return re.search(r"(^|\s)#", bare) is not None


def _is(node: Any, kind: str) -> bool:
    return type(node).__name__ == f"{kind}Node"


def _end(node: Any) -> int:
    """The line on which the last thing of a node stands."""
    if not _is(node, "Scalar") and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    if _is(node, "Scalar") and node.style in ("|", ">"):
        return int(node.end_mark.line) - 1
    return int(node.end_mark.line)
