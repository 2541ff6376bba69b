"""Ollama: GET /api/tags, the list of models. Whoever gets it can also load, delete and run them."""

from seatrial.handshakes._line import Line, Page, Told

PROTOCOL = "ollama"
GIVES = "control"
PORTS = (11434,)
PROCESSES = ("ollama",)


def hints(page: Page) -> bool:
    """It says so."""
    return "Ollama is running" in page.text


def hello(line: Line) -> Told | None:
    """GET /api/tags."""
    page = line.get("/api/tags")
    if page is None:
        return None
    if page.status == 200 and isinstance(page.data["models"], list):
        return Told(True, f"{page}: its models")
    return Told(False, str(page)) if page.refused else None
