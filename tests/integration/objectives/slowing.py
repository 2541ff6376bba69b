"""A service of one thread whose answers take the times that a file says, read anew for each request.

Run: ``python slowing.py PORT-FILE SETTINGS-FILE``. Settings are JSON: seconds by path, and ``"status /path"`` with a status. Whoever
asks while it works waits: it does one request at a time, as long as each is to take, so that what it can do at most is known.
"""

from __future__ import annotations

import json
import socketserver
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

PORT, SETTINGS = map(Path, sys.argv[1:3])
USUAL = 0.005


class Handler(BaseHTTPRequestHandler):
    """GET of anything."""

    # A server of one thread would serve one connection alone, were it kept.
    protocol_version = "HTTP/1.0"

    def log_message(self, *_):
        pass

    def do_GET(self):
        told = json.loads(SETTINGS.read_text()) if SETTINGS.exists() else {}
        time.sleep(told.get(self.path, USUAL))
        body = b'{"ok": true}'
        self.send_response(told.get(f"status {self.path}", 200))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(HTTPServer):
    """As many may wait as the kernel lets."""

    request_queue_size = 4096

    def handle_error(self, *_):
        pass  # who asked has gone


assert issubclass(Server, socketserver.TCPServer)
server = Server(("127.0.0.1", 0), Handler)
new = PORT.with_suffix(".new")
new.write_text(str(server.server_port))
new.rename(PORT)
server.serve_forever()
