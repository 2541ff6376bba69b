"""The durable store: notes in SQLite, committed to disk before anyone is told that they are kept."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

_T = TypeVar("_T")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS notes (
    id TEXT PRIMARY KEY, text TEXT NOT NULL, revision INTEGER NOT NULL, written_at REAL NOT NULL
) STRICT
"""
_UPSERT = """
INSERT INTO notes VALUES (?, ?, 1, ?)
ON CONFLICT (id) DO UPDATE SET text = excluded.text, revision = revision + 1, written_at = excluded.written_at
RETURNING id, text, revision, written_at
"""


class StoreLost(Exception):
    """The store does not answer, or is not the file that was opened."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note."""

    id: str
    text: str
    revision: int
    written_at: float

    def as_json(self) -> dict[str, Any]:
        """As it is sent."""
        return asdict(self)


class Store:
    """One connection in one thread: SQLite has one writer anyway, and the event loop never waits for a disk."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._connection: sqlite3.Connection
        self._opened: tuple[int, int]

    def _open(self) -> None:
        self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=0.4)
        self._connection.execute("PRAGMA journal_mode = WAL")
        # FULL, not WAL's usual NORMAL: a note that was acknowledged must outlive a power cut.
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(_SCHEMA)
        self._opened = self._identity()

    def _identity(self) -> tuple[int, int]:
        found = self._path.stat()
        return found.st_dev, found.st_ino

    async def _run(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as error:
            raise StoreLost(type(error).__name__) from error

    async def open(self) -> None:
        """Open the file, and make its table when it is new."""
        await self._run(self._open)

    async def check(self) -> None:
        """Ask for what a write needs: the file that was opened is still there, and its write lock can be had."""

        def work() -> None:
            # SQLite goes on with a file that was deleted under it; the notes would be gone with the process.
            if self._identity() != self._opened:
                raise FileNotFoundError
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("ROLLBACK")

        await self._run(work)

    async def put(self, note_id: str, text: str) -> Note:
        """Keep a note; when this returns it is on disk."""

        def work() -> Note:
            row = self._connection.execute(_UPSERT, (note_id, text, time.time())).fetchall()[0]
            return Note(*row)

        return await self._run(work)

    async def get(self, note_id: str) -> Note | None:
        """Find a note."""

        def work() -> Note | None:
            row = self._connection.execute(
                "SELECT id, text, revision, written_at FROM notes WHERE id = ?", (note_id,)
            ).fetchone()
            return Note(*row) if row else None

        return await self._run(work)

    async def remove(self, note_id: str) -> bool:
        """Remove a note; whether there was one."""

        def work() -> bool:
            return self._connection.execute("DELETE FROM notes WHERE id = ?", (note_id,)).rowcount > 0

        return await self._run(work)

    async def count(self) -> int:
        """How many notes are kept."""
        return await self._run(lambda: int(self._connection.execute("SELECT count(*) FROM notes").fetchone()[0]))

    async def close(self) -> None:
        """Close the file; what SQLite still has in its log goes into it."""
        await self._run(lambda: self._connection.close())
        self._thread.shutdown(wait=False)
