"""Looks: what is observed once for the subjects of a noun. One module each, found by scanning this package.

A look module has

``PART``
    the field of `Observations` it fills, a dictionary by subject's id;
``NOUNS``
    the nouns whose subjects it looks at;
``look(session, runtime, subject)``
    the fact, or raises `CouldNotLook`;
``LAST`` (optional, False)
    True when it must run after every other look has ended, one subject at a time: it counts calls, and others make some.

It imports nothing heavy at module level; looks of one run are made in parallel.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType

__all__ = ["looks"]


def looks(nouns: Iterable[str]) -> list[ModuleType]:
    """The look modules that some of these nouns need."""
    wanted = set(nouns)
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return [module for module in modules if wanted & set(module.NOUNS)]
