"""Whether rule files are loaded, and whether what is loaded is what was written."""

import pytest

RULES = "Prometheus: alerting rules"
RECORDING = "Prometheus: recording rules"


@pytest.mark.requirement("ALR-001", refs=["promtool check rules", "pint yaml/parse", "pint promql/syntax"])
def test_rule_files_load(rules):
    """Prometheus MUST accept every declared rule file.

    Why: one wrong character, and the whole file is refused: at the next reload Prometheus keeps the rules it had, at the next start
    it does not start. Where promtool is installed its verdict counts, else our own reading; the finding says which.

    See: promtool check rules FILE

    Fix: go to the line and column that are named, and write what the finding says. Let the pipeline run promtool on every change.
    """
    assert rules.refusals == []


@pytest.mark.requirement("ALR-002", refs=[RULES])
def test_rule_files_hold_rules(rules):
    """A rule file that is declared MUST hold at least one rule.

    Why: Prometheus loads an empty file without a word. It is mostly what a template or a merge left behind, and nothing is watched.

    See: promtool check rules FILE (it says how many rules it found)

    Fix: bring the rules back, or take the file out of the profile and of the configuration.
    """
    assert rules.empty_files == []


@pytest.mark.requirement("ALR-003", refs=[RULES])
def test_groups_hold_rules(rules):
    """A group SHOULD hold at least one rule.

    Why: an empty group looks as if something were watched, and hides that its rules went elsewhere or nowhere.

    See: grep -nE 'name:|rules:|alert:|record:' FILE

    Fix: take the group out, or write its rules.
    """
    assert rules.empty_groups == []


@pytest.mark.requirement("ALR-004", refs=["promtool check rules: duplicate-rules", "pint rule/duplicate"])
def test_every_rule_is_there_once(rules):
    """A rule MUST NOT be there twice with the same name, labels and expression.

    Why: two recording rules write the same series, and Prometheus drops the samples of one; of two alerts, a silence or a repair of
    the one leaves the other as it was.

    See: promtool check rules --lint=duplicate-rules FILE

    Fix: take one of them out; where two were meant, give them what makes them different.
    """
    assert rules.repeated == []


@pytest.mark.requirement("ALR-005", refs=["promtool check rules: duplicate-rules"])
def test_rules_of_one_name_differ_in_their_labels(rules):
    """Rules of one name SHOULD differ in their labels, unless their expressions select different things.

    Why: where both give a result of the same labels, Prometheus or the Alertmanager takes them for one, with the text of whichever
    came last.

    See: promtool check rules --lint=duplicate-rules FILE

    Fix: give each a label of its own, such as severity or window, or another name, or join them by `or`.
    """
    assert rules.alike == []


@pytest.mark.requirement("ALR-006", refs=["Prometheus: template reference", "pint alerts/template"])
def test_templates_of_alerts_can_be_filled_in(rules):
    """The templates of an alert's labels and annotations MUST be such that they can be filled in.

    Why: promtool only looks whether a template can be read. One that fails later gives "error expanding template" in place of its
    text, or "%!d(float64=…)" in the middle of it, at the moment when somebody needs it.

    See: the annotations of the alert on the page /alerts while it is pending

    Fix: write what the finding says: a value is a number with a fraction, a label is a text.
    """
    assert rules.failing_templates == []


@pytest.mark.requirement("ALR-007", refs=["Prometheus: template reference"])
def test_variables_of_texts_stand_in_braces(rules):
    """A variable in a text of an alert SHOULD NOT stand outside of double braces.

    Why: it is no template then, and people read `$labels.instance` in place of the instance.

    See: grep -nE '[$](labels|value)' FILE

    Fix: write `{{ $labels.instance }}`, and `{{ $value }}`.
    """
    assert rules.literal_variables == []


@pytest.mark.requirement("ALR-008", refs=["Prometheus: recording rules, naming and aggregation"])
def test_recorded_series_are_named_by_level_metric_and_operations(rules):
    """The name of a recording rule SHOULD be of the form level:metric:operations.

    Why: the colon tells a recorded series from a scraped one, and the level which labels are left; without them nobody knows
    where to look when it is wrong.

    See: grep -n 'record:' FILE

    Fix: write the labels that are left, the metric, and what was done to it: `job:http_requests:rate5m`.
    """
    assert rules.unleveled_names == []


@pytest.mark.requirement("ALR-009", refs=[f"{RECORDING}, rules of a group run in order", "pint rule/dependency"])
def test_series_are_recorded_before_they_are_read(rules):
    """A rule SHOULD stand after the rules of its group whose series it reads.

    Why: the rules of a group are evaluated from the first to the last. What is read before it is recorded is one interval old, and
    after a start there is none.

    See: grep -nE 'record:|alert:|expr:' FILE

    Fix: move the recording rule before the one that reads it.
    """
    assert rules.late_recordings == []
