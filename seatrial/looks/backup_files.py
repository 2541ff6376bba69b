"""What backups lie where a profile declares them, and at other sites: listed, and the newest few read to their end."""

from __future__ import annotations

import os
import posixpath
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seatrial.facts.backups.files import BackupFile, BackupFiles, CopyFiles
from seatrial.looks import _backup_names as names
from seatrial.looks import _backup_sites as sites
from seatrial.looks._backup_reading import Bounds, as_file, everything, read
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Missing, seen

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "PART", "RIGHTS", "look"]

PART = "backup_files"
NOUNS = ("backup_files",)
RIGHTS = {Tier.observe: "read the declared backups, where they lie and at other sites"}
WITHIN = 120.0
"""Seconds that reading the backups of one place may take."""
READ = 2
"""Of each sequence of names the newest are read: the last, and one to compare it with."""
SEQUENCES = 6
AGAIN = 1.0
"""Seconds between two looks at what may still be written."""
RECENT = 600.0
"""Seconds after which nobody is writing a file any more that has not changed."""
LARGEST_SUMS = 1024 * 1024
MOST_OTHERS = 100
MOST_COPIES = 5000
"""Files of another site that are kept in mind."""
Owners = Callable[[int], str]


def look(session: Session, runtime: Runtime | Missing, subject: Subject) -> BackupFiles:
    """The backups of one declaration.

    Raises:
        CouldNotLook: where they should lie can't be looked at.
    """
    found = _at(session, runtime, subject.node.files)
    return replace(found, since=_since(session, subject.node.schedule))


def _since(session: Session, schedule: Any) -> float:
    """When its line of cron or its timer was put there, at the latest: a time that nobody can set back."""
    for key in ("crontab", "timer"):
        declared = getattr(schedule, key, None)
        with suppress(OSError, CouldNotLook):
            if declared is not None and getattr(schedule, "service", None) is None:
                return os.stat(session.base / session.resolve(declared)).st_ctime
    return 0.0


def _at(session: Session, runtime: Runtime | Missing, node: Any) -> BackupFiles:
    path = session.resolve(node.path)
    if node.bucket is not None:
        place, listing = _bucket(session, node.bucket, path)
        return _seen(session, node, place, lambda: _bucket(session, node.bucket, path)[1], listing, str)
    if node.service is not None:
        place, again, owners, clock = _contained(session, runtime, node.service, path)
    else:
        place, owners, clock = path, _users, time.time
        full = os.path.abspath(session.base / path)
        session.call("files", "GET")

        def again() -> sites.Listing:
            return sites.folder("/", full, place)

    try:
        listing = again()
    except FileNotFoundError:
        return BackupFiles(
            place, clock(), (), notes={"missing": "there is no such file or folder"}, copies=_copies(session, node, ())
        )
    return _seen(session, node, place, again, listing, owners, clock)


def _users(uid: int) -> str:
    """The name of a user of this machine."""
    import pwd

    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return ""


def _bucket(session: Session, node: Any, path: str | None) -> tuple[str, sites.Listing]:
    from seatrial.looks._backup_remote import objects

    return objects(session, node, path)


