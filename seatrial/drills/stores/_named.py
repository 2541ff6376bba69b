"""What stores of objects with a name and a content have in common: their sentinels, their writer, and how two of them are told apart."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.drills.stores import PREFIX, Content, Item
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drills.place import Place

__all__ = ["Named", "One", "item", "ours"]

PLACES = 4
PIECE = 48 * 1024
"""Bytes of one object of those that make up the amount."""
SLOWEST = 60.0
"""Seconds after which no more of them are written."""
PIECES = 2000
APPEARS = 10.0
"""Seconds within which what was acknowledged can be read."""
FEW = 3.0
"""...or, of a few among many, is kept under another name, or not at all."""
AGAIN = 0.2
OTHERS = 8
"""Stores that one is told apart from."""
_TEXT = "A sea trial is the last test of a ship before it is accepted.\n"
_OURS = re.compile(rf"{PREFIX}-[0-9a-f]{{6}}-")
_BESIDE = re.compile(_OURS.pattern + "(identity|usable)")
"""What is written to look at something else; it stays where nothing can be removed."""


@dataclass(frozen=True, slots=True)
class One:
    """An object that is written."""

    name: str
    what: str
    content: bytes
    about: tuple[tuple[str, str], ...] = ()
    """What else it is given, where the store has such a thing."""


def ours(name: str) -> bool:
    """Whether a name is one that only a run gives."""
    return bool(_OURS.match(name))


def item(content: bytes, what: str = "object", attributes: tuple[tuple[str, str], ...] = ()) -> Item:
    """An object by its content."""
    return Item(hashlib.sha256(content).hexdigest(), len(content), what, attributes)


class Named:
    """A store of named objects. What one kind of it does is in the methods that raise `NotImplementedError`."""

    KEY = ""
    places = PLACES
    binary = False
    """Whether an object may be any bytes."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._known: dict[str, str] = place.session.once(("drills", "names", self.KEY), dict)
        self._tag: str = place.session.once(("drills", "tag"), lambda: secrets.token_hex(3))
        self._identity = ""

    # --- what each kind does ---------------------------------------------------------------------------------------

    def write(self, ones: Sequence[One]) -> dict[str, str]:
        """Write objects; gives why, of those that were refused."""
        raise NotImplementedError

    def look(self, names: Collection[str]) -> dict[str, Item]:
        """Those of them that are there."""
        raise NotImplementedError

    def names(self) -> set[str] | None:
        """The names of all objects; None where they can't be listed."""
        raise NotImplementedError

    def held(self, names: Sequence[str]) -> dict[str, str]:
        """The contents of those that are there, as text."""
        raise NotImplementedError

    def remove(self, names: Collection[str]) -> None:
        """Remove objects, some of which may not be there; nothing is done where none can be removed."""
        raise NotImplementedError

    def removes(self) -> bool:
        """Whether objects can be removed at all."""
        return True

    def told(self) -> str:
        """What the store is called in messages."""
        raise NotImplementedError

    # --- what they have in common ------------------------------------------------------------------------------------

    def named(self, more: str) -> str:
        """A name of this run's own."""
        return f"{PREFIX}-{self._tag}-{more}"

    def identity(self) -> str:
        """Two stores are one when what is written through the one is read through the other."""
        if not self._identity:
            others: list[Named] = self.place.session.once(("drills", "stores", self.KEY), list)
            self._identity = next(
                (other._identity for other in others[-OTHERS:] if self._seen_by(other)), secrets.token_hex(8)
            )
            others.append(self)
        return self._identity

    def _seen_by(self, other: Named) -> bool:
        name = self.named(f"identity-{secrets.token_hex(4)}")
        if self.write([One(name, "", name.encode())]):
            return False
        try:
            return name in other.look([name])
        except (CouldNotLook, OSError):
            return False  # it is gone
        finally:
            self._take([name])

    def ready(self) -> None:
        """It is when it can be asked for an object, also one that it does not have."""
        if self.names() is None:
            self.look([self.named("nothing")])

    def seed(self, size: int) -> dict[str, str]:
        """Objects that differ in name, size and content."""
        made = list(self._ones())
        self._known |= {one.name: one.what for one in made}  # before: it is taken away also when this ends half way
        refused = self.write(made)
        told = {one.name: one.what for one in made if one.name not in refused}
        if not told:
            first = next(iter(refused.values()), "")
            raise CouldNotLook(f"{self.told()} takes none of {len(made)} objects: {first}")
        told |= self._pieces(size - sum(len(one.content) for one in made if one.name not in refused))
        return self._appeared(told)

    def _ones(self) -> Iterator[One]:
        for more, what, text in (
            ("plain.txt", "a text", _TEXT),
            ("one", "a text of one character", "x"),
            ("empty", "an empty text", ""),
            ("lines", "a text with empty lines and lines of DOS", "first\r\n\n\nlast without an end"),
            ("blank", "a text of blanks", "  \n "),
            ("markup", "a text with quotes and markup", "<b>\"it's\" & `$HOME` %s {x} \\n</b> ' -- ; DROP TABLE"),
            ("scripts", "a text in many scripts", "Größe Ελληνικά русский עברית العربية हिन्दी ไทย 汉字 日本語 한국어 🚢 e\u0301"),
            ("long", "a text of 20,000 characters", _TEXT * (20000 // len(_TEXT) + 1)),
        ):  # fmt: skip
            own = text if more in ("one", "empty", "blank") else f"{text}{more} {secrets.token_hex(8)}"
            yield One(self.named(more), what, own.encode())
        for more, what in (
            ("two words", "with a space"),
            ("UPPER", "in upper case"),
            ("upper", "that differs from another in case alone"),
            ("a/b/c", "with slashes"),
            ("a+b&c=d?e#f%20g", "with characters of a URL"),
            ("quote'\"`", "with quotes"),
            ("$HOME;*", "with characters of the shell"),
            ("back\\slash", "with a backslash"),
            (".log", "that ends with .log"),
            ("x.tmp", "that ends with .tmp"),
            ("Größe", "with umlauts"),
            ("Ελληνικά", "in Greek"),
            ("русский", "in Cyrillic"),
            ("العربية", "in Arabic"),
            ("हिन्दी", "in Devanagari"),
            ("汉字", "in Chinese"),
            ("日本語", "in Japanese"),
            ("🚢⚓", "of emoji"),
            ("l" + "o" * 100 + "ng", "of more than 100 characters"),
        ):
            yield One(self.named(more), f"an object with a name {what}", f"{more} {secrets.token_hex(8)}".encode())
        if self.binary:
            yield One(self.named("bytes.bin"), "all bytes", bytes(range(256)) + secrets.token_bytes(8))

    def _pieces(self, left: int) -> dict[str, str]:
        """Half of them can be compressed, half can't."""
        told: dict[str, str] = {}
        end = time.monotonic() + SLOWEST
        batch: list[One] = []
        number = 0
        each = max(PIECE, -(-left // PIECES))
        while left > 0 and time.monotonic() < end:
            number += 1
            text = secrets.token_hex(each // 2) if number % 2 else (_TEXT * (each // len(_TEXT) + 1))[:each]
            name = self.named(f"piece-{number:04}")
            batch.append(One(name, f"a text of {each} characters", text.encode()))
            left -= each
            if len(batch) == 16 or left <= 0:
                self._known |= {one.name: one.what for one in batch}
                refused = self.write(batch)
                if refused:
                    raise CouldNotLook(
                        f"{self.told()} refuses an object of {each} bytes: {next(iter(refused.values()))}"
                    )
                told |= {one.name: one.what for one in batch}
                batch = []
        return told

    def _appeared(self, told: dict[str, str]) -> dict[str, str]:
        """Those that can be read: what is acknowledged may be found later, and a peculiar name be kept as another one.

        Raises:
            CouldNotLook: not even half of them can.
        """
        end = time.monotonic() + APPEARS
        left = set(told)
        while left := left - set(self.look(sorted(left))):
            few = len(left) * 2 < len(told)
            if time.monotonic() > (end - APPEARS + FEW if few else end):
                if few:
                    return {name: what for name, what in told.items() if name not in left}
                raise CouldNotLook(
                    f"{self.told()} acknowledged {len(left)} of {len(told)} objects that it does not give back: "
                    f"{min(left)!r}, {told[min(left)]}"
                )
            time.sleep(AGAIN)
        return told

    def removed(self) -> tuple[str, ...]:
        """Two objects, written and removed."""
        if not self.removes():
            return ()
        made = [One(self.named(f"removed-{number}"), "", f"removed {number}".encode()) for number in (1, 2)]
        self._known |= {one.name: "removed" for one in made}
        refused = self.write(made)
        gone = [one.name for one in made if one.name not in refused]
        self.remove(gone)
        end = time.monotonic() + APPEARS
        while still := self.look(gone):
            if time.monotonic() > end:
                raise CouldNotLook(f"{self.told()} still gives back what was removed: {min(still)!r}")
            time.sleep(AGAIN)
        return tuple(gone)

    def aged(self, _seconds: float) -> dict[str, str]:
        """Such a store says itself when something was written."""
        return {}

    def content(self) -> Content:
        """All objects; where they can't be listed, those that the run knows of."""
        listed = self.names()
        if listed is None:
            self.ready()
        names = {*(listed or ()), *self._known}
        return Content(self.look(sorted(name for name in names if not _BESIDE.match(name))))

    def usable(self) -> str:
        """An object is written, read and removed."""
        name = self.named("usable")
        own = secrets.token_hex(8)
        try:
            refused = self.write([One(name, "", own.encode())])
            if refused:
                return f"{self.told()} refuses a write: {refused[name]}"
            end = time.monotonic() + APPEARS
            while name not in self.look([name]):
                if time.monotonic() > end:
                    return f"{self.told()} does not give back what was written to it"
                time.sleep(AGAIN)
            self._take([name])
        except CouldNotLook as why:
            return why.reason
        return ""

    def _take(self, names: Collection[str]) -> None:
        self.remove(names)
        if not self.removes():
            self._known |= dict.fromkeys(names, "")

    def step(self, number: int) -> None:
        """The number, as the object of its place."""
        name = self.named(f"step-{(number - 1) % PLACES}")
        if refused := self.write([One(name, "", str(number).encode())]):
            raise CouldNotLook(f"{self.told()} refuses a write: {refused[name]}")

    def steps(self) -> tuple[int, ...]:
        """What those objects hold."""
        names = [self.named(f"step-{at}") for at in range(PLACES)]
        held = self.held(names)
        for name, text in held.items():
            if not re.fullmatch("[0-9]{1,18}", text):
                raise CouldNotLook(f"{name} of {self.told()} holds no number of a writer: it was saved half written")
        return tuple(int(held.get(name, "0")) for name in names)

    def unseed(self) -> None:
        """What this run wrote, and what one wrote that was cut short."""
        names = {name for name in self.names() or () if ours(name)} | set(self._known)
        names |= {self.named(f"step-{at}") for at in range(PLACES)}
        if names:
            self.remove(sorted(names))
