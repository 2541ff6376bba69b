"""Unloaded latency of single requests: this run's, and that of the last run on the same class of hardware."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.words import Missing

__all__ = ["Baselines", "Unloaded"]


@dataclass(frozen=True, slots=True)
class Unloaded:
    """One endpoint, asked again and again with nothing else going on."""

    name: str
    """``api.readiness``, ``api GET /notes``."""
    seconds: tuple[float, ...] | Missing
    """Of each round, in order."""
    before: tuple[float, ...] | Missing = Missing("there is no earlier run on this class of hardware")
    """Those of the run it is compared with."""


@dataclass(frozen=True, slots=True)
class Baselines:
    """Every endpoint, once a run."""

    class_: str
    """Name of the class of hardware: that of the profile, or one made of architecture, processors and memory."""
    endpoints: tuple[Unloaded, ...]
    file: str = ""
    """Where it was saved, in pytest-benchmark's form."""
    compared: str = ""
    """File and date of the run it is compared with."""
