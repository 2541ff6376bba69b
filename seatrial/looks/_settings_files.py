"""Configuration files, of this machine or inside a container: read whole, bounded, and taken apart by their format."""

from __future__ import annotations

import configparser
import io
import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from seatrial.facts.settings import File
from seatrial.looks import _secrets_beneath as beneath
from seatrial.looks._settings_values import stated, text_of
from seatrial.words import CouldNotLook, Missing, seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from seatrial.drivers import Session
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.model import ConfigFile

__all__ = ["Text", "env", "files", "inside", "on_host", "parse"]

LARGEST = 4 * 1024 * 1024
DEEPEST = 64
_FORMATS = {
    ".json": "json", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".ini": "ini", ".cfg": "ini", ".conf": "ini",
    ".cnf": "ini", ".env": "env",
}  # fmt: skip
RIGHT = "root on the engine's own host, to read files through /proc/PID/root"


class NotOfItsFormat(Exception):
    """A file can't be taken apart; says where, and nothing of what stands there."""


@dataclass(frozen=True, slots=True)
class Text:
    """A file that was read. Its text is never kept."""

    where: str
    text: str


def on_host(session: Session, path: str) -> Text:
    """A file of this machine.

    Raises:
        CouldNotLook: it is not there, or can't be read.
    """
    where = os.path.join(session.base, path)
    return _read("/", os.path.abspath(where), path)


def inside(session: Session, runtime: Runtime | Missing, service: str, path: str) -> list[Text]:
    """A file in every running container of a service.

    Raises:
        CouldNotLook: nothing of it runs, or its files can't be seen from here.
    """
    runtime = seen(runtime)
    running = [one for one in seen(runtime.containers.get(service, ())) if one.running]
    if not running:
        raise CouldNotLook(f"no container of {service} runs")
    if not runtime.engine.local:
        raise CouldNotLook("the containers' files are another machine's", right=RIGHT)
    session.call("files", "GET")
    return [_read(f"/proc/{one.pid}/root", path, f"{one}, {path}") for one in running]


def _read(root: str, path: str, where: str) -> Text:
    try:
        found = beneath.find(root, path, LARGEST + 1)
    except PermissionError:
        raise CouldNotLook(f"{where} can't be read", right=f"read {where}") from None
    except OSError as why:
        raise CouldNotLook(f"{where}: {why.strerror or 'not a file'}", right=f"a file at {where}") from None
    if found is None:
        raise CouldNotLook(f"{where} is not a file", right=f"a file at {where}")
    if found.size > LARGEST:
        raise CouldNotLook(f"{where} is larger than {LARGEST // 1024**2} MiB")
    try:
        return Text(where, found.data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise CouldNotLook(f"{where} is not UTF-8") from None


# --- formats ----------------------------------------------------------------------------------------------------------


def env(text: str) -> dict[str, str]:
    """The variables of an env file, as compose and systemd read one; nothing is interpolated."""
    from dotenv import dotenv_values

    return {name: value or "" for name, value in dotenv_values(stream=io.StringIO(text), interpolate=False).items()}


def parse(text: str, format: str) -> Any:
    """The document in a text.

    Raises:
        NotOfItsFormat: it is not of that format.
    """
    try:
        return _PARSERS[format](text)
    except json.JSONDecodeError as why:
        raise NotOfItsFormat(f"is no JSON: {why.msg} at line {why.lineno}, column {why.colno}") from None
    except tomllib.TOMLDecodeError as why:
        raise NotOfItsFormat(f"is no TOML{_at(str(why))}") from None
    except configparser.Error as why:
        line = getattr(why, "lineno", None) or next((number for number, _ in getattr(why, "errors", ())), 0)
        raise NotOfItsFormat(f"is no INI: {type(why).__name__}{f' at line {line}' if line else ''}") from None
    except RecursionError:
        raise NotOfItsFormat("is nested too deep") from None


def _at(said: str) -> str:
    """``(at line 3, column 7)`` of what tomllib says; the rest of it may repeat what stands there."""
    return said[said.rindex("(at ") - 1 :] if "(at " in said else ""


def _yaml(text: str) -> Any:
    import yaml

    try:
        depth = 0
        for event in yaml.parse(text, yaml.CSafeLoader):
            # An alias can make a small file endless, and deep nesting ends the interpreter.
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise NotOfItsFormat("is nested too deep")
            if isinstance(event, yaml.AliasEvent):
                return yaml.safe_load(_bounded(text))
        return yaml.load(text, yaml.CSafeLoader)
    except yaml.MarkedYAMLError as why:
        mark = why.problem_mark or why.context_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise NotOfItsFormat(f"is no YAML{place}") from None
    except (yaml.YAMLError, ValueError):
        raise NotOfItsFormat("is no YAML") from None


def _bounded(text: str) -> str:
    if len(text) > 65536:
        raise NotOfItsFormat("has aliases, and is too large to have any")
    return text


def _ini(text: str) -> dict[str, Any]:
    """Sections as mappings; what stands before the first section stands beside them."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(f"[\0]\n{text}")
    found: dict[str, Any] = {name: dict(parser.items(name)) for name in parser.sections() if name != "\0"}
    return {**dict(parser.items("\0")), **found}


_PARSERS: dict[str, Callable[[str], Any]] = {
    "json": json.loads,
    "yaml": _yaml,
    "toml": tomllib.loads,
    "ini": _ini,
    "env": env,
}


# --- looking ----------------------------------------------------------------------------------------------------------


def texts(session: Session, runtime: Runtime | Missing, service: str, file: Any) -> list[Text]:
    """A declared file, wherever it is: one text, or one a container."""
    path = session.resolve(file.path if hasattr(file, "path") else file.file)
    return inside(session, runtime, service, path) if file.inside else [on_host(session, path)]


def document(text: Text, format: str | None) -> Any:
    """What a file holds, by the format that is declared or that its name tells.

    Raises:
        NotOfItsFormat: it does not hold that.
        CouldNotLook: nothing tells its format.
    """
    name = PurePosixPath(text.where)
    known = format or ("env" if name.name.startswith(".env") else _FORMATS.get(name.suffix.lower()))
    if known is None:
        raise CouldNotLook(f"the format of {text.where} is not known", right="declare its `format`")
    return parse(text.text, known)


def files(
    session: Session, runtime: Runtime | Missing, service: str, declared: list[ConfigFile]
) -> Iterator[File | Missing]:
    """Every declared configuration file of a service."""
    for file in declared:
        try:
            for text in texts(session, runtime, service, file):
                yield _file(session, text, file)
        except CouldNotLook as why:
            yield Missing(why.reason, why.right)


def _file(session: Session, text: Text, declared: ConfigFile) -> File:
    from seatrial.facts.document import search

    try:
        found = document(text, declared.format)
    except NotOfItsFormat as why:
        return File(text.where, str(why))
    values = []
    for expression, wanted in declared.values.items():
        value = search(expression, found)
        said = None if value is None else text_of(value)
        values.append(stated(expression, said, text_of(wanted)))
    return File(text.where, schema=_schema(session, declared, found), values=tuple(values))


def _schema(session: Session, declared: ConfigFile, document: Any) -> tuple[str, ...] | Missing:
    from seatrial.facts.document import schema_errors

    try:
        schema = declared.json_schema
        if declared.json_schema_file is not None:
            schema = json.loads((session.base / declared.json_schema_file).read_bytes())
        return tuple(schema_errors(schema, document)) if schema is not None else ()
    except CouldNotLook as why:
        return Missing(why.reason, why.right)
    except (OSError, ValueError):
        return Missing(f"{declared.json_schema_file} can't be read")
