"""Whether metrics are named, explained and labelled as everybody expects them to be."""

import pytest

NAMING = "Prometheus: metric and label naming"
LINT = "promtool check metrics"


@pytest.mark.requirement("MET-013", refs=[f"{NAMING}, labels", "Prometheus instrumentation: do not overuse labels"])
def test_labels_have_few_values(metrics):
    """A label SHOULD NOT have more than 100 values.

    Why: each value is a series of its own for as long as the data is kept, and nobody looks at a graph of hundreds. Where more
    are meant, `max_label_values` in the profile says so.

    See: curl -s URL | grep '{' | sort

    Fix: use the route's template and not its path; fold what is rare into one value; drop labels that nobody selects by.
    """
    assert metrics.large_labels == []


@pytest.mark.requirement("MET-014", refs=[f"{NAMING}, labels", "CWE-532"])
def test_labels_have_an_end(metrics):
    """Labels SHOULD NOT have ids, mail addresses, times or whole paths as values.

    Why: there is no end of them, so that each adds a series for ever; some of them are personal data, which everybody who may
    look at a graph then sees.

    See: curl -s URL | grep '{' | sort

    Fix: use the route's template (`/users/{id}`); put what is about one user or one request into logs or traces.
    """
    assert metrics.endless_labels == []


@pytest.mark.requirement("MET-017", refs=[LINT, "Prometheus: writing client libraries, help"])
def test_metrics_are_explained(metrics):
    """Every metric SHOULD have a HELP.

    Why: it is read at three in the morning by somebody who has not written it.

    See: curl -s -H 'Accept: text/plain;version=0.0.4' URL | promtool check metrics

    Fix: say in one sentence what is counted, and when.
    """
    assert metrics.unexplained == []


@pytest.mark.requirement("MET-018", refs=[LINT, f"{NAMING}, metric names", "OpenMetrics 1.0.0, counter"])
def test_counters_end_in_total(metrics):
    """Names of counters SHOULD end in `_total`, and no others.

    Why: whoever writes a rule sees by the name whether a rate is to be taken; OpenMetrics adds the ending, so that a counter
    without it has two names.

    See: curl -s -H 'Accept: text/plain;version=0.0.4' URL | promtool check metrics

    Fix: rename it, and serve both names until rules and dashboards have followed.
    """
    assert metrics.wrong_totals == []


@pytest.mark.requirement("MET-019", refs=[LINT, f"{NAMING}, base units"])
def test_units_are_base_units(metrics):
    """Names of metrics SHOULD state base units, written out.

    Why: seconds beside milliseconds in one rule are a factor of a thousand that nobody sees.

    See: curl -s -H 'Accept: text/plain;version=0.0.4' URL | promtool check metrics

    Fix: count seconds and bytes, and let the dashboard scale them.
    """
    assert metrics.odd_units == []


@pytest.mark.requirement("MET-020", refs=[LINT, f"{NAMING}, metric names"])
def test_names_are_written_as_names_of_metrics(metrics):
    """Names of metrics and labels SHOULD be in snake_case, without colons and without a type.

    Why: a colon marks what a recording rule made, and a type in a name is wrong as soon as the type changes.

    See: curl -s -H 'Accept: text/plain;version=0.0.4' URL | promtool check metrics

    Fix: rename it, and serve both names until rules and dashboards have followed.
    """
    assert metrics.odd_names == []


@pytest.mark.requirement("MET-021", refs=[LINT, "Prometheus exposition formats: histograms and summaries"])
def test_parts_of_histograms_belong_to_histograms(metrics):
    """A metric that is no histogram or summary SHOULD NOT have the endings and labels of their parts.

    Why: `_bucket`, `_count`, `_sum`, `le` and `quantile` are read as parts of one by functions, dashboards and other formats.

    See: curl -s -H 'Accept: text/plain;version=0.0.4' URL | promtool check metrics

    Fix: rename it (a count of things now is `queue_jobs`, not `queue_job_count`).
    """
    assert metrics.reserved_names == []
