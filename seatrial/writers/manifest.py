"""``manifest.json``: the SHA-256 and size of every other file of a run, so that a copy can be checked."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.record import Record

__all__ = ["NAME", "verify", "write"]

NAME = "manifest.json"


def _files(folder: Path) -> dict[str, dict[str, object]]:
    return {
        name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (name := path.relative_to(folder).as_posix()) != NAME and not name.startswith(".")
    }


def write(record: Record, folder: Path) -> str:
    """The manifest of what the folder holds by now."""
    run = {
        "profile": record.profile.name,
        "started": record.run.started,
        "result": record.result,
        "exit_code": int(record.exit),
    }
    return json.dumps({"version": "1", "run": run, "files": _files(folder)}, indent=2) + "\n"


def verify(folder: Path) -> list[str]:
    """What differs between a run's folder and its manifest: changed, missing and added files."""
    told = json.loads((folder / NAME).read_text())["files"]
    seen = _files(folder)
    return [
        *(f"{name} is missing" for name in told if name not in seen),
        *(f"{name} was added" for name in seen if name not in told),
        *(f"{name} was changed" for name in told if name in seen and seen[name] != told[name]),
    ]
