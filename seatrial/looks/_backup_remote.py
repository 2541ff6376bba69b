"""Backups that lie where no path of ours leads: in a container of another kernel, or one that does not run, and in a bucket."""

from __future__ import annotations

import io
import posixpath
import tarfile
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from seatrial.looks._backup_sites import MOST_ENTRIES, Entry, Listing, printable
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.drivers._docker_api import Api

__all__ = ["archive", "objects", "passwd"]

LARGEST = 128 * 1024 * 1024
"""Bytes that an engine is asked for."""
FETCHED = 1024**3
"""Bytes of one object that are fetched."""
_KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.LNKTYPE: "link",
    tarfile.SYMTYPE: "link",
    tarfile.DIRTYPE: "folder",
    tarfile.FIFOTYPE: "fifo",
}


def archive(api: Api, container: str, path: str, where: str) -> Listing:
    """What lies at a path of a container, as its engine hands it out.

    Raises:
        FileNotFoundError: it is not there.
        CouldNotLook: the engine does not hand it out, or it is larger than what is asked for.
    """
    from seatrial.drivers._docker_api import NotThere

    try:
        data, more = api.raw(f"/containers/{container}/archive", LARGEST, path=f"{path.rstrip('/')}/.")
    except NotThere:
        try:
            data, more = api.raw(f"/containers/{container}/archive", LARGEST, path=path)
        except NotThere:
            raise FileNotFoundError(where) from None
    except CouldNotLook:  # it is a file, of which nothing is below
        data, more = api.raw(f"/containers/{container}/archive", LARGEST, path=path)
    if more:
        raise CouldNotLook(
            f"{where} holds more than {LARGEST // 1024**2} MiB, which an engine is not asked for",
            right="run Seatrial on the engine's own host, as root, and with the container running",
        )
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as members:
            found = [_member(each, members) for each in members.getmembers()]
    except (tarfile.TarError, EOFError, ValueError):
        raise CouldNotLook("the engine's archive of it can't be read") from None
    top = found[0] if found else None
    if top is None or top.kind != "folder":
        return Listing(found[:1], True)
    # The first is the folder itself: `.`, or by its own name, with which the names of all others begin.
    below = {each.name if top.name == "." else each.name.partition("/")[2]: each for each in found[1:]}
    return Listing(_tree(below, ""), False, top)


def _member(member: tarfile.TarInfo, members: tarfile.TarFile) -> Entry:
    def opened() -> BinaryIO:
        file = members.fileobj
        assert isinstance(file, io.BytesIO)
        return io.BytesIO(file.getvalue()[member.offset_data : member.offset_data + member.size])

    kind = _KINDS.get(member.type, "device")
    return Entry(
        printable(posixpath.normpath(member.name)), kind, member.size if kind == "file" else 0, float(member.mtime), member.mode & 0o7777,
        member.uid, member.gid, open=opened if kind == "file" else None,
    )  # fmt: skip


def _tree(below: dict[str, Entry], before: str) -> list[Entry]:
    """What is right below a name."""
    from dataclasses import replace

    found = []
    for name, each in below.items():
        if name.startswith(before) and "/" not in name[len(before) :] and name != before:
            each = replace(each, name=name)
            if each.kind == "folder":
                each = replace(each, below=lambda name=name: _tree(below, f"{name}/"))  # type: ignore[misc]
            found.append(each)
    return found


def passwd(api: Api, container: str) -> bytes:
    """The users of a container, as far as it names any."""
    try:
        data, _ = api.raw(f"/containers/{container}/archive", 1024**2, path="/etc/passwd")
        with tarfile.open(fileobj=io.BytesIO(data)) as members:
            file = members.extractfile(members.getmembers()[0])
            return file.read(1024**2) if file else b""
    except (CouldNotLook, tarfile.TarError, KeyError, IndexError, EOFError):
        return b""


def objects(session: Session, node: Any, path: str | None) -> tuple[str, Listing]:
    """The name of a bucket, and what lies in it below a prefix.

    Raises:
        CouldNotLook: it can't be listed.
    """
    from seatrial.drivers import _s3

    bucket = _s3.bucket(session, node)
    prefix = bucket.prefix + (path or "")
    found = []
    for each in bucket.list(prefix, most=MOST_ENTRIES):
        name = each.name[len(prefix) :].lstrip("/") if prefix.endswith("/") else posixpath.basename(each.name)
        name = printable(name)
        if name:
            found.append(
                Entry(
                    name,
                    "file",
                    each.size,
                    each.modified,
                    tag=each.tag,
                    open=partial(_fetched, bucket, each.name),
                )
            )
    return f"{bucket.shown}/{prefix}", Listing(found, len(found) == 1 and found[0].name == posixpath.basename(prefix))


def _fetched(bucket: Any, name: str) -> BinaryIO:
    """A scratch copy of an object, which is gone when it is closed."""
    with tempfile.TemporaryDirectory(prefix="seatrial-") as folder:
        copy = Path(folder) / "object"
        if bucket.get(name, copy, most=FETCHED) is None:
            raise CouldNotLook(f"{name} is no longer there")
        return copy.open("rb", buffering=0)
