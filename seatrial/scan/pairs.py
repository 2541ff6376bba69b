"""Names and values of structured texts, each with its place: env files, INI, TOML, unit files, JSON and YAML.

A reader gives up by raising `Unreadable`; the text is then searched as any other.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Pair", "Unreadable", "guess", "read"]

DEEPEST = 100
"""Levels of nesting; deeper texts are no configuration."""
LARGEST = 2 * 1024 * 1024
"""Characters that are read as a document; what is larger is a log or a dump, and searched as text."""


class Unreadable(Exception):
    """The text is not of its format. It never says what it holds."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Pair:
    """One value, what it is called, and where it stands. Its repr shows nothing."""

    key: str
    value: str
    start: int
    end: int
    encoded: bool = False
    """Whether the value was in base64, as in a Secret of Kubernetes."""


def guess(text: str) -> str:
    """The format of a text by its first lines: ``json``, ``env``, ``ini``, ``yaml`` or ``text``."""
    head = text[:65536]
    bare = head.lstrip("\ufeff \t\r\n")
    if (bare[:1] == "{" and re.match(r"\{\s*(?:\"|\}|$)", bare)) or re.match(r"\[\s*[\[{\"]", bare):
        return "json"
    lines = [
        line for line in head.splitlines()[:200] if line.strip() and not line.lstrip().startswith(("#", ";", "//"))
    ]
    if not lines:
        return "text"
    assigned = sum(bool(re.match(r"\s*(?:export\s+)?[A-Za-z_][\w.-]*\s*=", line)) for line in lines)
    section = any(re.match(r"\[[^\[\]\s][^\[\]]*\]\s*$|\[\[", line) for line in lines)
    mapped = sum(
        bool(re.match(r"""\s*(?:- +)*(?:[\w./@ -]{1,80}|"[^"]*"|'[^']*') *:(?:\s|$)|\s*- |---""", line))
        for line in lines
    )
    if section and assigned * 2 >= len(lines) - assigned - 2:
        return "ini"
    if assigned >= 0.8 * len(lines):
        return "env"
    # The lines of a block are no pairs, and a text that has blocks is YAML.
    block = mapped and any(re.match(r"\s*(?:- )?[\w.-]{1,80}: *[|>][-+0-9]* *$", line) for line in lines)
    return "yaml" if block or mapped >= 0.7 * len(lines) else "text"


def read(text: str, format: str) -> Iterator[Pair]:
    """The pairs of a text of one of the formats; none of one that has none."""
    if len(text) > LARGEST:
        raise Unreadable
    if format == "json":
        yield from _json(text)
    elif format == "yaml":
        yield from _yaml(text)
    elif format in ("env", "ini", "toml"):
        yield from _lines(text, format)


_SECTION = re.compile(r"[ \t]*\[{1,2}([^\[\]\n]{1,200}+)\]{1,2}[ \t]*(?:[#;].*)?$")
_LINE = re.compile(
    r"""[ \t]*(?:export[ \t]+|set[ \t]+|ENV[ \t]+|ARG[ \t]+)?(?P<quote>["']?)(?P<key>[A-Za-z_][\w.\- ]{0,120}?)(?P=quote)[ \t]*(?P<sep>[=:])[ \t]*"""
)
_CALLED = re.compile(r"[A-Za-z_][\w.]*\(.*\)")
_UNIT = re.compile(r""""((?:[^"\\]|\\.)*+)"|'([^']*+)'|(\S+)""")


