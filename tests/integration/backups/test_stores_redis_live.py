"""Real Redis servers: what comes back by procedures that are sound, and by those that only seem to be."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from seatrial.drills.comparing import compared
from seatrial.drills.stores import open_store
from seatrial.drills.stores._redis_seeds import named
from seatrial.outcomes import Tier
from seatrial.profile.backing import RedisStore, Store
from seatrial.words import CouldNotLook
from tests.integration.backups.store_places import Folder, RedisServer, redis_server, until

pytestmark = pytest.mark.integration
AOF = ("--appendonly", "yes", "--auto-aof-rewrite-percentage", "0")
RDB = ("--save", "3600 1")
NOTHING = ("--save", "")
ACL = ("--aclfile", "users.acl")


@pytest.fixture(autouse=True)
def _redis(require):
    require("redis")


def store(server: RedisServer, tier: Tier = Tier.write, **keys):
    return open_store(Folder(server.folder, tier), Store(redis=RedisStore(port=server.port, **keys)))


def dumped(server: RedisServer) -> None:
    """As a careful procedure does it: the dump is there before it is copied."""
    before = server.ask("INFO", "persistence")
    assert "rdb_bgsave_in_progress:0" in before
    server.ask("SAVE")


def rewritten(server: RedisServer) -> None:
    server.ask("BGREWRITEAOF")

    def done() -> bool:
        told = server.ask("INFO", "persistence")
        return all(f"aof_rewrite_{what}:0" in told for what in ("in_progress", "scheduled"))

    until(done, "the log is rewritten")


def save_and_copy(source: RedisServer, backup: Path) -> None:
    dumped(source)
    shutil.copy(source.folder / "dump.rdb", backup)


def copy_without_saving(source: RedisServer, backup: Path) -> None:
    shutil.copy(source.folder / "dump.rdb", backup)


def remote_dump(source: RedisServer, backup: Path) -> None:
    source.ask("--rdb", str(backup / "dump.rdb"))


def copy_log(source: RedisServer, backup: Path) -> None:
    rewritten(source)
    shutil.copytree(source.folder / "appendonlydir", backup / "appendonlydir")


def copy_log_and_dump(source: RedisServer, backup: Path) -> None:
    copy_log(source, backup)
    save_and_copy(source, backup)


def copy_dump_and_users(source: RedisServer, backup: Path) -> None:
    source.ask("ACL", "SAVE")
    shutil.copy(source.folder / "users.acl", backup)
    save_and_copy(source, backup)


def copy_increments_alone(source: RedisServer, backup: Path) -> None:
    rewritten(source)
    (backup / "appendonlydir").mkdir()
    for part in (source.folder / "appendonlydir").glob("*.incr.aof"):
        shutil.copy(part, backup / "appendonlydir")


def texts_alone(source: RedisServer, backup: Path) -> None:
    """A loop over keys, as many write it: lists, sets and expiries are not thought of."""
    names = source.ask("--scan").splitlines()
    (backup / "keys.txt").write_text("\n".join(f"{name}\t{source.ask('GET', name).strip()}" for name in names))


def lay_and_start(target: RedisServer, backup: Path) -> None:
    target.stop(kill=True)
    shutil.copytree(backup, target.folder, dirs_exist_ok=True)
    target.start()


def lay_and_restart(target: RedisServer, backup: Path) -> None:
    """The server saves what it holds, which is nothing, over what was laid there."""
    shutil.copytree(backup, target.folder, dirs_exist_ok=True)
    target.stop()
    target.start()


def lay_below_log(target: RedisServer, backup: Path) -> None:
    """A server that keeps a log does not look at the dump."""
    lay_and_start(target, backup)


def load_then_log(target: RedisServer, backup: Path) -> None:
    """As documented: started without a log, and told to keep one when it has loaded."""
    options, target.options = target.options, ()
    target.stop(kill=True)
    shutil.rmtree(target.folder / "appendonlydir")
    shutil.copytree(backup, target.folder, dirs_exist_ok=True)
    target.start()
    target.ask("CONFIG", "SET", "appendonly", "yes")
    until(lambda: "aof_rewrite_in_progress:0" in target.ask("INFO", "persistence"), "the log is begun")
    until(lambda: list((target.folder / "appendonlydir").glob("*.manifest")), "the log is begun")
    target.stop()
    target.options = options
    target.start()


def set_again(target: RedisServer, backup: Path) -> None:
    for line in (backup / "keys.txt").read_text().splitlines():
        name, _, text = line.partition("\t")
        if name.isprintable() and text.isprintable() and len(text) < 10_000:
            target.ask("SET", name, text)


Procedure = Callable[[RedisServer, Path], None]
SOUND: dict[str, tuple[tuple[str, ...], Procedure, Procedure]] = {
    "dump": (RDB, save_and_copy, lay_and_start),
    "dump where nothing is kept": (NOTHING, save_and_copy, lay_and_start),
    "dump by redis-cli": (RDB, remote_dump, lay_and_start),
    "log": (AOF, copy_log, lay_and_start),
    "log and dump": ((*AOF, *RDB), copy_log_and_dump, lay_and_start),
    "dump into a log": (AOF, save_and_copy, load_then_log),
    "dump and users": ((*RDB, *ACL), copy_dump_and_users, lay_and_start),
}
HOLLOW: dict[str, tuple[tuple[str, ...], Procedure, Procedure, str]] = {
    "not saved": (RDB, copy_without_saving, lay_and_start, "missing"),
    "below a log": (AOF, save_and_copy, lay_below_log, "missing"),
    "saved over": (RDB, save_and_copy, lay_and_restart, "missing"),
    "without its base": (AOF, copy_increments_alone, lay_and_start, "missing"),
    "texts alone": (RDB, texts_alone, set_again, "missing"),
    "without users": ((*RDB, *ACL), save_and_copy, lay_and_start, "missing"),
}


def journey(tmp_path: Path, options: tuple[str, ...], back_up: Procedure, restore: Procedure):
    """What differs after it, and what was written."""
    backup = tmp_path / "backup"
    backup.mkdir()
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "users.acl").touch()
    with redis_server(tmp_path / "source", *options) as source, redis_server(tmp_path / "target", *options) as target:
        source.ask("SET", "its own", "before")
        source.ask("SAVE")
        if "--aclfile" in options:
            source.ask("ACL", "SETUSER", "app", "on", ">secret", "~*", "+@read")
        source.ask("FUNCTION", "LOAD", "#!lua name=ours\nredis.register_function('ours', function() return 1 end)")
        here, there = store(source), store(target)
        assert here.identity() != there.identity()
        seeded = here.seed(10_000)
        removed = here.removed()
        was = here.content()
        assert set(seeded) <= set(was.items)
        assert not set(removed) & set(was.items)
        back_up(source, backup)
        restore(target, backup)
        there.ready()
        found = compared(was, there.content(), seeded=seeded, removed=removed)
        assert compared(was, here.content(), seeded=seeded, removed=removed).differences == []
        return found, seeded


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_procedure_brings_everything_back(name, tmp_path):
    found, _ = journey(tmp_path, *SOUND[name])
    assert found.differences == []


@pytest.mark.parametrize("name", HOLLOW)
def test_a_hollow_procedure_is_seen_through(name, tmp_path):
    *ways, kind = HOLLOW[name]
    found, seeded = journey(tmp_path, *ways)
    kinds = {each.kind for each in found.differences}
    assert kind in kinds
    if name == "without users":
        assert [each.what for each in found.differences] == ["a user of the ACL"]
    if name in ("below a log", "saved over", "without its base"):
        assert {each.name for each in found.differences if each.sentinel and each.kind == "missing"} == set(seeded)


CHANGES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "a text": (("APPEND", named("string"), "!"), "changed", "seatrial:sentinel:string"),
    "shorter": (("LTRIM", named("list:long"), "0", "2998"), "shorter", "seatrial:sentinel:list:long"),
    "an order": (("LSET", named("list"), "0", "second"), "changed", "seatrial:sentinel:list"),
    "a field": (("HSET", named("hash:wide"), "field 7", "another value"), "changed", "seatrial:sentinel:hash:wide"),
    "a member": (("SREM", named("set"), named("hash")), "shorter", "seatrial:sentinel:set"),
    "a score": (("ZADD", named("zset"), "0.10000000000000002", "tenth"), "changed", "seatrial:sentinel:zset"),
    "an entry": (("XDEL", named("stream"), "3-1"), "shorter", "seatrial:sentinel:stream"),
    "an acknowledgement": (("XACK", named("stream"), "readers", "1-1"), "shorter", "seatrial:sentinel:stream"),
    "the last id": (("XSETID", named("stream:emptied"), "9-9"), "changed", "seatrial:sentinel:stream:emptied"),
    "an expiry": (("PERSIST", named("expires:month")), "attribute", "seatrial:sentinel:expires:month"),
    "a bit": (("SETBIT", named("bits"), "1", "1"), "changed", "seatrial:sentinel:bits"),
    "a type": (("SADD", named("empty:set"), "x"), "added", ""),
    "an empty one": (("DEL", named("empty")), "missing", "seatrial:sentinel:empty"),
}


def test_every_change_is_seen_and_nothing_else(tmp_path):
    with redis_server(tmp_path / "server") as server:
        ours = store(server)
        seeded = ours.seed(0)
        was = ours.content()
        assert compared(was, ours.content(), seeded=seeded).differences == []
        for name, (command, kind, where) in CHANGES.items():
            server.ask(*(part.decode() if isinstance(part, bytes) else part for part in command))
            now = ours.content()
            found = compared(was, now, seeded=seeded).differences
            assert [each.kind for each in found] == [kind], name
            assert where in ("", found[0].name), name
            was = now


def test_how_it_is_kept_in_memory_is_no_difference(tmp_path):
    """A server with other limits keeps the same values in other forms."""
    plain = ("--hash-max-listpack-entries", "0", "--set-max-intset-entries", "0", "--zset-max-listpack-entries", "0")
    with redis_server(tmp_path / "source") as source, redis_server(tmp_path / "target", *plain) as target:
        here = store(source)
        seeded = here.seed(1000)
        (tmp_path / "backup").mkdir()
        save_and_copy(source, tmp_path / "backup")
        lay_and_start(target, tmp_path / "backup")
        assert source.ask("OBJECT", "ENCODING", named("hash").decode()) != target.ask(
            "OBJECT", "ENCODING", named("hash").decode()
        )
        assert compared(here.content(), store(target).content(), seeded=seeded).differences == []


def test_all_is_taken_away_again_and_what_was_there_stays(tmp_path):
    with redis_server(tmp_path / "server") as server:
        server.ask("SET", "its own", "stays")
        ours = store(server)
        before = ours.content()
        seeded = ours.seed(500_000)
        ours.step(1)
        assert "seatrial:sentinel:elsewhere in database 1" in seeded
        # As `seatrial recover` does it: another process that knows the profile alone.
        again = store(server)
        again.unseed()
        again.unseed()
        assert again.content() == before


def test_a_declared_database_is_all_that_is_read_and_written(tmp_path):
    with redis_server(tmp_path / "server") as server:
        server.ask("-n", "3", "SET", "its own", "stays")
        ours = store(server, database=3)
        seeded = ours.seed(0)
        assert {name for name in ours.content().items if name not in seeded} == {"its own"}
        assert server.ask("INFO", "keyspace").count("db") == 1
        ours.unseed()
        assert list(ours.content().items) == ["its own"]


def test_sentinels_have_an_age_where_the_server_keeps_one(tmp_path):
    with redis_server(tmp_path / "server") as server:
        ours = store(server)
        aged = ours.aged(90 * 86400)
        assert len(aged) == 3
        ours.content()
        for name in aged:
            assert int(server.ask("OBJECT", "IDLETIME", name)) >= 90 * 86400
        server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
        assert store(server).aged(90 * 86400) == {}


def test_a_writer_is_heard(tmp_path):
    with redis_server(tmp_path / "server") as server:
        ours = store(server)
        assert ours.steps() == (0, 0, 0, 0)
        for number in range(1, 11):
            ours.step(number)
        assert ours.steps() == (9, 10, 7, 8)
        server.stop()
        server.start()
        ours.step(11)
        assert store(server).steps()[2] == 11


def test_what_can_not_be_looked_at_is_said(tmp_path):
    with redis_server(tmp_path / "server", "--requirepass", "hunter2") as server:
        with pytest.raises(CouldNotLook, match="asks for credentials"):
            store(server).ready()
        ours = store(server, password={"env": "X"})
        ours.place.session.resolve = lambda value: str(value) if isinstance(value, int) else "hunter2"
        ours.ready()
        assert ours.usable() == ""
        other = store(server, Tier.observe, password={"env": "X"})
        with pytest.raises(CouldNotLook, match="needs tier write"):
            other.seed(0)
        for user, right, what in (("weak", "+ping", "read it"), ("reads", "+@read +info -@write", "write")):
            server.ask("-a", "hunter2", "ACL", "SETUSER", user, "on", ">hunter2", "~*", *right.split())
            limited = store(server, user=user, password={"env": "X"})
            limited.place.session.resolve = ours.place.session.resolve
            ask = limited.ready if user == "weak" else partial(limited.step, 1)
            with pytest.raises(CouldNotLook, match=f"this user may not {what}") as why:
                ask()
            assert "hunter2" not in str(why.value)


def test_a_server_that_takes_no_write_is_no_usable_one(tmp_path):
    with redis_server(tmp_path / "server") as server:
        ours = store(server)
        server.ask("CONFIG", "SET", "maxmemory", "1")
        assert "it answers OutOfMemoryError" in ours.usable()
        server.ask("CONFIG", "SET", "maxmemory", "0")
        assert ours.usable() == ""
        server.ask("REPLICAOF", "127.0.0.1", "1")
        assert "it answers ReadOnlyError" in ours.usable()
    assert "could not write and read" in ours.usable()


def test_a_restart_is_another_identity_and_another_way_is_not(tmp_path):
    with redis_server(tmp_path / "server") as server:
        assert store(server).identity() == store(server).identity()
        before = store(server).identity()
        server.stop()
        server.start()
        assert store(server).identity() != before
