"""A folder: files, folders and links below it, with what else a restore must bring back of them: mode, owner, time, second names."""

from __future__ import annotations

import contextlib
import hashlib
import os
import posixpath
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.drills.stores import Content, Item
from seatrial.drills.stores import _file_sentinels as sentinels
from seatrial.drills.stores._file_sentinels import Made
from seatrial.words import CouldNotLook, Size

if TYPE_CHECKING:
    from seatrial.drills.place import Entry, Place, Result
    from seatrial.profile.backing import FilesStore

__all__ = ["KEY", "SECONDS", "Files", "open"]

KEY = "files"
SECONDS = 15.0
MOST = 100_000
"""Files, folders and links that are read."""
PLACES = 4
BATCH = 32 * 1024**2
"""Bytes that are written at once."""
SHELL = ("/bin/sh", "-c")
NO_SHELL = (126, 127)
LINKED = r"""
cd "$1" && find . -xdev -type f -links +1 -exec sh -c '
for name; do stat -c %d:%i -- "$name" && printf "%s\0" "$name"; done' sh {} +
"""
"""Files that have more than one name, each with the number by which they are told to be one."""
STEP = r"""
mkdir -p "$1" && printf '%s' "$3" > "$1/.new-$2" && mv "$1/.new-$2" "$1/$2"
"""
"""A number appears under its name whole, as a program writes that is not to be found half done."""


def open(place: Place, node: FilesStore) -> Files:
    """The folder of that node, in a place. It need not be there yet.

    A relative one lies in the scratch folder of a scratch place, beside the profile otherwise.
    """
    path = place.resolve(node.path)
    if not path.startswith("/"):
        base = os.path.abspath(place.session.base)
        if place.scratch:
            base = place.run([*SHELL, 'printf %s "$SCRATCH_DIR"']).output.decode("utf-8", "surrogateescape")
        path = posixpath.normpath(posixpath.join(base, path))
    return Files(place, path)


