"""What probes are tried under: faults of dependencies, each of them; overload; the first run of the slowest call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from seatrial.profile.subject import Noun, Subject

if TYPE_CHECKING:
    from seatrial.profile.model import Canary, Profile, Service

__all__ = ["DISTURBING", "FAULTS", "LASTING", "LOADED", "NOUNS", "OUTAGES", "SLOWEST", "fault_of", "overload_call"]

FAULTS = {"stopped": "stop", "hung": "hang", "slow": "slow"}
"""What a fault is called, and the act that makes it."""
LASTING = ("stopped", "hung")
"""Faults during which nothing gets an answer. A slow dependency may give a lucky one in between."""
DISTURBING = ("docker", "process")
"""Drivers that can disturb."""


def fault_of(subject: Subject) -> tuple[str, str]:
    """The fault and the dependency that a subject is about."""
    return subject.id.rpartition(".")[2], str(subject.path[-1])


def overload_call(service: Service) -> tuple[Canary, bool] | None:
    """The call a service is overloaded with, and whether the canary must be made once before, as what it reads is written by it.

    A call that writes is used when what it wrote can be told from everything else and taken away; else the one that reads it
    back. None when that is not declared: an overload must leave nothing behind.
    """
    node = service.canary
    if node is None:
        return None
    if node.get is not None or node.only_reads or (node.sentinel is not None and node.remove is not None):
        return node, False
    back = node.read_back
    return (back, True) if back is not None and (back.get is not None or back.only_reads) else None


def _disturbed(profile: Profile) -> Iterator[tuple[str, Service]]:
    """Services that we run where they can be disturbed."""
    if profile.target.driver in DISTURBING:
        yield from (
            (name, service)
            for name, service in profile.services.items()
            if not service.external and not service.one_shot
        )


def _outages(
    noun: str,
    *,
    declares: tuple[str, ...],
    optional: bool | None = None,
    faults: tuple[str, ...] = tuple(FAULTS),
    drivers: tuple[str, ...] = DISTURBING,
    of_service: bool = False,
) -> Callable[[Profile], Iterator[Subject]]:
    """The subjects of a noun: each fault of each dependency.

    Args:
        noun: its name.
        declares: the service declares one of these.
        optional: the dependency is; either when None.
        faults: which.
        drivers: which target.
        of_service: the node is the service's, so that a requirement can name what else it needs of it.
    """

    def find(profile: Profile) -> Iterator[Subject]:
        if profile.target.driver not in drivers:
            return
        for name, service in _disturbed(profile):
            if all(getattr(service, probe) is None for probe in declares):
                continue
            for other, node in (service.depends_on or {}).items():
                needed = profile.services.get(other)
                if optional not in (None, node.optional) or (needed and needed.one_shot):
                    continue
                for fault in faults:
                    path = ("services", name, "depends_on", other)
                    yield Subject(f"{name}.{other}.{fault}", noun, path, service if of_service else node, name)

    return find


def _overloads(profile: Profile) -> Iterator[Subject]:
    for name, service in _disturbed(profile):
        if not service.protected and overload_call(service) and (service.liveness or service.readiness):
            yield Subject(f"{name}.overload", "overload", ("services", name, "canary"), service, name)


def _slowest(profile: Profile) -> Iterator[Subject]:
    for name, service in _disturbed(profile):
        if service.slowest is not None and service.liveness is not None:
            yield Subject(f"{name}.slowest", "slowest_call", ("services", name, "slowest"), service, name)


OURS = "no service that we run and can disturb declares"
OUTAGES = {
    "outage": Noun(
        _outages("outage", declares=("readiness",), optional=False),
        f"{OURS} readiness and a required depends_on",
        ("depends_on",),
        "dependency",
    ),
    "lasting_outage": Noun(
        _outages("lasting_outage", declares=("readiness",), optional=False, faults=LASTING),
        f"{OURS} readiness and a required depends_on",
        (),
        "dependency",
    ),
    "optional_outage": Noun(
        _outages("optional_outage", declares=("readiness",), optional=True),
        f"{OURS} readiness and an optional depends_on",
        ("depends_on",),
        "dependency",
    ),
    "any_outage": Noun(
        _outages("any_outage", declares=("liveness", "readiness", "health"), of_service=True),
        f"{OURS} liveness, readiness or health, and a depends_on",
        (),
    ),
    "any_unready": Noun(
        _outages("any_unready", declares=("readiness",), of_service=True),
        f"{OURS} readiness and a depends_on",
        (),
    ),
    "required_outage": Noun(
        _outages("required_outage", declares=("health",), optional=False, of_service=True),
        f"{OURS} health and a required depends_on",
        (),
    ),
    "twin_outage": Noun(
        _outages("twin_outage", declares=("readiness",), optional=False, of_service=True),
        f"{OURS} readiness and a required depends_on",
        (),
    ),
    "checked_outage": Noun(
        _outages("checked_outage", declares=("liveness", "readiness"), drivers=("docker",), of_service=True),
        "no service that runs in containers declares liveness or readiness, and a depends_on",
        (),
    ),
}
"""Faults of dependencies, chosen by what a requirement is about. The same id is the same experiment."""
LOADED = {
    "overload": Noun(
        _overloads,
        f"{OURS} liveness or readiness and a canary that leaves nothing behind: a GET, only_reads, sentinel with remove, "
        "or a read_back that is a GET",
        (),
    ),
}
SLOWEST = {"slowest_call": Noun(_slowest, f"{OURS} liveness and slowest", ())}
NOUNS = {**OUTAGES, **LOADED, **SLOWEST}
