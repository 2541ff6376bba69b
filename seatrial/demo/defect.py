"""One thing that is wrong with a deployment on purpose, and how it is registered: by a decorated function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.demo.service import Service
    from seatrial.demo.stack import Plan


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that is wrong, and the requirements that must say so.

    ``turns_red`` is what a look alone finds. It is empty where a test must also disturb, write or log in to see it.
    ``drilled`` is what a drill finds in the experiment on the subject ``by``, and nowhere else there; ``loaded`` what a gate
    finds under the load ``by``.
    """

    name: str
    area: str
    summary: str
    turns_red: tuple[str, ...]
    change: Callable[[Plan], None] | None = None
    build: Callable[[Service], None] | None = None
    drilled: tuple[str, ...] = ()
    by: str = ""
    loaded: tuple[str, ...] = ()


DEFECTS: dict[str, Defect] = {}


def _area(function: Callable[..., None]) -> str:
    # Said by the section the function stands in: its first word is the area.
    return (function.__doc__ or "").partition(":")[0].lower()


def defect(
    name: str, *, summary: str, turns_red: tuple[str, ...] = (), drilled: tuple[str, ...] = (), by: str = ""
) -> Callable[[Callable[[Plan], None]], Callable[[Plan], None]]:
    """Register a defect of the configuration, the data or the running stack. Its docstring begins with its area."""

    def register(function: Callable[[Plan], None]) -> Callable[[Plan], None]:
        DEFECTS[name] = Defect(name, _area(function), summary, turns_red, change=function, drilled=drilled, by=by)
        return function

    return register


def build_defect(
    name: str,
    *,
    summary: str,
    turns_red: tuple[str, ...] = (),
    drilled: tuple[str, ...] = (),
    by: str = "",
    loaded: tuple[str, ...] = (),
) -> Callable[[Callable[[Service], None]], Callable[[Service], None]]:
    """Register a defect of the service itself: a bad build. Its docstring begins with its area."""

    def register(function: Callable[[Service], None]) -> Callable[[Service], None]:
        DEFECTS[name] = Defect(
            name, _area(function), summary, turns_red, build=function, drilled=drilled, by=by, loaded=loaded
        )
        return function

    return register
