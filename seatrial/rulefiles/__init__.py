"""Files of alerting and recording rules: read with the place of everything, and held to what Prometheus accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.facts.alerts.rules import Group, Problem

__all__ = ["read"]


def read(text: str, path: str = "", version: str = "") -> tuple[tuple[Group, ...], tuple[Problem, ...]]:  # noqa: ARG001
    """The groups of a rule file, and what is wrong with it, for a Prometheus of that version; see `reading.read`.

    ``path`` is what the file is called, for a reader of the call: places in problems are of its text.
    """
    from seatrial.rulefiles import reading

    return reading.read(text, version)
