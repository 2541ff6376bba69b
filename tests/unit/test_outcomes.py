from __future__ import annotations

from itertools import product

import pytest

from seatrial.outcomes import Exit, Level, Mode, Outcome, Raw, Result, Tier, exit_code, judge, run_result, worst

MUST, SHOULD = Level.MUST, Level.SHOULD


@pytest.mark.parametrize(
    ("raw", "level", "waived", "enforce", "outcome"),
    [
        (Raw.passed, MUST, False, False, Outcome.passed),
        (Raw.passed, MUST, True, False, Outcome.passed),
        (Raw.broken, MUST, False, False, Outcome.violation),
        (Raw.broken, Level.MUST_NOT, False, False, Outcome.violation),
        (Raw.broken, SHOULD, False, False, Outcome.advisory),
        (Raw.broken, Level.SHOULD_NOT, False, False, Outcome.advisory),
        (Raw.broken, SHOULD, False, True, Outcome.violation),
        (Raw.broken, MUST, True, False, Outcome.waived),
        (Raw.broken, SHOULD, True, True, Outcome.waived),
        (Raw.error, MUST, False, False, Outcome.error),
        (Raw.error, MUST, True, False, Outcome.error),
        (Raw.error, SHOULD, True, True, Outcome.error),
        (Raw.absent, MUST, False, False, Outcome.not_applicable),
        (Raw.withheld, MUST, True, False, Outcome.withheld),
    ],
)
def test_judge(raw, level, waived, enforce, outcome):
    assert judge(raw, level, waived=waived, enforce_should=enforce) is outcome


def test_no_raw_result_but_passed_ever_passes():
    for raw, level, waived, enforce in product(Raw, Level, (True, False), (True, False)):
        outcome = judge(raw, level, waived=waived, enforce_should=enforce)
        assert (outcome is Outcome.passed) == (raw is Raw.passed)
        assert (outcome is Outcome.error) == (raw is Raw.error)


@pytest.mark.parametrize(
    ("raw", "level", "waived", "enforce", "outcome"),
    [
        (Raw.passed, MUST, False, True, Outcome.passed),
        (Raw.broken, MUST, False, False, Outcome.advisory),
        (Raw.broken, Level.MUST_NOT, False, True, Outcome.advisory),
        (Raw.broken, SHOULD, False, True, Outcome.advisory),
        (Raw.broken, MUST, True, True, Outcome.waived),
        (Raw.error, MUST, False, True, Outcome.error),
        (Raw.withheld, MUST, False, True, Outcome.withheld),
    ],
)
def test_what_no_document_states_is_never_a_violation(raw, level, waived, enforce, outcome):
    assert judge(raw, level, waived=waived, enforce_should=enforce, proposed=True) is outcome


@pytest.mark.parametrize(
    ("outcomes", "proposed", "result"),
    [
        ([(Outcome.passed, MUST)], [Outcome.error], Result.success),
        ([(Outcome.passed, MUST)], [Outcome.withheld, Outcome.waived, Outcome.advisory], Result.success),
        ([(Outcome.error, MUST)], [Outcome.passed], Result.undecided),
        ([(Outcome.violation, MUST)], [Outcome.error], Result.failure),
        ([], [Outcome.passed], Result.success),
        ([], [Outcome.error], Result.nothing),
        ([(Outcome.not_applicable, MUST)], [Outcome.withheld], Result.nothing),
    ],
)
def test_what_no_document_states_makes_no_run_worse(outcomes, proposed, result):
    assert run_result(outcomes, proposed) is result


@pytest.mark.parametrize(
    ("outcomes", "result"),
    [
        ([], Result.nothing),
        ([(Outcome.not_applicable, MUST)], Result.nothing),
        ([(Outcome.withheld, MUST)], Result.nothing),
        ([(Outcome.passed, MUST)], Result.success),
        ([(Outcome.passed, MUST), (Outcome.advisory, SHOULD)], Result.success),
        ([(Outcome.passed, MUST), (Outcome.withheld, SHOULD)], Result.success),
        ([(Outcome.passed, MUST), (Outcome.waived, SHOULD)], Result.success),
        ([(Outcome.passed, MUST), (Outcome.withheld, MUST)], Result.partial),
        ([(Outcome.passed, MUST), (Outcome.waived, Level.MUST_NOT)], Result.partial),
        ([(Outcome.passed, MUST), (Outcome.error, SHOULD)], Result.undecided),
        ([(Outcome.error, MUST), (Outcome.violation, MUST)], Result.failure),
    ],
)
def test_run_result(outcomes, result):
    assert run_result(outcomes) is result


@pytest.mark.parametrize(
    ("result", "mode", "withheld", "code"),
    [
        (Result.success, Mode.gate, False, 0),
        (Result.partial, Mode.audit, True, 0),
        (Result.partial, Mode.gate, False, 0),
        (Result.partial, Mode.gate, True, 3),
        (Result.partial, Mode.drill, True, 3),
        (Result.undecided, Mode.audit, False, 3),
        (Result.failure, Mode.audit, False, 1),
        (Result.nothing, Mode.audit, False, 5),
    ],
)
def test_exit_code(result, mode, withheld, code):
    assert exit_code(result, mode, withheld=withheld) == code


def test_worst_wins_in_the_order_4_2_1_3_5_0():
    order = [4, 2, 1, 3, 5, 0]
    for position, code in enumerate(order):
        assert worst(order[position:]) == code
    assert worst([]) is Exit.success
    assert worst([0, 77]) is Exit.undecided


def test_a_mode_grants_a_tier():
    assert [(mode.value, str(mode.tier)) for mode in Mode] == [
        ("audit", "observe"),
        ("gate", "load"),
        ("drill", "disrupt"),
    ]
    assert Tier.observe < Tier.write < Tier.load < Tier.disrupt
