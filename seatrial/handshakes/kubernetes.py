"""The Kubernetes API server: GET /api/v1/namespaces as nobody."""

from seatrial.handshakes._line import Line, Page, Told

PROTOCOL = "kubernetes"
GIVES = "control"
PORTS = (6443,)
PROCESSES = ("kube-apiserver", "k3s-server")


def hints(page: Page) -> bool:
    """It answers in JSON of its own kinds, or lists its paths."""
    data = page.data
    return isinstance(data, dict) and (data.get("kind") == "Status" or "/api/v1" in (data.get("paths") or ()))


def hello(line: Line) -> Told | None:
    """GET /api/v1/namespaces; its version alone is public by design."""
    page = line.get("/api/v1/namespaces")
    if page is None or page.data["kind"] not in ("Status", "NamespaceList"):
        return None
    return Told(page.status == 200, f"{page}: its namespaces" if page.status == 200 else str(page))
