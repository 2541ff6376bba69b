"""Sentinels of a file of SQLite, as statements: they are run by whatever program a place has."""

from __future__ import annotations

from seatrial.drills.stores import PREFIX
from seatrial.drills.stores._forms import printable

__all__ = [
    "BULK",
    "GONE",
    "MARK",
    "NOTES",
    "PEOPLE",
    "PLACES",
    "REMOVED",
    "STEPS",
    "TABLES",
    "TOLD",
    "TRIED",
    "planted",
    "step",
    "unplanted",
]

MARK = f"{PREFIX}_sentinel_"
"""What the names of all tables of ours begin with."""
PLACES = 4
PEOPLE, NOTES, WIDE, EMPTY = f"{MARK}people", f"{MARK}notes", f"{MARK}Größe 表", f"{MARK}empty"
KEYED, BULK, DROPPED = f"{MARK}keyed", f"{MARK}bulk", f"{MARK}gone"
STEPS = tuple(f"{MARK}writer_{place}" for place in range(PLACES))
TABLES = (PEOPLE, NOTES, WIDE, EMPTY, KEYED, BULK, *STEPS)
"""Tables whose rows are told one by one, by what their first column holds."""
REACHED = 4711
"""The number that was given last, to a row that is gone."""
PART = 64 * 1024
NAMES = ("Ada", "größe 🌊", 'it\'s "quoted", and\na line')

ROWS: dict[str, tuple[str, str, str, str]] = {
    "a row with a value in each column": ("'as it was written'", "X'00FF'", "12345.5", "'Ada'"),
    "a row of NULLs": ("NULL", "NULL", "NULL", "NULL"),
    "a row of empty values": ("''", "X''", "0", "NULL"),
    "text in many scripts": ("'größe 日本語 עברית 🌊' || char(13, 10, 9) || '--;\"$'", "NULL", "NULL", "'größe 🌊'"),
    "a blob that looks like text": ("NULL", "CAST('text' AS BLOB)", "NULL", "NULL"),
    "1 MiB of bytes": ("NULL", "randomblob(1048576)", "NULL", "NULL"),
    "1 MiB of text": ("hex(zeroblob(524288))", "NULL", "NULL", "NULL"),
    "the largest number": ("NULL", "NULL", "9223372036854775807", "NULL"),
    "a number that is no whole one": ("NULL", "NULL", "0.1", "NULL"),
    "a number as text": ("NULL", "'17'", "NULL", "NULL"),
}
"""Rows of notes: what each is, and its text, blob, number and person as SQL."""

MAKE = f"""
CREATE TABLE {PEOPLE} (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE {NOTES} (
  name TEXT NOT NULL UNIQUE, body TEXT, raw BLOB, number, person TEXT REFERENCES {PEOPLE} (name),
  id INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE INDEX {MARK}by_person ON {NOTES} (person) WHERE person IS NOT NULL;
CREATE TABLE "{WIDE}" ("the name" TEXT PRIMARY KEY, "größe" INT NOT NULL DEFAULT 7);
CREATE TABLE {EMPTY} (name TEXT PRIMARY KEY);
CREATE TABLE {KEYED} (name TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID;
CREATE TABLE {BULK} (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
"""
TRIED = f"""
BEGIN IMMEDIATE;
CREATE TABLE {MARK}usable (number INT);
INSERT INTO {MARK}usable VALUES (1);
DROP TABLE {MARK}usable;
COMMIT;
"""
REMOVED = f"""
CREATE TABLE {DROPPED} (name TEXT PRIMARY KEY);
INSERT INTO {DROPPED} VALUES ('removed with its table');
INSERT OR REPLACE INTO {PEOPLE} VALUES ('removed', 'before the backup');
DELETE FROM {PEOPLE} WHERE name = 'removed';
DROP TABLE {DROPPED};
"""
GONE = (f"{PEOPLE}: removed", DROPPED)
"""Names of what that removes."""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _told() -> dict[str, str]:
    found = dict.fromkeys((PEOPLE, NOTES, WIDE, KEYED), "a table with its keys")
    found[EMPTY] = "an empty table"
    for name in map(str.encode, NAMES):
        found[f"{PEOPLE}: {printable(name)}"] = "a row that others refer to"
        found[f"{WIDE}: {printable(name)}"] = "a row of a table whose name is in many scripts"
        found[f"{KEYED}: {printable(name)}"] = "a row of a table that is kept in the order of its key"
    for what, row in ROWS.items():
        found[f"{NOTES}: {what}"] = what + (" and a key of another" if row[3] != "NULL" else "")
    return found


TOLD = _told()
"""What each sentinel is, by its name."""


def planted(size: int) -> str:
    """Statements that write them, and as much beside them as the size asks for: what is large first.

    SQLite moves what is in its log into the file when that is large. What comes last is in the log alone.
    """
    large = [what for what in ROWS if "MiB" in what]
    said = ["BEGIN IMMEDIATE;", MAKE, *_filled(size), *_people(), "COMMIT;", "BEGIN IMMEDIATE;", *map(_row, large)]
    said += ["COMMIT;", "BEGIN IMMEDIATE;", *(_row(what) for what in ROWS if what not in large)]
    # The last number is of a row that is gone: only the file remembers that it was given.
    said.append(f"INSERT INTO {NOTES} (id, name) VALUES ({REACHED}, 'gone'); DELETE FROM {NOTES} WHERE id = {REACHED};")
    return "\n".join([*said, "COMMIT;", ""])


def _people() -> list[str]:
    said = []
    for name in map(_quoted, NAMES):
        said.append(f"INSERT INTO {PEOPLE} VALUES ({name}, 'the body of ' || {name});")
        said.append(f'INSERT INTO "{WIDE}" ("the name") VALUES ({name});')
        said.append(f"INSERT INTO {KEYED} VALUES ({name}, 'kept');")
    return said


def _row(what: str) -> str:
    return f"INSERT INTO {NOTES} (name, body, raw, number, person) VALUES ({_quoted(what)}, {', '.join(ROWS[what])});"


def _filled(size: int) -> list[str]:
    whole, rest = divmod(size, PART)
    said = []
    if whole:
        said.append(
            f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {whole}) "
            f"INSERT INTO {BULK} SELECT i, randomblob({PART}) FROM n;"
        )
    if rest:
        said.append(f"INSERT INTO {BULK} VALUES (0, randomblob({rest}));")
    return said


def step(number: int) -> str:
    """Statements that write a number."""
    table = STEPS[(number - 1) % PLACES]
    return (
        f"BEGIN IMMEDIATE;\nCREATE TABLE IF NOT EXISTS {table} (place INTEGER PRIMARY KEY, number INT NOT NULL);\n"
        f"INSERT OR REPLACE INTO {table} VALUES (0, {int(number)});\nCOMMIT;\n"
    )


def unplanted() -> str:
    """Statements that drop all of them; done twice they do no harm."""
    # Notes refer to people: those that refer go first.
    order = (NOTES, *(table for table in TABLES if table != NOTES), DROPPED, f"{MARK}usable")
    return "\n".join(["BEGIN IMMEDIATE;", *(f'DROP TABLE IF EXISTS "{table}";' for table in order), "COMMIT;", ""])
