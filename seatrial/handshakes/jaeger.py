"""Jaeger's query service: GET /api/services."""

from seatrial.handshakes._line import Line, Page, Told

PROTOCOL = "jaeger"
GIVES = "data"
PORTS = (16686,)
PROCESSES = ("jaeger", "jaeger-query", "jaeger-all-in-one", "all-in-one-linux")


def hints(page: Page) -> bool:
    """Its console says its name."""
    return "Jaeger UI" in page.text


def hello(line: Line) -> Told | None:
    """GET /api/services."""
    page = line.get("/api/services")
    if page is None:
        return None
    if page.status == 200 and {"data", "total"} <= set(page.data):
        return Told(True, f"{page}: its services and traces")
    return Told(False, str(page)) if page.refused else None
