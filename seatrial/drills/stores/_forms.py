"""Canonical forms: a digest of values that does not depend on how or in what order a store keeps them; names that can be printed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

__all__ = ["Form", "Heap", "printable", "shortened"]


class Form:
    """A digest of values in their order, each with its length, so that none can pass for another."""

    def __init__(self, kind: str) -> None:
        self._hash = hashlib.sha256()
        self.size = 0
        self.add(kind.encode())
        self.size = 0

    def add(self, value: bytes) -> None:
        """One more value."""
        self._hash.update(b"%d:" % len(value))
        self._hash.update(value)
        self.size += len(value)

    def begin(self, length: int) -> None:
        """A value of that length follows by `more`."""
        self._hash.update(b"%d:" % length)

    def more(self, part: bytes) -> None:
        """A part of a value that is too large for one."""
        self._hash.update(part)
        self.size += len(part)

    def digest(self) -> str:
        """sha256 of all so far."""
        return self._hash.hexdigest()

    def raw(self) -> bytes:
        """The same, as bytes."""
        return self._hash.digest()


class Heap:
    """A digest of rows in no order: their sum. Two equal rows are two, so that one of them can't get lost."""

    def __init__(self) -> None:
        self._sum = 0
        self.size = 0
        self.count = 0

    def add(self, values: Iterable[bytes]) -> None:
        """One more row."""
        form = Form("row")
        for value in values:
            form.add(value)
        self._sum = (self._sum + int.from_bytes(form.raw(), "big")) % 2**256
        self.size += form.size
        self.count += 1

    def digest(self) -> str:
        """One digest of all of them."""
        return hashlib.sha256(b"%d:%d" % (self.count, self._sum)).hexdigest()


def printable(name: bytes) -> str:
    """A name as text that can be printed on one line, and is no other name's."""
    text = name.decode("utf-8", "surrogateescape")
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(
        each
        if each.isprintable() and each != "\\"
        else "".join(f"\\x{byte:02x}" for byte in each.encode("utf-8", "surrogateescape"))
        for each in text
    )


def shortened(text: str, most: int = 160) -> str:
    """A text that may be long, so that it can be shown and still tells from every other."""
    if len(text) <= most:
        return text
    return f"{text[: most - 20]}… ({hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:12]})"
