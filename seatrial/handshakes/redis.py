"""Redis, Valkey, KeyDB and Sentinel: PING, which changes nothing."""

import re

from seatrial.handshakes._line import Line, Told

PROTOCOL = "redis"
GIVES = "data"
PORTS = (6379, 26379)
PROCESSES = ("redis-server", "redis-sentinel", "valkey-server", "keydb-server")


def fits(answer: bytes) -> bool:
    """RESP: an error, a status or a number."""
    return answer.startswith((b"-", b"+PONG", b"$", b":"))


def hello(line: Line) -> Told | None:
    """PING; the answer tells whether a password is asked for."""
    answer = line.say(b"PING\r\n")
    if answer.startswith(b"+PONG"):
        return Told(True, "+PONG to a PING without AUTH")
    if code := re.match(rb"-([A-Z]{2,16})[ \r]", answer):
        return Told(False, f"-{code[1].decode()} to a PING without AUTH")
    return None
