"""Lists of words, written as text."""

from __future__ import annotations

__all__ = ["worded"]


def worded(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())
