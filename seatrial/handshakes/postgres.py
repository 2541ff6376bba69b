"""PostgreSQL and what speaks its protocol: a start-up packet as user postgres, then Terminate.

A server that trusts strangers says so at once; that there is no such role or database it says only after that. What stands
in front of one may leave the first out: then the routine that reports tells which.
"""

import re
import struct

from seatrial.handshakes._line import Line, Told

PROTOCOL = "postgres"
GIVES = "data"
PORTS = (5432, 6432)
PROCESSES = ("postgres", "postmaster", "pgbouncer")
METHODS = {3: "a clear-text password", 5: "an MD5 password", 7: "GSSAPI", 9: "SSPI", 10: "SASL"}
LET_IN = ("InitializeSessionUserId", "InitPostgres", "CheckMyDatabase")
TERMINATE = b"X\x00\x00\x00\x04"


def hello(line: Line) -> Told | None:
    """Ask to be user postgres of database postgres."""
    body = (
        struct.pack("!I", 3 << 16) + b"user\x00postgres\x00database\x00postgres\x00application_name\x00seatrial\x00\x00"
    )
    answer = line.say(struct.pack("!I", len(body) + 4) + body, enough=_message, farewell=TERMINATE)
    kind, length = answer[:1], struct.unpack("!I", answer[1:5])[0]
    if kind == b"R" and 8 <= length <= 1024:
        method = struct.unpack("!I", answer[5:9])[0]
        if method == 0:
            return Told(True, "asks a stranger for no password")
        return Told(False, f"asks for {METHODS.get(method, 'authentication')}")
    if kind == b"E" and 8 <= length <= 16384:
        fields = {
            part[:1]: part[1:].decode("utf-8", "replace") for part in answer[5 : length + 1].split(b"\x00") if part
        }
        if not re.fullmatch("[0-9A-Z]{5}", fields.get(b"C", "")):
            return None
        if fields.get(b"R") in LET_IN:
            return Told(True, f"let a stranger in, and then had no role or database postgres (SQLSTATE {fields[b'C']})")
        return Told(False, f"refused user postgres (SQLSTATE {fields[b'C']})")
    return None


def _message(answer: bytes) -> bool:
    if answer[:1] not in (b"R", b"E", b"N", b"v"):
        return True
    return len(answer) >= 5 and len(answer) > struct.unpack("!I", answer[1:5])[0]