def _contained(
    session: Session, runtime: Runtime | Missing, service: str, path: str
) -> tuple[str, Callable[[], sites.Listing], Owners, Callable[[], float]]:
    """How to look at a path of the one container that a service has.

    Raises:
        CouldNotLook: there is none, or it can't be entered.
    """
    from seatrial.drivers import _docker_endpoint
    from seatrial.drivers._docker_api import Api
    from seatrial.looks._backup_remote import archive, passwd

    runtime = seen(runtime)
    members = seen(runtime.containers.get(service, Missing(f"no container of {service} was seen")))
    if not members:
        raise CouldNotLook(f"there is no container of {service}")
    one = next((each for each in members if each.running), members[0])
    place = f"{one}: {path}"
    if not path.startswith("/"):
        raise CouldNotLook(f"{path} is no absolute path, and lies in a container")
    root = f"/proc/{one.pid}/root"
    if runtime.engine.local and one.running and one.pid and os.access(f"{root}/.", os.R_OK | os.X_OK):
        session.call("files", "GET")
        users = session.once(("users of", one.id), lambda: _named(_passwd(root)))
        return place, lambda: sites.folder(root, path, place), lambda uid: users.get(uid, ""), time.time
    endpoint = _docker_endpoint.find(session)

    def asked(what: Callable[[Any], Any]) -> Any:
        with closing(Api(session, endpoint)) as api:
            return what(api)

    users = session.once(("users of", one.id), lambda: _named(asked(lambda api: passwd(api, one.id))))
    return (
        place,
        lambda: asked(lambda api: archive(api, one.id, path, place)),
        lambda uid: users.get(uid, ""),
        lambda: asked(_clock),
    )


def _passwd(root: str) -> bytes:
    from seatrial.looks import _secrets_beneath as beneath

    with suppress(OSError):
        found = beneath.find(root, "/etc/passwd", 1024**2)
        return found.data if found else b""
    return b""


def _named(passwd: bytes) -> dict[int, str]:
    found: dict[int, str] = {}
    for line in passwd.decode("utf-8", "replace").splitlines():
        words = line.split(":")
        if len(words) > 2 and words[2].isdigit():
            found.setdefault(int(words[2]), words[0])
    return found


