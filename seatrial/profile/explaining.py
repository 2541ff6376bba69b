"""What pydantic found, in plain sentences with positions: one for each mistake, and never pydantic's own wording."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag

from seatrial.profile import model
from seatrial.profile.problems import Problem, Where, dotted
from seatrial.profile.reading import Mapping, Scalar, Sequence, Tree

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["explain", "nearest"]

_HINTED = 300
"""Problems that get a hint: finding the nearest key for thousands of them would take seconds."""
_COMPARED = 200
"""Names among which the nearest is looked for."""

_WANTED = {
    "model_type": "a mapping (`key: value`)",
    "model_attributes_type": "a mapping (`key: value`)",
    "dict_type": "a mapping (`key: value`)",
    "list_type": "a list (`[a, b]`, or one `- a` on each line)",
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "date_type": "a calendar date, YYYY-MM-DD",
}


def explain(tree: Tree, errors: list[ErrorDetails]) -> Iterator[Problem]:
    """The problems behind pydantic's errors, each where it is written."""
    for count, error in enumerate(errors):
        path, at_key = _path(tree, error["loc"])
        if _broken(tree, path):
            continue
        if error["type"] == "inside":
            for inner, message in error["ctx"]["problems"]:
                yield _at(tree, (*path, *inner), message)
        elif error["type"] == "extra_forbidden":
            yield _unknown(tree, path, error["loc"], hinted=count < _HINTED)
        elif error["type"] == "missing":
            yield _missing(tree, path, error["loc"])
        else:
            yield _wrong(tree, path, error, at_key)


def nearest(word: str, known: list[str]) -> str:
    """``did you mean `…`?``, when something is near."""
    if len(known) > _COMPARED:
        return ""
    near = difflib.get_close_matches(word, known, 1) or difflib.get_close_matches(word.lower(), known, 1)
    return f"did you mean `{near[0]}`?" if near else ""


def _path(tree: Tree, location: tuple[int | str, ...]) -> tuple[Where, bool]:
    """The path of an error in the profile: without the tags of unions, which start with ``|``."""
    path: list[str | int] = []
    node: Any = tree.root
    at_key = False
    for part in location:
        inside = isinstance(node, Mapping) and part in node
        if not inside and part == "[key]":
            at_key = True
        elif inside or not (isinstance(part, str) and part.startswith("|")):
            path.append(part)
            if isinstance(node, Mapping):
                node = node.get(str(part))
            elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node):
                node = node[part]
            else:
                node = None
    return tuple(path), at_key


def _broken(tree: Tree, path: Where) -> bool:
    """Whether what stands there is told already."""
    _, _, node = tree.find(path)
    return isinstance(node, Scalar) and node.broken


def _at(tree: Tree, path: Where, message: str, hint: str = "") -> Problem:
    _, value, _ = tree.find(path)
    return tree.problem(value, path, f"{dotted(path)}: {message}" if path else message, hint)


def _wrong(tree: Tree, path: Where, error: ErrorDetails, at_key: bool) -> Problem:
    key, value, node = tree.find(path)
    if at_key:
        message = _sentence(error, Scalar(str(path[-1]), True, key or value))
        return tree.problem(key or value, path, f"the key `{path[-1]}` in {dotted(path[:-1])}: {message}")
    if isinstance(node, Scalar) and node.plain and node in ("", "null", "~", "Null", "NULL"):
        place = key if key is not None and not node else value
        return tree.problem(place, path, f"{dotted(path)} has no value", "write one, or leave the key out")
    hint = ""
    if error["type"] == "literal_error":
        hint = nearest(str(node), _choices(error))
    elif error["type"] == "form" and isinstance(node, Mapping) and len(node) == 1:
        hint = nearest(next(iter(node)), ["env", "file"])
    elif error["type"] in ("model_type", "model_attributes_type", "dict_type", "list_type"):
        hint = _rewritten(path, error, node)
    return _at(tree, path, _sentence(error, node), hint)


