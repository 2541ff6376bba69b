"""Durations as Prometheus writes them, and no others: `1h30m`, `15s`, `250ms`, units from the largest to the smallest."""

from __future__ import annotations

import re

__all__ = ["seconds"]

_PARTS = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)
_UNITS = (31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1000, 1)
_LONGEST = (1 << 63) - 1


def seconds(text: str) -> float:
    """A duration in seconds.

    Raises:
        ValueError: it is none, and what to write.
    """
    if text == "0":
        return 0.0
    parts = _PARTS.fullmatch(text) if len(text) < 200 else None
    if not text or not parts:
        raise ValueError(
            f"{_shown(text)} is no duration: write whole numbers with units from y to ms, such as 5m or 1h30m"
        )
    counts = [int(part or 0) for part in parts.groups()]
    milliseconds = sum(count * unit for count, unit in zip(counts, _UNITS, strict=True))
    if milliseconds * 1_000_000 > _LONGEST:
        raise ValueError(f"{_shown(text)} is longer than Prometheus can count")
    return milliseconds / 1000


def _shown(text: str) -> str:
    return f"`{text[:40]}…`" if len(text) > 40 else f"`{text}`"
