"""What a profile promises of its backups, and whether all data that is kept is in one: from the profile, and from the mounts there are."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.facts.container import Container, Mount
from seatrial.words import CouldNotLook, Finding, Missing, seen

__all__ = ["Data", "DeclaredBackup", "KeptData", "Saved"]


@dataclass(frozen=True, slots=True)
class DeclaredBackup:
    """One backup, by what the profile says of it."""

    id: str
    """``backups.notes``"""
    restore: bool = True
    drill: bool = True
    """True also where it is said why there is none."""
    verify: bool = True
    unstated: tuple[str, ...] = ()
    """Keys of promises that are not there: ``rpo``."""

    def _lacks(self, there: bool, seen: str, expected: str) -> list[Finding]:
        return [] if there else [Finding(self.id, seen, expected)]

    @property
    def unrestorable(self) -> list[Finding]:
        """The backup, where nothing is declared that restores it."""
        return self._lacks(self.restore, "nothing restores it: restore is not declared", "restore")

    @property
    def unrehearsed(self) -> list[Finding]:
        """The backup, where no round trip is made with it."""
        return self._lacks(
            self.drill, "it is never restored by way of trial: drill is not declared", "drill, or why there is none"
        )

    @property
    def unverified(self) -> list[Finding]:
        """The backup, where nothing is declared that verifies it."""
        return self._lacks(self.verify, "nothing tells a good one from a broken one: verify is not declared", "verify")

    @property
    def unpromised(self) -> list[Finding]:
        """Promises that are not made."""
        said = {
            "rpo": "how much may be lost is not said: rpo is not declared",
            "rto": "how long restoring may take is not said: rto is not declared",
            "schedule": "what makes it by itself is not said: schedule is not declared",
        }
        return [Finding(self.id, said[key], key) for key in self.unstated]


@dataclass(frozen=True, slots=True)
class Saved:
    """What one backup holds, as it is declared."""

    backup: str
    """``backups.notes``"""
    service: str = ""
    holds: tuple[str, ...] = ()
    """References as they are spelled: ``{env: DATA_DIR}``."""
    reads: str = ""
    """The path that its `store` reads, where it is one of files."""


@dataclass(frozen=True, slots=True)
class Data:
    """One thing that is kept: a declared path, or a volume that is really there."""

    path: str
    """As the service knows it; of a reference how it is spelled."""
    volume: str = ""
    real: str = ""
    """Where it lies on the host, as far as that was seen."""


def _folder(path: str) -> str:
    return posixpath.normpath(path) if path.startswith("/") else path.rstrip("/")


def _within(path: str, above: str) -> bool:
    """Whether a path is that of a folder, or below it."""
    path, above = _folder(path), _folder(above)
    return path == above or (path.startswith("/") and path.startswith(above.rstrip("/") + "/"))


@dataclass(frozen=True, slots=True)
class KeptData:
    """The data of one service, and the backups there are."""

    id: str
    service: str
    paths: tuple[str, ...]
    """Declared ones; references as they are spelled."""
    saved: tuple[Saved, ...]
    services: tuple[str, ...] = ()
    """All that the profile has, whose names `holds` may say."""
    containers: tuple[Container, ...] | Missing | None = None
    """None where it runs in none."""
    excepted: bool = False
    """Whether the profile says that it is in no backup on purpose."""
    elsewhere: frozenset[str] = frozenset()
    """Volumes that other services account for."""

    # --- declared paths -------------------------------------------------------------------------------------------

    @property
    def unsaved(self) -> list[Finding]:
        """Declared data that is in no backup.

        Raises:
            CouldNotLook: which volume lies at such a path was not seen, and a volume is what backups name.
        """
        if self.excepted:
            return []
        if not self.paths:
            known = any(each.service == self.service or self.service in each.holds for each in self.saved)
            return [] if known else [self._unsaved(f"the data of {self.service}")]
        lost = [path for path in self.paths if not self._saved(Data(path, *self._lies(path)))]
        if lost and (blind := self._blind) and self._mounts_named():
            raise CouldNotLook(
                f"whether {', '.join(lost)} of {self.service} is what backups hold was not seen: {blind.reason}",
                right=blind.right,
            )
        return [self._unsaved(path) for path in lost]

    def _unsaved(self, what: str) -> Finding:
        there = ", ".join(each.backup for each in self.saved)
        return Finding(f"{self.service}: {what}", f"it is in no backup (declared are {there})", "one that holds it")

    @property
    def _blind(self) -> Missing | None:
        """Why what its containers mount is not known, where it is not."""
        if isinstance(self.containers, Missing):
            return self.containers
        return next((each.mounts for each in self.containers or () if isinstance(each.mounts, Missing)), None)

    def _mounts_named(self) -> bool:
        """Whether some backup names what only its mounts would tell to be the same: a volume, or a path of the host."""
        return any(not name.startswith("{") and name not in self.services for each in self.saved for name in each.holds)

    def _lies(self, path: str) -> tuple[str, str]:
        """The volume that a path lies in, and where that is on the host."""
        found = max(
            (mount for mount in self._mounts() if _within(path, mount.destination)),
            key=lambda mount: len(mount.destination),
            default=None,
        )
        if found is None:
            return "", ""
        below = posixpath.relpath(_folder(path), _folder(found.destination))
        base = found.real or (found.source if found.type == "bind" else "")
        return found.volume, _folder(posixpath.join(base, below)) if base else ""

    def _mounts(self) -> Iterator[Mount]:
        for container in () if isinstance(self.containers, Missing) else self.containers or ():
            if not isinstance(container.mounts, Missing):
                yield from container.mounts

    def _saved(self, data: Data) -> bool:
        return any(self._holds(each, data) for each in self.saved)

    def _holds(self, each: Saved, data: Data) -> bool:
        own = each.service == self.service
        for name in each.holds:
            if name in (self.service, data.volume, data.path) or data.volume.endswith(f"_{name}"):
                return True  # compose puts its project's name before that of a volume
            # A path in `holds` is one of the service whose backup it is, or where it lies on the host.
            if _within(data.path, name) or (data.real and _within(data.real, name)):
                return True
        return own and not self._reads_another(each, data)

    def _reads_another(self, each: Saved, data: Data) -> bool:
        """Whether what a backup of this service saves is another of its paths, and not this one."""
        if not each.reads:
            return False

        def of(one: Data) -> bool:
            return any(
                path and (_within(path, each.reads) or _within(each.reads, path)) for path in (one.path, one.real)
            )

        return not of(data) and any(of(Data(path, *self._lies(path))) for path in self.paths)

    @property
    def volumes(self) -> frozenset[str]:
        """Volumes of this service whose data is accounted for: in a backup, or in none on purpose."""
        return frozenset(
            mount.volume
            for mount in self._mounts()
            if mount.volume and (self.excepted or self._saved(Data(mount.destination, mount.volume, mount.real)))
        )

    # --- volumes that are there -----------------------------------------------------------------------------------

    @property
    def unsaved_volumes(self) -> list[Finding]:
        """Named volumes that its containers can write, and that are in no backup.

        Raises:
            CouldNotLook: what its containers mount was not seen.
        """
        if self.excepted:
            return []
        containers = seen(self.containers) if self.containers is not None else ()
        found, blind = {}, ""
        for container in containers:
            if isinstance(container.mounts, Missing):
                blind = blind or f"{container}: {container.mounts.reason}"
                continue
            for mount in container.mounts:
                if self._keeps(mount) and mount.volume not in found:
                    found[mount.volume] = Finding(
                        str(container),
                        f"volume {mount.volume}, at {mount.destination}, is in no backup",
                        "a backup that holds it, or a word on why it needs none",
                    )
        if blind and not found:
            raise CouldNotLook(f"what is mounted was not seen: {blind}")
        return list(found.values())

    def _keeps(self, mount: Mount) -> bool:
        """Whether a mount is a named volume that can be written, and that neither a backup nor a declared path accounts for."""
        if not mount.volume or mount.anonymous or not mount.writable or mount.volume in self.elsewhere:
            return False
        if any(_within(path, mount.destination) or _within(mount.destination, path) for path in self.paths):
            return False  # what is declared is told as such
        return not self._saved(Data(mount.destination, mount.volume, mount.real))
