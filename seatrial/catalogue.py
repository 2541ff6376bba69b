"""The catalogue: every requirement of a package of suites, with its test function. Nothing is listed by hand."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from seatrial.requirement import Requirement, read

__all__ = ["catalogue"]


def catalogue(package: ModuleType) -> Iterator[tuple[Requirement, Callable[..., Any]]]:
    """Every requirement below a package (``seatrial.suites``), modules in order of their names."""
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.rpartition(".")[2].startswith("test_"):
            continue
        for function in vars(importlib.import_module(module.name)).values():
            if not isinstance(function, FunctionType) or function.__module__ != module.name:
                continue
            for mark in getattr(function, "pytestmark", ()):
                if mark.name == "requirement":
                    yield read(function, mark.args, mark.kwargs), function
