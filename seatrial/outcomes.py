"""What a test's raw result means, and what a run's results add up to. Pure; the only place that decides either.

The rules are design section 4. Nothing is imported from the rest of the engine, so that every reader of a record
(console, JUnit, conformance.json) counts by the same few lines.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum

__all__ = ["Exit", "Level", "Mode", "Outcome", "Raw", "Result", "Tier", "exit_code", "judge", "run_result"]


class Level(StrEnum):
    """How binding a clause is, in the words of RFC 2119."""

    MUST = "MUST"
    MUST_NOT = "MUST NOT"
    SHOULD = "SHOULD"
    SHOULD_NOT = "SHOULD NOT"

    @property
    def binding(self) -> bool:
        """True for MUST and MUST NOT."""
        return self in (Level.MUST, Level.MUST_NOT)


class Tier(IntEnum):
    """How much a test may do to the target; a higher tier includes the lower ones."""

    observe = 0
    write = 1
    load = 2
    disrupt = 3

    def __str__(self) -> str:
        return self.name


class Mode(StrEnum):
    """Why the suite runs; it grants a tier."""

    audit = "audit"
    gate = "gate"
    drill = "drill"

    @property
    def tier(self) -> Tier:
        """The highest tier the mode grants."""
        return {Mode.audit: Tier.observe, Mode.gate: Tier.load, Mode.drill: Tier.disrupt}[self]


class Raw(StrEnum):
    """What happened inside pytest, before level and waiver are looked at."""

    passed = "passed"
    broken = "broken"  # an AssertionError in the call, and nothing else
    error = "error"  # every other exception, in any phase
    absent = "absent"  # the profile declares no such subject
    withheld = "withheld"  # needs a higher tier than granted


class Outcome(StrEnum):
    """What one test instance says of the deployment."""

    passed = "pass"
    violation = "violation"
    advisory = "advisory"
    error = "error"
    not_applicable = "not applicable"
    withheld = "withheld"
    waived = "waived"


def judge(
    raw: Raw, level: Level, *, waived: bool = False, enforce_should: bool = False, proposed: bool = False
) -> Outcome:
    """The outcome of one test instance.

    Args:
        raw: what happened.
        level: the clause's level.
        waived: a live waiver covers this requirement and subject. It covers violations and advisories, never errors.
        enforce_should: SHOULD counts as MUST in this run.
        proposed: no document states what is asked of this subject. It is told, and nobody has promised it: never a violation,
            whatever the level. Where it could not be decided, that is told as it is, and `run_result` leaves it out.
    """
    if raw is Raw.passed:
        return Outcome.passed
    if raw is Raw.absent:
        return Outcome.not_applicable
    if raw is Raw.withheld:
        return Outcome.withheld
    if raw is Raw.error:
        return Outcome.error
    if waived:
        return Outcome.waived
    return Outcome.violation if (level.binding or enforce_should) and not proposed else Outcome.advisory


class Result(StrEnum):
    """What a whole run says of the deployment."""

    success = "success"
    partial = "partial"
    undecided = "undecided"
    failure = "failure"
    nothing = "nothing checked"


class Exit(IntEnum):
    """Exit codes. Worst wins in the order usage, interrupted, failure, undecided, nothing, success."""

    success = 0
    failure = 1
    interrupted = 2
    undecided = 3
    usage = 4
    nothing = 5


_WORST_FIRST = (Exit.usage, Exit.interrupted, Exit.failure, Exit.undecided, Exit.nothing, Exit.success)


def worst(codes: Iterable[int]) -> Exit:
    """The worst of several exit codes; a code of pytest's that we do not know counts as undecided."""
    known = {Exit(code) if code in Exit.__members__.values() else Exit.undecided for code in codes}
    return next((code for code in _WORST_FIRST if code in known), Exit.success)


def run_result(outcomes: Iterable[tuple[Outcome, Level]], proposed: Iterable[Outcome] = ()) -> Result:
    """What the outcomes of a run add up to.

    Args:
        outcomes: each with its clause's level.
        proposed: of what no document states. That it was looked at counts; that it could not be decided, was withheld or is
            waived makes nothing of the run any worse.
    """
    seen = list(outcomes)
    kinds = {outcome for outcome, _ in seen}
    if Outcome.violation in kinds:
        return Result.failure
    if Outcome.error in kinds:
        return Result.undecided
    if not (kinds | set(proposed)) & {Outcome.passed, Outcome.advisory, Outcome.waived}:
        return Result.nothing
    if any(outcome in (Outcome.withheld, Outcome.waived) and level.binding for outcome, level in seen):
        return Result.partial
    return Result.success


def exit_code(result: Result, mode: Mode, *, withheld: bool = False) -> Exit:
    """The exit code of a result.

    Args:
        result: of the run.
        mode: a gate or drill that had to withhold a MUST has not decided; an audit that did is still a success.
        withheld: whether a MUST was withheld (as opposed to waived).
    """
    if result is Result.partial:
        return Exit.undecided if withheld and mode is not Mode.audit else Exit.success
    return {
        Result.success: Exit.success,
        Result.failure: Exit.failure,
        Result.undecided: Exit.undecided,
        Result.nothing: Exit.nothing,
    }[result]
