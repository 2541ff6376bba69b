"""Whether the expressions of rules say what they mean: by PromQL's own rules, and by the types of the metrics."""

import pytest

RULES = "Prometheus: alerting rules"
FUNCTIONS = "Prometheus: query functions"
OPERATORS = "Prometheus: operators"
MATCHING = f"{OPERATORS}, vector matching"
TYPES = "Prometheus metric types"
NAMING = "Prometheus: metric and label naming"
HISTOGRAMS = "Prometheus: histograms and summaries"


@pytest.mark.requirement("ALR-030", refs=[RULES, "pint alerts/comparison"])
def test_alerts_have_a_condition(expressions):
    """The expression of an alert MUST have a condition: a comparison, `absent`, or `unless`.

    Why: an alert fires for every series its expression gives, whatever the value. Without a condition it fires from the first
    scrape to the last, and is soon ignored. An alert that fires always on purpose is written `vector(1)`.

    See: curl -sG PROMETHEUS/api/v1/query --data-urlencode 'query=EXPRESSION'

    Fix: write the comparison; leave `bool` out of it; and put parentheses around both sides of an `or` that stands before it.
    """
    assert expressions.unconditional == []


@pytest.mark.requirement(
    "ALR-031", refs=[f"{FUNCTIONS}, rate and delta", TYPES, "pint promql/rate", "pint promql/counter"]
)
def test_counters_are_read_by_their_increase(expressions):
    """Counters MUST be read by `rate`, `irate` or `increase`, and gauges by none of them.

    Why: a counter only grows, so that a threshold on it is crossed once and for ever, and `delta` of it falls deep at each
    restart; to `rate` each fall of a gauge is a restart, so that it invents events. What a metric is goes by its TYPE, and by
    its ending where no TYPE is known.

    See: curl -s URL | grep '^# TYPE METRIC'

    Fix: `increase(x_total[10m]) > 0` for what happened lately; `sum(rate(x_total[5m]))`, the rate before the sum; `delta`,
    `deriv` or the value itself for a gauge.
    """
    assert expressions.misused_types == []


@pytest.mark.requirement(
    "ALR-032", refs=[f"{FUNCTIONS}, rate", "Prometheus configuration: scrape_interval", "pint promql/rate"]
)
def test_ranges_hold_two_samples(expressions):
    """The range of `rate` and its like MUST be at least twice as long as samples are apart.

    Why: with fewer than two samples in its range it gives nothing, without an error: the alert is silent, always or now and
    then. How often is scraped is told by the running Prometheus, or by `alerts.scrape_interval`.

    See: curl -s PROMETHEUS/api/v1/targets | grep -o '"scrapeInterval":"[^"]*"'

    Fix: write a range of four scrape intervals or more, or scrape more often.
    """
    assert expressions.short_ranges == []


@pytest.mark.requirement("ALR-033", refs=[f"{FUNCTIONS}, histogram_quantile", HISTOGRAMS])
def test_quantiles_can_be_computed(expressions):
    """A quantile MUST be from 0 to 1, and that of a histogram be taken of the rates of its buckets, by `le`.

    Why: beyond 0 and 1 it is infinite; without `le` there are no buckets, and the result is empty; without a rate it is the
    quantile of everything since the process started, which a bad hour hardly moves.

    See: curl -sG PROMETHEUS/api/v1/query --data-urlencode 'query=EXPRESSION'

    Fix: `histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))`, with the labels to tell apart beside `le`.
    """
    assert expressions.wrong_quantiles == []


@pytest.mark.requirement("ALR-034", refs=[f"{OPERATORS}, aggregation operators", RULES, "pint alerts/template"])
def test_labels_are_there_where_they_are_used(expressions):
    """A label that a grouping, a matching or a text uses MUST still be there.

    Why: `sum by (job)` leaves job and nothing else. What asks for another label afterwards gets the empty text, without an
    error: groups fall into one, nothing matches, and the message that wakes somebody does not say which instance it is about.

    See: curl -sG PROMETHEUS/api/v1/query --data-urlencode 'query=EXPRESSION'

    Fix: add the label to the `by` that took it away, or take it out of where it is used.
    """
    assert expressions.lost_labels == []


