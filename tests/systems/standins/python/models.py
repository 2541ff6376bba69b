"""Stand-in for a provider of models, as OpenAI's interface has it: a vector and a sentence for any text, and no model."""

from __future__ import annotations

import hashlib
import json
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DIMENSION = 64


def vector(text: str) -> list[float]:
    """The same for the same text, and of length one."""
    digest = hashlib.sha512(text.encode()).digest()[:DIMENSION]
    numbers = [byte - 127.5 for byte in digest]
    length = sum(number * number for number in numbers) ** 0.5
    return [number / length for number in numbers]


class Handler(BaseHTTPRequestHandler):
    """The two calls that are made of it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one request."""
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path.endswith("/embeddings"):
            texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
            data = [{"object": "embedding", "index": n, "embedding": vector(str(t))} for n, t in enumerate(texts)]
            self._answer({"object": "list", "model": asked.get("model"), "data": data, "usage": _usage(len(texts))})
        elif self.path.endswith("/chat/completions"):
            said = {"role": "assistant", "content": "A stand-in for a model has nothing to say."}
            choices = [{"index": 0, "message": said, "finish_reason": "stop"}]
            self._answer({
                "id": "standin", "object": "chat.completion", "created": 0, "model": asked.get("model"),
                "choices": choices, "usage": _usage(1),
            })  # fmt: skip
        else:
            self._answer({"error": {"message": "not found"}}, 404)

    def do_GET(self) -> None:
        """It is there."""
        self._answer({"object": "list", "data": []})

    def _answer(self, document: Any, status: int = 200) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quietly."""


def _usage(count: int) -> dict[str, int]:
    return {"prompt_tokens": count, "completion_tokens": count, "total_tokens": 2 * count}


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
