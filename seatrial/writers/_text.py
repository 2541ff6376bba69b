"""A check in words: the same few lines for the console and for JUnit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seatrial.outcomes import Outcome

if TYPE_CHECKING:
    from seatrial.record import Check

__all__ = ["block", "harmless", "headline", "told"]

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """The text without characters that a terminal obeys: escape sequences, and marks that reverse the writing."""
    return _CONTROL.sub("�", text)


def headline(check: Check) -> str:
    """One line: what is wrong, or why nothing is said."""
    if check.outcome is Outcome.error:
        return f"{check.id}: could not look: {check.reason}"
    if check.outcome in (Outcome.not_applicable, Outcome.withheld):
        return f"{check.id}: {check.outcome.value}: {check.reason}"
    return f"{check.id} {check.level}: {check.title}"


def told(check: Check) -> list[tuple[str, str]]:
    """What differs from subject to subject, as (label, text)."""
    lines = [("where", f"{check.subject} ({check.where})" if check.where else check.subject)]
    if check.outcome is Outcome.error:
        lines.append(("reason", check.reason))
        if check.right:
            lines.append(("needs", check.right))
        lines += [("at", frame) for frame in check.trace]
        return lines
    if check.expected:
        lines.append(("expected", check.expected))
    lines += [("seen" if number == 0 else "", seen) for number, seen in enumerate(check.seen)]
    if check.outcome is Outcome.waived:
        lines.append(("waived", check.reason))
    if check.see:
        lines.append(("by hand", check.see))
    return lines


def block(check: Check) -> list[str]:
    """A check whole, a line each."""
    if check.outcome in (Outcome.passed, Outcome.not_applicable, Outcome.withheld):
        return [check.clause]
    lines = [check.clause, *(f"{label:9} {text}" for label, text in told(check))]
    return [*lines, f"{'fix':9} {check.fix}"]
