"""MySQL and MariaDB: the greeting that the server sends first. Who may log in can't be told without trying a name."""

import re

from seatrial.handshakes._line import Line, Told

PROTOCOL = "mysql"
GIVES = "data"
PORTS = (3306, 33060)
PROCESSES = ("mysqld", "mariadbd")
GREETING = re.compile(rb"...\x00\x0a([0-9][0-9A-Za-z.~+-]{0,60})\x00", re.DOTALL)


def fits(answer: bytes) -> bool:
    """It greets before it reads anything."""
    return bool(GREETING.match(answer) or answer[3:5] == b"\x00\xff")


def hello(line: Line) -> Told | None:
    """Say nothing and read the greeting."""
    answer = line.say(b"", enough=lambda said: len(said) > 5)
    if GREETING.match(answer):
        return Told(False, "greeted; it asks for a name and a password")
    return Told(False, "refused this host") if answer[3:5] == b"\x00\xff" else None
