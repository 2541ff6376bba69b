"""What is given as a backup and is none, and backups that somebody made so that restoring them writes elsewhere.

Of the latter, names that climb, absolute names and names through a link are added to a good archive. They are harmless: empty
files whose names hold a token, which are looked for afterwards.
"""

from __future__ import annotations

import io
import lzma
import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.drills.damaging import Damage, Working

if TYPE_CHECKING:
    from seatrial.drills.place import Entry, Place

__all__ = ["climbing", "escaped", "unfit"]

KIND = "climbing path"
UP = 24
"""More steps up than any folder is deep: whatever is restored to, they end at the root."""
LARGEST = 64 * 1024**2
"""Bytes of an archive, unpacked, that is packed anew."""
MOST = 20_000
"""Members of it."""
_OPENED = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz"}


def _names(token: str) -> dict[str, tuple[str, str]]:
    """By what it does, the name of a member, and where it is then."""
    return {
        "climbs": (f"{'../' * UP}seatrial-{token}-up", f"/seatrial-{token}-up"),
        "is absolute": (f"/tmp/seatrial-{token}-absolute", f"/tmp/seatrial-{token}-absolute"),
        "leads through a link": (f"seatrial-{token}-link/seatrial-{token}-through", f"/tmp/seatrial-{token}-through"),
    }


def climbing(copy: Working, token: str) -> Damage | None:
    """The archive with those members at its end; None where it is no archive that can be made so, or too large."""
    name = copy.largest
    file = copy.path / name
    if file.stat().st_size > LARGEST:
        return None
    with file.open("rb") as stream:
        head = stream.read(8)
    change: Callable[[bytes, str], bytes] = _zip if head.startswith(b"PK\x03\x04") else _tar
    try:
        made = change(file.read_bytes(), token)
    except (OSError, EOFError, ValueError, KeyError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile):
        return None

    def do(path: Path) -> None:
        path.write_bytes(made)

    return Damage(KIND, "members that climb, are absolute, or lead through a link", (name,), do) if made else None


def _tar(data: bytes, token: str) -> bytes:
    form: Any = next((form for magic, form in _OPENED.items() if data.startswith(magic)), "")
    reading: Any = f"r:{form}"
    writing: Any = f"w:{form}"
    made = io.BytesIO()
    size = 0
    with (
        tarfile.open(fileobj=io.BytesIO(data), mode=reading) as was,
        tarfile.open(fileobj=made, mode=writing, format=tarfile.PAX_FORMAT) as now,
    ):
        for number, member in enumerate(was):
            size += member.size
            if size > LARGEST or number >= MOST:
                return b""
            now.addfile(member, was.extractfile(member) if member.isreg() else None)
        if not size:
            return b""  # what begins with zeros is an archive to tar, and holds nothing
        names = _names(token)
        now.addfile(tarfile.TarInfo(names["climbs"][0]))
        now.addfile(tarfile.TarInfo(names["is absolute"][0]))
        through = names["leads through a link"][0]
        link = tarfile.TarInfo(through.split("/")[0])
        link.type, link.linkname = tarfile.SYMTYPE, "/tmp"
        now.addfile(link)
        now.addfile(tarfile.TarInfo(through))
    return made.getvalue()


def _zip(data: bytes, token: str) -> bytes:
    made = io.BytesIO(data)
    with zipfile.ZipFile(made, "a") as now:
        names = _names(token)
        now.writestr(names["climbs"][0], "")
        absolute = zipfile.ZipInfo("absolute")
        absolute.filename = names["is absolute"][0]
        now.writestr(absolute, "")
    return made.getvalue()


def escaped(place: Place, token: str) -> tuple[str, ...]:
    """What of it was written where it leads: ``a member that climbs: /seatrial-…``."""
    return tuple(f"a member that {what}: {path}" for what, (_, path) in _names(token).items() if place.entries(path))


def unfit(root: str, entries: Collection[Entry], names: Collection[str]) -> str:
    """Why what lies there under a backup's name is none, and is not carried; empty when it can be.

    Args:
        root: the folder where backups lie, or the one file.
        entries: all that lies there.
        names: of what is new below it; empty text for the path itself.
    """
    wanted = {f"{root}/{name}" if name else root for name in names}
    for entry in entries:
        if entry.path not in wanted or entry.kind in ("file", "folder"):
            continue
        if entry.kind != "link":
            return f"{entry.path} is a {entry.kind}: a backup is a file, or a folder of files"
        inside = root if "" not in names else posixpath.dirname(root)
        to = posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), entry.link))
        if not to.startswith(f"{inside}/"):
            return f"{entry.path} is a link to {entry.link}, which leads out of the folder of the backups"
    return ""
