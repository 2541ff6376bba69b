"""A MinIO with one bucket, as a stage starts it: announces where it is, and ends when its input does.

Run: ``python minio_stack.py PROGRAM FOLDER``. It needs no network but loopback, where the port is its own.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from pathlib import Path


def _ready(port: int) -> bool:
    """It listens before it can answer: until then it says 503, and then refuses whoever does not sign."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        line.request("GET", "/notes?list-type=2")
        return line.getresponse().status == 403
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


program, folder = sys.argv[1], Path(sys.argv[2])
if not folder.is_absolute():
    folder = Path(os.environ["SCRATCH_DIR"]) / folder
(folder / "notes").mkdir(parents=True, exist_ok=True)
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
environment = {
    **os.environ,
    "MINIO_ROOT_USER": "seatrial",
    "MINIO_ROOT_PASSWORD": "only-on-loopback",
    "MINIO_BROWSER": "off",
}
with open(folder.parent / "minio.log", "wb") as log:
    server = subprocess.Popen(
        [program, "server", "--quiet", "--address", f"127.0.0.1:{port}", str(folder)],
        env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
    )  # fmt: skip
try:
    end = time.monotonic() + 150  # in qemu, beside others
    while not _ready(port):
        if server.poll() is not None or time.monotonic() > end:
            raise SystemExit((folder.parent / "minio.log").read_text()[-500:])
        time.sleep(0.05)
    print(f"MINIO_URL=http://127.0.0.1:{port}\nMINIO_USER=seatrial\nMINIO_SECRET=only-on-loopback\n", flush=True)
    sys.stdin.read()
finally:
    server.terminate()
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        server.kill()
