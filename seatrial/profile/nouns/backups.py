"""Backups as subjects: each that is declared, what it leaves, what makes it by itself, its drill, and all data that must be in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from seatrial.profile.nodes import None_
from seatrial.profile.subject import Noun, Subject

if TYPE_CHECKING:
    from seatrial.profile.backing import Backup, Maintenance
    from seatrial.profile.model import Profile

__all__ = ["NOUNS", "backups_of", "maintenance_of"]


def backups_of(profile: Profile) -> dict[str, Backup]:
    """The backups a profile declares; none where it says that there are none."""
    return profile.backups if isinstance(profile.backups, dict) else {}


def maintenance_of(profile: Profile) -> dict[str, Maintenance]:
    """The maintenance a profile declares."""
    return profile.maintenance if isinstance(profile.maintenance, dict) else {}


def _backups(noun: str, key: str = "") -> Callable[[Profile], Iterator[Subject]]:
    """Backups that declare a key, by other means than saying that there is none."""

    def find(profile: Profile) -> Iterator[Subject]:
        for name, node in backups_of(profile).items():
            declared = getattr(node, key) if key else node
            if declared is not None and not isinstance(declared, None_):
                path = ("backups", name, key) if key else ("backups", name)
                id = f"backups.{name}.{key}" if key else f"backups.{name}"
                yield Subject(id, noun, path, node, node.service or "")

    return find


def _drills(
    noun: str, condition: Callable[[Backup], object] = lambda _: True
) -> Callable[[Profile], Iterator[Subject]]:
    """Backups whose round trip is made. All of these nouns share one drill."""

    def find(profile: Profile) -> Iterator[Subject]:
        for name, node in backups_of(profile).items():
            if node.drill is not None and not isinstance(node.drill, None_) and condition(node):
                yield Subject(f"backups.{name}.drill", noun, ("backups", name, "drill"), node, node.service or "")

    return find


def _writes(node: Backup) -> bool:
    return getattr(node.drill, "writes", False)


def _kept_data(profile: Profile) -> Iterator[Subject]:
    """Services that keep data, where there are backups at all."""
    for name, service in profile.services.items() if backups_of(profile) else ():
        if service.persistence is not None and not service.external:
            yield Subject(
                f"{name}.persistence", "kept_data", ("services", name, "persistence"), service.persistence, name
            )


def _mounted_data(profile: Profile) -> Iterator[Subject]:
    """Services whose containers may mount volumes, where there are backups at all."""
    for name, service in profile.services.items() if backups_of(profile) else ():
        if profile.target.driver == "docker" and not service.external:
            yield Subject(name, "mounted_data", ("services", name), service, name)


def _maintenance(profile: Profile) -> Iterator[Subject]:
    """Maintenance that is tried in the drill of a backup."""
    known = {subject.path[1] for subject in _drills("drill")(profile)}
    for name, node in maintenance_of(profile).items():
        if node.over in known:
            yield Subject(f"maintenance.{name}", "maintenance", ("maintenance", name), node)


SECTIONS = ("backups",)
_DRILL = "no backup declares drill"
NOUNS = {
    "backup": Noun(_backups("backup"), "backups is not declared", SECTIONS, "backup"),
    "backup_files": Noun(_backups("backup_files", "files"), "no backup declares files", (), "backup"),
    "schedule": Noun(_backups("schedule", "schedule"), "no backup declares schedule", (), "backup"),
    "kept_data": Noun(
        _kept_data, "no service declares persistence, or backups is not declared", ("backups",), "persistence"
    ),
    "mounted_data": Noun(
        _mounted_data, "target.driver is not docker, so that no service mounts volumes, or backups is not declared", ()
    ),
    "drill": Noun(_drills("drill"), _DRILL, (), "backup"),
    "control": Noun(_drills("control"), _DRILL, (), "backup"),
    "verification": Noun(_drills("verification", lambda node: node.verify), _DRILL + " and verify", (), "backup"),
    "writing": Noun(_drills("writing", _writes), _DRILL + " with writes", (), "backup"),
    "maintenance": Noun(
        _maintenance, "no maintenance declares over, or that backup has no drill", ("maintenance",), "maintenance entry"
    ),
}