def _clock(api: Any) -> float:
    """What time it is where the engine runs."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(str(api.get("/info").get("SystemTime"))[:26] + "+00:00").timestamp()
    except (ValueError, CouldNotLook):
        return time.time()


# --- one place --------------------------------------------------------------------------------------------------------


def _seen(
    session: Session, node: Any, place: str, again: Callable[[], sites.Listing], listing: sites.Listing, owners: Owners,
    clock: Callable[[], float] = time.time,
) -> BackupFiles:  # fmt: skip
    began, looked = time.monotonic(), clock()
    found = _sorted(node, listing)
    bounds = Bounds(WITHIN)
    chosen = {each.name for each in _chosen(found.backups)}
    files = []
    for each in found.backups:
        algorithm, digest, sums = _said(node, found, each)
        got = read(each, owners, bounds, algorithm) if each.name in chosen else as_file(each, owners)
        files.append(replace(got, said_digest=digest, checksum_file=sums))
    changing = _changing(node, found, again, looked, began)
    files.sort(key=lambda one: (-one.modified, one.name))
    return BackupFiles(
        place=place,
        looked=looked,
        files=tuple(files),
        others=tuple(as_file(each, owners) for each in found.others[:MOST_OTHERS]),
        copies=_copies(session, node, tuple(files)),
        folder=as_file(listing.itself, owners) if listing.itself else None,
        changing=changing,
        single=listing.single or _whole(listing),
        closed=Missing("what lies above it can't be seen from here") if listing.closed is None else listing.closed,
        orphans=tuple(as_file(each, owners) for each in found.orphans[:MOST_OTHERS]),
    )


_PARTS = ("toc.dat", "backup_manifest", "backup_label", "base.tar", "base.tar.gz", "appendonly.aof.manifest")


def _whole(listing: sites.Listing) -> bool:
    """Whether the folder is itself one backup, by what such a folder always holds."""
    return any(each.name in _PARTS for each in listing.entries)


def _sorted(node: Any, listing: sites.Listing) -> names.Sorted:
    if listing.single:
        found = names.sort([], "", None)
        (found.backups if listing.entries[0].kind == "file" else found.others).extend(listing.entries)
        return found
    if _whole(listing) and "match" not in node.model_fields_set and listing.itself is not None:
        found = names.sort([], "", None)
        itself = listing.itself
        prefix = itself.name
        found.backups.append(
            replace(itself, below=lambda: [replace(e, name=f"{prefix}/{e.name}") for e in listing.entries])
        )
        return found
    return names.sort(listing.entries, node.match, node.checksum)


def _chosen(backups: list[sites.Entry]) -> list[sites.Entry]:
    """Which of them are read: the newest of each sequence of names."""
    from seatrial.facts.backups.files import sequence

    taken: dict[str, list[sites.Entry]] = {}
    for each in backups:
        row = (
            taken.setdefault(sequence(each.name), []) if sequence(each.name) in taken or len(taken) < SEQUENCES else []
        )
        if len(row) < READ:
            row.append(each)
    return [each for row in taken.values() for each in row]


def _said(node: Any, found: names.Sorted, entry: sites.Entry) -> tuple[str, str, str]:
    """What the checksum file of a backup says: algorithm, digest, and the name of that file."""
    if node.checksum is None:
        return "", "", ""
    sums = found.sums.get(names.checksum_name(node.checksum, entry.name))
    if sums is None or sums.open is None:
        return "", "", ""
    try:
        with sums.open() as stream:
            text = (stream.read(LARGEST_SUMS) or b"").decode("utf-8", "replace")
    except (OSError, CouldNotLook):
        return "", "", sums.name
    return *names.said(text, entry.name), sums.name


def _changing(
    node: Any, found: names.Sorted, again: Callable[[], sites.Listing], looked: float, began: float
) -> tuple[str, ...]:
    """Names of backups that are another size or time at a second look; nothing is waited for where all is old."""
    before = {each.name: (each.size, each.modified, each.identity) for each in found.backups if each.kind == "file"}
    if not any(abs(looked - modified) < RECENT for _, modified, _ in before.values()):
        return ()
    time.sleep(max(0.0, began + AGAIN - time.monotonic()))
    try:
        now = {each.name: (each.size, each.modified, each.identity) for each in _sorted(node, again()).backups}
    except (CouldNotLook, FileNotFoundError):
        return ()
    return tuple(
        sorted(name for name, was in before.items() if now.get(name, was)[:2] != was[:2] and now[name][2] == was[2])
    )


# --- other sites ------------------------------------------------------------------------------------------------------


def _copies(session: Session, node: Any, files: tuple[BackupFile, ...]) -> tuple[CopyFiles, ...]:
    found = []
    for copy in node.copies:
        try:
            found.append(_copy(session, copy, files))
        except CouldNotLook as why:
            where = "bucket" if copy.bucket is not None else "path"
            found.append(CopyFiles(f"the copy by {where}", Missing(why.reason, why.right)))
    return tuple(found)


def _copy(session: Session, copy: Any, files: tuple[BackupFile, ...]) -> CopyFiles:
    path = session.resolve(copy.path) if copy.path is not None else None
    if copy.bucket is not None:
        place, listing = _bucket(session, copy.bucket, path)
        owners: Owners = lambda _: ""  # noqa: E731
    else:
        assert path is not None
        place, owners = path, _users
        session.call("files", "GET")
        try:
            listing = sites.folder("/", os.path.abspath(session.base / path), place)
        except FileNotFoundError:
            return CopyFiles(place, ())
    bounds = Bounds(WITHIN)
    wanted = {each.name for each in files if isinstance(each.digest, str)}
    there = [each for each in listing.entries if each.kind in ("file", "folder", "link")]
    if not {each.name for each in files} <= {posixpath.basename(each.name) for each in there}:
        # Another site may sort them into folders of its own.
        below = [
            each
            for folder in there
            if folder.kind == "folder" and folder.name not in wanted
            for each in everything(folder, bounds)
        ]
        there += [each for each in below if each.kind in ("file", "link")]
    names_ = {each.name for each in files}
    kept = sorted(there, key=lambda each: (posixpath.basename(each.name) not in names_, -each.modified))[:MOST_COPIES]
    return CopyFiles(
        place,
        tuple(
            read(each, owners, bounds)
            if posixpath.basename(each.name) in wanted and each.kind in ("file", "folder")
            else as_file(each, owners)
            for each in kept
        ),
    )
