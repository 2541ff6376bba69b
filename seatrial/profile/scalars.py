"""The values of a profile: how a scalar of YAML becomes what its field means, and what is said when it does not.

Scalars arrive as text that knows whether it was quoted (`reading.Scalar`) and are resolved by the type of their field,
never by YAML's own guessing. Every message here ends a sentence that starts with the path of the value.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from seatrial.words import Duration, Rate, Ratio, Size

_UNSURE = {"y", "yes", "n", "no", "on", "off"}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 64


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


def _text(value: Any) -> Any:
    """A string. A plain scalar that YAML 1.1 readers take for something else must be quoted."""
    if not isinstance(value, str):
        return value
    if _plain(value) and (wrong := _trap(value)):
        raise ValueError(wrong)
    return str(value)


def _matching(pattern: str, wanted: str) -> Any:
    """Text that has a form; ``wanted`` ends the sentence "must be …" and names an example."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"must be {wanted}")
        return value

    return AfterValidator(check)


def _boolean(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value in ("true", "false"):
        if _quoted(value):
            raise ValueError(f"write {value} without quotes")
        return value == "true"
    hint = {"y": "true", "yes": "true", "on": "true", "n": "false", "no": "false", "off": "false"}.get(value.lower())
    raise ValueError(f"{value} is not a boolean: write {hint}" if hint else "write true or false")


def _integer(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not _INTEGER.fullmatch(value) or len(value) > _LONGEST_NUMBER:
        raise ValueError("write a whole number")
    if re.match("[-+]?0[0-9]", value):
        raise ValueError(f"{value} is an octal number to some YAML readers: write {int(value)}")
    if _quoted(value):
        raise ValueError(f"write {value} without quotes")
    return int(value)


def _date(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise ValueError
        return dt.date.fromisoformat(value)
    except ValueError:
        raise ValueError("write a calendar date as YYYY-MM-DD") from None


@dataclass(frozen=True, slots=True)
class _Unit:
    """How pydantic reads, writes and describes one of the types of `seatrial.words` that carry a unit."""

    kind: type[Duration] | type[Size] | type[Rate] | type[Ratio]

    def parse(self, value: Any) -> Any:
        if isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
            return self.kind.parse(value)
        if not isinstance(value, self.kind):
            raise ValueError(f"write a {self.kind.__name__.lower()} such as {self.kind.EXAMPLE}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.parse, serialization=core_schema.to_string_ser_schema()
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        units = "|".join(sorted(self.kind.UNITS, key=len, reverse=True))
        pattern = {
            Duration: rf"^([0-9]+(\.[0-9]+)?({units}))+$",
            Size: rf"^[0-9]+(\.[0-9]+)? ?({units})$",
            Rate: rf"^[0-9]+(\.[0-9]+)? ?/ ?({units})$",
            Ratio: r"^[0-9]+(\.[0-9]+)? ?%$",
        }[self.kind]
        return {"type": "string", "pattern": pattern, "examples": [self.kind.EXAMPLE]}


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
    if len(value) <= _LONGEST_NUMBER and _INTEGER.fullmatch(value):
        return int(value)
    if len(value) <= _LONGEST_NUMBER and _FLOAT.fullmatch(value):
        return float(value)
    return str(value)


def _expression(value: str) -> str:
    # Both libraries are slow to import, and most profiles need neither.
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        jmespath.compile(value)
    except (JMESPathError, RecursionError) as wrong:
        told = str(wrong).partition(" for expression")[0].partition(":\n")[0].strip().rstrip(":")
        raise ValueError(f"is no JMESPath expression: {told}") from None
    return value


def json_schema_problem(schema: Any) -> tuple[tuple[str | int, ...], str] | None:
    """Where and why a document is not a JSON Schema (2020-12), None when it is one."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    if not isinstance(schema, dict | bool):
        return (), "is no JSON Schema: it must be a mapping"
    wrong = best_match(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema))
    return (tuple(wrong.absolute_path), f"is no JSON Schema: {wrong.message}") if wrong else None


def _json_schema(value: Any) -> Any:
    if problem := json_schema_problem(value):
        raise PydanticCustomError("inside", "{problems}", {"problems": [problem]})
    return value


def _path(value: Any, info: ValidationInfo) -> Any:
    """A path is relative to the file it is written in; what comes from an extended one is told relative to the profile."""
    text = _text(value)
    context = info.context if isinstance(info.context, dict) else {}
    folder, origin = context.get("folder"), getattr(value, "folder", "")
    if isinstance(text, str) and folder and origin and origin != folder:
        return os.path.relpath(os.path.join(origin, text), folder)
    return text


def _must_exist(value: Any, info: ValidationInfo) -> Any:
    """Note the path, so that loading can look whether the file is there and tell its position."""
    if isinstance(value, str) and isinstance(info.context, dict):
        info.context.setdefault("files", []).append(value)
    return value


def _address(value: str) -> str:
    """``address:port`` with an optional protocol; IPv6 in brackets."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[0-9.]+):([0-9]{1,5})(/tcp|/udp)?", value)
    try:
        ipaddress.ip_address(match[1].strip("[]") if match else "")
        if match and 1 <= int(match[2]) <= 65535:
            return value
    except ValueError:
        pass
    raise ValueError(
        "must be address:port, with the numeric address of the interface, for example 127.0.0.1:8080 or [::]:53/udp"
    )


def _socket(value: str) -> str:
    """A port inside, or an address and a port."""
    if re.fullmatch(r"[0-9]{1,5}(/tcp|/udp)?", value) and 1 <= int(value.split("/")[0]) <= 65535:
        return value
    try:
        return _address(value)
    except ValueError:
        raise ValueError("must be a port or address:port, for example 6379 or 127.0.0.1:6379") from None


def _between(low: int, high: int | None, what: str) -> Any:
    def check(value: int) -> int:
        if value < low or (high is not None and value > high):
            raise ValueError(f"must be {what}")
        return value

    return [AfterValidator(check), Field(json_schema_extra={"minimum": low, **({"maximum": high} if high else {})})]


_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"

WORD = BeforeValidator(_text)
Text = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": ["string", "number"]})]
Name = Annotated[
    str,
    BeforeValidator(_text),
    _matching(_NAME, "a name of letters, digits, `-`, `_` and `.`, for example api-2"),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAME}$"}),
]
Variable = Annotated[
    str,
    BeforeValidator(_text),
    _matching(r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable, without $, for example DB_PASSWORD"),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}),
]
UrlPath = Annotated[
    str,
    BeforeValidator(_text),
    _matching(r"/[!-~]*", "a path that starts with /, for example /health/ready"),
    WithJsonSchema({"type": "string", "pattern": "^/[!-~]*$"}),
]
Cores = Annotated[
    str,
    BeforeValidator(_text),
    _matching(r"[0-9]+(\.[0-9]+)?", "a number of cores, for example 0.5"),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0}),
]
RequirementId = Annotated[
    str,
    BeforeValidator(_text),
    _matching(r"[A-Z]{3}-[0-9]{3}", "the id of a requirement, for example CTR-004"),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}-[0-9]{3}$"}),
]
Path = Annotated[str, BeforeValidator(_path), WithJsonSchema({"type": "string"})]
ExistingPath = Annotated[str, BeforeValidator(_path), BeforeValidator(_must_exist), WithJsonSchema({"type": "string"})]
Expression = Annotated[str, BeforeValidator(_text), AfterValidator(_expression), WithJsonSchema({"type": "string"})]
Address = Annotated[str, BeforeValidator(_text), AfterValidator(_address), WithJsonSchema({"type": "string"})]
Socket = Annotated[
    str, BeforeValidator(_text), AfterValidator(_socket), WithJsonSchema({"type": ["string", "integer"]})
]
Bool = Annotated[bool, BeforeValidator(_boolean)]
Int = Annotated[int, BeforeValidator(_integer)]
Count = Annotated[Int, *_between(0, None, "0 or more")]
Positive = Annotated[Int, *_between(1, None, "1 or more")]
Port = Annotated[Int, *_between(1, 65535, "a port from 1 to 65535")]
Status = Annotated[Int, *_between(100, 599, "an HTTP status from 100 to 599")]
Date = Annotated[dt.date, BeforeValidator(_date)]
Json = Annotated[Any, BeforeValidator(_json)]
JsonSchema = Annotated[Any, BeforeValidator(_json), AfterValidator(_json_schema)]
DurationField = Annotated[Duration, _Unit(Duration)]
SizeField = Annotated[Size, _Unit(Size)]
RateField = Annotated[Rate, _Unit(Rate)]
RatioField = Annotated[Ratio, _Unit(Ratio)]


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


def _forms(choose: Any, wanted: str) -> Any:
    return Discriminator(choose, custom_error_type="form", custom_error_message=wanted)


REFERENCE = _forms(_reference, "must be text, {env: NAME} or {file: PATH}")
INT_OR_REFERENCE = _forms(_reference, "must be a whole number, {env: NAME} or {file: PATH}")
OR_NONE = Discriminator(_mapping_or_none)
OR_LIST = Discriminator(_mapping_or_list)
OR_SEVERAL = Discriminator(_one_or_list)
