"""Ferry's service: notes and work, kept durably, with probes, limits and protections that do what they say.

One program, configured by its environment alone; the standard library is enough (psycopg2 only where PostgreSQL is named).

    python service.py            serves until SIGTERM
    python service.py check      a HEALTHCHECK: ends with 0 while /health/ready says 200

What it answers:

    GET  /health/live            200 while it can answer at all; asks nobody
    GET  /health/started         200 once it has started (FERRY_START)
    GET  /health/ready           200 or 503 {status, components}: asks each required dependency, in bounded time
    GET  /health                 {status: ok|degraded|failing, version, components: {redis: {status, optional}, …}}; 503 when failing
    POST /notes, PUT /notes/ID   {id, text} → 201; 413 above FERRY_BODY bytes, 422 above FERRY_FIELD characters of text.
                                 Asks Redis (where it is configured) through time-out, retries and breaker; 503 when that fails
    GET, DELETE /notes/ID        200 {id, text} or 404; 204
    POST /work                   {id, seconds?} → 202 once it is kept; a worker does it later
    GET  /work/ID                200 {id, state: queued|done}
    GET  /slow?seconds=S         takes that long, at most FERRY_SLOWEST
    GET  /cached/KEY             a value through Redis, with time-out, retries and breaker; 503 + Retry-After at once while it is open
    POST /search                 {q, top_k}: 422 for top_k above FERRY_TOP
    GET  /report                 rate limited: FERRY_RATE calls per FERRY_RATE_PER seconds, then 429 + Retry-After
    GET  /admin                  200 with the key of FERRY_KEY_FILE in X-Key, else 401; the file is read on each call

Environment (default): FERRY_HOST (127.0.0.1), FERRY_PORT (8000), FERRY_DATA (folder of the file that keeps notes and work),
FERRY_REDIS (host:port), FERRY_REDIS_PASSWORD_FILE, FERRY_REDIS_OPTIONAL (1 = optional), FERRY_POSTGRES (host:port;
notes and work are kept there), FERRY_POSTGRES_USER and _DATABASE (ferry), FERRY_POSTGRES_PASSWORD_FILE, FERRY_TIMEOUT (0.5 s, of one question to a
dependency), FERRY_RETRIES (2), FERRY_BREAKER_FAILURES (3), FERRY_BREAKER_OPEN (2 s), FERRY_START (0 s that it takes to
start), FERRY_DRAIN (1 s between not ready and no longer listening), FERRY_GRACE (8 s, the end of all waiting at SIGTERM),
FERRY_WORK_SECONDS (0.2), FERRY_CONCURRENT (16 calls at a time, more are shed with 503), FERRY_BODY (16384), FERRY_FIELD
(1000), FERRY_TOP (100), FERRY_RATE (5), FERRY_RATE_PER (2 s), FERRY_SLOWEST (5 s), FERRY_KEY_FILE, FERRY_VERSION (1.0.0).

FERRY_WRONG is a list, by commas, of what is wrong with it. Each changes what the program does, for whoever asks:

    liveness-deep            liveness asks the dependencies
    liveness-overloaded      one thread serves everybody
    overload-fatal           it ends when it has to shed a call
    overload-lasting         once it has shed a call it stays not ready
    readiness-blind          readiness asks nobody
    readiness-hangs          readiness asks without a time-out
    readiness-flaps          every third answer of readiness is ready, whatever is down
    readiness-late           readiness only looks at the breaker, which opens after four times the failures
    optional-required        an optional dependency that is down makes it unready
    canary-broken-while-ready  after an outage calls keep a dead connection, readiness asks on a new one
    needs-help               one connection to Redis for everything, never made anew
    health-lies              the overall status is always ok
    health-silent            the health document leaves out the dependencies
    crash-on-outage          it ends when a dependency is lost
    starts-once              it ends when a dependency is not there at its start
    restart-loop             it ends three seconds after each start
    start-unsaid             ready before it has started
    start-deaf               it listens only after it has started
    slow-first-call          the first /slow keeps everybody else waiting
    forgetful                notes and work are kept in memory
    misplaced                they are kept in /tmp, whatever FERRY_DATA says
    work-lost                work is queued in memory
    written-late             notes are on the disk two seconds after they were answered, and at the end
    removals-forgotten       a removal is not written down
    ignores-sigterm, drops-in-flight, no-drain (not ready too late), exits-wrong (status 1 after SIGTERM)
    stays-ready              after SIGTERM it refuses calls and says ready
    stale-lock               after a crash it needs FERRY_STALE seconds (6) more to start; ends-again  it ends after the first second
    gives-up                 it is never ready when a dependency is not there at its start
    limit-not-enforced, limit-kills (500 above it), limit-fatal (it ends), limit-sulks (not ready after it has refused)
    rate-not-enforced, no-retry-after, retry-after-lies (come back at once, it says)
    no-timeout               calls ask dependencies without a time-out
    retry-storm              thirty attempts without a pause
    piles-up                 calls wait for each other before they ask a dependency
    no-breaker, breaker-never-closes, breaker-floods (everybody may try at once), breaker-sticks (a trial that works does not close it)
    key-kept                 the admin key is read once; old-key-works  keys of before are still taken
    first-key-works          the key of its start is always taken
"""

