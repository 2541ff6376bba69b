"""A compose file as compose reads it: plain text for every scalar, merge keys, variables with their defaults."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from seatrial.draft import NothingFound

__all__ = ["Compose", "read", "variables_of"]

LARGEST = 1024 * 1024
DEEPEST = 8
"""Defaults inside defaults."""
NESTED, MOST = 64, 100_000
"""Levels, and parts once every alias is written out: a file of a few lines can stand for billions."""
LONGEST = 64 * 1024
"""Characters of a text once its variables are filled in."""
_SPLIT = re.compile(r":?[-?+]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Compose:
    """One compose file, and the variables it may use."""

    def __init__(self, file: Path, document: Mapping[str, Any], variables: dict[str, str]) -> None:
        """Nothing is filled in yet."""
        self.file = file
        self.folder = file.parent
        self.document = document
        self.variables = variables
        self._unset: dict[str, None] = {}
        services = document.get("services")
        self.services: dict[str, Mapping[str, Any]] = {
            str(name): service for name, service in (services.items() if isinstance(services, Mapping) else ())
            if isinstance(service, Mapping)
        }  # fmt: skip
        if not self.services:
            raise NothingFound(f"{file} is no compose file: it has no services")
        self.profiles = set(filter(None, variables.get("COMPOSE_PROFILES", "").split(",")))

    @property
    def project(self) -> str:
        """The project's name, as compose 2 makes it."""
        named = self.variables.get("COMPOSE_PROJECT_NAME") or self.text(self.document.get("name"))
        name = named or Path(os.path.abspath(self.folder)).name
        return re.sub(r"[^-_a-z0-9]", "", name.lower()).lstrip("-_")

    @property
    def project_source(self) -> str:
        """Where that name is from."""
        if self.variables.get("COMPOSE_PROJECT_NAME"):
            return "COMPOSE_PROJECT_NAME"
        return (
            f"name in {self.file.name}"
            if self.document.get("name")
            else "the folder's name; `docker compose -p` gives another"
        )

    def refuse_parts(self) -> None:
        """Say what this file has from elsewhere; half a deployment is no draft."""
        used = ["include"] if self.document.get("include") else []
        used += [f"services.{name}.extends" for name, service in self.services.items() if service.get("extends")]
        if used:
            raise NothingFound(
                f"{self.file} uses {', '.join(used)}, which is not read here: "
                f"docker compose -f {self.file} config --no-interpolate > full.yml, then draft from full.yml"
            )

    def raw(self, value: Any) -> str:
        """The text of a scalar, its variables as they stand."""
        return "" if value is None or isinstance(value, Mapping | list) else str(value)

    def text(self, value: Any) -> str:
        """The text of a scalar, its variables filled in."""
        return self._filled(self.raw(value), 0)

    def listed(self, value: Any) -> list[str]:
        """A list of texts, or one."""
        return [text for entry in (value if isinstance(value, list) else [value]) if (text := self.text(entry))]

    def mapping(self, value: Any) -> Mapping[str, Any]:
        """A mapping, empty when it is none."""
        return value if isinstance(value, Mapping) else {}

    def unset(self) -> list[str]:
        """What was left empty, as compose would."""
        return [f"variable {name}, which {self.file.name} uses, is not set and has no default" for name in self._unset]

    def _filled(self, text: str, depth: int) -> str:
        if "$" not in text:
            return text
        if depth > DEEPEST or len(text) > LONGEST:
            raise NothingFound(f"{self.file}: variables inside variables, more than {DEEPEST} deep")
        found, at = [], 0
        while at < len(text):
            dollar = text.find("$", at)
            if dollar < 0:
                found.append(text[at:])
                break
            found.append(text[at:dollar])
            if text[dollar + 1 : dollar + 2] == "$":
                found.append("$")
                at = dollar + 2
            elif text[dollar + 1 : dollar + 2] == "{":
                end = _closing(text, dollar + 1)
                if end < 0:
                    raise NothingFound(f"{self.file}: a variable in braces is not closed")
                found.append(self._variable(text[dollar + 2 : end], depth))
                at = end + 1
            elif name := _NAME.match(text, dollar + 1):
                found.append(self._value(name[0]))
                at = name.end()
            else:
                found.append("$")
                at = dollar + 1
        return "".join(found)[:LONGEST]

    def _value(self, name: str) -> str:
        if name not in self.variables:
            self._unset[name] = None
        return self.variables.get(name, "")

    def _variable(self, inside: str, depth: int) -> str:
        """``NAME``, ``NAME:-default``, ``NAME?message``, ``NAME:+instead``."""
        name = _NAME.match(inside)
        if not name:
            raise NothingFound(f"{self.file}: ${{{inside[:20]}}} is no variable")
        rest = inside[name.end() :]
        operator = _SPLIT.match(rest)
        if not operator:
            return self._value(name[0])
        other = rest[operator.end() :]
        value = self.variables.get(name[0])
        there = bool(value) if operator[0].startswith(":") else value is not None
        kind = operator[0][-1]
        if kind == "+":
            return self._filled(other, depth + 1) if there else ""
        if there:
            return value or ""
        if kind == "?":
            self._unset[name[0]] = None
            return ""
        return self._filled(other, depth + 1)


