"""What is kept, through commands: one writes what comes on its standard input, one prints, one lists, one removes."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from seatrial.drills.stores import Item
from seatrial.drills.stores import _named as named
from seatrial.drills.stores._named import Named, One
from seatrial.words import CouldNotLook, Duration

if TYPE_CHECKING:
    from seatrial.drills.place import Place, Result
    from seatrial.profile.backing import CommandStore

__all__ = ["KEY", "SECONDS", "Commanded", "open"]

KEY = "command"
SECONDS = 30.0
EACH = 60.0
LONGEST = 300.0
"""Seconds for which objects are read."""
MOST = 100_000
_NONE = (126, 127)
"""What a shell ends with when a program is not there, or can't be run."""


def open(place: Place, node: CommandStore) -> Commanded:
    """What the commands of that node reach, in a place."""
    return Commanded(place, node)


class Commanded(Named):
    """What is reached by commands."""

    KEY = KEY

    def __init__(self, place: Place, node: CommandStore) -> None:
        super().__init__(place)
        self.node = node

    def told(self) -> str:
        """By the program that writes."""
        return f"{self.node.write[0]} in {self.place.name}"

    def _run(self, command: Sequence[str], name: str = "", content: bytes = b"") -> Result:
        """One command, about one object.

        Raises:
            CouldNotLook: the program is not there, or does not end.
        """
        done = self.place.run(list(command), stdin=content, environment={"NAME": name}, within=EACH)
        if done.status in _NONE:
            raise CouldNotLook(f"{command[0]} can't be run in {self.place.name}: {self._said(done)}", right=command[0])
        return done

    def _said(self, done: Result) -> str:
        lines = (done.error or done.output).decode("utf-8", "replace").strip().splitlines()
        return str(self.place.session.redact(self.place.session.mask(lines[-1][:300]))) if lines else f"{done.status}"

    def write(self, ones: Sequence[One]) -> dict[str, str]:
        """A command that fails refuses."""
        refused: dict[str, str] = {}
        for one in ones:
            done = self._run(self.node.write, one.name, one.content)
            if done.status:
                refused[one.name] = self._said(done)
        return refused

    def look(self, names: Collection[str]) -> dict[str, Item]:
        """By what is printed of each."""
        found: dict[str, Item] = {}
        end = time.monotonic() + LONGEST
        for number, name in enumerate(names):
            if time.monotonic() > end:
                raise CouldNotLook(f"{number} of {len(names)} objects were read within {Duration(LONGEST)}")
            done = self._run(self.node.read, name)
            if not done.status:
                found[name] = named.item(done.output)
        return found

    def names(self) -> set[str] | None:
        """One a line."""
        if self.node.names is None:
            return None
        done = self._run(self.node.names)
        if done.status:
            raise CouldNotLook(f"{self.node.names[0]} does not list: {self._said(done)}")
        lines = done.output.decode("utf-8", "surrogateescape").split("\n")
        if len(lines) > MOST:
            raise CouldNotLook(f"{self.node.names[0]} lists more than {MOST:,} objects")
        return {line for line in lines if line}

    def held(self, names: Sequence[str]) -> dict[str, str]:
        """Without the newline that a program may add."""
        read = {name: self._run(self.node.read, name) for name in names}
        return {name: done.output.decode("utf-8", "replace").strip() for name, done in read.items() if not done.status}

    def removes(self) -> bool:
        """Where that is declared."""
        return self.node.remove is not None

    def remove(self, names: Collection[str]) -> None:
        """One by one, where that is declared; one that is not there may be refused."""
        if self.node.remove is not None:
            for name in names:
                self._run(self.node.remove, name)
