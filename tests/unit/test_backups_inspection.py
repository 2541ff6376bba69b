"""Which of what lies in a folder are backups, what follows what, and what a checksum file says."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from seatrial.facts.backups.files import sequence
from seatrial.facts.backups.files_judged import ago
from seatrial.looks import _backup_names as names
from seatrial.looks import _backup_reading
from seatrial.looks import _backup_sites as sites
from seatrial.looks._backup_reading import Bounds, read
from seatrial.looks._backup_sites import Entry
from seatrial.words import CouldNotLook, Missing

DIGEST = hashlib.sha256(b"x").hexdigest()


def entries(*given: str, kind: str = "file") -> list[Entry]:
    return [Entry(name, kind, 1, float(-n)) for n, name in enumerate(given)]


def backups(match: str, *given: str, checksum: str | None = None) -> list[str]:
    return [each.name for each in names.sort(entries(*given), match, checksum).backups]


@pytest.mark.parametrize(
    "beside",
    [
        "notes-2.tar.gz.tmp", "notes-2.tar.gz.part", "notes-2.tar.gz.partial", ".notes-2.tar.gz.x3Kf9a", "notes-2.tar.gz~",
        "notes-1.tar.gz.sha256", "notes-1.tar.gz.md5", "notes-1.tar.gz.asc", "SHA256SUMS", "backup.log", "backup.log.1.gz",
        "README.md", ".gitkeep", "lost+found", "temp-4711.rdb",
    ],
)  # fmt: skip
def test_what_stands_beside_backups_is_none(beside):
    assert backups("*", "notes-1.tar.gz", beside) == ["notes-1.tar.gz"]


@pytest.mark.parametrize(
    ("match", "name"),
    [
        ("*", "dump.rdb"), ("*.asc", "notes.asc"), ("*", "notes.asc"), ("*.tmp", "notes.tmp"), ("*.log", "wal.log"), ("*", "2026-11-20"),
        ("notes-*.sql.gz", "notes-1.sql.gz"), (".snapshots-*", ".snapshots-1"), ("README", "README"), ("*", "temporal-2026.tar"), ("*", "temp-sensors-2026.tar"),
    ],
)  # fmt: skip
def test_what_is_asked_for_is_a_backup(match, name):
    assert backups(match, name) == [name]


def test_links_and_pipes_are_none_and_are_told():
    listed = [*entries("notes-1.tar"), *entries("latest", kind="link"), *entries("pipe", kind="fifo")]
    found = names.sort(listed, "*", None)
    assert [each.name for each in found.backups] == ["notes-1.tar"]
    assert sorted(each.name for each in found.others) == ["latest", "pipe"]


def test_checksum_files_belong_to_their_backups_and_are_left_when_those_are_gone():
    found = names.sort(entries("a.tar", "a.tar.sha256", "b.tar.sha256", "other.txt"), "*.tar", "{name}.sha256")
    assert [each.name for each in found.backups] == ["a.tar"]
    assert sorted(found.sums) == ["a.tar.sha256", "b.tar.sha256"]
    assert [each.name for each in found.orphans] == ["b.tar.sha256"]
    one = names.sort(entries("a.tar", "SHA256SUMS"), "*", "SHA256SUMS")
    assert sorted(one.sums) == ["SHA256SUMS"]
    assert one.orphans == []


@pytest.mark.parametrize(
    "text",
    [
        f"{DIGEST}  a.tar\n", f"{DIGEST} *a.tar\n", f"SHA256 (a.tar) = {DIGEST}\n", f"{DIGEST}\n", f"{DIGEST.upper()}  ./a.tar\r\n",
        f"{'0' * 64}  b.tar\n{DIGEST}  a.tar\n", f"{DIGEST}  /somewhere/else/a.tar\n", f"SHA2-256(a.tar)= {DIGEST}\n",
    ],
)  # fmt: skip
def test_checksum_files_of_every_program(text):
    assert names.said(text, "a.tar") == ("sha256", DIGEST)


@pytest.mark.parametrize("text", ["", "no such file\n", f"{DIGEST}  b.tar\n{DIGEST}  c.tar\n"])
def test_checksum_files_that_say_nothing(text):
    assert names.said(text, "a.tar") == ("", "")


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("notes-2026-11-20.tar.gz", "notes-2026-11-19.tar.gz", True),
        ("notes-20261120T030000Z.tar", "notes-20261119T030001Z.tar", True),
        ("notes-Mon.tar", "notes-Tue.tar", True),
        ("daily.0", "daily.6", True),
        ("dump-3fa9c1d2.rdb", "dump-0b77e6aa.rdb", True),
        ("notes-daily-1.tar", "notes-weekly-1.tar", False),
        ("db-1.sql", "files-1.tar", False),
        ("full-1", "incremental-1", False),
    ],
)
def test_names_that_follow_each_other(one, other, alike):
    assert (sequence(one) == sequence(other)) is alike


def test_times_in_words():
    assert [ago(each) for each in (0, 59, 3600, 90_000, 86_400 * 3 + 60)] == ["0s", "59s", "1h", "1d1h", "3d"]


def test_a_folder_is_read_as_a_whole_and_links_below_it_are_not_followed(tmp_path: Path):
    at = tmp_path / "backups/2026"
    at.mkdir(parents=True)
    (at / "a.json").write_text("{}")
    (at / "deep").mkdir()
    (at / "deep/b").write_text("b")
    (at / "out").symlink_to("/etc/passwd")
    (at / "up").symlink_to("..")
    at.chmod(0o750)
    (at / "a.json").chmod(0o666)
    (entry,) = sites.folder("/", str(tmp_path / "backups"), "backups").entries
    got = read(entry, str, Bounds(10))
    assert (got.kind, got.size, got.holds, got.form, got.broken) == ("folder", 3, 2, "folder", "")
    assert got.mode == 0o660  # others can't enter it
    again = read(entry, str, Bounds(10))
    assert again.digest == got.digest
    (at / "deep/b").write_text("c")
    (entry,) = sites.folder("/", str(tmp_path / "backups"), "backups").entries
    assert read(entry, str, Bounds(10)).digest != got.digest


def test_a_file_that_is_replaced_by_another_is_not_read_for_it(tmp_path: Path):
    (tmp_path / "a.tar").write_text("x")
    (entry,) = sites.folder("/", str(tmp_path), "backups").entries
    (tmp_path / "b").write_text("y")
    os.replace(tmp_path / "b", tmp_path / "a.tar")
    got = read(entry, str, Bounds(10))
    assert isinstance(got.digest, Missing)
    assert "was replaced while it was looked at" in got.digest.reason


def test_nothing_is_read_once_its_time_is_over(tmp_path: Path):
    (tmp_path / "a.tar").write_text("x")
    (entry,) = sites.folder("/", str(tmp_path), "backups").entries
    got = read(entry, str, Bounds(-1))
    assert isinstance(got.broken, Missing)


def test_a_path_in_a_container_does_not_lead_out_of_its_root(tmp_path: Path):
    root = tmp_path / "root"
    (root / "var").mkdir(parents=True)
    (root / "var/backups").symlink_to("/etc")
    (root / "etc").mkdir()
    (root / "etc/inside").touch()
    assert [each.name for each in sites.folder(str(root), "/var/backups", "x").entries] == ["inside"]
    with pytest.raises(FileNotFoundError):
        sites.folder(str(root), "/../../../../../../etc/passwd", "x")


def test_a_folder_with_too_much_in_it_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sites, "MOST_ENTRIES", 3)
    for n in range(5):
        (tmp_path / str(n)).touch()
    with pytest.raises(CouldNotLook, match="holds more than 3 entries"):
        sites.folder("/", str(tmp_path), "backups")


def test_a_backup_of_too_many_files_is_left_undecided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_backup_reading, "MOST_BELOW", 3)
    (tmp_path / "2026").mkdir()
    for n in range(5):
        (tmp_path / "2026" / str(n)).touch()
    (entry,) = sites.folder("/", str(tmp_path), "backups").entries
    got = read(entry, str, Bounds(10))
    assert isinstance(got.broken, Missing)
    assert "holds more than 3 files and folders" in got.broken.reason


def test_names_are_told_in_a_way_that_can_be_written_and_are_opened_as_they_are(tmp_path: Path):
    (tmp_path / os.fsdecode(b"a\xff\n.tar")).write_text("x")
    (entry,) = sites.folder("/", str(tmp_path), "backups").entries
    assert entry.name == "a\\udcff\\n.tar"
    assert read(entry, str, Bounds(10)).digest == DIGEST
