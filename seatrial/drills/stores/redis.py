"""A Redis: every key of every type with its expiry, functions and users, read over its own protocol.

Encodings differ after a restore, so nothing of DUMP or of the files is compared. Without `database` it is the whole server,
with its functions and the users of its ACL; with it, the keys of that database alone.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from seatrial.drills.stores import Content, Item
from seatrial.drills.stores import _redis_reading as reading
from seatrial.drills.stores import _redis_seeds as seeds
from seatrial.drills.stores._forms import Form, printable
from seatrial.drills.stores._relay import Relay
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drills.place import Place
    from seatrial.profile.backing import RedisStore

__all__ = ["KEY", "SECONDS", "open"]

KEY = "redis"
SECONDS = 5.0
ANSWER_WITHIN = 60.0
MOST_KEYS = 1_000_000
BATCH = 500


def open(place: Place, node: RedisStore) -> Redis:
    """The Redis that listens in a place."""
    return Redis(place, node)


class Redis:
    """The store; connections are made when they are needed."""

    places = 4

    def __init__(self, place: Place, node: RedisStore) -> None:
        self.place, self.node = place, node
        self._port = int(place.resolve(node.port))
        self._relay: Relay | None = None
        self._clients: dict[int, Any] = {}
        self._idle: dict[bytes, int] = {}

    # How it is reached

    def _client(self, database: int = 0) -> Any:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        if self._relay is None:
            self._relay = Relay(self.place, self._port)
        if database not in self._clients:
            client = redis.Redis(
                unix_socket_path=str(self._relay.path), db=database, protocol=2,
                username=self.node.user or None, password=self.place.resolve(self.node.password) or None,
                socket_timeout=ANSWER_WITHIN, socket_connect_timeout=ANSWER_WITHIN,
                # Once more, since a server that was restarted in between has closed what was open.
                retry=Retry(NoBackoff(), 1),
            )  # fmt: skip
            # Answers as they come: what the library makes of them loses fields of streams that are there twice.
            client.response_callbacks.clear()
            self._clients[database] = client
        return self._clients[database]

    @contextmanager
    def _asked(self, what: str) -> Iterator[None]:
        """Trouble with the server as `CouldNotLook`, without what was asked or answered."""
        import redis

        where = f"Redis on port {self._port} in {self.place.name}"
        try:
            yield
        except redis.exceptions.AuthenticationError:
            raise CouldNotLook(
                f"{where} asks for credentials, or for others", right="store.redis.user and password"
            ) from None
        except redis.exceptions.NoPermissionError:
            raise CouldNotLook(f"{where}: this user may not {what}", right=f"a user that may {what}") from None
        except redis.exceptions.BusyLoadingError:
            raise CouldNotLook(f"{where} is still loading its data") from None
        except redis.exceptions.ResponseError as why:
            # Its first word is the kind, which the library takes away where it knows it: the rest may hold names and values.
            known = type(why) is not redis.exceptions.ResponseError
            kind = type(why).__name__ if known else str(why).partition(" ")[0][:40]
            raise CouldNotLook(f"{where}: could not {what}: it answers {kind}") from None
        except (redis.exceptions.RedisError, OSError) as why:
            refused = self._relay.refused if self._relay else None
            told = refused.reason if refused else type(why).__name__
            raise CouldNotLook(f"{where}: could not {what}: {told}") from None

    def _read(self, method: str) -> None:
        self.place.session.call("redis", method)

    def _written(self, method: str) -> None:
        self.place.session.call("redis", method, Tier.write)

    @property
    def _first(self) -> int:
        """The database that sentinels are written to."""
        return self.node.database or 0

    # What it is

    def identity(self) -> str:
        """The id of the run of its server: another after every start, and never that of another server."""
        self._read("INFO")
        with self._asked("ask who it is"):
            info = self._info("server")
        if not info.get("run_id"):
            raise CouldNotLook(f"Redis on port {self._port} in {self.place.name} does not tell its run_id")
        return f"redis {info['run_id']}"

    def _info(self, section: str) -> dict[str, str]:
        text = self._client(self._first).execute_command("INFO", section).decode("utf-8", "replace")
        return {name: value for name, _, value in (line.partition(":") for line in text.splitlines()) if value}

    def ready(self) -> None:
        """It answers, and does not load any more."""
        self._read("PING")
        with self._asked("read it"):
            if self._info("persistence").get("loading", "0") != "0":
                raise CouldNotLook(f"Redis on port {self._port} in {self.place.name} is still loading its data")
            self._client(self._first).execute_command("DBSIZE")

    def usable(self) -> str:
        """Writes a key, reads it and removes it."""
        self._written("SET")
        client, name = self._client(self._first), seeds.named("usable")
        try:
            with self._asked("write and read"):
                client.execute_command("SET", name, b"1", "EX", 60)
                got = client.execute_command("GET", name)
                client.execute_command("DEL", name)
        except CouldNotLook as why:
            return why.reason
        return "" if got == b"1" else "it does not give back what was written"

    # What it holds

    def content(self) -> Content:
        """Every key by its name; those of other databases than 0 say which."""
        self._read("SCAN")
        items: dict[str, Item] = {}
        with self._asked("read it by SCAN and the commands of its types"):
            for database in self._databases():
                for key, item in self._keys(database, MOST_KEYS - len(items)):
                    items[_name(key, database if self.node.database is None else 0)] = item
            if self.node.database is None:
                items.update(self._functions())
                items.update(self._users())
            self._idle_again()
        return Content(items)

    def _databases(self) -> list[int]:
        if self.node.database is not None:
            return [self.node.database]
        return sorted(int(name[2:]) for name in self._info("keyspace") if re.fullmatch(r"db\d+", name))

    def _keys(self, database: int, most: int) -> Iterator[tuple[bytes, Item]]:
        client = self._client(database)
        known = reading.Reader(client)
        waiting: list[bytes] = []
        found: set[bytes] = set()
        cursor = b"0"
        while True:
            cursor, keys = client.execute_command("SCAN", cursor, "COUNT", BATCH)
            fresh = [key for key in dict.fromkeys(keys) if key not in found]
            found.update(fresh)
            waiting += fresh
            if len(found) > most:
                raise CouldNotLook(f"it holds more than {MOST_KEYS:,} keys, which is more than are compared")
            if len(waiting) >= BATCH or cursor == b"0":
                yield from known.items(waiting)
                waiting = []
            if cursor == b"0":
                return

    def _functions(self) -> dict[str, Item]:
        import redis

        try:
            libraries = self._client().execute_command("FUNCTION", "LIST", "WITHCODE")
        except redis.exceptions.ResponseError:
            return {}  # before Redis 7, or not to be known by this user
        found = {}
        for library in map(reading.pairs, libraries):
            form = Form("functions")
            form.add(library.get(b"engine", b""))
            form.add(library.get(b"library_code", b""))
            name = f"function library {printable(library.get(b'library_name', b''))}"
            found[name] = Item(form.digest(), form.size, "a library of functions")
        return found

    def _users(self) -> dict[str, Item]:
        """Users beside the one that every server has."""
        import redis

        try:
            lines = self._client().execute_command("ACL", "LIST")
        except redis.exceptions.ResponseError:
            return {}
        found = {}
        for line in lines:
            name, _, rules = line.removeprefix(b"user ").partition(b" ")
            if name != b"default":
                form = Form("user")
                form.add(rules)
                found[f"user {printable(name)}"] = Item(form.digest(), form.size, "a user of the ACL")
        return found

    # What is written to it

    def seed(self, size: int) -> dict[str, str]:
        """Keys of every type and size, with and without expiry, of names in every script."""
        self._written("SET")
        with self._asked("write sentinels"):
            found = {_name(key, self._named(self._first)): what for key, what in self._planted(seeds.planted(size))}
            found |= self._elsewhere()
        return found

    def _named(self, database: int) -> int:
        """The database as the names of its keys tell it: where one is declared, they don't."""
        return database if self.node.database is None else 0

    def _planted(self, plan: Iterator[seeds.Seed]) -> Iterator[tuple[bytes, str]]:
        client = self._client(self._first)
        for seed in plan:
            pipe = client.pipeline(transaction=False)
            pipe.response_callbacks = {}
            pipe.execute_command("DEL", seed.name)
            for command in seed.commands:
                pipe.execute_command(*command)
            pipe.execute()
            if seed.what:
                yield seed.name, seed.what

    def _elsewhere(self) -> dict[str, str]:
        """One key in another database, where the whole server is saved and it has more than one."""
        import redis

        if self.node.database is not None:
            return {}
        try:
            self._client(1).execute_command("SET", seeds.named("elsewhere"), b"in another database")
        except redis.exceptions.RedisError:
            self._clients.pop(1, None)
            return {}
        return {_name(seeds.named("elsewhere"), 1): "a string in database 1"}

    def removed(self) -> tuple[str, ...]:
        """Keys that are deleted, unlinked, and that expire at once."""
        self._written("DEL")
        ends: dict[bytes, tuple[Any, ...]] = {
            seeds.named("removed:deleted"): ("DEL",),
            seeds.named("removed:unlinked"): ("UNLINK",),
            seeds.named("removed:expired"): ("PEXPIREAT", 1),
        }
        client = self._client(self._first)
        with self._asked("write sentinels and remove them"):
            for name, (command, *rest) in ends.items():
                client.execute_command("SET", name, b"removed before the backup")
                client.execute_command(command, name, *rest)
        return tuple(_name(name, self._named(self._first)) for name in ends)

    def aged(self, seconds: float) -> dict[str, str]:
        """Keys that nobody touched for that time, as the server counts it."""
        self._written("RESTORE")
        client = self._client(self._first)
        with self._asked("write sentinels of an age"):
            for number in range(3):
                name = seeds.named(f"aged:{number}")
                client.execute_command("SET", name, b"not touched for long")
                self._idle[name] = int(seconds)
            self._idle_again()
            if not all(self._is_idle(client, name, age) for name, age in self._idle.items()):
                client.execute_command("DEL", *self._idle)
                self._idle.clear()
        return {
            _name(name, self._named(self._first)): f"a string that was not touched for {age} s"
            for name, age in self._idle.items()
        }

    @staticmethod
    def _is_idle(client: Any, name: bytes, age: int) -> bool:
        """Whether the server keeps that time: one that counts uses does not, and none keeps more than half a year."""
        import redis

        try:
            return bool(client.execute_command("OBJECT", "IDLETIME", name) >= age)
        except redis.exceptions.ResponseError:
            return False

    def _idle_again(self) -> None:
        """Reading touches a key, so that its age is given again afterwards."""
        import redis

        client: Any = self._client(self._first) if self._idle else None
        for name, age in self._idle.items():
            with contextlib.suppress(redis.exceptions.ResponseError):
                dumped = client.execute_command("DUMP", name)
                if dumped is not None:
                    client.execute_command("RESTORE", name, 0, dumped, "REPLACE", "IDLETIME", age)

    def step(self, number: int) -> None:
        """One key for each place holds the number."""
        self._written("SET")
        with self._asked("write"):
            self._client(self._first).execute_command("SET", self._step_name((number - 1) % self.places), number)

    def steps(self) -> tuple[int, ...]:
        """What these keys hold."""
        self._read("MGET")
        with self._asked("read it"):
            got = self._client(self._first).execute_command("MGET", *map(self._step_name, range(self.places)))
        return tuple(int(value) if value and value.isdigit() else 0 for value in got)

    @staticmethod
    def _step_name(place: int) -> bytes:
        return seeds.named(f"writer:{place}")

    def unseed(self) -> None:
        """Remove every key whose name begins as ours do, in the databases that they are written to."""
        self._written("DEL")
        self._idle.clear()
        databases = {self._first} if self.node.database is not None else {0, 1}
        with self._asked("remove sentinels"):
            have = {int(name[2:]) for name in self._info("keyspace") if re.fullmatch(r"db\d+", name)}
            for database in sorted(databases & have):
                client = self._client(database)
                self._swept(client.execute_command, seeds.MARK + b"*")

    @staticmethod
    def _swept(ask: Callable[..., Any], pattern: bytes) -> None:
        cursor = b"0"
        while True:
            cursor, keys = ask("SCAN", cursor, "MATCH", pattern, "COUNT", BATCH)
            if keys:
                ask("DEL", *keys)
            if cursor == b"0":
                return


def _name(key: bytes, database: int) -> str:
    """The name of a key among all objects; no other object has it."""
    text = printable(key)
    if re.match(r"(user|function library) ", text) or re.search(r" in database \d+$", text):
        text = text.replace(" ", "\\x20")
    return f"{text} in database {database}" if database else text