def _closing(text: str, start: int) -> int:
    """Where the brace that opens at ``start`` is closed; -1 when it is not."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return at
    return -1


def variables_of(file: Path) -> dict[str, str]:
    """Names and values of an env file; empty when it can't be read."""
    try:
        if not file.is_file() or file.stat().st_size > LARGEST:
            return {}
        text = file.read_text("utf-8", errors="replace")
    except OSError:
        return {}
    found = {}
    for line in text.splitlines():
        entry = line.strip().removeprefix("export ")
        name, equals, value = entry.partition("=")
        if equals and not entry.startswith("#") and _NAME.fullmatch(name.strip()):
            value = value.strip()
            closed = value[:1] in ("'", '"') and value[:1] == value[-1:] and len(value) > 1
            found[name.strip()] = value[1:-1] if closed else value.partition(" #")[0].strip()
    return found


def read(file: Path) -> Compose:
    """Read a compose file, with the variables that compose would give it: of `.env` beside it, and of the environment.

    Raises:
        NothingFound: it can't be read, or is no compose file.
    """
    import yaml

    try:
        if not file.is_file():
            raise NothingFound(f"{file} is {'no file' if file.exists() else 'not there'}")
        if file.stat().st_size > LARGEST:
            raise NothingFound(f"{file} is larger than 1 MB, which no compose file is")
        # A loader for plain text: 22:22 is a port, and no number of base 60; `no` is a restart policy.
        text = file.read_text("utf-8")
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > NESTED:
                raise NothingFound(f"{file} is nested more than {NESTED} deep")
        loader = _loader()(text)
        node = loader.get_single_node()
        if node is not None and _size(node, {}) > MOST:
            raise NothingFound(f"{file} would be huge with its aliases written out")
        document = None if node is None else loader.construct_document(node)
    except OSError as why:
        raise NothingFound(f"{file} can't be read: {why.strerror}") from None
    except UnicodeDecodeError:
        raise NothingFound(f"{file} is not UTF-8") from None
    except yaml.YAMLError as why:
        mark = getattr(why, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise NothingFound(f"{file}{place} is no YAML: {getattr(why, 'problem', '') or 'it does not parse'}") from None
    except (RecursionError, ValueError):
        raise NothingFound(f"{file} is nested too deeply, or in itself") from None
    if not isinstance(document, Mapping):
        raise NothingFound(f"{file} is no compose file: it has no services")
    return Compose(file, document, variables_of(file.parent / ".env") | dict(os.environ))


def _size(node: Any, known: dict[int, int]) -> int:
    """How many parts a node has, what its aliases stand for counted each time."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = MOST  # while it is counted: what holds itself has no end
    children = node.value if isinstance(node.value, list) else []
    parts = [part for child in children for part in (child if isinstance(child, tuple) else (child,))]
    known[id(node)] = min(MOST + 1, 1 + sum(_size(part, known) for part in parts))
    return known[id(node)]


@cache
def _loader() -> Any:
    import yaml
    from yaml.composer import Composer
    from yaml.constructor import SafeConstructor
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.resolver import BaseResolver
    from yaml.scanner import Scanner

    class Loader(Reader, Scanner, Parser, Composer, SafeConstructor, BaseResolver):
        """Every scalar is text but for null; merge keys are merged; tags of compose (`!reset`) are read past."""

        def __init__(self, stream: Any) -> None:
            Reader.__init__(self, stream)
            Scanner.__init__(self)
            Parser.__init__(self)
            Composer.__init__(self)
            SafeConstructor.__init__(self)
            BaseResolver.__init__(self)

    def tagged(loader: Any, _suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        return (
            loader.construct_sequence(node, deep=True)
            if isinstance(node, yaml.SequenceNode)
            else loader.construct_scalar(node)
        )

    Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])
    Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(~|null|Null|NULL|)$"), ["~", "n", "N", ""])
    Loader.add_multi_constructor("!", tagged)
    return Loader
