"""Sentinels of a PostgreSQL database: tables of ours in the schema that new tables go to."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from seatrial.drills.stores import PREFIX

__all__ = [
    "BULK", "MARK", "NOTES", "PEOPLE", "PLACES", "REACHED", "SEQUENCE", "STEPS", "TABLES", "USABLE", "named", "plant", "removed", "step", "step_tables", "steps",
    "unplant",
]  # fmt: skip

MARK = f"{PREFIX}_sentinel_"
"""What the names of all objects of ours begin with."""
PLACES = 4
PEOPLE, NOTES, WIDE, EMPTY = f"{MARK}people", f"{MARK}notes", f"{MARK}Größe 表", f"{MARK}empty"
BULK, GONE, USABLE = f"{MARK}bulk", f"{MARK}gone", f"{MARK}usable"
SEQUENCE = f"{MARK}counter"
STEPS = tuple(f"{MARK}writer_{place}" for place in range(PLACES))
TABLES = (PEOPLE, NOTES, WIDE, EMPTY, BULK, *STEPS)
"""Tables whose rows are told one by one, by what their first column holds."""
REACHED = 4711
"""What the sequence has come to."""
PART = 64 * 1024
COMMENT = f"{PREFIX}: sentinels of a drill; nothing else needs this"

MAKE = f"""
CREATE TABLE {PEOPLE} (name text PRIMARY KEY, body text NOT NULL);
CREATE TABLE {NOTES} (
    name text PRIMARY KEY, body text, raw bytea, made timestamptz, number numeric, ratio double precision, yes boolean,
    tags text[], document json, person text REFERENCES {PEOPLE} (name), id bigserial NOT NULL UNIQUE,
    CHECK (number IS NULL OR number > -1e30)
);
CREATE INDEX {MARK}by_person ON {NOTES} (person);
CREATE TABLE {EMPTY} (name text PRIMARY KEY);
CREATE TABLE {BULK} (number int PRIMARY KEY, body bytea NOT NULL);
ALTER TABLE {BULK} ALTER body SET STORAGE EXTERNAL;
CREATE SEQUENCE {SEQUENCE} START 1;
"""
MAKE_WIDE = f'CREATE TABLE "{WIDE}" ("the name" text PRIMARY KEY, "größe" int NOT NULL DEFAULT 7)'


def _rows(noise: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of notes: what each is, and what it holds beside its name."""
    yield "a row with a value in each column", {
        "body": "as it was written", "raw": b"bytes", "made": "2024-02-29 23:59:59.123456+00", "number": "12345678901234567890.5",
        "ratio": 0.1, "yes": True, "tags": ["a", "b c", ""], "document": '{"b": [1, null], "a":  "x"}', "person": "Ada",
    }  # fmt: skip
    yield "a row of NULLs", {}
    yield "a row of empty values", {"body": "", "raw": b"", "tags": [], "document": '""', "number": "0"}
    yield "text in many scripts", {"body": "größe 日本語 עברית 🌊\r\n\t\\.\n\\N\n--;'\"$$", "person": "größe 🌊"}
    yield "all bytes", {"raw": bytes(range(256))}
    yield "1 MiB of bytes", {"raw": noise.randbytes(1024**2)}
    yield "1 MiB of text", {"body": "a line of text\n" * 70000}
    yield "numbers at their ends", {"number": "NaN", "ratio": float("-inf"), "made": "infinity"}
    yield "a date before Christ", {"made": "0044-03-15 12:00:00+00 BC", "number": "0.000000000000000000001"}


def _every_script(connection: Any) -> bool:
    """Whether the database takes every script; else ASCII is all that is sure."""
    return connection.info.parameter_status("server_encoding") in ("UTF8", "SQL_ASCII")


