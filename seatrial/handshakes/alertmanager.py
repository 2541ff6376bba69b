"""Alertmanager: GET /api/v2/status. Whoever gets an answer can silence every alert."""

from seatrial.handshakes._line import Line, Page, Told

PROTOCOL = "alertmanager"
GIVES = "control"
PORTS = (9093,)
PROCESSES = ("alertmanager", "prometheus-alertmanager")


def hints(page: Page) -> bool:
    """Its console says its name."""
    return "<title>Alertmanager</title>" in page.text


def hello(line: Line) -> Told | None:
    """GET /api/v2/status."""
    page = line.get("/api/v2/status")
    if page is None:
        return None
    if page.status == 200 and "versionInfo" in page.data:
        return Told(True, f"{page}: its API")
    return Told(False, str(page)) if page.refused else None
