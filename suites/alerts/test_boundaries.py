"""Whether alerts fire when what they mean is so, and only then: rules evaluated over series made from their meaning."""

import pytest

TESTS = "Prometheus: unit testing for rules"
RULES = "Prometheus: alerting rules"
SRE = "SRE workbook: alerting on SLOs"


@pytest.mark.requirement("ALR-040", refs=[RULES])
def test_alerts_that_mean_something_exist(alert):
    """An alert whose meaning is declared MUST be there, by that name.

    Why: a rule that was renamed or lost in a merge leaves no trace in Prometheus; it is missed when it should have rung.

    See: grep -n 'alert:' FILE

    Fix: write the rule, give it back its name, or take it out of the profile's `means`.
    """
    assert alert.missing == []


@pytest.mark.requirement("ALR-041", refs=[TESTS, SRE])
def test_alerts_are_silent_below_their_boundary(alert):
    """An alert MUST NOT fire while what it means is just below its declared boundary, or while there is no data.

    Why: people wake up for nothing, and soon nobody looks. Real evaluation says so, with little traffic and with much: a number of
    errors per second where a share was meant is silent on a quiet day and rings on a busy one.

    See: promtool test rules TESTS, with the series that the finding tells

    Fix: compare in the unit of the boundary: a share is a rate by a rate, both summed by the same labels.
    """
    assert alert.rings_below == []


@pytest.mark.requirement("ALR-042", refs=[TESTS, SRE])
def test_alerts_fire_above_their_boundary(alert):
    """An alert MUST fire when what it means has been just above its declared boundary for the declared time.

    Why: a rule that selects a label the metric does not have, or divides what does not match, loads without a word and is silent for
    ever. The series are made from the declared meaning and the documented labels, so that such a rule has nothing to select.

    See: promtool query instant PROMETHEUS 'EXPRESSION'

    Fix: evaluate both sides of the expression by themselves; select labels that the metric has, and sum by the same on both sides.
    """
    assert alert.silent_above == []


@pytest.mark.requirement("ALR-043", refs=[RULES, TESTS])
def test_alerts_wait_as_long_as_declared(alert):
    """An alert MUST fire exactly the declared `for` after what it means has begun.

    Why: too short, and every restart rings; too long, and the budget of a month is gone before anybody is told.

    See: grep -n -A5 'alert: NAME' FILE

    Fix: set the rule's `for` to the declared time. Where it is right and the alert still waits, its labels change while it is pending:
    take the value out of them.
    """
    assert alert.waits_otherwise == []


@pytest.mark.requirement("ALR-044", refs=[TESTS])
def test_alerts_resolve(alert):
    """An alert MUST be inactive again once what its declared meaning tells is over.

    Why: an alert that stays hides the next one, and is silenced by hand, for good.

    See: promtool test rules TESTS, with the series that the finding tells

    Fix: compare a rate or an increase and not the counter itself, which never goes down; shorten the range.
    """
    assert alert.rings_on == []


@pytest.mark.requirement("ALR-045", refs=[TESTS, "Prometheus: aggregation operators"])
def test_alerts_tell_one_thing_from_the_next(alert):
    """An alert MUST fire once for each value of the labels that its meaning declares, and once where it declares none.

    Why: summed too far, one bad instance drowns among good ones, and nobody is told which; summed too little, one failure is fifty
    messages.

    See: promtool test rules TESTS, with the series that the finding tells

    Fix: aggregate by just the labels under `per`; without `per`, sum everything away.
    """
    assert alert.mixed_up == []


@pytest.mark.requirement("ALR-046", refs=[TESTS])
def test_alerts_are_silent_for_what_they_do_not_mean(alert):
    """An alert MUST NOT fire when only series move that its declared meaning leaves out.

    Why: probes that answer 503 by design, or a client's 404, are no failure a user saw; an alert on them is switched off when it is needed.

    See: promtool test rules TESTS, with the series that the finding tells

    Fix: leave the same series out of the expression that the meaning leaves out, on both sides of a share.
    """
    assert alert.rings_for_others == []


@pytest.mark.requirement("ALR-047", refs=[RULES], needs="severity")
def test_alerts_have_their_declared_severity(alert):
    """An alert MUST state the severity that its meaning declares.

    Why: routes go by that label. With another one, a page becomes a ticket that is read on Monday.

    See: grep -n -A8 'alert: NAME' FILE

    Fix: set `labels: {severity: …}` of the rule to the declared one, or correct the profile.
    """
    assert alert.other_severities == []


@pytest.mark.requirement("ALR-048", refs=[TESTS, "pint alerts/comparison"])
def test_alerts_do_what_their_texts_say(evaluated_rules):
    """An alert whose texts leave no doubt MUST fire when it is as they say, after the time they say, and only then.

    Why: who is woken acts on the sentence, not on the expression. Where a text says 5% and the rule rings at 1%, or never, somebody
    looks for what is not there.

    See: promtool test rules TESTS, with the series that the finding tells

    Fix: correct the expression or the sentence. Where the sentence means something else, declare it under `alerts.means`.
    """
    assert evaluated_rules.against_their_texts == []


@pytest.mark.requirement("ALR-049", refs=[SRE])
def test_texts_say_the_declared_numbers(alert):
    """The texts of an alert MUST NOT say another boundary, time or quantile than its meaning declares.

    Why: two numbers for one boundary, and nobody knows which was agreed on.

    See: grep -n -A12 'alert: NAME' FILE

    Fix: write the declared number into summary and description, or leave numbers to the expression and print `$value`.
    """
    assert alert.differing_texts == []
