"""Drivers: how a target is reached. One module each, found by scanning this package.

A driver module has

``RIGHTS``
    what it must be allowed to do, by tier, one line each, for ``--plan``;
``identity(session) -> str``
    what the target is identified by, from one cheap call;
``observe(session) -> Runtime``
    what runs, each part as facts or as `Missing`; raises `CouldNotLook` when nothing at all can be seen;
``generations(session) -> dict[str, tuple[str, ...]]``
    by service, what tells one incarnation from the next (id and start time), read again at the end of a run;
``hands(session) -> Hands``, ``hands_again(session, told) -> Hands`` (optional)
    what it can do to its target (`safety.acts`), and the same from what a journal kept of it;
``identity_again(session, told) -> str`` (optional)
    who that target is now, where `identity` would need the profile that a journal does not have.

It imports nothing heavy at module level. Every request of a driver goes through `Session.call`, which counts it and
refuses what is above the granted tier.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Secret

if TYPE_CHECKING:
    from pathlib import Path

    from seatrial.profile.model import EnvReference, FileReference, Profile, Service

__all__ = ["AboveTier", "Session", "available", "load"]

T = TypeVar("T")


class AboveTier(CouldNotLook):
    """A driver was asked for more than the run was granted: refused before anything was sent."""


@dataclass(slots=True)
class Session:
    """What one run lets its drivers do and know."""

    profile: Profile
    base: Path
    """Folder of the profile, which relative paths in it start from."""
    resolve: Callable[[str | int | EnvReference | FileReference | None], str]
    """The text of a value or reference of the profile; raises `CouldNotLook` when it can't be had."""
    granted: Tier = Tier.observe
    mask: Callable[[str], str] = str
    """Takes the secrets this run knows out of a text."""
    known: Sequence[tuple[str, Secret]] = ()
    """The secrets that the profile names, and whose values could be had."""
    redact: Callable[[str], str] = str
    """Takes whatever looks like a secret out of a body that is kept."""
    calls: Counter[str] = field(default_factory=Counter)
    timeout: float = 10.0
    """Bound of one request, in seconds."""
    key: str = ""
    """What the target's journals and its lock are kept under."""
    lock: int = -1
    """Descriptor of that lock, when the run holds it."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _made: dict[object, tuple[threading.Lock, list[Any]]] = field(default_factory=dict, repr=False)

    def call(self, driver: str, method: str, tier: Tier = Tier.observe) -> None:
        """Count one request that is about to be sent, or refuse it.

        Raises:
            AboveTier: when ``tier`` is above what the run was granted.
        """
        if tier > self.granted:
            raise AboveTier(f"{driver} {method} needs tier {tier}; this run was granted {self.granted}")
        with self._lock:
            self.calls[f"{driver} {method}"] += 1

    def disturbable(self, service: str) -> Service:
        """A service that experiments may disturb.

        Raises:
            CouldNotLook: there is no such service, or the profile keeps experiments off it.
        """
        node = self.profile.services.get(service)
        if node is None:
            raise CouldNotLook(f"the profile has no service {service}")
        if node.protected or node.external:
            key = "protected" if node.protected else "external"
            raise CouldNotLook(f"{service} must not be disturbed: services.{service}.{key} is declared")
        return node

    def once(self, key: object, make: Callable[[], T]) -> T:
        """What is made for a key: by the first who asks; others wait for it. What fails is tried again."""
        with self._lock:
            lock, made = self._made.setdefault(key, (threading.Lock(), []))
        with lock:
            if not made:
                made.append(make())
            found: T = made[0]
            return found


def available() -> list[str]:
    """The names of the drivers there are."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def load(name: str) -> ModuleType:
    """The driver module of that name.

    Raises:
        CouldNotLook: when this version has no such driver.
    """
    if name not in available():
        raise CouldNotLook(f"this version has no driver {name}; it has {', '.join(available())}")
    return importlib.import_module(f"{__name__}.{name}")
