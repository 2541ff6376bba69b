"""Defects: real targets, each broken in exactly one way, and the requirements that must turn red for it.

One module an area, one decorated function a defect. It changes a process, its configuration or its data, never an answer
made for the suite; where a target can't be changed, what the profile demands of it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

__all__ = ["Defect", "defect", "defects_of"]


@dataclass(frozen=True)
class Defect:
    """One way to be broken."""

    make: Callable[..., Any]
    turns_red: tuple[str, ...]
    hides: tuple[str, ...] = ()
    """Requirements on which nothing can be decided any more, since what they look at is gone."""

    @property
    def name(self) -> str:
        """The function's name."""
        return self.make.__name__


def defect(*, turns_red: tuple[str, ...], hides: tuple[str, ...] = ()) -> Callable[[Callable[..., Any]], Defect]:
    """Declare the decorated function a defect."""
    return lambda make: Defect(make, turns_red, hides)


def defects_of(module: ModuleType) -> list[Defect]:
    """The defects of a module, in the order in which they are written."""
    return [value for value in vars(module).values() if isinstance(value, Defect)]
