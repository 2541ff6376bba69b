"""YAML, read strictly and with positions: a tree of mappings, lists and text that knows where each part was written.

The tree is built from the parser's events, never by a composer: a composer recurses once for each bracket and expands
aliases. What a profile has no use for (anchors, aliases, tags, merge keys, several documents) is refused where it stands.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from seatrial.profile.problems import Problem, ProfileError, Where, dotted
from seatrial.profile.secrecy import continued
from seatrial.yaml_events import events

__all__ = ["LARGEST", "Mapping", "Node", "Position", "Scalar", "Sequence", "Tree", "read"]

LARGEST = 1024 * 1024
DEEPEST = 64
MOST = 50_000
"""Parts of a file: megabytes of brackets and commas would take the parser many seconds."""
WORST = 200
"""Problems after which reading stops."""

# What YAML does not allow in a stream, and the line breaks of YAML 1.1 that editors do not count as lines.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class Position(NamedTuple):
    """Where something is written. Lines and columns count from 1."""

    file: Path
    line: int
    column: int
    width: int = 1

    def __str__(self) -> str:
        from seatrial.profile.problems import shown

        return f"{shown(self.file)}:{self.line}:{self.column}"


class Scalar(str):
    """Text of a profile: what was written, whether it was plain (unquoted), and where."""

    __slots__ = ("broken", "plain", "position")

    plain: bool
    position: Position
    broken: bool
    """True when something was written here that is already told as a problem."""

    def __new__(cls, text: str, plain: bool, position: Position, *, broken: bool = False) -> Scalar:
        self = super().__new__(cls, text)
        self.plain, self.position, self.broken = plain, position, broken
        return self

    @property
    def line(self) -> int:
        return self.position.line

    @property
    def column(self) -> int:
        return self.position.column

    @property
    def folder(self) -> str:
        """The directory of the file it was written in: relative paths start there."""
        return str(self.position.file.parent)


class Mapping(dict[str, Any]):
    """A mapping, where it starts, and its keys as they were written."""

    __slots__ = ("position", "written")

    def __init__(self, position: Position) -> None:
        super().__init__()
        self.position = position
        self.written: dict[str, Scalar] = {}


class Sequence(list[Any]):
    """A list and where it starts."""

    __slots__ = ("position",)

    def __init__(self, position: Position) -> None:
        super().__init__()
        self.position = position


Node = Mapping | Sequence | Scalar


@dataclass(frozen=True, slots=True)
class Tree:
    """One file, or several merged: its content, its lines, and what is wrong with it so far."""

    file: Path
    root: Mapping
    lines: dict[Path, list[str]]
    problems: list[Problem] = field(default_factory=list)
    sha256: str = ""
    secret: dict[Path, frozenset[int]] = field(default_factory=dict, repr=False)
    """Lines that go on with a secret's value, found when the first problem is told."""

    def find(self, path: Where) -> tuple[Position | None, Position, Any]:
        """Positions of the key and of the value at a path, and the value; of its nearest ancestor that exists."""
        node: Any = self.root
        key, value = None, self.root.position
        for part in path:
            if isinstance(node, Mapping) and isinstance(part, str) and part in node:
                key, node = node.written[part].position, node[part]
            elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node):
                key, node = None, node[part]
            else:
                return key, value, None
            value = node.position
        return key, value, node

    def line(self, position: Position) -> str:
        """The source line of a position."""
        lines = self.lines.get(position.file, [])
        return lines[position.line - 1] if 0 < position.line <= len(lines) else ""

    def problem(self, position: Position, path: Where, message: str, hint: str = "") -> Problem:
        """A problem at a position of this tree."""
        file, line, column, width = position
        if file not in self.secret:
            self.secret[file] = continued(self.lines.get(file, []))
        secret = line - 1 in self.secret[file]
        return Problem(file, line, column, path, message, hint, self.line(position), width, secret)


def read(path: str | os.PathLike[str]) -> Tree:
    """The tree of one file. Raises `ProfileError` when it cannot be read to its end.

    What can be told and passed over (a duplicate key, an anchor) is left in ``problems`` of the tree, for the caller to
    tell together with everything else.
    """
    file = Path(path)
    content = _content(file)
    text = _decoded(file, content)
    lines = re.split("\r\n|\n|\r", text)
    builder = _Builder(file, lines)
    root = builder.build(text)
    return Tree(file, root, {file: lines}, builder.problems, hashlib.sha256(content).hexdigest())


def _fail(file: Path, message: str, hint: str = "", line: int = 1, column: int = 1, source: str = "") -> ProfileError:
    return ProfileError([Problem(file, line, column, (), message, hint, source)])


