"""Whole round trips of Redis, PostgreSQL and SQLite by documented procedures, sound and hollow, and what the suite says of each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.integration.backups.places_lab import IMAGE
from tests.integration.backups.roundtrip_lab import IDS, Trips, profile
from tests.integration.backups.store_places import POSTGRES, PostgresServer

pytestmark = pytest.mark.integration

HEAD = "#!/bin/bash\nset -euo pipefail\numask 077\n"

# Redis: a server that is started again whenever it ends, as an init system does it.
REDIS = """\
#!/bin/bash
mkdir -p /srv/redis /var/backups/redis
touch /srv/redis/users.acl
( while :; do
  if [ ! -e /run/hold ]; then redis-server --port 6379 --bind 127.0.0.1 --dir /srv/redis --loglevel warning \
    --repl-diskless-sync-delay 0 OPTIONS; fi
  sleep 0.02
done ) > /dev/null 2>&1 &
until [ "$(redis-cli ping 2>&1)" = PONG ]; do sleep 0.05; done
MORE
echo REDIS=127.0.0.1
echo
exec cat > /dev/null
"""
USERS = "redis-cli acl setuser app on '>secret' '~*' +@read > /dev/null; redis-cli acl save > /dev/null"
DUMP = (
    HEAD
    + """\
name=dump-$(date +%Y%m%d-%H%M%S).rdb
redis-cli --rdb "$BACKUP_DIR/.$name" > /dev/null
mv "$BACKUP_DIR/.$name" "$BACKUP_DIR/$name"
"""
)
LAY = (
    HEAD
    + """\
redis-check-rdb "$BACKUP_FILE" > /dev/null
cp "$BACKUP_FILE" /srv/redis/dump.rdb
redis-cli shutdown nosave
"""
)
LOG = (
    HEAD
    + """\
redis-cli config set auto-aof-rewrite-percentage 0 > /dev/null
redis-cli bgrewriteaof > /dev/null
until [ "$(redis-cli info persistence | grep -cE 'aof_rewrite_(in_progress|scheduled):0')" = 2 ]; do sleep 0.1; done
name=log-$(date +%Y%m%d-%H%M%S).tar
tar -C /srv/redis -cf "$BACKUP_DIR/.$name" appendonlydir
mv "$BACKUP_DIR/.$name" "$BACKUP_DIR/$name"
"""
)
LAY_LOG = (
    HEAD
    + """\
touch /run/hold
redis-cli shutdown nosave
rm -rf /srv/redis/appendonlydir
tar -C /srv/redis -xf "$BACKUP_FILE"
rm /run/hold
"""
)
THEN_LOG = (
    HEAD
    + """\
