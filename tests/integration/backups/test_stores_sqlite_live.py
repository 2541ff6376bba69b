"""Real files of SQLite: what comes back by procedures that are sound, and by those that only seem to be."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from seatrial.drills.comparing import compared
from seatrial.drills.stores import open_store
from seatrial.drills.stores._sqlite_seeds import EMPTY, NOTES, PEOPLE, STEPS
from seatrial.outcomes import Tier
from seatrial.profile.backing import SqliteStore, Store
from seatrial.words import CouldNotLook
from tests.integration.backups.store_places import Folder

pytestmark = pytest.mark.integration
OWN = """
CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT, parent INT REFERENCES orders (id));
INSERT INTO orders (text, parent) VALUES ('first', NULL), ('second', 1), ('', NULL), (NULL, 2);
CREATE VIEW firsts AS SELECT * FROM orders WHERE parent IS NULL;
CREATE TRIGGER kept BEFORE DELETE ON orders BEGIN SELECT RAISE(ABORT, 'kept'); END;
PRAGMA user_version = 7;
"""


def made(path: Path, mode: str = "wal") -> Path:
    """A file as a program makes it, in a folder of its own."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.executescript(OWN)
    return path


def store(path: Path, tier: Tier = Tier.write, *, scratch: bool = True):
    return open_store(Folder(path.parent, tier, scratch=scratch), Store(sqlite=SqliteStore(path=str(path))))


def backed_up(source: Path, target: Path) -> None:
    """`.backup` of sqlite3, by the same interface."""
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(target)) as there:
        here.backup(there)


def vacuumed(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as here:
        here.execute("VACUUM INTO ?", (str(target),))


def dumped(source: Path, target: Path) -> None:
    """`.dump`, and the one setting that it leaves out."""
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(target)) as there:
        there.executescript("\n".join(here.iterdump()))
        there.execute(f"PRAGMA user_version = {here.execute('PRAGMA user_version').fetchone()[0]}")


def copied_with_log(source: Path, target: Path) -> None:
    """Nobody writes meanwhile."""
    for suffix in ("", "-wal"):
        shutil.copy(f"{source}{suffix}", f"{target}{suffix}")


