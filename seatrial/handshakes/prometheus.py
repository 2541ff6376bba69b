"""Prometheus and what has its API: GET /api/v1/status/buildinfo. Its query API tells every metric and label."""

from seatrial.handshakes._line import Line, Page, Told

PROTOCOL = "prometheus"
GIVES = "data"
PORTS = (9090,)
PROCESSES = ("prometheus",)


def hints(page: Page) -> bool:
    """It redirects to its console, or says its name."""
    return page.headers.get("location", "") in ("/graph", "/query", "/classic/graph") or "Prometheus" in page.text


def hello(line: Line) -> Told | None:
    """GET /api/v1/status/buildinfo."""
    page = line.get("/api/v1/status/buildinfo")
    if page is None:
        return None
    if page.status == 200 and page.data["status"] == "success" and "version" in page.data["data"]:
        return Told(True, f"{page}: the query API")
    return Told(False, str(page)) if page.refused else None
