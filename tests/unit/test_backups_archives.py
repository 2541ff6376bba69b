"""What a file is by its first bytes, and whether it can be read to its end: cut anywhere, turned anywhere, and hostile."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest

from seatrial import archives
from seatrial.archives import _zstd, _zstd_program
from seatrial.archives._crc64 import crc64
from seatrial.words import CouldNotLook, Missing

MOST = 2**32
TEXT = b"".join(b"line %d of a note\n" % n for n in range(4000))


def read(data: bytes, *, most: int = MOST, within: float = 30.0) -> archives.Reading:
    return archives.read_stream(io.BytesIO(data), most=most, within=within)


def tar(format: int = tarfile.PAX_FORMAT, **files: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for name, data in (files or {"a": TEXT, "ü" * 120: b"x", "c": b""}).items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("link")
        link.type, link.linkname, link.size = tarfile.SYMTYPE, "a", 0
        archive.addfile(link)
    return out.getvalue()


def zipped(*, password: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", TEXT)
        archive.writestr("b", b"")
    data = out.getvalue()
    if password:  # the flag alone, in both places
        data = data.replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01").replace(
            b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"
        )
    return data


def rdb(*, keys: int = 300, version: int = 10, preamble: bool = False, sum: bool = True) -> bytes:
    def text(value: bytes) -> bytes:
        return struct.pack(">BI", 0x80, len(value)) + value

    body = (
        b"REDIS%04d" % version
        + b"\xfa"
        + text(b"redis-ver")
        + text(b"7.0.15")
        + b"\xfa"
        + text(b"used-mem")
        + b"\xc2\x01\x02\x03\x04"
    )
    body += b"\xfa" + text(b"aof-preamble") + text(b"1") if preamble else b""
    if keys:
        body += b"\xfe\x00\xfb" + struct.pack(">BI", 0x80, keys) + b"\x00"
        body += b"".join(b"\x00" + text(b"key:%d" % n) + text(b"v" * 50) for n in range(keys))
    body += b"\xff"
    return body + (struct.pack("<Q", crc64(body) if sum else 0) if version >= 5 else b"")


def aof(count: int = 50) -> bytes:
    return b"".join(b"*3\r\n$3\r\nSET\r\n$%d\r\nkey:%d\r\n$2\r\nxy\r\n" % (len(b"key:%d" % n), n) for n in range(count))


def sqlite(tmp_path: Path) -> bytes:
    path = tmp_path / "a.db"
    path.unlink(missing_ok=True)
    made = sqlite3.connect(path)
    made.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")
    made.executemany("INSERT INTO notes (text) VALUES (?)", (("x" * 90,) for _ in range(700)))
    made.commit()
    made.close()
    return path.read_bytes()


def packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, 0xFF]) + struct.pack(">I", len(body)) + body


def openpgp() -> bytes:
    chance = random.Random(3).randbytes(9000)
    return packet(3, b"\x04\x09\x03\x08" + chance[:8] + b"\xff") + packet(18, b"\x01" + chance)


SQL = (
    b"--\n-- PostgreSQL database dump\n--\n\nSET x = 0;\nCREATE TABLE public.notes (id int);\n"
    + b"INSERT INTO notes VALUES (1);\n" * 99
)
SQL_END = b"--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n\n"
SUMMED = {
    "tar in gzip": lambda: gzip.compress(tar()),
    "tar in bzip2": lambda: bz2.compress(tar()),
    "tar in xz": lambda: lzma.compress(tar()),
    "gzip": lambda: gzip.compress(TEXT),
    "rdb": rdb,
    "rdb in gzip": lambda: gzip.compress(rdb()),
    "sql in gzip": lambda: gzip.compress(SQL + SQL_END),
}
FORMS = SUMMED | {
    "tar": tar,
    "zip": zipped,
    "aof": aof,
    "sql": lambda: SQL + SQL_END,
    "json": lambda: json.dumps({"notes": [{"id": n, "text": 'a "b" ]}'} for n in range(500)]}).encode(),
    "openpgp": openpgp,
}
HOLDS = {
    "tar": 4,
    "tar in gzip": 4,
    "zip": 2,
    "rdb": 300,
    "rdb in gzip": 300,
    "aof": 50,
    "sql": 1,
    "sql in gzip": 1,
    "json": 1,
}


@pytest.mark.parametrize("form", FORMS)
def test_what_is_whole_is_told_by_its_form_and_what_it_holds(form):
    data = FORMS[form]()
    found = read(data)
    assert (found.form, found.broken, found.open) == (form, "", "")
    assert found.holds == HOLDS.get(form, found.holds)
    assert archives.form(data[: archives.HEAD]) in (form, form.rpartition(" in ")[2])


@pytest.mark.parametrize("form", FORMS)
def test_what_is_cut_off_anywhere_is_broken_and_says_where(form):
    data, seed = FORMS[form](), random.Random(form)
    ends = {len(data) * share // 100 for share in range(30, 99, 7)} | {
        seed.randrange(len(data) // 3, len(data) - (60 if form == "sql" else 5)) for _ in range(20)
    }
    whole = [end for end in sorted(ends) if not isinstance(read(data[:end]).broken, str) or not read(data[:end]).broken]
    # A cut in the zeros that fill the last record of a tar takes nothing away.
    lost = [end for end in whole if form != "tar" or any(data[end:])]
    assert lost == []


@pytest.mark.parametrize("form", SUMMED)
def test_any_bit_that_is_turned_shows_where_there_is_a_sum(form):
    data, seed = bytearray(SUMMED[form]()), random.Random(form)
    unseen = []
    for _ in range(40):
        at, bit = seed.randrange(10, len(data)), 1 << seed.randrange(8)  # the first ten may be a name or a time
        data[at] ^= bit
        if read(bytes(data)).broken == "":
            unseen.append(at)
        data[at] ^= bit
    assert unseen == []


def test_a_database_of_sqlite_is_checked_by_sqlite_and_left_alone(tmp_path):
    data = sqlite(tmp_path)
    path = tmp_path / "a.db"
    before = path.stat()
    assert archives.read(path, most=MOST) == archives.Reading("sqlite", "", 700)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert [each.name for each in tmp_path.iterdir()] == ["a.db"]
    assert "that its head tells: it is cut off" in read(data[:-4096]).broken
    assert "SQLite" in read(data[:8192] + b"\xff" * 600 + data[8792:]).broken
    assert read(gzip.compress(data)).form == "sqlite in gzip"
    assert "within the gzip stream: it has" in read(gzip.compress(data[:-4096])).broken


def test_a_dump_that_was_cut_off_before_it_was_compressed_is_no_whole_one():
    """`pg_dump | gzip`, and pg_dump fails: the stream is whole, what is in it is not."""
    assert "without the last line of pg_dump: it is cut off" in read(gzip.compress(SQL)).broken
    assert "within member" in read(gzip.compress(tar()[:5000])).broken
    assert "without the end mark of a dump" in read(gzip.compress(rdb()[:-9])).broken


def test_a_tar_that_ends_between_two_members_lacks_its_end():
    data = tar(tarfile.USTAR_FORMAT, a=b"x" * 512, b=b"y" * 512)
    assert "without the two blocks of zeros" in read(data[:1024]).broken
    assert "there is no header of a member" in read(data[:1024] + b"z" * 512 + data[1024:]).broken
    assert "a block of zeros in the middle" in read(data[:1024] + b"\0" * 512 + data[1024:]).broken


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_of_each_kind_is_followed(format):
    names = {"n" * 60 + "/" + "m" * 60: TEXT, "b": b""}
    assert read(tar(format, **names)) == archives.Reading("tar", "", 3)


def test_members_of_a_stream_that_follow_each_other_are_one_and_rubbish_after_it_is_told():
    whole = gzip.compress(TEXT)
    assert read(whole + whole).broken == ""
    assert read(whole + b"\0" * 700).broken == ""  # a tape's last block
    assert "there is something else" in read(whole + b"rubbish").broken
    assert read(bz2.compress(TEXT) * 2).broken == ""


def test_dumps_of_redis():
    assert read(rdb(keys=0)) == archives.Reading("rdb", "", 0)
    assert read(rdb(sum=False)).broken == ""  # rdbchecksum no
    assert read(rdb(version=4)).broken == ""
    assert "end mark" in read(rdb(sum=False)[:-20]).broken
    assert "CRC64" in read(rdb()[:-8] + b"\1" * 8).broken
    both = read(rdb(preamble=True) + aof())
    assert (both.form, both.broken, both.holds) == ("rdb", "", 300)
    assert "within command 50" in read(rdb(preamble=True) + aof()[:-4]).broken
    assert "has no end" in read(aof() + b"*1\r\n$5\r\nMULTI\r\n" + aof(1)).broken
    assert read(aof() + b"*1\r\n$5\r\nMULTI\r\n" + aof(1) + b"*1\r\n$4\r\nEXEC\r\n").broken == ""
    assert "within command 51" in read(aof() + b"\0" * 40).broken
    assert read(b"#TS:1690000000\r\n" + aof()).broken == ""


def test_the_crc_of_redis_in_pieces_and_at_once():
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA
    data = random.Random(1).randbytes(5 * 1024 * 1024 + 77)
    whole = crc64(data)
    assert crc64(data[1_000_000:], crc64(data[:1_000_000])) == whole
    assert crc64(data[3 * 2**20 :], crc64(data[: 3 * 2**20])) == whole


def test_what_is_encrypted_is_followed_and_what_only_looks_so_is_told():
    chance = random.Random(5).randbytes(70_000)
    assert read(b"Salted__" + chance) == archives.Reading("openssl", "")
    assert "there is gzip, in the clear" in read(b"Salted__12345678" + gzip.compress(os.urandom(900))).open
    assert "which nothing encrypted does" in read(b"Salted__12345678" + TEXT).open
    age = b"age-encryption.org/v1\n-> X25519 abc\ndef\n--- " + b"m" * 43 + b"\n"
    assert read(age + chance[: 16 + 65552]) == archives.Reading("age", "")
    assert read(age + chance[: 16 + 100]) == archives.Reading("age", "")
    assert "it is cut off" in read(age + chance[: 16 + 65552 + 9]).broken
    assert "it is cut off" in read(age + chance[:20]).broken
    assert "within the head of a file of age" in read(age[:40]).broken
    assert "which nothing encrypted does" in read(age + TEXT[: 16 + 65552 * (len(TEXT) // 65552)]).open
    assert "not encrypted" in read(openpgp()[:19] + packet(11, b"b\0" + TEXT)).open
    assert read(zipped(password=True)).broken == Missing(
        "2 of its 2 members are encrypted, and can't be read without their password"
    )


@pytest.mark.skipif(not shutil.which("zstd"), reason="no zstd here")
def test_zstandard_by_its_program_or_as_far_as_its_blocks_tell(monkeypatch):
    data = subprocess.run(["zstd", "-q", "-c"], input=tar(), capture_output=True, check=True).stdout
    assert read(data) == archives.Reading("tar in zstd", "", 4)
    assert "zstd stream" in str(read(data[:-300]).broken)
    assert "zstd stream" in str(read(data[:500] + bytes([data[500] ^ 8]) + data[501:]).broken)
    inner = subprocess.run(["zstd", "-q", "-c"], input=tar()[:5000], capture_output=True, check=True).stdout
    assert "within member" in str(read(inner).broken)
    zeros = subprocess.run("head -c 2G /dev/zero | zstd -q -c", shell=True, capture_output=True, check=True).stdout
    assert "was not read to its end" in str(read(zeros, within=0.1).broken)
    monkeypatch.setattr(_zstd, "_decompressor", lambda: None)
    monkeypatch.setattr(_zstd_program, "available", lambda: False)
    assert "can't be unpacked here" in str(read(data).broken)
    assert "it ends at byte" in str(read(data[:-300]).broken)


def test_json_that_is_large_or_a_document_a_line():
    lines = b"".join(b'{"id": %d}\n' % n for n in range(1000))
    assert read(lines) == archives.Reading("json", "", 1000)
    assert "line 1,000 is no JSON" in read(lines[:-5]).broken
    large = b"[" + b",".join(b'{"text": "%s \\" ]"}' % (b"x" * 3000) for _ in range(12_000)) + b"]"
    assert read(large).broken == ""
    assert "it is cut off" in read(large[:-3000]).broken
    assert "was not opened" in read(large.replace(b'"}', b'"}}', 1)).broken


def test_what_is_no_file_is_refused_and_nothing_is_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    for name in ("fifo", ".", "link", "gone"):
        with pytest.raises(CouldNotLook):
            archives.read(tmp_path / name, most=MOST)


def test_what_is_larger_than_allowed_or_unpacks_without_end_is_undecided_in_time(monkeypatch):
    assert read(gzip.compress(TEXT), most=10).broken == Missing(
        f"it has {len(gzip.compress(TEXT)):,} bytes, and no more than 10 are read"
    )
    packer = zlib.compressobj(1, wbits=31)
    bomb = b"".join(packer.compress(b"a" * 2**20) for _ in range(300)) + packer.flush()
    began = time.monotonic()
    late = read(bomb, within=0.05).broken
    assert isinstance(late, Missing)
    assert "was not read to its end within 0.05 s" in late.reason
    assert time.monotonic() - began < 10
    monkeypatch.setattr(archives, "UNPACKED", 2**30 // 4)
    assert "it unpacks to more than" in str(read(bomb).broken)


def test_hostile_files_cost_little_memory():
    claims = tarfile.TarInfo("a")
    claims.size = 2**40
    hostile = {
        "a member of a terabyte": claims.tobuf() + b"x" * 4096,
        "a text of a gigabyte": b"PGDMP\x01\x0e\x00\x04\x08\x01" + b"\0" * 5 + b"\0" * 35 + b"\0\xff\xff\xff\x3f",
        "a command of a gigabyte": b"*1\r\n$999999999\r\n" + b"x" * 99,
        "brackets": b"[" * 3_000_000,
        "a line without end": b'{"a":1}\n' + b"x" * 3_000_000,
        "a list of members without end": zipped()[:-22]
        + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, 2**31, 0, 0),
        "a packet of gigabytes": openpgp()[:19] + b"\xd2\xff\xff\xff\xff\xff" + b"x" * 999,
        "a frame of zstd that goes on": b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 4000,
    }
    tracemalloc.start()
    try:
        found = {name: read(data).broken for name, data in hostile.items()}
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [name for name, broken in found.items() if not broken] == []
    assert peak < 200 * 2**20


def test_rubbish_of_any_kind_is_read_without_a_fault():
    seed = random.Random(11)
    heads = [data()[:300] for data in FORMS.values()] + [
        b"PGDMP\x01\x0e\x00\x04\x08\x01",
        b"age-encryption.org/v1\n",
        b"\x28\xb5\x2f\xfd",
    ]
    for head in heads:
        for _ in range(30):
            data = bytearray(head + seed.randbytes(seed.randrange(3000)))
            for _ in range(seed.randrange(4)):
                data[seed.randrange(len(data))] = seed.randrange(256)
            assert isinstance(read(bytes(data), within=5).form, str)


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (b"", "empty"),
        (b"\0" * 1024, "tar"),
        (b"-- MySQL dump 10.13\n", "sql"),
        (b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump", "sql"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\n", "age"),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n", "unknown"),
        (b"U2FsdGVkX1+abc\n", "openssl"),
        (b"VALKEY080", "rdb"),
        (b"[Unit]\nDescription=x\n", "unknown"),
        (b"{name}\n", "unknown"),
        (b"some words of a note", "unknown"),
    ],
)
def test_forms_by_their_first_bytes(head, form):
    assert archives.form(head) == form
