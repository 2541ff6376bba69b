"""How a good backup is spoiled: each in one way, always the same way, and never the good one itself."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import tarfile
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from seatrial.drills import damaging
from seatrial.drills.damaging import Working, cut, emptied, flips, inner_flips, missing
from seatrial.words import CouldNotLook

TEXT = b"".join(b"INSERT INTO notes VALUES (%d, 'a note');\n" % number for number in range(400))


def tree(path: Path) -> dict[str, str]:
    """Everything below a path, by digest."""
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    return {os.path.relpath(each, path): hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


def working(artifact: Path, **given) -> Working:
    return Working(artifact, Path(tempfile.mkdtemp(dir=artifact.parent)) / "copy", **given)


@pytest.fixture
def packed(tmp_path):
    """A tar of three files, in gzip."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name in "abc":
            member = tarfile.TarInfo(name)
            member.size = 5000
            tar.addfile(member, io.BytesIO(os.urandom(5000)))
    file = tmp_path / "notes.tar.gz"
    file.write_bytes(gzip.compress(stream.getvalue()))
    return file


@pytest.fixture
def folder(tmp_path):
    """A backup of several files, with digests beside them."""
    root = tmp_path / "backup"
    (root / "notes-1" / "deep").mkdir(parents=True)
    for name, size in {"notes-1/data": 9000, "notes-1/deep/index": 100, "notes-1/none": 0, "run.log": 50}.items():
        (root / name).write_bytes(os.urandom(size))
    (root / "notes-1.sha256").write_text("0" * 64)
    os.symlink("/etc/passwd", root / "notes-1" / "link")
    return root


def test_twenty_bits_all_over_it_are_turned_over_and_back(packed):
    copy = working(packed)
    good = packed.read_bytes()
    seen = set()
    for damage in flips(copy, "notes"):
        with copy.damaged(damage) as path:
            bad = path.read_bytes()
            different = [(at, x ^ y) for at, (x, y) in enumerate(zip(good, bad, strict=True)) if x != y]
            assert len(different) == 1
            ((at, bits),) = different
            assert bits.bit_count() == 1
            assert damage.detail == f"bit {bits.bit_length() - 1} of byte {at:,}"
            seen.add(at * 20 // len(good))
        assert path.read_bytes() == good == packed.read_bytes()
    assert seen == set(range(20))  # one in each twentieth


def test_the_same_backup_is_spoiled_in_the_same_places(packed):
    details = [[each.detail for each in flips(working(packed), seed)] for seed in ("notes", "notes", "users")]
    assert details[0] == details[1] != details[2]


@pytest.mark.parametrize(
    ("pack", "unpack"),
    [(gzip.compress, gzip.decompress), (bz2.compress, bz2.decompress), (lzma.compress, lzma.decompress)],
)
def test_a_bit_below_the_compression_leaves_the_compression_sound(tmp_path, pack, unpack):
    file = tmp_path / "notes.sql.packed"
    file.write_bytes(pack(TEXT))
    copy = working(file)
    made = inner_flips(copy, "notes")
    assert len(made) == 20
    for damage in made:
        with copy.damaged(damage) as path:
            bad = unpack(path.read_bytes())
            assert sum((x ^ y).bit_count() for x, y in zip(TEXT, bad, strict=True)) == 1
    assert unpack(copy.path.read_bytes()) == TEXT


def test_what_is_not_packed_or_broken_or_a_bomb_has_no_inside(tmp_path, monkeypatch):
    for name, content in {"plain": TEXT, "broken": gzip.compress(TEXT)[:-30], "nothing": gzip.compress(b"")}.items():
        (tmp_path / name).write_bytes(content)
        assert inner_flips(working(tmp_path / name), "notes") == []
    (tmp_path / "bomb").write_bytes(gzip.compress(bytes(5 * 1024**2)))
    monkeypatch.setattr(damaging, "MOST_UNPACKED", 1024**2)
    assert inner_flips(working(tmp_path / "bomb"), "notes") == []


def test_a_short_backup_has_fewer_bits(tmp_path):
    (tmp_path / "three").write_bytes(b"abc")
    assert len(flips(working(tmp_path / "three"), "notes")) == 3


def test_a_text_is_cut_in_a_line_at_a_block_and_between_two_lines(tmp_path):
    file = tmp_path / "notes.sql"
    file.write_bytes(TEXT)
    copy = working(file)
    lengths = {}
    for damage in cut(copy):
        with copy.damaged(damage) as path:
            left = path.read_bytes()
            assert TEXT.startswith(left)
            lengths[damage.detail.split(",")[0]] = left
        assert file.read_bytes() == TEXT == copy.path.read_bytes()
    assert len(lengths["cut at 57%"]) == int(len(TEXT) * 0.57)
    assert len(lengths["cut at a whole block"]) == 8192
    assert lengths["cut at the end of a line"].endswith(b";\n")


def test_what_is_no_text_is_not_cut_at_lines(packed):
    assert [each.detail.split(",")[0] for each in cut(working(packed))] == ["cut at 57%", "cut at a whole block"]


def test_one_byte_can_not_be_cut(tmp_path):
    (tmp_path / "one").write_bytes(b"a")
    assert cut(working(tmp_path / "one")) == []


def test_data_is_emptied_and_digests_are_not(folder):
    copy = working(folder, match="notes-*", checksum="{name}.sha256")
    good = tree(folder)
    with copy.damaged(emptied(copy)) as path:
        sizes = {os.path.relpath(each, path): each.stat().st_size for each in path.rglob("*") if each.is_file()}
        assert sizes == {
            "notes-1/data": 0, "notes-1/deep/index": 0, "notes-1/none": 0, "notes-1.sha256": 64, "run.log": 50,
            "notes-1/link": os.stat("/etc/passwd").st_size,
        }  # fmt: skip
    assert tree(copy.path) == good == tree(folder)


def test_what_is_missing_has_no_digest_either(folder):
    copy = working(folder, match="notes-*")
    good = tree(folder)
    with copy.damaged(missing(copy)) as path:
        assert [each for each in path.rglob("*") if each.is_file() and not each.is_symlink()] == []
    assert tree(copy.path) == good


def test_links_are_carried_and_never_followed(folder):
    copy = working(folder, match="notes-*")
    assert os.readlink(copy.path / "notes-1" / "link") == "/etc/passwd"
    assert set(copy.files) == {"notes-1/data", "notes-1/deep/index", "notes-1/none"}


def test_bits_are_turned_over_in_all_files_by_their_size(folder):
    copy = working(folder, match="notes-*")
    touched = [damage.touches[0] for damage in flips(copy, "notes")]
    assert set(touched) <= {"notes-1/data", "notes-1/deep/index"}
    assert "of notes-1/data" in flips(copy, "notes")[0].detail


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.touch(), lambda path: os.mkfifo(path)])
def test_what_has_no_byte_can_not_be_spoiled(tmp_path, make):
    make(tmp_path / "backup")
    with pytest.raises(CouldNotLook, match="no byte that could be spoiled"):
        working(tmp_path / "backup")


def test_a_backup_that_is_too_large_for_a_second_copy_is_told(packed, monkeypatch):
    monkeypatch.setattr(damaging.shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    with pytest.raises(CouldNotLook, match="controls need a second copy of the backup"):
        working(packed)
