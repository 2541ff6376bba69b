"""Whether the running Prometheus has the rules that were written, evaluates them, scrapes what they are about, and tells somebody."""

import pytest

API = "Prometheus HTTP API"
CONFIGURATION = "Prometheus configuration"


@pytest.mark.requirement("ALR-010", refs=[f"{API}: rules", f"{CONFIGURATION}: rule_files"], needs="files")
def test_declared_rules_are_loaded(prometheus):
    """The running Prometheus MUST have loaded every rule of the declared files as it is written there, and no other in their
    groups.

    Why: a rule that is in the repository and not in the server never fires, and everybody believes that it would. An earlier
    version of it rings for what was changed long ago.

    See: curl -s PROMETHEUS/api/v1/rules

    Fix: copy the files to where `rule_files` of the server's configuration finds them, and reload it: `kill -HUP`, or
    `curl -X POST PROMETHEUS/-/reload` where that is enabled. Look at its log when it refuses them.
    """
    assert prometheus.wrongly_loaded == []


@pytest.mark.requirement("ALR-011", refs=[f"{API}: rules"], needs="files")
def test_loaded_rules_are_declared(prometheus):
    """The running Prometheus SHOULD NOT have groups of rules that no declared file has.

    Why: what is only on the server is looked at by nobody, is tested by nothing, and is lost with the machine. It is advice, as
    a Prometheus may serve several teams.

    See: curl -s PROMETHEUS/api/v1/rules

    Fix: add the file to `alerts.files`; or delete it from the server, when it was left there.
    """
    assert prometheus.undeclared_groups == []


@pytest.mark.requirement("ALR-012", refs=[f"{API}: rules", "prometheus_rule_evaluation_failures_total"])
def test_rules_evaluate(prometheus):
    """Every rule MUST evaluate without an error.

    Why: a rule that fails when it meets real series, as with two of them on the side where there must be one, gives no alert
    at all, although it loads and passes every check of its text.

    See: curl -s PROMETHEUS/api/v1/rules

    Fix: run the expression by hand, and do what the error says: for many-to-many matching, `on (…)` labels that tell the
    series apart, or an aggregation on one side.
    """
    assert prometheus.unhealthy_rules == []


@pytest.mark.requirement("ALR-013", refs=[f"{API}: rules", "prometheus_rule_group_iterations_missed_total"])
def test_rules_are_evaluated_in_time(prometheus):
    """Every group of rules MUST be evaluated at its interval, in less time than that.

    Why: a group that takes longer skips evaluations. Alerts come late, `for` is counted from the wrong moment, and recorded
    series have gaps.

    See: curl -s PROMETHEUS/api/v1/rules

    Fix: record what is expensive in a group of its own, shorten its ranges, split the group, or give it a longer `interval`.
    """
    assert prometheus.late_evaluations == []


@pytest.mark.requirement(
    "ALR-014", refs=[f"{API}: runtime information", "prometheus_config_last_reload_successful", f"{CONFIGURATION}"]
)
def test_its_configuration_is_the_latest(prometheus):
    """The last reload of the configuration MUST have been a success.

    Why: a server that refuses a configuration goes on with the one before, so that nothing shows until it is restarted; then
    it does not start.

    See: curl -s PROMETHEUS/api/v1/status/runtimeinfo

    Fix: run `promtool check config` on its configuration, correct what it says, and reload.
    """
    assert prometheus.failed_reloads == []


@pytest.mark.requirement("ALR-015", refs=[f"{API}: targets", "Prometheus: jobs and instances"])
def test_targets_are_up(prometheus):
    """Every scrape target MUST be up, and scraped at its interval.

    Why: without samples an expression has no result, and an alert without a result is silent.

    See: curl -s 'PROMETHEUS/api/v1/targets?state=active'

    Fix: do what the error says. Take a target that is gone for good out of the scrape configuration.
    """
    assert prometheus.targets_down == []


@pytest.mark.requirement("ALR-016", refs=[f"{CONFIGURATION}: scrape_timeout"])
def test_scrapes_have_time_to_spare(prometheus):
    """A scrape SHOULD take at most four fifths of its timeout.

    Why: under load it takes longer, is given up, and the target counts as down just when its metrics are wanted.

    See: curl -s 'PROMETHEUS/api/v1/query?query=scrape_duration_seconds'

    Fix: expose less, or faster; raise `scrape_timeout`, and `scrape_interval` where it must be.
    """
    assert prometheus.slow_scrapes == []


@pytest.mark.requirement("ALR-017", refs=[f"{CONFIGURATION}: scrape_config"])
def test_declared_metrics_are_scraped(scraped_service):
    """The declared metrics of a service MUST be a target of the running Prometheus.

    Why: what is not scraped is not known to any alert; an alert on `up` does not tell it either, as there is no such series.

    See: curl -s 'PROMETHEUS/api/v1/targets?state=active'

    Fix: add a scrape configuration with the address and the path of these metrics, or the label by which they are discovered.
    """
    assert scraped_service.unscraped == []


@pytest.mark.requirement("ALR-018", refs=[f"{API}: alertmanagers", f"{CONFIGURATION}: alertmanager_config"])
def test_alerts_are_sent_to_the_alertmanager(prometheus):
    """The running Prometheus MUST send its alerts to the declared Alertmanager; where none is declared, to one at all.

    Why: alerts fire on the page of the Prometheus, and nobody is told.

    See: curl -s PROMETHEUS/api/v1/alertmanagers

    Fix: name the Alertmanager under `alerting.alertmanagers` of the server's configuration, with its port and path prefix, and
    reload it.
    """
    assert prometheus.untold_alertmanagers == []


@pytest.mark.requirement("ALR-019", refs=[f"{CONFIGURATION}: scrape_interval"], needs="scrape_interval")
def test_targets_are_scraped_at_the_declared_interval(prometheus):
    """Targets MUST be scraped at the declared `scrape_interval`.

    Why: the ranges of the rules are chosen for it. Where fewer samples come than a range needs, its rate is empty, and the
    alert on it is silent.

    See: curl -s 'PROMETHEUS/api/v1/targets?state=active'

    Fix: set `scrape_interval`, global or of the job, to what is declared; or declare what it is, and look at the ranges again.
    """
    assert prometheus.other_intervals == []
