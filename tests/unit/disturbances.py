"""A target that exists in memory alone, for tests of what keeps targets safe."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from seatrial.safety.acts import Act
from seatrial.safety.journal import Journal
from seatrial.words import CouldNotLook

__all__ = ["HEAD", "FakeHands", "act", "begun"]

HEAD = {"driver": "fake", "identity": "machine-1", "target": "shop", "hands": {}}


def act(name: str = "redis", kind: str = "hang", **wanted: Any) -> Act:
    return Act(kind, name, f"pid 7 ({name})", name, f"{kind} by a signal", {}, wanted)


def begun(folder: Path, **more: Any) -> Journal:
    """A journal of this process."""
    return Journal(folder / f"run-{len(list(folder.glob('*.jsonl')))}.jsonl", {**HEAD, **more})


class FakeHands:
    """Remembers what stands, in the order it was done."""

    def __init__(self) -> None:
        self.standing: list[str] = []
        self.log: list[str] = []
        self.refuses: set[str] = set()
        """Names that can't be done."""
        self.stuck: set[str] = set()
        """Names that can't be undone."""
        self.slow = 0.0
        """Seconds an undoing takes."""
        self.residue = ""
        self.later: dict[str, float] = {}
        """By name, when an act that was asked for takes effect though nobody waits for it any more."""
        self.journal: Journal | None = None

    def do(self, one: Act) -> None:
        if self.journal is not None:  # the note is on disk before the act
            last = json.loads(self.journal.file.read_text().splitlines()[-1])
            assert last["act"]["object"] == one.object
        if one.object in self.refuses:
            raise CouldNotLook("the engine said no")
        self.standing.append(one.object)
        self.log.append(f"do {one.object}")

    def undo(self, one: Act) -> None:
        time.sleep(self.slow)
        self._settle()
        if one.object in self.stuck:
            raise CouldNotLook("the engine does not answer")
        if one.object in self.standing:
            self.standing.remove(one.object)
            self.log.append(f"undo {one.object}")

    def left(self, one: Act) -> str:
        self._settle()
        return "still held" if one.object in self.standing else ""

    def _settle(self) -> None:
        for name, at in list(self.later.items()):
            if time.monotonic() >= at:
                self.standing.append(name)
                del self.later[name]

    def inventory(self) -> dict[str, str]:
        return {"redis": "held" if self.standing else "running", **({"leftover": self.residue} if self.residue else {})}

    def told(self) -> dict[str, Any]:
        return {}

    # Of a driver module.

    def identity(self, _session: object) -> str:
        return "machine-1"

    def hands(self, _session: object) -> FakeHands:
        return self

    def hands_again(self, _session: object, _told: dict[str, Any]) -> FakeHands:
        return self
