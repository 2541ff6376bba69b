"""Stand-in for Opossum Search: what its deployment guide documents of /health and /metrics, and nothing of the search.

It asks Redis and Ollama for real. The guide's own health handler puts the words of the model backends, a mapping, among
the words it then reads as texts, so that it ends in an error: this one does the same. STANDIN_REPAIRED=1 leaves the
mapping out of that comparison, as the guide must have meant it.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import socket
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = "0.1.0"
BOUNDS = (0.005, 0.05, 0.5, 2.0)
OLLAMA = os.environ.get("OLLAMA_BASE_URL", "http://ollama:11434")
LOCK = threading.Lock()
REQUESTS: dict[tuple[str, str], int] = {}
TIMES: dict[tuple[str, str], list[float]] = {}
ROUTES = ("/health", "/metrics")


def redis() -> str:
    """What a PING of Redis comes to."""
    place = (os.environ.get("REDIS_HOST", "localhost"), int(os.environ.get("REDIS_PORT", "6379")))
    try:
        with socket.create_connection(place, timeout=2) as line:
            line.sendall(b"PING\r\n")
            return "ok" if line.recv(64).startswith(b"+PONG") else "error"
    except OSError as trouble:
        return f"error: {trouble}"


def ollama() -> str:
    """What Ollama's list of models comes to."""
    try:
        with urllib.request.urlopen(f"{OLLAMA}/api/tags", timeout=2) as answer:
            return "ok" if answer.status == 200 else "error"
    except OSError as trouble:
        return f"error: {trouble}"


def backends(ollama_word: str) -> dict[str, str]:
    """Which backends could answer: a paid one counts as available when it has a key."""
    gemini = "available" if os.environ.get("GEMINI_API_KEY") else "unavailable"
    return {
        "gemini": gemini,
        "ollama": "available" if ollama_word == "ok" else "unavailable",
        "transformers": "available",
    }


def health() -> dict[str, object]:
    """The health document."""
    services: dict[str, object] = {"redis": redis(), "ollama": ollama()}
    services["model_backends"] = backends(str(services["ollama"]))
    words = list(services.values())
    if os.environ.get("STANDIN_REPAIRED") == "1":
        words.pop()
    words += services["model_backends"].values()  # type: ignore[attr-defined]
    bad = [word for word in words if word != "ok" and not word.startswith("available")]  # type: ignore[attr-defined]
    return {
        "status": "degraded" if bad else "ok",
        "version": VERSION,
        "timestamp": dt.datetime.now().isoformat(),
        "services": services,
    }


def exposition() -> str:
    """The documented metrics, in Prometheus' text format."""
    lines = ["# HELP opossum_requests_total Requests.", "# TYPE opossum_requests_total counter"]
    with LOCK:
        for (method, endpoint), count in sorted(REQUESTS.items()):
            lines.append(f'opossum_requests_total{{method="{method}",endpoint="{endpoint}"}} {count}')
        lines += [
            "# HELP opossum_response_time_seconds Time to answer.",
            "# TYPE opossum_response_time_seconds histogram",
        ]
        for (method, endpoint), times in sorted(TIMES.items()):
            labels = f'method="{method}",endpoint="{endpoint}"'
            for bound in BOUNDS:
                count = sum(taken <= bound for taken in times)
                lines.append(f'opossum_response_time_seconds_bucket{{{labels},le="{bound}"}} {count}')
            lines.append(f'opossum_response_time_seconds_bucket{{{labels},le="+Inf"}} {len(times)}')
            lines.append(f"opossum_response_time_seconds_sum{{{labels}}} {sum(times)}")
            lines.append(f"opossum_response_time_seconds_count{{{labels}}} {len(times)}")
    for name, label, values in (
        ("model_usage", "model_name", ("gemini",)),
        ("cache_hits", "cache_type", ("response",)),
        ("cache_misses", "cache_type", ("response",)),
    ):
        lines += [f"# HELP opossum_{name}_total Never grows in a stand-in.", f"# TYPE opossum_{name}_total counter"]
        lines += [f'opossum_{name}_total{{{label}="{value}"}} 0' for value in values]
    lines += ["# HELP opossum_service_availability 1 is available.", "# TYPE opossum_service_availability gauge"]
    for name, word in (("redis", redis()), ("ollama", ollama())):
        lines.append(f'opossum_service_availability{{service_name="{name}"}} {int(word == "ok")}')
    return "\n".join(lines) + "\n"


class Handler(BaseHTTPRequestHandler):
    """Two routes, both counted."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer one request."""
        began, path = time.monotonic(), self.path.partition("?")[0]
        endpoint = path if path in ROUTES else "other"
        try:
            if path == "/health":
                status, kind, text = 200, "application/json", json.dumps(health())
            elif path == "/metrics":
                status, kind, text = 200, "text/plain; version=0.0.4; charset=utf-8", exposition()
            else:
                status, kind, text = 404, "application/json", '{"detail": "Not Found"}'
        except Exception as trouble:  # noqa: BLE001 - what a web framework does with an error of its handler
            print(f"{type(trouble).__name__}: {trouble}", file=sys.stderr, flush=True)
            status, kind, text = 500, "text/plain; charset=utf-8", "Internal Server Error"
        with LOCK:
            REQUESTS[("GET", endpoint)] = REQUESTS.get(("GET", endpoint), 0) + 1
            TIMES.setdefault(("GET", endpoint), []).append(time.monotonic() - began)
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quietly."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("0.0.0.0", 8000), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
