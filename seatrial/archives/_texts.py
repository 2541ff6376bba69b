"""Dumps that are text: SQL, whose last lines say that it is whole, and JSON."""

from __future__ import annotations

import json
import re

from seatrial.archives._feed import Broken, Feed, Undecided

__all__ = ["read_json", "read_sql"]

LARGEST = 32 * 1024 * 1024
"""Bytes of a JSON document, or of one line, that are held in memory."""
_TAIL = 65536
_ENDS = (
    (rb"-- PostgreSQL database cluster dump", rb"-- PostgreSQL database cluster dump complete", "pg_dumpall"),
    (rb"-- PostgreSQL database dump", rb"-- PostgreSQL database dump complete", "pg_dump"),
    (rb"-- (?:MySQL|MariaDB) dump", rb"-- Dump completed", "mysqldump"),
    (rb"PRAGMA foreign_keys=OFF;\s*BEGIN TRANSACTION;", rb"(?:COMMIT|ROLLBACK);", "sqlite3's .dump"),
)
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_WHOLE = re.compile(rb'(?>[^"]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
"""Up to a text that has not ended yet."""
_OTHERS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def read_sql(feed: Feed) -> int:
    """How many tables it creates.

    Raises:
        Broken: the line that ends such a dump is not there.
    """
    head = feed.peek(4096)
    tail, tables = b"", 0
    while piece := feed.some():
        window = tail[-64:] + piece
        tables += len(re.findall(rb"^CREATE (?:UNLOGGED |FOREIGN )?TABLE ", window, re.MULTILINE))
        tail = (tail + piece)[-_TAIL:]
    for begins, ends, who in _ENDS:
        if re.match(rb"(?:\s|--\s*\n|/\*.*?\*/;?)*" + begins, head, re.DOTALL):
            if not re.search(rb"^" + ends, tail, re.MULTILINE):
                raise Broken(f"it ends at byte {feed.at:,} without the last line of {who}: it is cut off")
            if who.startswith("sqlite3") and re.search(rb"^ROLLBACK; -- due to errors", tail, re.MULTILINE):
                raise Broken("it ends with ROLLBACK due to errors: sqlite3 could not read all of its database")
            return tables
    return tables if tables else -1


def read_json(feed: Feed) -> int:
    """How many documents, or members of the one there is.

    Raises:
        Broken: it is no JSON to its end.
    """
    found = feed.peek(LARGEST + 1)
    if len(found) > LARGEST:
        return _balanced(feed)
    try:
        document = json.loads(found)
    except json.JSONDecodeError as why:
        if why.msg == "Extra data":
            return _lines(feed)
        raise Broken(f"it is no JSON: {why.msg.lower()} at line {why.lineno}, column {why.colno}") from None
    except UnicodeDecodeError as why:
        raise Broken(f"it is no UTF-8 at byte {why.start:,}") from None
    except RecursionError:
        raise Undecided("it is nested too deep to be read") from None
    return len(document) if isinstance(document, list | dict) else 1


def _lines(feed: Feed) -> int:
    """A document a line."""
    count = 0
    while not feed.ended():
        held = feed.peek(LARGEST)
        end = held.find(b"\n")
        if end < 0 and len(held) == LARGEST:
            raise Undecided("it has a line of more than 32 MiB")
        lines = held[: held.rfind(b"\n") + 1] if end >= 0 else held
        for line in lines.splitlines():
            count += 1
            if not line.strip():
                continue
            try:
                json.loads(line)
            except (ValueError, RecursionError):
                raise Broken(f"line {count:,} is no JSON: it is cut off or damaged") from None
        feed.take(len(lines), "a line")
        feed.budget.spend(0)
    return count


def _balanced(feed: Feed) -> int:
    """Of a large document: whether what is opened is closed, and nothing else."""
    depth = bytearray()
    held = b""
    while piece := feed.some():
        held += piece
        if len(held) > LARGEST:
            raise Undecided("it has a text of more than 32 MiB")
        told = _WHOLE.match(held)
        end = told.end() if told else 0
        for mark in _TEXT.sub(b"", held[:end]).translate(None, _OTHERS):
            if mark in b"[{":
                depth.append(mark)
            elif not depth or depth.pop() != mark - 2:  # in ASCII each bracket closes the one two before it
                raise Broken(f"before byte {feed.at:,} something is closed that was not opened")
        held = held[end:]
    if depth or held:
        raise Broken(f"it ends at byte {feed.at:,}, within a text or with {len(depth):,} brackets open: it is cut off")
    return -1
