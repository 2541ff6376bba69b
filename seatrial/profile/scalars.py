"""The values of a profile: how a scalar of YAML becomes what its field means, and what is said when it does not.

Scalars arrive as text that knows whether it was quoted (`reading.Scalar`) and are resolved by the type of their field,
never by YAML's own guessing. Every message here ends a sentence that starts with the path of the value.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import socket
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    Discriminator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
)
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

from seatrial.words import Duration, Rate, Ratio, Size, Threshold

_UNSURE = {"y", "yes", "n", "no", "on", "off"}
_INTEGER = r"[-+]?[0-9]+"
_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
_LONGEST_NUMBER = 64
_LONGEST_SAID = 160


def _plain(value: Any) -> bool:
    """Whether a scalar was written without quotes. Values that do not come from YAML count as quoted."""
    return bool(getattr(value, "plain", False))


def _quoted(value: Any) -> bool:
    """Whether a scalar of a YAML file was written with quotes, so that every reader takes it for text."""
    return getattr(value, "plain", None) is False


def _trap(value: str) -> str:
    """What is wrong with a plain scalar that some YAML reader takes for something other than this text; else ''."""
    lowered = value.lower()
    if lowered in _UNSURE | {"true", "false", "null", "~", ""}:
        return f'{value or "an empty value"} is not text to every YAML reader: write "{value}" in quotes'
    if len(value) > 1 and value[0] == "0" and value.isdigit():
        return f'{value} is an octal number to some YAML readers: write "{value}" in quotes'
    if ":" in value and value.replace(":", "").isdigit():
        return f'{value} is a base-60 number to some YAML readers: write "{value}" in quotes'
    return ""


class _Reads:
    """How one kind of scalar is read and described: a single validator, which pydantic builds faster than a chain."""

    __slots__ = ("knows_where", "read", "schema", "written")

    def __init__(
        self, read: Callable[..., Any], schema: dict[str, Any], *, knows_where: bool = False, written: bool = False
    ) -> None:
        self.read = read
        self.schema = schema
        self.knows_where = knows_where
        """True when ``read`` takes pydantic's context too."""
        self.written = written
        """True when it is dumped as it is printed."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.to_string_ser_schema() if self.written else None
        if self.knows_where:
            return core_schema.with_info_plain_validator_function(self.read, serialization=written)
        return core_schema.no_info_plain_validator_function(self.read, serialization=written)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.schema)


def _text(value: Any) -> str:
    """A string. A plain scalar that YAML 1.1 readers take for something else must be quoted."""
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    if _plain(value) and (wrong := _trap(value)):
        raise ValueError(wrong)
    return str(value)


def _word(value: Any) -> Any:
    """Before a choice of words: the same traps, and the choice says the rest."""
    return _text(value) if isinstance(value, str) else value


def _matching(pattern: str, wanted: str, schema: dict[str, Any] | None = None) -> _Reads:
    """Text that has a form; ``wanted`` ends the sentence "must be …" and names an example."""

    def read(value: Any) -> str:
        text = _text(value)
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {wanted}")
        return text

    return _Reads(read, schema or {"type": "string", "pattern": f"^{pattern}$"})


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise PydanticKnownError("bool_type")
    if value in ("true", "false"):
        if _quoted(value):
            raise ValueError(f"write {value} without quotes")
        return value == "true"
    hint = {"y": "true", "yes": "true", "on": "true", "n": "false", "no": "false", "off": "false"}.get(value.lower())
    raise ValueError(f"{value} is not a boolean: write {hint}" if hint else "write true or false")


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise PydanticKnownError("int_type")
    if not re.fullmatch(_INTEGER, value) or len(value) > _LONGEST_NUMBER:
        raise ValueError("write a whole number")
    if re.match("[-+]?0[0-9]", value):
        raise ValueError(f"{value} is an octal number to some YAML readers: write {int(value)}")
    if _quoted(value):
        raise ValueError(f"write {value} without quotes")
    return int(value)


def _date(value: Any) -> dt.date:
    if isinstance(value, dt.date):
        return value
    if not isinstance(value, str):
        raise PydanticKnownError("date_type")
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise ValueError
        return dt.date.fromisoformat(value)
    except ValueError:
        raise ValueError("write a calendar date as YYYY-MM-DD") from None


def _unit(kind: type[Duration] | type[Size] | type[Rate] | type[Ratio] | type[Threshold]) -> _Reads:
    """One of the types of `seatrial.words` that carry a unit."""

    def read(value: Any) -> Any:
        if isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
            return kind.parse(value)
        if not isinstance(value, kind):
            raise ValueError(f"write a {kind.__name__.lower()} such as {kind.EXAMPLE}")
        return value

    units = "|".join(sorted(kind.UNITS, key=len, reverse=True))
    number = r"[0-9]+(\.[0-9]+)?"
    forms: dict[type, str] = {
        Duration: rf"({number}(ms|us|[dhms]))+",
        Size: rf"{number} ?({units})",
        Rate: rf"{number} ?/ ?({units})",
        Ratio: rf"{number} ?%",
        Threshold: r"[-+]?[0-9]+(\.[0-9]+)?.*",
    }
    schema: dict[str, Any] = {"type": "string", "pattern": f"^{forms[kind]}$", "examples": [kind.EXAMPLE]}
    if kind is Threshold:  # the one that may be a plain number
        schema["type"] = ["string", "number"]
    return _Reads(read, schema, written=True)


def _json(value: Any) -> Any:
    """Free-form data, resolved by YAML 1.2's core schema; quoted scalars stay text. Every trap in it is told at once."""
    problems: list[tuple[tuple[str | int, ...], str]] = []
    resolved = _resolve(value, (), problems)
    if problems:
        raise PydanticCustomError("inside", "{problems}", {"problems": problems})
    return resolved