touch /run/hold
redis-cli shutdown nosave
rm -rf /srv/redis/appendonlydir
cp "$BACKUP_FILE" /srv/redis/dump.rdb
redis-server --port 6379 --bind 127.0.0.1 --dir /srv/redis --daemonize yes > /dev/null
until [ "$(redis-cli ping 2>&1)" = PONG ]; do sleep 0.05; done
redis-cli config set appendonly yes > /dev/null
until redis-cli info persistence | grep -q 'aof_rewrite_in_progress:0' && ls /srv/redis/appendonlydir/*.manifest > /dev/null 2>&1
do sleep 0.1; done
redis-cli shutdown nosave
rm /run/hold
"""
)
OLD = HEAD + 'cp /srv/redis/dump.rdb "$BACKUP_DIR/dump-$(date +%Y%m%d-%H%M%S).rdb"\n'
RELATIVE = (
    HEAD
    + """\
cp "$BACKUP_FILE" /srv/redis/dump.rdb
redis-cli shutdown nosave
until [ "$(redis-cli ping 2>&1)" = PONG ]; do sleep 0.05; done
redis-cli persist seatrial:sentinel:expires:month > /dev/null
"""
)


def redis(folder: Path, options: str = "", more: str = "", **scripts: str) -> Path:
    """A profile of a Redis, and the scripts that start it."""
    folder.mkdir(parents=True)
    for role, extra in (("source", more), ("target", ":")):
        (folder / f"{role}.sh").write_text(REDIS.replace("OPTIONS", options).replace("MORE", extra or ":"))
    stages: dict[str, Any] = {
        f"drill_{role}": {"start": {"command": ["bash", f"{role}.sh"]}, "ready": ["redis-cli", "ping"], "within": "20s"}
        for role in ("source", "target")
    }
    files = {"path": "/var/backups/redis", "match": "*-*"}
    return profile(folder, {"command": DUMP, "restore": LAY, **scripts}, files=files, store={"redis": {}}, **stages)


@pytest.fixture(scope="module")
def redises(require, tmp_path_factory) -> dict[str, Trips]:
    require("redis")
    folder, log = tmp_path_factory.mktemp("redis"), "--appendonly yes"
    return Trips.all(
        {
            "a dump": redis(folder / "good"),
            "a log": redis(folder / "log", log, command=LOG, restore=LAY_LOG),
            "a dump into a log": redis(folder / "into", log, restore=THEN_LOG),
            "below a log": redis(folder / "below", log),
            "saved over": redis(folder / "over", restore=LAY.replace(" nosave", " save")),
            "an old dump": redis(folder / "old", "--save ''", "redis-cli save > /dev/null", command=OLD),
            "no users": redis(folder / "users", "--aclfile /srv/redis/users.acl", USERS),
            "other expiries": redis(folder / "expiries", restore=RELATIVE),
        }
    )


NOTHING = "the restore reported success while it restored nothing: 0 of "
REDISES = {
    "a dump": {},
    "a log": {},
    "a dump into a log": {},
    "below a log": {"BKP-036": NOTHING},
    "saved over": {"BKP-036": NOTHING},
    "an old dump": {"BKP-036": NOTHING},
    "no users": {"BKP-036": "(a user of the ACL): not there"},
    "other expiries": {"BKP-040": "(a string with a TTL of 30 days): came back with expires none"},
}


UNSHOWN = ["BKP-037", "BKP-039", "BKP-040", "BKP-044", "BKP-045", "BKP-046"]


def told(trip: Trips) -> str:
    """All that is said of it, for whoever must find out why."""
    said = {id: trip.texts[id] for id in trip.red + trip.of("error")}
    return json.dumps([said, trip.told, [f"{step.what}: {step.said}" for step in trip.drill.steps]], indent=1)


def judged(trip: Trips, expected: Mapping[str, str]) -> None:
    """It turns these requirements red, says that, and nothing else."""
    assert trip.red == sorted(expected), told(trip)
    # Where nothing comes back, nothing shows how things come back.
    assert trip.of("error") == (UNSHOWN if NOTHING in expected.values() else []), told(trip)
    assert trip.told == []
    for id, text in expected.items():
        assert text in trip.texts[id], told(trip)
    if not expected:
        assert trip.of("pass") == IDS


@pytest.mark.parametrize("name", REDISES)
def test_redis(name, redises):
    judged(redises[name], REDISES[name])


# PostgreSQL: run as the user it wants, with files that were made once.
SERVE = """\
#!/bin/bash
mkdir -p /srv/postgres /var/backups/postgres
chmod 755 /srv /srv/postgres
chmod 777 /var/backups/postgres
cp -a TEMPLATE /srv/postgres/data
( while :; do
  [ -e /run/hold ] || AS BIN/postgres -D /srv/postgres/data -p 5432 -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c fsync=off
  sleep 0.05
done ) > /dev/null 2>&1 &
export PGHOST=127.0.0.1 PGUSER=postgres
until BIN/pg_isready -q; do sleep 0.05; done
MORE
echo PGHOST=127.0.0.1
echo PGUSER=postgres
echo
exec cat > /dev/null
"""
SHOP = "BIN/psql -X -q -c 'CREATE ROLE app; CREATE TABLE orders (id serial PRIMARY KEY); INSERT INTO orders DEFAULT VALUES; ALTER TABLE orders OWNER TO app'"
PG_DUMP = (
    HEAD
    + """\
name=shop-$(date +%Y%m%d-%H%M%S).dump
BIN/pg_dump -Fc -f "$BACKUP_DIR/.$name" postgres
mv "$BACKUP_DIR/.$name" "$BACKUP_DIR/$name"
"""
)
PG_RESTORE = HEAD + 'BIN/pg_restore --exit-on-error -d postgres "$BACKUP_FILE"\n'
GLOBALS = (
    HEAD
    + """\
name=shop-$(date +%Y%m%d-%H%M%S).tar
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
BIN/pg_dumpall --globals-only -f "$work/globals.sql"
BIN/pg_dump -Fc -f "$work/shop.dump" postgres
tar -C "$work" -cf "$BACKUP_DIR/.$name" globals.sql shop.dump
mv "$BACKUP_DIR/.$name" "$BACKUP_DIR/$name"
"""
)
WITH_GLOBALS = (
    HEAD
    + """\
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -C "$work" -xf "$BACKUP_FILE"
# The superuser is there already, and to make it again is all that may fail.
grep -v 'CREATE ROLE postgres;' "$work/globals.sql" | BIN/psql -X -q -v ON_ERROR_STOP=1 -d postgres
BIN/pg_restore --exit-on-error -d postgres "$work/shop.dump"
"""
)
PLAIN = (
    HEAD
    + """\
name=shop-$(date +%Y%m%d-%H%M%S).sql
BIN/pg_dump -f "$BACKUP_DIR/.$name" postgres
mv "$BACKUP_DIR/.$name" "$BACKUP_DIR/$name"
"""
)
CARELESS = HEAD + 'BIN/psql -X -q -d postgres -f "$BACKUP_FILE"\n'
SCHEMA = PG_DUMP.replace("-Fc", "-Fc --schema-only")
BASE = (
    HEAD
    + """\
name=base-$(date +%Y%m%d-%H%M%S)
BIN/pg_basebackup -c fast -D "$BACKUP_DIR/.$name" -Ft -X fetch
mv "$BACKUP_DIR/.$name/base.tar" "$BACKUP_DIR/$name.tar"
rm -r "$BACKUP_DIR/.$name"
"""
)
LAY_BASE = (
    HEAD
    + """\
touch /run/hold
AS BIN/pg_ctl -s -D /srv/postgres/data -m fast -w stop
find /srv/postgres/data -mindepth 1 -delete
tar -C /srv/postgres/data -xpf "$BACKUP_FILE"
rm /run/hold
until BIN/pg_isready -q; do sleep 0.1; done
"""
)


@pytest.fixture(scope="module")
def template() -> Iterator[tuple[Path, str]]:
    """A database directory as initdb makes it, and how it is served by its own user."""
    if not (POSTGRES / "initdb").exists():
        pytest.skip("no PostgreSQL 15 is installed here")
    folder = Path(tempfile.mkdtemp(prefix="seatrial-postgres-"))
    folder.chmod(0o777)
    try:
        server = PostgresServer(folder / "made")
        server.make()
        yield server.data, "runuser -u postgres --" if server.user == "postgres" else ""
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def postgres(folder: Path, template: tuple[Path, str], more: str = ":", **scripts: str) -> Path:
    """A profile of a PostgreSQL, and the scripts that start it."""
    data, as_user = template

    def filled(text: str) -> str:
        return text.replace("BIN/", f"{POSTGRES}/").replace("TEMPLATE", str(data)).replace("AS ", f"{as_user} ")

    folder.mkdir(parents=True)
    stages: dict[str, Any] = {}
    for role, extra in (("source", more), ("target", ":")):
        (folder / f"{role}.sh").write_text(filled(SERVE.replace("MORE", extra)))
        stages[f"drill_{role}"] = {"start": {"command": ["bash", f"{role}.sh"]}, "within": "60s"}
    given = {key: filled(text) for key, text in {"command": PG_DUMP, "restore": PG_RESTORE, **scripts}.items()}
    files = {"path": "/var/backups/postgres", "match": "*-*"}
    return profile(folder, given, files=files, store={"postgres": {}}, **stages)


@pytest.fixture(scope="module")
def postgreses(template, tmp_path_factory) -> dict[str, Trips]:
    folder = tmp_path_factory.mktemp("postgres")

    def made(name: str, more: str = ":", **scripts: str) -> Path:
        return postgres(folder / name, template, more, **scripts)

    return Trips.all(
        {
            "a dump": made("dump"),
            "a base backup": made("base", SHOP, command=BASE, restore=LAY_BASE),
            "a dump with its roles": made("globals", SHOP, command=GLOBALS, restore=WITH_GLOBALS),
            "no roles": made("roles", SHOP, command=PLAIN, restore=CARELESS),
            "a schema": made("schema", command=SCHEMA),
            "half a script": made(
                "half", command=PLAIN.replace("mv", 'truncate -s 20000 "$BACKUP_DIR/.$name"\nmv'), restore=CARELESS
            ),
        }
    )


POSTGRESES: dict[str, dict[str, str]] = {
    "a dump": {},
    "a base backup": {},
    "a dump with its roles": {},
    "no roles": {"BKP-036": "(a role): not there", "BKP-040": "came back with owner the superuser"},
    "a schema": {
        "BKP-036": "seatrial_sentinel_notes: 1 MiB of text (1 MiB of text): not there",
        "BKP-040": "seatrial_sentinel_counter (a sequence that has come to 4711): came back with has come to 1",
    },
    "half a script": {
        "BKP-036": "the restore reported success while it restored less: ",
        "BKP-040": "came back with constraints none (expected constraints seatrial_sentinel_",
    },
}


@pytest.mark.parametrize("name", POSTGRESES)
def test_postgres(name, postgreses):
    judged(postgreses[name], POSTGRESES[name])


# SQLite: what a program left in the log of its file.
MAKE = """\
import os, sqlite3
os.makedirs("/srv/app", exist_ok=True); os.makedirs("/var/backups/app", exist_ok=True)
c = sqlite3.connect("/srv/app/app.db"); c.execute("PRAGMA journal_mode = MODE")
c.executescript("CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT); INSERT INTO notes (text) VALUES ('one'); PRAGMA user_version = 3")
"""
ONLINE = (
    HEAD
    + """\
name=app-$(date +%Y%m%d-%H%M%S).db
python3 -c 'import sqlite3, sys; sqlite3.connect("/srv/app/app.db").backup(sqlite3.connect(sys.argv[1]))' "$BACKUP_DIR/.$name"
mv "$BACKUP_DIR/.$name" "$BACKUP_DIR/$name"
"""
)
COPY = (
    HEAD
    + """\
name=app-$(date +%Y%m%d-%H%M%S).db
cp /srv/app/app.db "$BACKUP_DIR/.$name"
mv "$BACKUP_DIR/.$name" "$BACKUP_DIR/$name"
"""
)
PUT = HEAD + 'rm -f /srv/app/app.db /srv/app/app.db-wal /srv/app/app.db-shm\ncp "$BACKUP_FILE" /srv/app/app.db\n'
STATEMENTS = ONLINE.replace(
    """import sqlite3, sys; sqlite3.connect("/srv/app/app.db").backup(sqlite3.connect(sys.argv[1]))""",
    """import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript("\\n".join(sqlite3.connect("/srv/app/app.db").iterdump()))""",
)


def sqlite(folder: Path, mode: str = "wal", **scripts: str) -> Path:
    """A profile of a file of SQLite, and the program that makes it."""
    folder.mkdir(parents=True)
    (folder / "make.py").write_text(MAKE.replace("MODE", mode))
    stage = {"prepare": {"script": "make.py", "interpreter": "python3"}, "within": "10s"}
    return profile(
        folder, {"command": ONLINE, "restore": PUT, **scripts}, files={"path": "/var/backups/app", "match": "app-*"},
        store={"sqlite": {"path": "/srv/app/app.db"}}, drill_source=stage, drill_target=stage,
    )  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Trips]:
    folder = tmp_path_factory.mktemp("sqlite")
    return Trips.all(
        {
            "online": sqlite(folder / "online"),
            "a copy without a log": sqlite(folder / "copy", "delete", command=COPY),
            "a copy beside its log": sqlite(folder / "hollow", command=COPY),
            "statements": sqlite(folder / "statements", command=STATEMENTS),
            "over an old log": sqlite(
                folder / "over",
                restore=PUT.replace("rm -f /srv/app/app.db /srv/app/app.db-wal /srv/app/app.db-shm", ":"),
            ),
        }
    )


FILES: dict[str, dict[str, str]] = {
    "online": {},
    "a copy without a log": {},
    "a copy beside its log": {"BKP-036": "seatrial_sentinel_notes: a row of NULLs (a row of NULLs): not there"},
    "statements": {"BKP-040": "came back with user_version "},
    "over an old log": {},
}


@pytest.mark.parametrize("name", FILES)
def test_sqlite(name, files):
    judged(files[name], FILES[name])


# Under writes: a backup of all three is of one moment, and table by table it is not.
TABLES = (
    HEAD
    + """\
name=shop-$(date +%s%N).sql
for table in $(BIN/psql -XAt -c "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename !~ ' '"); do
  BIN/pg_dump -t "$table" postgres >> "$BACKUP_DIR/.$name"
  sleep 0.1
done
mv "$BACKUP_DIR/.$name" "$BACKUP_DIR/$name"
"""
)
ROWS = (
    HEAD
    + """\
cat > /tmp/rows.py <<'END'
import sqlite3, sys, time
to = sqlite3.connect(sys.argv[1])
for name, sql in sqlite3.connect("/srv/app/app.db").execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name").fetchall():
    rows = sqlite3.connect("/srv/app/app.db").execute(f'SELECT * FROM "{name}"').fetchall()
    to.execute(sql)
    if rows:
        to.executemany(f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(rows[0]))})', rows)
    time.sleep(0.1)
to.commit()
END
name=app-$(date +%s%N).db
python3 /tmp/rows.py "$BACKUP_DIR/.$name"
rm /tmp/rows.py
mv "$BACKUP_DIR/.$name" "$BACKUP_DIR/$name"
"""
)


def written(file: Path) -> dict[str, str]:
    """What a gate says of a backup that is made under writes: what is not kept, by id."""
    declared = json.loads(file.read_text())
    declared |= {"target": {"driver": "process"}, "services": {}}
    declared["backups"]["notes"]["drill"]["writes"] = True
    file.write_text(json.dumps(declared))
    done = subprocess.run(
        [sys.executable, "-m", "seatrial", "gate", f"./{file.name}", "-k", "under_writes or lets_others_write", "-p", "no:cacheprovider"],
        cwd=file.parent, capture_output=True, text=True, timeout=240, check=False,
        env=os.environ | {"NO_COLOR": "1", "SEATRIAL_STATE": str(file.parent / "state")},
    )  # fmt: skip
    reports = list(file.parent.glob("reports/*/conformance.json"))
    assert reports, done.stdout + done.stderr
    results = [one for one in json.loads(reports[0].read_text())["results"] if one["subject"] == "backups.notes.drill"]
    assert {one["id"] for one in results} >= {"BKP-060", "BKP-061", "BKP-062"}
    return {one["id"]: str(one["seen"] or one["reason"]) for one in results if one["outcome"] != "pass"}