from __future__ import annotations

import collections
import contextlib
import fcntl
import json
import math
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

ENV = os.environ
WRONG = frozenset(filter(None, ENV.get("FERRY_WRONG", "").split(",")))
STARTED = time.monotonic()
LOCK = Path(ENV.get("FERRY_DATA", "/data")) / "lock"


def number(name: str, default: float) -> float:
    return float(ENV.get(f"FERRY_{name}", default))


TIMEOUT = number("TIMEOUT", 0.5)
VERSION = ENV.get("FERRY_VERSION", "1.0.0")


class Down(Exception):
    """A dependency did not do what it was asked to."""


def bounded(seconds: float, function: Callable[[], Any]) -> Any:
    """What a function returns, or Down when it takes longer: a name server may hang where a socket would not."""
    done: list[Any] = []

    def run() -> None:
        try:
            done.append((function(), None))
        except Exception as why:  # noqa: BLE001 - raised again by who waits
            done.append((None, why))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not done:
        raise Down("time-out")
    value, why = done[0]
    if why is not None:
        raise Down(type(why).__name__) from why
    return value


def secret(name: str) -> str:
    path = ENV.get(name, "")
    return Path(path).read_text("utf-8").strip() if path else ""


def place(text: str, port: int) -> tuple[str, int]:
    host, _, given = text.rpartition(":") if ":" in text else (text, "", str(port))
    return host, int(given)


# --- dependencies -----------------------------------------------------------------------------------------------------


class Redis:
    """Redis, over a fresh connection each time: none can be stale."""

    name = "redis"

    def __init__(self) -> None:
        self.place = place(ENV["FERRY_REDIS"], 6379)
        self.optional = ENV.get("FERRY_REDIS_OPTIONAL", "") in ("1", "true")
        self.held: socket.socket | None = None
        self.lock = threading.Lock()
        if WRONG & {"needs-help", "canary-broken-while-ready"}:
            with contextlib.suppress(OSError):
                self.held = self.connect(TIMEOUT)

    def connect(self, timeout: float | None) -> socket.socket:
        line = socket.create_connection(self.place, timeout)
        if password := secret("FERRY_REDIS_PASSWORD_FILE"):
            self.say(line, ("AUTH", password))
        return line

    @staticmethod
    def say(line: socket.socket, words: tuple[str, ...]) -> str | None:
        frame = [f"*{len(words)}\r\n".encode()]
        frame += [b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words]
        line.sendall(b"".join(frame))
        reader = line.makefile("rb")
        first = reader.readline()
        if not first.endswith(b"\r\n") or first[:1] == b"-":
            raise OSError("redis said no" if first else "redis closed the connection")
        if first[:1] != b"$":
            return first[1:-2].decode()
        size = int(first[1:-2])
        return None if size < 0 else reader.read(size + 2)[:-2].decode()

    def ask(self, *words: str, timeout: float | None = TIMEOUT) -> str | None:
        if self.held is not None or "needs-help" in WRONG:
            return self.ask_held(words)

        def once() -> str | None:
            with contextlib.closing(self.connect(timeout)) as line:
                return self.say(line, words)

        if timeout is None:
            try:
                return once()
            except OSError as why:
                raise Down(str(why)) from why
        answer: str | None = bounded(timeout, once)
        return answer

    def ask_held(self, words: tuple[str, ...]) -> str | None:
        with self.lock:
            if self.held is None or self.held.fileno() < 0:
                raise Down("the connection is gone")
            try:
                self.held.settimeout(TIMEOUT)
                return self.say(self.held, words)
            except OSError as why:
                self.held.close()
                raise Down("the connection is lost") from why

    def check(self, timeout: float | None = TIMEOUT) -> None:
        if "canary-broken-while-ready" in WRONG:
            with contextlib.closing(bounded(TIMEOUT, lambda: self.connect(TIMEOUT))):
                return
        self.ask("PING", timeout=timeout)


