"""Real PostgreSQL servers: what comes back by procedures that are sound, and by those that only seem to be."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seatrial.drills.comparing import compared
from seatrial.drills.stores import Content, open_store
from seatrial.drills.stores._postgres_seeds import EMPTY, NOTES, PEOPLE, SEQUENCE
from seatrial.outcomes import Tier
from seatrial.profile.backing import PostgresStore, Store
from seatrial.words import CouldNotLook
from tests.integration.backups.store_places import POSTGRES, Folder, PostgresServer, postgres_server

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not (POSTGRES / "initdb").exists(), reason="no PostgreSQL 15 is installed here"),
]
SHOP = """
CREATE ROLE app LOGIN; CREATE ROLE readers; GRANT readers TO app;
CREATE DATABASE shop;
"""
TABLES = """
CREATE TYPE mood AS ENUM ('calm', 'rough');
CREATE TABLE orders (id serial PRIMARY KEY, text text, sea mood, parent int REFERENCES orders);
INSERT INTO orders (text, sea, parent) SELECT 'order ' || n, 'calm', nullif(n - 1, 0) FROM generate_series(1, 500) n;
ALTER TABLE orders OWNER TO app; GRANT SELECT ON orders TO readers;
CREATE VIEW calm AS SELECT * FROM orders WHERE sea = 'calm';
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM orders;
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n';
CREATE UNLOGGED TABLE cache (k text); INSERT INTO cache VALUES ('warm');
CREATE TABLE parts (day int, text text) PARTITION BY RANGE (day);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (10); INSERT INTO parts VALUES (5, 'five');
CREATE SCHEMA "Other"; CREATE TABLE "Other"."a b" (x float8); INSERT INTO "Other"."a b" VALUES (0.1), (0.1), ('NaN');
SELECT lo_from_bytea(0, 'a large object');
"""


@contextmanager
def entered() -> Iterator[Path]:
    """A folder that the user of the servers may write to; pytest's own are for the user of the tests alone."""
    made = Path(tempfile.mkdtemp(prefix="seatrial-postgres-"))
    made.chmod(0o777)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def source() -> Iterator[PostgresServer]:
    """A server with a database that is used, and roles that own its tables."""
    with entered() as folder, postgres_server(folder / "source") as server:
        server.sql(SHOP)
        server.sql(TABLES, database="shop")
        yield server


@pytest.fixture(scope="module")
def target() -> Iterator[PostgresServer]:
    """Another one, empty."""
    with entered() as folder, postgres_server(folder / "target") as server:
        yield server


@pytest.fixture
def folder() -> Iterator[Path]:
    with entered() as made:
        yield made


def store(server: PostgresServer, tier: Tier = Tier.write, *, user: str = "postgres", database: str = "shop"):
    node = PostgresStore(port=server.port, user=user, database=database)
    return open_store(Folder(server.folder, tier), Store(postgres=node))


def emptied(server: PostgresServer, *, roles: bool = True) -> None:
    server.sql("DROP DATABASE IF EXISTS shop WITH (FORCE)")
    server.sql("CREATE DATABASE shop TEMPLATE template0")
    server.sql("DROP ROLE IF EXISTS app; DROP ROLE IF EXISTS readers")
    if roles:
        server.sql("CREATE ROLE app LOGIN; CREATE ROLE readers; GRANT readers TO app")


def custom(source: PostgresServer, target: PostgresServer, folder: Path) -> None:
    source.command("pg_dump", "-Fc", "-f", str(folder / "shop.dump"), "shop")
    target.command("pg_restore", "--exit-on-error", "-d", "shop", str(folder / "shop.dump"))


def folders(source: PostgresServer, target: PostgresServer, folder: Path) -> None:
    source.command("pg_dump", "-Fd", "-j2", "-f", str(folder / "shop"), "shop")
    target.command("pg_restore", "--exit-on-error", "-j2", "-d", "shop", str(folder / "shop"))


