"""A small service that keeps notes in a folder: written, read, listed, removed, exported and imported over HTTP.

Run: ``python notes_service.py PORT FOLDER``. ``/export`` gives all of them, ``/export?page=1`` the first ten, as a client that
does not turn pages sees them.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

FOLDER = Path(sys.argv[2])
FOLDER.mkdir(parents=True, exist_ok=True)


def _file(name: str) -> Path:
    return FOLDER / hashlib.sha256(name.encode()).hexdigest()


def _all() -> list[dict[str, str]]:
    return [json.loads(path.read_text()) for path in sorted(FOLDER.iterdir())]


class Handler(BaseHTTPRequestHandler):
    """GET, PUT and DELETE of /notes/NAME; GET /notes; GET /export; POST /import."""

    def log_message(self, *_):
        pass

    def _answer(self, status: int, body: object = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _body(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    @property
    def _name(self) -> str:
        return unquote(urlsplit(self.path).path.removeprefix("/notes/"))

    def do_GET(self):
        if self.path == "/notes":
            return self._answer(200, {"notes": [note["name"] for note in _all()]})
        if self.path.startswith("/export"):
            return self._answer(200, _all()[:10] if "page" in self.path else _all())
        if not _file(self._name).exists():
            return self._answer(404)
        note = json.loads(_file(self._name).read_text())
        return self._answer(200, {**note, "link": f"http://{self.headers['Host']}/notes", "read_at": time.time()})

    def do_PUT(self):
        note = self._body()
        if len(note["text"]) > 10_000:
            return self._answer(413)
        _file(self._name).write_text(json.dumps({"name": self._name, "text": note["text"]}))
        return self._answer(201)

    def do_DELETE(self):
        there = _file(self._name).exists()
        _file(self._name).unlink(missing_ok=True)
        return self._answer(200 if there else 404)

    def do_POST(self):
        for note in self._body():
            _file(note["name"]).write_text(json.dumps(note))
        return self._answer(200)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    # As a stage announces where it is; it ends when its input does.
    print(f"NOTES_URL=http://127.0.0.1:{server.server_port}\n", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
