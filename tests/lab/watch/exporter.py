"""An exporter whose series a test sets and moves: a thread that answers scrapes."""

from __future__ import annotations

import http.server
import re
import threading
import time
from dataclasses import dataclass
from typing import Any

__all__ = ["Exporter"]

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+\+(\S+))?\s*")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"\s*(?:,|$)\s*')
Labels = dict[str, str]


@dataclass
class _Series:
    """One series: what it was at some moment, and by how much it grows each second."""

    value: float
    rate: float
    since: float

    def now(self) -> float:
        return self.value + self.rate * (time.monotonic() - self.since)


class Exporter:
    """Serves metrics on a free port of loopback, from a thread.

    The text is what is exposed, comments included; `+3` behind a value makes it grow by three a second, from then on.
    """

    def __init__(self, text: str = "") -> None:
        """Read the text and start answering."""
        self._lock = threading.Lock()
        self.lines: list[str | tuple[str, tuple[tuple[str, str], ...]]] = []
        self.series: dict[tuple[str, tuple[tuple[str, str], ...]], _Series] = {}
        self.status = 200
        """What a scrape is answered with."""
        self.raw: bytes | None = None
        """Answered instead, as it is."""
        self.scrapes = 0
        self.expose(text)
        exporter = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                exporter.scrapes += self.path.startswith("/metrics")
                body = exporter.raw if exporter.raw is not None else exporter.page().encode()
                self.send_response(exporter.status)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        self.port = int(self.server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        """Answer no more."""
        self.server.shutdown()
        self.server.server_close()

    def expose(self, text: str) -> None:
        """Expose this, and nothing of what there was."""
        now = time.monotonic()
        lines: list[str | tuple[str, tuple[tuple[str, str], ...]]] = []
        series: dict[tuple[str, tuple[tuple[str, str], ...]], _Series] = {}
        for line in filter(None, map(str.strip, text.splitlines())):
            if line.startswith("#"):
                lines.append(line)
                continue
            found = _SAMPLE.fullmatch(line)
            if found is None:
                raise ValueError(f"not a sample: {line}")
            key = _key(found[1], dict(_LABEL.findall(found[2] or "")))
            lines.append(key)
            series[key] = _Series(float(found[3]), float(found[4] or 0), now)
        with self._lock:
            self.lines, self.series = lines, series

    def set(self, metric: str, labels: Labels, value: float) -> None:
        """Give one series a value, which it keeps; it is added when it is not there."""
        self._change(metric, labels).__dict__.update(value=value, rate=0.0)

    def inc(self, metric: str, labels: Labels, by: float = 1.0) -> None:
        """Count."""
        self._change(metric, labels).value += by

    def grow(self, metric: str, labels: Labels, rate: float) -> None:
        """Let one series grow by so much a second from now on."""
        self._change(metric, labels).rate = rate

    def drop(self, metric: str, labels: Labels | None = None) -> None:
        """Expose one series no more, or all of a metric; those of its parts with it."""
        with self._lock:
            gone = [k for k in self.series if k[0] == metric and (labels is None or k == _key(metric, labels))]
            for key in gone:
                del self.series[key]
                self.lines.remove(key)

    def _change(self, metric: str, labels: Labels) -> _Series:
        key, now = _key(metric, labels), time.monotonic()
        with self._lock:
            if key not in self.series:
                # Beside its kin, as the format wants it.
                kin = [n for n, line in enumerate(self.lines) if line[0] == metric or f" {metric} " in f"{line} "]
                self.lines.insert(kin[-1] + 1 if kin else len(self.lines), key)
                self.series[key] = _Series(0.0, 0.0, now)
            series = self.series[key]
            series.value, series.since = series.now(), now
            return series

    def page(self) -> str:
        """What a scrape gets now."""
        with self._lock:
            return "".join(f"{x if isinstance(x, str) else _sample(x, self.series[x].now())}\n" for x in self.lines)


def _key(metric: str, labels: Labels) -> tuple[str, tuple[tuple[str, str], ...]]:
    return metric, tuple(sorted(labels.items()))


def _sample(key: tuple[str, tuple[tuple[str, str], ...]], value: float) -> str:
    labels = ",".join(f'{name}="{text}"' for name, text in key[1])
    return f"{key[0]}{{{labels}}} {value!r}" if labels else f"{key[0]} {value!r}"
