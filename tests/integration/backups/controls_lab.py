"""Round trips of a folder between two scratch folders, by procedures that a test writes, and what the suite says of each."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import suites
from seatrial.catalogue import catalogue
from seatrial.drills import damaging
from seatrial.drills.controls import controls
from seatrial.drills.hands import StageHands
from seatrial.drills.places import staged
from seatrial.drills.stores import open_store
from seatrial.drills.trip import Trip
from seatrial.drivers import Session
from seatrial.experiments._handless import Handless
from seatrial.experiments._roundtrip import record
from seatrial.facts.backups.controls_judged import JudgedControls, JudgedVerification
from seatrial.facts.backups.drill import Drill
from seatrial.facts.backups.drill_judged import RoundTrip
from seatrial.outcomes import Tier
from seatrial.profile.loading import load
from seatrial.profile.references import References
from seatrial.words import CouldNotLook, Missing
from tests.conftest import RECORDED

__all__ = ["GOOD", "HEAD", "Verdicts", "controlled", "left", "round_trip"]

REQUIREMENTS = {
    requirement.id: (requirement, function)
    for requirement, function in catalogue(suites)
    if requirement.noun in ("drill", "control", "verification")
}
KEYS = {"backup": "command", "restore": "restore", "verify": "verify"}
DATA = "/srv/seatrial-notes"
HEAD = "#!/bin/bash\nset -euo pipefail\n"
GOOD = {
    "backup": HEAD
    + """umask 077
new="$BACKUP_DIR/.new"
# Before tar, whose own child may still make the archive when tar itself has given up.
[ -d /srv/seatrial-notes ] || { echo "/srv/seatrial-notes is not there" >&2; exit 1; }
trap 'rm -f "$new"' EXIT
tar -czf "$new" -C /srv/seatrial-notes .
name="notes-$(date +%s).tar.gz"
mv "$new" "$BACKUP_DIR/$name"
(cd "$BACKUP_DIR" && sha256sum "$name" > "$name.sha256")
""",
    "restore": HEAD
    + """[ -s "$BACKUP_FILE" ] || { echo "$BACKUP_FILE is empty, or not there" >&2; exit 1; }
