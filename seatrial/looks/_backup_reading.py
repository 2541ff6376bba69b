"""One backup, read: its digest, its form, and whether it can be read to its end. A folder is read as a whole."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from seatrial import archives
from seatrial.facts.backups.files import BackupFile
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from seatrial.looks._backup_sites import Entry

__all__ = ["Bounds", "as_file", "everything", "read"]

LARGEST = 64 * 1024**3
"""Bytes of one backup that are read."""
MOST_BELOW = 200_000
"""Files of one folder that are looked at."""
_PIECE = 1024 * 1024
_JUDGED = re.compile(r"(?:tar|sql|pg_dump|rdb|aof|sqlite)(?: in \w+)?|gzip|bzip2|xz")
"""Forms that are judged in a folder; what else lies there may be anybody's data, which is no archive of ours."""


@dataclass(slots=True)
class Bounds:
    """What reading all of one place may cost."""

    seconds: float
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds."""
        return self.began + self.seconds - time.monotonic()


def as_file(entry: Entry, owners: Callable[[int], str], **more: object) -> BackupFile:
    """What a listing tells of one thing, without reading it."""
    return BackupFile(
        entry.name, entry.kind, entry.size, entry.modified, entry.mode, entry.uid, entry.gid, owners(entry.uid),
        identity=entry.identity, tag=entry.tag, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def read(entry: Entry, owners: Callable[[int], str], bounds: Bounds, algorithm: str = "") -> BackupFile:
    """Read one backup as far as the bounds allow.

    Args:
        entry: a file or a folder.
        owners: gives the name of a user.
        bounds: what is left of time.
        algorithm: of the digest that its checksum file has.
    """
    try:
        return (_folder if entry.kind == "folder" else _file)(entry, owners, bounds, algorithm)
    except CouldNotLook as why:
        gone = Missing(why.reason, why.right)
        return as_file(entry, owners, digest=gone, broken=gone, summed=gone if algorithm else "")


def _late(bounds: Bounds) -> Missing | None:
    return None if bounds.left > 0 else Missing(f"it was not read: reading what lies there took {bounds.seconds:g} s")


def _digests(stream: BinaryIO, names: list[str], bounds: Bounds) -> list[str] | Missing:
    sums = [hashlib.new(name, usedforsecurity=False) for name in names]
    stream.seek(0)
    while piece := stream.read(_PIECE):
        for each in sums:
            each.update(piece)
        if late := _late(bounds):
            return late
    return [each.hexdigest() for each in sums]


def _file(entry: Entry, owners: Callable[[int], str], bounds: Bounds, algorithm: str) -> BackupFile:
    if late := _late(bounds):
        return as_file(entry, owners, digest=late, broken=late, summed=late if algorithm else "")
    assert entry.open is not None
    with entry.open() as stream:
        try:
            reading = archives.read_stream(stream, most=LARGEST, within=max(1.0, min(archives.WITHIN, bounds.left)))
            names = ["sha256", *([algorithm] if algorithm and algorithm != "sha256" else [])]
            sums = _digests(stream, names, bounds) if entry.size <= LARGEST else Missing("it is too large to be read")
        except OSError as why:
            raise CouldNotLook(f"{entry.name} can't be read: {why.strerror}") from None
    missing = sums if isinstance(sums, Missing) else None
    return as_file(
        entry, owners,
        digest=missing or sums[0],  # type: ignore[index]
        form=reading.form,
        broken=reading.broken,
        holds=reading.holds,
        laid_open=reading.open,
        summed=(missing or sums[-1]) if algorithm else "",  # type: ignore[index]
    )  # fmt: skip


def everything(entry: Entry, bounds: Bounds) -> Iterator[Entry]:
    """Everything below a folder.

    Raises:
        CouldNotLook: it may not be listed, or there is too much.
    """
    folders, count = [entry], 0
    while folders:
        now = folders.pop()
        for each in sorted(now.below() if now.below else [], key=lambda one: one.name):
            count += 1
            if count > MOST_BELOW:
                raise CouldNotLook(f"{entry.name} holds more than {MOST_BELOW:,} files and folders")
            if late := _late(bounds):
                raise CouldNotLook(late.reason)
            yield each
            if each.kind == "folder":
                folders.append(each)


def _folder(entry: Entry, owners: Callable[[int], str], bounds: Bounds, _algorithm: str) -> BackupFile:
    from dataclasses import replace

    below = sorted(everything(entry, bounds), key=lambda one: one.name)
    files = [each for each in below if each.kind == "file"]
    names = {each.name[len(entry.name) + 1 :] for each in below}
    whole, broken = hashlib.sha256(), ""
    unknown: Missing | None = None
    for each in files:
        name = each.name[len(entry.name) + 1 :]
        got = _file(each, owners, bounds, "")
        whole.update(
            f"{name}\0{got.digest if isinstance(got.digest, str) else ''}\n".encode("utf-8", "surrogateescape")
        )
        if isinstance(got.digest, Missing):
            unknown = unknown or Missing(f"{name}: {got.digest.reason}", got.digest.right)
        if "/" not in name and _JUDGED.fullmatch(got.form):
            if isinstance(got.broken, Missing):
                unknown = unknown or Missing(f"{name}: {got.broken.reason}", got.broken.right)
            elif got.broken and not broken:
                broken = f"{name}: {got.broken}"
    closed = 0 if entry.mode & 0o001 else 0o007
    closed |= 0 if entry.mode & 0o010 else 0o070
    mode = 0
    for each in files:
        mode |= each.mode & ~closed & 0o666
    seen = replace(
        entry, size=sum(each.size for each in files), modified=max([entry.modified if not files else 0, *(each.modified for each in files)]), mode=mode
    )  # fmt: skip
    return as_file(
        seen,
        owners,
        digest=unknown or whole.hexdigest(),
        form=_form(names),
        broken=broken or unknown or ("" if files else "it holds no file"),
        holds=len(files),
    )


def _form(names: set[str]) -> str:
    if "toc.dat" in names:
        return "pg_dump"
    if any(name.endswith(".manifest") and ".aof" in name for name in names):
        return "aof"
    if "backup_manifest" in names or "backup_label" in names or "base.tar" in names:
        return "pg_basebackup"
    return "folder"
