"""What a procedure left that was not there before and is no backup: temporary copies, and who may read them."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import lzma
import os
import posixpath
import tempfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.drills.artifacts import scratch_of
from seatrial.drills.stores import PREFIX, Content
from seatrial.facts.backups.drill import Residue
from seatrial.words import CouldNotLook, Missing, Size

if TYPE_CHECKING:
    from seatrial.drills.place import Entry, Place
    from seatrial.profile.backing import BackupFiles

__all__ = ["Before", "left"]

SHARED = ("/tmp", "/var/tmp", "/dev/shm")
"""Where procedures leave what they forget."""
OURS = "seatrial-"
SHELL = ("/bin/sh", "-c")
LIST = r"""
cd "$1" 2> /dev/null || exit 0
for name in .[!.]* ..?* *; do
  if [ -e "$name" ] || [ -L "$name" ]; then printf '%s\0' "$name"; fi
done
"""
MOST_READ = 64 * 1024**2
MOST = 200
"""Files that are read; what else is new is not told."""
LEAST = 16
"""Bytes of a content by which it is known: shorter ones are alike by chance."""
PACKED = ("tar", "zip", "gzip", "bzip2", "xz", "zstd", "rdb", "aof", "pg_dump", "sqlite", "sql")
"""What archives and dumps are called: in these, the names of sentinels are those of their contents."""


@dataclass(frozen=True, slots=True)
class Before:
    """What lay where procedures leave things, before one was run."""

    place: Place
    shared: dict[str, frozenset[str]]
    """By folder that all share, the names in it: what is in those that were there is nobody's of ours."""
    known: dict[str, tuple[int, float]]
    """What lay where backups lie."""
    folder: str
    apart: tuple[str, ...]
    """What is looked at otherwise: the run's own folder, the store's own."""

    @classmethod
    def of(cls, place: Place, store: Any, folder: str) -> Before:
        """Look now."""
        apart = tuple(filter(None, (scratch_of(place), getattr(store, "path", ""))))
        known = {entry.path: (entry.size, entry.modified) for entry in place.entries(folder)}
        return cls(place, {root: _names(place, root) for root in SHARED}, known, folder, apart)

    def now(self) -> dict[str, Entry]:
        """What is new, or may be, by its path."""
        found: dict[str, Entry] = {}
        for root, names in self.shared.items():
            for name in sorted(_names(self.place, root) - names)[:MOST]:
                path = f"{root}/{name}"
                if not name.startswith(OURS) and not any(
                    _within(each, path) or _within(path, each) for each in self.apart
                ):
                    with contextlib.suppress(CouldNotLook):
                        found.update({entry.path: entry for entry in self.place.entries(path)})
        found.update({entry.path: entry for entry in self.place.entries(self.folder)})
        return found


def _names(place: Place, folder: str) -> frozenset[str]:
    """What lies in a folder at once; nothing where that can't be seen."""
    with contextlib.suppress(CouldNotLook):
        done = place.run([*SHELL, LIST, "sh", folder])
        return frozenset(each.decode("utf-8", "surrogateescape") for each in done.output.split(b"\0") if each)
    return frozenset()


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def left(
    before: Before, where: str, content: Content, files: BackupFiles | None, mine: Collection[str]
) -> tuple[Residue, ...]:
    """What is there now and was not, and is no backup.

    Args:
        before: what lay there.
        where: ``source`` or ``target``.
        content: what was saved, by which a copy of it is known.
        files: how backups are named.
        mine: paths that the run itself has put there.
    """
    now = before.now()
    new = [
        entry
        for path, entry in now.items()
        if entry.kind == "file"
        and entry.size
        and before.known.get(path) != (entry.size, entry.modified)
        and not _backup(path, before.folder, files)
        and not any(_within(path, each) for each in mine)
        and not _of_the_machine(before.place, path)
    ]
    digests = {item.digest for item in content.items.values() if item.size >= LEAST}
    tops: dict[str, list[Entry]] = {}
    for entry in new[:MOST]:
        tops.setdefault(_top(entry.path, before.known, now), []).append(entry)
    found = []
    for top, entries in tops.items():
        with _fetched(before.place, top, entries) as copy:
            residues = [_residue(copy, top, where, entry, digests, now) for entry in entries]
        one = residues[0]
        for other in residues[1:]:
            one = _together(one, other, now[top])
        found.append(one)
    return tuple(found)


