"""Experiments: a target is disturbed, one experiment at a time, and watched. One module each, found by scanning this package.

An experiment module has

``NOUNS``
    the nouns whose subjects it makes an experiment for;
``ORDER``
    when its turn comes; what harms least comes first;
``seconds(profile, subject)``
    how long it is expected to take, for ``--plan`` and for progress;
``title(profile, subject)``
    what it is, in a few words: ``api while redis hangs``;
``run(bench, subject) -> Timeline``
    does it, by the bench alone; raises `CouldNotLook`;
``PART`` (optional, ``experiments``)
    the field of `Observations` that takes what it gives: ``drills`` for a `Drill` in place of a `Timeline`, ``maintained``, ``loads``;
``key(subject) -> str`` (optional, the subject's id)
    what it is kept under, where subjects of several ids share one experiment;
``TIER`` (optional)
    what a run must be granted for it, when less than disrupt is enough: its tests say the same.

Subjects of the same id share one experiment. Nothing is judged here: facts derive findings from the timeline.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Duration, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.model import Profile
    from seatrial.profile.subjects import Subject

__all__ = ["PARTS", "expected", "experiments", "nouns", "perform"]

PARTS = ("experiments", "drills", "maintained", "loads", "baselines")
"""Fields of `Observations` that experiments fill."""


def experiments() -> list[ModuleType]:
    """The experiment modules there are, in the order of their turns."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return sorted(modules, key=lambda module: module.ORDER)


def nouns() -> frozenset[str]:
    """The nouns that some experiment is about."""
    return frozenset(noun for module in experiments() for noun in module.NOUNS)


def _wanted(subjects: Iterable[Subject]) -> Iterator[tuple[ModuleType, Subject]]:
    """Each experiment once, in the order they are made."""
    by_noun: dict[str, dict[str, Subject]] = {}
    for subject in subjects:
        by_noun.setdefault(subject.noun, {})[subject.id] = subject
    made: set[str] = set()
    for module in experiments():
        for noun in module.NOUNS:
            for subject in by_noun.get(noun, {}).values():
                if (key := _key(module, subject)) not in made:
                    made.add(key)
                    yield module, subject


def _key(module: ModuleType, subject: Subject) -> str:
    found: str = module.key(subject) if hasattr(module, "key") else subject.id
    return found


def expected(profile: Profile, subjects: Iterable[Subject]) -> list[tuple[str, float]]:
    """What would be done, and how many seconds each is expected to take; nothing is contacted."""
    return [(module.title(profile, subject), module.seconds(profile, subject)) for module, subject in _wanted(subjects)]


def perform(
    session: Session,
    runtime: Runtime | Missing,
    subjects: Iterable[Subject],
    say: Callable[[str], None],
    parts: dict[str, dict[str, Any]],
    told: list[str],
) -> None:
    """Make every experiment that some subject needs.

    Args:
        session: what the run lets its drivers do.
        runtime: what ran before.
        subjects: of the tests that were collected.
        say: is told what begins.
        parts: takes each record under its part and its subject's id as soon as it is there, so that a run that is cut short
            has them.
        told: takes what a reader of the whole run must know, however it ends: what is not as it was found.
    """
    from seatrial.experiments._bench import bench

    subjects = list(subjects)
    wanted = [(m, subject) for m, subject in _wanted(subjects) if getattr(m, "TIER", Tier.disrupt) <= session.granted]
    waiting = [(_part(parts, module), _key(module, subject)) for module, subject in wanted]
    for found, id in waiting:
        found[id] = Missing("the run ended before this experiment began")
    if not wanted:
        return
    left = sum(module.seconds(session.profile, subject) for module, subject in wanted)
    say(f"{len(wanted)} experiments, about {Duration(round(left))}")
    try:
        with bench(session, runtime, say, told, frozenset((each.noun, each.id) for each in subjects)) as made:
            for number, (module, subject) in enumerate(wanted, 1):
                takes = module.seconds(session.profile, subject)
                say(
                    f"experiment {number} of {len(wanted)}: {module.title(session.profile, subject)}, "
                    f"about {Duration(round(takes))} (of {Duration(round(left))} left)"
                )
                left -= takes
                found, id = waiting.pop(0)
                with _kept(found, id):
                    found[id] = module.run(made, subject)
    except CouldNotLook as why:
        for found, id in waiting:
            found[id] = Missing(why.reason, why.right)


def _part(parts: dict[str, dict[str, Any]], module: ModuleType) -> dict[str, Any]:
    return parts[getattr(module, "PART", "experiments")]


@contextmanager
def _kept(found: dict[str, Any], id: str) -> Iterator[None]:
    """Trouble costs one experiment; the next one begins all the same, unless something could not be undone."""
    from seatrial.observe import own_trouble

    found[id] = Missing("the run was cut short while this experiment was made")
    try:
        yield
    except CouldNotLook as why:
        found[id] = Missing(why.reason, why.right)
    except Exception as trouble:  # noqa: BLE001 - told as an error of every test of this experiment
        found[id] = Missing(own_trouble(trouble))
    except BaseException as cut:  # a signal or the deadline: what was seen until then is kept, where it can stand alone
        found[id] = getattr(cut, "seen", found[id])
        raise
