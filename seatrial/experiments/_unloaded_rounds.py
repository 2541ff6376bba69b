"""Rounds of single requests, measured by pytest-benchmark: a pytest module, which `_unloaded_child` alone collects.

Each round is a request on a connection of its own, as an orchestrator's probe is made: what an earlier one left warm in a connection
is no part of it, the handshakes are. That a name resolves is looked at once, before.
"""

from __future__ import annotations

import http.client
import time
from typing import Any

import pytest

from seatrial.drivers import _http_wire as wire

LEAST = 10
"""Rounds below which nothing can be said."""
WARM = 10
"""One in so many is made before, and not counted."""
PIECES = 20_000
"""Of the fixed piece of work, which takes a millisecond or two."""
MOST = 30.0
"""Seconds that all rounds of one request may take."""


class Failed(Exception):
    """What came was not as declared; the text says what, in words of ours."""


class TooLong(Exception):
    """It is answered ever more slowly, and there is no end of it."""

    strerror = f"its rounds took longer than {2 * MOST:g}s"


def _once(request: dict[str, Any], addresses: list[wire.Address], trust: Any) -> None:
    """One request, whole."""
    end = time.monotonic() + request["timeout"]
    with wire.connect(addresses, end) as plain:
        connection = plain
        if trust is not None:
            plain.settimeout(max(0.001, end - time.monotonic()))
            connection = trust.wrap_socket(plain, server_hostname=request["server_name"])
        with connection:
            connection.settimeout(max(0.001, end - time.monotonic()))
            connection.sendall(request["text"])
            source = wire.Source(connection, end)
            response = wire.head(source)
            if response.status not in request["right"]:
                raise Failed(f"HTTP {response.status}")
            if request["method"] != "HEAD":
                source.allowed = 2 * wire.LARGEST + wire.HEAD
                wire.body(response, wire.LARGEST)


def _told(why: Exception, timeout: float) -> dict[str, str]:
    """What went wrong, in stable words of ours, as a server may say anything; and whether the server or we could not."""
    if isinstance(why, Failed | wire.Unreadable):
        return {"failed": str(why)}
    if isinstance(why, TimeoutError):
        return {"failed": f"no whole answer within {timeout:g}s"}
    if isinstance(why, ConnectionRefusedError):
        return {"failed": "refused the connection"}
    if isinstance(why, ConnectionError | http.client.IncompleteRead | http.client.RemoteDisconnected):
        return {"failed": "closed the connection before its answer was whole"}
    if isinstance(why, http.client.HTTPException):
        return {"failed": "sent something that is no HTTP"}
    return {"missing": str(getattr(why, "reason", None) or getattr(why, "strerror", None) or type(why).__name__)}


def _work() -> int:
    """A fixed piece of work, by which a processor that became slower is told."""
    return sum(number * number for number in range(PIECES))


def test_unloaded(name: str, benchmark: Any, pytestconfig: pytest.Config) -> None:
    """One benchmark: warm-up rounds, then rounds."""
    rounds = pytestconfig.seatrial_rounds  # type: ignore[attr-defined]
    request: dict[str, Any] = rounds.requests[name]
    if "work" in request:
        benchmark.pedantic(_work, rounds=int(request["rounds"]), warmup_rounds=1, iterations=1)
        return
    made, began = 0, time.monotonic()

    def once() -> None:
        nonlocal made
        if time.monotonic() - began > 2 * MOST:
            raise TooLong
        made += 1
        _once(request, addresses, trust)

    try:
        trust = wire.context(*request["tls"]) if request["tls"] is not None else None
        addresses = wire.addresses(request["host"], request["port"], time.monotonic() + request["timeout"])
        once()
        takes = time.monotonic() - began
        wanted = int(request["rounds"])
        count = min(wanted, max(min(LEAST, wanted), int(MOST / max(takes, 1e-6))))
        warm = min(max(1, wanted // WARM), count)
        rounds.say(measuring=name, rounds=count)
        benchmark.pedantic(once, rounds=count, warmup_rounds=warm, iterations=1)
    except wire.Unresolved as why:
        rounds.say(name=name, missing=f"{request['host']} does not resolve: {why}")
        raise
    except Exception as why:
        rounds.say(name=name, at=made, **_told(why, request["timeout"]))
        raise