@contextlib.contextmanager
def _fetched(place: Place, top: str, entries: list[Entry]) -> Iterator[Path | Missing]:
    """A copy of it, in a folder of our own: one call, however many files there are."""
    with tempfile.TemporaryDirectory(prefix=OURS) as folder:
        copy: Path | Missing = Path(folder) / "it"
        try:
            if sum(entry.size for entry in entries) > MOST_READ:
                raise CouldNotLook(f"{top} has more than {Size(MOST_READ)}, which is more than is read of what is left")
            place.fetch(top, Path(folder) / "it", most=2 * MOST_READ)
        except CouldNotLook as why:
            copy = Missing(why.reason, why.right)
        yield copy
        _opened(Path(folder))


def _opened(folder: Path) -> None:
    """What was copied may be closed to us, who must remove it."""
    for root, folders, _ in os.walk(folder):
        for name in folders:
            with contextlib.suppress(OSError):
                if not os.path.islink(f"{root}/{name}"):
                    os.chmod(f"{root}/{name}", 0o700)


def _backup(path: str, folder: str, files: BackupFiles | None) -> bool:
    """Whether it is a backup, or belongs to one."""
    if not _within(path, folder):
        return False
    name = posixpath.relpath(path, folder).split("/")[0]
    match = files.match if files else "*"
    said = files.checksum.replace("{name}", match) if files and files.checksum else match
    return name == "." or fnmatchcase(name, match) or fnmatchcase(name, said)


def _of_the_machine(place: Place, path: str) -> bool:
    """Whether a scratch folder shows it and does not have it: it was made on the machine meanwhile."""
    return hasattr(place, "jail") and os.path.lexists(path)


def _top(path: str, known: Collection[str], now: dict[str, Entry]) -> str:
    """The outermost folder that is new with it, or itself."""
    top = path
    while (parent := posixpath.dirname(top)) in now and parent not in known:
        top = parent
    return top


def _together(one: Residue, other: Residue, top: Entry) -> Residue:
    """A folder is told once, with all that is in it."""
    holds: bool | Missing = one.holds_data
    if other.holds_data is True or (holds is False and isinstance(other.holds_data, Missing)):
        holds = other.holds_data
    readable = max((one, other), key=lambda each: (each.holds_data is True and each.open, each.mode & 0o77))
    return Residue(
        one.where, top.path, top.kind, one.size + other.size, readable.mode, one.owner, holds, one.open or other.open
    )


def _residue(
    copy: Path | Missing, top: str, where: str, entry: Entry, digests: set[str], now: dict[str, Entry]
) -> Residue:
    holds: bool | Missing
    if isinstance(copy, Missing):
        holds = copy
    else:
        try:
            holds = _holds(copy / posixpath.relpath(entry.path, top) if entry.path != top else copy, digests)
        except OSError as why:
            holds = Missing(f"{entry.path} can't be read: {why.strerror}")
    readable = bool(entry.mode & 0o004) and all(parent.mode & 0o001 for parent in _parents(entry.path, now))
    return Residue(
        where, entry.path, entry.kind, entry.size, entry.mode, str(entry.uid), holds, open=readable and holds is True
    )


def _parents(path: str, now: dict[str, Entry]) -> Iterable[Entry]:
    while path not in ("/", ""):
        path = posixpath.dirname(path)
        if path in now:
            yield now[path]


def _holds(path: Path, digests: set[str]) -> bool:
    """Whether a file is a copy of what was saved, or has some in it."""
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() in digests:
        return True
    form = _form(data)
    return any(form.startswith(each) for each in PACKED) and PREFIX.encode() in _unpacked(form, data)


def _form(data: bytes) -> str:
    from seatrial import archives

    return archives.form(data[: archives.HEAD])


def _unpacked(form: str, data: bytes) -> bytes:
    """The beginning of what is packed in it; names in archives are there as they are."""
    opened = {"gzip": gzip.open, "tar in gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}.get(form)
    if opened is None:
        return data
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        with contextlib.suppress(OSError, EOFError, lzma.LZMAError), opened(file, "rb") as stream:  # type: ignore[operator]
            return bytes(stream.read(MOST_READ))
    return b""