_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def _content(file: Path) -> bytes:
    """The bytes of a regular file of a sane size. Nothing here waits: a pipe is refused before and after it is opened."""
    try:
        _refuse(file, os.stat(file))
        # O_NONBLOCK: what was a file a moment ago may be a pipe now.
        with open(file, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
            _refuse(file, os.fstat(stream.fileno()))
            content = stream.read(LARGEST + 1)
    except FileNotFoundError:
        raise _fail(file, "no such file", _neighbours(file)) from None
    except PermissionError:
        raise _fail(file, "no permission to read it") from None
    except (OSError, ValueError) as wrong:  # ValueError: a NUL in the path
        reason = wrong.strerror if isinstance(wrong, OSError) and wrong.strerror else "not a path"
        raise _fail(file, f"cannot be read: {reason[0].lower()}{reason[1:]}") from None
    if len(content) > LARGEST:
        raise _fail(file, "larger than 1 MB, which no profile is")
    return content


def _refuse(file: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "no file")
        raise _fail(file, f"{kind}, not a file")
    if status.st_size > LARGEST:
        raise _fail(file, f"{status.st_size / 1e6:.0f} MB, and no profile is larger than 1 MB")


def _neighbours(file: Path) -> str:
    import difflib

    try:
        names = [entry.name for entry in os.scandir(file.parent) if entry.name.endswith((".yaml", ".yml"))]
    except OSError:
        return f"there is no directory {file.parent} either"
    if file.name in names:
        return "it is a symbolic link to nothing"
    near = difflib.get_close_matches(file.name, names, 1, 0.75)
    return f"did you mean `{file.with_name(near[0])}`?" if near else ""


def _decoded(file: Path, content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _fail(file, "not UTF-8 but UTF-16: save it as UTF-8")
    if b"\0" in content:
        line, column, _ = _place(content[: content.index(b"\0")].decode("utf-8", "replace"))
        raise _fail(file, "binary, not a text file", line=line, column=column)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as wrong:
        line, column, source = _place(content[: wrong.start].decode("utf-8"))
        byte = f"byte 0x{content[wrong.start]:02x}"
        raise _fail(file, f"not UTF-8: {byte}", "save it as UTF-8", line, column, source) from None
    text = text.removeprefix("\ufeff")
    if odd := _UNPRINTABLE.search(text):
        line, column, source = _place(text[: odd.start()])
        message = f"a character that YAML does not allow: U+{ord(odd[0]):04X}"
        raise _fail(file, message, 'in a quoted text it is written "\\uXXXX"', line, column, source)
    if not text.strip():
        raise _fail(file, "the file is empty", "a profile holds at least `profile:` and `target:`")
    return text


def _place(before: str) -> tuple[int, int, str]:
    """Line, column and the beginning of the line of what follows a text."""
    lines = re.split("\r\n|\n|\r", before.removeprefix("\ufeff"))
    return len(lines), len(lines[-1]) + 1, lines[-1]


@dataclass(slots=True)
class _Open:
    """A mapping or list that has not ended yet. ``node`` is None where what is inside is thrown away."""

    node: Mapping | Sequence | None
    is_mapping: bool
    path: Where
    key: Scalar | None = None
    skip: bool = False
    """The value of the current key is thrown away: the key is a duplicate, or none at all."""


class _Builder:
    def __init__(self, file: Path, lines: list[str]) -> None:
        self.file = file
        self.lines = lines
        self.problems: list[Problem] = []
        self.open: list[_Open] = []
        self.root: Any = None
        self.secret: frozenset[int] | None = None

    def build(self, text: str) -> Mapping:
        from yaml import MarkedYAMLError, YAMLError

        try:
            self._walk(text)
        except YAMLError as wrong:
            mark = wrong.problem_mark or wrong.context_mark if isinstance(wrong, MarkedYAMLError) else None
            position = Position(self.file, mark.line + 1, mark.column + 1) if mark else Position(self.file, 1, 1)
            raise ProfileError([*self.problems, self._syntax(wrong, position)]) from None
        if not isinstance(self.root, Mapping):
            position = self.root.position if self.root is not None else Position(self.file, 1, 1)
            if self.root is None or (isinstance(self.root, Scalar) and self.root.plain and not self.root):
                self._tell(
                    Position(self.file, 1, 1),
                    (),
                    "the file holds no profile",
                    "a profile holds at least `profile:` and `target:`",
                )
            else:
                self._tell(position, (), "a profile is a mapping, `key: value`, at its outermost level")
            raise ProfileError(self.problems)
        return self.root

    def _walk(self, text: str) -> None:
        import yaml

        documents = 0
        for count, event in enumerate(events(text)):
            kind = type(event)
            if count > MOST:
                self._tell(self._position(event), self._path()[:8], f"more than {MOST} parts, which no profile has")
            if count > MOST or len(self.problems) > WORST:
                raise ProfileError(self.problems)
            if kind is yaml.ScalarEvent:
                self._value(self._scalar(event))
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._start(event, kind is yaml.MappingStartEvent)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self.open.pop()
            elif kind is yaml.AliasEvent:
                position = self._position(event)
                self._tell(position, self._path(), "an alias (`*name`): write the value out, or use `extends:`")
                self._value(Scalar("", True, position, broken=True))
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    self._tell(self._position(event), (), "a second document: a profile is one document, without `---`")
                    raise ProfileError(self.problems)

    def _position(self, event: Any) -> Position:
        start, end = event.start_mark, event.end_mark
        width = end.column - start.column if end.line == start.line else 1
        return Position(self.file, start.line + 1, start.column + 1, max(width, 1))

    def _source(self, position: Position) -> str:
        return self.lines[position.line - 1] if position.line <= len(self.lines) else ""

    def _tell(self, position: Position, path: Where, message: str, hint: str = "") -> None:
        file, line, column, width = position
        self.problems.append(
            Problem(file, line, column, path, message, hint, self._source(position), width, self._secret(position))
        )

    def _secret(self, position: Position) -> bool:
        if self.secret is None:
            self.secret = continued(self.lines)
        return position.line - 1 in self.secret

    def _path(self) -> Where:
        """Path of the value that comes next."""
        if not self.open:
            return ()
        above = self.open[-1]
        if not above.is_mapping:
            return (*above.path, len(above.node) if above.node is not None else 0)
        return (*above.path, str(above.key)) if above.key is not None else above.path

    def _scalar(self, event: Any) -> Scalar:
        position = self._position(event)
        broken = self._decorated(event, position)
        return Scalar(event.value, event.style in (None, ""), position, broken=broken)

    def _decorated(self, event: Any, position: Position) -> bool:
        if event.anchor is not None:
            self._tell(position, self._path(), f"an anchor (`&{event.anchor}`): write the value out where it is used")
        if event.tag is not None:
            self._tell(position, self._path(), "a tag (`!…`): the type of a value follows from its key")
        return event.tag is not None

    def _start(self, event: Any, is_mapping: bool) -> None:
        position = self._position(event)
        if len(self.open) >= DEEPEST:
            self._tell(position, self._path()[:8], f"nested deeper than {DEEPEST} levels")
            raise ProfileError(self.problems)
        self._decorated(event, position)
        path = self._path()
        node = Mapping(position) if is_mapping else Sequence(position)
        kept = self._value(node)
        self.open.append(_Open(node if kept else None, is_mapping, path))

    def _value(self, node: Node) -> bool:
        """Put a node where it belongs; False when it is thrown away with all that is inside."""
        if not self.open:
            self.root = node
            return True
        above = self.open[-1]
        if not above.is_mapping:
            if isinstance(above.node, Sequence):
                above.node.append(node)
            return above.node is not None
        if above.key is None and not above.skip:
            return self._key(above, node)
        kept = isinstance(above.node, Mapping) and above.key is not None and not above.skip
        if kept and isinstance(above.node, Mapping) and above.key is not None:
            above.node[above.key] = node
            above.node.written[str(above.key)] = above.key
        above.key, above.skip = None, False
        return kept

    def _key(self, above: _Open, node: Node) -> bool:
        above.skip = True
        if not isinstance(node, Scalar):
            self._tell(
                node.position,
                above.path,
                "a key must be text, not a mapping or a list",
                "quote a text that starts with { or [",
            )
            return False
        if node.broken:
            return False
        if node.plain and node == "<<":
            self._tell(node.position, above.path, "a merge key (`<<`): use `extends:`, or write the keys out")
            return False
        if isinstance(above.node, Mapping) and node in above.node:
            first = above.node.written[str(node)].line
            inside = f" in {dotted(above.path)}" if above.path else ""
            self._tell(
                node.position, (*above.path, str(node)), f"duplicate key `{node}`{inside}", f"first on line {first}"
            )
            return False
        above.key, above.skip = node, False
        return True

    def _syntax(self, wrong: Any, position: Position) -> Problem:
        """The parser's complaint, in an operator's words where it is a common mistake."""
        said = str(getattr(wrong, "problem", None) or getattr(wrong, "reason", None) or "unreadable")
        source = self._source(position)
        char = source[position.column - 1 : position.column]
        message, hint = f"not YAML: {said}", ""
        if "cannot start any token" in said and char == "\t":
            message, hint = "a tab in the indentation", "indent with spaces"
        elif "cannot start any token" in said:
            message, hint = f"a plain text cannot start with `{char}`", "write it in quotes"
        elif "mapping values are not allowed" in said:
            message, hint = (
                "a `:` that starts no value here",
                "write a text with `: ` in quotes, or check the indentation",
            )
        elif "could not find expected ':'" in said and getattr(wrong, "context_mark", None):
            # Told where the key is, not where the parser lost it.
            mark = wrong.context_mark
            position = Position(self.file, mark.line + 1, mark.column + 1)
            source = self._source(position)
            key = source[mark.column :].split("#")[0].strip()
            position = position._replace(width=max(len(key), 1))
            message, hint = "a key without `:`", f"write `{key}:`" if key and len(key) <= 40 else "write `key: value`"
        elif (context := getattr(wrong, "context", None)) and (mark := getattr(wrong, "context_mark", None)):
            hint = f"{context} that starts on line {mark.line + 1}"
        file, line, column, width = position
        return Problem(file, line, column, (), message, hint, source, width, self._secret(position))
