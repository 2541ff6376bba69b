"""Where backups lie in a place, which of what lies there is the new one, and carrying it from one place to another."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drills.place import Entry, Place
    from seatrial.profile.backing import BackupFiles

__all__ = ["Lying", "fetched", "folder_of", "lying", "newest", "one_file", "scratch_of"]

MOST = 8 * 1024**3
"""Bytes of a backup that are carried."""


def scratch_of(place: Place) -> str:
    """The folder that a scratch place is given, as its commands know it; empty for the deployment."""
    from seatrial.profile.nodes import EnvReference

    return place.resolve(EnvReference(env="SCRATCH_DIR")).rstrip("/") if place.scratch else ""


def folder_of(place: Place, files: BackupFiles | None, name: str) -> str:
    """Where a backup lies in a place: at the documented path, where that is one of its own, else in its scratch folder.

    Raises:
        CouldNotLook: it is not declared where it lies.
    """
    scratch = scratch_of(place)
    if files is not None and files.bucket is not None:
        raise CouldNotLook(
            f"backups.{name} lies in a bucket, which is no place that a drill may write to",
            right=f"backups.{name}.files.path",
        )
    if files is None:
        if not scratch:
            raise CouldNotLook(f"it is not declared where backups.{name} lies", right=f"backups.{name}.files.path")
        return f"{scratch}/backup"
    path = place.resolve(files.path)
    if scratch and (not path.startswith("/") or _of_the_deployment(place, files, path)):
        return f"{scratch}/backup"
    return path if path.startswith("/") else str(place.session.base / path)


def _of_the_deployment(place: Place, files: BackupFiles, path: str) -> bool:
    """Whether a reference gave the path that the deployment has: a scratch place that announces none keeps off it."""
    if isinstance(files.path, str):
        return False
    try:
        return place.session.resolve(files.path) == path
    except CouldNotLook:
        return False


def one_file(files: BackupFiles | None) -> bool:
    """Whether the declared path looks like that of one file which each backup replaces."""
    return bool(
        files and files.match == "*" and isinstance(files.path, str) and "." in posixpath.basename(files.path)[1:]
    )


@dataclass(frozen=True, slots=True)
class Lying:
    """What lies where backups lie, at one moment."""

    root: str
    entries: tuple[Entry, ...]

    def new_since(self, before: Lying) -> list[str]:
        """Names of what is new or another now, the newest last; empty text for the path itself, when that is a file."""
        was = {entry.path: _state(entry) for entry in before.entries}
        changed = [entry for entry in self.entries if was.get(entry.path) != _state(entry)]
        found: dict[str, float] = {}
        for entry in changed:
            if entry.path == self.root and entry.kind == "folder":
                continue
            name = posixpath.relpath(entry.path, self.root).split("/")[0]
            name = "" if name == "." else name
            found[name] = max(found.get(name, 0.0), entry.modified)
        return sorted(found, key=lambda name: (found[name], name))

    def besides(self) -> frozenset[Entry]:
        """All of it, but for the folder itself, which changes with what is put into it."""
        return frozenset(entry for entry in self.entries if entry.path != self.root or entry.kind != "folder")


def _state(entry: Entry) -> tuple[object, ...]:
    return (entry.kind, entry.size, entry.link) + (() if entry.kind == "folder" else (entry.modified,))


def lying(place: Place, root: str) -> Lying:
    """Look at what lies there now."""
    return Lying(root, place.entries(root))


def newest(names: Iterable[str], files: BackupFiles | None) -> str:
    """The one backup among new names; empty when there are several, or none."""
    match = files.match if files else "*"
    said = {files.checksum.replace("{name}", name) for name in names} if files and files.checksum else set()
    found = [name for name in names if name and name not in said and fnmatchcase(name, match)]
    return found[0] if len(found) == 1 else ""


def fetched(place: Place, now: Lying, names: list[str], before: Lying, to: Path) -> None:
    """Copy what a backup left to ``to``, laid out as it lies: what is new alone, or all of it where it is one repository."""
    if names == [""]:
        place.fetch(now.root, to, most=MOST)
        return
    folders = {entry.path for entry in before.entries if entry.kind == "folder" and entry.path != now.root}
    if any(f"{now.root}/{name}" in folders for name in names):
        place.fetch(now.root, to, most=MOST)  # what is new stands on what was there
        return
    to.mkdir(parents=True)
    for name in names:
        place.fetch(f"{now.root}/{name}", to / name, most=MOST)
