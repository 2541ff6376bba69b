"""Where procedures are run and data lies: the deployment itself, or a scratch place that is gone when its drill ends.

`staged` gives a scratch place: a folder kept apart from this machine's files, or a container without a network. `deployment`
gives the deployment. Servers in a stage are on a network of their own: `Place.connect` reaches them, also on loopback.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from seatrial.drills.hands import STAGE, StageHands
from seatrial.drills.places._common import until
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drills.place import Place
    from seatrial.drills.places.container import ContainerPlace
    from seatrial.drills.places.folder import ScratchFolder
    from seatrial.drivers import Session
    from seatrial.profile.backing import Stage
    from seatrial.safety.acts import Hands
    from seatrial.safety.disturbing import Disturber

__all__ = ["deployment", "staged"]

SCRATCH = "/seatrial-scratch"
OWN = "/.seatrial"
"""Folder of ours in a stage's container, which is no part of what is compared."""


def deployment(session: Session, hands: Hands, service: str = "") -> Place:
    """The deployment itself: this machine, or the container of a service.

    Args:
        session: of the run.
        hands: of the bench.
        service: in whose container paths and commands are; the machine itself when empty.

    Raises:
        CouldNotLook: its container is not there, or it has several.
    """
    from seatrial.drills.places.deployed import deployed

    assert isinstance(hands, StageHands)  # a bench's are, where a profile declares a drill
    return deployed(session, hands, service)


@contextmanager
def staged(
    session: Session, disturber: Disturber, hands: Hands, stage: Stage, *, role: str = "target"
) -> Iterator[Place]:
    """A scratch place of the run's own, ready to be used, and gone at the end.

    Args:
        session: of the run.
        disturber: of the bench; what is made is journalled.
        hands: of the bench.
        stage: of the profile.
        role: what it is for, in a word.

    Raises:
        CouldNotLook: it can't be had, or is not ready in time.
    """
    assert isinstance(hands, StageHands)  # a bench's are, where a profile declares a drill
    token = secrets.token_hex(8)
    if stage.image is None:
        with _folder(session, disturber, hands, stage, role, token) as folder:
            yield folder
    else:
        with _container(session, disturber, hands, stage, role, token) as container:
            yield container


@contextmanager
def _folder(
    session: Session, disturber: Disturber, hands: StageHands, stage: Stage, role: str, token: str
) -> Iterator[ScratchFolder]:
    from seatrial.drills.places import hiding
    from seatrial.drills.places.folder import ScratchFolder

    path = f"/tmp/seatrial-{token}"
    acts = hands.acts(
        STAGE,
        role,
        token=token,
        name=f"scratch folder for the {role}",
        size=stage.size.bytes,
        folder=path,
        hidden=hiding.hidden(session),
    )
    with disturber.disturbed(*acts):
        place = ScratchFolder(session, hands.live[token], path, name=f"scratch folder ({role})")
        place.declared = stage.environment
        try:
            _furnished(place, stage)
            _prepared(place, stage)
            if stage.start is not None:
                place.start(stage.start)
            _ready(place, stage)
            yield place
        finally:
            place.end()


@contextmanager
def _container(
    session: Session, disturber: Disturber, hands: StageHands, stage: Stage, role: str, token: str
) -> Iterator[ContainerPlace]:
    from seatrial.drills.places import container as containers
    from seatrial.drills.places import staging
    from seatrial.drivers import _docker_endpoint

    endpoint = _docker_endpoint.find(session)
    role = role.replace(" ", "-")  # names of containers and hosts have no spaces
    name = f"seatrial-{role}-{token[:8]}"
    body = staging.body(stage, role, token)
    with disturber.disturbed(*hands.acts(STAGE, role, token=token, name=name, body=body, endpoint=endpoint)):
        place = containers.ContainerPlace(
            session, endpoint, hands.live[token], f"container {name}", scratch=True, folder=SCRATCH, own=OWN
        )
        place.declared = stage.environment
        with place.api() as api:
            api.upload(place.id, "/", lambda out: containers.folders(out, SCRATCH, OWN), within=60.0)
        _furnished(place, stage)
        with place.api() as api:
            api.send("POST", f"/containers/{place.id}/start", within=60.0)
        with staging.bounded(place, stage.size.bytes):
            staging.begun(place, str(stage.image))
            if stage.init and (why := until(lambda: staging.starting(place), stage.within.seconds)):
                raise CouldNotLook(f"{place.name} of {stage.image}: {why} after {stage.within.seconds:g} s")
            _prepared(place, stage)
            _ready(place, stage)
            yield place


def _furnished(place: Any, stage: Stage) -> None:
    """Put the declared files there."""
    for path, source in stage.files.items():
        file = place.base / source
        if not file.exists():
            raise CouldNotLook(f"{file} is not there", right=f"read {file}")
        place.put(file, path)


def _prepared(place: Any, stage: Stage) -> None:
    if stage.prepare is None:
        return
    ran = place._procedure(stage.prepare, what="prepare", more={}, whole=False)
    if not ran.ok:
        raise CouldNotLook(f"{place.name} could not be prepared: {told(ran)}")


def _ready(place: Any, stage: Stage) -> None:
    """Wait until its `ready` ends with 0."""
    if stage.ready is None:
        return
    within = stage.within.seconds

    def look() -> str:
        ran = place.procedure(stage.ready, what="ready", within=within)
        return "" if ran.ok else told(ran)

    if why := until(look, within):
        raise CouldNotLook(f"{place.name} was not ready within {within:g} s: {why}")


def told(ran: Any) -> str:
    """How a procedure ended, in a line."""
    lacking = f"; not there: {', '.join(ran.lacking)}" if ran.lacking else ""
    said = ran.last_words[:300]
    return f"{ran.what} {ran.ending}{lacking}" + (f"; its last words: {said}" if said else "")
