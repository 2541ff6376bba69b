"""Elasticsearch and OpenSearch: GET /, which a secured cluster refuses."""

from seatrial.handshakes._line import Line, Page, Told

PROTOCOL = "elasticsearch"
GIVES = "data"
PORTS = (9200,)
PROCESSES = ()


def hints(page: Page) -> bool:
    """It names its cluster, or asks for credentials in its own words."""
    return '"cluster_name"' in page.text or '"security_exception"' in page.text


def hello(line: Line) -> Told | None:
    """GET /."""
    page = line.get("/")
    if page is None or not hints(page):
        return None
    return Told(page.status == 200, f"{page}: its cluster" if page.status == 200 else str(page))
