"""Files of a service: below its data paths, its configuration files, and what is mounted into its containers from the host.

What is mounted from the host is looked at there, since whoever is on the host reads it there.
"""

from __future__ import annotations

import os
import posixpath
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.facts.leak import PRIVATE_KEY, Place, Rights
from seatrial.looks import _secrets_archive
from seatrial.looks import _secrets_beneath as beneath
from seatrial.looks._secrets import holdings, place
from seatrial.looks._secrets_files import format_of, holders, scanned
from seatrial.words import CouldNotLook, Missing, seen

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.container import Container, Mount
    from seatrial.facts.runtime import Runtime
    from seatrial.scan import Hit

__all__ = ["stored"]

LARGEST = 1024 * 1024
"""Bytes of a file that are read."""
DEEP = 256 * 1024
"""Bytes of a configuration file up to which each of its lines is judged; a larger one is data."""
PATIENCE = 45.0
"""Seconds for one path."""
_NOT_FILES = re.compile(r"/|/(proc|sys|dev|run|var/run|var/lib/docker)(/.*)?")
"""What is mounted for other reasons than to be read as configuration; whether it may be is asked elsewhere."""


@dataclass(frozen=True, slots=True)
class _Path:
    """Something to be walked over, as it is told and where it lies."""

    where: str
    """``container web-1: /data``."""
    inside: str
    """Its path as the service sees it."""
    root: str
    path: str
    container: Container | None = None
    """Asked for through the engine, where its root can't be entered."""


def stored(session: Session, runtime: Runtime, service: str) -> list[Place]:
    """The files of a service that hold something; and one place for each path that was walked over.

    Raises:
        CouldNotLook: nothing is known of its containers, or a path can't be resolved.
    """
    found: list[Place] = []
    wanted = list(_declared(session, service))
    if service in runtime.processes:
        paths = [_Path(path, path, "/", path) for path, _ in wanted]
    else:
        members = seen(runtime.containers.get(service, Missing(f"nothing was seen of {service}")))
        paths = [_Path(path, path, "/", path) for path, inside in wanted if not inside]
        for container in members:
            found.append(_mounts(container, service))
            paths += _of_container(runtime, container, [path for path, inside in wanted if inside])
    for one in {(path.where, path.path): path for path in paths}.values():
        found += _walked(session, service, one)
    return found


def _declared(session: Session, service: str) -> Iterator[tuple[str, bool]]:
    """Paths, and whether each is the service's own or one of this machine."""
    node = session.profile.services[service]
    for path in node.persistence.paths if node.persistence else ():
        yield session.resolve(path), True
    for file in node.configuration.files if node.configuration else ():
        path = session.resolve(file.path)
        yield (path, True) if file.inside else (str(session.base / path), False)


def _mounts(container: Container, service: str) -> Place:
    """That the engine's list of mounts was looked at: a container without any has nothing more to be searched."""
    listed = container.mounts if isinstance(container.mounts, Missing) else ()
    return Place("file", f"{container}, mounts", listed, service)


def _of_container(runtime: Runtime, container: Container, wanted: list[str]) -> Iterator[_Path]:
    """Declared paths in one container, and what is mounted into it that nobody but the host writes."""
    mounts = () if isinstance(container.mounts, Missing) else container.mounts
    shown = [
        mount.destination
        for mount in mounts
        if mount.type == "bind" and not mount.writable and not _NOT_FILES.fullmatch(mount.real or mount.source)
    ]
    local = runtime.engine.local
    root = f"/proc/{container.pid}/root" if local and container.running and _may_enter(container.pid) else ""
    for inside in dict.fromkeys([*wanted, *shown]):
        where = f"{container}: {inside}"
        if local and (of_host := _on_host(inside, mounts, running=container.running)):
            yield _Path(f"{where} ({of_host})", inside, "/", of_host)
        else:
            yield _Path(where, inside, root, inside, container)


def _may_enter(pid: int) -> bool:
    return bool(pid) and os.access(f"/proc/{pid}/root/", os.X_OK)


