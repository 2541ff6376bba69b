"""Files of a container as its engine hands them out: where its root can't be entered, since it runs elsewhere or not at all."""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seatrial.looks._secrets_beneath import Found
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers._docker_api import Api

__all__ = ["walk"]

LARGEST = 64 * 1024 * 1024
"""Bytes of an archive that are read."""


def walk(api: Api, container: str, path: str, most: int) -> Iterator[Found]:
    """The regular files below a path, in the order of the archive.

    Args:
        api: of the engine.
        container: its id.
        path: absolute, inside it.
        most: bytes of each file that are read.

    Raises:
        CouldNotLook: the engine does not hand it out, or it is larger than what is read; what was there is given before.
    """
    data, more = api.raw(f"/containers/{container}/archive", LARGEST, path=path)
    closed: list[str] = []
    top = posixpath.dirname(posixpath.normpath(path))
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r|") as archive:
            for member in archive:
                place = posixpath.join(top, member.name)
                if member.isdir() and not member.mode & 0o001:
                    closed.append(f"{place.rstrip('/')}/")
                file = archive.extractfile(member) if member.isreg() else None
                if file is not None:
                    shut = place.startswith(tuple(closed))
                    mode = member.mode & 0o7777
                    yield Found(place, mode, member.uid, member.gid, shut, member.size, file.read(most))
    except (tarfile.TarError, EOFError, ValueError):
        if not more:
            raise CouldNotLook("the engine's archive of it can't be read") from None
    if more:
        raise CouldNotLook(f"it holds more than {LARGEST // 1024**2} MiB, which the engine is not asked for")