@pytest.mark.requirement("ALR-035", refs=[MATCHING, "pint promql/vector_matching"])
def test_both_sides_of_an_operator_match(expressions):
    """Both sides of an operator MUST match in series that are not the same by definition.

    Why: series match when all their labels are equal. `x{status="error"} / x` divides the errors by the errors, and is 1 or
    nothing; sides with different labels never match. Neither is an error to Prometheus.

    See: curl -sG PROMETHEUS/api/v1/query --data-urlencode 'query=EXPRESSION'

    Fix: aggregate both sides to the same labels, without the one that only one side selects by: `sum(…) / sum(…)`, or
    `sum by (job) (…) / sum by (job) (…)`; or name the labels to match on: `on (…)`.
    """
    assert expressions.mismatched == []


@pytest.mark.requirement("ALR-036", refs=[OPERATORS, HISTOGRAMS, "pint promql/impossible"])
def test_conditions_can_hold_and_not_hold(expressions):
    """A condition MUST be one that can hold, and that can cease to hold.

    Why: a share above 5 does not exist, nor a count of nothing, nor a quantile above the last bucket. Such an alert is never
    heard, or never silent. What a value can be goes by the functions around it, and by the buckets that are exposed.

    See: curl -sG PROMETHEUS/api/v1/query --data-urlencode 'query=EXPRESSION'

    Fix: write the threshold in the unit of the value (0.05 for 5% of a share); `absent(…)` for there being none; add buckets
    around an objective.
    """
    assert expressions.fixed_conditions == []


@pytest.mark.requirement("ALR-037", refs=[f"{NAMING}, base units", RULES])
def test_thresholds_are_in_the_unit_of_their_metric(expressions):
    """A threshold MUST be in the unit of what it is compared with, and be the one that the alert's own text tells.

    Why: 500 milliseconds are 0.5 in a metric of seconds, 5% is 0.05 of a share, and no number of errors per second. An alert
    off by a factor of a thousand looks right in every review.

    See: curl -sG PROMETHEUS/api/v1/query --data-urlencode 'query=EXPRESSION'

    Fix: convert the number into the unit that the metric's name ends in; divide by all requests where the text tells a share.
    """
    assert expressions.mixed_units == []


@pytest.mark.requirement("ALR-038", refs=[f"{OPERATORS}, logical and set binary operators", f"{FUNCTIONS}, vector"])
def test_defaults_stand_in_for_what_is_missing(expressions):
    """A default for series that are missing MUST stand in for them, and not stand beside them.

    Why: `or` compares all labels, and `vector(0)` has none. Beside series with labels it is one more series, always there: it
    makes `== 0` fire for ever, and fills no gap in a difference.

    See: curl -sG PROMETHEUS/api/v1/query --data-urlencode 'query=EXPRESSION'

    Fix: `or on () vector(0)` where the left side is one value or none; `absent(…)` to tell that something is not there; the
    other side times 0 as default for each of its series.
    """
    assert expressions.idle_fallbacks == []


@pytest.mark.requirement("ALR-039", refs=[f"{FUNCTIONS}, rate", "pint promql/rate"])
def test_ranges_outlast_a_failed_scrape(expressions):
    """The range of `rate` and its like SHOULD be at least four times as long as samples are apart.

    Why: with two or three scrapes in its range, a single one that fails or is late leaves a gap, and an alert with `for` starts
    to wait anew.

    See: curl -s PROMETHEUS/api/v1/targets | grep -o '"scrapeInterval":"[^"]*"'

    Fix: write a range of four scrape intervals or more, or scrape more often.
    """
    assert expressions.tight_ranges == []