def plant(connection: Any, size: int) -> dict[str, str]:
    """Write them, and then as much beside them as the size asks for."""
    noise = random.Random(7)
    found: dict[str, str] = {}
    every = _every_script(connection)

    def fit(value: Any) -> Any:
        return value if every or not isinstance(value, str) else value.encode("ascii", "replace").decode()

    with connection.transaction():
        connection.execute(MAKE)
        if every:
            connection.execute(MAKE_WIDE)
        for name in map(fit, ("Ada", "größe 🌊", 'it\'s "quoted", and\na line')):
            connection.execute(f"INSERT INTO {PEOPLE} VALUES (%s, %s)", (name, f"the body of {name}"))
            found[named(PEOPLE, name)] = "a row that others refer to"
            if every:
                connection.execute(f'INSERT INTO "{WIDE}" VALUES (%s)', (name,))
                found[named(WIDE, name)] = "a row of a table whose name is in many scripts"
        for what, values in _rows(noise):
            columns = {"name": what, **{column: fit(value) for column, value in values.items()}}
            connection.execute(
                f"INSERT INTO {NOTES} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})",
                list(columns.values()),
            )
            found[named(NOTES, what)] = what + (" and a key of another" if "person" in values else "")
        for table in (PEOPLE, NOTES, *([WIDE] if every else []), EMPTY):
            found[table] = "an empty table" if table == EMPTY else "a table with its keys"
        connection.execute("SELECT setval(%s, %s)", (SEQUENCE, REACHED))
        found[SEQUENCE] = f"a sequence that has come to {REACHED}"
        _fill(connection, size, noise)
        _step_tables(connection)
    if connection.execute("SELECT EXISTS (SELECT FROM pg_largeobject_metadata)").fetchone()[0]:
        found |= _large_object(connection)
    return found


def named(table: str, key: str) -> str:
    """A row's name in `content`, before it is made printable."""
    from seatrial.drills.stores._forms import printable

    return f"{table}: {printable(key.encode())}"


def _fill(connection: Any, size: int, noise: random.Random) -> None:
    with connection.cursor().copy(f"COPY {BULK} (number, body) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["int4", "bytea"])
        for number in range(-(-size // PART)):
            copy.write_row((number, noise.randbytes(min(PART, size - number * PART))))


def _large_object(connection: Any) -> dict[str, str]:
    """One of ours, where the database has any: a backup of what has none may leave them out."""
    with connection.transaction():
        number = connection.execute("SELECT lo_from_bytea(0, %s)", (bytes(range(256)) * 5000,)).fetchone()[0]
        connection.execute(f"COMMENT ON LARGE OBJECT {int(number)} IS '{COMMENT}'")
    return {f"large object {number}": "a large object"}


def removed(connection: Any) -> tuple[str, ...]:
    """A row that is written and deleted, and a table that is made and dropped."""
    with connection.transaction():
        connection.execute(f"CREATE TABLE {GONE} (name text PRIMARY KEY)")
        connection.execute(f"INSERT INTO {GONE} VALUES ('removed with its table')")
        connection.execute(f"INSERT INTO {PEOPLE} VALUES ('removed', 'before the backup')")
    connection.execute(f"DELETE FROM {PEOPLE} WHERE name = 'removed'")
    connection.execute(f"DROP TABLE {GONE}")
    return named(PEOPLE, "removed"), GONE


def _step_tables(connection: Any) -> None:
    for table in STEPS:
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} (place int PRIMARY KEY, number int NOT NULL)")
        connection.execute(f"INSERT INTO {table} VALUES (0, 0) ON CONFLICT DO NOTHING")


def step_tables(connection: Any) -> None:
    """What is written to step by step."""
    with connection.transaction():
        _step_tables(connection)


def step(connection: Any, number: int) -> None:
    """Write a number, in a transaction of its own."""
    connection.execute(f"UPDATE {STEPS[(number - 1) % PLACES]} SET number = %s", (number,))


def steps(connection: Any) -> tuple[int, ...]:
    """The numbers there are, in one snapshot; 0 where there is no table."""
    found = []
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for table in STEPS:
            there = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()[0]
            row = connection.execute(f"SELECT number FROM {table}").fetchone() if there else None
            found.append(int(row[0]) if row else 0)
    return tuple(found)


def unplant(connection: Any) -> None:
    """Drop all that is named as ours is, and large objects that say they are."""
    with connection.transaction():
        # Rows of notes refer to people: those that refer go first.
        for table in (NOTES, PEOPLE, EMPTY, BULK, GONE, USABLE, *STEPS):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        if _every_script(connection):
            connection.execute(f'DROP TABLE IF EXISTS "{WIDE}"')
        connection.execute(f"DROP SEQUENCE IF EXISTS {SEQUENCE}")
        connection.execute(
            "SELECT lo_unlink(objoid) FROM pg_description WHERE classoid = 'pg_largeobject'::regclass AND description = %s",
            (COMMENT,),
        )