def _resolve(value: Any, path: tuple[str | int, ...], problems: list[tuple[tuple[str | int, ...], str]]) -> Any:
    if isinstance(value, dict):
        return {str(key): _resolve(item, (*path, str(key)), problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, (*path, at), problems) for at, item in enumerate(value)]
    if not isinstance(value, str) or not _plain(value):
        return str(value) if isinstance(value, str) else value
    if value in ("true", "false"):
        return value == "true"
    if value in ("null", "~", ""):
        return None
    if wrong := _trap(value):
        problems.append((path, wrong))
        return None
    if len(value) <= _LONGEST_NUMBER and re.fullmatch(_INTEGER, value):
        return int(value)
    if len(value) <= _LONGEST_NUMBER and re.fullmatch(_FLOAT, value):
        return float(value)
    return str(value)


def _expression(value: Any) -> str:
    text = _text(value)
    # Both libraries are slow to import, and most profiles need neither.
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        jmespath.compile(text)
    except (JMESPathError, RecursionError) as wrong:
        told = str(wrong).partition(" for expression")[0].partition(": Parse error")[0].partition(":\n")[0]
        told = told.removeprefix("Invalid jmespath expression: ").strip(" :")
        raise ValueError(f"is no JMESPath expression: {told}") from None
    return text


