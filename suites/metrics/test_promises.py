"""Whether the metrics that dashboards and alerts are built on are there, and count what they say."""

import pytest


@pytest.mark.requirement("MET-007", needs="required")
def test_required_metrics_are_there(metrics):
    """Every metric that the profile declares required MUST be there once the service was called.

    Why: an alert on a metric that is not there never fires, and its graph is empty, which looks like rest.

    See: curl -s URL | grep -v '^#' | grep NAME

    Fix: find out whether it was renamed; then change the rules and dashboards with it. Where a series appears only after the
    first call, declare a canary that makes that call and that only reads.
    """
    assert metrics.missing_metrics == []


@pytest.mark.requirement("MET-008", refs=["Prometheus metric types"], needs="required.*.type")
def test_required_metrics_have_their_type(metrics):
    """A required metric MUST have the declared type.

    Why: a rate of a gauge and a quantile of a counter are numbers, and mean nothing.

    See: curl -s URL | grep '^# TYPE'

    Fix: give back the type that rules and dashboards were written for, or a new name together with the new type.
    """
    assert metrics.wrong_types == []


@pytest.mark.requirement("MET-009", refs=["Prometheus data model: labels"], needs="required.*.labels")
def test_required_metrics_have_their_labels(metrics):
    """Every series of a required metric MUST have the declared labels.

    Why: a rule that selects or groups by a label which is gone selects nothing, or adds everything up.

    See: curl -s URL | grep '{'

    Fix: give back the label, or change every rule and dashboard that names it.
    """
    assert metrics.missing_labels == []


@pytest.mark.requirement("MET-010", refs=["Prometheus instrumentation: counters"], needs="counts")
def test_counters_count_calls(metrics):
    """A counter that is declared to count a call MUST grow by as many as were made.

    Why: a counter that stands still, or counts twice, turns every rate, error ratio and objective into a guess. Where other
    calls come in between, calls are made three times, and nothing is decided when none of them gives a clear number.

    See: curl -s URL | grep METRIC

    Fix: count where the answer is made, once, on every path out of the handler; where a proxy answers instead, count there.
    """
    assert metrics.miscounted_calls == []


@pytest.mark.requirement("MET-011", refs=["Prometheus naming: labels"], needs="max_label_values")
def test_labels_have_no_more_values_than_declared(metrics):
    """A label MUST NOT have more values than the profile declares.

    Why: each value is a series of its own, for as long as the data is kept; memory grows with them until Prometheus ends.

    See: curl -s URL | grep '{' | sort

    Fix: use the route's template and not its path; fold what is rare into one value; drop labels that nobody selects by.
    """
    assert metrics.crowded_labels == []


@pytest.mark.requirement("MET-012", refs=["Prometheus instrumentation: do not overuse labels"], needs="max_series")
def test_metrics_have_no_more_series_than_declared(metrics):
    """A metric MUST NOT have more series than the profile declares.

    Why: labels multiply, buckets too: three labels of thirty values each are 27,000 series.

    See: curl -s URL | grep -v '^#' | sed 's/[{ ].*//' | sort | uniq -c | sort -n

    Fix: drop a label, or buckets that no question is asked of.
    """
    assert metrics.crowded_metrics == []
