"""Backup, restore and verification of a running stack: the store, and what Redis holds that is not cache.

Both work on the live service. A backup is complete when its manifest is there, which is written last; a restore reads
the manifest first and touches nothing when a file is not the one that was written.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from seatrial.demo import VERSION, datadir
from seatrial.demo.cache import CACHE_PREFIX
from seatrial.demo.resp import Connection, RedisError
from seatrial.demo.settings import address, read_env_file

_STORE, _REDIS, _MANIFEST = "notes.db", "redis.json", "manifest.json"


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


def _redis(stack: dict[str, str]) -> Connection:
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


def _store_content(path: Path, beside: Path) -> tuple[bytes, int]:
    """A consistent copy of the store, and how many notes it holds; SQLite copies it while others write."""
    with tempfile.TemporaryDirectory(dir=beside, prefix=".store.") as scratch:
        copied = Path(scratch, _STORE)
        with _reading(path) as live, contextlib.closing(sqlite3.connect(copied)) as copy:
            live.backup(copy)
            # One file: a journal beside it would be forgotten.
            copy.execute("PRAGMA journal_mode = DELETE")
            if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise Failed("the copy of the store does not pass SQLite's integrity check")
            notes = int(copy.execute("SELECT count(*) FROM notes").fetchone()[0])
        return copied.read_bytes(), notes


def backup() -> str:
    """Write store, Redis and manifest to BACKUP_DIR; return what to tell."""
    stack, folder = _stack(), _folder()
    (folder / _MANIFEST).unlink(missing_ok=True)  # until the new one is there, there is no backup
    store, notes = _store_content(Path(stack["DEMO_STORE_DIR"], _STORE), folder)
    with _redis(stack) as redis:
        held = {}
        for key in _keys(redis, "*"):
            value = None if key.startswith(CACHE_PREFIX.encode()) else redis.call("DUMP", key)
            if isinstance(value, bytes):
                held[key.decode()] = base64.b64encode(value).decode()
    contents = {_STORE: store, _REDIS: json.dumps(held).encode()}
    for name, content in contents.items():
        _write(folder / name, content)
    manifest = {
        "made_by": f"seatrial demo {VERSION}",
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "notes": notes,
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
    }
    _write(folder / _MANIFEST, json.dumps(manifest, indent=2).encode())
    return f"{notes} notes and {len(held)} keys of Redis are in {folder}"


def _read_back(folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    try:
        manifest = json.loads((folder / _MANIFEST).read_bytes())
        contents = {name: (folder / name).read_bytes() for name in (_STORE, _REDIS)}
        wrong = [
            name for name, held in contents.items() if hashlib.sha256(held).hexdigest() != manifest["sha256"][name]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        raise Failed(f"there is no complete backup in {folder}") from None
    if wrong:
        raise Failed(f"{', '.join(wrong)} in {folder} is not what was backed up: its SHA-256 differs")
    return manifest, contents


def restore() -> str:
    """Put a backup from BACKUP_DIR into the running stack; return what to tell."""
    stack, folder = _stack(), _folder()
    manifest, contents = _read_back(folder)
    live_store = sqlite3.connect(Path(stack["DEMO_STORE_DIR"], _STORE), timeout=10)
    with _reading(folder / _STORE) as kept, contextlib.closing(live_store) as live:
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
    """Look at a backup in BACKUP_DIR, beside no stack at all; return what to tell."""
    folder = _folder()
    manifest, contents = _read_back(folder)
    with _reading(folder / _STORE) as kept:
        if kept.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise Failed(f"{_STORE} in {folder} does not pass SQLite's integrity check")
        notes = int(kept.execute("SELECT count(*) FROM notes").fetchone()[0])
    if notes != manifest["notes"]:
        raise Failed(f"{_STORE} in {folder} has {notes} notes, and {manifest['notes']} were backed up")
    return f"{notes} notes and {len(json.loads(contents[_REDIS]))} keys of Redis are as they were backed up"


_PARTS = {"backup": backup, "restore": restore, "verify": verify}


def main(part: str, argv: list[str]) -> int:
    """Make, restore or verify a backup; 0 when it is done."""
    if argv:
        print(f"usage: BACKUP_DIR=DIR python -m seatrial.demo {part}", file=sys.stderr)
        return 4
    try:
        print(f"seatrial demo {part}: {_PARTS[part]()}")
    except (Failed, RedisError, OSError, sqlite3.Error) as error:
        print(f"seatrial demo {part}: {error}", file=sys.stderr)
        return 1
    return 0