def _on_host(inside: str, mounts: Iterable[Mount], *, running: bool) -> str:
    """Where the host has a path that is mounted from it; empty for volumes and what is the container's own.

    Of a container that does not run, no kernel shows it, and what it was asked for as is all that is known.
    """
    best, path = "", ""
    for mount in mounts:
        top = mount.destination.rstrip("/")
        if f"{posixpath.normpath(inside)}/".startswith(f"{top}/") and len(top) >= len(best):
            best = top
            rest = posixpath.normpath(inside)[len(top) :]
            source = mount.real or ("" if running else mount.source)
            path = f"{source}{rest}" if mount.type == "bind" and source else ""
    return path


def _walked(session: Session, service: str, one: _Path) -> Iterator[Place]:
    """The files below a path that hold something, and the path itself, as searched or as not to be."""
    most = session.profile.secrets.max_files if session.profile.secrets else 10_000
    session.call("files", "GET")
    end = time.monotonic() + PATIENCE
    below, prefix = one.where.partition(" (")[0].rstrip("/"), one.path.rstrip("/")
    try:
        for number, file in enumerate(_files(session, one)):
            if number >= most:
                break
            if time.monotonic() > end:
                yield Place("file", one.where, Missing(f"searching it took more than {PATIENCE:g} s"), service)
                return
            hits = _closed(file) if file.unread else _hits(session, file)
            if hits:
                rest = file.path.removeprefix(f"{prefix}/") if file.path.startswith(f"{prefix}/") else ""
                where = f"{below}/{rest}" if rest else one.where
                yield _place(session, service, one, file, where, hits)
    except PermissionError:
        right = f"read {one.where}: as root, or as who owns it"
        yield Place("file", one.where, Missing("it can't be read by this user", right), service)
    except OSError as why:
        yield Place("file", one.where, Missing(f"it can't be read: {why.strerror}", f"read {one.path}"), service)
    except CouldNotLook as why:
        yield Place("file", one.where, Missing(why.reason, why.right), service)
    else:
        yield Place("file", one.where, (), service)


def _files(session: Session, one: _Path) -> Iterator[beneath.Found]:
    """The files of a path: as the kernel shows them, or as the engine hands them out."""
    if one.container is None or one.root:
        yield from beneath.walk(one.root, one.path, LARGEST)
        return
    from seatrial.drivers import _docker_endpoint
    from seatrial.drivers._docker_api import Api

    api = Api(session, _docker_endpoint.find(session))
    try:
        yield from _secrets_archive.walk(api, one.container.id, one.path, LARGEST)
    finally:
        api.close()


def _closed(file: beneath.Found) -> Missing:
    """What may be in it is not known; that it is open to nobody is."""
    return Missing("it can't be read by this user", f"read {file.path}: as root, or as who owns it")


def _place(
    session: Session, service: str, one: _Path, file: beneath.Found, where: str, hits: list[Hit] | Missing
) -> Place:
    holds = holders(session, file.path) if one.root == "/" else ()
    if one.inside.startswith("/run/secrets"):
        holds += holdings(session, service)  # where compose puts what it was told to keep secret
    rights = Rights(file.mode, file.uid, file.gid, file.shut)
    return place("file", where, hits, service=service, rights=rights, holds=holds)


def _hits(session: Session, file: beneath.Found) -> list[Hit]:
    """What a file holds. A file that nobody else may read may hold secrets; only those that are known are looked for."""
    others = bool(file.mode & 0o004) and not file.shut
    if b"\0" in file.data[:4096]:
        return scanned(file.data, "", session.known, deep=False)
    deep = others and file.size <= DEEP and bool(format_of(file.path))
    found = scanned(file.data, format_of(file.path), session.known, deep=deep)
    if others and not deep and b"PRIVATE KEY-----" in file.data:
        found += [hit for hit in scanned(file.data, "text", (), deep=True) if hit.kind == PRIVATE_KEY]
    return found
