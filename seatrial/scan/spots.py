"""What a search found, while the value is still at hand. Nothing of it leaves the package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["FORMAT", "KNOWN", "PAIR", "SPREAD", "URL", "WRITTEN", "Spot", "merged", "resolved"]

KNOWN, FORMAT, URL, PAIR, WRITTEN, SPREAD = range(6)
"""How much a finding knows about its place, best first: of two that overlap, the better one stays."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Spot:
    """A place in a text and the secret that stands there. Its repr shows neither."""

    start: int
    end: int
    rank: int
    kind: str
    value: str
    key: str = ""
    names: tuple[str, ...] = ()
    """Users and services the value belongs to."""


def resolved(spots: Sequence[Spot]) -> list[Spot]:
    """One spot for each place, in the order of the text."""
    kept: list[Spot] = []
    for spot in sorted(spots, key=lambda s: (s.start, s.rank, -s.end)):
        if kept and spot.start < kept[-1].end:
            kept[-1] = _better(kept[-1], spot)
        else:
            kept.append(spot)
    return kept


def _better(one: Spot, other: Spot) -> Spot:
    """The one that knows more, in its own place: another may stand beside it in the wider one. It takes over the other's key."""
    best, rest = (one, other) if (one.rank, one.start) <= (other.rank, other.start) else (other, one)
    return Spot(
        best.start, best.end, best.rank, best.kind, best.value, best.key or rest.key, best.names or rest.names
    )  # fmt: skip


def merged(spots: Sequence[Spot]) -> list[tuple[int, int]]:
    """The places of all spots, those that overlap as one."""
    places: list[tuple[int, int]] = []
    for start, end in sorted((spot.start, spot.end) for spot in spots):
        if places and start < places[-1][1]:
            places[-1] = (places[-1][0], max(places[-1][1], end))
        else:
            places.append((start, end))
    return places
