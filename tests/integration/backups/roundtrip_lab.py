"""One round trip of scripts of a test's own, made as a run makes it, and what every requirement says of it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock

import suites
from seatrial.catalogue import catalogue
from seatrial.drivers import Session
from seatrial.experiments import perform
from seatrial.facts.backups.drill import Drill
from seatrial.facts.backups.drill_judged import RoundTrip
from seatrial.facts.runtime import Observations
from seatrial.observe import facts_text, read_facts
from seatrial.outcomes import Tier
from seatrial.profile.loading import load
from seatrial.profile.references import References
from seatrial.profile.subjects import NOUNS
from seatrial.requirement import Requirement
from seatrial.words import CouldNotLook, Missing, seen
from tests.conftest import RECORDED

__all__ = ["IDS", "Trips", "profile"]

REQUIREMENTS: dict[str, tuple[Requirement, Any]] = {
    requirement.id: (requirement, function)
    for requirement, function in catalogue(suites)
    if requirement.noun == "drill" and requirement.area == "backups"
}
IDS = sorted(REQUIREMENTS)


def profile(folder: Path, scripts: Mapping[str, str], **changes: Any) -> Path:
    """Write scripts, and a profile of one backup that they make and restore.

    Args:
        folder: where.
        scripts: by the key of the backup they are for: ``command``, ``restore``.
        changes: keys of the backup; of its drill, those that begin with ``drill_``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    given: dict[str, Any] = {}
    for key, text in scripts.items():
        (folder / f"{key}.sh").write_text(text)
        given[key] = {"script": f"{key}.sh", "interpreter": "bash"}
    stage = {"prepare": ["mkdir", "-p", "/srv/notes", "/var/backups/notes"], "within": "10s"}
    drill: dict[str, Any] = {"source": stage, "target": stage, "seed": "200KiB", "writes": False}
    drill |= {key.removeprefix("drill_"): value for key, value in changes.items() if key.startswith("drill_")}
    drill = {key: value for key, value in drill.items() if value is not None}
    backup = {
        "files": {"path": "/var/backups/notes", "match": "*.tar.gz"},
        "store": {"files": {"path": "/srv/notes"}},
        "rpo": "24h",
        "rto": "1h",
        "schedule": {"every": "6h"},
        **given,
        "drill": drill,
        **{key: value for key, value in changes.items() if not key.startswith("drill_")},
    }
    told = {
        "profile": "notes", "environment": "test", "target": {"driver": "http"}, "services": {"notes": {"url": "http://127.0.0.1:1"}},
        "backups": {"notes": {key: value for key, value in backup.items() if value is not None}},
    }  # fmt: skip
    (folder / "notes.yaml").write_text(json.dumps(told, indent=1))
    return folder / "notes.yaml"


def _observed(file: Path) -> tuple[Observations, list[str]]:
    loaded = load(file)
    references = References(os.environ, file.parent)
    session = Session(loaded.profile, file.parent, references.resolve, Tier.write, references.mask, key=f"test {file}")
    observed = Observations(taken="2026-11-21T10:00:00.000+00:00", runtime=Missing("not looked at"))
    told: list[str] = []
    subjects = list(NOUNS["drill"].find(loaded.profile))
    # Controls have live tests of their own, and take a restore each.
    with mock.patch("seatrial.drills.controls.controls", return_value=()):
        perform(session, observed.runtime, subjects, lambda _: None, {"drills": observed.drills}, told)
    return observed, told


@dataclass
class Trips:
    """What every requirement of the round trip came to on one drill."""

    file: Path
    observed: Observations
    outcomes: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    @property
    def drill(self) -> Drill:
        """The drill."""
        (found,) = self.observed.drills.values()
        return seen(found)

    def of(self, *outcomes: str) -> list[str]:
        """Requirements with one of these."""
        return sorted(id for id, outcome in self.outcomes.items() if outcome in outcomes)

    @property
    def red(self) -> list[str]:
        """Requirements that are not kept."""
        return self.of("violation", "advisory")

    @classmethod
    def made(cls, file: Path) -> Trips:
        """Make the drill of a profile as a run does, in this process, and judge it."""
        return cls._told(file, *_observed(file))

    @classmethod
    def all(cls, files: Mapping[str, Path]) -> dict[str, Trips]:
        """The same for several profiles, a few at a time, each in a process of its own as in a run."""
        with ProcessPoolExecutor(4, get_context("spawn")) as pool:
            made = dict(zip(files, pool.map(_observed, files.values()), strict=True))
        return {name: cls._told(files[name], *found) for name, found in made.items()}

    @classmethod
    def _told(cls, file: Path, observed: Observations, told: list[str]) -> Trips:
        made = cls.judged(file, observed)
        made.told = told
        return made

    def again(self, folder: Path) -> Trips:
        """The verdicts of a replay."""
        about = {"profile": {"sha256": "", "file": str(self.file)}}
        (folder / "facts.json").write_text(facts_text(self.observed, about))
        return self.judged(self.file, read_facts(str(folder / "facts.json"))[0])

    @classmethod
    def judged(cls, file: Path, observed: Observations) -> Trips:
        """Verdicts from facts alone."""
        made = cls(file, observed)
        (subject,) = NOUNS["drill"].find(load(file).profile)
        for id, (requirement, function) in REQUIREMENTS.items():
            RECORDED.clear()
            try:
                function(RoundTrip(subject.id, subject.node, seen(observed.drills[subject.id])))
            except AssertionError:
                made.outcomes[id] = "violation" if requirement.level.binding else "advisory"
                made.texts[id] = "\n".join(RECORDED[-1].seen)
            except CouldNotLook as why:
                made.outcomes[id], made.texts[id] = "error", f"{why}"
            else:
                made.outcomes[id] = "pass"
        return made