(cd "$BACKUP_DIR" && sha256sum --quiet -c "$BACKUP_FILE.sha256")
tar -xpzf "$BACKUP_FILE" -C /srv/seatrial-notes
""",
    "verify": HEAD
    + 'tar -tzf "$BACKUP_FILE" > /dev/null\ncd "$BACKUP_DIR"; sha256sum --quiet -c "$BACKUP_FILE.sha256"\n',
}
"""Procedures that conform."""


class _Disturber:
    """Does acts and undoes them, without a journal: what a journal keeps is tested elsewhere."""

    broken = None

    def __init__(self, hands: StageHands) -> None:
        self.hands = hands

    @contextlib.contextmanager
    def disturbed(self, *acts: Any) -> Iterator[None]:
        done = []
        try:
            for act in acts:
                done.append(act)
                self.hands.do(act)
            yield
        finally:
            for act in reversed(done):
                self.hands.undo(act)


@dataclass
class Verdicts:
    """What every requirement came to on one drill."""

    drill: Drill
    outcomes: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def of(self, *outcomes: str) -> list[str]:
        """Requirements with one of these."""
        return sorted(id for id, outcome in self.outcomes.items() if outcome in outcomes)

    @property
    def red(self) -> list[str]:
        """All that are not as they should be."""
        return self.of("violation", "advisory")

    def controls(self, kind: str, of: str = "restore") -> list[Any]:
        """Controls of one kind."""
        return [each for each in self.drill.controls if (each.kind, each.of) == (kind, of)]


def profile(folder: Path, procedures: dict[str, str], drill: dict[str, Any], changes: dict[str, Any]) -> Path:
    """Write a profile of that backup, and its procedures beside it."""
    for name, text in procedures.items():
        (folder / f"{name}.sh").write_text(text)
    stage = {"prepare": ["mkdir", "-p", DATA]}
    node = {
        "files": {"path": "backup", "match": "notes-*", "checksum": "{name}.sha256"},
        "store": {"files": {"path": DATA}},
        "drill": {"source": stage, "target": stage, "seed": "20KiB", "writes": False, **drill},
        **{key: {"script": f"{name}.sh"} for name, key in KEYS.items() if name in procedures},
        **changes,
    }
    told = {
        "profile": "notes", "environment": "test", "target": {"driver": "http"},
        "services": {"api": {"url": "http://127.0.0.1:1"}}, "backups": {"notes": node},
    }  # fmt: skip
    (folder / "notes.yaml").write_text(json.dumps(told, indent=1))
    return folder / "notes.yaml"


def _opened(folder: Path, drill: Any, changes: Any, procedures: dict[str, str]) -> tuple[Any, Any]:
    """The bench and the backup of a profile that is written for it."""
    texts = {name: text for name, text in {**GOOD, **procedures}.items() if text}
    file = profile(folder, texts, drill or {}, changes or {})
    loaded = load(str(file))
    references = References(os.environ, folder)
    session = Session(loaded.profile, folder, references.resolve, Tier.write, references.mask, key=f"test {file}")
    hands = StageHands(session, Handless("http"))
    bench: Any = SimpleNamespace(session=session, hands=hands, disturber=_Disturber(hands), asks=lambda *_: True)
    return bench, loaded.profile.backups["notes"]  # type: ignore[index]


def round_trip(folder: Path, *, drill: Any = None, changes: Any = None, **procedures: str) -> Verdicts:
    """Make one drill as a run does, in this process, and judge all of it.

    Args:
        folder: for the profile.
        drill: more of `drill`.
        changes: more of the backup.
        procedures: in place of those of `GOOD`, by name; empty text for none.
    """
    bench, node = _opened(folder, drill, changes, procedures)
    with tempfile.TemporaryDirectory() as scratch:
        made = record(bench, node, "notes", Path(scratch), dt.datetime.now(dt.UTC).isoformat())
    return judged(made, node, "drill", "control", "verification")


def controlled(folder: Path, *kinds: str, drill: Any = None, changes: Any = None, **procedures: str) -> Verdicts:
    """Some kinds of controls of a drill and nothing else of it: a round trip without what others look at, and so a quick one."""
    bench, node = _opened(folder, drill, changes, procedures)
    with (
        tempfile.TemporaryDirectory() as scratch,
        staged(bench.session, bench.disturber, bench.hands, node.drill.source, role="source") as source,
    ):
        store = open_store(source, node.store)
        store.ready()
        trip = Trip(bench.session, bench, node, "notes", source, store, Path(scratch))
        store.seed(node.drill.seed.bytes)
        content = store.content()
        backed_up, artifact = trip.back_up()
        assert backed_up.ok, backed_up
        with trip.target() as (place, _):
            verified = trip.verify(place, artifact) if node.verify is not None else None
        found: Any
        try:
            found = controls(trip, artifact, content, kinds or None)
        except CouldNotLook as why:
            found = Missing(why.reason, why.right)
        made = Drill(
            backup="backups.notes", store="files", source="source", target="target", began="", seconds=trip.now, steps=tuple(trip.steps),
        )  # fmt: skip
    return judged(replace(made, verified=verified, controls=found), node, "control", "verification")


def judged(made: Drill, node: Any, *of: str) -> Verdicts:
    """What every requirement of some nouns says of one drill."""
    id, found = "backups.notes.drill", Verdicts(made)
    nouns = {
        "drill": RoundTrip(id, node, made),
        "control": JudgedControls(id, made.backup, made.controls),
        "verification": JudgedVerification(id, made.backup, made.verified, made.controls),
    }
    for name, (requirement, function) in REQUIREMENTS.items():
        if requirement.noun not in of or (requirement.noun == "verification" and node.verify is None):
            continue
        if any(not _declared(node, key) for key in requirement.needs.split("|") if key):
            continue
        RECORDED.clear()
        try:
            function(nouns[requirement.noun])
        except AssertionError:
            found.outcomes[name] = "violation" if requirement.level.binding else "advisory"
            found.texts[name] = "\n".join(RECORDED[-1].seen)
        except CouldNotLook as why:
            found.outcomes[name], found.texts[name] = "error", f"{why}"
        else:
            found.outcomes[name] = "pass"
    return found


def _declared(node: Any, dotted: str) -> bool:
    for key in dotted.split("."):
        node = getattr(node, key, None)
    return bool(node)


def left(folder: Path, *, drill: Any = None, **procedures: str) -> str:
    """What comes of what a backup procedure leaves: what is carried of it, or why it is not."""
    bench, node = _opened(folder, drill, {}, procedures)
    with (
        tempfile.TemporaryDirectory() as scratch,
        staged(bench.session, bench.disturber, bench.hands, node.drill.source, role="source") as source,
    ):
        store = open_store(source, node.store)
        trip = Trip(bench.session, bench, node, "notes", source, store, Path(scratch))
        try:
            ran, artifact = trip.back_up()
            told = f"ended with {ran.status}: {ran.complained[-300:]}"
            if artifact.exists():
                carried = sorted(
                    f"{'link ' if each.is_symlink() else ''}{each.relative_to(artifact)} {each.lstat().st_size}"
                    for each in artifact.rglob("*")
                )
                damaging.Working(artifact, Path(scratch, "copy"))
                with trip.target() as (place, _):
                    ran = trip.restore(place, artifact)
                told += f"; carried {carried}; restore ended with {ran.status}: {ran.complained[-300:]}"
        except CouldNotLook as why:
            return f"not looked: {why}"
        return told
