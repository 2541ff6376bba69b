"""What is done to a good backup so that a restore must refuse it: emptied, cut short, one bit turned over, taken away.

The good one is never touched; a working copy is damaged, and mended for the next. All places are chosen by a seed, so that a
second run does the same.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import random
import shutil
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any

from seatrial.words import CouldNotLook

__all__ = ["Damage", "Working", "cut", "emptied", "flips", "inner_flips", "missing"]

FLIPS = 20
SHARE = 0.57
"""Where a backup is cut short: not at a boundary that anything has."""
BLOCK = 4096
"""A full disk, or a machine that lost power, leaves whole blocks."""
MOST_UNPACKED = 64 * 1024**2
"""Bytes of a payload that are packed anew for each bit."""
_PIECE = 1024**2
_PACKERS: dict[bytes, tuple[Callable[[Any], Any], Callable[[bytes], bytes]]] = {
    b"\x1f\x8b": (lambda file: gzip.GzipFile(fileobj=file), lambda data: gzip.compress(data, 1, mtime=0)),
    b"BZh": (bz2.BZ2File, lambda data: bz2.compress(data, 1)),
    b"\xfd7zXZ\x00": (lzma.LZMAFile, lambda data: lzma.compress(data, preset=0)),
}  # fmt: skip
_SIDECARS = (".sha256", ".sha512", ".sha1", ".md5")
"""What a digest is kept in, where nothing else is declared: a bit turned over there would only show that digests are compared."""


@dataclass(frozen=True, slots=True)
class Damage:
    """One way to spoil a backup."""

    kind: str
    """empty, missing, truncated, flipped, flipped inside."""
    detail: str
    """``at 57 %``, ``bit 3 of byte 1,204``."""
    touches: tuple[str, ...]
    """Files below the working copy; empty text for the copy itself."""
    do: Callable[[Path], None]
    """Does it to one of those files."""


class Working:
    """A copy of a backup that may be spoiled, in a folder of its own.

    Args:
        artifact: a file, or a folder with all that the backup left.
        folder: where the copy is made.
        match: names of backups, as they are declared.
        checksum: name of the file with a digest, as it is declared, ``{name}`` standing for that of the backup.
    """

    def __init__(self, artifact: Path, folder: Path, *, match: str = "*", checksum: str = "") -> None:
        self.artifact = artifact
        self.path = folder / artifact.name
        found = _regular(artifact)
        self.all = tuple(found)
        """Every regular file of it; empty text for the copy itself."""
        self.files = _spoiled(found, match, checksum)
        """Those that may be spoiled, with their sizes."""
        if not any(self.files.values()):
            raise CouldNotLook("the backup has no byte that could be spoiled")
        folder.mkdir(parents=True, exist_ok=True)
        if (free := shutil.disk_usage(folder).free) < 2 * self.size:
            raise CouldNotLook(
                f"controls need a second copy of the backup, {self.size:,} bytes, and {folder} has {free:,} left",
                right="a larger TMPDIR",
            )
        try:
            if artifact.is_dir():
                shutil.copytree(artifact, self.path, symlinks=True)
            else:
                shutil.copy2(artifact, self.path)
        except OSError as why:
            raise CouldNotLook(f"the backup can't be copied: {str(why)[:200]}") from None

    @property
    def largest(self) -> str:
        """The largest of its files."""
        return max(self.files, key=lambda name: (self.files[name], name))

    @property
    def size(self) -> int:
        """Bytes of all that may be spoiled."""
        return sum(self.files.values())

    @contextmanager
    def damaged(self, damage: Damage) -> Iterator[Path]:
        """The copy while it is spoiled."""
        try:
            for name in damage.touches:
                damage.do(self.path / name)
            yield self.path
        finally:
            for name in damage.touches:
                shutil.copy2(self.artifact / name, self.path / name)

    def at(self, offset: int) -> tuple[str, int]:
        """The file, and the place in it, of a byte of all of them one after the other."""
        for name, size in self.files.items():
            if offset < size:
                return name, offset
            offset -= size
        raise IndexError(offset)


def _regular(artifact: Path) -> dict[str, int]:
    """Regular files of a backup: their sizes by name below it, or under no name where it is one."""
    if not artifact.is_dir() or artifact.is_symlink():
        return {"": artifact.stat().st_size} if stat.S_ISREG(os.lstat(artifact).st_mode) else {}
    found: dict[str, int] = {}
    for root, folders, names in os.walk(artifact):
        folders.sort()
        for name in sorted(names):
            seen = os.lstat(os.path.join(root, name))
            if stat.S_ISREG(seen.st_mode):
                found[os.path.relpath(os.path.join(root, name), artifact)] = seen.st_size
    return found


def _spoiled(found: dict[str, int], match: str, checksum: str) -> dict[str, int]:
    """Those that hold data: not those that only hold digests of others."""
    tops = {name.split("/")[0] for name in found}
    digests = {checksum.replace("{name}", top) for top in tops} if checksum else set()
    kept = {name: size for name, size in found.items() if name not in digests and not name.lower().endswith(_SIDECARS)}
    return {name: size for name, size in kept.items() if fnmatchcase(name.split("/")[0], match)} or kept or found


def emptied(copy: Working) -> Damage:
    """Every file is there, and has nothing in it: a dump that failed behind a `>`."""
    return Damage("empty", "0 bytes", tuple(copy.files), lambda file: os.truncate(file, 0))


def missing(copy: Working) -> Damage:
    """It is not there at all, nor is its digest: a name that was mistyped, a disk that is not mounted."""
    return Damage("missing", "no such file", copy.all, lambda file: file.unlink())


def cut(copy: Working) -> list[Damage]:
    """It ends too soon: somewhere, at a whole block, and, of a text, at the end of a line."""
    name = copy.largest
    size = copy.files[name]
    places = {max(1, int(size * SHARE)): f"cut at {SHARE:.0%}"}
    if size > 2 * BLOCK:
        places.setdefault((size - 1) // BLOCK * BLOCK // 2 // BLOCK * BLOCK or BLOCK, "cut at a whole block")
    if line := _line_end(copy.path / name, int(size * 0.4)):
        places.setdefault(line, "cut at the end of a line")
    return [
        Damage("truncated", f"{told}, {length:,} of {size:,} bytes", (name,), _cutting(length))
        for length, told in places.items()
        if length < size
    ]


def _cutting(length: int) -> Callable[[Path], None]:
    return lambda file: os.truncate(file, length)


def _line_end(file: Path, after: int) -> int:
    """Where a line of a text ends beyond a place; 0 where it is no text, or has no such line."""
    with file.open("rb") as stream:
        head = stream.read(8192)
        stream.seek(after)
        piece = stream.read(_PIECE)
    if b"\0" in head or b"\0" in piece:
        return 0
    try:
        head.decode()
    except UnicodeDecodeError as wrong:
        if wrong.start < len(head) - 3:
            return 0
    return after + piece.index(b"\n") + 1 if b"\n" in piece[:-1] else 0


def _bits(size: int, seed: str) -> list[tuple[int, int]]:
    """Bits to turn over: spread over the whole, one in each part of it, first the ends and then between."""
    chance = random.Random(hashlib.sha256(seed.encode()).digest())
    number = min(FLIPS, size)
    edges = [size * part // number for part in range(number + 1)]
    found = [(chance.randrange(edges[part], edges[part + 1]), chance.randrange(8)) for part in range(number)]
    chance.shuffle(found)
    return found


def flips(copy: Working, seed: str) -> list[Damage]:
    """One bit of it is another: what disks, cables and memory do."""
    made = []
    for offset, bit in _bits(copy.size, seed):
        name, at = copy.at(offset)
        where = f" of {name}" if len(copy.files) > 1 else ""
        made.append(Damage("flipped", f"bit {bit} of byte {at:,}{where}", (name,), _flipping(at, bit)))
    return made


def _flipping(at: int, bit: int) -> Callable[[Path], None]:
    def flip(file: Path) -> None:
        with file.open("r+b") as stream:
            stream.seek(at)
            (byte,) = stream.read(1)
            stream.seek(at)
            stream.write(bytes([byte ^ 1 << bit]))

    return flip


def inner_flips(copy: Working, seed: str) -> list[Damage]:
    """One bit of what is packed is another, and the packing is sound: it was packed that way, so no sum of the packer shows it.

    Nothing where the largest file is not packed, or unpacks to more than is packed anew twenty times.
    """
    name = copy.largest
    with (copy.path / name).open("rb") as stream:
        head = stream.read(8)
    found = next((packer for magic, packer in _PACKERS.items() if head.startswith(magic)), None)
    if found is None:
        return []
    opened, packed = found
    with (copy.path / name).open("rb") as stream:
        payload = _unpacked(opened(stream))
    if not payload:
        return []

    def spoiling(offset: int, bit: int) -> Callable[[Path], None]:
        def spoil(file: Path) -> None:
            changed = bytearray(payload)
            changed[offset] ^= 1 << bit
            file.write_bytes(packed(bytes(changed)))

        return spoil

    return [
        Damage("flipped inside", f"bit {bit} of byte {offset:,} of what is packed", (name,), spoiling(offset, bit))
        for offset, bit in _bits(len(payload), f"{seed} inside")
    ]


def _unpacked(stream: IO[bytes]) -> bytes:
    """All of a payload; nothing of one that is broken, or larger than is kept in memory, as that of a bomb is."""
    pieces, size = [], 0
    try:
        while piece := stream.read(_PIECE):
            size += len(piece)
            if size > MOST_UNPACKED:
                return b""
            pieces.append(piece)
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        return b""
    return b"".join(pieces)
