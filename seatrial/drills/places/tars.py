"""Files on their way into a place and out of it: as a tar that is read and written in one pass, and believed nothing."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from seatrial.drills.place import Entry
from seatrial.words import CouldNotLook, Size

if TYPE_CHECKING:
    import tarfile

__all__ = ["entries", "kind_of", "pack", "unpack"]

BLOCK = 1024 * 1024
MEMBERS = 1_000_000
"""Files that are taken out of a place at most, in one go."""


def kind_of(mode: int) -> str:
    """What sort of thing a file is by its mode."""
    kinds = {
        stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket",
    }  # fmt: skip
    return kinds.get(stat.S_IFMT(mode), "device")


def pack(source: Path, name: str, out: IO[bytes], *, mode: int | None = None) -> None:
    """Write a file or folder as a tar in which it has that name. Owners are kept where the run may read them as root alone."""
    import tarfile

    root = os.geteuid() == 0

    def owned(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
            return None
        member.uname = member.gname = ""
        if not root:
            member.uid = member.gid = 0
        if mode is not None and member.isreg():
            member.mode = mode
        return member

    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        tar.add(source, arcname=name, filter=owned)


def _members(stream: IO[bytes]) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    import tarfile

    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            yield tar, member


@contextlib.contextmanager
def _whole() -> Iterator[None]:
    """What a tar that is none, or is cut off, comes to."""
    import tarfile

    try:
        yield
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as why:
        raise CouldNotLook(f"what came out of the place is no whole tar: {type(why).__name__}") from None


def unpack(stream: IO[bytes], to: Path, *, most: int) -> None:
    """Make a file or folder of a tar that holds one, under whatever name, with modes and times.

    Nothing is written outside of ``to``: links are made last, names that climb are refused, and devices are left out.

    Raises:
        CouldNotLook: it is larger than ``most``, or no such tar.
    """
    with _whole():
        try:
            _unpack(stream, to, most)
        except TimeoutError:
            raise
        except OSError as why:
            raise CouldNotLook(f"what came out of the place can't be kept: {(why.strerror or '').lower()}") from None


def _unpack(stream: IO[bytes], to: Path, most: int) -> None:
    links: list[tuple[Path, str]] = []
    folders: list[tuple[Path, tarfile.TarInfo]] = []
    whole = 0
    for count, (tar, member) in enumerate(_members(stream), 1):
        whole += max(0, member.size)
        if whole > most or count > MEMBERS:
            raise CouldNotLook(f"it is larger than {Size(most)}, or more than {MEMBERS:,} files, and was not fetched")
        path = _below(to, member.name)
        if member.isdir():
            path.mkdir(mode=0o700, exist_ok=True)
            folders.append((path, member))
        elif member.issym():
            links.append((path, member.linkname))
        elif member.islnk():
            _again(_below(to, member.linkname), path)
        elif member.isreg():
            _file(tar, member, path)
    for path, target in links:
        with contextlib.suppress(FileExistsError):
            path.symlink_to(target)
    for path, member in reversed(folders):
        _as_it_was(path, member)


def _below(to: Path, name: str) -> Path:
    """Where a member goes: the first part of its name is that of the whole."""
    parts = [part for part in name.strip("/").split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in name:
        raise CouldNotLook("what came out of the place has a name that climbs out of it, and was not fetched")
    return to.joinpath(*parts[1:])


def _file(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    source = tar.extractfile(member)
    assert source is not None
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "wb") as out:
        while block := source.read(BLOCK):
            out.write(block)
    _as_it_was(path, member)


def _again(old: Path, path: Path) -> None:
    """A second name of a file; as what it is, since it must not matter which of them is read."""
    if old.is_file() and not old.is_symlink():
        os.link(old, path)


def _as_it_was(path: Path, member: tarfile.TarInfo) -> None:
    with contextlib.suppress(OSError):
        if os.geteuid() == 0:
            os.chown(path, member.uid, member.gid)
        os.chmod(path, member.mode & 0o7777)
        os.utime(path, (member.mtime, member.mtime))


def entries(stream: IO[bytes], folder: str, *, most: int) -> list[Entry]:
    """What a tar lists, as files below a folder; contents are passed over.

    Raises:
        CouldNotLook: it lists more than ``most``.
    """
    found: list[Entry] = []
    with _whole():
        for _, member in _members(stream):
            if len(found) >= most:
                raise CouldNotLook(f"there are more than {most:,} files at and below {folder}")
            path = f"{folder.rstrip('/')}/{member.name.strip('/')}".rstrip("/") or "/"
            found.append(_entry(path, member))
    return sorted(found, key=lambda entry: entry.path)


def _entry(path: str, member: Any) -> Entry:
    kind = (
        "folder" if member.isdir() else "link" if member.issym() else "file" if member.isreg() or member.islnk()
        else "fifo" if member.isfifo() else "device"
    )  # fmt: skip
    link = member.linkname if member.issym() else ""
    return Entry(path, kind, member.size, member.mode & 0o7777, member.uid, member.gid, float(member.mtime), link)
