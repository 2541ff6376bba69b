"""Each defect of the demo deployment really shows, seen by plain HTTP and /proc; without it, it does not."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import seatrial
from seatrial.demo import VERSION, procfs, redis_server
from seatrial.demo.defects import DEFECTS
from seatrial.demo.launch import Launched
from seatrial.demo.resp import Connection, RedisError

pytestmark = pytest.mark.integration
LIMIT = 1_000_000


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if redis_server.find() is None:
        required = "redis" in os.environ.get("SEATRIAL_REQUIRE", "").split(",")
        (pytest.fail if required else pytest.skip)(redis_server.MISSING)
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@dataclass
class Answer:
    status: int
    content_type: str
    location: str
    body: bytes
    took: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Stack:
    names: dict[str, str]

    def get(self, path: str, timeout: float = 3.0) -> Answer:
        """One GET, bounded; redirects are not followed. Status 0 when nothing answers."""
        host, _, port = self.names["DEMO_API_ADDRESS"].partition(":")
        began = time.monotonic()
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=timeout)) as connection:
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                body = answer.read(LIMIT)
            except (OSError, http.client.HTTPException):
                return Answer(0, "", "", b"", time.monotonic() - began)
        kind, location = answer.headers.get_content_type(), answer.headers.get("location", "")
        return Answer(answer.status, kind, location, body, time.monotonic() - began)

    def pid(self, part: str) -> int:
        """Of the process that was started last."""
        return int(Path(self.names[f"DEMO_{part}_PIDFILE"]).read_text())

    def call(self, method: str, path: str, body: Any = None) -> int:
        """One call; its status."""
        host, _, port = self.names["DEMO_API_ADDRESS"].partition(":")
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=3)) as connection:
            connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
            return connection.getresponse().status

    def end(self, number: signal.Signals, within: float = 1.0) -> bool:
        """Signal the service; whether it ended in time. If so, its successor is waited for."""
        pid = self.pid("API")
        known = procfs.start_time(pid)
        os.kill(pid, number)
        end = time.monotonic() + within
        while known and procfs.alive(pid, known):
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        end = time.monotonic() + 5
        while self.get("/health/ready").status != 200 and time.monotonic() < end:
            time.sleep(0.02)
        return True

    def pause_redis(self) -> None:
        os.kill(self.pid("REDIS"), signal.SIGSTOP)

    def resume_redis(self) -> None:
        os.kill(self.pid("REDIS"), signal.SIGCONT)

    def listening(self, part: str) -> dict[str, str]:
        """Local address by inode, of what a process of the stack listens on."""
        held = procfs.sockets(self.pid(part))
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return {row[9]: row[1] for row in rows if row[3] == "0A" and row[9] in held}

    def redis(self, password: str = "") -> str:
        """What Redis says to PING."""
        try:
            with Connection("127.0.0.1", int(self.names["DEMO_REDIS_PORT"]), password, timeout=1) as connection:
                return str(connection.call("PING"))
        except (OSError, RedisError) as error:
            return f"error: {error}"


def readiness_blind(stack: Stack) -> bool:
    stack.pause_redis()
    seen = stack.get("/health/ready").status
    stack.resume_redis()
    return seen == 200


def liveness_deep(stack: Stack) -> bool:
    stack.pause_redis()
    seen = stack.get("/health/live").status
    stack.resume_redis()
    return seen == 503


def health_incomplete(stack: Stack) -> bool:
    schema = json.loads((seatrial.data("profiles") / "demo" / "health.schema.json").read_text())
    return not jsonschema.Draft202012Validator(schema).is_valid(stack.get("/health").json)


def some_component_down(stack: Stack) -> bool:
    return any(c["status"] == "down" for c in stack.get("/health").json["components"].values())


def status_lies(stack: Stack) -> bool:
    seen = stack.get("/health")
    return seen.status == 200 and seen.json["status"] == "ok" and some_component_down(stack)


def degraded_200(stack: Stack) -> bool:
    seen = stack.get("/health")
    return seen.status == 200 and seen.json["status"] == "degraded" and some_component_down(stack)


def calls_counted(stack: Stack) -> float:
    """How much the counter of requests grows over one of them."""
    series = b'demo_http_requests_total{method="GET",route="/notes/{id}",status="200"} '
    values = [0.0]
    for _ in range(2):
        stack.get("/notes/welcome")
        (line,) = (line for line in stack.get("/metrics").body.splitlines() if line.startswith(series))
        values.append(float(line.removeprefix(series)))
    return values[-1] - values[-2]


def after_a_call(stack: Stack) -> bytes:
    """The exposition, once there is a duration in it."""
    stack.get("/notes/welcome")
    return stack.get("/metrics").body


def api_on_all_interfaces(stack: Stack) -> bool:
    return any(address.startswith("00000000:") for address in stack.listening("API").values())


def redis_on_all_interfaces(stack: Stack) -> bool:
    return any(address.startswith("00000000:") for address in stack.listening("REDIS").values())


def debug_port(stack: Stack) -> bool:
    known = int(stack.names["DEMO_API_PORT"])
    others = {int(address.rpartition(":")[2], 16) for address in stack.listening("API").values()} - {known}
    for port in others:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as stranger:
            stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return b"asyncio" in stranger.recv(65536)
    return False


def forgetful(stack: Stack) -> bool:
    assert stack.call("POST", "/notes", {"id": "n", "text": "x"}) in (200, 201)
    assert stack.get("/notes/n").json["text"] == "x"
    stack.end(signal.SIGKILL)
    return stack.get("/notes/n").status == 404


def undead_notes(stack: Stack) -> bool:
    stack.call("POST", "/notes", {"id": "old", "text": "x"})
    assert stack.call("DELETE", "/notes/old") == 200
    assert stack.get("/notes/old").status == 404
    stack.end(signal.SIGTERM)
    return stack.get("/notes/old").status == 200


def readiness_patient(stack: Stack) -> bool:
    stack.pause_redis()
    seen = stack.get("/health/ready", timeout=3).status
    stack.resume_redis()
    return seen == 0


def never_mends(stack: Stack) -> bool:
    readiness_blind(stack)
    time.sleep(0.6)
    return stack.get("/health/ready").status == 503


def health_remembers(stack: Stack) -> bool:
    stack.get("/health")
    stack.pause_redis()
    seen = stack.get("/health").status
    stack.resume_redis()
    return seen == 200


def gives_up(stack: Stack) -> bool:
    pid = stack.pid("API")
    stack.get("/health/ready")
    stack.pause_redis()
    stack.get("/health/ready")
    time.sleep(0.2)
    gone = procfs.start_time(pid) is None
    stack.resume_redis()
    return gone


def limit_forgotten(stack: Stack) -> bool:
    return stack.call("POST", "/notes", {"id": "n", "text": "x" * 10_001}) == 201


def hangs_or_refuses(stack: Stack) -> str:
    return stack.redis(stack.names["DEMO_REDIS_PASSWORD"])


def backups(stack: Stack) -> list[Path]:
    """Those that lie there, the newest last."""
    return sorted(Path(stack.names["DEMO_BACKUP_DIR"]).glob("notes-*.tar.gz"))


def digest_fits(stack: Stack) -> bool:
    newest = backups(stack)[-1]
    told = newest.with_name(f"{newest.name}.sha256").read_text().split()[0]
    return told == hashlib.sha256(newest.read_bytes()).hexdigest()


def cut_short(stack: Stack) -> bool:
    try:
        gzip.decompress(backups(stack)[-1].read_bytes())
    except EOFError:
        return digest_fits(stack)
    return False


def saved(stack: Stack) -> int:
    """How many notes a backup that is made now says that it holds."""
    environ = os.environ | {"DEMO_DATA_DIR": stack.names["DEMO_DATA_DIR"], "BACKUP_DIR": stack.names["DEMO_BACKUP_DIR"]}
    command = [sys.executable, "-P", "-m", "seatrial.demo", "backup"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=True)
    return int(done.stdout.split(": ")[1].split()[0])


def forgets_the_latest(stack: Stack) -> bool:
    before = saved(stack)
    assert stack.call("POST", "/notes", {"id": "latest", "text": "x"}) in (200, 201)
    return saved(stack) == before


def skips_long_notes(stack: Stack) -> bool:
    before = saved(stack)
    assert stack.call("POST", "/notes", {"id": "long", "text": "x" * 300}) in (200, 201)
    return saved(stack) == before


def copy_left(stack: Stack) -> bool:
    saved(stack)
    return any(Path(stack.names["DEMO_BACKUP_DIR"]).glob("copy-*.db"))


def many(stack: Stack, count: int = 60, path: str = "/notes/welcome") -> list[int]:
    """Reads of a note, sixteen at a time; the statuses of their answers."""
    with ThreadPoolExecutor(16) as pool:
        return [answer.status for answer in pool.map(lambda _: stack.get(path, timeout=8), range(count))]


def writes(stack: Stack, count: int) -> set[int]:
    """Statuses of as many notes, each read once it was written."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: stack.call("POST", "/notes", {"id": f"n{n}", "text": "x"}), range(count)))
    return {stack.get(f"/notes/n{n}").status for n in range(count)}


