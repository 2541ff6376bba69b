"""What a profile must declare for a requirement to apply: asked of the nouns, with a profile that declares everything."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seatrial.profile.model import Profile
    from seatrial.profile.subjects import Subject
    from seatrial.requirement import Requirement

__all__ = ["EVERYTHING", "Declared", "declared", "waiver"]

EVERYTHING = Path(__file__).with_name("everything.yaml")


@dataclass(frozen=True, slots=True)
class Declared:
    """Where in a profile the subjects of a requirement stand."""

    drivers: tuple[str, ...]
    """Drivers under which there are such subjects."""
    keys: tuple[tuple[str, str], ...]
    """Places in the profile, with NAME for what a profile names itself, and what is said there."""
    subjects: tuple[str, ...]
    """As a waiver names them."""


@cache
def _profiles() -> dict[str, Profile]:
    """The profile that declares everything, under each driver that there is."""
    from seatrial import drivers
    from seatrial.profile.loading import load

    profile = load(EVERYTHING).profile
    return {
        name: profile.model_copy(update={"target": profile.target.model_copy(update={"driver": name})})
        for name in drivers.available()
    }


def declared(requirement: Requirement) -> Declared:
    """Keys, drivers and subjects of a requirement."""
    from seatrial.profile.problems import dotted
    from seatrial.profile.subjects import subjects

    found: dict[str, list[Subject]] = {}
    for driver, profile in _profiles().items():
        chosen, _ = subjects(profile, requirement.noun, requirement.needs)
        if chosen:
            # The other services are there to be depended on.
            found[driver] = [s for s in chosen if s.path[:1] != ("services",) or s.path[1] == "NAME"]
    keys: dict[str, str] = {}
    names: dict[str, None] = {}
    for subject in [subject for chosen in found.values() for subject in chosen]:
        names[subject.id] = None
        for need in requirement.needs.split("|"):
            if not need or _has(subject.node, need):
                path = (*subject.path, *filter(None, need.split(".")))
                keys[dotted(path)] = _meaning(path)
    return Declared(tuple(found), tuple(keys.items()), tuple(names))


def _has(node: Any, need: str) -> bool:
    for key in need.split("."):
        node = getattr(node, key, None)
    return node is not None


def _meaning(path: tuple[str | int, ...]) -> str:
    """What the last key on a path is for, where the grammar knows it."""
    from seatrial.profile.describing import meaning
    from seatrial.profile.model import Node

    node: Any = next(iter(_profiles().values()))
    told = ""
    for key in path:
        if isinstance(node, Node) and isinstance(key, str):
            told = meaning(type(node), key)
            node = getattr(node, key, None)
        else:
            node = dict(enumerate(node) if isinstance(node, list) else node or {}).get(key)
    return told


def waiver(requirement: Requirement, expires: str) -> str:
    """A waiver of the requirement, as it would be written into a profile."""
    subject = next(iter(declared(requirement).subjects), "NAME")
    written = subject if not set(subject) & set("{}[],:#&*!|>'\"%@`") else f"'{subject}'"
    return (
        "waivers:\n"
        f"  - requirement: {requirement.id}\n"
        f"    subject: {written}\n"
        "    reason: why it can't be mended yet\n"
        '    owner: "@who-answers-for-it"\n'
        f"    expires: {expires}\n"
    )
