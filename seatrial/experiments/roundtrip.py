"""The round trip of a backup: data is written, saved as documented, restored into a scratch target, and compared there.

Whatever the source is, nothing is restored into it: source and target are told apart by their stores' identities before
anything is. Every part of the drill that fails costs itself and what stands on it, and nothing beside that.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Size

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench
    from seatrial.facts.backups.drill import Drill
    from seatrial.profile.model import Profile
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "ORDER", "PART", "TIER", "run", "seconds", "title"]

NOUNS = ("drill", "control", "verification", "writing")
ORDER = 4
PART = "drills"
TIER = Tier.write
STAGE = 5.0
"""Seconds that a scratch folder takes to be made and removed; a container takes more."""
CONTAINER = 15.0


def title(_profile: Profile, subject: Subject) -> str:
    """``the round trip of backups.notes (tier write): 1MiB, saved, restored elsewhere and compared``."""
    drill = subject.node.drill
    whence = "the deployment" if drill.source is None else "a scratch source"
    return f"the round trip of backups.{subject.path[1]} (tier write): {Size(drill.seed.bytes)} from {whence} into a scratch target"


def seconds(_profile: Profile, subject: Subject) -> float:
    """Two restores, the source, and the controls, each with a place of its own; procedures take what they take."""
    from seatrial.drills.stores import module_of

    drill = subject.node.drill
    stages = [stage for stage in (drill.source, drill.target) if stage is not None]
    places = sum(CONTAINER if stage.image else STAGE for stage in stages)
    try:
        store = float(module_of(subject.node.store).SECONDS) if subject.node.store else 0.0
    except CouldNotLook:
        store = 0.0
    return 4 * (places + store)


def run(bench: Bench, subject: Subject) -> Drill:
    """One round trip."""
    from seatrial.drills.places.local import local_folder
    from seatrial.experiments._roundtrip import record

    began = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    with local_folder(bench.disturber, bench.hands) as folder:
        return record(bench, subject.node, str(subject.path[1]), folder, began)
