"""MongoDB: listDatabases, which only reads, as nobody."""

import struct

from seatrial.handshakes._line import Line, Told

PROTOCOL = "mongodb"
GIVES = "data"
PORTS = (27017, 27018, 27019)
PROCESSES = ("mongod", "mongos")


def hello(line: Line) -> Told | None:
    """One OP_MSG with the command, names only."""
    fields = b"\x10listDatabases\x00\x01\x00\x00\x00\x08nameOnly\x00\x01\x02$db\x00\x06\x00\x00\x00admin\x00\x00"
    document = struct.pack("<I", len(fields) + 4) + fields
    message = struct.pack("<IIII", 16 + 5 + len(document), 1, 0, 2013) + b"\x00\x00\x00\x00\x00" + document
    answer = line.say(message, enough=lambda said: len(said) >= 4 and len(said) >= struct.unpack("<I", said[:4])[0])
    if len(answer) < 21 or struct.unpack("<I", answer[12:16])[0] not in (1, 2013):
        return None
    if b"\x10code\x00" in answer:
        code = struct.unpack("<i", answer.partition(b"\x10code\x00")[2][:4])[0]
        return Told(False, f"refused listDatabases (code {code})")
    if b"databases\x00" in answer:
        return Told(True, "listed its databases")
    return None