@pytest.fixture(scope="module")
def under_writes(require, template, tmp_path_factory) -> dict[str, dict[str, str]]:
    require("redis")
    folder = tmp_path_factory.mktemp("writes")
    declared = {
        "redis": redis(folder / "redis"),
        "postgres": postgres(folder / "postgres", template),
        "sqlite": sqlite(folder / "sqlite"),
        "postgres by table": postgres(folder / "tables", template, command=TABLES, restore=CARELESS),
        "sqlite by table": sqlite(folder / "rows", command=ROWS),
    }
    with ThreadPoolExecutor(3) as pool:
        return dict(zip(declared, pool.map(written, declared.values()), strict=True))


@pytest.mark.parametrize("name", ["redis", "postgres", "sqlite"])
def test_a_backup_under_writes_is_of_one_moment(name, under_writes):
    assert under_writes[name] == {}


@pytest.mark.parametrize("name", ["postgres by table", "sqlite by table"])
def test_a_backup_table_by_table_is_of_no_moment(name, under_writes):
    assert list(under_writes[name]) == ["BKP-060"], under_writes[name]
    assert "what came back never was" in under_writes[name]["BKP-060"]


# In containers: servers that listen on their own loopback alone.
AGAIN = "mkdir -p /srv/redis /var/backups/redis; while :; do redis-server --port 6379 --bind 127.0.0.1 --dir /srv/redis; sleep 0.02; done"


def test_a_server_in_a_container_is_read_where_it_listens(require, tmp_path):
    require("docker")
    stage = {"image": IMAGE, "command": ["bash", "-c", AGAIN], "ready": ["redis-cli", "ping"], "within": "30s"}
    files = {"path": "/var/backups/redis", "match": "*-*"}
    dump = DUMP.replace(HEAD, HEAD + "redis-cli config set repl-diskless-sync-delay 0 > /dev/null\n")
    trip = Trips.made(
        profile(
            tmp_path, {"command": dump, "restore": LAY}, files=files, store={"redis": {}}, drill_source=stage, drill_target=stage,
        )
    )  # fmt: skip
    judged(trip, {})
    assert trip.drill.target.startswith("container ")
