"""What one phase of a test comes to: its outcome, by the level, the waiver, and whether any document states it; and all that is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial import waivers as waiving
from seatrial.explain import Operands
from seatrial.interrupts import trace
from seatrial.outcomes import Outcome, Raw, judge
from seatrial.record import Check
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.trial import Trial

__all__ = ["PROPOSED", "judged"]

PROPOSED = "proposed: no document states it"


def judged(
    trial: Trial, node: str, raw: Raw, *, seconds: float, error: BaseException | None, reason: str, right: str
) -> Check:
    """The check that a raw result makes of a test instance."""
    from seatrial.trial import Absent

    instance = trial.instances[node]
    requirement, subject = instance.requirement, instance.subject
    absent = isinstance(subject, Absent)
    level, enforced = trial.level(requirement), trial.options.enforce_should
    proposed = not isinstance(subject, Absent) and subject.proposed
    today = waiving.today()
    waiver = None if absent else waiving.find(trial.profile.waivers, requirement.id, subject.id, today)
    outcome = judge(raw, level, waived=waiver is not None, enforce_should=enforced, proposed=proposed)
    operands = trial.operands if raw is Raw.broken else None
    if raw is Raw.broken and operands is None:
        operands = Operands("", ("the assertion recorded nothing of what it saw",))
    if isinstance(error, CouldNotLook):
        reason, right = error.reason, error.right
        reason += f" ({PROPOSED}; the run is decided without it)" if proposed else ""
    elif error is not None and raw is Raw.error:
        reason = f"{type(error).__name__}: {error}"
    applied = waiver if outcome is Outcome.waived else None
    if applied is not None:
        reason = f"waived until {applied.expires} by {applied.owner}: {applied.reason}"
    seen = (*operands.seen, *([PROPOSED] if proposed else [])) if operands else ()
    place = ("target",) if isinstance(subject, Absent) else subject.path
    return Check(
        id=requirement.id,
        level=level,
        area=requirement.area,
        title=requirement.title,
        clause=requirement.clause,
        subject="" if absent else subject.id,
        outcome=outcome,
        expected=trial.mask(operands.expected) if operands else "",
        seen=tuple(trial.mask(text) for text in seen),
        reason=trial.mask(reason),
        right=right,
        where="" if absent else trial.loaded.where(place),
        see=trial.see(requirement, subject),
        fix=requirement.fix,
        why=requirement.why,
        refs=requirement.refs,
        tier=requirement.tier,
        test=node,
        seconds=seconds,
        raw=judge(raw, level, enforce_should=enforced, proposed=proposed),
        waiver=waiving.use(
            applied, "applied", trial.loaded.where(("waivers", trial.profile.waivers.index(applied))), today
        )
        if applied is not None
        else None,
        trace=trace(error) if error is not None and raw is Raw.error and not isinstance(error, CouldNotLook) else (),
        proposed=proposed,
    )
