"""From a tree of YAML to values of the types that Prometheus wants, with a problem for each that is of another."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from seatrial.facts.alerts.rules import Problem
from seatrial.rulefiles import durations
from seatrial.rulefiles.tree import Alias, Mapping, Node, Scalar, Sequence, TooMuch

__all__ = ["Decoder", "kind_of", "real"]

MOST_PROBLEMS = 500
"""After so many, the rest of a file is not worth telling."""
MOST_VISITS = 4_000_000
"""Nodes visited, those behind aliases each time: a small text can stand for a huge one."""
_MERGE = "tag:yaml.org,2002:merge"
_BINARY = "tag:yaml.org,2002:binary"
_TYPES = {f"tag:yaml.org,2002:{name}": name for name in ("str", "bool", "int", "float", "null", "timestamp")}
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|0([0-7]+)|([1-9][0-9]*|0))", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:[Tt ]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)


def real(node: Node) -> Node:
    """The node that an alias stands for."""
    return node.target if isinstance(node, Alias) and node.target is not None else node


def kind_of(node: Node) -> str:
    """What a node is, in an operator's words."""
    return "a mapping" if isinstance(node, Mapping) else "a list" if isinstance(node, Sequence) else "a value"


def _number(text: str) -> int | float | None:
    """A plain text as the number it is read for."""
    plain = text.replace("_", "")
    if match := _INTEGER.fullmatch(plain):
        sign = -1 if match[1] == "-" else 1
        for group, base in ((2, 16), (3, 2), (4, 8), (5, 8), (6, 10)):
            if match[group]:
                return sign * int(match[group], base) if len(match[group]) < 100 else float("inf")
    return float(plain) if _FLOAT.fullmatch(plain) else None


