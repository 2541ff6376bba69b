"""Where secrets were seen: on every surface of a service, in files, in a repository. Each surface is searched once a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from seatrial.facts.leak import Leaks, Place
from seatrial.words import CouldNotLook, Missing, seen

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.subjects import Subject

__all__ = ["LAST", "NOUNS", "PART", "look"]

PART = "leaks"
OF_SERVICES = ("inspection", "processes", "pages", "stored")
LAST = True
"""Searching large texts keeps this process busy, and what others measure meanwhile would be late."""
NOUNS = (*OF_SERVICES, "secret_file", "repository", "known_secret")


def look(session: Session, runtime: Runtime | Missing, subject: Subject) -> Leaks:
    """What was searched on one subject, and what was found."""
    from seatrial.looks import _secrets_files, _secrets_repository

    if subject.noun in OF_SERVICES:
        return Leaks(_service(session, runtime, subject.service))
    if subject.noun == "secret_file":
        return Leaks((_secrets_files.secret_file(session, runtime, subject),))
    if subject.noun == "repository":
        return Leaks(tuple(_secrets_repository.repository(session, subject)))
    return Leaks(_everywhere(session, runtime, subject))


def _service(session: Session, runtime: Runtime | Missing, service: str) -> tuple[Place, ...]:
    """Every surface of a service. What can't be seen of one surface hides nothing of another."""
    return session.once(("surfaces", service), lambda: tuple(_surfaces(session, runtime, service)))


def _surfaces(session: Session, runtime: Runtime | Missing, service: str) -> list[Place]:
    from seatrial.looks._secrets_pages import pages
    from seatrial.looks._secrets_processes import processes
    from seatrial.looks._secrets_stored import stored

    node, driver = session.profile.services[service], session.profile.target.driver
    found = pages(session, service) if node.url is not None else []
    if node.external or driver not in ("docker", "process"):
        return found
    called = ("process environment", "arguments")
    if driver == "process":
        found += _seen(service, called, lambda: processes(session, seen(runtime), service))
    else:
        shown = ("image", "labels", "environment", "log", *called)
        found += _seen(service, shown, lambda: _contained(session, seen(runtime), service))
    return found + _seen(service, ("file",), lambda: stored(session, seen(runtime), service))


def _seen(service: str, surfaces: tuple[str, ...], make: Callable[[], list[Place]]) -> list[Place]:
    try:
        return make()
    except CouldNotLook as why:
        return [Place(surface, service, Missing(why.reason, why.right), service) for surface in surfaces]


def _contained(session: Session, runtime: Runtime, service: str) -> list[Place]:
    from seatrial.drivers import _docker_endpoint
    from seatrial.drivers._docker_api import Api
    from seatrial.looks._secrets_containers import containers

    api = Api(session, _docker_endpoint.find(session))
    try:
        return containers(session, api, runtime, service)
    finally:
        api.close()


def _everywhere(session: Session, runtime: Runtime | Missing, subject: Subject) -> tuple[Place, ...]:
    """One known secret, wherever this run looks; the others are none of its business.

    Raises:
        CouldNotLook: its value can't be had.
    """
    name = str(subject.path[-1])
    session.resolve(subject.node.value)
    found = [_value(session, name)]
    for place in _all_places(session, runtime):
        if isinstance(place.leaks, Missing):
            found.append(place)
        elif mine := tuple(leak for leak in place.leaks if leak.known == name):
            found.append(replace(place, leaks=mine))
    if len(found) == 1:
        found.append(Place("all", "every surface of this run"))
    return tuple(found)


def _value(session: Session, name: str) -> Place:
    """The value itself, judged as a password would be."""
    from seatrial.looks._secrets import place
    from seatrial.scan import scan_pairs

    values = [secret.reveal() for known, secret in session.known if known == name]
    if not values:
        raise CouldNotLook(f"the value of secrets.known.{name} is empty", right=f"a value for {name}")
    return place("value", name, [hit for hit in scan_pairs([("PASSWORD", values[0])]) if hit.weak])


def _all_places(session: Session, runtime: Runtime | Missing) -> list[Place]:
    """Every place that this profile makes this run look at."""
    from seatrial.profile.subjects import subjects

    found: list[Place] = []
    for service in session.profile.services:
        found += _service(session, runtime, service)
    for noun in ("secret_file", "repository"):
        for subject in subjects(session.profile, noun)[0]:
            try:
                found += look(session, runtime, subject).places
            except CouldNotLook as why:
                found.append(Place(noun.replace("_", " "), subject.id, Missing(why.reason, why.right)))
    return found
