"""A database of SQLite: its own check, on a connection that can't write and takes no lock."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from typing import BinaryIO

from seatrial.archives._feed import Broken, Budget, Undecided

__all__ = ["read_sqlite", "short"]


def short(head: bytes, size: int) -> str:
    """Why a database of so many bytes is cut off, by its head; empty when it is not."""
    if len(head) < 100:
        return f"it ends at byte {size:,}, within its head: it is cut off"
    page = int.from_bytes(head[16:18], "big")
    page = 65536 if page == 1 else page
    pages = int.from_bytes(head[28:32], "big")
    if page < 512 or page & page - 1:
        return "its head is none of a database of SQLite"
    if head[24:28] == head[92:96] and pages and size < page * pages:
        return f"it has {size:,} bytes of the {page * pages:,} that its head tells: it is cut off"
    return ""


def read_sqlite(stream: BinaryIO, size: int, budget: Budget) -> int:
    """How many rows its tables have.

    Raises:
        Broken: it is cut off, or SQLite's own check finds something.
    """
    import sqlite3

    stream.seek(0)
    if cut := short(stream.read(100) or b"", size):
        raise Broken(cut)
    folder = tempfile.mkdtemp(prefix="seatrial-")
    try:
        copy = os.path.join(folder, "copy")
        stream.seek(0)
        with open(copy, "wb") as out:
            while piece := stream.read(1024 * 1024):
                budget.spend(len(piece))
                out.write(piece)
        connection = sqlite3.connect(f"file:{copy}?mode=ro&immutable=1", uri=True, isolation_level=None)
        try:
            connection.set_progress_handler(lambda: time.monotonic() > budget.end, 10_000)
            connection.execute("PRAGMA trusted_schema=OFF")
            connection.execute("PRAGMA cell_size_check=ON")
            return _checked(connection)
        except sqlite3.OperationalError as why:
            budget.spend(0)
            if "no such module" in str(why) or "unsupported" in str(why):
                raise Undecided(f"SQLite's check can't be made here: {str(why)[:100]}") from None
            raise Broken(f"SQLite can't read it: {str(why)[:100]}") from None
        except sqlite3.DatabaseError as why:
            raise Broken(f"SQLite can't read it: {str(why)[:100]}") from None
        finally:
            connection.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _checked(connection) -> int:  # type: ignore[no-untyped-def]
    said = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
    if said != ["ok"]:
        told = "; ".join(" ".join(line.split()) for line in said)
        raise Broken(f"SQLite's integrity check: {told[:200]}")
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    ).fetchall()
    rows = 0
    for (name,) in tables:
        quoted = str(name).replace('"', '""')
        rows += connection.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()[0]
    return rows