class Decoder:
    """Reads nodes, and keeps what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.rule = ""
        self.visits = 0

    def tell(
        self, kind: str, text: str, node: Node | None, *, refused: bool = True, place: tuple[int, int] | None = None
    ) -> None:
        """Keep a problem, at a node or at a place in it."""
        if len(self.problems) >= MOST_PROBLEMS:
            return
        line, column = place or ((node.line, node.column) if node else (0, 0))
        self.problems.append(Problem(kind, text, line, column, self.rule, refused))

    def visit(self, node: Node) -> Node:
        """The node itself, counted."""
        self.visits += 1
        if self.visits > MOST_VISITS:
            raise TooMuch("aliases that stand for more than any rule file holds", node.line, node.column)
        return real(node)

    def pairs(self, node: Node, what: str) -> list[tuple[str, Node, Node]]:
        """Keys with their nodes and values; nothing where it is no mapping. What `<<` brings in comes last."""
        node = self.visit(node)
        if isinstance(node, Scalar) and node.null:
            return []
        if not isinstance(node, Mapping):
            self.tell("value", f"{what} must be a mapping, `key: value`; this is {kind_of(node)}", node)
            return []
        return list(self._pairs(node, what, set(), ()))

    def _pairs(
        self, node: Mapping, what: str, had: set[str], above: tuple[int, ...]
    ) -> Iterator[tuple[str, Node, Node]]:
        if self._repeated(node, what):
            return
        merged: list[Node] = []
        mine: list[tuple[str, Node, Node]] = []
        for key, value in node.pairs:
            self.visit(key)
            if isinstance(key, Scalar) and key.value == "<<" and (key.untyped or key.tag == _MERGE):
                merged.append(value)
            elif isinstance(name := real(key), Scalar):
                if not name.null:
                    mine.append((name.value, key, value))
            else:
                self.tell("value", f"a key in {what} must be a text; this is {kind_of(name)}", key)
        for each in mine:
            if each[0] in had and above:
                continue
            had.add(each[0])
            yield each
        for value in merged:
            given = value.items if isinstance(value, Sequence) else [value]
            for each_node in given:
                target = self.visit(each_node)
                if not isinstance(target, Mapping) or id(target) in above:
                    self.tell("value", "`<<` takes a mapping, or a list of mappings", each_node)
                    continue
                yield from self._pairs(target, what, had, (*above, id(node), id(target)))

    def _repeated(self, node: Mapping, what: str) -> bool:
        """Whether a key is there twice."""
        seen: dict[tuple[str, str], Node] = {}
        twice = False
        for key, _ in node.pairs:
            # Prometheus' reader compares what is written: keys that are no texts all look alike to it.
            if isinstance(key, Alias):
                same = ("alias", key.name)
            else:
                same = (type(key).__name__, key.value if isinstance(key, Scalar) else "")
            if same in seen:
                self.tell("value", f"`{same[1]}` is in {what} twice; first on line {seen[same].line}", key)
                twice = True
            seen.setdefault(same, key)
        return twice

    def fields(self, node: Node, what: str, known: Iterable[str]) -> dict[str, tuple[Node, Node]]:
        """The fields of a mapping by name, key and value; each that nobody knows is a problem."""
        found: dict[str, tuple[Node, Node]] = {}
        known = tuple(known)
        for name, key, value in self.pairs(node, what):
            if name not in known:
                near = difflib.get_close_matches(name[:60], known, 1, 0.6)
                hint = f"; did you mean `{near[0]}`?" if near else f"; there are {', '.join(known)}"
                shown = name if len(name) <= 60 else f"{name[:60]}…"
                self.tell("field", f"{what} has no field `{shown}`{hint}", key)
            elif name in found:
                self.tell("value", f"`{name}` is in {what} twice; first on line {found[name][0].line}", key)
            else:
                found[name] = (key, value)
        return found

    def items(self, node: Node, what: str) -> list[Node]:
        """The items of a list; what is nothing is left out, as Prometheus does."""
        node = self.visit(node)
        if isinstance(node, Scalar) and node.null:
            return []
        if not isinstance(node, Sequence):
            self.tell("value", f"{what} must be a list, each item after a `-`; this is {kind_of(node)}", node)
            return []
        return [item for item in node.items if not (isinstance(it := self.visit(item), Scalar) and it.null)]

    def text(self, node: Node, what: str) -> str:
        """A text; a number is one as well, as it is written."""
        node = self.visit(node)
        if not isinstance(node, Scalar):
            self.tell("value", f"{what} must be a text; this is {kind_of(node)}", node)
            return ""
        if node.tag == _BINARY and not node.null:
            return self._binary(node, what)
        wanted = _TYPES.get(node.tag, "")
        if wanted not in ("", "str") and not self._is(node, wanted):
            self.tell("value", f"{what} has the tag !!{wanted} and is none", node)
        return "" if node.null else node.value

    def _binary(self, node: Scalar, what: str) -> str:
        import base64
        import binascii

        try:
            data = base64.b64decode(re.sub(r"[\r\n]", "", node.value), validate=True)
        except (binascii.Error, ValueError):
            self.tell("value", f"{what} has the tag !!binary and is no base64", node)
            return ""
        return data.decode("utf-8", "surrogateescape")

    def _is(self, node: Scalar, wanted: str) -> bool:
        """Whether a value is of the type that its tag states."""
        text = node.value
        if wanted == "null":
            return node.null
        if wanted == "bool":
            return text in ("true", "True", "TRUE", "false", "False", "FALSE")
        if wanted == "timestamp":
            return _DATE.fullmatch(text) is not None
        number = _number(text)
        return number is not None and (wanted == "float" or isinstance(number, int))

    def integer(self, node: Node, what: str) -> int:
        """A whole number; a fraction is cut off, as Prometheus does."""
        node = self.visit(node)
        if isinstance(node, Scalar) and node.null:
            return 0
        plain = isinstance(node, Scalar) and (node.untyped or _TYPES.get(node.tag) in ("int", "float"))
        number = _number(node.value) if isinstance(node, Scalar) and plain and not _DATE.fullmatch(node.value) else None
        if number is None or not -(1 << 63) <= number < 1 << 63:
            self.tell("value", f"{what} must be a whole number, without quotes", node)
            return 0
        return int(number)

    def duration(self, node: Node, what: str) -> float:
        """A duration, in seconds."""
        inner = self.visit(node)
        if isinstance(inner, Scalar) and inner.null:
            return 0.0
        if not isinstance(inner, Scalar):
            self.tell("value", f"{what} must be a duration, such as 5m; this is {kind_of(inner)}", node)
            return 0.0
        try:
            return durations.seconds(self.text(inner, what))
        except ValueError as wrong:
            self.tell("value", f"{what}: {wrong}", node)
            return 0.0

    def texts(self, node: Node, what: str) -> dict[str, tuple[str, Node, Node]]:
        """Names and texts, with their nodes."""
        found: dict[str, tuple[str, Node, Node]] = {}
        for name, key, value in self.pairs(node, what):
            found.setdefault(name, (self.text(value, f"`{name[:60]}` in {what}"), key, value))
        return found
