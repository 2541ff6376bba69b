"""What a dashboard's file asks a Prometheus. It is only read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from seatrial.looks._files import content
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.alerts.dashboard import Dashboard
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.subjects import Subject

__all__ = ["LARGEST", "NOUNS", "PART", "RIGHTS", "look"]

PART = "dashboards"
NOUNS = ("dashboard",)
RIGHTS = {Tier.observe: "read the declared dashboards"}
LARGEST = 16 * 1024 * 1024
"""Bytes of a dashboard's file that are read."""


def look(session: Session, _runtime: Runtime | Missing, subject: Subject) -> Dashboard:
    """One dashboard.

    Raises:
        CouldNotLook: its file can't be read.
    """
    from seatrial.looks._dashboard_json import read

    raw = content(session.base / str(subject.node), subject.id, LARGEST, "dashboard")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as why:
        raise CouldNotLook(f"{subject.id} is no UTF-8 at byte {why.start}") from None
    return replace(read(session.mask(text), subject.id), recorded=_recorded(session))


def _recorded(session: Session) -> tuple[str, ...] | Missing:
    """Names that the declared rule files record: they exist, whether or not anything has evaluated them."""
    from seatrial.looks.rules import rule_files

    names: set[str] = set()
    for found in rule_files(session).values():
        if isinstance(found, Missing):
            return found
        names.update(rule.name for rule in found.rules if rule.kind == "record")
    return tuple(sorted(names))