def moved_into_the_file(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as here:
        here.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(source, target)


def copied(source: Path, target: Path) -> None:
    shutil.copy(source, target)


def over_an_old_log(source: Path, target: Path) -> None:
    """What lies beside the target is not taken away: it belongs to what was there before."""
    sqlite_file(target, "old")
    backed_up(source, source.with_name("backup"))
    shutil.copy(source.with_name("backup"), target)


def sqlite_file(path: Path, text: str) -> None:
    """A file with a log beside it, as a program leaves both that was killed."""
    child = os.fork()
    if child == 0:
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE notes (text)")
        connection.executemany("INSERT INTO notes VALUES (?)", [(text * 1000,)] * 200)
        connection.commit()
        os._exit(0)
    os.waitpid(child, 0)


def half(source: Path, target: Path) -> None:
    backed_up(source, target)
    os.truncate(target, target.stat().st_size // 2)


def of_another(source: Path, target: Path) -> None:
    made(source.with_name("other") / "app.db")
    shutil.copy(source.with_name("other") / "app.db", target)


def nothing(source: Path, target: Path) -> None:
    """A restore that ends with 0, and whose backup was never there."""


def an_empty_one(source: Path, target: Path) -> None:
    sqlite3.connect(target).close()


def dump_alone(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(target)) as there:
        there.executescript("\n".join(here.iterdump()))


Procedure = Callable[[Path, Path], None]
SOUND: tuple[Procedure, ...] = (backed_up, vacuumed, dumped, copied_with_log, moved_into_the_file)
HOLLOW: dict[Procedure, set[str]] = {
    copied: {"missing"},
    over_an_old_log: {"missing"},
    half: {"missing"},
    of_another: {"missing"},
    nothing: {"missing"},
    an_empty_one: {"missing"},
    dump_alone: {"attribute"},
}


def journey(tmp_path: Path, procedure: Procedure, mode: str = "wal"):
    """What differs after it, and what was written."""
    source, target = made(tmp_path / "source" / "app.db", mode), tmp_path / "target" / "app.db"
    target.parent.mkdir()
    here, there = store(source), store(target)
    assert here.identity() != there.identity()
    seeded = here.seed(200_000)
    removed = here.removed()
    was = here.content()
    assert set(seeded) <= set(was.items)
    assert not set(removed) & set(was.items)
    procedure(source, target)
    there.ready()
    assert here.identity() != there.identity()
    assert compared(was, here.content(), seeded=seeded, removed=removed).differences == []
    return compared(was, there.content(), seeded=seeded, removed=removed), seeded


@pytest.mark.parametrize("procedure", SOUND)
def test_a_sound_procedure_brings_everything_back(procedure, tmp_path):
    found, _ = journey(tmp_path, procedure)
    assert found.differences == []


def test_a_file_without_a_log_may_be_copied_while_nobody_writes(tmp_path):
    found, _ = journey(tmp_path, copied, "delete")
    assert found.differences == []


@pytest.mark.parametrize("procedure", HOLLOW)
def test_a_hollow_procedure_is_seen_through(procedure, tmp_path):
    found, seeded = journey(tmp_path, procedure)
    kinds = {each.kind for each in found.differences}
    assert HOLLOW[procedure] <= kinds
    if procedure in (of_another, nothing, an_empty_one):
        assert set(seeded) == {each.name for each in found.differences if each.sentinel}
    if procedure is copied:
        # The file has what its log held a while ago: only what was written last is lost.
        lost = {each.name for each in found.differences if each.kind == "missing"}
        assert f"{NOTES}: a row of NULLs" in lost
    if procedure is dump_alone:
        assert [each.expected.partition(" ")[0] for each in found.differences] == ["user_version"]


def test_every_change_is_seen_and_nothing_else(tmp_path):
    path = made(tmp_path / "source" / "app.db")
    ours = store(path)
    seeded = ours.seed(0)
    changes = {
        f"UPDATE {PEOPLE} SET body = body || ' ' WHERE name = 'Ada'": ["attribute", "changed"],
        f"UPDATE {NOTES} SET number = '12345.5' WHERE number = 12345.5": ["changed"],
        f"UPDATE {NOTES} SET raw = 'text' WHERE name = 'a blob that looks like text'": ["changed"],
        f"UPDATE {NOTES} SET raw = NULL WHERE raw = X''": ["changed"],
        f"DELETE FROM {NOTES} WHERE name = 'a row of NULLs'": ["missing"],
        f"DROP TABLE {EMPTY}": ["missing"],
        f"UPDATE sqlite_sequence SET seq = 3 WHERE name = '{NOTES}'": ["attribute"],
        f"DELETE FROM {PEOPLE} WHERE name LIKE 'gr%'": ["attribute", "attribute", "missing"],
        "UPDATE orders SET text = 'another' WHERE id = 2": ["changed"],
        "DROP VIEW firsts": ["missing"],
        "DROP TRIGGER kept": ["attribute"],
        "PRAGMA user_version = 8": ["attribute"],
        "VACUUM": [],
        "PRAGMA journal_mode = delete": [],
    }
    was = ours.content()
    for statement, kinds in changes.items():
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(statement)
        now = ours.content()
        assert sorted(each.kind for each in compared(was, now, seeded=seeded).differences) == kinds, statement
        was = now


def test_all_is_taken_away_again_and_what_was_there_stays(tmp_path):
    path = made(tmp_path / "source" / "app.db")
    ours = store(path)
    before = ours.content()
    ours.seed(100_000)
    ours.removed()
    ours.step(1)
    store(path).unseed()
    store(path).unseed()
    assert store(path).content() == before


def test_a_file_that_is_not_there_yet_holds_nothing_and_can_be_written(tmp_path):
    ours = store(tmp_path / "new.db")
    ours.ready()
    assert ours.content().items == {}
    assert "is not there" in ours.usable()
    ours.unseed()
    assert not (tmp_path / "new.db").exists()
    seeded = ours.seed(0)
    assert set(seeded) <= set(ours.content().items)
    assert ours.usable() == ""


def test_what_is_in_the_log_of_a_program_that_runs_is_read_and_the_file_is_left_alone(tmp_path):
    path = made(tmp_path / "source" / "app.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as program:
        program.execute("INSERT INTO orders (text) VALUES ('in the log alone')")
        beside = {each.name: each.stat().st_mtime_ns for each in path.parent.iterdir()}
        ours = store(path, Tier.observe, scratch=False)
        assert ours.content().items["table orders"].what == "a table of 5 rows"
        assert ours.usable() == ""
        assert {each.name: each.stat().st_mtime_ns for each in path.parent.iterdir()} == beside
        # A transaction that is not ended is not there; one that wrote into the file itself is taken back.
        program.execute("BEGIN")
        program.execute("INSERT INTO orders (text) VALUES ('not yet')")
        assert ours.content().items["table orders"].what == "a table of 5 rows"


def test_half_a_transaction_of_a_program_that_was_killed_is_taken_back(tmp_path):
    path = made(tmp_path / "source" / "app.db", "delete")
    child = os.fork()
    if child == 0:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO orders (text) VALUES (?)", [("x" * 4000,)] * 500)
        os._exit(0)
    os.waitpid(child, 0)
    assert path.with_name("app.db-journal").stat().st_size > 0
    ours = store(path, Tier.observe, scratch=False)
    assert ours.content().items["table orders"].what == "a table of 4 rows"
    assert path.with_name("app.db-journal").stat().st_size > 0


@contextmanager
def writing(path: Path, *, most: int) -> Iterator[list[int]]:
    """A program that writes a number to each of its tables in turn, without a pause."""
    done: list[int] = []
    end = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
            for table in STEPS:
                connection.execute(
                    f"CREATE TABLE IF NOT EXISTS {table} (place INTEGER PRIMARY KEY, number INT NOT NULL)"
                )
            while not end.is_set() and len(done) < most:
                number = len(done) + 1
                connection.execute(f"INSERT OR REPLACE INTO {STEPS[(number - 1) % 4]} VALUES (0, ?)", (number,))
                done.append(number)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield done
    finally:
        end.set()
        thread.join()


def test_what_is_copied_while_a_program_writes_is_a_state_that_was(tmp_path):
    path = made(tmp_path / "source" / "app.db")
    ours = store(path, Tier.observe, scratch=False)
    looked = 0
    with writing(path, most=20_000) as done:
        while looked < 5 or not done:
            try:
                steps = ours.steps()
            except CouldNotLook:
                continue  # it is written to each time it is copied: nothing is said of it
            looked += 1
            last = max(steps)
            assert sorted(steps) == sorted(
                max((n for n in range(last - 3, last + 1) if n > 0 and (n - 1) % 4 == place), default=0)
                for place in range(4)
            )
    assert compared(ours.content(), ours.content(), seeded={}).differences == []


def test_nothing_is_written_into_the_deployment(tmp_path):
    path = made(tmp_path / "source" / "app.db")
    ours = store(path, scratch=False)
    before = path.read_bytes()
    for write in (lambda: ours.seed(10), ours.removed, lambda: ours.step(1)):
        with pytest.raises(CouldNotLook, match="which a program of the deployment has open"):
            write()
    ours.unseed()
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(CouldNotLook, match="needs tier write"):
        store(path, Tier.observe).seed(0)


def test_what_is_no_file_or_can_not_be_written_is_said(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.db")
    (tmp_path / "folder.db").mkdir()
    for name, kind in (("pipe.db", "fifo"), ("folder.db", "folder")):
        with pytest.raises(CouldNotLook, match=f"is a {kind} and no file"):
            store(tmp_path / name).ready()
        with pytest.raises(CouldNotLook, match=f"is a {kind} and no file"):
            store(tmp_path / name).content()
    (tmp_path / "text.db").write_text("no database\n" * 1000)
    ours = store(tmp_path / "text.db")
    assert ours.content().items == {}
    with pytest.raises(CouldNotLook, match="could not write: DatabaseError: file is not a database"):
        ours.seed(0)
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CouldNotLook, match="nothing that writes a file of SQLite"):
        store(tmp_path / "new.db").seed(0)


def test_a_link_is_followed_to_the_file_and_its_log(tmp_path):
    path = made(tmp_path / "source" / "app.db")
    link = tmp_path / "link.db"
    link.symlink_to(path)
    seeded = store(path).seed(0)
    found = store(link).content()
    assert set(seeded) <= set(found.items)
    assert store(link).identity() == store(path).identity()
