"""What of the machine is not to be seen in a scratch folder: the data of the deployment, and its backups."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session

__all__ = ["hidden"]

SYSTEM = ("/bin", "/etc", "/lib", "/lib64", "/sbin", "/usr")
"""What programs need: never hidden, nor anything above it."""


def hidden(session: Session) -> list[str]:
    """Folders and files that hold what the profile says is data or a backup, as far as they are known.

    What programs, or the procedures themselves, lie in is not hidden, whatever is declared.
    """
    needed = [*SYSTEM, sys.prefix, sys.base_prefix, str(Path(session.base).absolute()), str(Path(__file__).parents[3])]
    needed += [str(Path(session.base).absolute() / path) for path in _run(session)]
    needed += [os.path.realpath(path) for path in (*needed, sys.executable)]
    found: dict[str, None] = {}
    for value in _declared(session.profile):
        with contextlib.suppress(CouldNotLook):
            path = session.resolve(value)
            if os.path.isabs(path):
                for each in (os.path.normpath(path), os.path.realpath(path)):
                    inner = any(f"{need}/".startswith(f"{each.rstrip('/')}/") for need in needed)
                    if not inner and not each.startswith("/etc/"):
                        found[each] = None
    return list(found)


def _run(session: Session) -> Iterator[str]:
    """Programs and scripts that the profile names by a path."""
    backups = getattr(session.profile, "backups", None)
    for backup in backups.values() if isinstance(backups, dict) else ():
        stages = [
            stage for stage in (getattr(backup.drill, "source", None), getattr(backup.drill, "target", None)) if stage
        ]
        nodes = [backup.command, backup.restore, backup.verify, getattr(backup.drill, "gone", None)]
        for stage in stages:
            nodes += [stage.prepare, stage.ready, stage.start.command if stage.start else None]
            yield from map(str, stage.files.values())
        for node in nodes:
            if isinstance(node, list | tuple):
                yield from (word for word in node if os.path.isabs(word) and os.path.isfile(word))
            elif node is not None:
                yield str(node.script)
        if (library := getattr(backup.store, "python", None)) is not None:
            yield str(library.module)
            with contextlib.suppress(CouldNotLook):
                yield session.resolve(library.interpreter)


def _declared(profile: Any) -> Iterator[Any]:
    for service in getattr(profile, "services", {}).values():
        yield from getattr(getattr(service, "persistence", None), "paths", None) or ()
    backups = getattr(profile, "backups", None)
    for backup in backups.values() if isinstance(backups, dict) else ():
        for kind in ("files", "sqlite"):
            if (node := getattr(backup.store, kind, None)) is not None:
                yield node.path
                if kind == "sqlite" and isinstance(node.path, str):
                    yield from (f"{node.path}-wal", f"{node.path}-shm", f"{node.path}-journal")
        if backup.files is not None and backup.files.bucket is None:
            yield backup.files.path
            for copy in backup.files.copies:
                if copy.path is not None:
                    yield copy.path
