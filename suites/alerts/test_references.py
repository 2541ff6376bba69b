"""Whether rules refer to what exists: metrics, labels and values, and whether what is asked of them can give anything."""

import pytest

QUERYING = "Prometheus: querying basics"
OPERATORS = "Prometheus: operators, vector matching"
RULES = "Prometheus: alerting rules"
SERIES = "pint promql/series"


@pytest.mark.requirement("ALR-020", refs=[SERIES, QUERYING])
def test_metrics_that_rules_select_exist(references):
    """Every metric that a rule selects MUST exist once the services were called.

    Why: a selector without series is no error to Prometheus, so that the alert never fires, which looks like rest.

    See: curl -sG PROMETHEUS/api/v1/query --data-urlencode 'query=count(METRIC)'

    Fix: write the name that is exposed, with `_total`, `_bucket` or the unit it ends in. Where the series appears only with its
    first event, let the service expose it at 0 from its start, or declare a canary that makes the event and only reads.
    """
    assert references.missing_metrics == []


@pytest.mark.requirement("ALR-021", refs=[SERIES, f"{QUERYING}, time series selectors"])
def test_labels_of_matchers_exist(references):
    """Every label that a matcher asks for MUST be a label of that metric.

    Why: a series without the label has it as the empty text, which no value matches: nothing is selected, for ever.

    See: curl -sG PROMETHEUS/api/v1/series --data-urlencode 'match[]=METRIC'

    Fix: write a label that the metric has, or take the matcher out.
    """
    assert references.unknown_labels == []


@pytest.mark.requirement("ALR-022", refs=[SERIES, "pint promql/regexp", f"{QUERYING}, time series selectors"])
def test_values_of_matchers_were_seen(references):
    """Every value that a matcher asks for or leaves out SHOULD have been seen.

    Why: it may be an error that nobody has had yet; or it is spelt otherwise, and then the alert is silent, or counts what it was
    meant to leave out. Nothing but looking tells which. Statuses of HTTP are known, and need not have been seen.

    See: curl -sG PROMETHEUS/api/v1/query --data-urlencode 'query=count by (LABEL) (METRIC)'

    Fix: write the value as it is exposed, or let the service expose the series at 0 from its start; waive what is really rare.
    """
    assert references.unseen_values == []


@pytest.mark.requirement("ALR-023", refs=[SERIES, "Prometheus: querying basics, staleness"], needs="prometheus")
def test_metrics_that_rules_select_have_not_vanished(references):
    """Every metric that a rule selects MUST still be there when it was there within the hour.

    Why: what stops being exposed takes its alerts with it, silently: they resolve, as if all were well.

    See: curl -sG PROMETHEUS/api/v1/query --data-urlencode 'query=count_over_time(METRIC[1h])'

    Fix: find out what was changed, an exporter's version or a scrape job, and give the metric back or change the rule; guard what
    may go with `absent()`.
    """
    assert references.vanished_metrics == []


@pytest.mark.requirement("ALR-024", refs=[OPERATORS, "Prometheus: template reference", "pint alerts/template"])
def test_labels_of_groupings_matchings_and_texts_exist(references):
    """Every label in `by`, in `on` and in the texts of an alert MUST be one that some selected series has.

    Why: grouping by a label that is not there adds everything up into one; a text tells an empty name at three in the morning.

    See: curl -sG PROMETHEUS/api/v1/series --data-urlencode 'match[]=METRIC'

    Fix: write a label that the metric has, or take it out.
    """
    assert references.unknown_grouping == []


@pytest.mark.requirement(
    "ALR-025", refs=[SERIES, "Prometheus: jobs and instances", "Prometheus: histograms and summaries"]
)
def test_jobs_and_buckets_that_rules_select_exist(references):
    """Every `job`, `le` and `quantile` that a rule selects MUST be one that there is.

    Why: they are set in the scrape configuration and in the code, and no event brings a new one: a rule about another job, or about
    a bucket that is not there, never fires.

    See: curl -sG PROMETHEUS/api/v1/query --data-urlencode 'query=count by (job) (METRIC)'

    Fix: write the `job_name` of the scrape configuration, and the bound as it is exposed ("1" is not "1.0"); add the bucket, or
    have the job scraped; `absent(up{job="NAME"})` tells when one goes.
    """
    assert references.unknown_values == []


@pytest.mark.requirement("ALR-026", refs=[OPERATORS, "pint promql/vector_matching"], needs="prometheus")
def test_operations_on_what_exists_give_something(references):
    """An operation MUST give a result where all that it is made of has series.

    Why: two sides whose labels never agree give nothing, and a rate over less than two scrapes gives nothing: no error, and no
    alert either.

    See: curl -sG PROMETHEUS/api/v1/query --data-urlencode 'query=OPERAND'

    Fix: say by which labels the sides belong together, `on (…)` or `ignoring (…)`, or group both alike; look back over at least
    four scrapes.
    """
    assert references.dead_operations == []


@pytest.mark.requirement(
    "ALR-027", refs=["Prometheus: metric and label naming, base units", "Prometheus: instrumentation"]
)
def test_thresholds_are_values_that_metrics_can_have(references):
    """A threshold MUST be a value that its metric can have, by what was seen of it and what it says of itself.

    Why: a state is 0 or 1, and an alert on 2 is silent for ever; the age of a time that is kept in milliseconds is some fifty
    thousand years below zero, and never above an hour.

    See: curl -sG PROMETHEUS/api/v1/query --data-urlencode 'query=OPERAND'

    Fix: compare a state with 0 or 1; divide milliseconds by 1000, or better expose seconds.
    """
    assert references.impossible_thresholds == []


@pytest.mark.requirement("ALR-028", refs=[RULES, "Google SRE book: practical alerting"], needs="prometheus")
def test_alerts_are_at_rest(references):
    """An alert SHOULD NOT be true now, nor come and go faster than its `for`.

    Why: either something is wrong now, and somebody knows of it; or the rule rings for nothing, and soon nobody listens.

    See: curl -s PROMETHEUS/api/v1/alerts

    Fix: look at what it tells. Where that is no trouble, move its threshold; where it comes and goes, look over a longer time.
    """
    assert references.restless_alerts == []


@pytest.mark.requirement("ALR-029", refs=["Prometheus: recording rules", "Prometheus: recording rules, naming"])
def test_results_of_recording_rules_exist(references):
    """Every recorded name that a rule selects MUST be recorded.

    Why: a colon says that a recording rule makes the series; when the rule was renamed or is not loaded, nothing says so.

    See: curl -sG PROMETHEUS/api/v1/query --data-urlencode 'query=count(NAME)'

    Fix: write the name as the recording rule has it, and load the file that it is in.
    """
    assert references.unrecorded == []
