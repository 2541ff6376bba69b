"""Unloaded latencies: which requests are measured, by a child that is pytest with pytest-benchmark, and what came of them."""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.drivers import http
from seatrial.experiments._calibrating import null_server
from seatrial.experiments._refusing import unpaid
from seatrial.facts.answer import declared_statuses
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile.model import Profile

__all__ = ["CONTROL", "Measured", "measured", "named", "requests"]

PROBES = ("liveness", "readiness", "startup", "health")
METHODS = ("GET", "HEAD")
SUCCESS = tuple(range(200, 300))
CONTROL = ("nothing, before", "work, before", "nothing, after", "work, after")
"""Names of the benchmarks of this machine itself, before and after the rest: a server that does nothing, a fixed piece of work."""
TIMEOUT = 10.0
"""Of a request to an endpoint, which declares none."""
EACH = 90.0
"""Seconds that one request's rounds may take, whatever the target does."""
LARGEST = 64 * 1024 * 1024
"""Bytes of what the child wrote that are read."""
MODULE = "seatrial.experiments._unloaded_child"


@dataclass(slots=True)
class Measured:
    """What came of it."""

    text: bytes = b""
    """What pytest-benchmark wrote; empty when nothing was measured."""
    seconds: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """By name: each round's."""
    failed: dict[str, str] = field(default_factory=dict)
    missing: dict[str, Missing] = field(default_factory=dict)


def named(profile: Profile) -> list[str]:
    """What is measured: every probe there is an URL for, and what the profile adds."""
    probes = [
        f"{name}.{kind}"
        for name, service in profile.services.items()
        for kind in PROBES
        if getattr(service, kind) is not None and service.url is not None and not service.external
    ]
    return list(dict.fromkeys([*probes, *(profile.baseline.endpoints if profile.baseline else ())]))


def requests(session: Session) -> tuple[list[dict[str, Any]], dict[str, Missing]]:
    """Each request as the child is told it, and those that can't be made, with the reason."""
    found: list[dict[str, Any]] = []
    missing: dict[str, Missing] = {}
    for name in named(session.profile):
        try:
            made = _of_endpoint(session, name) if " " in name else _of_probe(session, name)
        except CouldNotLook as why:
            made = Missing(why.reason, why.right)
        if isinstance(made, Missing):
            missing[name] = made
        else:
            found.append({"name": name, "rounds": _rounds(session.profile), **made})
    return found, missing


def _rounds(profile: Profile) -> int:
    return profile.baseline.rounds if profile.baseline else 0


def _of_probe(session: Session, name: str) -> dict[str, Any] | Missing:
    service, _, kind = name.rpartition(".")
    node = session.profile.services[service]
    check = getattr(node, kind)
    if node.paid and node.double is None:
        return Missing(f"{service} costs money, so it is not asked again and again", f"services.{service}.double")
    base, given = http.asking(session, node, check)
    return _told(session, base + check.path, given["headers"], node, "GET", declared_statuses(check), given["timeout"])


def _of_endpoint(session: Session, name: str) -> dict[str, Any] | Missing:
    """``api GET /notes``."""
    words = name.split()
    services = session.profile.services
    if len(words) != 3 or words[0] not in services or words[1] not in METHODS or not words[2].startswith("/"):
        return Missing(f"{name!r} is no request without load", "baseline.endpoints: SERVICE GET /path, or HEAD")
    for paid, why in unpaid(session.profile, words[0]):
        return Missing(f"{words[0]} is not asked again and again: {why}", f"services.{paid}.double")
    node = services[words[0]]
    return _told(session, http.base_of(session, node) + words[2], {}, node, words[1], SUCCESS, TIMEOUT)


def _told(
    session: Session, url: str, headers: dict[str, str], node: Any, method: str, right: tuple[int, ...], timeout: float
) -> dict[str, Any] | Missing:
    """One request, as the child is told it on its standard input: it may hold secrets."""
    made = http.prepared(session, url, headers, node.tls, method=method)
    if isinstance(made, Missing):
        return made
    tls = None
    if made.trust is not None:
        files = (node.tls.ca, node.tls.cert, node.tls.key) if node.tls else (None, None, None)
        tls = [str(session.base / file) if file else "" for file in files]
    return {
        "method": method,
        "text": base64.b64encode(made.text).decode(),
        "host": made.host,
        "port": made.origin.port or (443 if tls is not None else 80),
        "server_name": made.server_name,
        "tls": tls,
        "right": list(right),
        "timeout": timeout,
    }