def _rewritten(path: Where, error: ErrorDetails, node: Any) -> str:
    """What was written, in the shape that belongs there, where only one thing can be meant."""
    words = [str(one) for one in node] if isinstance(node, Sequence) else [str(node)]
    if (
        isinstance(node, Mapping)
        or not words
        or not all(word and len(word) <= 40 and "`" not in word for word in words)
    ):
        return ""
    field = model.Profile.model_fields.get(str(path[0])) if len(path) == 1 else None
    if field and words[0].lower() in ("none", "no", "false", "absent") and "None_" in str(field.annotation):
        return "say why, and who decided so: `{none: reason, owner: who}`"
    if error["type"] == "list_type":
        return f"write `[{words[0]}]`"
    if isinstance(node, Sequence):
        return f"write `{{{', '.join(f'{word}: {{}}' for word in words)}}}`" if error["type"] == "dict_type" else ""
    wanted = _node(error["loc"])
    required = [name for name, one in wanted.model_fields.items() if one.is_required()] if wanted else []
    return f"write `{{{required[0]}: {words[0]}}}`" if len(required) == 1 else ""


def _choices(error: ErrorDetails) -> list[str]:
    return re.findall(r"'([^']*)'", str(error["ctx"]["expected"]))


def _sentence(error: ErrorDetails, node: Any) -> str:
    """The rest of a sentence that starts with the path."""
    kind = error["type"]
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "form":
        return error["msg"]
    if kind == "literal_error":
        *most, last = _choices(error)
        wanted = f"{', '.join(most)} or {last}" if most else f"{last}"
    else:
        wanted = _WANTED.get(kind, "something else here")
    return f"must be {wanted}, not {_called(node)}"


def _called(node: Any) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    return f"`{node}`" if len(str(node)) <= 40 else "this text"


def _unknown(tree: Tree, path: Where, location: tuple[int | str, ...], *, hinted: bool) -> Problem:
    key, value, _ = tree.find(path)
    name = str(path[-1])
    inside = f" in {dotted(path[:-1])}" if path[:-1] else ""
    node = _node(location[:-1]) if hinted else None
    known = list(node.model_fields) if node else []
    hint = nearest(name, known) if hinted else ""
    if hinted and not hint:  # what is near says enough; else all that there is
        listed = f"known keys: {', '.join(known)}" if known else ""
        hint = " ".join(filter(None, (_elsewhere(name), listed)))
    return tree.problem(key or value, path, f"unknown key `{name}`{inside}", hint)


def _elsewhere(name: str) -> str:
    """Where in the grammar a key belongs that is known, though not here."""
    for place, node in (("services.NAME", model.Service), ("target", model.Target), ("", model.Profile)):
        if name in node.model_fields:
            return f"`{name}` belongs in {place};" if place else f"`{name}` belongs at the outermost level;"
    return ""


def _missing(tree: Tree, path: Where, location: tuple[int | str, ...]) -> Problem:
    from seatrial.profile.describing import meaning

    key, value, _ = tree.find(path[:-1])
    inside = f" in {dotted(path[:-1])}" if path[:-1] else ""
    node = _node(location[:-1])
    hint = meaning(node, str(path[-1])) if node else ""
    return tree.problem(key or value, path, f"missing key `{path[-1]}`{inside}", hint)


def _node(location: tuple[int | str, ...]) -> type[model.Node] | None:
    """The node of the grammar that an error is about: a walk along the annotations."""
    found: list[Any] = [model.Profile]
    for part in location:
        if (
            isinstance(part, str)
            and part.startswith("|")
            and (tagged := [f for f in _branches(found) if _tag(f) == part])
        ):
            found = tagged
        else:
            found = [step for branch in _branches(found) for step in _step(_bare(branch), part)]
    nodes = [bare for branch in _branches(found) if _is_node(bare := _bare(branch))]
    return nodes[0] if nodes else None


def _is_node(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _bare(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def _tag(annotation: Any) -> str:
    if get_origin(annotation) is Annotated:
        return next((str(extra.tag) for extra in annotation.__metadata__ if isinstance(extra, Tag)), "")
    return ""


def _branches(annotations: list[Any]) -> Iterator[Any]:
    for annotation in annotations:
        bare = _bare(annotation)
        if get_origin(bare) in (Union, types.UnionType):
            yield from _branches(list(get_args(bare)))
        else:
            yield annotation


def _step(annotation: Any, part: int | str) -> list[Any]:
    if _is_node(annotation):
        known = annotation.model_fields.get(part)
        return [known.annotation] if known else []
    origin, arguments = get_origin(annotation), get_args(annotation)
    return [arguments[-1]] if origin in (dict, list) else []
