"""What a profile must declare for a requirement to apply: asked of the nouns, with a profile that declares everything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seatrial.profile.model import Profile
    from seatrial.profile.subjects import Subject
    from seatrial.requirement import Requirement

__all__ = ["EVERYTHING", "Declared", "declared", "waiver"]

_OTHERS = (("services", "OTHER"), ("services", "OPTIONAL"))
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
    lacking: str
    """What a run says where nothing of it is declared."""


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
    from seatrial.profile.subjects import NOUNS, subjects

    found: dict[str, list[Subject]] = {}
    for driver, profile in _profiles().items():
        chosen, _ = subjects(profile, requirement.noun, requirement.needs)
        # The other services are there to be depended on, or for what the first one is not.
        if chosen:
            found[driver] = [s for s in chosen if s.path[:2] not in _OTHERS] or chosen
    keys: dict[str, str] = {}
    names: dict[str, None] = {}
    for subject in [subject for chosen in found.values() for subject in chosen]:
        names[re.sub(r"^(OTHER|OPTIONAL)\b", "NAME", subject.id)] = None
        path = _path(subject) if requirement.needs else subject.path
        for need in requirement.needs.split("|"):
            told = _meaning((*path, *filter(None, need.split("."))))
            if told is not None:
                where = ("services", "NAME", *path[2:]) if path[:2] in _OTHERS else path
                keys[dotted((*where, *filter(None, need.split("."))))] = told
    noun = NOUNS[requirement.noun]
    lacking = f"no {noun.word} declares {requirement.needs.replace('|', ' or ')}" if requirement.needs else noun.lacking
    return Declared(tuple(found), tuple(keys.items()), tuple(names), lacking)


def _path(subject: Subject) -> tuple[str | int, ...]:
    """Where the node of a subject stands, which is what a requirement needs more keys of: where the subject is declared, or
    above that.
    """
    return next(
        (path for end in range(len(subject.path), 0, -1) if _node(path := subject.path[:end]) == subject.node),
        subject.path,
    )


def _node(path: tuple[str | int, ...]) -> Any:
    """What stands at a path of the profile that declares everything; None where nothing does."""
    node: Any = next(iter(_profiles().values()))
    for key in path:
        if isinstance(node, list):
            node = node[int(key)]
        else:
            node = node.get(key) if isinstance(node, dict) else getattr(node, str(key), None)
    return node


def _meaning(path: tuple[str | int, ...]) -> str | None:
    """What the last key on a path is for, where the grammar says it; None where nothing is declared."""
    from seatrial.profile.describing import meaning
    from seatrial.profile.model import Node

    node: Any = next(iter(_profiles().values()))
    told = ""
    for key in path:
        if isinstance(node, Node):
            told = meaning(type(node), str(key))
            node = getattr(node, str(key), None)
        else:  # a mapping of names or a list, of which ``*`` is any entry
            entries = dict(enumerate(node)) if isinstance(node, list) else node
            node = next(iter(entries.values()), None) if key == "*" else entries.get(key)
        if node is None:
            return None
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
