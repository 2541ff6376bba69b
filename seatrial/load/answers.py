"""Reading answers: what is not as it must be is `Wrong`, in the same words each time."""

from __future__ import annotations

from typing import Any

from seatrial.load.journeys import Answer, Wrong

__all__ = ["part", "said"]


def said(answer: Answer | None) -> Any:
    """The body as JSON; nothing when there is none."""
    try:
        return answer.json() if answer else None
    except Wrong:
        return None


def part(answer: Answer, path: str, kind: type | tuple[type, ...]) -> Any:
    """A part of an answer's JSON document by its dotted path, ``result.session_id``; an empty path is all of it.

    Raises:
        Wrong: it is not there, or is something else.
    """
    found = answer.json()
    for key in path.split(".") if path else ():
        if not isinstance(found, dict) or key not in found:
            raise Wrong(f"no {path} in the answer")
        found = found[key]
    if not isinstance(found, kind) or (isinstance(found, bool) and kind is int):
        raise Wrong(f"{path or 'the answer'} is something else than it must be")
    return found