def plain(source: PostgresServer, target: PostgresServer, folder: Path) -> None:
    source.command("pg_dump", "-f", str(folder / "shop.sql"), "shop")
    target.command("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "shop", "-f", str(folder / "shop.sql"))


def everything(source: PostgresServer, target: PostgresServer, folder: Path) -> None:
    """With its roles, into a server that has none of them."""
    emptied(target, roles=False)
    source.command("pg_dumpall", "--globals-only", "-f", str(folder / "globals.sql"))
    target.command("psql", "-X", "-q", "-d", "postgres", "-f", str(folder / "globals.sql"))
    custom(source, target, folder)


def anew(source: PostgresServer, target: PostgresServer, folder: Path) -> None:
    """The restore drops the database, which nobody may be connected to."""
    source.command("pg_dump", "-Fc", "-f", str(folder / "shop.dump"), "shop")
    target.command(
        "pg_restore",
        "--clean",
        "--if-exists",
        "--create",
        "--exit-on-error",
        "-d",
        "postgres",
        str(folder / "shop.dump"),
    )


def no_globals(source: PostgresServer, target: PostgresServer, folder: Path) -> None:
    emptied(target, roles=False)
    source.command("pg_dump", "-Fc", "-f", str(folder / "shop.dump"), "shop")
    target.command("pg_restore", "-d", "shop", str(folder / "shop.dump"), check=False)


def schema_alone(source: PostgresServer, target: PostgresServer, folder: Path) -> None:
    source.command("pg_dump", "-Fc", "--schema-only", "-f", str(folder / "shop.dump"), "shop")
    target.command("pg_restore", "--exit-on-error", "-d", "shop", str(folder / "shop.dump"))


def no_keys(source: PostgresServer, target: PostgresServer, folder: Path) -> None:
    source.command("pg_dump", "-Fc", "-f", str(folder / "shop.dump"), "shop")
    for section in ("pre-data", "data"):
        target.command("pg_restore", f"--section={section}", "--exit-on-error", "-d", "shop", str(folder / "shop.dump"))


def no_large_objects(source: PostgresServer, target: PostgresServer, folder: Path) -> None:
    source.command("pg_dump", "-Fc", "--no-blobs", "-f", str(folder / "shop.dump"), "shop")
    target.command("pg_restore", "--exit-on-error", "-d", "shop", str(folder / "shop.dump"))


def rows_by_copy(source: PostgresServer, target: PostgresServer, folder: Path) -> None:
    """Tables one by one: the sequences that number their rows begin again."""
    source.command("pg_dump", "-Fc", "--schema-only", "-f", str(folder / "schema.dump"), "shop")
    target.command("pg_restore", "-d", "shop", str(folder / "schema.dump"))
    for table in ("orders", PEOPLE, NOTES):
        rows = source.command("psql", "-X", "-q", "-d", "shop", "-c", f"COPY {table} TO STDOUT")
        target.command("psql", "-X", "-q", "-d", "shop", "-c", f"COPY {table} FROM STDIN", stdin=rows.encode())


def half_a_script(source: PostgresServer, target: PostgresServer, folder: Path) -> None:
    """It ends in the middle, and psql is not told to mind: it ends with 0."""
    text = source.command("pg_dump", "shop")
    half = text[: text.index(f"COPY public.{NOTES}")]
    target.command("psql", "-X", "-q", "-d", "shop", stdin=half.encode())


def other_database(source: PostgresServer, target: PostgresServer, folder: Path) -> None:
    source.command("pg_dump", "-Fc", "-f", str(folder / "shop.dump"), "postgres")
    target.command("pg_restore", "--exit-on-error", "-d", "shop", str(folder / "shop.dump"))


Procedure = Callable[[PostgresServer, PostgresServer, Path], None]
SOUND: tuple[Procedure, ...] = (custom, folders, plain, everything, anew)
HOLLOW: dict[Procedure, dict[str, str]] = {
    no_globals: {"missing": "a role", "attribute": "owner the superuser"},
    schema_alone: {"missing": "a large object", "shorter": "a table of 500 rows"},
    no_keys: {"attribute": "constraints"},
    no_large_objects: {"missing": "a large object"},
    rows_by_copy: {"attribute": "behind its column yes"},
    half_a_script: {"missing": "1 MiB of bytes"},
    other_database: {"missing": "a table with its keys"},
}


def journey(source: PostgresServer, target: PostgresServer, folder: Path, procedure: Procedure):
    """What differs after it, and what was written."""
    emptied(target)
    here, there = store(source), store(target)
    assert here.identity() != there.identity()
    seeded = here.seed(200_000)
    removed = here.removed()
    was, before = here.content(), there.content()
    assert set(seeded) <= set(was.items)
    assert not set(removed) & set(was.items)
    try:
        procedure(source, target, folder)
        there.ready()
        found = compared(was, there.content(), seeded=seeded, removed=removed, before=before)
        assert compared(was, here.content(), seeded=seeded, removed=removed).differences == []
    finally:
        here.unseed()
    return found, seeded


@pytest.mark.parametrize("procedure", SOUND)
def test_a_sound_procedure_brings_everything_back(procedure, source, target, folder):
    found, _ = journey(source, target, folder, procedure)
    assert found.differences == []


@pytest.mark.parametrize("procedure", HOLLOW)
def test_a_hollow_procedure_is_seen_through(procedure, source, target, folder):
    found, _ = journey(source, target, folder, procedure)
    for kind, text in HOLLOW[procedure].items():
        told = [f"{each.what}; {each.seen}" for each in found.differences if each.kind == kind]
        assert [each for each in told if text in each], (kind, told)


def test_a_base_backup_is_another_server_with_the_same_content(source, folder):
    here = store(source)
    seeded = here.seed(50_000)
    was = here.content()
    copy = PostgresServer(folder / "copy")
    copy.folder.mkdir(mode=0o777)
    copy.folder.chmod(0o777)
    source.command("pg_basebackup", "-D", str(copy.data), "-c", "fast", "-X", "stream")
    try:
        copy.start()
        there = store(copy)
        there.ready()
        # initdb gave both the same number: the servers are two all the same.
        assert here.identity().split(" started ")[0] == there.identity().split(" started ")[0]
        assert here.identity() != there.identity()
        assert compared(was, there.content(), seeded=seeded).differences == []
        there.unseed()
        assert compared(was, here.content(), seeded=seeded).differences == []
    finally:
        copy.stop()
        here.unseed()


def test_every_change_is_seen_and_nothing_else(source):
    ours = store(source)
    seeded = ours.seed(0)
    changes = {
        f"UPDATE {PEOPLE} SET body = body || ' ' WHERE name = 'Ada'": ["changed", "attribute"],
        f"UPDATE {NOTES} SET raw = NULL WHERE raw = ''": ["shorter"],
        f"UPDATE {NOTES} SET ratio = 0.1000000000000000056 WHERE ratio = 0.1": [],
        f"UPDATE {NOTES} SET ratio = 0.10000000000000002 WHERE ratio = 0.1": ["changed"],
        f"DELETE FROM {NOTES} WHERE name = 'a row of NULLs'": ["missing"],
        f"DROP TABLE {EMPTY}": ["missing"],
        f"SELECT setval('{SEQUENCE}', 1)": ["attribute"],
        f"ALTER TABLE {NOTES} DROP CONSTRAINT {NOTES}_person_fkey": ["attribute"],
        f"GRANT SELECT ON {PEOPLE} TO readers": ["attribute"],
        "UPDATE orders SET text = 'another' WHERE id = 7": ["shorter"],
        'INSERT INTO "Other"."a b" VALUES (0.1)': ["changed"],
        "CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 3 * n'": ["changed"],
        "ALTER TYPE mood ADD VALUE 'storm'": ["changed"],
        "SELECT lo_put(oid, 0, 'b') FROM pg_largeobject_metadata ORDER BY oid LIMIT 1": ["changed"],
        "REFRESH MATERIALIZED VIEW counted": [],
        "VACUUM FULL orders": [],
    }
    was = ours.content()
    try:
        for statement, kinds in changes.items():
            source.sql(statement, database="shop")
            now = ours.content()
            assert sorted(each.kind for each in compared(was, now, seeded=seeded).differences) == sorted(kinds), (
                statement
            )
            was = now
    finally:
        ours.unseed()


def test_all_is_taken_away_again_and_what_was_there_stays(source):
    ours = store(source)
    before = ours.content()
    ours.seed(100_000)
    ours.step(1)
    again = store(source)
    again.unseed()
    again.unseed()
    assert again.content() == before


def test_a_writer_is_heard_and_holds_nothing_up(source):
    ours = store(source)
    for number in range(1, 11):
        ours.step(number)
    assert store(source).steps() == (9, 10, 7, 8)
    assert ours.usable() == ""
    ours.step(11)
    assert ours.steps()[2] == 11
    ours.unseed()
    assert ours.steps() == (0, 0, 0, 0)
    end = time.monotonic() + 10
    while source.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'seatrial'").strip() != "0":
        assert time.monotonic() < end, "a connection of ours is still there"


def test_an_owner_of_a_database_is_enough(source):
    source.sql("DROP DATABASE IF EXISTS own")
    source.sql("CREATE DATABASE own OWNER app ENCODING latin1 LOCALE 'C' TEMPLATE template0")
    source.sql("ALTER SCHEMA public OWNER TO app", database="own")
    ours = store(source, user="app", database="own")
    seeded = ours.seed(1000)
    assert set(seeded) <= set(ours.content().items)
    assert ours.usable() == ""
    ours.unseed()
    assert ours.content() == Content(
        {name: item for name, item in ours.content().items.items() if name.startswith("role")}
    )
    source.sql("DROP DATABASE own")


def test_what_can_not_be_looked_at_is_said(source):
    for ask, told in (
        (store(source, database="nowhere").ready, "the database or the user does not exist"),
        (store(source, user="nobody").content, "the database or the user does not exist"),
        (lambda: store(source, Tier.observe).seed(0), "needs tier write"),
        (store(source, user="app").content, "this user may not read it"),
        (lambda: store(source, user="app").seed(0), "this user may not write sentinels"),
    ):
        with pytest.raises(CouldNotLook, match=told):
            ask()
    assert "could not write and read" in store(PostgresServer(source.folder)).usable()


def test_a_server_that_recovers_is_not_ready(source, folder):
    """What it holds is what another one sends it."""
    copy = PostgresServer(folder / "copy")
    copy.folder.mkdir(mode=0o777)
    copy.folder.chmod(0o777)
    source.command("pg_basebackup", "-D", str(copy.data), "-c", "fast", "-R")
    try:
        copy.start()
        with pytest.raises(CouldNotLook, match="still in recovery"):
            store(copy).ready()
        assert "ReadOnlySqlTransaction" in store(copy).usable()
    finally:
        copy.stop()
        shutil.rmtree(copy.folder)