class Breaker:
    """Opens after failures in a row, lets one call try after a while, closes when that works."""

    def __init__(self) -> None:
        factor = 4 if "readiness-late" in WRONG else 1
        self.most = int(number("BREAKER_FAILURES", 3)) * factor
        self.open_for = number("BREAKER_OPEN", 2)
        self.failures = 0
        self.opened = 0.0
        self.trying = False
        self.lock = threading.Lock()

    @property
    def open(self) -> bool:
        return self.failures >= self.most

    @property
    def refuses(self) -> bool:
        return self.open and time.monotonic() - self.opened < self.open_for

    def call(self, function: Callable[[], Any]) -> Any:
        if "no-breaker" in WRONG:
            return function()
        with self.lock:
            if self.open:
                waited = time.monotonic() - self.opened
                trying = self.trying and "breaker-floods" not in WRONG
                if trying or waited < self.open_for or "breaker-never-closes" in WRONG:
                    raise Down("the breaker is open")
                self.trying = True
        try:
            value = function()
        except Down:
            with self.lock:
                self.failures += 1
                self.trying = False
                if self.open:
                    self.opened = time.monotonic()
            raise
        with self.lock:
            if "breaker-sticks" in WRONG and self.open:
                self.opened, self.trying = time.monotonic(), False
                return value
            self.failures, self.trying = 0, False
        return value


