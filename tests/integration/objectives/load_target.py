"""A service to be put under load, that is wrong in one way: `python -I load_target.py WAY`; it prints its port. Standard library alone.

It keeps notes (POST, GET, DELETE /notes/ID), tells how many there are (GET /count), and is alive (GET /live).
"""

from __future__ import annotations

import http.server
import json
import ssl
import sys
import threading
import time
from typing import Any

WAY = sys.argv[1] if len(sys.argv) > 1 else "sound"
NOTES: dict[str, bytes] = {}
KEPT: list[bytearray] = []
ASKED = 0
LOCK = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""

    def tell(self, status: int, body: bytes = b"{}") -> None:
        """An answer."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def asked(self) -> bool:
        """Count one request of the load; whether it is already answered, by what is wrong here."""
        global ASKED
        with LOCK:
            ASKED += 1
            number = ASKED
        if WAY == "growing":
            KEPT.append(bytearray(b"x" * 200_000))
        if WAY == "failing" and number > 40:
            self.tell(503)
            return True
        return False

    def do_GET(self) -> None:
        """Read."""
        if self.path == "/live":
            if WAY == "deaf" and ASKED > 20:
                time.sleep(20)
            self.tell(200)
        elif self.path == "/count":
            self.tell(200, json.dumps({"notes": len(NOTES), "asked": ASKED}).encode())
        elif not self.asked():
            found = NOTES.get(self.path.rpartition("/")[2])
            if self.path.startswith("/notes/") and found is None:
                self.tell(404)
            else:
                self.tell(200, found or b'{"text": "x"}')

    def do_POST(self) -> None:
        """Write."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.asked():
            if WAY != "forgetful":
                NOTES[json.loads(body)["id"]] = body
            self.tell(201, body)

    def do_DELETE(self) -> None:
        """Remove."""
        if WAY == "keeping":
            self.tell(500)
            return
        NOTES.pop(self.path.rpartition("/")[2], None)
        self.tell(204, b"")


class Server(http.server.ThreadingHTTPServer):
    """Many connections."""

    daemon_threads = True
    request_queue_size = 256


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    if WAY == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
    server.serve_forever(0.1)