def json_schema_problem(schema: Any) -> tuple[tuple[str | int, ...], str] | None:
    """Where and why a document is not a JSON Schema (2020-12), None when it is one."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    if not isinstance(schema, dict | bool):
        return (), "is no JSON Schema: it must be a mapping"
    wrong = best_match(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema))
    if wrong is None:
        return None
    said = wrong.message if len(wrong.message) <= _LONGEST_SAID else f"{wrong.message[:_LONGEST_SAID]}…"
    return tuple(wrong.absolute_path), f"is no JSON Schema: {said}"


def _json_schema(value: Any) -> Any:
    resolved = _json(value)
    if problem := json_schema_problem(resolved):
        raise PydanticCustomError("inside", "{problems}", {"problems": [problem]})
    return resolved


def _pattern(value: Any) -> str:
    """A regular expression of Python with exactly one group."""
    text = _text(value)
    try:
        groups = re.compile(text).groups
    except (re.error, RecursionError, OverflowError) as wrong:
        raise ValueError(f"is no regular expression: {wrong}") from None
    if groups != 1:
        raise ValueError(f"must have exactly one group, for example ://([^:/]+); it has {groups}")
    return text


def _path(value: Any, info: ValidationInfo) -> str:
    """A path is relative to the file it is written in; what comes from an extended one is told relative to the profile."""
    text = _text(value)
    context = info.context if isinstance(info.context, dict) else {}
    folder, origin = context.get("folder"), getattr(value, "folder", "")
    if folder and origin and origin != folder:
        return os.path.relpath(os.path.join(origin, text), folder)
    return text


def _existing(value: Any, info: ValidationInfo) -> str:
    """Note the path, so that loading can look whether the file is there and tell its position."""
    text = _path(value, info)
    if isinstance(info.context, dict):
        info.context.setdefault("files", []).append(value)
    return text


def _is_address(text: str) -> bool:
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[0-9.]+):([0-9]{1,5})(/tcp|/udp)?", text)
    if not match or not 1 <= int(match[2]) <= 65535:
        return False
    # `ipaddress` takes 10 ms to import.
    if match[1][0] != "[":
        return bool(re.fullmatch(r"(\d{1,3}\.){3}\d{1,3}", match[1])) and all(int(n) < 256 for n in match[1].split("."))
    try:
        socket.inet_pton(socket.AF_INET6, match[1].strip("[]"))
    except OSError:
        return False
    return True


def _address(value: Any) -> str:
    """``address:port`` with an optional protocol; IPv6 in brackets."""
    if _is_address(text := _text(value)):
        return text
    wanted = "address:port, with the numeric address of the interface, for example 127.0.0.1:8080 or [::]:53/udp"
    raise ValueError(f"must be {wanted}")


def _socket(value: Any) -> str:
    """A port inside, or an address and a port."""
    text = _text(value)
    if _is_address(text) or (re.fullmatch(r"[0-9]{1,5}(/tcp|/udp)?", text) and 1 <= int(text.split("/")[0]) <= 65535):
        return text
    raise ValueError("must be a port or address:port, for example 6379 or 127.0.0.1:6379")


def _between(low: int, high: int | None, what: str) -> _Reads:
    def read(value: Any) -> int:
        number = _integer(value)
        if number < low or (high is not None and number > high):
            raise ValueError(f"must be {what}")
        return number

    return _Reads(read, {"type": "integer", "minimum": low, **({"maximum": high} if high else {})})


_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_CORES = {"type": "number", "exclusiveMinimum": 0}
_REQUIREMENT = r"[A-Z]{3}-[0-9]{3}"

WORD = BeforeValidator(_word)
Text = Annotated[str, _Reads(_text, {"type": ["string", "number"]})]
Name = Annotated[str, _matching(_NAME, "a name of letters, digits, `-`, `_` and `.`, for example api-2")]
Variable = Annotated[
    str, _matching(r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable, without $, for example DB_PASSWORD")
]
UrlPath = Annotated[str, _matching(r"/[!-~]*", "a path that starts with /, for example /health/ready")]
Cores = Annotated[str, _matching(r"[0-9]+(\.[0-9]+)?", "a number of cores, for example 0.5", _CORES)]
RequirementId = Annotated[str, _matching(_REQUIREMENT, "the id of a requirement, for example CTR-004")]
Pattern = Annotated[str, _Reads(_pattern, {"type": "string", "format": "regex"})]
Path = Annotated[str, _Reads(_path, {"type": "string"}, knows_where=True)]
ExistingPath = Annotated[str, _Reads(_existing, {"type": "string"}, knows_where=True)]
Expression = Annotated[str, _Reads(_expression, {"type": "string"})]
Address = Annotated[str, _Reads(_address, {"type": "string"})]
Socket = Annotated[str, _Reads(_socket, {"type": ["string", "integer"]})]
Bool = Annotated[bool, _Reads(_boolean, {"type": "boolean"})]
Count = Annotated[int, _between(0, None, "0 or more")]
Positive = Annotated[int, _between(1, None, "1 or more")]
Port = Annotated[int, _between(1, 65535, "a port from 1 to 65535")]
Status = Annotated[int, _between(100, 599, "an HTTP status from 100 to 599")]
Date = Annotated[dt.date, _Reads(_date, {"type": "string", "format": "date"})]
Json = Annotated[Any, _Reads(_json, {})]
JsonSchema = Annotated[Any, _Reads(_json_schema, {"type": ["object", "boolean"]})]
DurationField = Annotated[Duration, _unit(Duration)]
SizeField = Annotated[Size, _unit(Size)]
RateField = Annotated[Rate, _unit(Rate)]
RatioField = Annotated[Ratio, _unit(Ratio)]
ThresholdField = Annotated[Threshold, _unit(Threshold)]


def _shape(value: Any) -> str | None:
    """Which of the forms of a field is meant, so that a mistake is told once and not once for every form.

    The tags start with `|`, by which loading takes them out of the path of an error.
    """
    if isinstance(value, BaseModel):
        return {"EnvReference": "|env", "FileReference": "|file", "None_": "|none"}.get(
            type(value).__name__, "|mapping"
        )
    if isinstance(value, dict):
        if "none" in value and not isinstance(value["none"], dict):
            return "|none"
        return "|env" if "env" in value else "|file" if "file" in value else "|mapping"
    return "|list" if isinstance(value, list) else None if value is None else "|one"


def _reference(value: Any) -> str | None:
    shape = _shape(value)
    return shape if shape in ("|one", "|env", "|file") else None


def _mapping_or_none(value: Any) -> str:
    return "|none" if _shape(value) == "|none" else "|mapping"


def _mapping_or_list(value: Any) -> str:
    return "|list" if isinstance(value, list) else "|mapping"


def _one_or_list(value: Any) -> str:
    return "|list" if isinstance(value, list) else "|one"


def _one_or_mapping(value: Any) -> str:
    return "|mapping" if isinstance(value, dict | BaseModel) else "|one"


def _forms(choose: Any, wanted: str) -> Any:
    return Discriminator(choose, custom_error_type="form", custom_error_message=wanted)


REFERENCE = _forms(_reference, "must be text, {env: NAME} or {file: PATH}")
ONLY_REFERENCE = _forms(_reference, "must be {env: NAME} or {file: PATH}: a secret is not written into a profile")
INT_OR_REFERENCE = _forms(_reference, "must be a whole number, {env: NAME} or {file: PATH}")
OR_NONE = Discriminator(_mapping_or_none)
OR_LIST = Discriminator(_mapping_or_list)
OR_SEVERAL = Discriminator(_one_or_list)
OR_MAPPING = Discriminator(_one_or_mapping)
