"""Memcached: ``version``."""

from seatrial.handshakes._line import Line, Told

PROTOCOL = "memcached"
GIVES = "data"
PORTS = (11211,)
PROCESSES = ("memcached",)


def fits(answer: bytes) -> bool:
    """It calls everything that is no command an error."""
    return answer.startswith(b"ERROR")


def hello(line: Line) -> Told | None:
    """version; with SASL or an authentication file it refuses."""
    answer = line.say(b"version\r\n")
    if answer.startswith(b"VERSION "):
        return Told(True, "VERSION to a version without SASL")
    return Told(False, "CLIENT_ERROR to a version") if answer.startswith(b"CLIENT_ERROR") else None
