"""What a file is, by its first bytes."""

from __future__ import annotations

import base64
import binascii
import bz2
import lzma
import re
import zlib

__all__ = ["COMPRESSED", "ENCRYPTED", "armored", "form", "plain_form"]

ENCRYPTED = ("age", "openpgp", "openssl")
"""Forms of which nothing can be read without a key."""
COMPRESSED = ("gzip", "bzip2", "xz", "zstd")
_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PGDMP", "pg_dump"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"age-encryption.org/v1\n", "age"),
    (b"-----BEGIN AGE ENCRYPTED FILE-----", "age"),
    (b"Salted__", "openssl"),
    (b"U2FsdGVkX1", "openssl"),
)
_PACKETS = {1: (2, 3, 6), 3: (4, 5, 6), 18: (1, 2), 20: (1,)}
"""Packets of OpenPGP that begin what is encrypted, and their versions."""
_SQL = re.compile(
    rb"(?:\s|--[^\n]*\n|/\*.*?\*/;?)*(?:SET|CREATE|INSERT|PRAGMA|BEGIN|DROP|ALTER|COPY|SELECT|USE|\\restrict|\\connect)\b",
    re.IGNORECASE | re.DOTALL,
)
_SQL_HEADS = re.compile(rb"\s*--\s*(?:PostgreSQL database|MySQL dump|MariaDB dump|Host:|Dump)", re.IGNORECASE)
_SPECIAL_HEAD = re.compile(rb"/\*M?!999999\\- enable the sandbox mode \*/")


def form(head: bytes) -> str:
    """What begins like this: ``tar in gzip``, ``rdb``, ``unknown``; ``empty`` when nothing is there."""
    found = plain_form(head)
    if found in COMPRESSED:
        inner = plain_form(_unpacked(found, head))
        return found if inner in ("empty", "unknown") else f"{inner} in {found}"
    return found


def plain_form(head: bytes) -> str:
    """As `form`, without a look into what is compressed."""
    if not head:
        return "empty"
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if re.match(rb"REDIS\d{4}", head) or re.match(rb"VALKEY\d{3}", head):
        return "rdb"
    if re.match(rb"\*\d{1,6}\r\n\$\d{1,9}\r\n", head) or re.match(rb"#TS:\d+\r\n", head):
        return "aof"
    if _is_tar(head):
        return "tar"
    if _is_openpgp(head):
        return "openpgp"
    if _SQL_HEADS.match(head) or _SPECIAL_HEAD.match(head) or _SQL.match(head):
        return "sql"
    if re.match(rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*[\"}]|\[\s*(?:[\[{\"\]\d-]|true|false|null))", head) or re.match(
        rb"\s*[\[{]\s*\Z", head
    ):
        return "json"
    return "unknown"


def _is_tar(head: bytes) -> bool:
    if len(head) < 512:
        return False
    if head[257:262] == b"ustar":
        return True
    if not any(head[:512]):  # an archive without members is zeros alone
        return len(head) >= 1024 and not any(head[:1024])
    try:
        said = int(head[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    return said == sum(head[:148]) + 256 + sum(head[156:512])


def armored(head: bytes) -> bytes:
    """The first bytes within an armor of OpenPGP."""
    _, _, rest = head.partition(b"\n")
    _, blank, body = rest.replace(b"\r", b"").partition(b"\n\n")
    if not blank:
        body = rest.replace(b"\r", b"").lstrip(b"\n")
    line = re.sub(rb"[^A-Za-z0-9+/]", b"", body.partition(b"\n")[0])
    try:
        return base64.b64decode(line[: len(line) // 4 * 4])
    except binascii.Error:
        return b""


def _is_openpgp(head: bytes) -> bool:
    if head.startswith(b"-----BEGIN PGP MESSAGE-----"):
        head = armored(head)
    if len(head) < 4 or not head[0] & 0x80:
        return False
    if head[0] & 0x40:
        tag, first = head[0] & 0x3F, head[1]
        body = 2 if first < 192 or 224 <= first < 255 else 3 if first < 224 else 6
    else:
        tag, body = head[0] >> 2 & 0x0F, 1 + (1, 2, 4, 0)[head[0] & 3]
    return tag in _PACKETS and head[body : body + 1] != b"" and head[body] in _PACKETS[tag]


def _unpacked(compressed: str, head: bytes) -> bytes:
    """The beginning of what is compressed, as far as its own beginning tells."""
    try:
        match compressed:
            case "gzip":
                return zlib.decompressobj(31).decompress(head, 4096)
            case "bzip2":
                return bz2.BZ2Decompressor().decompress(head, 4096)
            case "xz":
                return lzma.LZMADecompressor(memlimit=256 * 1024**2).decompress(head, 4096)
            case "zstd":
                from seatrial.archives._zstd import beginning

                return beginning(head)
    except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError):
        pass
    return b""