def measured(
    session: Session, told: dict[str, Any], folder: Path, say: Callable[[str], None]
) -> tuple[Measured, list[str]]:
    """Make all rounds, one after the other.

    Args:
        session: counts the requests, and refuses them where the run was not granted a load.
        told: what pytest-benchmark is to save beside the numbers.
        folder: takes what it writes.
        say: is told what is measured.

    Raises:
        CouldNotLook: nothing could be measured at all.
    """
    if importlib.util.find_spec("pytest_benchmark") is None:
        raise CouldNotLook("pytest-benchmark is not installed, which measures this", right="pip install seatrial[load]")
    wanted, missing = requests(session)
    found = Measured(missing=missing)
    names = named(session.profile)
    if not names:
        raise CouldNotLook(
            "there is nothing to measure", right="a probe of a service with a url, or baseline.endpoints"
        )
    if wanted:
        with null_server() as port:
            control = {
                "rounds": _rounds(session.profile), "method": "GET", "host": "127.0.0.1", "port": port, "tls": None,
                "text": base64.b64encode(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").decode(),
                "server_name": "", "right": [200], "timeout": TIMEOUT,
            }  # fmt: skip
            work = {"rounds": _rounds(session.profile), "work": True}
            own = [{**(work if name.startswith("work") else control), "name": name} for name in CONTROL]
            _child(session, {**told, "requests": [*own[:2], *wanted, *own[2:]], "folder": str(folder)}, found, say)
    return found, names


def _child(session: Session, told: dict[str, Any], found: Measured, say: Callable[[str], None]) -> None:
    """Run the child, and read what it says and wrote."""
    folder = Path(told["folder"])
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    env |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    within = 30.0 + EACH * len(told["requests"])
    with subprocess.Popen(
        [sys.executable, "-P", "-m", MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=env, cwd=folder, start_new_session=True,
    ) as child:  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            with contextlib.suppress(BrokenPipeError):
                child.stdin.write(json.dumps(told).encode() + b"\n")
                child.stdin.close()
            for line in _lines(child.stdout.fileno(), time.monotonic() + within):
                _heard(session, json.loads(line), found, say)
            code = child.wait(10.0)
        except subprocess.TimeoutExpired:
            raise CouldNotLook("what measures requests without load did not end") from None
        finally:
            child.kill()
    written = folder / "rounds.json"
    if not written.is_file() or written.stat().st_size > LARGEST:
        if found.failed or found.missing:
            return  # nothing was measured, and it is known why
        raise CouldNotLook(f"what measures requests without load ended with {code} and wrote nothing")
    found.text = written.read_bytes()
    for one in json.loads(found.text)["benchmarks"]:
        found.seconds[one["param"]] = tuple(round(float(each), 7) for each in one["stats"]["data"])


def _lines(descriptor: int, end: float) -> Iterator[bytes]:
    """Lines of the child, until it closes.

    Raises:
        CouldNotLook: it goes on for too long.
    """
    text = b""
    while True:
        if not select.select([descriptor], [], [], max(0.0, end - time.monotonic()))[0]:
            raise CouldNotLook("requests without load took too long to be measured")
        piece = os.read(descriptor, 1 << 16)
        if not piece:
            return
        *lines, text = (text + piece).split(b"\n")
        yield from lines


def _heard(session: Session, event: dict[str, Any], found: Measured, say: Callable[[str], None]) -> None:
    if name := event.get("measuring"):
        if name not in CONTROL:
            say(f"without load: {session.mask(name)}, {event['rounds']} times")
            for _ in range(event["rounds"]):
                session.call("http", "GET", Tier.load)
    elif "failed" in event:
        found.failed[event["name"]] = f"{event['failed']} (request {event['at']} of those made alone)"
    else:
        found.missing[event["name"]] = Missing(session.mask(event["missing"]))
