"""A requirement, read from a test function: the mark gives id and references, the docstring the clause and the fix.

One screen holds everything that is known of a requirement, so nothing can drift. The rules of a well-formed one are
checked where it is read (`read`), and again over the whole catalogue by the project's own tests.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seatrial.outcomes import Level, Tier

__all__ = ["BadRequirement", "Requirement", "read"]

_KEYWORD = re.compile(r"\b(MUST NOT|MUST|SHOULD NOT|SHOULD)\b")
_ID = re.compile(r"[A-Z]{3}-\d{3}")
_SECTIONS = ("Why", "See", "Fix")


class BadRequirement(Exception):
    """A requirement that is not well formed: a fault of the suite, told when the test is collected."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One clause that a deployment must keep.

    ``see`` is a read-only command with which an operator sees the same thing by hand; the words CONTAINER, URL, PID,
    SERVICE in it are replaced by the subject's own when it is printed. ``needs`` names the profile keys without which
    there is nothing to test, as a dotted path under the subject (``version``), for the reason of *not applicable*.
    """

    id: str
    level: Level
    clause: str
    fix: str
    why: str
    see: str
    refs: tuple[str, ...]
    tier: Tier
    needs: str
    hardening: bool
    test: str
    area: str
    noun: str
    file: str
    line: int

    @property
    def title(self) -> str:
        """The test's name as words: ``containers run as non root``."""
        return self.test.removeprefix("test_").replace("_", " ")


def _sections(doc: str) -> dict[str, str]:
    """Split a docstring into its clause (first paragraph) and its `Why:`, `See:` and `Fix:` paragraphs."""
    found: dict[str, str] = {}
    for index, paragraph in enumerate(re.split(r"\n\s*\n", inspect.cleandoc(doc))):
        text = " ".join(paragraph.split())
        name, colon, rest = text.partition(":")
        if index == 0:
            found["clause"] = text
        elif colon and name in _SECTIONS:
            found[name] = rest.strip()
        else:
            raise BadRequirement(f"paragraph {text[:40]!r} starts with none of {', '.join(_SECTIONS)}")
    return found


def read(function: Callable[..., Any], mark_args: tuple[Any, ...], mark_kwargs: dict[str, Any]) -> Requirement:
    """The requirement of a marked test function.

    Args:
        function: the test function.
        mark_args: ``(id,)`` as given to ``@pytest.mark.requirement``.
        mark_kwargs: ``refs``, ``tier``, ``needs``, ``hardening``.

    Raises:
        BadRequirement: with the file, the line and what is wrong.
    """
    code = function.__code__
    where = f"{code.co_filename}:{code.co_firstlineno}: {function.__name__}"
    unknown = set(mark_kwargs) - {"refs", "tier", "needs", "hardening"}
    if unknown or len(mark_args) != 1 or not isinstance(mark_args[0], str) or not _ID.fullmatch(mark_args[0]):
        raise BadRequirement(
            f'{where}: the mark is requirement("AREA-NNN", refs=[], tier="", needs="", hardening=False)'
        )
    try:
        parts = _sections(function.__doc__ or "")
    except BadRequirement as bad:
        raise BadRequirement(f"{where}: {bad}") from None
    keywords = _KEYWORD.findall(parts.get("clause", ""))
    if len(keywords) != 1:
        raise BadRequirement(
            f"{where}: the clause must hold exactly one of MUST, MUST NOT, SHOULD, SHOULD NOT; it holds {keywords or 'none'}"
        )
    if not parts.get("Fix"):
        raise BadRequirement(f"{where}: the docstring has no 'Fix:' paragraph")
    tier = mark_kwargs.get("tier", "observe")
    if tier not in Tier.__members__:
        raise BadRequirement(f"{where}: tier {tier!r} is none of {', '.join(Tier.__members__)}")
    package = function.__module__.split(".")
    return Requirement(
        id=mark_args[0],
        level=Level(keywords[0]),
        clause=parts["clause"],
        fix=parts["Fix"],
        why=parts.get("Why", ""),
        see=parts.get("See", ""),
        refs=tuple(mark_kwargs.get("refs", ())),
        tier=Tier[tier],
        needs=mark_kwargs.get("needs", ""),
        hardening=bool(mark_kwargs.get("hardening", False)),
        test=function.__name__,
        area=package[-2] if len(package) > 1 else "",
        noun=next(iter(inspect.signature(function).parameters), ""),
        file=code.co_filename,
        line=code.co_firstlineno,
    )
