"""Backup, restore and verification of a running stack: the store, and what Redis holds that is not cache.

All work on the live service. A backup is one archive, which appears under its name when it is whole, with its digest
beside it; a restore reads all of it first, and touches nothing when a file in it is not the one that was written.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import sqlite3
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from seatrial.demo import VERSION, datadir, unsaved
from seatrial.demo.cache import CACHE_PREFIX
from seatrial.demo.resp import Connection, RedisError
from seatrial.demo.settings import address, read_env_file

__all__ = ["HOW", "KEPT", "NAMES", "Failed", "backup", "main", "restore", "take", "verify"]

NAMES = "notes-*.tar.gz"
HOW = "backups.how"
"""File beside the pid files that says how the store is copied, where that is defective."""
KEPT = 7
"""How many backups are kept."""
_STORE, _REDIS, _MANIFEST = "notes.db", "redis.json", "manifest.json"
_LARGEST = 1024**3
"""Bytes of one file in a backup that are read."""


class Failed(Exception):
    """A backup or restore that could not be made: one line that says why."""


def _stack() -> dict[str, str]:
    """What the running stack announced."""
    try:
        folder = datadir.chosen()
    except datadir.NoStack as error:
        raise Failed(str(error)) from None
    try:
        return read_env_file(folder / datadir.ANNOUNCED)
    except OSError:
        raise Failed(f"no demo deployment runs in {folder}") from None


def _folder() -> Path:
    try:
        folder = Path(os.environ["BACKUP_DIR"])
    except KeyError:
        raise Failed("BACKUP_DIR is not set") from None
    if not folder.is_dir():
        raise Failed(f"BACKUP_DIR is no directory: {folder}")
    return folder


def _chosen() -> Path:
    """The backup that is meant: BACKUP_FILE, or the newest in BACKUP_DIR."""
    if named := os.environ.get("BACKUP_FILE"):
        return Path(named)
    folder = _folder()
    found = sorted(folder.glob(NAMES))
    if not found:
        raise Failed(f"there is no backup in {folder}")
    return found[-1]


def _redis(stack: Mapping[str, str]) -> Connection:
    host, port = address(stack["DEMO_REDIS_ADDRESS"])
    return Connection(host, port, stack["DEMO_REDIS_PASSWORD"], timeout=5)


def _keys(redis: Connection, pattern: str) -> list[bytes]:
    """Keys by pattern; SCAN may tell one twice, and never blocks the server as KEYS does."""
    cursor, found = b"0", set()
    while True:
        reply = redis.call("SCAN", cursor, "MATCH", pattern, "COUNT", 500)
        match reply:
            case [bytes(cursor), list(keys)]:
                found |= {key for key in keys if isinstance(key, bytes)}
            case _:
                raise RedisError("SCAN gave no cursor")
        if cursor == b"0":
            return sorted(found)


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, for its owner only."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _reading(path: Path) -> contextlib.closing[sqlite3.Connection]:
    return contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True))


def _store_content(path: Path, copied_by: Callable[[Path, Path], None]) -> tuple[bytes, int]:
    """A copy of the store, and how many notes it holds."""
    with tempfile.TemporaryDirectory(prefix="seatrial-demo-copy-") as scratch:
        copied = Path(scratch, _STORE)
        copied_by(path, copied)
        with contextlib.closing(sqlite3.connect(copied)) as copy:
            # One file: a journal beside it would be forgotten.
            copy.execute("PRAGMA journal_mode = DELETE")
        return copied.read_bytes(), _notes(copied)


def _consistent(path: Path, to: Path) -> None:
    """Copy the store as it is at one moment; SQLite does so while others write."""
    with _reading(path) as live, contextlib.closing(sqlite3.connect(to)) as copy:
        live.backup(copy)


def _notes(path: Path) -> int:
    """How many notes a store has, when it is whole."""
    with _reading(path) as store:
        if store.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise Failed("the copy of the store does not pass SQLite's integrity check")
        return int(store.execute("SELECT count(*) FROM notes").fetchone()[0])


# --- making ---------------------------------------------------------------------------------------------------------


def _held(redis: Connection) -> dict[str, str]:
    """What Redis holds that is not cache."""
    held = {}
    for key in _keys(redis, "*"):
        value = None if key.startswith(CACHE_PREFIX.encode()) else redis.call("DUMP", key)
        if isinstance(value, bytes):
            held[key.decode()] = base64.b64encode(value).decode()
    return held


def _archive(contents: Mapping[str, bytes]) -> bytes:
    """The files of a backup as one, for their owner only."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(content), 0o600, int(time.time())
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def take(folder: Path, store: Path, redis: Connection, how: str = "") -> str:
    """Write a backup to a folder, and remove those that are older than the newest few; return what to tell."""
    content, notes = _store_content(store, unsaved.HOWS.get(how, _consistent))
    held = _held(redis)
    contents = {_STORE: content, _REDIS: json.dumps(held).encode()}
    manifest = {
        "made_by": f"seatrial demo {VERSION}",
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "notes": notes,
        "sha256": {name: hashlib.sha256(each).hexdigest() for name, each in contents.items()},
    }
    archive = _archive({_MANIFEST: json.dumps(manifest, indent=2).encode(), **contents})
    now = time.time_ns()
    name = f"notes-{time.strftime('%Y%m%dT%H%M%S', time.gmtime(now // 10**9))}.{now % 10**9:09}Z.tar.gz"
    # The digest first: a backup never is without it.
    _write(folder / f"{name}.sha256", f"{hashlib.sha256(archive).hexdigest()}  {name}\n".encode())
    _write(folder / name, archive)
    for old in sorted(folder.glob(NAMES))[:-KEPT]:
        old.unlink()
        (folder / f"{old.name}.sha256").unlink(missing_ok=True)
    return f"{notes} notes and {len(held)} keys of Redis are in {folder / name}"


