"""Unloaded latency of single requests: this run's, and that of the last run on the same class of hardware."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.words import Missing

__all__ = ["Baselines", "Unloaded"]


@dataclass(frozen=True, slots=True)
class Unloaded:
    """One endpoint, asked again and again with nothing else going on, each time on a new connection."""

    name: str
    """``api.readiness``, ``api GET /notes``."""
    seconds: tuple[float, ...] | Missing
    """Of each round, in order: from the attempt to connect to the last byte."""
    before: tuple[float, ...] | Missing | None = None
    """Those of the run it is compared with; None where no earlier run has it."""
    failed: str = ""
    """What came in place of an answer as declared: ``HTTP 503``; then no round after it was made."""


@dataclass(frozen=True, slots=True)
class Baselines:
    """Every endpoint, once a run."""

    class_: str
    """Name of the class of hardware: that of the profile, or one made of architecture, processors and memory."""
    endpoints: tuple[Unloaded, ...]
    file: str | Missing = ""
    """Where it was saved, in pytest-benchmark's form."""
    compared: str = ""
    """File and date of the run it is compared with; empty for the first."""
    control: tuple[Unloaded, ...] = ()
    """How quiet it was here, before and after the rest: ``nothing, …`` is a server on this machine that does nothing, asked in the
    same way; ``work, …`` a fixed piece of work."""
    machine: str | Missing = Missing("not looked at")
    """The target's hardware, in a line."""
