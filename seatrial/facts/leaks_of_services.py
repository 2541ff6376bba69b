"""What the surfaces of one service hold that they must not: of its containers, its processes, its pages, its files."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.facts.leak import PRIVATE_KEY, Leak, Place
from seatrial.facts.leaks_judged import Searched
from seatrial.words import Finding

__all__ = ["DEBUGGER", "TRACE", "Inspection", "Pages", "Processes", "Stored"]

TRACE = "stack trace"
DEBUGGER = "debugger"
FAULTS = (TRACE, DEBUGGER)


def _any(_place: Place, _leak: Leak) -> bool:
    return True


def _not_declared(place: Place, leak: Leak) -> bool:
    return leak.known not in place.holds


@dataclass(frozen=True, slots=True)
class Inspection(Searched):
    """What an engine shows of a service's containers to everyone who may ask it."""

    @property
    def image_secrets(self) -> list[Finding]:
        """Secrets in the history, the labels and the environment of the image."""
        return self._found("image", wrong=_any)

    @property
    def label_secrets(self) -> list[Finding]:
        """Secrets in labels that were given to the container."""
        return self._found("labels", wrong=_any)

    @property
    def environment_secrets(self) -> list[Finding]:
        """Secrets in the environment that the container was created with."""
        return self._found("environment", wrong=_not_declared)

    @property
    def log_secrets(self) -> list[Finding]:
        """Secrets in the last lines of the log, and in what healthchecks printed."""
        return self._found("log", wrong=_any)


@dataclass(frozen=True, slots=True)
class Processes(Searched):
    """What the processes of a service were called with."""

    @property
    def argument_secrets(self) -> list[Finding]:
        """Secrets among arguments."""
        return self._found("arguments", wrong=_any)

    @property
    def weak_secrets(self) -> list[Finding]:
        """Secrets in the effective environment whose value protects nothing."""
        return self._found("environment", "process environment", wrong=lambda _, leak: bool(leak.weak))


@dataclass(frozen=True, slots=True)
class Pages(Searched):
    """What a service answers over HTTP."""

    @property
    def secrets(self) -> list[Finding]:
        """Secrets in its pages."""
        return self._found("page", wrong=lambda _, leak: leak.kind not in FAULTS)

    @property
    def stack_traces(self) -> list[Finding]:
        """Pages that show how the program stood when it failed."""
        return self._found("page", wrong=lambda _, leak: leak.kind == TRACE)

    @property
    def debuggers(self) -> list[Finding]:
        """Pages of a framework's debug mode."""
        return self._found("page", wrong=lambda _, leak: leak.kind == DEBUGGER)


@dataclass(frozen=True, slots=True)
class Stored(Searched):
    """Files of a service: its data, its configuration, what is mounted from the host."""

    @property
    def open_keys(self) -> list[Finding]:
        """Private keys that others can read."""
        return self._found("file", wrong=lambda place, leak: _open(place) and leak.kind == PRIVATE_KEY, decided=_closed)

    @property
    def open_secrets(self) -> list[Finding]:
        """Passwords and tokens in configuration files that others can read."""
        return self._found("file", wrong=lambda place, leak: _open(place) and leak.kind != PRIVATE_KEY, decided=_closed)


def _closed(place: Place) -> bool:
    """Whatever is in it, nobody else reads it."""
    return place.rights is not None and not place.rights.readable


def _open(place: Place) -> bool:
    return place.rights is not None and place.rights.readable
