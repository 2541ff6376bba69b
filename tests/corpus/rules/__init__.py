"""Rule files of our own, right and wrong, and changes made to them at random."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent


def files(kind: str) -> list[Path]:
    """The rule files of one kind, ``right`` or ``wrong``."""
    return sorted((HERE / kind).glob("*.yaml"))
