"""HTTP that is none of the protocols known by name: does ``GET /`` give a stranger a page?

An application whose pages all need a path looks closed here: only ``/`` is asked for.
"""

import re
from urllib.parse import urljoin, urlsplit

from seatrial.handshakes._line import Line, Page, Told

PROTOCOL = "http"
GIVES = "pages"
PORTS = (80, 443, 3000, 5000, 8000, 8080, 8443)
PROCESSES = ("nginx", "httpd", "apache2", "caddy", "haproxy", "traefik", "gunicorn", "uvicorn")
REDIRECTS = 3
LOGIN = re.compile(r"(?<![a-z])(log-?in|sign-?in|o?auth2?|sso|saml2?|oidc)(?![a-z])", re.IGNORECASE)


def hints(page: Page) -> bool:
    """Every page is HTTP."""
    return page.status > 0


def hello(line: Line) -> Told | None:
    """GET /, following redirects to the same origin and no further."""
    path, page = "/", line.get("/")
    for _ in range(REDIRECTS):
        if page is None or not 300 <= page.status < 400:
            break
        goal = urljoin(f"//{line.address}{path}", page.headers.get("location", ""))
        if LOGIN.search(goal):
            return Told(False, f"{page}, redirected to a log-in")
        port = urlsplit(goal).port
        if (
            urlsplit(goal).hostname != line.address
            or port not in (None, line.port)
            or not urlsplit(goal).path.isascii()
        ):
            return Told(False, f"{page}, redirected elsewhere")
        path = urlsplit(goal).path or "/"
        page = line.get(path)
    if page is None:
        return None
    challenge = " and asked for credentials" if page.status in (401, 407) else ""
    return Told(200 <= page.status < 300, f"{page}{challenge}")
