"""Harbor's notes service: HTTP in front, PostgreSQL for the notes, Redis for the counter. Debian's Python and psycopg2.

`service.py` serves; `service.py migrate` makes the table and exits, which is the one-shot job of the stack.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg2

VERSION = "1.4.2"
STARTED = time.monotonic()
REDIS = os.environ.get("REDIS_HOST", "redis")
POSTGRES = os.environ.get("POSTGRES_HOST", "postgres")
LIMIT = 16 * 1024
"""Largest body that is read."""

_requests: dict[tuple[str, int], int] = {}
_lock = threading.Lock()


def password() -> str:
    with open(os.environ.get("PASSWORD_FILE", "/run/secrets/harbor_password"), encoding="utf-8") as file:
        return file.read().strip()


def redis(*command: str) -> str:
    """Send one command to Redis on a fresh connection and return its one-line answer."""
    with closing(socket.create_connection((REDIS, 6379), timeout=2)) as link:
        link.settimeout(2)
        reader = link.makefile("rb")
        for words in (("AUTH", password()), command):
            frame = f"*{len(words)}\r\n" + "".join(f"${len(w.encode())}\r\n{w}\r\n" for w in words)
            link.sendall(frame.encode())
            answer = reader.readline().decode().strip()
            if not answer or answer.startswith("-"):
                raise OSError(f"redis: {answer or 'closed the connection'}")
    return answer[1:]


def database() -> Any:
    return closing(
        psycopg2.connect(
            host=POSTGRES,
            user="harbor",
            dbname="postgres",
            password=password(),
            connect_timeout=2,
            options="-c statement_timeout=2000",
        )
    )


def ask(component: str) -> dict[str, Any]:
    """Ask one dependency whether it works, and say how long that took."""
    began = time.monotonic()
    try:
        if component == "redis":
            redis("PING")
        else:
            with database() as link, link.cursor() as cursor:
                cursor.execute("SELECT 1")
        status = "up"
    except (OSError, psycopg2.Error):
        status = "down"
    return {"status": status, "milliseconds": round((time.monotonic() - began) * 1000, 1)}


class Handler(BaseHTTPRequestHandler):
    server_version = "harbor"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 15

    def answer(self, status: int, body: Any, kind: str = "application/json") -> None:
        data = body.encode() if isinstance(body, str) else (json.dumps(body) + "\n").encode()
        with _lock:
            key = (self.command, status)
            _requests[key] = _requests.get(key, 0) + 1
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/health/live":
            self.answer(200, {"status": "alive"})
        elif path == "/health/ready":
            found = {name: ask(name)["status"] for name in ("redis", "postgres")}
            ready = set(found.values()) == {"up"}
            self.answer(200 if ready else 503, {"status": "ready" if ready else "not ready", "components": found})
        elif path == "/health":
            parts = {name: ask(name) for name in ("redis", "postgres")}
            well = all(part["status"] == "up" for part in parts.values())
            body = {
                "status": "healthy" if well else "unhealthy",
                "version": VERSION,
                "components": parts,
                "uptime_seconds": round(time.monotonic() - STARTED, 1),
            }
            self.answer(200 if well else 503, body)
        elif path == "/metrics":
            self.answer(200, self.metrics(), "text/plain; version=0.0.4; charset=utf-8")
        elif path == "/notes":
            self.notes()
        else:
            self.answer(404, {"error": "no such path"})

    do_HEAD = do_GET

    def do_POST(self) -> None:
        if self.path != "/notes":
            self.close_connection = True
            self.answer(404, {"error": "no such path"})
            return
        size = self.headers.get("Content-Length", "")
        if not size.isdigit() or int(size) > LIMIT:
            self.close_connection = True
            self.answer(413, {"error": "too large, or of no stated length"})
            return
        try:
            text = json.loads(self.rfile.read(int(size)))["text"]
            if not isinstance(text, str):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            self.answer(400, {"error": 'send {"text": "..."}'})
            return
        try:
            with database() as link, link.cursor() as cursor:
                cursor.execute("INSERT INTO notes (text) VALUES (%s) RETURNING id", (text,))
                number = cursor.fetchone()[0]
                link.commit()
            redis("INCR", "notes")
        except (OSError, psycopg2.Error):
            self.answer(503, {"error": "a dependency is down"})
            return
        self.answer(201, {"id": number, "text": text})

    def notes(self) -> None:
        try:
            with database() as link, link.cursor() as cursor:
                cursor.execute("SELECT id, text FROM notes ORDER BY id DESC LIMIT 100")
                rows = cursor.fetchall()
        except (OSError, psycopg2.Error):
            self.answer(503, {"error": "a dependency is down"})
            return
        self.answer(200, {"notes": [{"id": number, "text": text} for number, text in rows]})

    def metrics(self) -> str:
        lines = ["# HELP harbor_requests_total Requests answered.", "# TYPE harbor_requests_total counter"]
        with _lock:
            seen = sorted(_requests.items())
        lines += [f'harbor_requests_total{{method="{m}",status="{s}"}} {count}' for (m, s), count in seen]
        lines += [
            "# HELP harbor_build_info The version that runs.",
            "# TYPE harbor_build_info gauge",
            f'harbor_build_info{{version="{VERSION}"}} 1',
        ]
        return "\n".join(lines) + "\n"

    def log_message(self, format: str, *args: Any) -> None:
        print(json.dumps({"level": "info", "message": format % args}), flush=True)


def migrate() -> int:
    with database() as link, link.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY, text text NOT NULL)")
        link.commit()
    print(json.dumps({"level": "info", "message": "schema is current"}), flush=True)
    return 0


def serve() -> int:
    server = ThreadingHTTPServer(("0.0.0.0", 8000), Handler)
    # shutdown() waits for the loop that this very thread runs, so another thread has to call it.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(migrate() if sys.argv[1:] == ["migrate"] else serve())
