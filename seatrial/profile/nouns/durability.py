"""State that must survive as subjects: each service that declares what its data outlives, and each thing it outlives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from seatrial.profile.subject import Noun, Subject

if TYPE_CHECKING:
    from seatrial.profile.model import Profile

__all__ = ["ACTS", "NOUNS", "act_of", "witness"]

ACTS = {"kill": "killed", "restart": "restarted", "recreate": "recreated"}
"""What data may outlive, which is the act that is done, and what reports call it."""
DISTURBING = {"docker": ("kill", "restart", "recreate"), "process": ("kill", "restart")}
"""What each driver that can disturb can do here: a process is not made anew from a declaration."""


def act_of(subject: Subject) -> str:
    """kill, restart or recreate."""
    return subject.id.rpartition(".")[2]


def witness(profile: Profile, name: str) -> str | None:
    """The service whose canary shows whether the data of a service is there.

    Its own canary, else that of the first service that needs it; a canary that can tell its own sentinel goes first.
    """
    needing = [other for other, service in profile.services.items() if name in (service.depends_on or {})]
    found = [each for each in (name, *needing) if profile.services[each].canary is not None]
    telling = (each for each in found if (node := profile.services[each].canary) and node.sentinel and node.read_back)
    return next(telling, found[0] if found else None)


def _survivals(noun: str, *acts: str, removing: bool = False) -> Callable[[Profile], Iterator[Subject]]:
    def find(profile: Profile) -> Iterator[Subject]:
        able = DISTURBING.get(profile.target.driver, ())
        for name, service in profile.services.items():
            node = service.persistence
            if node is None or service.external or service.one_shot or (by := witness(profile, name)) is None:
                continue
            canary = profile.services[by].canary
            for act in node.survives:
                if act in acts and act in able and not (removing and (canary is None or canary.remove is None)):
                    path = ("services", name, "persistence", "survives")
                    yield Subject(f"{name}.survives.{act}", noun, path, node, name)

    return find


_LACKING = (
    "no service that we run, and whose data a canary (its own, or that of a service that depends on it) can show, "
    "declares {} in persistence.survives, where its driver can do that ({})"
)
_BOTH = "driver docker or process"

NOUNS = {
    "survival_of_kill": Noun(
        _survivals("survival_of_kill", "kill"), _LACKING.format("kill", _BOTH), ("persistence",), "persistence"
    ),
    "survival_of_restart": Noun(
        _survivals("survival_of_restart", "restart"), _LACKING.format("restart", _BOTH), ("persistence",), "persistence"
    ),
    "survival_of_recreation": Noun(
        _survivals("survival_of_recreation", "recreate"),
        _LACKING.format("recreate", "driver docker"),
        ("persistence",),
        "persistence",
    ),
    "survival_of_removal": Noun(
        _survivals("survival_of_removal", *ACTS, removing=True),
        _LACKING.format("anything", _BOTH) + ", or that canary declares no remove",
        (),
        "persistence",
    ),
}
