"""The cache in Redis: may be lost at any time, must never give an old answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time

from seatrial.demo import resp
from seatrial.demo.store import Note

CACHE_PREFIX = "demo:cache:"
STATS_KEY = "demo:stats"
_TTL_SECONDS = 60
_PAUSE_SECONDS = 0.25


class CacheLost(Exception):
    """Redis does not answer, or not as it should."""


class Client:
    """One connection to Redis; opened when needed, dropped when anything about it is odd."""

    def __init__(self, host: str, port: int, password: str, timeout: float) -> None:
        self._host, self._port, self._password, self._timeout = host, port, password, timeout
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, *words: str | bytes | int) -> resp.Reply:
        """Send one command. Waiting for one's turn counts towards the time-out: the caller has a deadline, too."""
        try:
            async with asyncio.timeout(self._timeout), self._lock:
                try:
                    reader, writer = self._streams or await self._connect()
                    return await self._ask(reader, writer, *words)
                except BaseException:
                    # A reply may still be on its way: the next command must not take it for its own.
                    self._drop()
                    raise
        except TimeoutError:
            raise CacheLost("timed out") from None
        except resp.RedisError as error:
            raise CacheLost(f"refused: {str(error).split(' ')[0]}") from error
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            raise CacheLost(type(error).__name__) from error

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._streams = reader, writer = await asyncio.open_connection(self._host, self._port)
        if self._password:
            await self._ask(reader, writer, "AUTH", "default", self._password)
        return reader, writer

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *words: str | bytes | int
    ) -> resp.Reply:
        writer.write(resp.encode(*words))
        await writer.drain()
        return await self._reply(reader)

    async def _reply(self, reader: asyncio.StreamReader) -> resp.Reply:
        line = await reader.readuntil(b"\r\n")
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            size = int(rest)
            return None if size < 0 else (await reader.readexactly(size + 2))[:size]
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest
        raise resp.RedisError(rest.decode(errors="replace") if kind == b"-" else "PROTOCOL")

    def _drop(self) -> None:
        if self._streams:
            with contextlib.suppress(OSError, RuntimeError):
                self._streams[1].close()
            self._streams = None

    def close(self) -> None:
        """Close the connection."""
        self._drop()


class Cache:
    """Notes by id. Each start of the service uses keys of its own, so that what another one cached is never read."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._prefix = f"{CACHE_PREFIX}{secrets.token_hex(4)}:"
        self._doubtful: set[str] = set()
        self._paused_until = 0.0

    async def _call(self, *words: str | bytes | int) -> resp.Reply:
        if time.monotonic() < self._paused_until:
            raise CacheLost("paused")
        try:
            return await self._client.call(*words)
        except CacheLost:
            # The store can answer in the meantime: not every request has to wait for a time-out.
            self._paused_until = time.monotonic() + _PAUSE_SECONDS
            raise

    async def get(self, note_id: str) -> Note | None:
        """A cached note; none when its last write may not have reached the cache."""
        if note_id in self._doubtful:
            await self._call("DEL", self._prefix + note_id)
            self._doubtful.discard(note_id)
        found = await self._call("GET", self._prefix + note_id)
        return Note(**json.loads(found)) if isinstance(found, bytes) and found else None

    async def written(self, note: Note) -> None:
        """Note a write, and count it."""
        self._doubtful.add(note.id)
        await self._call("SET", self._prefix + note.id, json.dumps(note.as_json()), "EX", _TTL_SECONDS)
        self._doubtful.discard(note.id)
        await self._call("HINCRBY", STATS_KEY, "notes_written", 1)

    async def removed(self, note_id: str) -> None:
        """Note that it is gone. An empty entry: nobody who has read it before can put it back, as `found` could."""
        self._doubtful.add(note_id)
        await self._call("SET", self._prefix + note_id, "", "EX", _TTL_SECONDS)
        self._doubtful.discard(note_id)

    async def found(self, note: Note) -> None:
        """Keep what was read from the store, unless a write came first."""
        await self._call("SET", self._prefix + note.id, json.dumps(note.as_json()), "EX", _TTL_SECONDS, "NX")

    async def stats(self) -> int:
        """How many notes were written since the deployment began."""
        count = await self._call("HGET", STATS_KEY, "notes_written")
        return int(count) if isinstance(count, bytes) else 0
