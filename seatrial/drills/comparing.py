"""What differs between what was saved and what came back, object by object."""

from __future__ import annotations

import hmac
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seatrial.facts.backups.drill import TIMES, Difference

if TYPE_CHECKING:
    from seatrial.drills.stores import Content, Item

__all__ = ["MOST", "Compared", "compared", "shown"]

_KEY = os.urandom(16)
PLAIN = (
    "mode", "owner", "expires", "grants", "attributes", "member of", "user_version", "application_id", "encoding", "was used",
    "has come to", "behind its column", *TIMES,
)  # fmt: skip
"""Attributes whose values are no secrets, whoever's they are."""
MOST = 200
"""Differences of one kind that are kept; all are counted."""


@dataclass(slots=True)
class Compared:
    """Differences, the first of each kind, and how many there are."""

    differences: list[Difference] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, difference: Difference) -> None:
        """Count it, and keep it where there are few."""
        self.counts[difference.kind] = self.counts.get(difference.kind, 0) + 1
        if self.counts[difference.kind] <= MOST:
            self.differences.append(difference)


def compared(
    was: Content,
    now: Content,
    *,
    seeded: Mapping[str, str],
    removed: Collection[str] = (),
    before: Content | None = None,
    later: Content | None = None,
    alone: bool = True,
    times: bool = True,
) -> Compared:
    """What differs.

    Args:
        was: at the source.
        now: at the target.
        seeded: what was written for the drill, by name.
        removed: names of what was removed before the backup.
        before: what the target held before the restore; what is still there as it was is no doing of the restore.
        later: what the source held after the backup; what came back as it was then was changed there, and not by the restore.
        alone: nobody else writes to the source, so that all of it is compared; else what was written for the drill alone.
        times: whether times of a last change are compared.
    """
    found = Compared()
    for name in sorted(was.items):
        if not alone and name not in seeded:
            continue
        sentinel = name in seeded
        item, here = was.items[name], now.items.get(name)
        if later is not None and here == later.items.get(name) != item:
            continue
        told, what = shown(name, sentinel=sentinel), seeded.get(name) or item.what
        if here is None:
            found.add(Difference("missing", told, what, f"{item.size} bytes", "not there", sentinel))
            continue
        if here.digest != item.digest:
            if not here.digest:  # a store that can read the others says why of this one
                trouble = here.what.removeprefix("unreadable: ")
                found.add(Difference("unreadable", told, what, _content(item, sentinel), trouble, sentinel))
                continue
            kind = "shorter" if here.size < item.size else "changed"
            found.add(Difference(kind, told, what, _content(item, sentinel), _content(here, sentinel), sentinel))
        for key, expected, seen in _attributes(item, here):
            if key in TIMES and (not times or here.digest != item.digest):
                continue  # what is not the same any more was not changed at the same time
            if not sentinel and key not in PLAIN:
                expected, seen = "as it was", "another one"  # what is the target's own may be a secret
            found.add(Difference("attribute", told, what, f"{key} {expected}", f"{key} {seen}", sentinel))
    for name in sorted(set(now.items) - set(was.items)):
        here = now.items[name]
        if name in removed:
            found.add(Difference("returned", name, here.what, "removed before the backup", "it is there again"))
        elif alone and all(each is None or each.items.get(name) != here for each in (before, later)):
            found.add(Difference("added", shown(name), here.what, "not there", f"{here.size} bytes", sentinel=False))
    return found


def shown(name: str, *, sentinel: bool = False) -> str:
    """A name for reports: what is the target's own may be a secret, and a plain digest of it would let others guess."""
    if sentinel:
        return name
    return f"object {hmac.new(_KEY, name.encode('utf-8', 'surrogateescape'), 'sha256').hexdigest()[:12]}"


def _content(item: Item, sentinel: bool) -> str:
    """What of a content can be told."""
    return f"{item.size} bytes" + (f", sha256 {item.digest[:12]}" if sentinel else "")


def _attributes(was: Item, now: Item) -> list[tuple[str, str, str]]:
    """Attributes of either that are not those of the other; an empty one could not be seen there."""
    before, after = dict(was.attributes), dict(now.attributes)
    return [
        (key, before.get(key, "none"), after.get(key, "none"))
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key) and "" not in (before.get(key), after.get(key))
    ]
