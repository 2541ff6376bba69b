"""What an engine shows of the containers of a service: environment, labels, image, log, and what they were called with."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seatrial.facts.leak import Place
from seatrial.looks._secrets import holdings, place
from seatrial.looks._secrets_processes import ARGUMENTS, ENVIRONMENT, of_processes, pairs
from seatrial.words import CouldNotLook, Missing, seen

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.drivers._docker_api import Api
    from seatrial.facts.container import Container
    from seatrial.facts.runtime import Runtime
    from seatrial.scan import Hit

__all__ = ["containers"]

LARGEST_LOG = 16 * 1024 * 1024
LOGGING = "a log driver that the engine can read (json-file, local, journald)"


def containers(session: Session, api: Api, runtime: Runtime, service: str) -> list[Place]:
    """What is shown of every container of a service, and of its processes.

    Raises:
        CouldNotLook: the engine can't tell.
    """
    members = seen(runtime.containers.get(service, Missing(f"nothing was seen of {service}")))
    found: list[Place] = []
    images: set[str] = set()
    for container in members:
        inspect = api.get(f"/containers/{container.id}/json")
        image = api.get(f"/images/{container.image_id}/json") if container.image_id else {}
        found += _given(session, container, inspect, image)
        if container.image_id not in images:
            images.add(container.image_id)
            found += _image(session, api, container, image)
        found += _log(session, api, container, inspect)
        found += _running(session, api, runtime, container)
    return found


def _given(session: Session, container: Container, inspect: dict[str, Any], image: dict[str, Any]) -> Iterator[Place]:
    """What it was created with."""
    from seatrial.scan import scan_arguments, scan_pairs

    config = inspect.get("Config") or {}
    shown = {"service": container.service}
    environment = scan_pairs(pairs(config.get("Env") or ()), known=session.known)
    yield place(
        "environment", f"{container}, environment", environment, holds=holdings(session, container.service), **shown
    )
    of_image = ((image.get("Config") or {}).get("Labels") or {}).items()
    labels = [pair for pair in (config.get("Labels") or {}).items() if pair not in of_image]
    yield place("labels", f"{container}, labels", scan_pairs(labels, known=session.known), **shown)
    called = [str(inspect.get("Path") or ""), *map(str, inspect.get("Args") or ())]
    yield place(ARGUMENTS, f"{container}, command", scan_arguments(called, known=session.known), **shown)
    test = [str(word) for word in (config.get("Healthcheck") or {}).get("Test") or ()]
    yield place(ARGUMENTS, f"{container}, healthcheck", scan_arguments(test, known=session.known), **shown)


def _image(session: Session, api: Api, container: Container, image: dict[str, Any]) -> Iterator[Place]:
    from seatrial.scan import scan_pairs

    name = f"image {container.image}"
    config = image.get("Config") or {}
    shown = {"service": container.service}
    labels = list((config.get("Labels") or {}).items())
    yield place("image", f"{name}, labels", scan_pairs(labels, known=session.known), **shown)
    environment = scan_pairs(pairs(config.get("Env") or ()), known=session.known)
    yield place("image", f"{name}, environment", environment, **shown)
    try:
        layers = api.get(f"/images/{container.image_id}/history")
    except CouldNotLook as why:
        yield place("image", f"{name}, history", Missing(why.reason, why.right), **shown)
        return
    for number, layer in enumerate(reversed(layers)):  # the engine tells the newest first
        text = "\n".join(str(layer.get(key) or "") for key in ("CreatedBy", "Comment"))
        if hits := _step(text, session):
            yield place("image", f"{name}, history, step {number + 1} from the bottom", hits, **shown)
    yield place("image", f"{name}, history", [], **shown)


def _step(text: str, session: Session) -> list[Hit]:
    """What a step of a build was called with: a command line, with build arguments as NAME=value."""
    from seatrial.scan import scan, scan_arguments

    found = {(hit.key, hit.fingerprint): hit for hit in scan_arguments(text.split(), known=session.known)}
    return list(({(hit.key, hit.fingerprint): hit for hit in scan(text, known=session.known)} | found).values())


def _log(session: Session, api: Api, container: Container, inspect: dict[str, Any]) -> Iterator[Place]:
    """The last lines, and what its healthchecks printed, which the engine keeps beside them."""
    from seatrial.scan import scan

    shown = {"service": container.service}
    lines = session.profile.secrets.log_lines if session.profile.secrets else 1000
    options = {"stdout": 1, "stderr": 1, "tail": lines}
    where = f"{container}, last {lines} lines of the log"
    try:
        data, more = api.raw(f"/containers/{container.id}/logs", LARGEST_LOG, **options)
    except CouldNotLook as why:
        unreadable = "logging" in why.reason
        yield place("log", where, Missing(why.reason, LOGGING if unreadable else why.right), **shown)
    else:
        text = (data if (inspect.get("Config") or {}).get("Tty") else demultiplexed(data)).decode("utf-8", "replace")
        yield place("log", where, scan(text, format="log", known=session.known), **shown)
        if more:
            yield place(
                "log", where, Missing(f"more than {LARGEST_LOG // 1024**2} MiB, which are not searched"), **shown
            )
    health = ((inspect.get("State") or {}).get("Health") or {}).get("Log") or []
    printed = "\n".join(str(run.get("Output") or "") for run in health)
    yield place(
        "log",
        f"{container}, output of its healthcheck",
        scan(printed, format="log", known=session.known),
        **shown,
    )


def demultiplexed(data: bytes) -> bytes:
    """The output itself, of a stream in which the engine puts a head of eight bytes before each piece of it."""
    pieces, at = [], 0
    while at + 8 <= len(data):
        stream, length = struct.unpack(">BxxxL", data[at : at + 8])
        if stream > 2:
            return data  # no such stream: it was sent as it is
        pieces.append(data[at + 8 : at + 8 + length])
        at += 8 + length
    return b"".join(pieces)


def _running(session: Session, api: Api, runtime: Runtime, container: Container) -> list[Place]:
    """The processes; of a job that has ended, what it was created with is all there ever was."""
    one_shot = session.profile.services[container.service].one_shot
    if not container.running:
        if one_shot and container.state in ("exited", "dead"):
            return []
        gone = Missing(f"{container} is not running ({container.state}), so that nothing effective can be seen of it")
        return [place(surface, str(container), gone, service=container.service) for surface in (ENVIRONMENT, ARGUMENTS)]
    if runtime.engine.local and container.pid and not isinstance(container.processes, Missing):
        return of_processes(session, container.processes, str(container), container.service)
    return list(_remote(session, api, container))


def _remote(session: Session, api: Api, container: Container) -> Iterator[Place]:
    """The arguments as ps on the engine's host lists them. It does not tell the environment."""
    from seatrial.drivers._container import FAR, HERE
    from seatrial.scan import scan_arguments

    shown = {"service": container.service}
    yield place(ENVIRONMENT, f"{container}, processes", Missing(FAR, HERE), **shown)
    try:
        table = api.get(f"/containers/{container.id}/top", ps_args="-eo pid,args")
    except CouldNotLook as why:
        yield place(ARGUMENTS, f"{container}, processes", Missing(why.reason, why.right or HERE), **shown)
        return
    for pid, *words in table.get("Processes") or []:
        called = " ".join(words).split()
        yield place(
            ARGUMENTS, f"{container}, process {pid}, arguments", scan_arguments(called, known=session.known), **shown
        )
