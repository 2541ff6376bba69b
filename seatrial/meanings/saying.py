"""Where a rule's texts say other numbers than its declared meaning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seatrial.meanings.documented import leaves
from seatrial.meanings.texts import Claim, claims
from seatrial.meanings.times import ranges

if TYPE_CHECKING:
    from seatrial.facts.alerts.rules import Rule
    from seatrial.profile.alerting import Meaning

__all__ = ["differing"]

_KINDS = {"ratio": "ratio", "duration": "duration"}


def differing(rules: Sequence[Rule], meaning: Meaning) -> tuple[tuple[Rule, str, str], ...]:
    """Each number of a text that contradicts the meaning: the rule, what it says, and what is declared."""
    return tuple((rule, *found) for rule in rules for found in _of(rule, meaning))


def _of(rule: Rule, meaning: Meaning) -> list[tuple[str, str]]:
    told = claims(rule)
    found = [*_bounds(told, meaning), *_times(told, rule, meaning)]
    quantiles = [leaf.quantile.quantile for leaf in leaves(meaning) if leaf.quantile is not None]
    said = [claim for claim in told if claim.role == "quantile"]
    if quantiles and said and not any(_same(c.value, q.value) for c in said for q in quantiles):
        found.append((said[0].text, f"quantile: {quantiles[0]}"))
    return found


def _bounds(told: Sequence[Claim], meaning: Meaning) -> list[tuple[str, str]]:
    """Boundaries of a kind that is declared, none of which is a declared one."""
    declared = [
        (role, bound)
        for leaf in leaves(meaning)
        for role, bound in (("above", leaf.above), ("below", leaf.below))
        if bound is not None
    ]
    found = []
    for kind in _KINDS:
        mine = [(role, bound) for role, bound in declared if bound.kind == kind]
        said = [claim for claim in told if claim.role in ("above", "below") and claim.unit == kind]
        if mine and said and not any(_same(claim.value, bound.value) for claim in said for _, bound in mine):
            found.append((said[0].text, f"{mine[0][0]}: {mine[0][1]}"))
    return found


def _times(told: Sequence[Claim], rule: Rule, meaning: Meaning) -> list[tuple[str, str]]:
    """Times that are neither how long it lasts nor over how long is counted."""
    said = [claim for claim in told if claim.role == "for"]
    lasting = [each.lasting for each in (meaning, *leaves(meaning)) if each.lasting is not None]
    if not said or not lasting:
        return []
    windows = [leaf.window.seconds for leaf in leaves(meaning) if leaf.window is not None]
    known = [*(each.seconds for each in lasting), *windows, *ranges([rule])]
    wrong = [claim for claim in said if not any(_same(claim.value, each) for each in known)]
    return [(wrong[0].text, f"for: {lasting[0]}")] if wrong else []


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-6)