def _lines(text: str, format: str) -> Iterator[Pair]:
    section, at = "", 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at : min(end, at + 8192)]
        head = _SECTION.match(line) if format != "env" else None
        found = None if head else _LINE.match(line)
        if head:
            section = head[1].strip().strip("\"'")
        elif found and (found["sep"] == "=" or format == "ini"):
            key, begin = found["key"].strip(), found.end()
            if key in ("Environment", "PassEnvironment") and section == "Service":
                yield from _unit(line, begin, at)
            elif line.startswith(('"""', "'''"), begin):
                mark = line[begin : begin + 3]
                close = text.find(mark, at + begin + 3)
                if close > 0:
                    yield Pair(_dotted(section, key), text[at + begin + 3 : close].strip(), at + begin + 3, close)
                    end = max(end, text.find("\n", close) if text.find("\n", close) >= 0 else len(text))
            else:
                start, stop, quoted = _span(line, begin, format)
                if stop > start and line[start] not in "[{":
                    value = line[start:stop]
                    if quoted and "\\" in value and line[start - 1] == '"':
                        value = _unescaped(value)
                    # A module of constants reads like an env file; what it calls is no value.
                    if quoted or not _CALLED.fullmatch(value):
                        yield Pair(_dotted(section, key), value, at + start, at + stop)
        at = end + 1


def _span(line: str, begin: int, format: str) -> tuple[int, int, bool]:
    """Where the value of a line starts and ends, and whether quotes stood around it."""
    quote = line[begin : begin + 1]
    if quote in ("'", '"'):
        close = begin + 1
        while close < len(line) and line[close] != quote:
            close += 2 if line[close] == "\\" and quote == '"' else 1
        if close < len(line):
            return begin + 1, close, True
    value = line[begin:].rstrip()
    comment = re.search(r"(?:^|[ \t])[#;]" if format != "env" else r"(?:^|[ \t])#", value)
    if comment:
        value = value[: comment.start()].rstrip()
    return begin, begin + len(value), False


def _unit(line: str, begin: int, at: int) -> Iterator[Pair]:
    """`Environment=` of a unit file: several assignments, each in quotes or bare."""
    for found in _UNIT.finditer(line, begin):
        group = found.lastindex or 0
        name, equals, value = found[group].partition("=")
        if equals:
            start = at + found.start(group) + len(name) + 1
            yield Pair(name, value, start, start + len(value))


def _dotted(section: str, key: str) -> str:
    return f"{section}.{key}" if section else key


def _unescaped(inner: str) -> str:
    try:
        return str(json.loads(f'"{inner}"'))
    except ValueError:
        return inner


_TOKEN = re.compile(r'"((?:[^"\\]|\\[\s\S])*+)"|[{}\[\],:]|[^\s{}\[\],:"]++|\s++')


def _json(text: str) -> Iterator[Pair]:
    """Strings and bare words of a JSON text, or of many, one a line; read by tokens, so that no depth is too deep."""
    path: list[str] = []
    inside: list[str] = []
    key, wants_value, at = "", False, 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise Unreadable
        at = found.end()
        token = found[0]
        first = token[0]
        if first in "{[":
            if len(inside) >= DEEPEST:
                raise Unreadable
            inside.append(first)
            path.append(key)
            wants_value = first == "["
        elif first in "}]":
            if inside:
                inside.pop()
                key = path.pop()
            wants_value = bool(inside) and inside[-1] == "["
        elif first == ":":
            wants_value = True
        elif first == ",":
            wants_value = bool(inside) and inside[-1] == "["
        elif first.isspace():
            continue
        elif first == '"' and not wants_value and inside:
            key = _joined(path, _unescaped(found[1]))
        else:
            name = path[-1] if inside and inside[-1] == "[" else key
            if first == '"':
                yield Pair(name, _unescaped(found[1]), *found.span(1))
            else:
                yield Pair(name, token, *found.span())


def _joined(path: list[str], key: str) -> str:
    above = path[-1] if path else ""
    return f"{above}.{key}"[-400:] if above else key


@dataclass(slots=True, repr=False, eq=False)
class _Open:
    """A mapping or a list that is not closed yet."""

    mapping: bool
    path: str
    key: str | None = None
    named: dict[str, Pair] = field(default_factory=dict)


