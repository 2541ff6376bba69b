"""What can be saved, and how it is written and read: one module each, found by scanning this package.

A module has

``KEY``
    the key of `backing.Store` it is for, which is the module's name too;
``SECONDS``
    how long opening, seeding and reading it take, together, for ``--plan``;
``open(place, node) -> Store``
    the store of that node in a place; raises `CouldNotLook`.

It imports nothing heavy at module level. Nothing is judged here.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from seatrial.facts.backups.drill import Fingerprint
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drills.place import Place

__all__ = ["PREFIX", "Content", "Item", "Store", "declared", "key_of", "module_of", "open_store", "stores"]

PREFIX = "seatrial"
"""What the names of all sentinels begin with, where the store has names."""


@dataclass(frozen=True, slots=True)
class Item:
    """One object, as the store's own read interface gives it."""

    digest: str
    """sha256 of its content in a form that does not depend on where it lies."""
    size: int
    """Bytes of that form."""
    what: str = ""
    """What sort of thing it is: ``string``, ``folder``, ``row of notes``."""
    attributes: tuple[tuple[str, str], ...] = ()
    """What else must come back: mode, owner, time, expiry. Sorted by name. An empty value can't be told there, and is compared
    with nothing.
    """


@dataclass(frozen=True, slots=True)
class Content:
    """All objects of a store at one moment, by name."""

    items: dict[str, Item] = field(default_factory=dict)

    def fingerprint(self) -> Fingerprint:
        """One digest of all of it."""
        whole = hashlib.sha256()
        for name in sorted(self.items):
            item = self.items[name]
            whole.update(f"{name}\0{item.digest}\0{item.attributes}\n".encode("utf-8", "surrogateescape"))
        return Fingerprint(whole.hexdigest(), len(self.items), sum(item.size for item in self.items.values()))


class Store(Protocol):
    """Something that keeps objects. Every method raises `CouldNotLook` when it can't be done."""

    place: Place
    places: int
    """In how many places a writer writes in turn."""

    def identity(self) -> str:
        """What tells this server, or folder, from every other: two stores of one identity are one."""

    def ready(self) -> None:
        """Returns when it can be read; raises at once when it can't."""

    def seed(self, size: int) -> dict[str, str]:
        """Write sentinels that differ in every attribute that a backup or a maintenance job could select by, with relations
        between them, and enough beside them that all is at least ``size`` bytes. Gives what each is, by its name in `content`.
        """

    def removed(self) -> tuple[str, ...]:
        """Write sentinels, remove them again, and give their names: they must stay gone."""

    def aged(self, seconds: float) -> dict[str, str]:
        """Write sentinels that are as old as that, as far as the store can hold such a thing; empty where it can't."""

    def content(self) -> Content:
        """Everything it holds, through its own read interface."""

    def usable(self) -> str:
        """Why it does not answer or take a write now; empty when it does. What was written for that is removed again."""

    def step(self, number: int) -> None:
        """The write of that number (from 1) of a writer: ``number`` goes to place ``(number - 1) % places``, and is acknowledged
        when this returns.
        """

    def steps(self) -> tuple[int, ...]:
        """The number that each of those places holds; 0 where there is none."""

    def unseed(self) -> None:
        """Take away all that was written by these methods; done twice it does no harm."""


def stores() -> list[str]:
    """The keys of the store modules there are."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def key_of(node: Any) -> str:
    """Which of its kinds a `backing.Store` declares.

    Raises:
        CouldNotLook: not exactly one.
    """
    declared = [key for key in type(node).model_fields if getattr(node, key) is not None]
    if len(declared) != 1:
        raise CouldNotLook(
            f"a store is exactly one of {', '.join(type(node).model_fields)}, not {', '.join(declared) or 'none'}"
        )
    return str(declared[0])


def module_of(node: Any) -> ModuleType:
    """The module of the kind that a `backing.Store` declares.

    Raises:
        CouldNotLook: there is none in this version.
    """
    key = key_of(node)
    if key not in stores():
        raise CouldNotLook(f"this version can't read a store of kind {key}; it reads {', '.join(stores())}")
    return importlib.import_module(f"{__name__}.{key}")


def declared(backup: Any, stage: Any) -> Any:
    """How what a backup saves is read in a stage, or in the deployment where that is None: a `backing.Store`, or None."""
    return (stage.store if stage is not None else None) or backup.store


def open_store(place: Place, node: Any) -> Store:
    """The store that a `backing.Store` declares, in a place."""
    store: Store = module_of(node).open(place, getattr(node, key_of(node)))
    return store
