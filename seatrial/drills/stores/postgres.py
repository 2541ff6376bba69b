"""A PostgreSQL database: rows, sequences, large objects, keys between tables, and the roles that its objects name.

All is read in one snapshot, over the protocol. Connections are opened for what is done and closed at once: a restore that
drops and makes the database anew must not find one of ours in its way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from seatrial.drills.stores import Content
from seatrial.drills.stores import _postgres_reading as reading
from seatrial.drills.stores import _postgres_seeds as seeds
from seatrial.drills.stores._relay import Relay
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drills.place import Place
    from seatrial.profile.backing import PostgresStore

__all__ = ["KEY", "SECONDS", "open"]

KEY = "postgres"
SECONDS = 8.0
CONNECT_WITHIN = 10
ANSWER_WITHIN = 300
LOCK_WITHIN = 20


def open(place: Place, node: PostgresStore) -> Postgres:
    """The database that a server in a place keeps."""
    return Postgres(place, node)


class Postgres:
    """The store; what writes step by step keeps its connection, until something else is asked."""

    places = seeds.PLACES

    def __init__(self, place: Place, node: PostgresStore) -> None:
        self.place, self.node = place, node
        self._port = int(place.resolve(node.port))
        self._relay: Relay | None = None
        self._writer: Any = None

    # How it is reached

    @property
    def _where(self) -> str:
        return f"PostgreSQL on port {self._port} in {self.place.name}"

    def _connect(self, *, write: bool = False) -> Any:
        import psycopg

        self.place.session.call("postgres", "INSERT" if write else "SELECT", Tier.write if write else Tier.observe)
        if self._relay is None:
            self._relay = Relay(self.place, self._port)
        settings = {
            "statement_timeout": ANSWER_WITHIN * 1000,
            "lock_timeout": LOCK_WITHIN * 1000,
            "default_transaction_read_only": "off" if write else "on",
            **reading.FORMS,
        }
        return psycopg.connect(
            host=str(self._relay.folder), port=self._port, user=self.place.resolve(self.node.user),
            password=self.place.resolve(self.node.password) or None, dbname=self.place.resolve(self.node.database),
            connect_timeout=CONNECT_WITHIN, application_name="seatrial", autocommit=True, client_encoding="UTF8",
            options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
        )  # fmt: skip

    @contextmanager
    def _asked(self, what: str) -> Iterator[None]:
        """Trouble with the server as `CouldNotLook`, without what was asked or answered."""
        import psycopg

        try:
            yield
        except psycopg.errors.InsufficientPrivilege:
            raise CouldNotLook(
                f"{self._where}: this user may not {what}", right=f"a user that may {what} in store.postgres"
            ) from None
        except psycopg.OperationalError as why:
            raise CouldNotLook(f"{self._where}: could not {what}: {self._told(why)}") from None
        except psycopg.Error as why:
            named = f"SQLSTATE {why.sqlstate}" if why.sqlstate else type(why).__name__
            raise CouldNotLook(f"{self._where}: could not {what}: {type(why).__name__} ({named})") from None

    def _told(self, why: Exception) -> str:
        """Why a connection failed: libpq's text has no password, but what else it has is cut down to what is known."""
        refused = self._relay.refused if self._relay else None
        if refused:
            return refused.reason
        text = str(why)
        for known, told in reading.REFUSALS.items():
            if known in text:
                return told
        return type(why).__name__

    @contextmanager
    def _session(self, what: str, *, write: bool = False) -> Iterator[Any]:
        self._rest()
        with self._asked(what):
            connection = self._connect(write=write)
            try:
                yield connection
            finally:
                connection.close()

    def _rest(self) -> None:
        """Close what the writer held: a server that is stopped waits for whoever is connected."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __del__(self) -> None:
        self._rest()

    # What it is

    def identity(self) -> str:
        """What initdb gave it and when it started: a copy of its files has the first in common, and not the second."""
        with self._session("ask who it is") as connection:
            system, started = connection.execute(
                "SELECT (SELECT system_identifier FROM pg_control_system()),"
                " extract(epoch FROM pg_postmaster_start_time())::text"
            ).fetchone()
        return f"postgres {system} started {started}"

    def ready(self) -> None:
        """It takes connections to that database, and is not in recovery, where what it holds is another server's."""
        with self._session("read it") as connection:
            recovering = connection.execute("SELECT pg_is_in_recovery()").fetchone()[0]
        if recovering:
            raise CouldNotLook(f"{self._where} is still in recovery")

    def usable(self) -> str:
        """Makes a table, writes a row, reads it, and takes the table away."""
        try:
            with self._session("write and read", write=True) as connection:
                connection.execute(f"DROP TABLE IF EXISTS {seeds.USABLE}")
                connection.execute(f"CREATE TABLE {seeds.USABLE} (number int)")
                try:
                    connection.execute(f"INSERT INTO {seeds.USABLE} VALUES (1)")
                    got = connection.execute(f"SELECT number FROM {seeds.USABLE}").fetchall()
                finally:
                    connection.execute(f"DROP TABLE {seeds.USABLE}")
        except CouldNotLook as why:
            return why.reason
        return "" if got == [(1,)] else "it does not give back what was written"

    # What it holds

    def content(self) -> Content:
        """Rows of sentinels one by one; of every other table all rows in one."""
        with self._session("read it") as connection:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return Content(reading.items(connection))

    # What is written to it

    def seed(self, size: int) -> dict[str, str]:
        """Tables that refer to each other, of every type, with rows of every length; a sequence; a large object."""
        with self._session("write sentinels", write=True) as connection:
            seeds.unplant(connection)
            return seeds.plant(connection, size)

    def removed(self) -> tuple[str, ...]:
        """A row and a table that are taken away again."""
        with self._session("write sentinels and remove them", write=True) as connection:
            return seeds.removed(connection)

    def aged(self, seconds: float) -> dict[str, str]:  # noqa: ARG002 - as every store takes it
        """Rows have no age of their own: what tells it is a column, and which one only the tables' owner knows."""
        return {}

    def step(self, number: int) -> None:
        """One table for each place, so that a backup that takes table after table is seen to."""
        with self._asked("write"):
            if self._writer is None or self._writer.closed or self._writer.broken:
                self._writer = self._connect(write=True)
                seeds.step_tables(self._writer)
            seeds.step(self._writer, number)

    def steps(self) -> tuple[int, ...]:
        """What these tables hold."""
        with self._session("read it") as connection:
            return seeds.steps(connection)

    def unseed(self) -> None:
        """Drop what is named as ours is."""
        with self._session("remove sentinels", write=True) as connection:
            seeds.unplant(connection)