def _yaml(text: str) -> Iterator[Pair]:
    import yaml

    try:
        from yaml.cyaml import CBaseLoader as Loader
    except ImportError:
        if len(text) > LARGEST // 20:
            raise Unreadable from None
        from yaml import BaseLoader as Loader  # type: ignore[assignment]
    found: list[Pair] = []
    failed = False
    try:
        parser: Any = Loader(text)
        open_: list[_Open] = []
        document: list[Pair] = []
        while parser.check_event():
            event = parser.get_event()
            name = type(event).__name__
            if name == "DocumentStartEvent":
                document = []
            elif name == "DocumentEndEvent":
                found.extend(_secret_object(document))
            else:
                _event(event, name, open_, document, text)
    except (yaml.YAMLError, ValueError, RecursionError, UnicodeError):
        failed = True
    if failed:
        # Outside of the handler: what the parser complained about quotes the text.
        raise Unreadable
    yield from found


def _event(event: Any, name: str, open_: list[_Open], document: list[Pair], text: str) -> None:
    if name in ("MappingStartEvent", "SequenceStartEvent"):
        if len(open_) >= DEEPEST:
            raise ValueError
        open_.append(_Open(name == "MappingStartEvent", _path(open_)))
    elif name in ("MappingEndEvent", "SequenceEndEvent"):
        closed = open_.pop()
        named, value = closed.named.get("name") or closed.named.get("key"), closed.named.get("value")
        if named and value:
            # `- name: DB_PASSWORD` and `value: …`, as containers in Kubernetes have their environment.
            above = closed.path
            document.append(
                Pair(
                    f"{above}.{named.value}" if above else named.value,
                    value.value,
                    value.start,
                    value.end,
                )
            )
        _value_done(open_)
    elif name == "ScalarEvent":
        inside = open_[-1] if open_ else None
        if inside and inside.mapping and inside.key is None:
            inside.key = event.value[:200]
            return
        pair = _scalar(event, _path(open_), text)
        if inside and inside.mapping and inside.key in ("name", "key", "value"):
            inside.named[inside.key] = pair
        document.extend(_environment(pair, inside))
        _value_done(open_)
    elif name == "AliasEvent":
        if open_ and open_[-1].mapping and open_[-1].key is None:
            open_[-1].key = "*"
        else:
            _value_done(open_)


def _path(open_: list[_Open]) -> str:
    if not open_:
        return ""
    above = open_[-1]
    if not above.mapping or above.key is None:
        return above.path
    return f"{above.path}.{above.key}"[-400:] if above.path else above.key


def _value_done(open_: list[_Open]) -> None:
    if open_ and open_[-1].mapping:
        open_[-1].key = None


def _scalar(event: Any, path: str, text: str) -> Pair:
    start, end = event.start_mark.index, event.end_mark.index
    quoted = event.style in ("'", '"')
    if quoted and end - start >= 2:
        start, end = start + 1, end - 1
    elif event.style in ("|", ">"):
        # The mark of a block stays where it is; its lines are the value.
        line = text.find("\n", start, end)
        start = line + 1 if line >= 0 else start
    if event.tag and event.tag.startswith("!") and len(event.tag) > 1:
        return Pair(path, f"{event.tag} {event.value}", start, end)
    return Pair(path, event.value, start, end)


def _environment(pair: Pair, above: _Open | None) -> Iterator[Pair]:
    """A pair, or in a list of `NAME=value` the pair that it says."""
    if above is not None and not above.mapping:
        found = re.match(r"(?:--?)?([A-Za-z_][\w.-]{0,120})=(.*)", pair.value, re.S)
        if found:
            shift = found.start(2) if len(pair.value) == pair.end - pair.start else 0
            yield Pair(f"{pair.key}.{found[1]}" if pair.key else found[1], found[2], pair.start + shift, pair.end)
            return
        if pair.key.rsplit(".", 1)[-1] in ("secrets", "configs", "depends_on", "keys"):
            # The names of secrets, not their values.
            return
    yield pair


def _secret_object(document: list[Pair]) -> list[Pair]:
    """The pairs of a document; those of a Secret of Kubernetes as they are once decoded."""
    if not any(pair.key == "kind" and pair.value == "Secret" for pair in document):
        return document
    return [_decoded(pair) if pair.key.startswith("data.") else pair for pair in document]


def _decoded(pair: Pair) -> Pair:
    try:
        plain = base64.b64decode(pair.value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return pair
    return Pair(pair.key, plain, pair.start, pair.end, True)
