"""The Docker engine's API (Podman's too): GET /version. Whoever gets an answer is root on that machine."""

from seatrial.handshakes._line import Line, Page, Told

PROTOCOL = "docker"
GIVES = "control"
PORTS = (2375, 2376)
PROCESSES = ("dockerd", "podman")


def hints(page: Page) -> bool:
    """It has no page of its own, and says so in JSON."""
    return page.headers.get("server", "").startswith(("Docker/", "Libpod/")) or (
        page.status == 404 and page.data == {"message": "page not found"}
    )


def hello(line: Line) -> Told | None:
    """GET /version."""
    page = line.get("/version")
    if page is None:
        return None
    if page.status == 200 and "ApiVersion" in page.data:
        return Told(True, f"{page}: the engine's API")
    refused = page.refused or "client certificate" in page.text.lower()
    return Told(False, str(page)) if refused else None
