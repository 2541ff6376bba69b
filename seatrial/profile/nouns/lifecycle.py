"""What operators do to a service while clients use it, as subjects: each thing that its lifecycle declares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from seatrial.profile.subject import Noun, Subject

if TYPE_CHECKING:
    from seatrial.profile.model import Canary, Profile, Service

__all__ = ["CONTAINERS", "KINDS", "NOUNS", "kind_of", "tells"]

KINDS = ("scale", "replace", "upgrade", "rotate")
CONTAINERS = ("scale", "replace")
"""Those that need a driver which makes replicas from a declaration."""
DISTURBING = ("docker", "process")


def kind_of(subject: Subject) -> str:
    """scale, replace, upgrade or rotate."""
    return str(subject.path[3])


def tells(canary: Canary | None) -> bool:
    """Whether a canary's writes can be told apart and found again."""
    return bool(canary and canary.sentinel and canary.read_back)


def _declared(service: Service) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Kind, the rest of the id, and node, of everything a lifecycle declares."""
    node = service.lifecycle
    if node is None:
        return
    if node.scale:
        yield "scale", (), node
    if node.replace:
        yield "replace", (), node
    if node.upgrade or node.rollback:
        yield "upgrade", (), node
    for name, rotation in node.rotate.items():
        yield "rotate", (name,), rotation


def _subjects(noun: str, *kinds: str, writes: bool = False) -> Callable[[Profile], Iterator[Subject]]:
    def find(profile: Profile) -> Iterator[Subject]:
        if profile.target.driver not in DISTURBING:
            return
        for name, service in profile.services.items():
            if service.external or service.one_shot or (writes and not tells(service.canary)):
                continue
            for kind, rest, node in _declared(service):
                if kind in kinds and (kind not in CONTAINERS or profile.target.driver == "docker"):
                    yield Subject(
                        ".".join((name, kind, *rest)), noun, ("services", name, "lifecycle", kind, *rest), node, name
                    )

    return find


_WHERE = "no service that we run and can disturb (driver docker or process) declares lifecycle"

NOUNS = {
    "lifecycle": Noun(_subjects("lifecycle", *KINDS), _WHERE, ("lifecycle",), "lifecycle"),
    "lifecycle_writes": Noun(
        _subjects("lifecycle_writes", *KINDS, writes=True),
        f"{_WHERE} and a canary with sentinel and read_back",
        (),
        "lifecycle",
    ),
    "scaling": Noun(
        _subjects("scaling", "scale"),
        "no service declares lifecycle.scale where its driver can scale (driver docker)",
        (),
        "lifecycle",
    ),
    "replacement": Noun(
        _subjects("replacement", "replace"),
        "no service declares lifecycle.replace where its driver can recreate containers (driver docker)",
        (),
        "lifecycle",
    ),
    "upgrade": Noun(_subjects("upgrade", "upgrade"), f"{_WHERE}.upgrade", (), "lifecycle"),
    "rotation": Noun(_subjects("rotation", "rotate"), f"{_WHERE}.rotate", (), "lifecycle"),
}