def backup() -> str:
    """Write a backup of the running stack to BACKUP_DIR; return what to tell."""
    stack, folder = _stack(), _folder()
    how = Path(stack["DEMO_DATA_DIR"], "run", HOW).read_text().strip()
    with _redis(stack) as redis:
        return take(folder, Path(stack["DEMO_STORE_DIR"], _STORE), redis, how)


# --- reading --------------------------------------------------------------------------------------------------------


def _read_back(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the files of a backup, of which every one is as it was written."""
    contents: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if member.isreg() and member.name in (_STORE, _REDIS, _MANIFEST) and member.size <= _LARGEST:
                    held = archive.extractfile(member)
                    contents[member.name] = held.read() if held else b""
        manifest = json.loads(contents[_MANIFEST])
        files = {name: contents[name] for name in (_STORE, _REDIS)}
        wrong = [name for name, each in files.items() if hashlib.sha256(each).hexdigest() != manifest["sha256"][name]]
    except (OSError, EOFError, ValueError, KeyError, TypeError, tarfile.TarError, zlib.error):
        raise Failed(f"{path} is no complete backup") from None
    if wrong:
        raise Failed(f"{', '.join(wrong)} in {path} is not what was backed up: its SHA-256 differs")
    beside = path.with_name(f"{path.name}.sha256")
    if beside.exists() and beside.read_text().split()[:1] != [hashlib.sha256(path.read_bytes()).hexdigest()]:
        raise Failed(f"{path} is not what was backed up: its SHA-256 differs from that in {beside.name}")
    return manifest, files


@contextlib.contextmanager
def _store_of(contents: Mapping[str, bytes]) -> Any:
    """The store of a backup as a file."""
    with tempfile.TemporaryDirectory(prefix="seatrial-demo-copy-") as scratch:
        path = Path(scratch, _STORE)
        path.write_bytes(contents[_STORE])
        yield path


def restore() -> str:
    """Put a backup into the running stack; return what to tell."""
    stack = _stack()
    manifest, contents = _read_back(_chosen())
    live_store = sqlite3.connect(Path(stack["DEMO_STORE_DIR"], _STORE), timeout=10)
    with _store_of(contents) as path, _reading(path) as kept, contextlib.closing(live_store) as live:
        kept.backup(live)
    with _redis(stack) as redis:
        # After the store: what the service cached until now may be newer than what it has now.
        gone = _keys(redis, "*")
        if gone:
            redis.call("DEL", *gone)
        for key, value in json.loads(contents[_REDIS]).items():
            redis.call("RESTORE", key, 0, base64.b64decode(value), "REPLACE")
    return f"{manifest['notes']} notes are back, as of {manifest['made_at']}"


def verify() -> str:
    """Look at a backup, beside no stack at all; return what to tell."""
    path = _chosen()
    manifest, contents = _read_back(path)
    with _store_of(contents) as store:
        notes = _notes(store)
    if notes != manifest["notes"]:
        raise Failed(f"{path} has {notes} notes, and {manifest['notes']} were backed up")
    return f"{notes} notes and {len(json.loads(contents[_REDIS]))} keys of Redis are as they were backed up"


_PARTS: dict[str, Callable[[], str]] = {"backup": backup, "restore": restore, "verify": verify}


def main(part: str, argv: list[str]) -> int:
    """Make, restore or verify a backup; 0 when it is done."""
    if argv:
        print(f"usage: BACKUP_DIR=DIR [BACKUP_FILE=FILE] python -m seatrial.demo {part}", file=sys.stderr)
        return 4
    try:
        print(f"seatrial demo {part}: {_PARTS[part]()}")
    except (Failed, RedisError, OSError, sqlite3.Error) as error:
        print(f"seatrial demo {part}: {error}", file=sys.stderr)
        return 1
    return 0
