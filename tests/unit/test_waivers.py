from __future__ import annotations

import datetime as dt

import pytest

from seatrial.outcomes import Level, Outcome
from seatrial.profile.model import Waiver
from seatrial.record import Check
from seatrial.waivers import find, states

ON = dt.date(2026, 6, 1)


def waiver(expires="2026-06-30", subject="api", requirement="CTR-001"):
    return Waiver.model_validate(
        {"requirement": requirement, "subject": subject, "reason": "next image", "owner": "@ops", "expires": expires}
    )


def check(outcome, subject="api", id="CTR-001"):
    return Check(id=id, level=Level.MUST, area="containers", title="", clause="", subject=subject, outcome=outcome)


@pytest.mark.parametrize(
    ("expires", "applies"),
    [("2026-06-02", True), ("2026-06-01", True), ("2026-05-31", False)],
    ids=["before", "last-day", "after"],
)
def test_a_waiver_holds_through_its_last_day(expires, applies):
    assert (find([waiver(expires)], "CTR-001", "api", ON) is not None) == applies


def test_a_waiver_covers_its_requirement_and_subject_alone():
    assert find([waiver()], "CTR-002", "api", ON) is None
    assert find([waiver()], "CTR-001", "redis", ON) is None
    assert find([waiver(subject="*")], "CTR-001", "redis", ON) is not None


@pytest.mark.parametrize(
    ("given", "checks", "state"),
    [
        (waiver(), [check(Outcome.waived)], "applied"),
        (waiver(), [check(Outcome.passed)], "not needed: what it covers passes"),
        (waiver(), [check(Outcome.passed, subject="redis")], "covers nothing"),
        (waiver("2026-05-01"), [check(Outcome.violation)], "expired on 2026-05-01"),
        (waiver(), [check(Outcome.error)], "did not apply: what it covers ended in error"),
    ],
)
def test_what_became_of_a_waiver_is_told(given, checks, state):
    (told,) = states([given], checks, ["p.yaml:3:5"], ON)
    assert told.state.startswith(state)
    assert told.where == "p.yaml:3:5"
