"""Sentinels of a Redis: keys that differ in type, size, name and expiry, each with the commands that write it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seatrial.drills.stores import PREFIX

__all__ = ["MARK", "Seed", "named", "planted"]

MARK = f"{PREFIX}:sentinel:".encode()
"""What all keys of ours begin with; no pattern character is in it."""
HOUR, DAY = 3600, 86400
BULK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Seed:
    """One sentinel."""

    name: bytes
    what: str
    """Empty for what only fills."""
    commands: tuple[tuple[Any, ...], ...]


def named(rest: str | bytes) -> bytes:
    """A key of ours."""
    return MARK + (rest.encode() if isinstance(rest, str) else rest)


NAMES: dict[str | bytes, str] = {
    "with spaces and 'quotes\" in it": "spaces and quotes",
    "größe": "an umlaut",
    "日本語": "Japanese",
    "עברית": "Hebrew",
    "🌊": "an emoji",
    "*?[a-z]": "characters of a pattern",
    "../../etc/passwd": "a path",
    "a\nline": "a line break",
    b"\x00\xff\xfe": "bytes that are no text",
    "n" * 300: "300 characters",
    "": "nothing after the prefix",
    "{tag}": "a hash tag",
}


def planted(size: int) -> Iterator[Seed]:
    """All of them, and then as much beside them as the size asks for. The same each time, but for the times of expiry."""
    noise = random.Random(7)
    now = int(time.time())
    yield from _strings(noise, now)
    yield from _collections(now)
    yield from _streams()
    for rest, what in NAMES.items():
        name = named(b"name:" + (rest.encode() if isinstance(rest, str) else rest))
        yield _seed(name, f"a string whose name has {what}", ("SET", name, what))
    for number in range(-(-size // BULK)):
        name = named(f"bulk:{number}")
        yield Seed(name, "", (("SET", name, noise.randbytes(min(BULK, size - number * BULK))),))


def _seed(name: bytes, what: str, *commands: tuple[Any, ...]) -> Seed:
    return Seed(name, what, commands)


def _strings(noise: random.Random, now: int) -> Iterator[Seed]:
    values: dict[str, tuple[str, Any]] = {
        "string": ("a string", "as it was written"),
        "empty": ("an empty string", b""),
        "number": ("a number", 9223372036854775807),
        "binary": ("a string of all bytes", bytes(range(256)) * 4),
        "text": ("a string in many scripts", "größe 日本語 עברית 🌊\r\n\t"),
        "large": ("a string of 1 MiB", noise.randbytes(1024**2)),
        "dull": ("a string of 1 MiB that compresses well", b"a" * 1024**2),
    }
    for rest, (what, value) in values.items():
        name = named(rest)
        yield _seed(name, what, ("SET", name, value))
    for rest, seconds, what in (("hours", 6 * HOUR, "6 hours"), ("month", 30 * DAY, "30 days")):
        name = named(f"expires:{rest}")
        yield _seed(name, f"a string with a TTL of {what}", ("SET", name, what), ("EXPIREAT", name, now + seconds))
    name = named("persisted")
    yield _seed(
        name, "a string whose TTL was taken away", ("SET", name, "stays"), ("EXPIRE", name, HOUR), ("PERSIST", name)
    )
    name = named("bits")
    yield _seed(name, "bits", ("SETBIT", name, 4095, 1))
    name = named("counted")
    yield _seed(name, "a HyperLogLog", ("PFADD", name, *map(str, range(100))))


def _collections(now: int) -> Iterator[Seed]:
    name = named("list")
    yield _seed(name, "a list", ("RPUSH", name, "first", "", b"\x00\xff", "first"))
    name = named("list:long")
    yield _seed(name, "a list of 3,000", ("RPUSH", name, *(f"element {number}" for number in range(3000))))
    name = named("hash")
    yield _seed(name, "a hash", ("HSET", name, "name", "value", "", "", b"\x00", b"\xff", "of", named("set")))
    name = named("hash:wide")
    fields = [text for number in range(1000) for text in (f"field {number}", f"value {number}")]
    yield _seed(name, "a hash of 1,000 fields with a TTL", ("HSET", name, *fields), ("EXPIREAT", name, now + 30 * DAY))
    name = named("set")
    yield _seed(name, "a set of other sentinels' names", ("SADD", name, *map(named, ("string", "list", "hash"))))
    name = named("set:numbers")
    yield _seed(name, "a set of numbers", ("SADD", name, *range(-50, 50)))
    name = named("set:wide")
    yield _seed(name, "a set of 2,000", ("SADD", name, *(f"member {number}" for number in range(2000))))
    name = named("zset")
    scores = [
        "-inf",
        "low",
        "-1.5",
        "negative",
        "0",
        "",
        "0.1",
        "tenth",
        "5e-324",
        "tiny",
        "1e17",
        "large",
        "+inf",
        "high",
    ]
    yield _seed(name, "a sorted set", ("ZADD", name, *scores))
    name = named("zset:wide")
    ranks = [value for number in range(1000) for value in (number / 7, f"rank {number}")]
    yield _seed(name, "a sorted set of 1,000", ("ZADD", name, *ranks))


def _streams() -> Iterator[Seed]:
    name = named("stream")
    yield _seed(
        name,
        "a stream with a group and what it has not acknowledged",
        *(("XADD", name, f"{number}-1", "number", number, "number", "twice") for number in range(1, 9)),
        ("XDEL", name, "8-1"),
        ("XGROUP", "CREATE", name, "readers", "0"),
        ("XREADGROUP", "GROUP", "readers", "one", "COUNT", 3, "STREAMS", name, ">"),
        ("XACK", name, "readers", "2-1"),
    )
    name = named("stream:emptied")
    yield _seed(name, "a stream that was emptied", ("XADD", name, "1-1", "a", "b"), ("XDEL", name, "1-1"))
