"""A declared maintenance command is run in a scratch place, over data that was made for it: of every age, size, owner and name.

Nothing of the deployment is in that place. What is there before and after is read through the store's own interface; that
what must stay stays, and what may go goes, is for tests to say.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from seatrial.drills.comparing import compared
from seatrial.drills.stores import Content, Store, declared, module_of, open_store
from seatrial.facts.backups.drill import Maintained
from seatrial.outcomes import Tier
from seatrial.profile.nouns.backups import backups_of
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench
    from seatrial.profile.backing import Backup, Stage
    from seatrial.profile.model import Profile
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "ORDER", "PART", "TIER", "run", "seconds", "title"]

NOUNS = ("maintenance",)
ORDER = 6
PART = "maintained"
TIER = Tier.write
OLD = 400 * 86400.0
"""Age of old data where the declaration lets none of it go: older than any `-mtime +365`."""
CHANGED = "changed"
"""The attribute of an object that says when it was changed, in seconds since the epoch."""
STAGE = 20.0
"""Seconds that a scratch place takes to be there, and to be gone."""


def title(_profile: Profile, subject: Subject) -> str:
    """``maintenance cleanup over data made for it``."""
    return f"maintenance {subject.path[1]} over data made for it"


def seconds(profile: Profile, subject: Subject) -> float:
    """The place, what is written and read there, and the command."""
    backup = _backup(profile, subject)
    store = declared(backup, _stage(backup))
    return STAGE + float(module_of(store).SECONDS if store else 0)


def _backup(profile: Profile, subject: Subject) -> Backup:
    return backups_of(profile)[subject.node.over]


def _stage(backup: Backup) -> Stage:
    """The scratch place: that of the source, where the data lies before it is saved, else that of the target."""
    drill = backup.drill
    stage: Stage = getattr(drill, "source", None) or drill.target  # type: ignore[union-attr]
    return stage


def run(bench: Bench, subject: Subject) -> Maintained:
    """Make data, run the command, and look at what is left of it."""
    from seatrial.drills.places import staged

    backup, node = _backup(bench.profile, subject), subject.node
    kept = declared(backup, _stage(backup))
    if kept is None:
        raise CouldNotLook(f"backups.{node.over} does not declare what is saved", right=f"backups.{node.over}.store")
    with staged(bench.session, bench.disturber, bench.hands, _stage(backup), role="maintenance") as place:
        store = open_store(place, kept)
        store.ready()
        made = store.seed(backup.drill.seed.bytes)  # type: ignore[union-attr]
        aged = store.aged(node.older.seconds * 2 if node.older else OLD)
        before = store.content()
        absent = [name for name in {**made, **aged} if name not in before.items]
        if absent:
            raise CouldNotLook(
                f"{len(absent)} of {len(made) + len(aged)} things that were written are not there: {absent[0]!r}"
            )
        ran = place.procedure(node.command, what=f"maintenance.{subject.path[1]}")
        told = {**made, **aged}
        common: dict[str, Any] = {
            "name": str(subject.path[1]),
            "place": place.name,
            "ran": ran,
            "before": before.fingerprint(),
            "seeded": told,
        }
        try:
            store = open_store(place, kept)
            after = store.content()
        except CouldNotLook as why:
            return Maintained(**common, after=Missing(why.reason, why.right))
        may = {*aged, *_old(before, node.older.seconds)} if node.older else set()
        stays = Content({name: item for name, item in before.items.items() if name not in may})
        lost = compared(
            stays, Content({name: item for name, item in after.items.items() if name not in may}), seeded=told
        )
        return Maintained(
            **common,
            after=after.fingerprint(),
            # A log that is begun anew, or a stamp, is no loss.
            lost=tuple(each for each in lost.differences if each.kind != "added"),
            aged=len(may),
            removed=sum(name not in after.items for name in may),
            unusable=_usable(store),
        )


def _usable(store: Store) -> str:
    try:
        return store.usable()
    except CouldNotLook as why:
        return why.reason


def _old(content: Content, seconds: float) -> set[str]:
    """What was changed longer ago than that, where the store says so of an object."""
    oldest = time.time() - seconds
    return {name for name, item in content.items.items() if float(dict(item.attributes).get(CHANGED) or "inf") < oldest}
