"""AMQP 0-9-1 (RabbitMQ, LavinMQ): the protocol header; the answer lists the ways to authenticate."""

from seatrial.handshakes._line import Line, Told

PROTOCOL = "amqp"
GIVES = "data"
PORTS = (5672,)
PROCESSES = ("rabbitmq-server", "lavinmq")


def fits(answer: bytes) -> bool:
    """It answers anything else with its own header."""
    return answer.startswith(b"AMQP")


def hello(line: Line) -> Told | None:
    """Send the header and read Connection.Start. Anonymous only where the server offers that; passwords are not tried."""
    answer = line.say(b"AMQP\x00\x00\x09\x01", enough=lambda said: len(said) > 7 and said.endswith(b"\xce"))
    if answer[7:11] != b"\x00\x0a\x00\x0a":
        return None
    offered = b"ANONYMOUS" in answer
    return Told(offered, "offers ANONYMOUS authentication" if offered else "asks for a name and a password")
