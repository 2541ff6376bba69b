"""How a requirement is observed, read from the code that does it: the fixture, the fact, the look and the driver."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import pkgutil
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from types import ModuleType
from typing import Any

from seatrial.manual.declaring import declared
from seatrial.requirement import Requirement

__all__ = ["Observed", "observed"]


@dataclass(frozen=True, slots=True)
class Observed:
    """The way from the target to the assertion, nearest to the assertion first."""

    comparison: str
    """``containers.root_processes == []``."""
    noun: str
    """What the noun is."""
    fact: str
    """``Containers.root_processes``; empty when it can't be told."""
    finds: str
    """What the fact lists."""
    looks: tuple[tuple[str, str], ...]
    """Modules that look, or make an experiment, and what each does."""
    rights: tuple[tuple[str, str], ...]
    """What those that look must be allowed to do at the requirement's tier."""


def observed(requirement: Requirement, function: Callable[..., Any]) -> Observed:
    """How one requirement is observed."""
    from seatrial import drivers
    from seatrial.experiments import experiments
    from seatrial.profile.subjects import NOUNS

    noun = requirement.noun
    comparison = _comparison(function)
    named = comparison.partition(" ")[0].removeprefix(f"{noun}.").partition(".")[0]
    about, fact, parts = _fixture(noun)
    nouns = {noun, *NOUNS[noun].beside} if noun in NOUNS else {noun}
    told = [look for look in _looks() if nouns & set(getattr(look, "NOUNS", ())) or _short(look) in parts]
    # A look that needs nothing of what the target's driver saw says so by the name of its parameter.
    by_driver = not told or any("runtime" in inspect.signature(_looking(look)).parameters for look in told)
    told += [made for made in experiments() if noun in made.NOUNS]
    told += [used for look in told for used in _uses(look)]
    told += [drivers.load(name) for name in declared(requirement).drivers if by_driver]
    told = list(dict.fromkeys(told))
    return Observed(
        comparison=comparison,
        noun=about,
        fact=f"{fact.__name__}.{named}" if fact else "",
        finds=_about(fact, named) if fact else "",
        looks=tuple((_short(module), _first(module.__doc__)) for module in told),
        rights=tuple(
            (_short(module), _right(module.RIGHTS[requirement.tier]))
            for module in told
            if requirement.tier in getattr(module, "RIGHTS", {})
        ),
    )


def _right(told: Any) -> str:
    return told if isinstance(told, str) else "; ".join(told)


def _short(module: ModuleType) -> str:
    return module.__name__.removeprefix("seatrial.")


def _first(doc: str | None) -> str:
    """The first paragraph of a docstring."""
    text = " ".join(inspect.cleandoc(doc or "").partition("\n\n")[0].split())
    return re.sub(r"^Driver \*?\w+\*?: ", "", text)


def _comparison(function: Callable[..., Any]) -> str:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return next((ast.unparse(node.test) for node in ast.walk(tree) if isinstance(node, ast.Assert)), "")


@cache
def _looks() -> tuple[Any, ...]:
    from seatrial import looks

    names = sorted(m.name for m in pkgutil.iter_modules(looks.__path__))
    return tuple(importlib.import_module(f"seatrial.looks.{name}") for name in names)


def _looking(look: ModuleType) -> Callable[..., Any]:
    """The function of a look; one that is looked at in every run, whatever is asked, is named after its part."""
    found: Callable[..., Any] = getattr(look, "look", None) or getattr(look, _short(look).rpartition("_")[2])
    return found


@cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _uses(look: ModuleType) -> list[ModuleType]:
    """The parts that do the asking for a look: what its function imports from drivers, handshakes and the scan."""
    found = []
    for node in ast.walk(_tree(look)):
        if isinstance(node, ast.ImportFrom) and node.module and node.col_offset > 0:
            for alias in node.names:
                for name in (f"{node.module}.{alias.name}", node.module):
                    if re.match(r"seatrial\.(drivers\.|handshakes|scan)", name) and (module := _module(name)):
                        found.append(module)
                        break
    return [module for module in dict.fromkeys(found) if "._" not in module.__name__ or hasattr(module, "RIGHTS")]


def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _fixture(noun: str) -> tuple[str, type | None, set[str]]:
    """What a noun is, the type of its facts, and looks of every run that they are made from: all from its fixture."""
    from seatrial import fixtures
    from seatrial.facts.runtime import Observations

    for found in pkgutil.iter_modules(fixtures.__path__):
        module = importlib.import_module(f"seatrial.fixtures.{found.name}")
        for node in _tree(module).body:
            if isinstance(node, ast.FunctionDef) and node.name == noun and noun in getattr(module, "__all__", ()):
                returned = ast.unparse(node.returns) if node.returns else ""
                attributes = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
                called = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
                for helper in _tree(module).body:
                    if isinstance(helper, ast.FunctionDef) and helper.name in called:
                        attributes |= {part.attr for part in ast.walk(helper) if isinstance(part, ast.Attribute)}
                parts = {f"looks._{part.name}" for part in fields(Observations) if part.name in attributes}
                return _first(ast.get_docstring(node)), _type(module, returned), parts
    return "", None, set()


def _type(module: ModuleType, name: str) -> type | None:
    """A type that a fixture's module imports for annotations only."""
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module and name in [alias.name for alias in node.names]:
            found = getattr(importlib.import_module(node.module), name, None)
            return found if isinstance(found, type) else None
    return None


def _about(fact: type, name: str) -> str:
    """What a property or a field of a fact is."""
    for base in fact.__mro__:
        if isinstance(own := vars(base).get(name), property):
            return _first(own.__doc__)
        if name in vars(base).get("__annotations__", {}):
            return _below(base, name)
    return ""


def _below(base: type, name: str) -> str:
    """The docstring below a field."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
    body = getattr(definition, "body", [])
    for statement, below in itertools.pairwise(body):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and statement.target.id == name
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            return _first(str(below.value.value))
    return ""
