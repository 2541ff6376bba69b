"""etcd: GET /version, which it gives to anybody.

Whether its keys are open can't be told by reading with GET: the API of version 3 takes POST only. What GET can tell is
whether the API of version 2 is on.
"""

from seatrial.handshakes._line import Line, Told

PROTOCOL = "etcd"
GIVES = "data"
PORTS = (2379,)
PROCESSES = ("etcd",)


def hello(line: Line) -> Told | None:
    """GET /version, then GET /v2/keys."""
    page = line.get("/version")
    if page is None or page.status != 200 or "etcdserver" not in page.data:
        return None
    keys = line.get("/v2/keys")
    if keys is not None and keys.status == 200:
        return Told(True, f"{keys}: its keys")
    return Told(False, f"{page}; whether its keys are open can't be told by a GET")


def hints(page: object) -> bool:  # noqa: ARG001 - nothing of GET / is its own
    """Guessed by port and program only."""
    return False
