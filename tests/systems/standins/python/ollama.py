"""Stand-in for Ollama: its root page and its list of models, and no model."""

from __future__ import annotations

import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGES = {"/": ("text/plain; charset=utf-8", "Ollama is running"), "/api/tags": ("application/json", '{"models":[]}')}


class Handler(BaseHTTPRequestHandler):
    """What the documented health check asks."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer one request."""
        kind, text = PAGES.get(self.path, ("text/plain", "404 page not found"))
        self.send_response(200 if self.path in PAGES else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Quietly."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("0.0.0.0", 11434), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
