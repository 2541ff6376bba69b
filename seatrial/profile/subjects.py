"""The subjects a profile gives: the nodes that tests are about, by noun. From the profile alone; nothing is contacted.

A noun is the first parameter of a test function. Adding one is one entry of `NOUNS` and one fixture of the same name. The
nouns of what is disturbed are in the package `nouns`, one module an area.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seatrial.profile.nouns import DISTURBED
from seatrial.profile.subject import Noun, Subject

if TYPE_CHECKING:
    from seatrial.profile.model import Disk, Profile, Service

__all__ = ["NOUNS", "PROBES", "Noun", "Subject", "disks", "spelled", "subjects"]

PROBES = ("liveness", "readiness", "startup", "health")
CONTAINER_DRIVERS = ("docker",)
SOCKET_DRIVERS = ("docker", "process")
"""Drivers that see which sockets listen."""


def _ours(profile: Profile) -> Iterator[tuple[str, Service]]:
    return ((name, service) for name, service in profile.services.items() if not service.external)


def _containers(profile: Profile) -> Iterator[Subject]:
    if profile.target.driver in CONTAINER_DRIVERS:
        for name, service in _ours(profile):
            yield Subject(name, "containers", ("services", name), service, name)


def _endpoints(profile: Profile) -> Iterator[Subject]:
    for name, service in profile.services.items():
        for probe in PROBES:
            if node := getattr(service, probe):
                yield Subject(f"{name}.{probe}", "endpoint", ("services", name, probe), node, name)


def _exposures(profile: Profile) -> Iterator[Subject]:
    for name, service in profile.services.items():
        if service.exposure is not None:
            yield Subject(name, "exposure", ("services", name, "exposure"), service.exposure, name)


def _sockets_seen(profile: Profile, drivers: tuple[str, ...]) -> Iterator[Subject]:
    """Services with declared sockets that we run ourselves, so that a driver sees the real ones."""
    if profile.target.driver in drivers:
        for name, service in _ours(profile):
            if service.exposure is not None:
                yield Subject(name, "exposure", ("services", name, "exposure"), service.exposure, name)


def _publications(profile: Profile) -> Iterator[Subject]:
    for subject in _sockets_seen(profile, CONTAINER_DRIVERS):
        yield replace(subject, noun="publication")


def _listeners(profile: Profile) -> Iterator[Subject]:
    for subject in _sockets_seen(profile, SOCKET_DRIVERS):
        yield replace(subject, noun="listener")


def _all_dependencies(profile: Profile, noun: str, *, optional: bool) -> Iterator[Subject]:
    for name, service in _ours(profile):
        for other, node in (service.depends_on or {}).items():
            needed = profile.services.get(other)
            if node.optional is optional and not (needed and needed.one_shot):  # a job that has ended serves nothing
                yield Subject(f"{name}.{other}", noun, ("services", name, "depends_on", other), node, name)


def _dependencies(profile: Profile) -> Iterator[Subject]:
    return _all_dependencies(profile, "dependency", optional=False)


def _optional_dependencies(profile: Profile) -> Iterator[Subject]:
    return _all_dependencies(profile, "optional_dependency", optional=True)


def _deployment(profile: Profile) -> Iterator[Subject]:
    if profile.target.driver in CONTAINER_DRIVERS:
        yield Subject("target", "deployment", ("target",), profile.target)


def _inspections(profile: Profile) -> Iterator[Subject]:
    for subject in _containers(profile):
        yield replace(subject, noun="inspection")


def _processes(profile: Profile) -> Iterator[Subject]:
    if profile.target.driver in SOCKET_DRIVERS:
        for name, service in _ours(profile):
            yield Subject(name, "processes", ("services", name), service, name)


def _pages(profile: Profile) -> Iterator[Subject]:
    for name, service in profile.services.items():
        if service.url is not None:
            yield Subject(name, "pages", ("services", name), service, name)


def _stored(profile: Profile) -> Iterator[Subject]:
    """Services whose files can be seen: of a container also what is mounted, of a process what is declared."""
    for subject in _processes(profile):
        service = subject.node
        declared = (service.persistence and service.persistence.paths) or (
            service.configuration and service.configuration.files
        )
        if declared or profile.target.driver in CONTAINER_DRIVERS:
            yield replace(subject, noun="stored")


def spelled(node: Any) -> str:
    """A path or a reference, as a subject is called after it."""
    return next((f"{{{kind}: {getattr(node, kind)}}}" for kind in ("env", "file") if hasattr(node, kind)), str(node))


def _secret_files(profile: Profile) -> Iterator[Subject]:
    for index, node in enumerate(profile.secrets.files if profile.secrets else ()):
        yield Subject(spelled(node), "secret_file", ("secrets", "files", index), node)
    for name, service in profile.services.items():
        if service.environment is not None and service.environment.file is not None:
            path = ("services", name, "environment", "file")
            yield Subject(f"{name}.environment.file", "secret_file", path, service.environment.file, name)


def _repositories(profile: Profile) -> Iterator[Subject]:
    if profile.secrets and profile.secrets.repository is not None:
        yield Subject("secrets.repository", "repository", ("secrets", "repository"), profile.secrets.repository)


def _known_secrets(profile: Profile) -> Iterator[Subject]:
    for name, node in (profile.secrets.known if profile.secrets else {}).items():
        yield Subject(f"secrets.{name}", "known_secret", ("secrets", "known", name), node)


def _environments(profile: Profile) -> Iterator[Subject]:
    if profile.target.driver in SOCKET_DRIVERS:
        for name, service in _ours(profile):
            if service.environment is not None:
                yield Subject(
                    f"{name}.environment", "environment", ("services", name, "environment"), service.environment, name
                )


def _container_environments(profile: Profile) -> Iterator[Subject]:
    if profile.target.driver in CONTAINER_DRIVERS:
        for subject in _environments(profile):
            yield replace(subject, noun="container_environment")


def _postgres(profile: Profile) -> Iterator[Subject]:
    for subject in _configurations(profile):
        if subject.node.reports is not None and profile.services[subject.service].protocol == "postgres":
            yield replace(subject, noun="postgres")


def _configurations(profile: Profile) -> Iterator[Subject]:
    for name, service in profile.services.items():
        if (node := service.configuration) is not None:
            yield Subject(f"{name}.configuration", "configuration", ("services", name, "configuration"), node, name)


def _agreements(profile: Profile) -> Iterator[Subject]:
    for name, places in profile.same.items():
        yield Subject(f"same.{name}", "agreement", ("same", name), places)


def _metrics(profile: Profile) -> Iterator[Subject]:
    for name, service in profile.services.items():
        if service.metrics is not None:
            yield Subject(f"{name}.metrics", "metrics", ("services", name, "metrics"), service.metrics, name)


def _hardware(profile: Profile) -> Iterator[Subject]:
    if profile.hardware is not None:
        yield Subject("hardware", "hardware", ("hardware",), profile.hardware)


def disks(profile: Profile) -> list[Disk]:
    """Every declared disk: one, or a list."""
    declared = profile.hardware.disk if profile.hardware else None
    return declared if isinstance(declared, list) else [declared] if declared else []


def _disks(profile: Profile) -> Iterator[Subject]:
    for index, node in enumerate(disks(profile)):
        several = profile.hardware is not None and isinstance(profile.hardware.disk, list)
        path = ("hardware", "disk", index) if several else ("hardware", "disk")
        id = f"{node.service}:{spelled(node.path)}" if node.service else spelled(node.path)
        yield Subject(id, "disk", path, node, node.service or "")


NOUNS: dict[str, Noun] = {
    "containers": Noun(
        _containers, "target.driver is not docker, so that no service runs in containers", ("services",)
    ),
    "endpoint": Noun(_endpoints, f"no service declares {', '.join(PROBES)}", PROBES, "endpoint"),
    "exposure": Noun(_exposures, "no service declares exposure", ("exposure",)),
    "publication": Noun(
        _publications, "no service with exposure runs in containers, so that no engine publishes ports", ()
    ),
    "listener": Noun(
        _listeners, "no service with exposure runs where its sockets can be seen (driver docker or process)", ()
    ),
    "dependency": Noun(
        _dependencies, "no service that we run declares a depends_on that is not optional", ("depends_on",)
    ),
    "optional_dependency": Noun(
        _optional_dependencies, "no service that we run declares an optional depends_on", ("depends_on",)
    ),
    "deployment": Noun(
        _deployment, "target.driver is not docker, so that there are no containers to compare", ("target",)
    ),
    "inspection": Noun(
        _inspections,
        "target.driver is not docker, so that no engine shows what its containers were given",
        ("secrets",),
    ),
    "processes": Noun(
        _processes, "no service that we run where its processes can be seen (driver docker or process)", ("secrets",)
    ),
    "pages": Noun(_pages, "no service declares url", ("secrets",)),
    "stored": Noun(_stored, "no service that we run declares persistence.paths or configuration.files", ("secrets",)),
    "secret_file": Noun(_secret_files, "neither secrets.files nor any environment.file is declared", ("secrets",)),
    "repository": Noun(_repositories, "secrets.repository is not declared", ("secrets",), "profile"),
    "known_secret": Noun(_known_secrets, "secrets.known is not declared", ("secrets",), "profile"),
    "environment": Noun(_environments, "no service that we run declares environment", ("environment",), "environment"),
    "container_environment": Noun(
        _container_environments, "no service that runs in containers declares environment", ()
    ),
    "postgres": Noun(_postgres, "no service with protocol postgres declares configuration.reports", ()),
    "configuration": Noun(_configurations, "no service declares configuration", ("configuration",), "configuration"),
    "agreement": Noun(_agreements, "same is not declared", ("same",), "profile"),
    "metrics": Noun(_metrics, "no service declares metrics", ("metrics",)),
    "hardware": Noun(_hardware, "hardware is not declared", ("hardware",), "hardware section"),
    "disk": Noun(_disks, "hardware.disk is not declared", (), "disk"),
    **DISTURBED,
}


def _has(node: Any, dotted: str) -> bool:
    """Whether a node declares a key; ``required.*.type`` means that of any entry of a mapping or a list."""
    head, star, tail = dotted.partition(".*.")
    for key in head.split("."):
        node = getattr(node, key, None)
        if node is None or node == [] or node == {}:
            return False
    entries = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return not star or any(_has(entry, tail) for entry in entries)


def subjects(profile: Profile, noun: str, needs: str = "") -> tuple[list[Subject], str]:
    """The subjects of a noun that declare what a requirement needs.

    Args:
        noun: a key of `NOUNS`.
        needs: dotted keys below the subject's node; several, separated by ``|``, mean any of them.

    Returns:
        The subjects, and, when there are none, the reason, which names the missing key.
    """
    kind = NOUNS[noun]
    found = list(kind.find(profile))
    if not found:
        return [], kind.lacking
    chosen = [subject for subject in found if not needs or any(_has(subject.node, key) for key in needs.split("|"))]
    return chosen, "" if chosen else f"no {kind.word} declares {needs.replace('|', ' or ')}"
