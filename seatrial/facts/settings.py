"""What a deployment is really told: environment, configuration files, and what servers report.

No value that may be a secret is in here: what is kept of one is a class of its length and a keyed fingerprint, by which the
values of two places can still be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.words import Missing

__all__ = ["Environ", "File", "Place", "Server", "Settings", "Stated"]


@dataclass(frozen=True, slots=True)
class Stated:
    """One value that a place states."""

    name: str
    """Variable, setting, or JMESPath expression."""
    seen: str
    """As it may be told: ``not set``, ``empty``, ``"info"``, ``a value of 8 to 15 characters, fingerprint 3f…``."""
    mark: str = ""
    """Fingerprint of the value in its normal form; empty when nothing is set."""
    wanted: str = ""
    """What it must be, as it may be told; empty when nothing is declared of it."""
    right: bool | None = None
    """Whether it is so; None when nothing is declared of it."""


@dataclass(frozen=True, slots=True)
class Environ:
    """The environment of one main process."""

    where: str
    variables: tuple[Stated, ...] | Missing
    """Those that the profile names."""
    values: tuple[Stated, ...] = ()
    """Against the values that are declared."""
    allowed: tuple[Stated, ...] = ()
    """Against the values that are allowed."""
    file: tuple[Stated, ...] | Missing = ()
    """Against the env file."""
    created: tuple[Stated, ...] | Missing = ()
    """Against what its container was created with."""


@dataclass(frozen=True, slots=True)
class File:
    """One configuration file."""

    where: str
    problem: str = ""
    """Why it is not of its format, and where; empty when it is."""
    schema: tuple[str, ...] | Missing = ()
    """Where it breaks its JSON Schema."""
    values: tuple[Stated, ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """What one server says of itself."""

    where: str
    version: str = ""
    recent: bool | None = None
    """Whether the version is the declared one or later; None when none is declared or told."""
    settings: tuple[Stated, ...] = ()
    pending: tuple[str, ...] = ()
    """Settings that were changed and wait for a restart."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place that must state what others state."""

    where: str
    stated: Stated | Missing


@dataclass(frozen=True, slots=True)
class Settings:
    """What was read for one subject; which parts, follows from what the subject is."""

    environs: tuple[Environ, ...] = ()
    files: tuple[File | Missing, ...] = ()
    servers: tuple[Server, ...] | Missing = ()
    places: tuple[Place, ...] = ()