def memory(stack: Stack) -> int:
    """Resident, in bytes."""
    return int(Path(f"/proc/{stack.pid('API')}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def grows(stack: Stack, more: Callable[[Stack], object], by: int) -> bool:
    before = memory(stack)
    more(stack)
    return memory(stack) - before > by


def slowest_of_many(stack: Stack, count: int) -> float:
    """Seconds of the slowest of some reads that come together."""
    with ThreadPoolExecutor(16) as pool:
        return max(answer.took for answer in pool.map(lambda _: stack.get("/notes/welcome", 8), range(count)))


def queued(stack: Stack) -> bool:
    """Whether no second sees more than 55 reads, in the fastest of three."""
    took = []
    for _ in range(3):
        began = time.monotonic()
        many(stack, 56)
        took.append(time.monotonic() - began)
    return min(took) > 0.95


def started_afresh(stack: Stack) -> bool:
    pid = stack.pid("API")
    many(stack, 520)
    end = time.monotonic() + 2
    while stack.pid("API") == pid and time.monotonic() < end:
        time.sleep(0.05)
    return stack.pid("API") != pid


def probe_under_load(stack: Stack, path: str) -> bool:
    many(stack)
    return stack.get(path).status == 503


EFFECTS: dict[str, Callable[[Stack], bool]] = {
    "slow-under-load": lambda stack: slowest_of_many(stack, 60) > 2.5,
    "queue-without-end": queued,
    "errors-under-load": lambda stack: {200, 503} == set(many(stack, 200)),
    "stands-still": lambda stack: slowest_of_many(stack, 400) > 2,
    "keeps-what-was-read": lambda stack: grows(stack, lambda one: many(one, 200), 20 << 20),
    "keeps-what-was-written": lambda stack: grows(stack, lambda one: writes(one, 30), 20 << 20),
    "liveness-in-the-queue": lambda stack: probe_under_load(stack, "/health/live"),
    "unready-when-busy": lambda stack: probe_under_load(stack, "/health/ready"),
    "starts-afresh": started_afresh,
    "loses-writes-under-load": lambda stack: 404 in writes(stack, 60),
    "readiness-patient": readiness_patient,
    "readiness-late": readiness_blind,
    "never-mends": never_mends,
    "health-remembers": health_remembers,
    "gives-up": gives_up,
    "writes-behind": forgetful,
    "undead-notes": undead_notes,
    "deaf": lambda stack: not stack.end(signal.SIGTERM),
    "limit-forgotten": limit_forgotten,
    "guessing-allowed": lambda stack: {stack.get("/admin/stats").status for _ in range(12)} == {401},
    "readiness-blind": readiness_blind,
    "liveness-deep": liveness_deep,
    "liveness-500": lambda stack: stack.get("/health/live").status == 500,
    "liveness-reworded": lambda stack: stack.get("/health/live").json == {"status": "up"},
    "liveness-hangs": lambda stack: stack.get("/health/live", timeout=2).status == 0,
    "health-slow": lambda stack: stack.get("/health").took > 1 and stack.get("/health/live").took < 1,
    "health-as-text": lambda stack: stack.get("/health").content_type == "text/html",
    "health-incomplete": health_incomplete,
    "old-release": lambda stack: stack.get("/health").json["version"] not in ("", VERSION),
    "status-lies": status_lies,
    "degraded-200": degraded_200,
    "readiness-flaps": lambda stack: {stack.get("/health/ready").status for _ in range(4)} == {200, 503},
    "catch-all": lambda stack: stack.get("/no/such/path").status == 200,
    "redirect-off-host": lambda stack: stack.get("/health/live").location.startswith("http://sign-on.invalid/"),
    "endless-body": lambda stack: len(stack.get("/health").body) == LIMIT,
    "metrics-gone": lambda stack: stack.get("/metrics").status == 404,
    "metrics-as-html": lambda stack: stack.get("/metrics").content_type == "text/html",
    "counted-twice": lambda stack: calls_counted(stack) == 2,
    "label-renamed": lambda stack: b'code="' in stack.get("/metrics").body,
    "buckets-too-small": lambda stack: b'le="0.25"' not in after_a_call(stack),
    "bounds-renamed": lambda stack: b'upper="0.25"' in after_a_call(stack),
    "notes-in-labels": lambda stack: stack.get("/metrics").body.count(b"demo_note_reads_total{note=") == 50,
    "api-on-all-interfaces": api_on_all_interfaces,
    "redis-on-all-interfaces": redis_on_all_interfaces,
    "debug-port": debug_port,
    "redis-open": lambda stack: stack.redis() == "b'PONG'",
    "admin-open": lambda stack: stack.get("/admin/stats").status == 200,
    "redis-stopped": lambda stack: "refused" in hangs_or_refuses(stack) and stack.get("/health/ready").status == 503,
    "redis-hangs": lambda stack: "timed out" in hangs_or_refuses(stack) and stack.get("/health/ready").status == 503,
    "redis-moved": lambda stack: len(stack.listening("REDIS")) == 1 and "refused" in hangs_or_refuses(stack),
    "redis-misdirected": lambda stack: "PONG" in hangs_or_refuses(stack) and stack.get("/health/ready").status == 503,
    "api-killed": lambda stack: procfs.start_time(stack.pid("API")) is None and stack.get("/health/live").status == 0,
    "forgetful": forgetful,
    "backup-readable": lambda stack: bool(backups(stack)[-1].stat().st_mode & stat.S_IROTH),
    "backup-old": lambda stack: time.time() - backups(stack)[-1].stat().st_mtime > 2 * 86400,
    "backup-cut": cut_short,
    "backup-changed": lambda stack: not digest_fits(stack),
    "backups-pile-up": lambda stack: len(backups(stack)) == 12,
    "backup-copies-the-file": forgets_the_latest,
    "backup-skips-long-notes": skips_long_notes,
    "backup-leaves-a-copy": copy_left,
    "env-file-readable": lambda stack: bool(Path(stack.names["DEMO_ENV_FILE"]).stat().st_mode & stat.S_IROTH),
}


def test_each_defect_has_its_effect_here() -> None:
    assert EFFECTS.keys() == DEFECTS.keys()


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_shows(name: str) -> None:
    with Launched(name) as demo:
        assert EFFECTS[name](Stack(demo.names))


def test_nothing_of_it_shows_without_a_defect() -> None:
    with Launched() as demo:
        stack = Stack(demo.names)
        assert [name for name, effect in EFFECTS.items() if effect(stack)] == []


@pytest.mark.parametrize("name", ["redis-stopped", "redis-hangs", "redis-misdirected", "readiness-blind", "redis-open"])
def test_a_defect_elsewhere_leaves_liveness_alone(name: str) -> None:
    with Launched(name) as demo:
        assert Stack(demo.names).get("/health/live").status == 200


def test_a_lost_redis_is_told_in_the_document_within_its_latency_bound() -> None:
    with Launched("redis-hangs") as demo:
        seen = Stack(demo.names).get("/health")
    assert (seen.status, seen.json["status"], seen.json["components"]["cache"]["status"]) == (503, "down", "down")
    assert seen.took < 1
