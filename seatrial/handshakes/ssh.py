"""SSH: the banner. It always asks for credentials; it is named so that it is not taken for something unknown."""

from seatrial.handshakes._line import Line, Told

PROTOCOL = "ssh"
GIVES = "control"
PORTS = (22,)
PROCESSES = ("sshd",)


def fits(answer: bytes) -> bool:
    """It says its version before it reads anything."""
    return answer.startswith(b"SSH-")


def hello(line: Line) -> Told | None:
    """Say nothing and read the banner."""
    return Told(False, "greeted; it asks for a key or a password") if fits(line.say(b"")) else None
