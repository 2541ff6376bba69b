"""A check in words, the same for every writer, and text made harmless for those who read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seatrial.outcomes import Outcome, Result

if TYPE_CHECKING:
    from seatrial.record import Check

__all__ = [
    "SIGNS",
    "TOLD",
    "VERDICTS",
    "block",
    "harmless",
    "headline",
    "in_html",
    "in_markdown",
    "told",
    "upper_first",
]

SIGNS = {
    Outcome.passed: "✓",
    Outcome.violation: "✕",
    Outcome.advisory: "!",
    Outcome.error: "?",
    Outcome.not_applicable: "–",
    Outcome.withheld: "○",
    Outcome.waived: "~",
}
"""Beside the word and the colour, so that none of the three carries the meaning alone."""
VERDICTS = {Result.success: "✓", Result.partial: "~", Result.undecided: "?", Result.failure: "✕", Result.nothing: "–"}
TOLD = {
    "yes": Outcome.passed,
    "no": Outcome.violation,
    "unknown": Outcome.error,
    "unasked": Outcome.not_applicable,
}
"""The outcome that an alert's state looks like."""
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_MARKUP = re.compile(r"[\\`*_\[\]<>#|~$&]")
_LINKED = re.compile(r"(?<=@)(?=[A-Za-z0-9])|(?<=\\#)(?=[0-9])|(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)


def harmless(text: str) -> str:
    """The text without characters that a terminal obeys, marks that reverse the writing, and halves of characters."""
    return _CONTROL.sub("�", text)


def upper_first(text: str) -> str:
    """The text as a sentence begins; a name that it begins with, like ``api.readiness`` or a path, stays as it is."""
    word = text.partition(" ")[0].rstrip(".,:;")
    return text if re.search(r"[._/`=-]", word) else text[:1].upper() + text[1:]


def in_html(text: str) -> str:
    """The text as a page of HTML holds it."""
    from markupsafe import escape

    return str(escape(harmless(text)))


def in_markdown(text: str) -> str:
    """The text as prose of GitHub's Markdown holds it: one line, no markup, and nobody is mentioned or linked by it.

    Where GitHub would make a link, a space of no width stands in between.
    """
    line = _MARKUP.sub(lambda found: "\\" + found[0], harmless(text).replace("\n", " "))
    return _LINKED.sub("&#8203;", line)


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