class Postgres:
    """PostgreSQL: keeps notes and work; a few connections that are made anew when broken, and every call in bounded time."""

    name = "postgres"
    optional = False
    TABLES = (
        "CREATE TABLE IF NOT EXISTS notes (id text PRIMARY KEY, text text NOT NULL)",
        "CREATE TABLE IF NOT EXISTS work (id text PRIMARY KEY, body text NOT NULL, made timestamptz DEFAULT now(),"
        " taken timestamptz, done boolean DEFAULT false)",
    )

    def __init__(self) -> None:
        import psycopg2  # not on every machine

        self.driver = psycopg2
        self.place = place(ENV["FERRY_POSTGRES"], 5432)
        self.made = False
        self.room = threading.BoundedSemaphore(6)
        self.idle: list[Any] = []

    def connect(self) -> Any:
        # libpq takes no time-out below two seconds: whether it is awake is asked first, by an SSLRequest.
        with socket.create_connection(self.place, TIMEOUT) as line:
            line.settimeout(TIMEOUT)
            line.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
            if not line.recv(1):
                raise OSError("closed")
        return self.driver.connect(
            host=self.place[0], port=self.place[1], user=ENV.get("FERRY_POSTGRES_USER", "ferry"),
            dbname=ENV.get("FERRY_POSTGRES_DATABASE", "ferry"), connect_timeout=2,
            password=secret("FERRY_POSTGRES_PASSWORD_FILE") or None, options="-c statement_timeout=2000",
        )  # fmt: skip

    def run(self, statement: str, *values: Any, timeout: float = 4 * TIMEOUT) -> list[Any]:
        def once() -> list[Any]:
            # A few at a time: while it hangs callers must not queue up before it, and all come at once when it is back.
            if not self.room.acquire(timeout=timeout):
                raise OSError("no connection is free")
            try:
                return self.with_link(statement, values)
            finally:
                self.room.release()

        rows: list[Any] = bounded(timeout, once)
        return rows

    def with_link(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        try:
            link, fresh = self.idle.pop(), False
        except IndexError:
            link, fresh = self.connect(), True
        try:
            rows = self.on(link, statement, values)
        except (self.driver.OperationalError, self.driver.InterfaceError):
            link.close()
            if fresh:
                raise
            while self.idle:  # they are as old
                self.idle.pop().close()
            link = self.connect()
            rows = self.on(link, statement, values)
        self.idle.append(link)
        return rows

    def on(self, link: Any, statement: str, values: tuple[Any, ...]) -> list[Any]:
        with link, link.cursor() as cursor:  # one transaction
            if not self.made:
                cursor.execute("SELECT pg_advisory_xact_lock(7)")  # two replicas may start at once
                for table in self.TABLES:
                    cursor.execute(table)
            cursor.execute(statement, values)
            rows = list(cursor.fetchall()) if cursor.description else []
        self.made = True
        return rows

    def check(self, timeout: float | None = TIMEOUT) -> None:
        self.run("SELECT 1", timeout=60.0 if timeout is None else 2 * timeout)

    def put(self, id: str, text: str) -> None:
        self.run("INSERT INTO notes VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET text = excluded.text", id, text)

    def get(self, id: str) -> str | None:
        rows = self.run("SELECT text FROM notes WHERE id = %s", id)
        return rows[0][0] if rows else None

    def delete(self, id: str) -> None:
        self.run("DELETE FROM notes WHERE id = %s", id)

    def add(self, id: str, body: dict[str, Any]) -> None:
        self.run("INSERT INTO work (id, body) VALUES (%s, %s) ON CONFLICT DO NOTHING", id, json.dumps(body))

    def state(self, id: str) -> str | None:
        rows = self.run("SELECT done FROM work WHERE id = %s", id)
        return ("done" if rows[0][0] else "queued") if rows else None

    def take(self) -> tuple[str, dict[str, Any]] | None:
        # Work that another replica took and never finished is taken again.
        rows = self.run(
            "UPDATE work SET taken = now() WHERE id = (SELECT id FROM work WHERE NOT done"
            " AND (taken IS NULL OR taken < now() - interval '5 seconds') ORDER BY made LIMIT 1 FOR UPDATE SKIP LOCKED)"
            " RETURNING id, body"
        )
        return (rows[0][0], json.loads(rows[0][1])) if rows else None

    def finish(self, id: str) -> None:
        self.run("UPDATE work SET done = true WHERE id = %s", id)


class Memory:
    """Notes and work, as long as the process lives."""

    name = "store"

    def __init__(self) -> None:
        self.notes: dict[str, str] = {}
        self.work: dict[str, dict[str, Any] | None] = {}
        """By id, what is to be done; None once it is done."""
        self.taken: set[str] = set()
        self.lock = threading.RLock()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        with self.lock:
            yield

    def keep(self, *entry: Any) -> None:
        with self.held():
            self.apply(list(entry))

    def apply(self, entry: list[Any]) -> None:
        what, id, *rest = entry
        if what == "note":
            self.notes[id] = rest[0]
        elif what == "gone":
            self.notes.pop(id, None)
        elif what == "work":
            self.work.setdefault(id, rest[0])
        elif what == "done":
            self.work[id] = None

    def put(self, id: str, text: str) -> None:
        self.keep("note", id, text)

    def get(self, id: str) -> str | None:
        with self.held():
            return self.notes.get(id)

    def delete(self, id: str) -> None:
        self.keep("gone", id)

    def add(self, id: str, body: dict[str, Any]) -> None:
        self.keep("work", id, body)

    def state(self, id: str) -> str | None:
        with self.held():
            return None if id not in self.work else "queued" if self.work[id] is not None else "done"

    def take(self) -> tuple[str, dict[str, Any]] | None:
        with self.held():
            for id, body in self.work.items():
                if body is not None and id not in self.taken:
                    self.taken.add(id)
                    return id, body
        return None

    def finish(self, id: str) -> None:
        self.keep("done", id)


class File(Memory):
    """Notes and work in one file that only grows, each entry on the disk before it is answered.

    Several processes may share it: whoever looks reads first what others wrote.
    """

    def __init__(self, folder: str) -> None:
        super().__init__()
        path = Path(folder) / "ferry.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = path.open("a+b", buffering=0)
        self.read = 0
        self.late: list[tuple[Any, ...]] = []

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        with self.lock:
            fcntl.flock(self.file, fcntl.LOCK_EX)
            try:
                self.file.seek(self.read)
                for line in self.file.readall().splitlines(keepends=True):
                    if not line.endswith(b"\n"):
                        break  # half an entry, of somebody who was killed
                    self.read += len(line)
                    with contextlib.suppress(ValueError):
                        self.apply(json.loads(line))
                yield
            finally:
                fcntl.flock(self.file, fcntl.LOCK_UN)

    def keep(self, *entry: Any) -> None:
        if "written-late" in WRONG and entry not in self.late:
            self.late.append(entry)
            self.apply(list(entry))
            late = threading.Timer(2.0, self.keep, entry)
            late.daemon = True
            late.start()
            return
        with self.held():
            if "removals-forgotten" in WRONG and entry[0] == "gone":
                self.apply(list(entry))
                return
            self.file.truncate(self.read)  # that half, if there is one
            line = json.dumps(entry).encode() + b"\n"
            self.file.write(line)
            os.fsync(self.file.fileno())
            self.read += len(line)
            self.apply(list(entry))
            if entry in self.late:
                self.late.remove(entry)


def keeper() -> Any:
    if "forgetful" in WRONG:
        return Memory()
    if ENV.get("FERRY_POSTGRES") and "misplaced" not in WRONG:
        return Postgres()
    return File("/tmp/ferry" if "misplaced" in WRONG else ENV.get("FERRY_DATA") or "/tmp/ferry")


# --- the service ------------------------------------------------------------------------------------------------------


def answers(dependency: Any, timeout: float | None) -> bool:
    """Whether a dependency does what it is asked to."""
    try:
        dependency.check(timeout)
    except Exception:  # noqa: BLE001 - whatever it is, it is down
        return False
    return True


class Look:
    """A look at one dependency that everybody shares who asks at the same time, and shortly after."""

    FRESH = 0.15

    def __init__(self, dependency: Any) -> None:
        self.dependency = dependency
        self.lock = threading.Lock()
        self.done = threading.Event()
        self.done.set()
        self.ended = 0.0
        self.result = False

    def ask(self, timeout: float) -> Look:
        with self.lock:
            if self.done.is_set() and time.monotonic() - self.ended > self.FRESH:
                self.done.clear()
                threading.Thread(target=self.run, args=(timeout,), daemon=True).start()
        return self

    def run(self, timeout: float) -> None:
        result = answers(self.dependency, timeout)
        with self.lock:
            self.result, self.ended = result, time.monotonic()
            self.done.set()

    def well(self, timeout: float) -> bool:
        return self.done.wait(2 * timeout) and self.result


class Ferry:
    """What the service is, beside HTTP."""

    def __init__(self) -> None:
        self.store = keeper()
        self.queue: Any = Memory() if "work-lost" in WRONG else self.store
        self.redis = Redis() if ENV.get("FERRY_REDIS") else None
        self.breaker = Breaker()
        self.dependencies: list[Any] = [
            one for one in (self.redis, self.store if isinstance(self.store, Postgres) else None) if one
        ]
        if "forgetful" in WRONG and ENV.get("FERRY_POSTGRES"):
            self.dependencies.append(Postgres())
        self.looks = {one.name: Look(one) for one in self.dependencies}
        self.crashed = bool(WRONG & {"stale-lock", "ends-again"}) and LOCK.exists()
        self.start_until = STARTED + number("START", 0)
        if "stale-lock" in WRONG and self.crashed:
            self.start_until += number("STALE", 6)
        self.stopping = threading.Event()
        self.ended = threading.Event()
        self.asked, self.shed = 0, False
        self.room = threading.BoundedSemaphore(int(number("CONCURRENT", 16)))
        self.inside = 0
        self.changed = threading.Condition()
        self.calls: collections.deque[float] = collections.deque()
        self.rate_lock = threading.Lock()
        self.one_by_one = threading.Lock()
        self.sulks = self.gave_up = False
        self.keys = {self.key()}
        self.gate = threading.Lock()
        self.first = True

    @property
    def started(self) -> bool:
        return time.monotonic() >= self.start_until

    def key(self) -> str:
        return secret("FERRY_KEY_FILE")

    def down(self, *, optional: bool, timeout: float | None = TIMEOUT) -> dict[str, bool]:
        """By dependency whether it is down; all are asked at the same time."""
        asked = [one for one in self.dependencies if optional or not one.optional]
        if timeout is None:
            return {one.name: not answers(one, None) for one in asked}
        looks = {one.name: self.looks[one.name].ask(timeout) for one in asked}
        return {name: not look.well(timeout) for name, look in looks.items()}

    def ready(self) -> tuple[bool, dict[str, Any]]:
        if self.stopping.is_set() and not WRONG & {"no-drain", "stays-ready"}:
            return False, {"status": "stopping", "components": {}}
        if not self.started and "start-unsaid" not in WRONG:
            return False, {"status": "starting", "components": {}}
        if self.sulks or self.gave_up:
            return False, {"status": "sulking", "components": {}}
        if "readiness-blind" in WRONG:
            return True, {"status": "ready", "components": {}}
        if "readiness-late" in WRONG:
            down = {"redis": self.breaker.open}
        else:
            timeout = None if "readiness-hangs" in WRONG else TIMEOUT
            down = self.down(optional="optional-required" in WRONG, timeout=timeout)
            if self.redis and not self.redis.optional and self.breaker.refuses:
                down["redis"] = True  # it may be back, but no call gets there yet
        if "overload-lasting" in WRONG and self.shed:
            down["calls"] = True
        self.asked += 1
        well = not any(down.values()) or ("readiness-flaps" in WRONG and not self.asked % 3)
        parts = {name: "down" if ill else "up" for name, ill in down.items()}
        return well, {"status": "ready" if well else "not ready", "components": parts}

    def health(self) -> tuple[bool, dict[str, Any]]:
        down = self.down(optional=True)
        optional = {one.name: one.optional for one in self.dependencies}
        status = "ok"
        if any(down.values()):
            status = "degraded" if all(optional[name] for name, ill in down.items() if ill) else "failing"
        parts: dict[str, Any] = {
            name: {"status": "down" if ill else "up", "optional": optional[name]} for name, ill in down.items()
        }
        if "health-silent" in WRONG:
            parts = {}
        if not parts or not isinstance(self.store, Postgres):
            parts["store"] = {"status": "up", "optional": False}
        if "health-lies" in WRONG:
            status = "ok"
        up = round(time.monotonic() - STARTED, 1)
        body = {"status": status, "version": VERSION, "components": parts, "uptime_seconds": up}
        return status != "failing", body

    def through_redis(self, *words: str) -> str | None:
        """Ask Redis as every call does: with a time-out, a few attempts and the breaker."""
        redis = self.redis
        if redis is None:
            raise Down("no redis")
        tries = 30 if "retry-storm" in WRONG else 1 + int(number("RETRIES", 2))

        def attempts() -> str | None:
            if "piles-up" not in WRONG:
                return tried()
            with self.one_by_one:
                return tried()

        def tried() -> str | None:
            for left in reversed(range(tries)):
                try:
                    return redis.ask(*words, timeout=None if "no-timeout" in WRONG else TIMEOUT)
                except Down:
                    if not left:
                        raise
                    if "retry-storm" not in WRONG:
                        time.sleep(0.05)
            raise Down("no attempt")

        answer: str | None = self.breaker.call(attempts)
        return answer

    def rate(self) -> float:
        """Seconds to wait before the next call of what is rate limited; 0 when this one may be made."""
        per, now = number("RATE_PER", 2), time.monotonic()
        with self.rate_lock:
            while self.calls and self.calls[0] <= now - per:
                self.calls.popleft()
            if len(self.calls) >= int(number("RATE", 5)) and "rate-not-enforced" not in WRONG:
                return self.calls[0] + per - now
            self.calls.append(now)
            return 0.0

    def work(self) -> None:
        """Do what is queued, one after the other, until it is time to stop."""
        while not self.ended.is_set():
            try:
                job = self.queue.take() if self.started else None
                if job is not None:
                    id, body = job
                    time.sleep(min(float(body.get("seconds") or number("WORK_SECONDS", 0.2)), 5.0))
                    self.queue.finish(id)
                    continue
            except (Down, ValueError, TypeError):
                pass
            self.ended.wait(0.1)


class Handler(BaseHTTPRequestHandler):
    server_version = "ferry"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 15
    ferry: Ferry

    def answer(self, status: int, body: Any = None, **headers: str) -> None:
        data = b"" if body is None else (json.dumps(body) + "\n").encode()
        self.send_response(status)
        if body is not None:
            self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        if self.command != "HEAD":
            self.wfile.write(data)

    def later(self, seconds: float = 1.0, status: int = 503) -> None:
        given = {} if "no-retry-after" in WRONG else {"Retry_After": str(max(1, math.ceil(seconds)))}
        if given and status == 429 and "retry-after-lies" in WRONG:
            given = {"Retry_After": "0"}
        self.answer(status, {"error": "try again later"}, **given)

    def body(self) -> dict[str, Any] | None:
        """The JSON object that was sent; None when that was answered already."""
        size = self.headers.get("Content-Length", "")
        if not size.isdigit():
            self.answer(411, {"error": "say how long the body is"})
            return None
        if int(size) > number("BODY", 16384) and "limit-not-enforced" not in WRONG:
            for _ in range(min(int(size), 1 << 22) // 65536 + 1):  # whoever still writes would not read the answer
                if not self.rfile.read(min(65536, int(size))):
                    break
                size = str(max(0, int(size) - 65536))
            return self.above(413, "the body is too large")
        try:
            found = json.loads(self.rfile.read(int(size)))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            self.answer(400, {"error": "send a JSON object"})
            return None
        return found

    def above(self, status: int, why: str) -> None:
        """Refuse what is above a limit."""
        self.ferry.sulks = "limit-sulks" in WRONG
        if "limit-fatal" in WRONG:
            os._exit(3)
        self.answer(500 if "limit-kills" in WRONG else status, {"error": why})

    def handle_one(self) -> None:
        ferry = self.ferry
        if "slow-first-call" in WRONG:
            with ferry.gate:
                pass
        path = unquote(urlsplit(self.path).path)
        if path == "/health/live":
            ill = "liveness-deep" in WRONG and any(ferry.down(optional=True).values())
            self.answer(503 if ill else 200, {"status": "ill" if ill else "alive"})
        elif path == "/health/started":
            self.answer(200 if ferry.started else 503, {"status": "started" if ferry.started else "starting"})
        elif path == "/health/ready":
            well, body = ferry.ready()
            self.answer(200 if well else 503, body)
        elif path == "/health":
            well, body = ferry.health()
            self.answer(200 if well else 503, body)
        elif "stays-ready" in WRONG and ferry.stopping.is_set():
            self.later()
        elif not ferry.started or not ferry.room.acquire(blocking=False):
            ferry.shed = ferry.started
            if "overload-fatal" in WRONG and ferry.shed:
                os._exit(4)
            self.later()
        else:
            try:
                self.call(path)
            except Down:
                self.later(ferry.breaker.open_for)
            finally:
                ferry.room.release()

    def call(self, path: str) -> None:
        kind, _, id = path.strip("/").partition("/")
        function = getattr(self, f"{self.command.lower()}_{kind}", None)
        if function is None:
            self.answer(404, {"error": "no such call"})
        else:
            function(id)

    def post_notes(self, id: str) -> None:
        ferry, body = self.ferry, self.body()
        if body is None:
            return
        id, text = id or body.get("id", ""), body.get("text")
        if not isinstance(id, str) or not 0 < len(id) <= 200 or not isinstance(text, str):
            self.answer(400, {"error": 'send {"id": "...", "text": "..."}'})
            return
        if len(text) > number("FIELD", 1000) and "limit-not-enforced" not in WRONG:
            self.above(422, "the text is too long")
            return
        if ferry.redis is not None:
            try:
                ferry.through_redis("SET", "ferry:last", id)
            except Down:
                if not ferry.redis.optional:
                    raise
        ferry.store.put(id, text)
        self.answer(201, {"id": id, "text": text})

    put_notes = post_notes

    def get_notes(self, id: str) -> None:
        text = self.ferry.store.get(id)
        self.answer(
            404 if text is None else 200, {"error": "no such note"} if text is None else {"id": id, "text": text}
        )

    def delete_notes(self, id: str) -> None:
        self.ferry.store.delete(id)
        self.answer(204)

    def post_work(self, _: str) -> None:
        body = self.body()
        if body is None:
            return
        id = body.get("id")
        if not isinstance(id, str) or not id:
            self.answer(400, {"error": 'send {"id": "..."}'})
            return
        self.ferry.queue.add(id, body)
        self.answer(202, {"id": id, "state": "queued"})

    def get_work(self, id: str) -> None:
        state = self.ferry.queue.state(id)
        self.answer(200 if state else 404, {"id": id, "state": state} if state else {"error": "no such work"})

    def get_slow(self, _: str) -> None:
        try:
            seconds = float(parse_qs(urlsplit(self.path).query).get("seconds", ["1"])[0])
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds <= number("SLOWEST", 5):
            self.answer(422, {"error": "seconds"})
            return
        first, self.ferry.first = self.ferry.first, False
        with self.ferry.gate if first and "slow-first-call" in WRONG else contextlib.nullcontext():
            time.sleep(seconds)
        self.answer(200, {"seconds": seconds})

    def get_cached(self, key: str) -> None:
        value = self.ferry.through_redis("GET", f"ferry:{key}")
        if value is None:
            value = f"value of {key}"
            self.ferry.through_redis("SET", f"ferry:{key}", value, "EX", "60")
        self.answer(200, {"key": key, "value": value})

    def post_search(self, _: str) -> None:
        body = self.body()
        if body is None:
            return
        top = body.get("top_k", 10)
        if not isinstance(body.get("q"), str) or not isinstance(top, int) or top < 1:
            self.answer(400, {"error": 'send {"q": "...", "top_k": 10}'})
        elif top > number("TOP", 100) and "limit-not-enforced" not in WRONG:
            self.above(422, "top_k is too large")
        else:
            self.answer(200, {"hits": []})

    def get_report(self, _: str) -> None:
        wait = self.ferry.rate()
        if wait:
            self.later(wait, 429)
        else:
            self.answer(200, {"report": "all well"})

    def get_admin(self, _: str) -> None:
        ferry = self.ferry
        keys = ferry.keys if "key-kept" in WRONG else {ferry.key()}
        if "first-key-works" in WRONG:
            keys = keys | ferry.keys
        if "old-key-works" in WRONG:
            ferry.keys |= keys
            keys = ferry.keys
        given = self.headers.get("X-Key", "")
        self.answer(200 if given and given in keys else 401, {"role": "admin"} if given in keys else {"error": "no"})

    def respond(self) -> None:
        with self.ferry.changed:
            self.ferry.inside += 1
        try:
            self.handle_one()
        except OSError:
            self.close_connection = True  # whoever asked has gone
        finally:
            with self.ferry.changed:
                self.ferry.inside -= 1
                self.ferry.changed.notify_all()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = respond

    def log_message(self, format: str, *args: Any) -> None:
        pass


class OneByOne(HTTPServer):
    request_queue_size = 256
    allow_reuse_port = True  # the next version starts beside this one

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer would ask a name server for our name


class Server(ThreadingMixIn, OneByOne):
    daemon_threads = True


def say(message: str) -> None:
    print(json.dumps({"level": "info", "version": VERSION, "message": message}), flush=True)


def watch_out(ferry: Ferry) -> None:
    """What wrong programs do behind one's back."""
    if "starts-once" in WRONG and any(ferry.down(optional=False).values()):
        say("a dependency is not there")
        os._exit(1)
    if "gives-up" in WRONG:
        ferry.gave_up = any(ferry.down(optional=False).values())
    if WRONG & {"stale-lock", "ends-again"}:
        LOCK.touch()
    if "ends-again" in WRONG and ferry.crashed:
        time.sleep(1)
        LOCK.unlink()
        os._exit(1)
    while WRONG & {"crash-on-outage", "restart-loop"}:
        time.sleep(0.2)
        lost = "crash-on-outage" in WRONG and ferry.started and any(ferry.down(optional=True).values())
        if lost or ("restart-loop" in WRONG and time.monotonic() - STARTED > 3):
            say("gives up")
            os._exit(1)


def serve() -> int:
    ferry = Handler.ferry = Ferry()
    told = threading.Event()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if "ignores-sigterm" in WRONG:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: told.set())
    if "start-deaf" in WRONG:
        time.sleep(max(0.0, ferry.start_until - time.monotonic()))
    threading.Thread(target=watch_out, args=(ferry,), daemon=True).start()
    address = (ENV.get("FERRY_HOST", "127.0.0.1"), int(number("PORT", 8000)))
    server = (OneByOne if "liveness-overloaded" in WRONG else Server)(address, Handler)
    listening = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    listening.start()
    worker = threading.Thread(target=ferry.work, daemon=True)
    worker.start()
    say("serves")
    while not told.wait(0.2):  # a signal may be given to another thread, which does not wake this one
        pass
    end = time.monotonic() + number("GRACE", 8)
    ferry.stopping.set()
    say("stops")
    if "no-drain" not in WRONG:
        time.sleep(number("DRAIN", 1))
    server.shutdown()
    server.server_close()
    if "drops-in-flight" not in WRONG:
        with ferry.changed:
            ferry.changed.wait_for(lambda: not ferry.inside, max(0.0, end - time.monotonic()))
        ferry.ended.set()
        worker.join(max(0.0, end - time.monotonic()))
    for entry in list(getattr(ferry.store, "late", ())):
        ferry.store.keep(*entry)
    with contextlib.suppress(OSError):  # it may lie where nothing can be written
        LOCK.unlink()
    say("ended")
    # Threads that wait for a dependency must not keep it.
    os._exit(1 if "exits-wrong" in WRONG else 0)


def check() -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{int(number('PORT', 8000))}/health/ready", timeout=2) as answer:
            return 0 if answer.status == 200 else 1
    except (OSError, urllib.error.URLError):
        return 1


if __name__ == "__main__":
    sys.exit(check() if sys.argv[1:] == ["check"] else serve())