class Files:
    """A folder in a place."""

    places = PLACES

    def __init__(self, place: Place, path: str) -> None:
        self.place = place
        self.declared = path.rstrip("/") or "/"
        self._rooted: bool | None = None
        self._path = ""
        if not path.startswith("/") or self.declared == "/":
            raise CouldNotLook(f"a folder that is saved is an absolute path below /, not {path}")

    @property
    def path(self) -> str:
        """Where it really is: what is declared may be a link."""
        if not self._path:
            found = self._try("readlink", "-f", self.declared)
            real = found.output.decode("utf-8", "surrogateescape").rstrip("\n") if found and not found.status else ""
            if not real.startswith("/") or real == "/":
                return self.declared  # it is not there yet, and may come as a link
            self._path = real
        return self._path

    def _try(self, *command: str, stdin: bytes = b"") -> Result | None:
        """What a command gave, where the place has it."""
        try:
            return self.place.run(list(command), stdin=stdin)
        except CouldNotLook:
            return None

    @property
    def rooted(self) -> bool:
        """Whether who works there is root, who may give files away."""
        if self._rooted is None:
            found = self._try("id", "-u")
            self._rooted = found is not None and found.output.strip() == b"0"
        return self._rooted

    def identity(self) -> str:
        """By the numbers of the file system, which two containers with one volume have in common."""
        there = self._try("stat", "-L", "-c", "%d:%i", self.declared)
        if there is None or there.status:
            return f"{self.place.processes}:{self.declared}"
        kernel = self._try("cat", "/proc/sys/kernel/random/boot_id")
        return f"{kernel.output.decode().strip() if kernel else ''}:{there.output.decode().strip()}"

    def ready(self) -> None:
        """A folder is ready when it is there."""
        entry = next(iter(self.place.entries(self.path, most=MOST)), None)
        if entry is None:
            raise CouldNotLook(f"{self.place.name} has no {self.declared}")
        if entry.kind != "folder":
            raise CouldNotLook(f"{self.declared} is a {entry.kind} and no folder, in {self.place.name}")

    def seed(self, size: int) -> dict[str, str]:
        """Files, folders and links that differ in all that a backup could select by."""
        # Many a sound copy makes two files of one with two names: that matters only where there are such files.
        made = sentinels.ones(second_names=bool(self._twins()))
        self._write(made)
        told = {one.name: one.what for one in made if self.rooted or not one.owner}
        batch: list[Made] = []
        there = self._entries()
        held = sum(there[one.name].size for one in made if one.name in there and one.kind == "file")
        for piece in sentinels.pieces(size - held):
            told[piece.name] = piece.what
            batch.append(piece)
            if sum(len(one.content) for one in batch) >= BATCH:
                self._write(batch, tops=False)
                batch = []
        if batch:
            self._write(batch, tops=False)
        there = self._entries()
        return {name: what for name, what in told.items() if name in there}

    def _write(self, made: list[Made], *, tops: bool = True) -> None:
        """Put them there, those that are in the way taken away before."""
        path = self.path
        out = dict.fromkeys(one.name.partition("/")[0] for one in made) if tops else {}
        holes = [word for one in made if one.hole for word in (str(one.hole + len(one.content)), one.name)]
        for rooted in (True, False) if self.rooted else (False,):
            done = self._try(
                *SHELL, sentinels.PUT, "sh", path, *out, "//", *holes, stdin=sentinels.packed(made, rooted=rooted)
            )
            if done is not None and not done.status:
                return
            self._rooted = False  # root of a namespace without other users
        self._copied_in(made, path, out)

    def _copied_in(self, made: list[Made], path: str, out: Iterable[str]) -> None:
        """The same where there is no shell, or no tar: without links and other owners."""
        for top in out:
            self.place.remove(f"{path}/{top}")
        with _scratch() as folder:
            sentinels.lay(made, folder)
            if out:
                for one in sorted(folder.iterdir()):
                    self.place.put(one, f"{path}/{one.name}")
                return
            for file in (file for file in folder.rglob("*") if file.is_file()):
                self.place.put(file, f"{path}/{file.relative_to(folder)}")

    def _take(self, names: Iterable[str]) -> None:
        """Remove what is there of that."""
        path = self.path
        done = self._try(*SHELL, sentinels.TAKE, "sh", path, *names)
        if done is None or done.status:
            for name in names:
                self.place.remove(f"{path}/{name}")

    def removed(self) -> tuple[str, ...]:
        """A file and a folder, written and taken away."""
        gone = ("seatrial-removed.txt", "seatrial-removed")
        inside = f"{gone[1]}/inside.txt"
        self._write([Made(gone[0], "", b"removed"), Made(inside, "", b"removed")])
        self._take(gone)
        return (*gone, inside)

    def aged(self, seconds: float) -> dict[str, str]:
        """Files whose time of change is that long ago."""
        made = [
            Made("seatrial-aged", "a folder", kind="folder", mode=0o755),
            Made("seatrial-aged/plain.txt", "an old file", b"plain", age=seconds),
            Made("seatrial-aged/empty.txt", "an old empty file", age=seconds),
            Made("seatrial-aged/.hidden", "an old file whose name begins with a dot", b"hidden", age=seconds),
            Made("seatrial-aged/seatrial.log", "an old file whose name ends with .log", b"log", age=seconds),
            Made("seatrial-aged/folder/inside.txt", "an old file in a folder", b"inside", age=seconds),
        ]
        self._write(made)
        return {one.name: one.what for one in made if one.kind == "file"}

    def _entries(self) -> dict[str, Entry]:
        """All below the folder, by name."""
        path = self.path
        found = self.place.entries(path, most=MOST)
        below = {entry.path[len(path) + 1 :]: entry for entry in found if entry.path.startswith(f"{path}/")}
        if not below and found and found[0].kind not in ("folder", "link"):
            raise CouldNotLook(f"{self.declared} is a {found[0].kind} and no folder, in {self.place.name}")
        # The first is made by mkfs and no data; the second is nothing that could be saved.
        return {
            name: entry
            for name, entry in below.items()
            if name.partition("/")[0] != "lost+found" and entry.kind != "socket"
        }

    def content(self) -> Content:
        """Each file by its bytes, each link by where it leads. What is gone before it could be read was not there."""
        before = self._entries()
        if not before:
            return Content()
        twins = self._twins()
        items: dict[str, Item] = {}
        with _scratch() as folder:
            self.place.fetch(self.path, folder / "all")
            for name, entry in before.items():
                found = _read(folder / "all" / name, entry)
                if found is not None:
                    items[_shown(name)] = Item(*found, _what(entry), self._attributes(name, entry, twins))
        return Content(items)

    def _twins(self) -> dict[str, str] | None:
        """For each file with several names in the folder, the first of them; None where that can't be seen."""
        found = self._try(*SHELL, LINKED, "sh", self.path)
        if found is None or found.status:
            return None
        groups: dict[bytes, list[str]] = {}
        for record in found.output.split(b"\0"):
            number, newline, name = record.partition(b"\n")
            if newline:
                groups.setdefault(number, []).append(name.decode("utf-8", "surrogateescape").removeprefix("./"))
        return {name: min(names) for names in groups.values() if len(names) > 1 for name in names}

    def _attributes(self, name: str, entry: Entry, twins: dict[str, str] | None) -> tuple[tuple[str, str], ...]:
        """What a restore must bring back beside the content. The time of a folder changes with what is put into it, and that
        of a link is kept by few. Who is not root can't give files away, so that owners tell nothing there.
        """
        found: dict[str, str] = {}
        if entry.kind != "link":
            found["mode"] = f"{entry.mode & 0o7777:04o}"
        if entry.kind == "file":
            found["changed"] = str(int(entry.modified))  # archives keep whole seconds
        found["owner"] = f"{entry.uid}:{entry.gid}" if self.rooted else ""
        if entry.kind == "file" and (twins is None or name in twins):
            found["same file as"] = _shown(twins[name]) if twins else ""
        return tuple(sorted(found.items()))

    def usable(self) -> str:
        """A file is written, read and removed."""
        name = "seatrial-usable.txt"
        path = f"{self.path}/{name}"
        try:
            self.ready()
            done = self._try(*SHELL, sentinels.TRY, "sh", self.path, name)
            if done is not None and done.status not in NO_SHELL:
                read = done.output
                if done.status:
                    said = done.error.decode("utf-8", "replace").strip().splitlines()
                    return f"{self.declared} can't be written: {said[-1][-300:] if said else f'status {done.status}'}"
            else:
                with _scratch() as folder:
                    (folder / "usable").write_bytes(b"usable")
                    self.place.put(folder / "usable", path, mode=0o600)
                read = self.place.read(path, most=1024)
                self.place.remove(path)
        except CouldNotLook as why:
            return why.reason
        return "" if read == b"usable" else f"{self.declared} does not give back what was written to it"

    def step(self, number: int) -> None:
        """The number, in the file of its place."""
        at = str((number - 1) % PLACES)
        done = self.place.run([*SHELL, STEP, "sh", f"{self.path}/{sentinels.WRITER}", at, str(number)])
        if done.status:
            raise CouldNotLook(
                f"{self.declared} can't be written in {self.place.name}: {done.error.decode('utf-8', 'replace').strip()[-200:]}"
            )

    def steps(self) -> tuple[int, ...]:
        """What those files hold."""
        path = f"{self.path}/{sentinels.WRITER}"
        there = {entry.path for entry in self.place.entries(path, most=MOST) if entry.kind == "file"}
        return tuple(self._number(f"{path}/{at}") if f"{path}/{at}" in there else 0 for at in range(PLACES))

    def _number(self, path: str) -> int:
        held = self.place.read(path, most=1024)
        if not held.isdigit():
            raise CouldNotLook(f"{path} holds no number of a writer: it was saved half written")
        return int(held)

    def unseed(self) -> None:
        """Whatever of it is there."""
        self._take(sentinels.ONES)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A local folder that only we may read."""
    made = Path(tempfile.mkdtemp(prefix="seatrial-files-"))
    try:
        yield made
    finally:
        for root, folders, _ in os.walk(made):
            for name in folders:
                with contextlib.suppress(OSError):
                    if not os.path.islink(f"{root}/{name}"):
                        os.chmod(f"{root}/{name}", 0o700)  # what was fetched may be closed to us
        shutil.rmtree(made, ignore_errors=True)


def _shown(name: str) -> str:
    """A name that can be written down, also where it is no UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _what(entry: Entry) -> str:
    return "an empty file" if entry.kind == "file" and not entry.size else entry.kind


def _read(path: Path, entry: Entry) -> tuple[str, int] | None:
    """Digest and size of what was fetched; None when it was gone."""
    if entry.kind != "file":
        told = f"{entry.kind}\0{entry.link}".encode("utf-8", "surrogateescape")
        return hashlib.sha256(told).hexdigest(), len(entry.link.encode("utf-8", "surrogateescape"))
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
    except FileNotFoundError:
        return None
    except OSError as why:
        raise CouldNotLook(
            f"{_shown(entry.path)} of {Size(entry.size)} could not be read: {why.strerror or why}",
            right=f"read {_shown(entry.path)}",
        ) from None
