"""What each key of the grammar means: the docstrings below the fields of the model, read from its source when needed.

Pydantic can do this itself, for every class at every import, which costs each start of pytest 40 ms.
"""

from __future__ import annotations

import ast
import inspect
from functools import cache

from seatrial.profile import alerting, backing, behaviour, model, nodes, objectives

__all__ = ["meaning", "meanings"]


@cache
def meanings() -> dict[str, dict[str, str]]:
    """By class and field, the sentence below it."""
    told: dict[str, dict[str, str]] = {}
    try:
        body = [
            each
            for module in (nodes, alerting, backing, behaviour, objectives, model)
            for each in ast.parse(inspect.getsource(module)).body
        ]
    except (OSError, TypeError, SyntaxError):  # installed without sources
        return {}
    for definition in body:
        if isinstance(definition, ast.ClassDef):
            fields = told.setdefault(definition.name, {})
            for statement, below in zip(definition.body, definition.body[1:], strict=False):
                if (
                    isinstance(statement, ast.AnnAssign)
                    and isinstance(statement.target, ast.Name)
                    and isinstance(below, ast.Expr)
                    and isinstance(below.value, ast.Constant)
                    and isinstance(below.value.value, str)
                ):
                    fields[statement.target.id] = " ".join(below.value.value.split())
    return told


def meaning(node: type[model.Node], field: str) -> str:
    """What a key means, inherited or its own; empty when nothing is said. A key that Python has other plans with is an alias."""
    field = next((name for name, info in node.model_fields.items() if info.alias == field), field)
    return next((told for base in node.__mro__ if (told := meanings().get(base.__name__, {}).get(field))), "")
