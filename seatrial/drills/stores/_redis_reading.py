"""Keys of a Redis in a form that does not depend on how the server keeps them: many small ones at once, large ones in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from seatrial.drills.stores import Item
from seatrial.drills.stores._forms import Form
from seatrial.words import CouldNotLook

__all__ = ["Reader", "pairs"]

SMALL = 256 * 1024
"""Bytes of a key that is read with others in one go."""
PART = 4 * 1024**2
PAGE = 200
MOST_ELEMENTS = 5_000_000
TOGETHER = 8 * 1024**2
"""Bytes that are asked for in one go."""


def pairs(flat: list[Any]) -> dict[bytes, Any]:
    """What comes as a flat list of names and values."""
    return dict(zip(flat[::2], flat[1::2], strict=False))


def _at(milliseconds: int) -> str:
    """A moment, to the millisecond, as UTC."""
    try:
        when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return f"{milliseconds} ms after 1970"
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Reader:
    """Reads the keys of one database."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.absolute = True
        """Whether the server tells when a key expires, and not only in how long (before Redis 7)."""
        self.weighs = True
        self.expiring_fields = self._knows("HPEXPIRETIME")
        self.all: dict[bytes, Callable[[bytes, int], Item | None]] = {
            b"string": self._string,
            b"list": self._list,
            b"set": self._set,
            b"hash": self._hash,
            b"zset": self._zset,
            b"stream": self._stream,
        }

    def _knows(self, command: str) -> bool:
        import redis

        try:
            told = self.client.execute_command("COMMAND", "INFO", command)
        except redis.exceptions.ResponseError:
            return False
        return bool(told and told[0])

    def _together(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """Answers to many commands; an exception stands for itself."""
        if not commands:
            return []
        pipe = self.client.pipeline(transaction=False)
        pipe.response_callbacks = {}
        for command in commands:
            pipe.execute_command(*command)
        return list(pipe.execute(raise_on_error=False))

    def items(self, keys: list[bytes]) -> Iterator[tuple[bytes, Item]]:
        """What these keys hold; those that are gone meanwhile are left out."""
        kinds = self._together([("TYPE", key) for key in keys])
        weights = self._weights(keys)
        expiries = self._expiries(keys)
        small: list[tuple[bytes, bytes, str]] = []
        together = 0
        for key, kind, weight, expires in zip(keys, kinds, weights, expiries, strict=True):
            if isinstance(kind, Exception):
                raise kind
            if kind == b"none" or expires is None:
                continue
            if kind not in self.all:
                raise CouldNotLook(
                    f"it holds keys of type {kind.decode('utf-8', 'replace')[:40]}, which this version can't read"
                )
            # Streams have groups beside their entries, and are never read in one go.
            if weight is None or weight > SMALL or kind == b"stream" or (kind == b"hash" and self.expiring_fields):
                item = self._one(key, kind)
                if item is not None:
                    yield key, _with(item, expires)
                continue
            small.append((key, kind, expires))
            together += weight
            if together > TOGETHER:
                yield from self._many(small)
                small, together = [], 0
        yield from self._many(small)

    def _weights(self, keys: list[bytes]) -> list[int | None]:
        """About how many bytes each takes; None where that is not to be known."""
        if not self.weighs:
            return [None] * len(keys)
        told = self._together([("MEMORY", "USAGE", key) for key in keys])
        self.weighs = not any(isinstance(each, Exception) for each in told)
        return [each if isinstance(each, int) else None for each in told]

    def _expiries(self, keys: list[bytes]) -> list[str | None]:
        """When each expires; empty when never, None when it is gone."""
        if self.absolute:
            told = self._together([("PEXPIRETIME", key) for key in keys])
            self.absolute = not any(isinstance(each, Exception) for each in told)
        if self.absolute:
            return [None if each == -2 else "" if each == -1 else _at(each) for each in told]
        # The two are not read at one moment: to the second is what can be known.
        seconds, micros = self.client.execute_command("TIME")
        now = int(seconds) * 1000 + int(micros) // 1000
        told = self._together([("PTTL", key) for key in keys])
        for each in told:
            if isinstance(each, Exception):
                raise each
        return [None if each == -2 else "" if each == -1 else _at(round((now + each) / 1000) * 1000) for each in told]

    def _one(self, key: bytes, kind: bytes) -> Item | None:
        """A key by itself, in parts; None when it is gone."""
        import redis

        for attempt in (1, 2):
            try:
                return self.all[kind](key, attempt)
            except redis.exceptions.ResponseError as why:
                if not str(why).startswith("WRONGTYPE") or attempt == 2:
                    raise
                kind = self.client.execute_command("TYPE", key)
                if kind not in self.all:
                    return None
        return None

    def _many(self, keys: list[tuple[bytes, bytes, str]]) -> Iterator[tuple[bytes, Item]]:
        """Keys that are small, in one go."""
        whole: dict[bytes, Callable[[bytes], tuple[Any, ...]]] = {
            b"string": lambda key: ("GET", key),
            b"list": lambda key: ("LRANGE", key, 0, -1),
            b"set": lambda key: ("SMEMBERS", key),
            b"hash": lambda key: ("HGETALL", key),
            b"zset": lambda key: ("ZRANGE", key, 0, -1, "WITHSCORES"),
        }
        answers = self._together([whole[kind](key) for key, kind, _ in keys])
        for (key, kind, expires), answer in zip(keys, answers, strict=True):
            if isinstance(answer, Exception):
                # It became something else meanwhile.
                item = self._one(key, self.client.execute_command("TYPE", key))
            elif not answer and not (kind == b"string" and answer is not None):
                continue
            else:
                item = _small(kind, answer)
            if item is not None:
                yield key, _with(item, expires)

    def _string(self, key: bytes, _attempt: int) -> Item | None:
        length = self.client.execute_command("STRLEN", key)
        form = Form("string")
        form.begin(length)
        for start in range(0, length, PART):
            form.more(self.client.execute_command("GETRANGE", key, start, start + PART - 1))
        return Item(form.digest(), form.size, _string_of(length))

    def _list(self, key: bytes, _attempt: int) -> Item | None:
        form, count = Form("list"), 0
        while page := self.client.execute_command("LRANGE", key, count, count + PAGE - 1):
            count = self._counted(count, len(page))
            for value in page:
                form.add(value)
        return Item(form.digest(), form.size, f"a list of {count}") if count else None

    def _counted(self, count: int, more: int) -> int:
        if count + more > MOST_ELEMENTS:
            raise CouldNotLook(f"a key has more than {MOST_ELEMENTS:,} elements, which is more than are compared")
        return count + more

    def _set(self, key: bytes, _attempt: int) -> Item | None:
        return _set(self._scanned("SSCAN", key, 1))

    def _hash(self, key: bytes, _attempt: int) -> Item | None:
        rows = self._scanned("HSCAN", key, 2)
        if self.expiring_fields:
            rows = (self._with_expiry(key, row) for row in rows)
        return _hash(rows)

    def _with_expiry(self, key: bytes, row: tuple[bytes, ...]) -> tuple[bytes, ...]:
        told = self.client.execute_command("HPEXPIRETIME", key, "FIELDS", 1, row[0])
        at = told[0] if told else -1
        return (*row, str(at).encode()) if at >= 0 else row

    def _zset(self, key: bytes, _attempt: int) -> Item | None:
        return _zset((row[0], row[1]) for row in self._scanned("ZSCAN", key, 2))

    def _scanned(self, command: str, key: bytes, width: int) -> Iterator[tuple[bytes, ...]]:
        cursor, count = b"0", 0
        while True:
            cursor, flat = self.client.execute_command(command, key, cursor, "COUNT", PAGE)
            count = self._counted(count, len(flat) // width)
            yield from zip(*(flat[start::width] for start in range(width)), strict=True)
            if cursor == b"0":
                return

    def _stream(self, key: bytes, _attempt: int) -> Item | None:
        told = pairs(self.client.execute_command("XINFO", "STREAM", key))
        form, count, start = Form("stream"), 0, b"-"
        form.add(told.get(b"last-generated-id", b""))
        while page := self.client.execute_command("XRANGE", key, start, "+", "COUNT", PAGE):
            count = self._counted(count, len(page))
            for id, fields in page:
                form.add(id)
                form.begin(len(fields or ()))
                for value in fields or ():
                    form.add(value)
            start = b"(" + page[-1][0]
        groups = self._groups(key, form) if told.get(b"groups") else 0
        what = f"a stream of {count}" + (f" with {groups} group{'s' if groups > 1 else ''}" if groups else "")
        return Item(form.digest(), form.size, what)

    def _groups(self, key: bytes, form: Form) -> int:
        """Groups, their consumers, and what those were given and have not acknowledged; no times, which pass."""
        groups = sorted(map(pairs, self.client.execute_command("XINFO", "GROUPS", key)), key=lambda g: g[b"name"])
        for group in groups:
            name = group[b"name"]
            form.add(name)
            form.add(group.get(b"last-delivered-id", b""))
            consumers = map(pairs, self.client.execute_command("XINFO", "CONSUMERS", key, name))
            for consumer in sorted(each[b"name"] for each in consumers):
                form.add(consumer)
            start, count = b"-", 0
            while page := self.client.execute_command("XPENDING", key, name, start, "+", PAGE):
                count = self._counted(count, len(page))
                for id, consumer, _idle, times in page:
                    for value in (id, consumer, str(times).encode()):
                        form.add(value)
                start = b"(" + page[-1][0]
        return len(groups)


def _with(item: Item, expires: str) -> Item:
    if not expires:
        return item
    return Item(item.digest, item.size, f"{item.what} with a TTL", (("expires", expires),))


def _string_of(length: int) -> str:
    return f"a string of {length} bytes" if length else "an empty string"


def _small(kind: bytes, answer: Any) -> Item | None:
    """A key that came in one go."""
    if kind == b"string":
        form = Form("string")
        form.add(answer)
        return Item(form.digest(), form.size, _string_of(len(answer)))
    if kind == b"list":
        form = Form("list")
        for value in answer:
            form.add(value)
        return Item(form.digest(), form.size, f"a list of {len(answer)}")
    if kind == b"set":
        return _set((value,) for value in answer)
    rows = zip(answer[::2], answer[1::2], strict=True)
    return _hash(rows) if kind == b"hash" else _zset(rows)


def _set(members: Iterator[tuple[bytes, ...]]) -> Item | None:
    return _sorted("set", "a set of", ((member,) for (member,) in members))


def _hash(rows: Iterator[tuple[bytes, ...]]) -> Item | None:
    return _sorted("hash", "a hash of", rows)


def _zset(rows: Iterator[tuple[bytes, bytes]]) -> Item | None:
    # The shortest form of a score: servers have written the same number with more or fewer digits.
    return _sorted("zset", "a sorted set of", ((member, repr(float(score)).encode()) for member, score in rows))


def _sorted(kind: str, told: str, rows: Iterator[tuple[bytes, ...]]) -> Item | None:
    """Rows in the order of their names, each once: a cursor may give one twice."""
    found: dict[bytes, bytes] = {}
    size = 0
    for row in rows:
        name, whole = Form("name"), Form("row")
        name.add(row[0])
        for value in row:
            whole.add(value)
        if found.setdefault(name.raw(), b"") == b"":
            size += whole.size
        found[name.raw()] = whole.raw()
    form = Form(kind)
    for name_digest in sorted(found):
        form.add(found[name_digest])
    return Item(form.digest(), size, f"{told} {len(found)}") if found else None
