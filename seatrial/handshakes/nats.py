"""NATS: the INFO line that the server sends first says whether it asks for credentials."""

import json

from seatrial.handshakes._line import Line, Told

PROTOCOL = "nats"
GIVES = "data"
PORTS = (4222,)
PROCESSES = ("nats-server",)


def fits(answer: bytes) -> bool:
    """It says INFO before it reads anything."""
    return answer.startswith(b"INFO {")


def hello(line: Line) -> Told | None:
    """Say nothing and read the INFO line."""
    answer = line.say(b"")
    if not fits(answer):
        return None
    info = json.loads(answer[5:].partition(b"\r\n")[0])
    if info.get("auth_required") or info.get("tls_verify"):
        return Told(False, "INFO asks for credentials")
    return Told(True, "INFO asks for no credentials")
