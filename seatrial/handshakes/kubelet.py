"""The kubelet: GET /pods as nobody."""

from seatrial.handshakes._line import Line, Told

PROTOCOL = "kubelet"
GIVES = "control"
PORTS = (10250, 10255)
PROCESSES = ("kubelet",)


def hello(line: Line) -> Told | None:
    """GET /pods."""
    page = line.get("/pods")
    if page is None:
        return None
    if page.status == 200 and page.data["kind"] == "PodList":
        return Told(True, f"{page}: its pods")
    return Told(False, str(page)) if page.refused else None


def hints(page: object) -> bool:  # noqa: ARG001 - nothing of GET / is its own
    """Guessed by port and program only."""
    return False
