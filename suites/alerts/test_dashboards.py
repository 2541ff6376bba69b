"""Whether dashboards load and ask for what exists: an empty panel looks like rest."""

import pytest

JSON_MODEL = "Grafana: dashboard JSON model"
VARIABLES = "Grafana: variables"
PROMETHEUS = "Grafana: Prometheus query editor"
QUERYING = "Prometheus: querying basics"


@pytest.mark.requirement("ALR-070", refs=[JSON_MODEL, "Grafana: provisioning, dashboards"])
def test_dashboards_load(dashboard):
    """A dashboard MUST be JSON that Grafana loads.

    Why: a provisioned dashboard that Grafana refuses is a line in its log, and an old or no dashboard on the screen.

    See: jq '{title, uid, panels: (.panels | length)}' DASHBOARD

    Fix: export it from Grafana once more as classic JSON, and keep a title, a uid of at most 40 letters, digits, `-` and `_`,
    and panels with ids of their own.
    """
    assert dashboard.faults == []


@pytest.mark.requirement("ALR-071", refs=[QUERYING, PROMETHEUS])
def test_queries_of_dashboards_are_promql(dashboard):
    """Every query of a dashboard to a Prometheus MUST be valid PromQL.

    Why: its panel shows an error in place of the data, and is looked at for the first time when something is wrong.

    See: jq -r '.. | .expr? // empty' DASHBOARD

    Fix: try the query in Prometheus with values in place of the variables, and write it as that takes it.
    """
    assert dashboard.unreadable_queries == []


@pytest.mark.requirement("ALR-072", refs=[QUERYING, PROMETHEUS])
def test_metrics_of_dashboards_exist(dashboard):
    """Every metric that a dashboard's query names MUST exist once the services were called.

    Why: no data and all is well look alike; a panel for errors that is always empty comforts whoever looks at it.

    See: curl -sG PROMETHEUS/api/v1/query --data-urlencode 'query=count(METRIC)'

    Fix: write the name that is exposed, with `_total`, `_bucket` or the unit it ends in. Where the series appears only with its
    first event, let the service expose it at 0 from its start.
    """
    assert dashboard.absent_metrics == []


@pytest.mark.requirement("ALR-073", refs=[f"{QUERYING}, time series selectors", "Prometheus: operators, aggregation"])
def test_labels_of_dashboards_exist(dashboard):
    """Every label that a dashboard's query selects or groups by MUST be a label of its metric.

    Why: no series matches a label that is not there, and grouping by it adds everything up into one line.

    See: curl -sG PROMETHEUS/api/v1/series --data-urlencode 'match[]=METRIC'

    Fix: write a label that the metric has, or take it out.
    """
    assert dashboard.absent_labels == []


@pytest.mark.requirement("ALR-074", refs=[VARIABLES, "Grafana: Prometheus template variables"])
def test_variables_of_dashboards_have_values(dashboard):
    """Every variable that a dashboard uses MUST be defined, and ask for metrics and labels that exist.

    Why: Grafana leaves a variable that it does not know in the query as it is, and one without values empties every panel that
    uses it.

    See: jq '.templating.list[] | {name, query}' DASHBOARD

    Fix: define the variable under the name that the queries use; ask for its values with `label_values(METRIC, LABEL)` of a
    metric that is exposed.
    """
    assert dashboard.broken_variables == []


@pytest.mark.requirement("ALR-075", refs=[JSON_MODEL])
def test_panels_have_a_query(dashboard):
    """A panel that shows data SHOULD have a query.

    Why: it stays empty for ever, and whoever is on duty can't know that.

    See: jq -r '.. | objects | select(.type? and (.targets? | length) == 0) | .title' DASHBOARD

    Fix: give it a query, or take the panel out.
    """
    assert dashboard.empty_panels == []


@pytest.mark.requirement("ALR-076", refs=[PROMETHEUS, "Prometheus: operators, aggregation"])
def test_legends_name_labels_that_are_left(dashboard):
    """A legend SHOULD name labels that the result of its query still has.

    Why: an aggregation drops the others, so that every line of the graph has the same name, or none.

    See: jq -r '.. | objects | select(.legendFormat?) | [.legendFormat, .expr] | @tsv' DASHBOARD

    Fix: keep the label in the query, `by (LABEL)`, or name in the legend what is kept.
    """
    assert dashboard.lost_legends == []
