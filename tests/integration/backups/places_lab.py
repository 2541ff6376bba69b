"""Scratch places without the rest of a run, and a run that is killed while it has some."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seatrial.drills.hands import StageHands
from seatrial.drills.places import staged
from seatrial.drills.places.local import local_folder
from seatrial.drivers import Session
from seatrial.experiments._handless import Handless
from seatrial.outcomes import Tier
from seatrial.profile.loading import load
from seatrial.profile.references import References

__all__ = ["IMAGE", "Disturber", "declared", "placed", "script", "session_of"]

IMAGE = "seatrial-lab/base:1"


def declared(base: Path, *, target: Any = None, services: Any = None, **more: Any) -> Path:
    """Write a profile with a drill between a folder and a container; more of that backup goes before."""
    backup = {
        "command": ["true"], "restore": ["true"], "store": {"files": {"path": "/srv/notes"}},
        "drill": {"source": {}, "target": {"image": IMAGE, "command": ["sleep", "600"]}}, **more,
    }  # fmt: skip
    told = {
        "profile": "places", "environment": "test", "target": target or {"driver": "process"},
        "services": services or {"notes": {}},
        "backups": {"notes": backup},
    }  # fmt: skip
    (base / "places.yaml").write_text(json.dumps(told, indent=1))
    return base / "places.yaml"


class Disturber:
    """Does acts and undoes them, without a journal."""

    def __init__(self, hands: StageHands) -> None:
        self.hands = hands
        self.left: list[str] = []

    @contextlib.contextmanager
    def disturbed(self, *acts: Any) -> Iterator[None]:
        """Acts for a block."""
        try:
            for act in acts:
                self.hands.do(act)
            yield
        finally:
            for act in acts:
                self.hands.undo(act)
                self.left.append(self.hands.left(act))


def session_of(file: Path) -> Session:
    """A session of tier write for a profile."""
    references = References(os.environ, file.parent)
    return Session(load(file).profile, file.parent, references.resolve, granted=Tier.write)


@contextlib.contextmanager
def placed(base: Path, **stage: Any) -> Iterator[Any]:
    """A stage as a profile declares it; that nothing is left of it afterwards is looked at."""
    more = stage.pop("backup", {})
    session = session_of(declared(base, **{**more, "drill": {"target": stage}}))
    hands = StageHands(session, Handless("process"))
    disturber = Disturber(hands)
    node = session.profile.backups["notes"].drill.target  # type: ignore[index,union-attr]
    try:
        with staged(session, disturber, hands, node) as place:  # type: ignore[arg-type]
            yield place
    finally:
        assert disturber.left == ["" for _ in disturber.left]


def script(base: Path, text: str, name: str = "backup.sh", **more: Any) -> Any:
    """A script beside the profile, as a procedure of it."""
    (base / name).write_text(text)
    backups = load(declared(base, command={"script": name, **more})).profile.backups
    return backups["notes"].command  # type: ignore[index,union-attr]


def run_to_be_killed(base: Path) -> None:
    """A run's disturber, journal and guardian, with a folder and a container, each with a program in it."""
    from seatrial import drivers
    from seatrial.experiments._keeping import kept
    from seatrial.safety import journal as journals

    session = session_of(declared(base))
    session.key = "places"
    drill = session.profile.backups["notes"].drill  # type: ignore[index]
    hands = StageHands(session, Handless("process"))
    with (
        journals.held(session.key) as session.lock,
        kept(session, drivers.load("process"), hands, print, []) as disturber,
        local_folder(disturber, hands) as local,
        staged(session, disturber, hands, drill.source, role="source") as folder,
        staged(session, disturber, hands, drill.target) as container,
    ):
        folder.run(["sh", "-c", f"sleep 599.{os.getpid()} >/dev/null 2>&1 & echo x > /srv/notes-was-here"])
        (local / "deep").mkdir(mode=0)
        Path(tempfile.mkdtemp()).joinpath("artifact").write_text("data")
        print(container.id, os.getpid(), local, flush=True)
        time.sleep(600)


def seeding_to_be_killed(base: Path) -> None:
    """A run that has just written sentinels to the deployment."""
    from seatrial import drivers
    from seatrial.drills.places import deployment
    from seatrial.drills.stores import open_store
    from seatrial.experiments._keeping import kept
    from seatrial.safety import journal as journals

    store = {"files": {"path": str(base / "data")}}
    session = session_of(declared(base, store=store, drill={"target": {}}))
    session.key = "places"
    hands = StageHands(session, Handless("process"))
    with (
        journals.held(session.key) as session.lock,
        kept(session, drivers.load("process"), hands, print, []) as disturber,
        disturber.disturbed(*hands.acts("seed", "notes", backup="notes")),
    ):
        open_store(deployment(session, hands), session.profile.backups["notes"].store).seed(10_000)  # type: ignore[index]
        print("seeded", flush=True)
        time.sleep(600)


if __name__ == "__main__":
    {"places": run_to_be_killed, "seed": seeding_to_be_killed}[sys.argv[1]](Path(sys.argv[2]))
