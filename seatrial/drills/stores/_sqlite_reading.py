"""What a file of SQLite holds, from a copy of it, table by table. A file that is broken gives what can be read of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from seatrial.drills.stores import Item
from seatrial.drills.stores import _sqlite_seeds as seeds
from seatrial.drills.stores._forms import Form, Heap, printable, shortened
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    import sqlite3

__all__ = ["SUFFIXES", "WHOLE", "items", "steps"]

SUFFIXES = ("-wal", "-journal", "")
"""What belongs to a file, in the order it is copied: what is written first is copied last."""
WHOLE = "the file as a whole"
MOST_TABLES = 20_000
READ_WITHIN = 300.0
EVERY = 100_000
"""Instructions of its machine between two looks at the clock."""


class _Text(bytes):
    """Text as its bytes: it need not be valid, and is not the same as a blob of them."""

    __slots__ = ()


def _coded(value: Any) -> bytes:
    """A value with its type."""
    if value is None:
        return b"n"
    if isinstance(value, _Text):
        return b"t" + value
    if isinstance(value, bytes):
        return b"b" + value
    return (b"i%d" % value) if isinstance(value, int) else b"f" + repr(value).encode()


@contextmanager
def _opened(copy: Path) -> Iterator[sqlite3.Connection]:
    """A copy of ours: what its log or journal holds is brought in when it is opened."""
    import sqlite3

    end = time.monotonic() + READ_WITHIN
    connection = sqlite3.connect(f"file:{quote(str(copy))}?mode=rw", uri=True, isolation_level=None)
    try:
        connection.text_factory = _Text
        connection.set_progress_handler(lambda: time.monotonic() > end, EVERY)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        yield connection
    except (sqlite3.OperationalError, OverflowError, MemoryError) as why:
        if time.monotonic() > end:
            raise CouldNotLook(f"a copy of it could not be read within {READ_WITHIN:g} s") from None
        raise CouldNotLook(f"a copy of it could not be read: {type(why).__name__}") from None
    finally:
        connection.close()


def items(copy: Path) -> dict[str, Item]:
    """All objects there are, by name; none, when it is no database."""
    import sqlite3

    found: dict[str, Item] = {}
    with _opened(copy) as connection:
        try:
            listed = connection.execute("SELECT type, name, sql, tbl_name FROM sqlite_master").fetchall()
        except sqlite3.DatabaseError as why:
            if not _broken(why):
                raise
            return {}
        if len(listed) > MOST_TABLES:
            raise CouldNotLook(f"it has more than {MOST_TABLES:,} tables and indexes, which is more than are compared")
        found[WHOLE] = _whole(connection)
        numbers = _numbers(connection)
        for kind, name, sql, _ in listed:
            text = name.decode("utf-8", "replace")
            if kind == b"view":
                form = Form("view")
                form.add(bytes(sql or b""))
                found[f"view {printable(name)}"] = Item(form.digest(), form.size, "a view")
            elif kind == b"table" and not text.startswith("sqlite_"):
                virtual = bytes(sql or b"").upper().startswith(b"CREATE VIRTUAL")
                beside = {
                    what: sorted(
                        printable(each[1]) for each in listed if each[0] == kind and each[3] == name and each[2]
                    )
                    for what, kind in (("indexes", b"index"), ("triggers", b"trigger"))
                }
                try:
                    found.update(_table(connection, text, beside, numbers.get(bytes(name)), virtual=virtual))
                except sqlite3.DatabaseError as why:
                    # What can't be read of a broken file is missing, and is told to be.
                    if not _broken(why):
                        raise
    return found


def _broken(why: Exception) -> bool:
    """Whether the file is at fault, and not how it was asked."""
    import sqlite3

    return not isinstance(why, sqlite3.OperationalError) or "malformed" in str(why)


def _whole(connection: sqlite3.Connection) -> Item:
    import sqlite3

    told: dict[str, str] = {}
    for name in ("user_version", "application_id", "encoding"):
        value = connection.execute(f"PRAGMA {name}").fetchone()[0]
        told[name] = value.decode() if isinstance(value, bytes) else str(value)
    for name in ("integrity_check", "foreign_key_check"):
        try:
            rows = connection.execute(f"PRAGMA {name}(5)" if name == "integrity_check" else f"PRAGMA {name}").fetchmany(
                6
            )
            first = rows[0][0].decode("utf-8", "replace") if rows else ""
            found = (
                shortened(first) if name == "integrity_check" else f"{len(rows)} rows lead nowhere" if rows else "ok"
            )
            told[name] = " ".join(found.split())
        except sqlite3.OperationalError as why:
            # A function or an order of the program's own, which nobody else has, is no fault of the file.
            told[name] = "" if not _broken(why) else str(why)
        except sqlite3.DatabaseError as why:
            told[name] = str(why)
    return Item(Form("whole").digest(), 0, "the file", tuple(sorted(told.items())))


def _numbers(connection: sqlite3.Connection) -> dict[bytes, int]:
    """The number each table gave last, where it gives none twice."""
    import sqlite3

    try:
        return {
            bytes(name): int(number or 0)
            for name, number in connection.execute("SELECT name, seq FROM sqlite_sequence")
        }
    except sqlite3.DatabaseError:
        return {}  # no table of the file asks for it


def _table(
    connection: sqlite3.Connection, name: str, beside: dict[str, list[str]], number: int | None, *, virtual: bool
) -> dict[str, Item]:
    """A table; of sentinels also row by row."""
    quoted = '"' + name.replace('"', '""') + '"'
    columns = connection.execute(f"PRAGMA table_xinfo({quoted})").fetchall()
    keys = connection.execute(f"PRAGMA foreign_key_list({quoted})").fetchall()
    attributes = {
        "columns": ", ".join(
            f"{printable(row[1])} {printable(row[2])}" + (" not null" if row[3] else "") for row in columns
        ),
        "key": ", ".join(printable(row[1]) for row in sorted(columns, key=lambda row: row[5]) if row[5]),
        "refers to": ", ".join(sorted(f"{printable(row[3])} to {printable(row[2])}" for row in keys)),
        "last number": str(number) if number is not None else "none",
        **{what: ", ".join(names) for what, names in beside.items()},
    }
    told = tuple((key, shortened(value or "none")) for key, value in sorted(attributes.items()))
    found: dict[str, Item] = {}
    if name in seeds.TABLES:
        for row in connection.execute(f"SELECT * FROM {quoted}"):
            form = Form("row")
            # Notes are numbered as they come, which is told by the table.
            for value in row[:-1] if name == seeds.NOTES else row:
                form.add(_coded(value))
            label = row[0] if isinstance(row[0], bytes) else str(row[0]).encode()
            found[f"{name}: {printable(label)}"] = Item(
                form.digest(), form.size, f"a row of {name}", _leads(connection, name, row)
            )
        return {name: Item(Form("table").digest(), 0, "a table", told), **found}
    heap = Heap()
    if not virtual:
        for row in connection.execute(f"SELECT * FROM {quoted}"):
            heap.add(map(_coded, row))
    what = "a virtual table" if virtual else f"a table of {heap.count} rows"
    return {f"table {printable(name.encode('utf-8', 'surrogateescape'))}": Item(heap.digest(), heap.size, what, told)}


def _leads(connection: sqlite3.Connection, name: str, row: tuple[Any, ...]) -> tuple[tuple[str, str], ...]:
    """To what a note leads."""
    import sqlite3

    if name != seeds.NOTES or row[4] is None:
        return ()
    try:
        body = connection.execute(
            f"SELECT body FROM {seeds.PEOPLE} WHERE name = CAST(? AS TEXT)", (bytes(row[4]),)
        ).fetchone()
    except sqlite3.DatabaseError:
        body = None
    return (("refers to", printable(body[0]) if body else "nothing"),)


def steps(copy: Path) -> tuple[int, ...]:
    """The numbers that writers left; 0 where there is none."""
    import sqlite3

    found = []
    with _opened(copy) as connection:
        for table in seeds.STEPS:
            try:
                row = connection.execute(f"SELECT number FROM {table}").fetchone()
            except sqlite3.DatabaseError:
                row = None
            found.append(int(row[0]) if row else 0)
    return tuple(found)
