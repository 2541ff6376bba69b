"""What a health document says, in the words that services use for it, and how to speak of it without repeating it.

A body may hold anything. What is told of one are words of health, versions, numbers, and the places where things stand;
never a text that could be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from seatrial.words import CouldNotLook

__all__ = [
    "DEGRADED",
    "DOWN",
    "HEALTHY",
    "NEUTRAL",
    "WAITING",
    "components",
    "parse",
    "plain",
    "pointed",
    "same",
    "schema_errors",
    "search",
    "shape",
    "short",
    "single_word",
    "word",
]

HEALTHY = frozenset(
    {
        "ok", "healthy", "up", "pass", "passing", "passed", "available", "ready", "serving", "green", "operational",
        "alive", "running", "connected", "true",
    }
)  # fmt: skip
DOWN = frozenset(
    {
        "unhealthy", "down", "dead", "fail", "failed", "failing", "failure", "error", "critical", "red", "disconnected",
        "offline", "broken", "false",
    }
)  # fmt: skip
WAITING = frozenset({"not ready", "starting", "initializing", "unavailable", "not serving", "out of service"})
"""Not well, but alive: liveness may say so under a success."""
DEGRADED = frozenset({"degraded", "yellow", "impaired", "partial", "partial outage"})
NEUTRAL = frozenset(
    {"warn", "warning", "unknown", "disabled", "skipped", "not configured", "not applicable", "n/a", "none", "unused"}
)
"""Words by which nothing is decided. ``warn`` is healthy with concerns in the draft for health documents."""
MOST = 50
"""Errors of one document that are told one by one."""
_WORD = re.compile(r"[A-Za-z][A-Za-z _/-]{0,19}")
_VERSION = re.compile(r"v?\d+(\.\d+){1,3}([-+.][0-9A-Za-z.]{1,20})?")


def word(value: Any) -> str | None:
    """A value as a word of health, in the form of the sets above; None when it is none."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 40:
        return None
    return plain(re.sub(r"[\s_-]+", " ", value.strip().lower()))


def single_word(text: str) -> str | None:
    """A body that is nothing but one word of health, as plain text or as JSON."""
    said = word(text.strip().strip('"')) if len(text) <= 64 else None
    return said if said in HEALTHY | DOWN | WAITING | DEGRADED else None


def parse(text: str) -> Any:
    """The JSON document a body is; None when it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def search(expression: str, document: Any) -> Any:
    """What a JMESPath expression gives; None also where it can't be applied to this document."""
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.search(expression, document)
    except (JMESPathError, RecursionError, ValueError, TypeError):
        return None


def components(found: Any) -> dict[str, str | None]:
    """Components by name, and the word each says of itself; None where it says none.

    Read are an object by name (a word each, or an object with ``status``, or a list of those, of which the worst counts),
    and a list of objects with ``name`` and ``status``.
    """
    if isinstance(found, dict):
        return {plain(str(name)): _state(value) for name, value in found.items()}
    if isinstance(found, list):
        named = [item for item in found if isinstance(item, dict)]
        return {plain(str(item.get("name", number))): _state(item) for number, item in enumerate(named, 1)}
    return {}


def _state(component: Any) -> str | None:
    if isinstance(component, list):
        states = [_state(item) for item in component]
        bad = [state for state in states if state in DOWN | WAITING | DEGRADED]
        return next(iter(bad or [state for state in states if state is not None]), None)
    if isinstance(component, dict):
        return next((word(component[key]) for key in ("status", "state", "healthy") if key in component), None)
    return word(component)


def shape(text: str, without: str = "") -> Any:
    """What two answers of one handler have in common: the keys of a JSON object, else the text without what changes."""
    document = parse(text)
    if isinstance(document, dict) and document:
        return tuple(sorted(document))
    text = text.replace(without, "") if without else text
    return re.sub(r"[0-9a-fA-F-]{8,}|\d+|\s+", "", text)


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; to Python, ``true`` is 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


# --- speaking of it ---------------------------------------------------------------------------------------------------


def plain(text: str, longest: int = 60) -> str:
    """A text of the other side, on one line and not longer than is good."""
    text = "".join(char if char.isprintable() else "�" for char in text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def short(value: Any) -> str:
    """A value that says no more than is safe: words, versions and numbers as they are, of others only the kind."""
    if value is None or isinstance(value, bool | int | float):
        return plain(json.dumps(value))
    if isinstance(value, str):
        if _WORD.fullmatch(value) or _VERSION.fullmatch(value):
            return json.dumps(value)
        return f"a text of {len(value)} characters"
    return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"


def pointed(path: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901), and a word for the whole document."""
    tokens = (plain(str(token)).replace("~", "~0").replace("/", "~1") for token in path)
    return "".join(f"/{token}" for token in tokens) or "the document"


def schema_errors(schema: Any, document: Any) -> list[str]:
    """Where a document breaks a JSON Schema (2020-12), and which rule; never what stands there.

    Raises:
        CouldNotLook: the schema refers to one that it does not hold; nothing is fetched.
    """
    import jsonschema
    import referencing
    from referencing.exceptions import Unresolvable

    # An empty registry: without one, jsonschema fetches what `$ref` names.
    validator = jsonschema.Draft202012Validator(schema, registry=referencing.Registry())
    try:
        # Each thing that is missing is an error of its own, in the same words.
        told = list(
            dict.fromkeys(f"{pointed(error.absolute_path)} {_rule(error)}" for error in validator.iter_errors(document))
        )
    except Unresolvable as why:
        raise CouldNotLook(
            f"the schema refers to {plain(why.ref)}, which it does not hold", right="a schema that is whole"
        ) from None
    except RecursionError:
        raise CouldNotLook("the document is too deep for its schema") from None
    except OverflowError:
        raise CouldNotLook("the document holds a number that its schema can't be applied to") from None
    except (jsonschema.exceptions.UnknownType, re.error) as why:
        # What they say of themselves holds the document.
        wrong = "a pattern" if isinstance(why, re.error) else "a type"
        raise CouldNotLook(f"the schema has {wrong} that can't be read", right="a schema that is sound") from None
    return [*told[:MOST], *([f"and {len(told) - MOST} more errors"] if len(told) > MOST else [])]


def _rule(error: Any) -> str:
    """What a JSON Schema asks for at a place, without what stands there."""
    kind, rule, instance = error.validator, error.validator_value, error.instance
    if kind == "required":
        return "lacks " + ", ".join(str(name) for name in rule if name not in instance)
    if kind == "additionalProperties":
        known = error.schema.get("properties", {})
        patterns = error.schema.get("patternProperties", {})
        extra = [n for n in instance if n not in known and not any(re.search(p, n) for p in patterns)]
        return "has what the schema does not know: " + ", ".join(map(plain, extra[:MOST]))
    if kind == "type":
        wanted = rule if isinstance(rule, str) else " or ".join(rule)
        return f"is {_kind(instance)}, not {wanted}"
    if kind in ("enum", "const"):
        return f"is none of what the schema allows: {plain(json.dumps(rule), 120)}"
    if isinstance(rule, dict | list | bool):
        return f"breaks {kind} of the schema"
    return f"breaks {kind} {plain(str(rule), 120)} of the schema"


def _kind(value: Any) -> str:
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return kinds.get(type(value), "number")
