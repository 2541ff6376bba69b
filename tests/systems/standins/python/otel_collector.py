"""Stand-in for the OpenTelemetry collector: OTLP over HTTP on 4318 is taken and dropped, 9464 exposes what was taken."""

from __future__ import annotations

import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TAKEN = [0]


class Receiver(BaseHTTPRequestHandler):
    """OTLP over HTTP."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Take one batch."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        TAKEN[0] += 1
        self._answer(200 if self.path.startswith("/v1/") else 404, "application/json", "{}")

    def do_GET(self) -> None:
        """No page is served."""
        self._answer(405 if self.path.startswith("/v1/") else 404, "text/plain", "")

    def _answer(self, status: int, kind: str, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Quietly."""


class Exporter(Receiver):
    """Prometheus exposition."""

    def do_GET(self) -> None:
        """The one metric."""
        if self.path != "/metrics":
            return self._answer(404, "text/plain", "")
        name = "otelcol_receiver_accepted_batches_total"
        text = f"# HELP {name} Batches that were taken.\n# TYPE {name} counter\n{name} {TAKEN[0]}\n"
        return self._answer(200, "text/plain; version=0.0.4; charset=utf-8", text)


if __name__ == "__main__":
    servers = [ThreadingHTTPServer(("0.0.0.0", 4318), Receiver), ThreadingHTTPServer(("0.0.0.0", 9464), Exporter)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()
