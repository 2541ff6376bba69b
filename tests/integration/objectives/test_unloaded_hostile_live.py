"""Latencies without load, of servers that do what no server should: each is told in a line, and nothing hangs."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from seatrial.drivers import Session
from seatrial.experiments import _unloaded
from seatrial.outcomes import Tier
from seatrial.profile.loading import load

SAYS = {
    "hang": [],
    "drip": [b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 100],
    "noise": [b"\x00\xff" * 400 + b"\r\n\r\n"],
    "close": None,
    "short": [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", None],
    "heads": [b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 50_000],
}
PROFILE = """\
profile: shop
environment: test
target: {{driver: http}}
services:
{services}
baseline: {{rounds: 10}}
"""


def serve(listener, pieces):
    """Say that to everybody, slowly, and hold the connection."""
    held = []
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        if pieces is None:
            connection.close()
            continue
        held.append(connection)

        def say(connection=connection):
            try:
                for piece in pieces:
                    if piece is None:
                        connection.close()
                        return
                    connection.sendall(piece)
                    time.sleep(0.1)
            except OSError:
                pass

        threading.Thread(target=say, daemon=True).start()


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What came of one service of each kind, and of one where nobody listens, and how long it took."""
    folder = tmp_path_factory.mktemp("hostile")
    listeners, services = [], []
    for name, pieces in SAYS.items():
        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=serve, args=(listener, pieces), daemon=True).start()
        listeners.append(listener)
        services.append((name, listener.getsockname()[1]))
    with socket.create_server(("127.0.0.1", 0)) as gone:
        services.append(("gone", gone.getsockname()[1]))
    told = [
        f'  {name}: {{url: "http://127.0.0.1:{port}", liveness: {{path: /, timeout: 1s}}}}' for name, port in services
    ]
    told.append('  unknown: {url: "http://nowhere.invalid", liveness: {path: /, timeout: 1s}}')
    file = folder / "shop.yaml"
    file.write_text(PROFILE.format(services="\n".join(told)))
    session = Session(load(str(file)).profile, folder, str, granted=Tier.load)
    began = time.monotonic()
    result, _ = _unloaded.measured(session, {"machine": "", "class": "", "about": {}}, folder, lambda _: None)
    yield result, time.monotonic() - began
    for listener in listeners:
        listener.close()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hang", "no whole answer within 1s"),
        ("drip", "no whole answer within 1s"),
        ("noise", "sent something that is no HTTP"),
        ("close", "closed the connection before its answer was whole"),
        ("short", "closed the connection before its answer was whole"),
        ("heads", "sent more than"),
        ("gone", "refused the connection"),
    ],
)
def test_what_is_no_answer_is_told(found, name, said):
    told = found[0].failed[f"{name}.liveness"]
    assert said in told
    assert told.endswith("(request 1 of those made alone)")


def test_a_name_that_is_unknown_is_no_reproach_to_the_service(found):
    assert found[0].missing["unknown.liveness"].reason.startswith("nowhere.invalid does not resolve")
    assert "unknown.liveness" not in found[0].failed


def test_this_machine_was_measured_all_the_same_and_nothing_hung(found):
    result, seconds = found
    assert sorted(result.seconds) == sorted(_unloaded.CONTROL)
    assert seconds < 60
