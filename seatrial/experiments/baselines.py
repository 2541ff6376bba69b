"""Unloaded latency: every probe and every declared endpoint is asked some dozens of times, one request after the other.

A few dozen requests in a row are little, and still many of a declared call in a short time: tier load. They are made before all
loads and drills, when nothing else goes on. What is measured is saved before it is compared, so that the next run has it.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial import drivers
from seatrial.experiments import _unloaded, _unloaded_store
from seatrial.facts.loads.baseline import Baselines, Unloaded
from seatrial.observe import machine_of
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench
    from seatrial.experiments._unloaded import Measured
    from seatrial.profile.model import Profile
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "ORDER", "PART", "TIER", "run", "seconds", "title"]

NOUNS = ("baseline",)
ORDER = 2
PART = "baselines"
TIER = Tier.load
START = 2.0
"""Seconds until pytest and pytest-benchmark are loaded."""
USUAL = 0.05
"""Seconds of a request, as long as nobody knows better."""


def title(profile: Profile, _subject: Subject) -> str:
    """``latency without load: 50 requests to each of 3 endpoints, one after the other``."""
    rounds = profile.baseline.rounds if profile.baseline else 0
    count = len(_unloaded.named(profile))
    return f"latency without load: {rounds} requests to each of {count} endpoints, one after the other"


def seconds(profile: Profile, _subject: Subject) -> float:
    """As long as ordinary requests take."""
    rounds = profile.baseline.rounds if profile.baseline else 0
    return START + USUAL * rounds * len(_unloaded.named(profile))


def run(bench: Bench, _subject: Subject) -> Baselines:
    """Measure, compare with the last run of this class, and save."""
    session = bench.session
    identity = drivers.load(session.profile.target.driver).identity(session)
    machine = machine_of(session, bench.runtime)
    class_ = _unloaded_store.class_of(session.profile, machine)
    folder = _unloaded_store.folder_for(session.profile, identity)
    hardware = machine if isinstance(machine, Missing) else _in_a_line(machine.attested())
    told = {
        "machine": hardware if isinstance(hardware, str) else "not seen",
        "class": class_,
        "about": {"profile": session.profile.profile},
    }
    place = Path(tempfile.mkdtemp(prefix=".measuring-", dir=folder))
    try:
        found, names = _unloaded.measured(session, told, place, bench.say)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    before: tuple[str, dict[str, tuple[float, ...]]] | Missing | None
    file: str | Missing
    try:
        before = _unloaded_store.last(folder, class_)
    except CouldNotLook as why:
        before = Missing(why.reason, why.right)
    try:
        file = (
            str(_unloaded_store.saved(folder, class_, found.text)) if found.seconds else Missing("nothing was measured")
        )
    except CouldNotLook as why:
        file = Missing(why.reason, why.right)
    return Baselines(
        class_,
        tuple(_one(name, found, before) for name in names),
        file,
        before[0] if isinstance(before, tuple) else "",
        tuple(_one(name, found, before) for name in _unloaded.CONTROL),
        hardware,
    )


def _in_a_line(attested: tuple[tuple[str, str], ...]) -> str:
    told = dict(attested)
    return ", ".join(told[name] for name in ("architecture", "processors", "memory"))


def _one(name: str, found: Measured, before: tuple[str, dict[str, tuple[float, ...]]] | Missing | None) -> Unloaded:
    """One request, this time and the last."""
    failed = found.failed.get(name, "")
    none = Missing(f"{name} was not answered as declared: {failed}") if failed else Missing(f"{name} was not measured")
    return Unloaded(
        name,
        found.seconds.get(name) or found.missing.get(name, none),
        before[1].get(name) if isinstance(before, tuple) else before,
        failed,
    )
